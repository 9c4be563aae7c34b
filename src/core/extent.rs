//! What of the selection is here, and how it gets there: a collection that is added gets its snapshot under the present cursor,
//! and then the wider cursor; narrowing takes the bases out in the same transaction that narrows what the feed is asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::bases::is_newer;
use super::outbox::{Change, by_record};
use super::protocol::{Entry, Range};
use super::pull::RangedBases;
use super::pull_state::{PullState, Snapshot};
use super::record::{Base, CollectionName, Fields, Millis, Tombstone};
use super::schema::Schema;
use super::selection::{Bounds, DAY_MS, Part, Whose, is_since, scope_text};
use crate::mutation::{self, Mutation};

/// What of a collection is here, or on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// As it was wanted.
    #[serde(flatten)]
    pub part: Part,
    /// The date that its days came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
}

impl Held {
    fn on(part: Part, day: i64) -> Self {
        Self { part, since: part.since(day) }
    }

    /// As the server is asked for it.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        Bounds { mine: self.part.whose == Whose::Mine, since: self.since }
    }

    /// The same part on a day. A date moves on with the days. It moves back only if it is far off: the clock was wrong, and is
    /// right again; two contexts that do not agree on whether it is midnight already must not fetch and free in turn.
    fn moved(self, day: i64) -> Option<Self> {
        let wanted = Self::on(self.part, day);
        match (self.since, wanted.since) {
            (Some(here), Some(since)) if since < here.plus(-DAY_MS) => None,
            (Some(here), Some(since)) if since <= here => Some(self),
            _ => Some(wanted),
        }
    }
}

/// Collections, and what is wanted or here of each.
pub type Extent = BTreeMap<CollectionName, Held>;

/// The collections of an extent in the schema's order, as a request names them; and their scope.
#[must_use]
pub fn asked(schema: &Schema, extent: &Extent) -> (String, Option<String>) {
    let known = schema.collections.iter().map(|collection| collection.name.as_str());
    // What only a newer version of the app knows is here too, if that version runs beside this one.
    let newer = extent.keys().map(String::as_str).filter(|name| schema.collection(name).is_none());
    let names: Vec<&str> = known.filter(|name| extent.contains_key(*name)).chain(newer).collect();
    (names.join(","), scope_text(extent.iter().map(|(name, held)| (name, held.bounds()))))
}

/// Whether this is all of every collection of the schema.
#[must_use]
pub fn is_whole(schema: &Schema, extent: &Extent) -> bool {
    schema.collections.iter().all(|collection| extent.get(&collection.name).is_some_and(|held| held.part.is_whole()))
        && extent.len() == schema.collections.len()
}

/// What is to be taken out of a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The collection.
    pub collection: CollectionName,
    /// What is older than this; none: everything.
    pub since: Option<Millis>,
}

impl Sweep {
    /// Its collection, whole.
    #[must_use]
    pub fn range(&self) -> Range {
        Range { collection: self.collection.clone(), after: None, upto: None }
    }

    /// Whether a base is to go, if no unsent change needs it.
    #[must_use]
    pub fn takes(&self, schema: &Schema, tombstone: Option<Tombstone>, fields: &Fields) -> bool {
        let collection = schema.collection(&self.collection);
        let is_in = |since| collection.is_none_or(|collection| is_since(collection, fields, Some(since)));
        match (self.since, tombstone) {
            (None, _) | (_, Some(Tombstone::Left)) => true,
            // It has no fields to tell by.
            (_, Some(Tombstone::Deleted | Tombstone::Revoked)) => false,
            (Some(since), None) => !is_in(since),
        }
    }
}

/// What must be done so that what is here comes to be what is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjusted {
    /// The new state.
    pub state: PullState,
    /// What goes, in the same transaction.
    pub sweeps: Vec<Sweep>,
}

/// What is to be done on this day (in days since 1970, by the server's clock as far as it is known); none if it is all as it
/// should be.
#[must_use]
pub fn adjust(state: &PullState, schema: &Schema, day: i64) -> Option<Adjusted> {
    let before = state.covered.clone().unwrap_or_else(|| {
        // From before there was a selection: what is here whole, all of it asked for.
        let whole = state.complete.iter().filter(|_| state.cursor.is_some());
        whole.map(|name| (name.clone(), Held::default())).collect()
    });
    let is_new_day = state.swept_on != Some(day) && !state.selection.is_whole();
    let wanted = wanted(state, schema, &before);
    let (mut covered, mut missing, mut sweeps) = (Extent::new(), Extent::new(), Vec::new());
    let coming = state.snapshot.as_ref().map(|snapshot| &snapshot.wanted);
    for (name, part) in &wanted {
        let here = before.get(name).and_then(|held| narrowed(*held, *part, day));
        let on_its_way = || coming.and_then(|coming| coming.get(name)).filter(|held| held.part == *part)?.moved(day);
        match here {
            Some(held) => {
                if before[name] != held || (is_new_day && held.since.is_some()) {
                    sweeps.push(Sweep { collection: name.clone(), since: held.since });
                }
                covered.insert(name.clone(), held);
            }
            None => drop(missing.insert(name.clone(), on_its_way().unwrap_or_else(|| Held::on(*part, day)))),
        }
    }
    let dropped = |name: &&CollectionName| !wanted.contains_key(*name);
    let gone: BTreeSet<&CollectionName> =
        before.keys().chain(coming.into_iter().flat_map(Extent::keys)).filter(dropped).collect();
    // What was written there since, and has been sent.
    let unselected = schema.collections.iter().map(|collection| &collection.name).filter(dropped).filter(|_| is_new_day);
    let gone: BTreeSet<&CollectionName> = gone.into_iter().chain(unselected).collect();
    sweeps.extend(gone.into_iter().map(|name| Sweep { collection: name.clone(), since: None }));
    let mut after = state.clone();
    after.swept_on = is_new_day.then_some(day).or(state.swept_on);
    after.complete.retain(|name| wanted.get(name).is_some_and(|part| part.is_whole()));
    after.covered = Some(covered);
    after.again.retain(|name, held| wanted.get(name) == Some(&held.part));
    fetch(&mut after, schema, missing);
    (after != *state).then_some(Adjusted { state: after, sweeps })
}

/// What is wanted of each collection.
fn wanted(state: &PullState, schema: &Schema, before: &Extent) -> BTreeMap<CollectionName, Part> {
    let part = |name: &CollectionName| state.selection.of(name).map(|part| (name.clone(), part));
    let known = schema.collections.iter().filter_map(|collection| part(&collection.name));
    // An older version of the app beside a newer one leaves alone what it does not know.
    let newer = before.iter().filter(|(name, _)| schema.collection(name).is_none() && state.selection.wants(name));
    known.chain(newer.map(|(name, held)| (name.clone(), held.part))).collect()
}

/// What is here as it is wanted, if taking out is all that it takes.
fn narrowed(here: Held, part: Part, day: i64) -> Option<Held> {
    if here.part == part {
        return here.moved(day);
    }
    let wanted = Held::on(part, day);
    // What is somebody else's is told by the record that it hangs on, which need not be here: the server says.
    let is_narrower = here.part.whose == part.whose && wanted.since.is_some() && wanted.since >= here.since;
    is_narrower.then_some(wanted)
}

/// Plans the snapshot of what is missing. One that is under way for just that goes on at its page.
fn fetch(state: &mut PullState, schema: &Schema, missing: Extent) {
    if missing.is_empty() {
        // What was under way is not wanted any more, and the rest is here: the feed goes on from its watermark.
        let watermark = state.snapshot.take().and_then(|snapshot| snapshot.watermark);
        state.cursor = state.cursor.take().or(watermark);
        state.again = Extent::new();
        return;
    }
    let under_way = state.snapshot.take().unwrap_or_default();
    let covered = state.covered.as_ref();
    let left: Extent = under_way
        .wanted
        .iter()
        .filter(|(name, _)| covered.is_none_or(|covered| !covered.contains_key(*name)))
        .map(|(name, held)| (name.clone(), *held))
        .collect();
    state.snapshot = Some(if left == missing {
        under_way
    } else {
        let place = |name: &str| schema.collections.iter().position(|collection| collection.name == name);
        // The page goes on where it was if its collection is still the first, and wanted as it was.
        let of = under_way.after.as_deref().and_then(|after| after.split_once('/')).map(|(name, _)| name.to_owned());
        let stays =
            |name: &String| left.get(name) == missing.get(name) && missing.keys().all(|other| place(name) <= place(other));
        let after = under_way.after.filter(|_| of.as_ref().is_some_and(stays));
        Snapshot { after, wanted: missing, watermark: under_way.watermark, ..Snapshot::default() }
    });
}

/// Takes the bases out that a sweep is for. What unsent changes need stays, out of the scope.
pub fn sweep(schema: &Schema, sweeps: &[Sweep], outbox: &[Change], bases: &mut impl RangedBases) {
    let unsent = by_record(outbox);
    for sweep in sweeps {
        let name = sweep.collection.as_str();
        for id in bases.ids_in(&sweep.range()) {
            let Some(base) = bases.get(name, id).filter(|base| sweep.takes(schema, base.tombstone, &base.fields)).cloned() else {
                continue;
            };
            let is_needed = unsent.contains_key(&(name, id)) && !mutation::is(Mutation::UnsentEvicted);
            match base.tombstone {
                _ if !is_needed => bases.remove(name, id),
                None => bases.put(name, Base { tombstone: Some(Tombstone::Left), ..base }),
                Some(_) => {}
            }
        }
    }
}

/// The word of the server that a record that nothing unsent needs is out of the scope: it goes, unless what is here is newer.
pub fn leave(bases: &mut impl RangedBases, entry: &Entry) {
    if !bases.get(&entry.collection, entry.id).is_some_and(|old| is_newer(old, entry)) {
        bases.remove(&entry.collection, entry.id);
    }
}
