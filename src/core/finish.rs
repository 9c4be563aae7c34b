//! The second half of a push: what each answer means for parcels, bases and changes. Runs on rows that were read again:
//! the user may have typed while the request was under way, and another context may have been here first.

use std::collections::{BTreeMap, BTreeSet};

use super::backoff::{PARCEL_DELAY_MS_MAX, bits, delay_ms};
use super::bases::{Bases, absorb};
use super::clock::Contact;
use super::history::asides;
use super::outbox::{Change, by_record, by_row};
use super::parcel::{Parcel, ParcelState, Then};
use super::protocol::{Action, AppliedItem, Entry, Item, Outcome, Problem, ProblemCode, PushResult};
use super::push::ended;
use super::record::{
    Base, By, Changed, CollectionName, DeviceId, Fields, Millis, Normalised, OpId, RecordId, RowId, Seq, Tombstone, UserId,
    field, same, set,
};
use super::resolve::again;
use super::rows::{ConflictRow, End, Ended, HistoryRow};
use super::schema::Schema;
use super::view::{patched, view};
use crate::mutation::{self, Mutation};

/// What `finish` plans from.
#[derive(Clone, Copy)]
pub struct Finish<'a> {
    /// The app's schema.
    pub schema: &'a Schema,
    /// Every change, by `client_seq`.
    pub outbox: &'a [Change],
    /// The parcels that were sent, as they are now.
    pub parcels: &'a [Parcel],
    /// Who is signed in here, and on which device.
    pub user: UserId,
    /// See `user`.
    pub device: DeviceId,
    /// The device's clock.
    pub now: Millis,
    /// The server's clock, by the answer.
    pub server_time: Millis,
    /// What the answer tells of the device's clock.
    pub contact: Contact,
    /// Where chance comes from.
    pub seed: u64,
    /// See `PullState::watermark_seq`.
    pub watermark_seq: Seq,
    /// The online change whose answer somebody is waiting for: what is refused then ends at once, and they are told.
    pub waits: Option<RowId>,
}

/// What the answers come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finished {
    /// Parcels that stay, changed in nothing but their state.
    pub put: Vec<Parcel>,
    /// Parcels that go.
    pub removed: Vec<OpId>,
    /// Their ends, if any.
    pub history: Option<HistoryRow>,
    /// Conflicts that were found.
    pub conflicts: Vec<ConflictRow>,
    /// What the user asked for while the outcome was unknown, and now takes a change: undo of what was applied.
    pub append: Vec<Change>,
    /// How many of each.
    pub confirmed: u32,
    /// Refused.
    pub refused: u32,
    /// Records in conflict.
    pub conflicted: u32,
    /// Told to come again, or to wait for another.
    pub later: u32,
    /// Why the change that somebody waits for was not done.
    pub refusal: Option<Problem>,
    /// A conflict told nothing new: pull first, or it would go round for ever.
    pub stale: bool,
}

/// Plans what these results mean.
pub fn finish(input: &Finish<'_>, results: &[PushResult], bases: &mut impl Bases) -> Finished {
    let rows: BTreeSet<RowId> = input.parcels.iter().flat_map(|parcel| parcel.rows.iter().copied()).collect();
    let ids: BTreeSet<RecordId> = input.parcels.iter().flat_map(|parcel| parcel.items.iter()).map(|item| item.id).collect();
    let mut work = Work {
        input,
        by_row: by_row(input.outbox.iter().filter(|change| rows.contains(&change.row))),
        by_record: by_record(input.outbox.iter().filter(|change| ids.contains(&change.record))),
        ended_rows: BTreeSet::new(),
        history: empty_history(input.now),
        finished: Finished::default(),
    };
    let mut by_id: BTreeMap<OpId, &Parcel> = input.parcels.iter().map(|parcel| (parcel.op_id, parcel)).collect();
    for (index, result) in results.iter().enumerate() {
        // Another context was here first, or the parcel was refused before: then there is nothing left to learn.
        if let Some(parcel) = by_id.remove(&result.op_id).filter(|parcel| parcel.is_open()) {
            work.take(parcel, &result.outcome, bases, index as u64);
        }
    }
    work.hear_refused();
    work.find_conflicts(bases);
    let Work { history, mut finished, .. } = work;
    if history != empty_history(input.now) {
        finished.history = Some(history);
    }
    finished
}

/// A history row without ends.
#[must_use]
pub fn empty_history(now: Millis) -> HistoryRow {
    let (parcels, ended, voided, returned) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    HistoryRow { key: 0, at: now, parcels, ended, set_aside: vec![], looked: vec![], seq: None, voided, returned }
}

pub(super) struct Work<'a, 'b> {
    pub(super) input: &'b Finish<'a>,
    pub(super) by_row: BTreeMap<RowId, &'a Change>,
    by_record: BTreeMap<(&'a str, RecordId), Vec<&'a Change>>,
    ended_rows: BTreeSet<RowId>,
    history: HistoryRow,
    pub(super) finished: Finished,
}

impl<'a> Work<'a, '_> {
    fn take(&mut self, parcel: &Parcel, outcome: &Outcome, bases: &mut impl Bases, index: u64) {
        match outcome {
            _ if parcel.online && self.take_online(parcel, outcome, bases, index) => {}
            Outcome::Applied { seq, items } => self.applied(parcel, *seq, items, bases, index),
            Outcome::Known { .. } if mutation::is(Mutation::KnownIgnored) => self.finished.stale = true,
            Outcome::Known { .. } if mutation::is(Mutation::KnownIsAll) => self.known(parcel, &parcel.rows, index),
            Outcome::Known { rows } => self.known(parcel, rows, index),
            Outcome::Conflict { theirs } => self.conflict(parcel, theirs, bases),
            Outcome::Rejected { problem } => {
                if parcel.then == Some(Then::Discard) {
                    return self.discard(parcel);
                }
                let is_revoked = |item: &Item| {
                    bases.get(&item.collection, item.id).is_some_and(|base| base.tombstone == Some(Tombstone::Revoked))
                };
                if problem.code == ProblemCode::Forbidden && parcel.items.iter().any(is_revoked) {
                    // Quarantine: the base says it, and its return ends it.
                    self.finished.removed.push(parcel.op_id);
                    self.finished.refused += 1;
                    return;
                }
                let state = ParcelState::Refused { problem: problem.clone() };
                self.finished.put.push(Parcel { state, blocked_by: None, next_attempt_at: None, ..parcel.clone() });
                self.finished.refused += 1;
            }
            Outcome::Retry { .. } if mutation::is(Mutation::LaterIsRefused) => {
                let state = ParcelState::Refused { problem: Problem::new(ProblemCode::Internal, "") };
                self.finished.put.push(Parcel { state, ..parcel.clone() });
            }
            Outcome::Retry { after } => {
                self.finished.later += 1;
                if parcel.waits(self.input.now) {
                    // It was due when it was sent: who noted the wait since has noted this answer.
                    return;
                }
                let attempts = parcel.attempts + 1;
                let own_ms = delay_ms(attempts, bits(self.input.seed, index), PARCEL_DELAY_MS_MAX);
                let delay = own_ms.max(i64::from(after.unwrap_or(0)) * 1_000).min(PARCEL_DELAY_MS_MAX);
                let next_attempt_at = Some(self.input.now.plus(delay));
                self.finished.put.push(Parcel { attempts, next_attempt_at, ..parcel.clone() });
            }
            Outcome::Blocked { by } => {
                self.finished.put.push(Parcel { blocked_by: Some(*by), ..parcel.clone() });
                self.finished.later += 1;
            }
            Outcome::Voided => {
                if parcel.then == Some(Then::Discard) {
                    return self.discard(parcel);
                }
                self.history.voided.push(parcel.op_id);
                self.finished.removed.push(parcel.op_id);
            }
        }
    }

    pub(super) fn discard(&mut self, parcel: &Parcel) {
        self.end(&parcel.rows, End::Discarded);
        self.gone(parcel);
    }

    pub(super) fn gone(&mut self, parcel: &Parcel) {
        self.finished.removed.push(parcel.op_id);
        self.history.parcels.push(parcel.clone());
    }

    pub(super) fn end(&mut self, rows: &[RowId], end: End) {
        for change in rows.iter().filter_map(|row| self.by_row.get(row)) {
            if self.ended_rows.insert(change.row) {
                self.history.ended.push(ended(change, end));
                if mutation::is(Mutation::EndedTwice) {
                    self.history.ended.push(ended(change, end));
                }
            }
        }
    }

    /// The changes of a record that have not ended.
    fn unended(&self, collection: &str, id: RecordId) -> Vec<&'a Change> {
        let changes = self.by_record.get(&(collection, id)).into_iter().flatten().copied();
        changes.filter(|change| !self.ended_rows.contains(&change.row)).collect()
    }

    fn has_unended(&self, collection: &str, id: RecordId) -> bool {
        !self.unended(collection, id).is_empty()
    }

    /// Changes of this parcel were applied under another op_id.
    pub(super) fn known(&mut self, parcel: &Parcel, rows: &[RowId], index: u64) {
        let (known, rest): (Vec<RowId>, Vec<RowId>) = parcel.rows.iter().copied().partition(|row| rows.contains(row));
        if known.is_empty() {
            // An answer that tells nothing: asked again at once, it would tell nothing for ever.
            self.finished.stale = true;
            return;
        }
        if parcel.then == Some(Then::Discard) {
            let is_known = |item: &&Item| {
                let mut of_item = self.by_record.get(&(item.collection.as_str(), item.id)).into_iter().flatten();
                of_item.all(|change| known.contains(&change.row) || !parcel.rows.contains(&change.row))
            };
            let items: Vec<(&Item, Option<&AppliedItem>)> =
                parcel.items.iter().filter(is_known).map(|item| (item, None)).collect();
            self.take_back(parcel, &items, index);
            self.end(&rest, End::Discarded);
        }
        self.end(&known, End::Confirmed);
        self.gone(parcel);
        self.finished.confirmed += 1;
    }

    pub(super) fn applied(&mut self, parcel: &Parcel, seq: Seq, items: &[AppliedItem], bases: &mut impl Bases, index: u64) {
        let is_discarded = mutation::is(Mutation::AppliedIsDiscarded) && parcel.then == Some(Then::Discard);
        self.end(&parcel.rows, if is_discarded { End::Discarded } else { End::Confirmed });
        self.gone(parcel);
        self.history.seq = Some(seq);
        self.finished.confirmed += 1;
        for (item, answer) in parcel.items.iter().zip(items) {
            let unended = self.has_unended(&item.collection, item.id);
            let before = bases.get(&item.collection, item.id);
            let after = self.applied_base(item, answer, seq, before, unended);
            self.history.set_aside.extend(asides(item, before, after.as_ref()));
            if let Some(base) = after {
                bases.put(&item.collection, base);
            }
        }
        if parcel.then == Some(Then::Discard) {
            let items: Vec<(&Item, Option<&AppliedItem>)> =
                parcel.items.iter().enumerate().map(|(place, item)| (item, items.get(place))).collect();
            self.take_back(parcel, &items, index);
        }
    }

    /// The base after the server applied this item; none if what is here cannot tell (the pull will).
    fn applied_base(&self, item: &Item, answer: &AppliedItem, seq: Seq, old: Option<&Base>, unended: bool) -> Option<Base> {
        if old.is_none() && seq <= self.input.watermark_seq {
            // An old answer to what a snapshot has looked at since: if the record is not here, it is not there for us.
            return None;
        }
        let mut normalised = old.filter(|_| unended).map(|old| old.normalised.clone()).unwrap_or_default();
        for (name, value) in answer.normalised.iter().filter(|_| unended) {
            let sent = field(&item.patch, name).clone();
            normalised.insert(name.clone(), Normalised { sent, returned: value.clone() });
        }
        if let Some(old) = old.filter(|old| old.seq >= seq) {
            return (normalised != old.normalised && unended).then(|| Base { normalised, ..old.clone() });
        }
        // What a lost lifetime called this version may be another.
        let before = old.filter(|old| old.version == item.base_version && !old.is_adrift());
        let mut fields = match (item.action, before) {
            (Action::Create, _) => item.patch.clone(),
            (Action::Update, Some(before)) => patched(&before.fields, &item.patch),
            (Action::Delete, before) if unended => before.map(|before| before.fields.clone()).unwrap_or_default(),
            (Action::Delete, _) => Fields::new(),
            (Action::Update, None) => return None,
        };
        if item.action != Action::Delete {
            for (name, value) in &answer.normalised {
                set(&mut fields, name, value.clone());
            }
        }
        let by = By { id: self.input.user, name: String::new(), role: String::new(), device: Some(self.input.device) };
        let changed = before.filter(|_| item.action == Action::Update).map(|before| self.changed(before, item, &by));
        normalised.retain(|name, normalised| same(field(&fields, name), &normalised.returned));
        Some(Base {
            id: item.id,
            version: answer.version,
            seq,
            // What is not named below is as old as the record: no older than what this was built on.
            at: before.map_or(self.made_at(item), |before| before.at.max(self.made_at(item))),
            by: Some(by),
            changed: changed.unwrap_or_default(),
            tombstone: match item.action {
                Action::Delete => Some(Tombstone::Deleted),
                // Out of the chosen scope stays out of it.
                Action::Create | Action::Update => {
                    before.and_then(|before| before.tombstone).filter(|was| *was == Tombstone::Left)
                }
            },
            fields,
            normalised,
            // What else is unsent was made beside it, or after.
            doubted: old.map(|old| old.doubted.clone()).unwrap_or_default(),
        })
    }

    /// The server notes when it came there, and its answer may be old, or a second one; so what was written is dated by when it was,
    /// until the feed says better: an edit after it must not be taken for the earlier one.
    fn made_at(&self, item: &Item) -> Millis {
        item.edited_at.min(self.input.server_time)
    }

    /// When each field last changed: nothing at creation, everything from the first update on.
    fn changed(&self, before: &Base, item: &Item, by: &By) -> BTreeMap<String, Changed> {
        let mut changed = before.changed.clone();
        if let (true, Some(by)) = (changed.is_empty(), &before.by) {
            changed.extend(before.fields.keys().map(|name| (name.clone(), Changed { at: before.at, by: by.clone() })));
        }
        let at = self.made_at(item);
        changed.extend(item.patch.keys().map(|name| (name.clone(), Changed { at, by: by.clone() })));
        changed
    }

    fn conflict(&mut self, parcel: &Parcel, theirs: &[Entry], bases: &mut impl Bases) {
        if parcel.then == Some(Then::Discard) {
            self.discard(parcel);
        } else {
            self.finished.removed.push(parcel.op_id);
            if mutation::is(Mutation::AnswerAppends) {
                self.rebase(parcel, theirs);
            }
        }
        self.take_theirs(theirs, bases);
    }

    /// The mutation alone: the changes of a parcel anew, as if they had seen theirs.
    fn rebase(&mut self, parcel: &Parcel, theirs: &[Entry]) {
        let of = |row: &RowId| Some(ended(self.by_row.get(row)?, End::Resolved));
        let all: Vec<Ended> = parcel.rows.iter().filter_map(of).collect();
        self.end(&parcel.rows, End::Resolved);
        for mut change in again(&all, self.input.schema.schema) {
            if let Some(theirs) = theirs.iter().find(|theirs| theirs.id == change.record) {
                change.seen.version = theirs.version;
            }
            self.finished.append.push(change);
        }
    }

    /// What the server has becomes the base.
    pub(super) fn take_theirs(&mut self, theirs: &[Entry], bases: &mut impl Bases) {
        let mut newer = false;
        for entry in theirs {
            let (name, id, unended) = (&entry.collection, entry.id, self.unended(&entry.collection, entry.id));
            let is_left = match bases.get(name, id) {
                Some(old) => old.tombstone == Some(Tombstone::Left),
                None => entry.seq <= self.input.watermark_seq,
            };
            newer |= absorb(bases, name, entry.clone(), &unended, self.input.contact);
            // A snapshot that has looked did not have it: out of the chosen scope, or somebody else's by now, and the answer is
            // an old one. What is unsent builds on it until the server is asked again, and no list shows it.
            if let Some(base) = bases.get(name, id).filter(|base| is_left && base.is_present()).cloned() {
                bases.put(name, Base { tombstone: Some(Tombstone::Left), ..base });
            }
        }
        self.finished.stale |= !newer;
        self.finished.conflicted += 1;
    }

    /// Which records of the parcels now need a person.
    fn find_conflicts(&mut self, bases: &impl Bases) {
        let records: BTreeSet<(CollectionName, RecordId)> = self.input.parcels.iter().flat_map(Parcel::records).collect();
        for (name, id) in records {
            let (schema, base) = (self.input.schema, bases.get(&name, id));
            let row = conflict_row(schema, &name, id, base, &self.unended(&name, id), self.input.now);
            self.finished.conflicts.extend(row);
        }
    }
}

/// The row for a conflict of this record, if it is in one.
#[must_use]
pub fn conflict_row(
    schema: &Schema,
    name: &str,
    id: RecordId,
    base: Option<&Base>,
    changes: &[&Change],
    now: Millis,
) -> Option<ConflictRow> {
    let collection = schema.collection(name).filter(|_| !changes.is_empty())?;
    view(collection, base, changes).conflict?;
    let version = base.map(|base| base.version).unwrap_or_default();
    Some(ConflictRow { collection: name.to_owned(), id, found_at: now, version, put_off: false })
}
