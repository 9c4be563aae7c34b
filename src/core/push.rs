//! The first half of a push: freeze what is sendable into parcels, and pick what is sent now. See `finish` for the second.
//!
//! Laws (tests/properties.rs): a parcel's patch applied to the base gives the view; `begin` after an applied answer finds
//! nothing; an open parcel is never altered.

use std::collections::{BTreeMap, BTreeSet};

use super::backoff::{PARCEL_DELAY_MS_MAX, bits};
use super::bases::{Bases, stand_in};
use super::choose::{Candidate, Key, batch, candidates, key, made};
use super::outbox::Change;
use super::parcel::{Parcel, ParcelState};
use super::protocol::{Action, Item, PushParcel};
use super::record::{Base, Fields, Millis, OpId, RowId, Tombstone, Version, field, same};
use super::rows::{End, Ended};
use super::rules::{check_patch, check_record};
use super::schema::{Collection, Schema};
use super::view::{View, difference, patch, view};

/// The first batch of a cycle; doubled after an answer that came quickly.
pub const BATCH_PARCELS_START: usize = 100;
/// The largest batch.
pub const BATCH_PARCELS_MAX: usize = 1_000;
/// Largest body of a push, as JSON.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;

/// What `begin` plans from.
#[derive(Clone, Copy)]
pub struct Begin<'a> {
    /// The app's schema.
    pub schema: &'a Schema,
    /// Every change, by `client_seq`.
    pub outbox: &'a [Change],
    /// Every parcel.
    pub parcels: &'a [Parcel],
    /// The device's clock.
    pub now: Millis,
    /// Where the op_ids' chance comes from.
    pub seed: u64,
    /// How many parcels at most.
    pub count_max: usize,
}

/// What `begin` came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Begun {
    /// New open parcels, to be written before the request.
    pub parcels: Vec<Parcel>,
    /// Refused parcels that these replace.
    pub replaced: Vec<OpId>,
    /// Changes that leave nothing to send.
    pub ended: Vec<Ended>,
    /// What is sent: these and the open ones from before, in order.
    pub send: Vec<PushParcel>,
}

/// Open parcels that are due, in order, and the records that they will make. One that names a record not yet made waits
/// for the parcel that makes it.
fn due<'a>(input: &Begin<'a>) -> (Vec<&'a Parcel>, BTreeSet<Key<'a>>) {
    let mut open: Vec<&Parcel> = input.parcels.iter().filter(|parcel| is_due(input, parcel)).collect();
    open.sort_by_key(|parcel| parcel.first_seq);
    let (made, mut on_the_way, mut due) = (made(input.outbox), BTreeSet::new(), Vec::new());
    for parcel in open {
        let own = |key: &Key<'_>| parcel.carries(key.0, key.1);
        let mut names = parcel.items.iter().flat_map(|item| {
            let collection = input.schema.collection(&item.collection);
            collection.into_iter().flat_map(|collection| collection.references(&item.patch)).map(|(_, target, id)| (target, id))
        });
        if names.all(|key| own(&key) || !made.contains(&key) || on_the_way.contains(&key)) {
            let creates = parcel.items.iter().filter(|item| item.action == Action::Create);
            on_the_way.extend(creates.map(|item| (item.collection.as_str(), item.id)));
            due.push(parcel);
        }
    }
    (due, on_the_way)
}

fn is_due(input: &Begin<'_>, parcel: &Parcel) -> bool {
    let waited = parcel.next_attempt_at.is_none_or(|at| at.has_come(input.now, PARCEL_DELAY_MS_MAX));
    let waits_for = parcel.blocked_by.is_some_and(|record| input.outbox.iter().any(|change| change.record == record));
    parcel.is_open() && parcel.then.is_none() && waited && !waits_for
}

/// The records whose bases `begin` must see.
#[must_use]
pub fn wanted<'a>(input: &Begin<'a>) -> Vec<Key<'a>> {
    let chosen = candidates(input.schema, input.outbox, input.parcels, due(input).1, input.now);
    chosen.into_iter().flat_map(|candidate| candidate.records).collect()
}

/// Freezes what may be sent now. `bases` has the bases of what is [`wanted`].
pub fn begin(input: &Begin<'_>, bases: &impl Bases) -> Begun {
    let mut begun = Begun::default();
    let mut bytes = 0;
    let (open, on_the_way) = due(input);
    for parcel in open {
        if !push_wire(&mut begun.send, &mut bytes, parcel.to_wire(), input.count_max) {
            return begun;
        }
    }
    let room = input.count_max.saturating_sub(begun.send.len());
    let by_record = by_record(input.outbox);
    let all = candidates(input.schema, input.outbox, input.parcels, on_the_way, input.now);
    let (mut ready, mut stopped) = (Vec::new(), BTreeSet::new());
    for candidate in all {
        let (fit, left) = fit(input, candidate, &by_record, bases);
        stopped.extend(left.into_iter().filter(|change| change.action == Action::Create).map(key));
        ready.push(fit);
    }
    let ready = without_dependants(ready, stopped);
    for candidate in batch(ready, room) {
        match freeze(input, &candidate, bases, begun.parcels.len() as u64) {
            Frozen::Nothing(ended) => begun.ended.extend(ended),
            Frozen::Parcel(parcel) => {
                if !push_wire(&mut begun.send, &mut bytes, parcel.to_wire(), input.count_max) {
                    break;
                }
                begun.replaced.extend(replaced_by(input, &parcel));
                begun.parcels.push(parcel);
            }
        }
    }
    begun.replaced.dedup();
    begun
}

fn push_wire(send: &mut Vec<PushParcel>, bytes: &mut usize, parcel: PushParcel, count_max: usize) -> bool {
    let size = serde_json::to_vec(&parcel).map_or(0, |json| json.len());
    // One parcel always goes, whatever its size: its records have their own limit.
    let fits = send.is_empty() || (send.len() < count_max && *bytes + size <= BATCH_BYTES_MAX);
    if fits {
        *bytes += size;
        send.push(parcel);
    }
    fits
}

fn replaced_by(input: &Begin<'_>, parcel: &Parcel) -> Vec<OpId> {
    let refused = input.parcels.iter().filter(|old| !old.is_open() && old.rows.iter().any(|row| parcel.rows.contains(row)));
    refused.map(|old| old.op_id).collect()
}

/// The candidates that are not empty and do not name (directly or not) a record that will not be made now.
fn without_dependants<'a>(ready: Vec<Candidate<'a>>, mut stopped: BTreeSet<Key<'a>>) -> Vec<Candidate<'a>> {
    let mut kept = Vec::new();
    for candidate in ready {
        if candidate.names.iter().any(|named| stopped.contains(named)) {
            stopped.extend(candidate.changes.into_iter().filter(|change| change.action == Action::Create).map(key));
        } else if !candidate.changes.is_empty() {
            kept.push(candidate);
        }
    }
    kept
}

/// The unended changes of each record: they say whether it is in conflict, sent or not.
fn by_record(outbox: &[Change]) -> BTreeMap<Key<'_>, Vec<&Change>> {
    let mut by_record: BTreeMap<Key<'_>, Vec<&Change>> = BTreeMap::new();
    for change in outbox {
        by_record.entry(key(change)).or_default().push(change);
    }
    by_record
}

/// The longest beginning of a candidate that may be sent, and the changes left out: the whole of it if one of its records
/// is in conflict or not ours any more, the saves from the end if what they come to breaks a rule. (Two legal steps of a
/// stage can be one illegal leap: then the first step is sent alone.)
fn fit<'a>(
    input: &Begin<'a>,
    mut candidate: Candidate<'a>,
    by_record: &BTreeMap<Key<'a>, Vec<&'a Change>>,
    bases: &impl Bases,
) -> (Candidate<'a>, Vec<&'a Change>) {
    let mut left = Vec::new();
    if candidate.records.iter().any(|key| is_stopped(input, *key, by_record, bases)) {
        left.append(&mut candidate.changes);
    }
    while let Some(last) = candidate.changes.last().copied().filter(|_| !keeps_all_rules(input, &candidate, bases)) {
        let of_last = |change: &&Change| change.row == last.row || (last.group.is_some() && change.group == last.group);
        left.extend(candidate.changes.iter().copied().filter(of_last));
        candidate.changes.retain(|change| !of_last(change));
    }
    candidate.records = candidate.changes.iter().copied().map(key).collect();
    (candidate, left)
}

fn is_stopped<'a>(input: &Begin<'a>, key: Key<'a>, by_record: &BTreeMap<Key<'a>, Vec<&'a Change>>, bases: &impl Bases) -> bool {
    let base = bases.get(key.0, key.1);
    let Some(collection) = input.schema.collection(key.0) else { return true };
    let all = by_record.get(&key).map_or(&[][..], Vec::as_slice);
    let stand = stand_in(all);
    base.is_some_and(|base| base.tombstone == Some(Tombstone::Revoked))
        || view(collection, base.or(stand.as_ref()), all).conflict.is_some()
}

fn keeps_all_rules(input: &Begin<'_>, candidate: &Candidate<'_>, bases: &impl Bases) -> bool {
    candidate.records.iter().all(|record| {
        let own: Vec<&Change> = candidate.changes.iter().copied().filter(|change| key(change) == *record).collect();
        let Some(collection) = input.schema.collection(record.0) else { return false };
        let stand = stand_in(&own);
        keeps_rules(collection, bases.get(record.0, record.1).or(stand.as_ref()), &own)
    })
}

/// Whether what these changes come to may be saved, by the rules that need this record alone.
#[must_use]
pub fn keeps_rules(collection: &Collection, base: Option<&Base>, changes: &[&Change]) -> bool {
    let View { fields: Some(fields), .. } = view(collection, base, changes) else { return true };
    match base.filter(|base| base.is_present()) {
        Some(base) => check_patch(collection, &base.fields, &patch(Some(base), &fields)).is_empty(),
        None => check_record(collection, &fields).is_empty(),
    }
}

/// Whether each of these changes, in turn, keeps the rules: what a record's status says. (Two legal steps of a stage need
/// not be one legal leap.)
#[must_use]
pub fn each_keeps_rules(collection: &Collection, base: Option<&Base>, changes: &[&Change]) -> bool {
    let mut before = base.filter(|base| base.is_present()).map(|base| base.fields.clone());
    (1..=changes.len()).all(|count| {
        let after = view(collection, base, &changes[..count]).fields;
        let keeps = match (&before, &after) {
            (_, None) => true,
            (None, Some(after)) => check_record(collection, after).is_empty(),
            (Some(before), Some(after)) => check_patch(collection, before, &difference(before, after)).is_empty(),
        };
        before = after;
        keeps
    })
}

enum Frozen {
    Parcel(Parcel),
    Nothing(Vec<Ended>),
}

fn freeze(input: &Begin<'_>, candidate: &Candidate<'_>, bases: &impl Bases, index: u64) -> Frozen {
    let mut items = Vec::new();
    let mut nothing = Vec::new();
    for key in &candidate.records {
        let own: Vec<&Change> =
            candidate.changes.iter().copied().filter(|change| (change.collection.as_str(), change.record) == *key).collect();
        match freeze_record(input.schema, *key, &own, bases.get(key.0, key.1)) {
            Ok(item) => items.push(item),
            Err(end) => nothing.extend(own.into_iter().map(|change| ended(change, end))),
        }
    }
    if items.is_empty() {
        return Frozen::Nothing(nothing);
    }
    // A record is made before those that name it: by the order of the first change of each.
    let place = |item: &Item| {
        candidate.changes.iter().position(|change| change.record == item.id && change.collection == item.collection)
    };
    items.sort_by_key(place);
    let rows: Vec<RowId> = candidate.changes.iter().map(|change| change.row).collect();
    Frozen::Parcel(Parcel {
        op_id: OpId::new(input.now, [bits(input.seed, index * 2), bits(input.seed, index * 2 + 1)]),
        rows,
        items,
        schema: candidate.changes.iter().map(|change| change.schema).max().unwrap_or(input.schema.schema),
        first_seq: candidate.first_seq(),
        state: ParcelState::Open,
        attempts: 0,
        next_attempt_at: None,
        blocked_by: None,
        then: None,
    })
}

/// One record's item; or, if nothing is left to send, how its changes end.
fn freeze_record(schema: &Schema, key: Key<'_>, changes: &[&Change], base: Option<&Base>) -> Result<Item, End> {
    // `candidates` lets only declared collections through.
    let Some(collection) = schema.collection(key.0) else { return Err(End::Discarded) };
    let stand = stand_in(changes);
    let base = base.or(stand.as_ref());
    let shown = view(collection, base, changes);
    let is_present = base.is_some_and(Base::is_present);
    let base_version = base.map_or(Version(0), |base| base.version);
    let edited_at = changes.last().map_or(Millis(0), |change| change.edited_at());
    let item = |action: Action, patch: Fields, seen: Fields| Item {
        collection: key.0.to_owned(),
        id: key.1,
        action,
        base_version,
        patch,
        seen,
        set_aside: shown.set_aside.clone(),
        edited_at,
    };
    match (&shown.fields, is_present) {
        (None, false) => Err(if base.is_some() { End::Confirmed } else { End::Discarded }),
        (None, true) => Ok(item(Action::Delete, Fields::new(), base.map(|base| base.fields.clone()).unwrap_or_default())),
        (Some(fields), false) => Ok(item(Action::Create, fields.clone(), Fields::new())),
        (Some(fields), true) => {
            let patch = patch(base, fields);
            if patch.is_empty() && shown.set_aside.is_empty() {
                return Err(nothing_left(changes, fields));
            }
            let empty = Fields::new();
            let before = base.map_or(&empty, |base| &base.fields);
            let seen = patch.keys().map(|name| (name.clone(), field(before, name).clone())).collect();
            Ok(item(Action::Update, patch, seen))
        }
    }
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

/// A change with its end.
#[must_use]
pub fn ended(change: &Change, end: End) -> Ended {
    Ended {
        client_seq: change.client_seq,
        row: change.row,
        collection: change.collection.clone(),
        record: change.record,
        action: change.action,
        seen: change.seen.clone(),
        written: change.written.clone(),
        saved_at: change.saved_at,
        end,
    }
}
