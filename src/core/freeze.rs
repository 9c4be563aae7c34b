//! A candidate, frozen: each record's view minus its base.

use std::collections::BTreeSet;

use super::backoff::bits;
use super::bases::{Bases, stand_in};
use super::choose::{Candidate, Key};
use super::number::{spell, spell_fields};
use super::outbox::Change;
use super::parcel::{Parcel, ParcelState};
use super::protocol::{Action, Item};
use super::push::{Begin, ended};
use super::record::{Base, CollectionName, Fields, Millis, OpId, RecordId, RowId, Version, field, same};
use super::rows::{End, Ended};
use super::schema::Schema;
use super::view::{View, patch, view};
use crate::mutation::{self, Mutation};

/// What a candidate comes to.
pub(super) enum Frozen {
    /// Something to send.
    Parcel(Box<Parcel>),
    /// Nothing: how its changes end.
    Nothing(Vec<Ended>),
}

/// Freezes a candidate.
pub(super) fn freeze(input: &Begin<'_>, candidate: &mut Candidate<'_>, bases: &impl Bases) -> Frozen {
    let mut views = std::mem::take(&mut candidate.views);
    let mut items = Vec::new();
    let mut nothing = Vec::new();
    for key in &candidate.records {
        let own: Vec<&Change> =
            candidate.changes.iter().copied().filter(|change| (change.collection.as_str(), change.record) == *key).collect();
        match freeze_record(input.schema, *key, &own, bases.get(key.0, key.1), views.remove(key)) {
            Ok(item) => items.push(item),
            Err(end) => nothing.extend(own.into_iter().map(|change| ended(change, end))),
        }
    }
    if items.is_empty() {
        return Frozen::Nothing(nothing);
    }
    let place = |item: &Item| {
        candidate.changes.iter().position(|change| change.record == item.id && change.collection == item.collection)
    };
    items.sort_by_key(place);
    let items = made_first(input.schema, items);
    let rows: Vec<RowId> = candidate.changes.iter().map(|change| change.row).collect();
    // Of its first change, not of its place in the batch: work that is repeated, over what another context saved meanwhile, must
    // not give the op_id of what the first run has begun to something else.
    let first = candidate.first_seq();
    let mut op_id = OpId::new(input.now, [bits(input.seed, first * 2), bits(input.seed, first * 2 + 1)]);
    if mutation::is(Mutation::SpentOpId)
        && let Some(spent) = input.parcels.iter().find(|old| old.rows.iter().any(|row| rows.contains(row)))
    {
        op_id = spent.op_id;
    }
    Frozen::Parcel(Box::new(Parcel {
        op_id,
        rows,
        items: items.into(),
        schema: candidate.changes.iter().map(|change| change.schema).max().unwrap_or(input.schema.schema),
        first_seq: candidate.first_seq(),
        state: ParcelState::Open,
        attempts: 0,
        next_attempt_at: None,
        blocked_by: None,
        then: None,
        online: false,
    }))
}

/// The items in their order, but a record is made before those that name it.
fn made_first(schema: &Schema, items: Vec<Item>) -> Vec<Item> {
    let mut waits: BTreeSet<(CollectionName, RecordId)> = BTreeSet::new();
    waits.extend(items.iter().filter(|item| item.action == Action::Create).map(|item| (item.collection.clone(), item.id)));
    let (mut left, mut ordered) = (items, Vec::new());
    while !left.is_empty() {
        let is_free = |item: &Item| {
            let collection = schema.collection(&item.collection);
            let mut names = collection.into_iter().flat_map(|collection| collection.references(&item.patch));
            !names.any(|(_, target, id)| id != item.id && waits.contains(&(target.to_owned(), id)))
        };
        // Records that name each other in a circle stay in their order.
        let item = left.remove(left.iter().position(is_free).unwrap_or(0));
        waits.remove(&(item.collection.clone(), item.id));
        ordered.push(item);
    }
    ordered
}

/// One record's item; or, if nothing is left to send, how its changes end.
/// `shown` is what they make of it, if that is known.
fn freeze_record(
    schema: &Schema,
    key: Key<'_>,
    changes: &[&Change],
    base: Option<&Base>,
    shown: Option<View>,
) -> Result<Item, End> {
    // `candidates` lets only declared collections through.
    let Some(collection) = schema.collection(key.0) else { return Err(End::Discarded) };
    let stand = if base.is_some() { None } else { stand_in(changes) };
    let (is_known, base) = (base.is_some(), base.or(stand.as_ref()));
    let shown = shown.unwrap_or_else(|| view(collection, base, changes));
    let is_present = base.is_some_and(Base::is_present);
    // A conflict with what only stands in for a base is nobody's to decide yet. Without a version the server says what it has,
    // and then it is put to the person.
    let is_asked = !is_known && shown.conflict.is_some();
    let base_version = base.filter(|_| !is_asked).map_or(Version(0), |base| base.version);
    let edited_at = changes.last().map_or(Millis(0), |change| change.edited_at());
    let mut set_aside = if mutation::is(Mutation::SetAsideUntold) { vec![] } else { shown.set_aside.clone() };
    set_aside.iter_mut().for_each(|lost| spell(&mut lost.value));
    // As it comes back from the store: sent again it must be the same to the byte. A base has the server's spelling, and a
    // sum has its own.
    let item = |action: Action, patch: Fields, seen: Fields| Item {
        collection: key.0.to_owned(),
        id: key.1,
        action,
        base_version,
        patch: spell_fields(patch),
        seen: spell_fields(seen),
        seen_version: None,
        set_aside: set_aside.clone(),
        edited_at,
    };
    match (&shown.fields, is_present) {
        (None, false) => Err(if base.is_some() { End::Confirmed } else { End::Discarded }),
        (None, true) => Ok(item(Action::Delete, Fields::new(), base.map(|base| base.fields.clone()).unwrap_or_default())),
        (Some(fields), false) => Ok(item(Action::Create, fields.clone(), Fields::new())),
        (Some(fields), true) => {
            let mut patch = patch(base, fields);
            let untold = if is_known { Fields::new() } else { untold(changes, fields, &patch) };
            let is_told = untold.is_empty();
            patch.extend(untold);
            if patch.is_empty() && shown.set_aside.is_empty() {
                return Err(nothing_left(changes, fields));
            }
            let empty = Fields::new();
            let before = base.map_or(&empty, |base| &base.fields);
            let seen = patch.keys().map(|name| (name.clone(), field(before, name).clone())).collect();
            let item = item(Action::Update, patch, seen);
            Ok(match is_told {
                true => Item { seen_version: seen_before(changes, base_version), ..item },
                false => Item { base_version: Version(0), ..item },
            })
        }
    }
}

/// The oldest version that these changes had seen, if that is before the one that they are built on now. A decision has seen
/// theirs as it was shown. A create has seen nothing, whatever was there: behind others it is they that say what was seen.
pub(super) fn seen_before(changes: &[&Change], base_version: Version) -> Option<Version> {
    let (first, later) = changes.split_first()?;
    let later = later.iter().filter(|change| change.action != Action::Create);
    let oldest = later.fold(first.seen.version, |oldest, change| oldest.min(change.seen.version));
    (oldest < base_version).then_some(oldest)
}

/// What was written and is no part of the patch over what only stands in for a base. That does not show that the server has
/// it: a form may have seen it while it was unsent. It is sent without a version, so that the server says what it has.
fn untold(changes: &[&Change], fields: &Fields, patch: &Fields) -> Fields {
    let written = changes.iter().flat_map(|change| change.written.keys()).filter(|name| !patch.contains_key(*name));
    written.map(|name| (name.clone(), field(fields, name).clone())).collect()
}

/// The base has it: confirmed, unless the edits only cancelled each other.
fn nothing_left(changes: &[&Change], fields: &Fields) -> End {
    let mut first_seen = Fields::new();
    for change in changes {
        for name in change.written.keys() {
            if !first_seen.contains_key(name) {
                first_seen.insert(name.clone(), field(&change.seen.fields, name).clone());
            }
        }
    }
    let cancelled = first_seen.iter().all(|(name, seen)| same(seen, field(fields, name)));
    if cancelled && changes.len() > 1 { End::Discarded } else { End::Confirmed }
}
