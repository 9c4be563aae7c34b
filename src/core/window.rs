//! How much of a long outbox is looked at for one batch: the records that priorities choose first, the oldest few, and what
//! they name. What is chosen of them is what would be chosen of all; or it is too few, and says so.
//!
//! Law (tests/properties.rs): a begin within a window is the begin over all, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::{Candidate, Key, is_spread, key};
use super::outbox::Change;
use super::parcel::Parcel;
use super::protocol::Action;
use super::push::Begin;
use super::record::{GroupId, RecordId};
use super::schema::Schema;

/// So many of the oldest are looked at whatever their priority: the first of them that can go is always in the batch.
const OLDEST: usize = 64;

/// So many records are looked at first for a batch of so many parcels, and at the n-th try.
#[must_use]
pub fn window(count_max: usize, tries: u32) -> usize {
    count_max.saturating_add(OLDEST).saturating_mul(4usize.saturating_pow(tries))
}

/// What is looked at of an outbox.
pub(super) struct Look<'a> {
    /// Every change of the records that are looked at, by `client_seq`.
    pub changes: Vec<&'a Change>,
    /// Where the window ends; nothing if all is looked at.
    end: Option<End>,
}

/// What comes from here on was not looked at for its own sake.
#[derive(Clone, Copy)]
struct End {
    /// By priority, then by age.
    place: (u8, u64),
    /// By age alone.
    age: u64,
}

impl Look<'_> {
    /// Whether this is the whole outbox.
    pub(super) fn is_whole(&self) -> bool {
        self.end.is_none()
    }

    /// Notes what each was looked at for: before anything is left out of it, which could change its place.
    pub(super) fn mark(&self, candidates: &mut [Candidate<'_>]) {
        for candidate in candidates {
            let (priority, age) = (candidate.priority, candidate.first_seq());
            candidate.leads = self.end.is_none_or(|end| (priority, age) < end.place);
            candidate.is_old = self.end.is_none_or(|end| age < end.age);
        }
    }
}

/// What of an outbox stays together in whatever is made of it: a record's changes, and records that were saved as a group (with
/// what is made in its midst) or refused in one parcel. A candidate is never of two units, and its place never before its unit's.
struct Units<'a> {
    outbox: &'a [&'a Change],
    /// The changes' places in `outbox`, those of a record together.
    places: Vec<usize>,
    /// Each record, by id: where its places begin and end. (Two collections with one id are taken for one record.)
    records: Vec<(RecordId, usize, usize)>,
    /// Of each record, the next one of its unit: a ring.
    next: Vec<usize>,
    /// Of each record, its unit's name: one of its records.
    unit: Vec<usize>,
}

impl<'a> Units<'a> {
    fn of(schema: &Schema, outbox: &'a [&'a Change], parcels: &[Parcel]) -> Self {
        let mut places: Vec<usize> = (0..outbox.len()).collect();
        places.sort_unstable_by_key(|place| (outbox[*place].record, *place));
        let mut records: Vec<(RecordId, usize, usize)> = Vec::new();
        for (at, place) in places.iter().enumerate() {
            match records.last_mut() {
                Some((id, _, end)) if *id == outbox[*place].record => *end = at + 1,
                _ => records.push((outbox[*place].record, at, at + 1)),
            }
        }
        let all: Vec<usize> = (0..records.len()).collect();
        let mut units = Self { outbox, places, records, next: all.clone(), unit: all };
        units.join_groups(schema);
        for parcel in parcels.iter().filter(|parcel| !parcel.is_open()) {
            let of_items = parcel.items.iter().filter_map(|item| units.record(item.id));
            units.join(&of_items.collect::<Vec<_>>());
        }
        units
    }

    fn join_groups(&mut self, schema: &Schema) {
        let mut groups: BTreeMap<GroupId, Vec<&'a Change>> = BTreeMap::new();
        for change in self.outbox {
            if let Some(group) = change.group {
                groups.entry(group).or_default().push(change);
            }
        }
        for group in groups.values() {
            let mut records: Vec<usize> = group.iter().filter_map(|change| self.record(change.record)).collect();
            // What is made in the midst of such a group, and is named by it, may join it.
            if is_spread(group, group[0]) {
                let of_unit: Vec<usize> = records.iter().flat_map(|record| self.ring(*record)).collect();
                let named = self.closure(schema, of_unit.into_iter());
                records.extend((0..named.len()).filter(|record| named[*record]));
            }
            self.join(&records);
        }
    }

    /// Makes one unit of the units of these records.
    fn join(&mut self, records: &[usize]) {
        let Some((first, rest)) = records.split_first() else { return };
        for record in rest {
            if self.unit[*record] != self.unit[*first] {
                let name = self.unit[*first];
                for other in self.ring(*record) {
                    self.unit[other] = name;
                }
                self.next.swap(*first, *record);
            }
        }
    }

    /// The records of this one's unit.
    fn ring(&self, record: usize) -> Vec<usize> {
        let others = std::iter::successors(Some(self.next[record]), |at| Some(self.next[*at]));
        std::iter::once(record).chain(others.take_while(|at| *at != record)).collect()
    }

    fn record(&self, id: RecordId) -> Option<usize> {
        self.records.binary_search_by_key(&id, |record| record.0).ok()
    }

    fn changes(&self, record: usize) -> impl Iterator<Item = &'a Change> {
        let (_, begin, end) = self.records[record];
        self.places[begin..end].iter().map(|place| self.outbox[*place])
    }

    /// The units' places in the order: the least priority of their collections, and their oldest change; with their names. Not those
    /// that are on their way: of these nothing can go.
    fn ranked(&self, schema: &Schema, sent: &BTreeSet<Key<'_>>) -> Vec<((u8, u64), usize)> {
        let mut place_of: Vec<(u8, u64)> = vec![(u8::MAX, u64::MAX); self.records.len()];
        let mut is_left = vec![sent.is_empty(); self.records.len()];
        for record in 0..self.records.len() {
            if !sent.is_empty() && self.changes(record).any(|change| !sent.contains(&key(change))) {
                is_left[self.unit[record]] = true;
            }
            let place = &mut place_of[self.unit[record]];
            for change in self.changes(record) {
                // What no collection declares is never sent.
                let priority = schema.collection(&change.collection).map_or(u8::MAX, |collection| collection.priority);
                *place = (place.0.min(priority), place.1.min(change.client_seq));
            }
        }
        let names = (0..self.records.len()).filter(|record| self.unit[*record] == *record && is_left[*record]);
        names.map(|name| (place_of[name], name)).collect()
    }

    /// The records of these units, of what they name that is yet to be made, and so on.
    fn closure(&self, schema: &Schema, units: impl Iterator<Item = usize>) -> Vec<bool> {
        let mut seen = vec![false; self.records.len()];
        let mut open: Vec<usize> = units.collect();
        while let Some(unit) = open.pop() {
            if seen[unit] {
                continue;
            }
            let ring = self.ring(unit);
            ring.iter().for_each(|record| seen[*record] = true);
            for change in ring.iter().flat_map(|record| self.changes(*record)) {
                let named = schema.collection(&change.collection).into_iter().flat_map(|its| its.references(&change.written));
                let unmade = |record: &usize| self.changes(*record).any(|change| change.action == Action::Create);
                open.extend(named.filter_map(|(_, _, id)| self.record(id)).filter(unmade));
            }
        }
        seen
    }
}

/// What a window of this size shows of an outbox, beside what is on its way.
pub(super) fn look<'a>(input: &Begin<'a>, size: usize) -> Look<'a> {
    let Begin { schema, outbox, parcels, .. } = *input;
    let whole = || Look { changes: outbox.to_vec(), end: None };
    if outbox.len() <= size {
        return whole();
    }
    let units = Units::of(schema, outbox, parcels);
    let sent = parcels.iter().filter(|parcel| input.sent.contains(&parcel.op_id)).flat_map(|parcel| parcel.items.iter());
    let mut ranked = units.ranked(schema, &sent.map(|item| (item.collection.as_str(), item.id)).collect());
    if ranked.len() <= size {
        return whole();
    }
    let (leading, first_behind, _) = ranked.select_nth_unstable(size);
    let mut chosen: Vec<usize> = leading.iter().map(|(_, name)| *name).collect();
    let place = first_behind.0;
    let oldest = OLDEST.min(size);
    let (old, first_younger, _) = ranked.select_nth_unstable_by_key(oldest, |((_, age), _)| *age);
    chosen.extend(old.iter().map(|(_, name)| *name));
    let age = first_younger.0.1;
    let seen = units.closure(schema, chosen.into_iter());
    let mut places: Vec<usize> = (0..seen.len())
        .filter(|record| seen[*record])
        .flat_map(|record| units.places[units.records[record].1..units.records[record].2].iter().copied())
        .collect();
    places.sort_unstable();
    Look { changes: places.into_iter().map(|place| outbox[place]).collect(), end: Some(End { place, age }) }
}

/// The candidates that go now, at most `count_max`, in order. If not all fit, priorities choose; what is chosen takes
/// along what it names; the oldest is always among them. Nothing if the window was too small to tell.
pub(super) fn batch<'a>(ready: Vec<Candidate<'a>>, count_max: usize, is_whole: bool) -> Option<Vec<Candidate<'a>>> {
    if is_whole && ready.len() <= count_max {
        return Some(ready);
    }
    let oldest = ready.first().filter(|first| first.is_old)?;
    debug_assert!(!oldest.changes.is_empty(), "what is empty is not ready");
    let of: BTreeMap<Key<'a>, usize> =
        ready.iter().enumerate().flat_map(|(index, candidate)| candidate.records.iter().map(move |key| (*key, index))).collect();
    let mut order: Vec<usize> = (0..ready.len()).filter(|index| *index == 0 || ready[*index].leads).collect();
    order.sort_by_key(|index| (*index != 0, ready[*index].priority, *index));
    let mut chosen = BTreeSet::new();
    for index in order {
        let mut needed = BTreeSet::new();
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            if !chosen.contains(&index) && needed.insert(index) {
                open.extend(ready[index].names.iter().filter_map(|named| of.get(named)));
            }
        }
        if chosen.is_empty() || chosen.len() + needed.len() <= count_max {
            chosen.extend(needed);
        }
        if chosen.len() >= count_max {
            break;
        }
    }
    let is_full = chosen.len() >= count_max;
    (is_full || is_whole)
        .then(|| ready.into_iter().enumerate().filter(|(index, _)| chosen.contains(index)).map(|(_, it)| it).collect())
}
