//! Pulling: a snapshot page by page under a watermark, then the feed from there. What was asked with is compared before
//! anything is written, so a page that comes twice, late or out of turn changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bases::{Bases, absorb, replace};
use super::clock::Contact;
use super::finish::conflict_row;
use super::outbox::{Change, by_record};
use super::protocol::{
    Action, Body, ChangesPage, ChangesRequest, Cursor, Entry, PushRequest, Range, Request, SnapshotPage, SnapshotRequest, Told,
};
use super::record::{CollectionName, Millis, RecordId, Seq, Tombstone};
use super::rows::ConflictRow;
use super::schema::Schema;
use crate::mutation::{self, Mutation};

/// Entries of a page of the feed.
pub const CHANGES_LIMIT: u32 = 500;
/// Records of a page of a snapshot.
pub const SNAPSHOT_LIMIT: u32 = 1_000;
/// Entries of any page where the user or the network wants less traffic.
pub const SPARING_LIMIT: u32 = 100;
/// Entries that could not be applied are kept up to this many; then only counted.
pub const POISON_KEPT_MAX: usize = 100;

/// How far this device has pulled: one row of `meta`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PullState {
    /// Where the feed goes on; none before the first snapshot is whole.
    #[serde(default)]
    pub cursor: Option<Cursor>,
    /// The snapshot under way.
    #[serde(default)]
    pub snapshot: Option<Snapshot>,
    /// Collections that are here whole.
    #[serde(default)]
    pub complete: BTreeSet<CollectionName>,
    /// When the feed was last read to its end, by the device's clock.
    #[serde(default)]
    pub pulled_at: Option<Millis>,
    /// How many entries of the feed could not be applied.
    #[serde(default)]
    pub poisoned: u64,
    /// The newest commit that answered a push of this device, until the feed was read behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Cursor>,
    /// The place of the last snapshot's watermark: what lies before it is the snapshot's to say.
    #[serde(default)]
    pub watermark_seq: Seq,
}

impl PullState {
    /// What a request names of it: the cursor, and the watermark of the snapshot under way.
    #[must_use]
    pub fn place(&self) -> (Option<&Cursor>, Option<&Cursor>) {
        (self.cursor.as_ref(), self.snapshot.as_ref().and_then(|snapshot| snapshot.watermark.as_ref()))
    }

    /// Whether it is still what a push showed of it: the cursor and the mark, whatever snapshot is under way.
    #[must_use]
    pub fn is_shown_by(&self, push: &PushRequest) -> bool {
        (&self.cursor, &self.mark) == (&push.cursor, &push.mark)
    }

    /// Whether a page brings nothing, not even a newer cursor: then there is nothing to write.
    #[must_use]
    pub fn is_told_nothing(&self, body: &Body) -> bool {
        matches!(body, Body::Changes(page) if page.changes.is_empty() && !page.has_more && self.cursor.as_ref() == Some(&page.cursor))
    }
}

/// A snapshot under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The last record that came.
    pub after: Option<String>,
    /// From the first page.
    pub watermark: Option<Cursor>,
    /// Records so far.
    pub done: u64,
    /// Of so many.
    pub total: u64,
}

/// The next request.
#[must_use]
pub fn begin(state: &PullState, schema: &Schema) -> Request {
    if let (Some(cursor), None) = (&state.cursor, &state.snapshot) {
        let (cursor, mark) = (cursor.clone(), state.mark.clone());
        return Request::Changes(ChangesRequest { cursor, schema: schema.schema, limit: CHANGES_LIMIT, mark });
    }
    let snapshot = state.snapshot.clone().unwrap_or_default();
    let names: Vec<&str> = schema.collections.iter().map(|collection| collection.name.as_str()).collect();
    Request::Snapshot(SnapshotRequest {
        collections: names.join(","),
        schema: schema.schema,
        limit: SNAPSHOT_LIMIT,
        after: snapshot.after,
        before: None,
        watermark: snapshot.watermark,
        scope: None,
    })
}

/// The same request, for little at once.
#[must_use]
pub fn sparing(request: Request) -> Request {
    match request {
        Request::Changes(asked) => Request::Changes(ChangesRequest { limit: asked.limit.min(SPARING_LIMIT), ..asked }),
        Request::Snapshot(asked) => Request::Snapshot(SnapshotRequest { limit: asked.limit.min(SPARING_LIMIT), ..asked }),
        other @ (Request::Push(_) | Request::Preview(_) | Request::Void(_) | Request::Report(_)) => other,
    }
}

/// The state after 410: everything is asked for again, and nothing that is here goes before its range is answered.
#[must_use]
pub fn restart(state: &PullState) -> PullState {
    let snapshot = Some(Snapshot::default());
    PullState { cursor: None, mark: None, watermark_seq: Seq(0), snapshot, poisoned: 0, ..state.clone() }
}

/// Bases of which a range can be asked for and taken out.
pub trait RangedBases: Bases {
    /// The ids in a range.
    fn ids_in(&self, range: &Range) -> Vec<RecordId>;
    /// Takes one out.
    fn remove(&mut self, collection: &str, id: RecordId);
}

/// What a page comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pulled {
    /// The new state.
    pub state: PullState,
    /// Entries that could not be applied, raw.
    pub poison: Vec<Value>,
    /// Conflicts that were found.
    pub conflicts: Vec<ConflictRow>,
    /// Whether there is more to pull now.
    pub more: bool,
}

/// What of a page this client understands, and what it does not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sorted {
    /// Entries of collections that the schema has.
    pub entries: Vec<Entry>,
    /// The others, raw.
    pub poison: Vec<Value>,
}

impl Sorted {
    /// Sorts what a page tells.
    #[must_use]
    pub fn of(schema: &Schema, told: Vec<Told>) -> Self {
        let mut sorted = Self::default();
        for told in told {
            match told {
                Told::Entry(entry) if schema.collection(&entry.collection).is_some() => sorted.entries.push(entry),
                // An entry is numbers, texts and JSON: it always serialises.
                Told::Entry(entry) => sorted.poison.push(serde_json::to_value(entry).unwrap_or_default()),
                Told::Unread(raw) => sorted.poison.push(raw),
            }
        }
        sorted
    }

    /// The records whose pages must be read before the page is applied.
    pub fn records(&self) -> impl Iterator<Item = (CollectionName, RecordId)> {
        self.entries.iter().map(|entry| (entry.collection.clone(), entry.id))
    }
}

/// The changes that have not ended, by record.
type Unsent<'a> = BTreeMap<(&'a str, RecordId), Vec<&'a Change>>;

/// Applies a page of the feed, without what it `told`, which is sorted. `state` is what it was asked with.
pub fn finish_changes(
    schema: &Schema,
    state: &PullState,
    page: &ChangesPage,
    told: Sorted,
    outbox: &[Change],
    contact: Contact,
    bases: &mut impl Bases,
) -> Pulled {
    let touched: Vec<(CollectionName, RecordId)> = told.records().collect();
    let Sorted { entries, poison } = told;
    let unsent = by_record(outbox);
    for entry in entries {
        let collection = entry.collection.clone();
        let changes = unsent.get(&(collection.as_str(), entry.id)).map_or(&[][..], Vec::as_slice);
        absorb(bases, &collection, entry, changes, contact);
    }
    let mut state = PullState { cursor: Some(page.cursor.clone()), ..state.clone() };
    state.poisoned += poison.len() as u64;
    if !page.has_more {
        state.pulled_at = Some(contact.now);
        // The feed was read behind it: the cursor says as much.
        state.mark = None;
    }
    let conflicts = find_conflicts(schema, &unsent, touched.iter(), contact.now, bases);
    Pulled { state, poison, conflicts, more: page.has_more }
}

/// Applies a page of a snapshot, without what it `told`: it replaces the ranges that it speaks for.
pub fn finish_snapshot(
    schema: &Schema,
    state: &PullState,
    page: &SnapshotPage,
    told: Sorted,
    outbox: &[Change],
    contact: Contact,
    bases: &mut impl RangedBases,
) -> Pulled {
    let here: BTreeSet<(CollectionName, RecordId)> = told.records().collect();
    let count = (told.entries.len() + told.poison.len()) as u64;
    let Sorted { entries, poison } = told;
    // One that cannot be read is there all the same: the base that is here stays until it can.
    let unread: BTreeSet<RecordId> = poison.iter().filter_map(|raw| raw.get("id")?.as_str()?.parse().ok()).collect();
    let unsent = by_record(outbox);
    for range in &page.ranges {
        for id in bases.ids_in(range) {
            if !unread.contains(&id) && !here.contains(&(range.collection.clone(), id)) {
                absent(&range.collection, id, page, &unsent, bases);
            }
        }
    }
    for entry in entries {
        let collection = entry.collection.clone();
        let newer = |old: &super::record::Base| old.seq > page.watermark_seq && old.seq > entry.seq;
        if !bases.get(&collection, entry.id).is_some_and(newer) || mutation::is(Mutation::OlderReplaces) {
            let changes = unsent.get(&(collection.as_str(), entry.id)).map_or(&[][..], Vec::as_slice);
            replace(bases, &collection, entry, changes, contact);
        }
    }
    let before = state.snapshot.clone().unwrap_or_default();
    let mut state = state.clone();
    state.poisoned += poison.len() as u64;
    state.complete.extend(page.ranges.iter().filter(|range| range.upto.is_none()).map(|range| range.collection.clone()));
    state.cursor = page.cursor.clone();
    state.watermark_seq = page.watermark_seq;
    state.snapshot = page.cursor.is_none().then(|| Snapshot {
        after: page.next.clone(),
        watermark: Some(page.watermark.clone()),
        done: before.done + count,
        total: page.total,
    });
    let conflicts = find_conflicts(schema, &unsent, here.iter(), contact.now, bases);
    Pulled { state, poison, conflicts, more: true }
}

/// A base in a range that the server answered without it.
fn absent(collection: &str, id: RecordId, page: &SnapshotPage, unsent: &Unsent<'_>, bases: &mut impl RangedBases) {
    let Some(base) = bases.get(collection, id) else { return };
    if base.seq > page.watermark_seq {
        return;
    }
    let (mut base, is_adrift) = (base.clone(), base.is_adrift());
    if is_adrift {
        // The server has spoken: from now on it is a base like any, as old as the snapshot. What the ledger answers to an
        // older parcel does not bring the record back, and whatever comes does.
        base.seq = Seq(page.watermark_seq.0.max(1));
    }
    match (base.tombstone, unsent.get(&(collection, id))) {
        (Some(Tombstone::Deleted | Tombstone::Revoked), _) if !is_adrift => {}
        (Some(Tombstone::Deleted | Tombstone::Revoked), None) => bases.put(collection, base),
        // Made in a lifetime of the server that is over, and to be made again.
        (_, Some(changes)) if is_adrift && changes[0].action == Action::Create => bases.remove(collection, id),
        (_, Some(_)) => {
            // A restored server may get it back, from whoever made it: until then its changes are in quarantine.
            base.tombstone = Some(if is_adrift { Tombstone::Revoked } else { Tombstone::Left });
            bases.put(collection, base);
        }
        (_, None) => bases.remove(collection, id),
    }
}

fn find_conflicts<'a>(
    schema: &Schema,
    unsent: &Unsent<'_>,
    touched: impl Iterator<Item = &'a (CollectionName, RecordId)>,
    now: Millis,
    bases: &impl Bases,
) -> Vec<ConflictRow> {
    let mut found = Vec::new();
    for (collection, id) in touched {
        let Some(changes) = unsent.get(&(collection.as_str(), *id)) else { continue };
        found.extend(conflict_row(schema, collection, *id, bases.get(collection, *id), changes, now));
    }
    found
}
