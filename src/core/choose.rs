//! What of the outbox may be sent, and in which order. Works on the outbox and the parcels alone; what needs a base
//! (a conflict, a lost right, a rule over the whole record) `push::begin` decides after.
//!
//! One pass in the order of `client_seq` over *saves* (a change, or the changes of one group). A save that cannot be sent
//! closes its records: so what is sendable is a prefix of each record's changes, and a group is whole or absent. Saves of
//! one record join into one parcel, and groups join records.

use std::collections::{BTreeMap, BTreeSet};

use super::outbox::Change;
use super::parcel::Parcel;
use super::protocol::{Action, GROUP_CHANGES_MAX};
use super::record::{Millis, RecordId};
use super::schema::{Mode, Schema};

/// A record by its collection and id.
pub type Key<'a> = (&'a str, RecordId);

/// The changes of one parcel to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate<'a> {
    /// Its changes by `client_seq`.
    pub changes: Vec<&'a Change>,
    /// Its records.
    pub records: BTreeSet<Key<'a>>,
    /// Records made in the outbox that it names: they go first.
    pub names: BTreeSet<Key<'a>>,
    /// The least of its collections' priorities: lower goes first when not all fit.
    pub priority: u8,
}

impl Candidate<'_> {
    /// Its place in the order.
    #[must_use]
    pub fn first_seq(&self) -> u64 {
        self.changes.first().map_or(0, |change| change.client_seq)
    }
}

struct Chooser<'a> {
    schema: &'a Schema,
    now: Millis,
    closed: BTreeSet<Key<'a>>,
    /// Records whose create has not ended.
    made: BTreeSet<Key<'a>>,
    /// Of those, the ones in an open parcel: on their way, before everything here.
    on_the_way: BTreeSet<Key<'a>>,
    candidates: Vec<Candidate<'a>>,
    of: BTreeMap<Key<'a>, usize>,
}

/// The parcels that could be begun now, each after those that it needs. `outbox` is by `client_seq`; `on_the_way` are the
/// records that open parcels sent before these will make.
#[must_use]
pub fn candidates<'a>(
    schema: &'a Schema,
    outbox: &'a [Change],
    parcels: &'a [Parcel],
    on_the_way: BTreeSet<Key<'a>>,
    now: Millis,
) -> Vec<Candidate<'a>> {
    let mut chooser = Chooser {
        schema,
        now,
        closed: BTreeSet::new(),
        made: made(outbox),
        on_the_way,
        candidates: Vec::new(),
        of: BTreeMap::new(),
    };
    for parcel in parcels {
        let records = parcel.items.iter().map(|item| (item.collection.as_str(), item.id));
        if parcel.is_open() {
            chooser.closed.extend(records);
            // A record of an open parcel whose item was empty is not in `items`; its changes are in `rows`.
            chooser.closed.extend(outbox.iter().filter(|change| parcel.rows.contains(&change.row)).map(key));
        } else if !has_newer(parcel, outbox, now) {
            chooser.closed.extend(records);
            chooser.closed.extend(outbox.iter().filter(|change| parcel.rows.contains(&change.row)).map(key));
        }
    }
    let mut rest = outbox;
    while let Some(first) = rest.first() {
        let count = match first.group {
            Some(group) => rest.iter().take_while(|change| change.group == Some(group)).count(),
            None => 1,
        };
        let (save, after) = rest.split_at(count);
        chooser.add(save);
        rest = after;
    }
    let mut candidates = chooser.candidates;
    candidates.retain(|candidate| !candidate.changes.is_empty());
    candidates.sort_by_key(Candidate::first_seq);
    candidates
}

/// The records whose create has not ended.
#[must_use]
pub fn made(outbox: &[Change]) -> BTreeSet<Key<'_>> {
    outbox.iter().filter(|change| change.action == Action::Create).map(key).collect()
}

/// The record of a change.
#[must_use]
pub fn key(change: &Change) -> Key<'_> {
    (change.collection.as_str(), change.record)
}

/// Whether a refused parcel may be replaced: one of its records has a change that it did not carry and that is not held.
fn has_newer(parcel: &Parcel, outbox: &[Change], now: Millis) -> bool {
    outbox.iter().any(|change| {
        change.client_seq > parcel.first_seq
            && parcel.carries(&change.collection, change.record)
            && !parcel.rows.contains(&change.row)
            && !change.is_held(now)
    })
}

impl<'a> Chooser<'a> {
    fn add(&mut self, save: &'a [Change]) {
        let records: BTreeSet<Key<'a>> = save.iter().map(key).collect();
        if !self.try_add(save, &records) {
            self.closed.extend(records);
        }
    }

    fn try_add(&mut self, save: &'a [Change], records: &BTreeSet<Key<'a>>) -> bool {
        let stopped = |change: &Change| change.is_held(self.now) || matches!(change.mode, Mode::Online | Mode::Remote);
        if records.iter().any(|record| self.closed.contains(record)) || save.iter().any(stopped) {
            return false;
        }
        let joined: BTreeSet<usize> = records.iter().filter_map(|record| self.of.get(record).copied()).collect();
        let mut merged = Candidate { priority: u8::MAX, ..Candidate::default() };
        for index in &joined {
            let part = &self.candidates[*index];
            merged.changes.extend(&part.changes);
            merged.records.extend(&part.records);
            merged.names.extend(&part.names);
            merged.priority = merged.priority.min(part.priority);
        }
        for change in save {
            let Some(collection) = self.schema.collection(&change.collection) else { return false };
            merged.priority = merged.priority.min(collection.priority);
            merged.changes.push(change);
            merged.records.insert(key(change));
            let named = collection.references(&change.written).map(|(_, target, id)| (target, id));
            merged.names.extend(named.filter(|named| self.made.contains(named) && !self.on_the_way.contains(named)));
        }
        merged.changes.sort_by_key(|change| change.client_seq);
        merged.names.retain(|named| !merged.records.contains(named));
        if merged.records.len() > GROUP_CHANGES_MAX || !self.names_come_first(&merged, &joined) {
            return false;
        }
        self.replace(merged, &joined);
        true
    }

    /// A named record must be in a parcel that is before this one.
    fn names_come_first(&self, merged: &Candidate<'a>, joined: &BTreeSet<usize>) -> bool {
        merged.names.iter().all(|named| match self.of.get(named) {
            Some(index) => joined.contains(index) || self.candidates[*index].first_seq() < merged.first_seq(),
            None => false,
        })
    }

    fn replace(&mut self, merged: Candidate<'a>, joined: &BTreeSet<usize>) {
        for index in joined {
            self.candidates[*index] = Candidate::default();
        }
        let index = self.candidates.len();
        for record in &merged.records {
            self.of.insert(*record, index);
        }
        self.candidates.push(merged);
    }
}

/// The candidates that go now, at most `count_max`, in order. If not all fit, priorities choose; what is chosen takes
/// along what it names; the oldest is always among them.
#[must_use]
pub fn batch<'a>(candidates: Vec<Candidate<'a>>, count_max: usize) -> Vec<Candidate<'a>> {
    if candidates.len() <= count_max {
        return candidates;
    }
    let of: BTreeMap<Key<'a>, usize> = candidates
        .iter()
        .enumerate()
        .flat_map(|(index, candidate)| candidate.records.iter().map(move |key| (*key, index)))
        .collect();
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|index| (*index != 0, candidates[*index].priority, *index));
    let mut chosen = BTreeSet::new();
    for index in order {
        let mut needed = BTreeSet::new();
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            if !chosen.contains(&index) && needed.insert(index) {
                open.extend(candidates[index].names.iter().filter_map(|named| of.get(named)));
            }
        }
        if chosen.is_empty() || chosen.len() + needed.len() <= count_max {
            chosen.extend(needed);
        }
        if chosen.len() >= count_max {
            break;
        }
    }
    candidates.into_iter().enumerate().filter(|(index, _)| chosen.contains(index)).map(|(_, candidate)| candidate).collect()
}
