//! A server that was restored from a backup: it lacks what it had confirmed since. What history still has of that is pushed
//! again, in order and under its old op_ids; what the server does not take goes back to the outbox, where it was.
//!
//! Going back is always safe: the row ids are the old ones, and the ledger applies a row once, under whatever op_id. So
//! everything but `applied` and `known` goes back, also `retry` and `blocked`: one way to wait, and no second queue.
//! A change that goes back keeps its `client_seq`: it comes before what was saved after it, as it did.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::bases::{Bases, absorb};
use super::clock::Contact;
use super::finish::conflict_row;
use super::online::moved;
use super::outbox::{Change, by_record};
use super::parcel::{Parcel, ParcelState};
use super::protocol::{Outcome, Problem, ProblemCode, PushParcel, PushResult};
use super::push::push_wire;
use super::record::{CollectionName, OpId, RecordId, RowId};
use super::rows::{ConflictRow, End, Ended, HistoryRow};
use super::schema::Schema;

/// So many rows of history are looked at in one go.
pub const ROWS_READ_MAX: u32 = 200;

/// How far what history has was pushed again: one row of `meta`, there while it is not over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// The row of history that is next.
    pub key: u64,
    /// So many parcels at its front are done.
    pub passed: usize,
    /// The last row that the lost lifetime wrote.
    pub upto: u64,
    /// Records of which something went back: what came after it goes back too, unless the server knows it.
    #[serde(default)]
    pub returned: BTreeSet<(CollectionName, RecordId)>,
}

impl Replay {
    /// What there is to push again, if the newest row of history is this. `old` is one that another restore breaks off.
    #[must_use]
    pub fn begin(old: Option<Self>, newest: Option<u64>) -> Option<Self> {
        let returned = old.map(|old| old.returned).unwrap_or_default();
        newest.map(|upto| Self { key: 0, passed: 0, upto, returned })
    }

    /// The rows of history that it still has to do with.
    fn rows<'a>(&self, history: &'a [HistoryRow]) -> impl Iterator<Item = (&'a HistoryRow, usize)> {
        let (key, passed, upto) = (self.key, self.passed, self.upto);
        let left = history.iter().filter(move |row| row.key >= key && row.key <= upto);
        left.map(move |row| (row, if row.key == key { passed } else { 0 }))
    }
}

/// What is to be done with a parcel of history.
enum Fate {
    /// Nothing of it was confirmed.
    Pass,
    /// It cannot be sent as it was: of a part of it something else became, or what it built on went back. But the server may
    /// have it (it need not have taken them in the order in which their answers came), so it is asked.
    Ask,
    /// It is sent.
    Send,
}

/// The changes of a parcel that its row of history confirms.
fn confirmed<'a>(row: &'a HistoryRow, parcel: &'a Parcel) -> impl Iterator<Item = &'a Ended> {
    row.ended.iter().filter(|ended| ended.end == End::Confirmed && parcel.rows.contains(&ended.row))
}

/// Its records; one whose item was empty is only in its changes.
fn records(row: &HistoryRow, parcel: &Parcel) -> BTreeSet<(CollectionName, RecordId)> {
    let of_changes = confirmed(row, parcel).map(|ended| (ended.collection.clone(), ended.record));
    parcel.records().chain(of_changes).collect()
}

fn fate(row: &HistoryRow, parcel: &Parcel, returned: &BTreeSet<(CollectionName, RecordId)>) -> Fate {
    match confirmed(row, parcel).count() {
        0 => Fate::Pass,
        _ if records(row, parcel).iter().any(|record| returned.contains(record)) => Fate::Ask,
        // As a whole it must not come to be.
        count if count < parcel.rows.len() => Fate::Ask,
        _ => Fate::Send,
    }
}

/// The parcel whose outcome must be asked for before anything is sent, and its changes that are confirmed: a part of it was
/// known under another op_id, or was taken back.
#[must_use]
pub fn ask(replay: &Replay, history: &[HistoryRow]) -> Option<(OpId, Vec<RowId>)> {
    let parcels = replay.rows(history).flat_map(|(row, passed)| row.parcels.iter().skip(passed).map(move |parcel| (row, parcel)));
    let mut left = parcels.map(|(row, parcel)| (fate(row, parcel, &replay.returned), row, parcel));
    let (fate, row, parcel) = left.find(|(fate, ..)| !matches!(fate, Fate::Pass))?;
    let rows = confirmed(row, parcel).map(|ended| ended.row).collect();
    matches!(fate, Fate::Ask).then_some((parcel.op_id, rows))
}

/// What is sent now. A record is in it once: whether its next parcel may go is told by the answer to this one. `history` is
/// ascending, from the replay's row on.
#[must_use]
pub fn next(replay: &Replay, history: &[HistoryRow], count_max: usize) -> Vec<PushParcel> {
    let (mut send, mut bytes) = (Vec::new(), 0);
    let mut sent = BTreeSet::new();
    for (row, passed) in replay.rows(history) {
        for parcel in row.parcels.iter().skip(passed) {
            match fate(row, parcel, &replay.returned) {
                Fate::Pass => {}
                Fate::Ask => return send,
                Fate::Send => {
                    let records = records(row, parcel);
                    // What was merged in it was counted when it was applied.
                    let wire = parcel.to_wire().uncounted();
                    if !sent.is_disjoint(&records) || !push_wire(&mut send, &mut bytes, wire, count_max) {
                        return send;
                    }
                    sent.extend(records);
                }
            }
        }
    }
    send
}

/// What the answers are planned from.
#[derive(Clone, Copy)]
pub struct Finish<'a> {
    /// The app's schema.
    pub schema: &'a Schema,
    /// How far it was when it was sent.
    pub replay: &'a Replay,
    /// At most [`ROWS_READ_MAX`] rows of history, ascending, from the replay's row on.
    pub history: &'a [HistoryRow],
    /// Every change, by `client_seq`.
    pub outbox: &'a [Change],
    /// The answers; none if nothing was sent.
    pub results: &'a [PushResult],
    /// The device's clock, and what the answers tell of it.
    pub contact: Contact,
}

/// What the answers come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finished {
    /// How far it is now; none if it is over.
    pub replay: Option<Replay>,
    /// Rows of history that have lost what went back.
    pub amended: Vec<HistoryRow>,
    /// What goes back to the outbox, with its old numbers.
    pub returned: Vec<Change>,
    /// Parcels of what goes back and is done only with an answer: without one it would wait for nobody.
    pub parcels: Vec<Parcel>,
    /// Conflicts that were found.
    pub conflicts: Vec<ConflictRow>,
}

/// Plans what these answers mean. What was applied stays in history as it is, with its one end; the bases follow by the
/// snapshot that a restored server always brings, all but theirs of a conflict.
pub fn finish(input: &Finish<'_>, bases: &mut impl Bases) -> Finished {
    let results = input.results.iter().map(|result| (result.op_id, &result.outcome)).collect();
    let kept = input.outbox.iter().map(|change| change.row).collect();
    let mut work = Work { input, results, kept, place: input.replay.clone(), finished: Finished::default(), theirs: Vec::new() };
    let is_over = work.walk();
    let Work { place, mut finished, theirs, .. } = work;
    let mut unsent: Vec<Change> = input.outbox.iter().chain(&finished.returned).cloned().collect();
    unsent.sort_by_key(|change| change.client_seq);
    let by_record = by_record(&unsent);
    for entry in theirs {
        let (name, id) = (entry.collection.clone(), entry.id);
        let changes = by_record.get(&(name.as_str(), id)).map_or(&[][..], Vec::as_slice);
        absorb(bases, &name, entry.clone(), changes, input.contact);
        finished.conflicts.extend(conflict_row(input.schema, &name, id, bases.get(&name, id), changes, input.contact.now));
    }
    finished.replay = (!is_over).then_some(place);
    finished
}

struct Work<'a, 'b> {
    input: &'b Finish<'a>,
    results: BTreeMap<OpId, &'a Outcome>,
    /// What is in the outbox, by whatever way.
    kept: BTreeSet<RowId>,
    place: Replay,
    finished: Finished,
    theirs: Vec<&'a super::protocol::Entry>,
}

impl<'a> Work<'a, '_> {
    /// Goes on from the place, as far as it is known what became of each parcel. Whether that was all.
    fn walk(&mut self) -> bool {
        let (history, upto) = (self.input.history, self.input.replay.upto);
        for (row, passed) in self.input.replay.rows(history) {
            (self.place.key, self.place.passed) = (row.key, passed);
            if !self.row(row) {
                return false;
            }
            (self.place.key, self.place.passed) = (row.key + 1, 0);
        }
        let is_read_whole = history.len() < ROWS_READ_MAX as usize || history.last().is_some_and(|row| row.key > upto);
        is_read_whole || self.place.key > upto
    }

    /// One row. Whether it was gone through to its end.
    fn row(&mut self, row: &'a HistoryRow) -> bool {
        let mut amended = row.clone();
        let mut is_whole = true;
        for parcel in row.parcels.iter().skip(self.place.passed) {
            let back: BTreeSet<RowId> = match fate(row, parcel, &self.place.returned) {
                Fate::Pass => BTreeSet::new(),
                Fate::Send | Fate::Ask => match self.results.get(&parcel.op_id) {
                    Some(outcome) => self.lacking(row, parcel, outcome),
                    None => {
                        is_whole = false;
                        break;
                    }
                },
            };
            if back.is_empty() {
                self.place.passed += 1;
                continue;
            }
            self.give_back(row, parcel, &back, &mut amended);
            if back.len() < parcel.rows.len() {
                self.place.passed += 1;
            } else {
                amended.parcels.retain(|other| other.op_id != parcel.op_id);
            }
        }
        if amended != *row {
            self.finished.amended.push(amended);
        }
        is_whole
    }

    /// The changes of a parcel that the server, by its answer, does not have.
    fn lacking(&mut self, row: &HistoryRow, parcel: &Parcel, outcome: &'a Outcome) -> BTreeSet<RowId> {
        let known = match outcome {
            Outcome::Applied { .. } => &parcel.rows[..],
            Outcome::Known { rows } => rows,
            Outcome::Conflict { theirs } => {
                self.theirs.extend(theirs);
                &[]
            }
            Outcome::Rejected { .. } | Outcome::Retry { .. } | Outcome::Blocked { .. } | Outcome::Voided => &[],
        };
        confirmed(row, parcel).map(|ended| ended.row).filter(|row| !known.contains(row)).collect()
    }

    /// Their ends leave history, and they are in the outbox again (invariant I8).
    fn give_back(&mut self, row: &HistoryRow, parcel: &Parcel, back: &BTreeSet<RowId>, amended: &mut HistoryRow) {
        self.place.returned.extend(records(row, parcel));
        if parcel.online && !parcel.rows.iter().all(|row| self.kept.contains(row)) {
            let state = match self.results.get(&parcel.op_id) {
                Some(Outcome::Rejected { problem }) => ParcelState::Refused { problem: problem.clone() },
                Some(Outcome::Conflict { .. } | Outcome::Voided) => {
                    let item = parcel.items.first();
                    let problem = item.map(|item| moved(&item.collection, item.id, None));
                    ParcelState::Refused { problem: problem.unwrap_or_else(|| Problem::new(ProblemCode::Conflict, "")) }
                }
                // It is not known what became of it: asked for again, it is.
                _ => ParcelState::Open,
            };
            let parcel = Parcel { state, attempts: 0, next_attempt_at: None, blocked_by: None, then: None, ..parcel.clone() };
            self.finished.parcels.push(parcel);
        }
        for ended in confirmed(row, parcel).filter(|ended| back.contains(&ended.row)) {
            amended.ended.retain(|other| other.row != ended.row);
            if self.kept.insert(ended.row) {
                self.finished.returned.push(ended.change(parcel.schema));
            }
        }
    }
}
