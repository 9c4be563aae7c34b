//! What of the outbox may be sent, and in which order. Works on the outbox and the parcels alone; what needs a base
//! (a conflict, a lost right, a rule over the whole record) `push::begin` decides after.
//!
//! One pass in the order of `client_seq` over *saves* (a change, or the changes of one group). A save that cannot be sent
//! closes its records: so what is sendable is a prefix of each record's changes, and a group is whole or absent. Saves of
//! one record join into one parcel, and groups join records.

use std::collections::{BTreeMap, BTreeSet};

use super::outbox::{Change, by_record, by_row};
use super::parcel::Parcel;
use super::protocol::{Action, GROUP_CHANGES_MAX};
use super::record::{GroupId, Millis, RecordId};
use super::schema::{Mode, Schema};
use super::view::View;
use crate::mutation::{self, Mutation};

/// A record by its collection and id.
pub type Key<'a> = (&'a str, RecordId);

/// The changes of each record, by `client_seq`.
pub type ByRecord<'a> = BTreeMap<Key<'a>, Vec<&'a Change>>;

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
    /// Looked at for its priority, and not only because another names it or for its age.
    pub(super) leads: bool,
    /// One of the oldest.
    pub(super) is_old: bool,
    /// What its changes make of each record, once that is known (see `fit`).
    pub(super) views: BTreeMap<Key<'a>, View>,
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
    by_record: ByRecord<'a>,
    groups: BTreeMap<GroupId, Vec<&'a Change>>,
    closed: BTreeSet<Key<'a>>,
    /// Records whose create has not ended.
    made: BTreeSet<Key<'a>>,
    /// Of those, the ones in an open parcel: on their way, before everything here.
    on_the_way: BTreeSet<Key<'a>>,
    candidates: Vec<Candidate<'a>>,
    of: BTreeMap<Key<'a>, usize>,
}

/// The parcels that could be begun now, each after those that it needs. `outbox` is by `client_seq`, the whole or what
/// `window::look` takes of it; `on_the_way` are the records that open parcels sent before these will make. And the changes of each
/// record, but for those that are done only with an answer.
#[must_use]
pub fn candidates<'a>(
    schema: &'a Schema,
    outbox: &[&'a Change],
    parcels: &'a [Parcel],
    on_the_way: BTreeSet<Key<'a>>,
    now: Millis,
) -> (Vec<Candidate<'a>>, ByRecord<'a>) {
    let mut groups: BTreeMap<GroupId, Vec<&Change>> = BTreeMap::new();
    for &change in outbox {
        if let Some(group) = change.group {
            groups.entry(group).or_default().push(change);
        }
    }
    // What waits for an answer is no part of a view, so it stands in the way of nothing: it has its own parcel.
    let offline = || outbox.iter().copied().filter(|change| !change.is_online());
    let by_record = by_record(offline());
    let mut chooser = Chooser {
        schema,
        now,
        closed: closed(outbox, &by_record, parcels, now),
        by_record,
        groups,
        made: made(outbox.iter().copied()),
        on_the_way,
        candidates: Vec::new(),
        of: BTreeMap::new(),
    };
    let mut done = BTreeSet::new();
    for change in offline() {
        if !done.contains(&change.client_seq) {
            let save = chooser.add(change, &done);
            if save.len() > 1 {
                done.extend(save.iter().map(|change| change.client_seq));
            }
        }
    }
    let mut candidates = chooser.candidates;
    candidates.retain(|candidate| !candidate.changes.is_empty());
    candidates.sort_by_key(Candidate::first_seq);
    (candidates, chooser.by_record)
}

/// Records of which nothing is sendable: an open parcel has them, or a refused one that no newer change mends.
fn closed<'a>(outbox: &[&'a Change], by_record: &ByRecord<'a>, parcels: &'a [Parcel], now: Millis) -> BTreeSet<Key<'a>> {
    let by_row = if parcels.is_empty() { BTreeMap::new() } else { by_row(outbox.iter().copied()) };
    let mut closed = BTreeSet::new();
    // A refused online parcel waits for a person alone: what else is done to its record has nothing to do with it.
    let closes = |parcel: &&Parcel| parcel.is_open() || !(parcel.online || has_newer(parcel, by_record, now));
    for parcel in parcels.iter().filter(closes) {
        closed.extend(parcel.items.iter().map(|item| (item.collection.as_str(), item.id)));
        // A record whose item was empty is not in `items`; its changes are in `rows`.
        closed.extend(parcel.rows.iter().filter_map(|row| by_row.get(row)).map(|change| key(change)));
    }
    closed
}

/// The records whose create has not ended.
#[must_use]
pub fn made<'a>(outbox: impl IntoIterator<Item = &'a Change>) -> BTreeSet<Key<'a>> {
    outbox.into_iter().filter(|change| change.action == Action::Create).map(key).collect()
}

/// The record of a change.
#[must_use]
pub fn key(change: &Change) -> Key<'_> {
    (change.collection.as_str(), change.record)
}

/// Whether a refused parcel may be replaced: one of its records has a change that it did not carry and that is not held.
fn has_newer(parcel: &Parcel, by_record: &BTreeMap<Key<'_>, Vec<&Change>>, now: Millis) -> bool {
    let of_items = parcel.items.iter().filter_map(|item| by_record.get(&(item.collection.as_str(), item.id)));
    of_items.flatten().any(|change| mends(parcel, change) && !change.is_held(now))
}

/// Whether this change may mend a refused parcel: it is of one of its records, and was not in it. It came after it; or a
/// restored server gave it back, and then it comes before, and may be what the parcel lacked.
#[must_use]
pub fn mends(parcel: &Parcel, change: &Change) -> bool {
    parcel.carries(&change.collection, change.record) && !parcel.rows.contains(&change.row)
}

/// Whether other changes lie between those of a group, from this one of it on.
pub(super) fn is_spread(group: &[&Change], first: &Change) -> bool {
    group.last().is_some_and(|last| last.client_seq - first.client_seq >= group.len() as u64)
}

impl<'a> Chooser<'a> {
    /// What goes together with this change: itself, or its group. If a resolution stands for a part of the group, other
    /// changes lie between: then also what must go before the part; and with `made`, what the part names and is made between.
    fn save(&self, first: &'a Change, done: &BTreeSet<u64>, made: bool) -> Vec<&'a Change> {
        let Some(group) = self.group(first) else { return vec![first] };
        if !is_spread(group, first) {
            return group.to_vec();
        }
        let mut save: BTreeMap<u64, &Change> = BTreeMap::new();
        let mut open = group.to_vec();
        while let Some(change) = open.pop() {
            let is_over = change.client_seq < first.client_seq || done.contains(&change.client_seq);
            if !is_over && save.insert(change.client_seq, change).is_none() {
                let of_record = self.by_record.get(&key(change)).into_iter().flatten();
                open.extend(of_record.filter(|other| other.client_seq < change.client_seq));
                open.extend(change.group.and_then(|group| self.groups.get(&group)).into_iter().flatten());
                if made {
                    let named = self.named(change).filter_map(|named| self.by_record.get(&named));
                    open.extend(named.flatten().filter(|other| other.action == Action::Create));
                }
            }
        }
        save.into_values().collect()
    }

    fn group(&self, change: &Change) -> Option<&[&'a Change]> {
        let group = change.group.filter(|_| !mutation::is(Mutation::GroupsApart))?;
        self.groups.get(&group).map(Vec::as_slice)
    }

    /// Records that this change names, that are yet to be made, and not on their way.
    fn named(&self, change: &'a Change) -> impl Iterator<Item = Key<'a>> {
        let named = self.schema.collection(&change.collection).into_iter().flat_map(|its| its.references(&change.written));
        let named = named.map(|(_, target, id)| (target, id));
        named.filter(|named| self.made.contains(named) && !self.on_the_way.contains(named))
    }

    /// Adds the save of this change, or closes its records. What is made in the midst of a group that names it joins it, for
    /// each may wait for the other; but not if that cannot go.
    fn add(&mut self, first: &'a Change, done: &BTreeSet<u64>) -> Vec<&'a Change> {
        let records = |save: &[&'a Change]| save.iter().copied().map(key).collect::<BTreeSet<Key<'a>>>();
        if self.group(first).is_some_and(|group| is_spread(group, first)) {
            let save = self.save(first, done, true);
            if self.try_add(&save, &records(&save)) {
                return save;
            }
        }
        let save = self.save(first, done, false);
        let records = records(&save);
        if !self.try_add(&save, &records) {
            self.closed.extend(records);
        }
        save
    }

    fn try_add(&mut self, save: &[&'a Change], records: &BTreeSet<Key<'a>>) -> bool {
        let stopped = |change: &&Change| change.is_held(self.now) || change.mode == Mode::Remote;
        if records.iter().any(|record| self.closed.contains(record)) || save.iter().any(stopped) {
            return false;
        }
        let joined: BTreeSet<usize> = records.iter().filter_map(|record| self.of.get(record).copied()).collect();
        let (mut names, mut priority) = (BTreeSet::new(), u8::MAX);
        for change in save {
            let Some(collection) = self.schema.collection(&change.collection) else { return false };
            priority = priority.min(collection.priority);
            names.extend(self.named(change));
        }
        let added = records.iter().filter(|record| !self.of.contains_key(*record)).count();
        let size = added + joined.iter().map(|index| self.candidates[*index].records.len()).sum::<usize>();
        if size > GROUP_CHANGES_MAX || !self.names_come_first(&names, save, records, &joined) {
            return false;
        }
        self.join(save, names, priority, joined);
        true
    }

    /// A named record must be in a parcel that is before this one.
    fn names_come_first(
        &self,
        names: &BTreeSet<Key<'a>>,
        save: &[&'a Change],
        records: &BTreeSet<Key<'a>>,
        joined: &BTreeSet<usize>,
    ) -> bool {
        let firsts = joined.iter().map(|index| self.candidates[*index].first_seq());
        let first_seq = firsts.chain(save.iter().map(|change| change.client_seq)).min().unwrap_or(0);
        let parts = joined.iter().flat_map(|index| &self.candidates[*index].names).filter(|_| joined.len() > 1);
        names.iter().chain(parts).filter(|named| !records.contains(*named)).all(|named| match self.of.get(named) {
            Some(index) => joined.contains(index) || self.candidates[*index].first_seq() < first_seq,
            None => false,
        })
    }

    /// Adds a save to the candidates that it joins, or makes a new one.
    fn join(&mut self, save: &[&'a Change], names: BTreeSet<Key<'a>>, priority: u8, joined: BTreeSet<usize>) {
        let most = joined.iter().copied().max_by_key(|index| self.candidates[*index].changes.len());
        let index = most.unwrap_or_else(|| {
            self.candidates.push(Candidate { priority, ..Candidate::default() });
            self.candidates.len() - 1
        });
        let mut merged = std::mem::take(&mut self.candidates[index]);
        let follows = |last: &&Change| save.first().is_none_or(|first| last.client_seq < first.client_seq);
        let in_order = joined.len() <= 1 && merged.changes.last().is_none_or(follows);
        for other in joined.into_iter().filter(|other| *other != index) {
            let part = std::mem::take(&mut self.candidates[other]);
            merged.changes.extend(part.changes);
            merged.names.extend(part.names);
            merged.priority = merged.priority.min(part.priority);
            self.of.extend(part.records.iter().map(|record| (*record, index)));
            merged.records.extend(part.records);
        }
        for change in save {
            merged.changes.push(change);
            merged.records.insert(key(change));
            self.of.insert(key(change), index);
        }
        if !in_order {
            merged.changes.sort_by_key(|change| change.client_seq);
        }
        merged.names.extend(names);
        merged.names.retain(|named| !merged.records.contains(named));
        merged.priority = merged.priority.min(priority);
        self.candidates[index] = merged;
    }
}
