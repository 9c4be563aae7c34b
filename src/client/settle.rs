//! What a person decides about unsent work: undo and discard, try again, put off. All strict, all compared. Conflicts are
//! decided in `decide.rs`.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::core::bases::Bases;
use crate::core::discard::discard;
use crate::core::finish::empty_history;
use crate::core::online::{Frozen, freeze, moved, refused};
use crate::core::outbox::Change;
use crate::core::parcel::Parcel;
use crate::core::push::ended;
use crate::core::record::{CollectionName, Millis, OpId, RecordId, RowId, Version};
use crate::core::resolve::{again, apart_from_sent, can_be_undone};
use crate::core::rows::{ConflictRow, End, Ended, HistoryRow};
use crate::core::rules::Violation;
use crate::core::trace::What;
use crate::data::unfit::Unfit;
use crate::mutation::{self, Mutation};
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, Write};

use super::asked::{conflict_writes, is_ended};
use super::{Client, Note, pages};

/// What was settled, and what takes it back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// Parcels of which the outcome is unknown: the server is asked first, and then it is done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<OpId>,
    /// What ended, for [`Client::restore`].
    pub ended: Vec<Ended>,
    /// The rows of a resolution, which go when it is undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub appended: Vec<RowId>,
    /// The conflicts that went with what ended: taken back, it is the same question again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<ConflictRow>,
}

impl Settled {
    /// Whether something is done only once the server was asked.
    #[must_use]
    pub fn is_later(&self) -> bool {
        !self.asked.is_empty()
    }
}

/// Why nothing was settled.
#[derive(Clone, Debug, PartialEq)]
pub enum SettleError {
    /// The database failed.
    Store(StoreError),
    /// There is no such change or conflict (any more).
    NotFound,
    /// Theirs moved since it was shown, the conflict is gone, or what is to be undone is on its way or done.
    Moved,
    /// It is not sent, however often it is tried: it must be mended first.
    Unfit(Unfit),
    /// A field that needs a choice has none.
    Incomplete,
    /// A choice breaks rules, each with its field.
    Invalid(Vec<Violation>),
}

impl From<StoreError> for SettleError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

pub(super) const STORES: &[StoreName] = &[StoreName::Outbox, StoreName::Parcels, StoreName::Conflicts, StoreName::History];

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Takes back a change and what cannot be without it.
    ///
    /// # Errors
    /// `NotFound` if it has ended.
    pub async fn discard(&self, row: RowId) -> Result<Settled, SettleError> {
        let now = self.host.now();
        let scope = Scope::strict(STORES, vec![Read::Outbox, Read::Parcels, Read::Conflicts]);
        let planned: RefCell<Settled> = RefCell::default();
        let plan = |rows: &Rows| {
            if is_done(&planned.borrow(), rows) {
                return Step::Write(vec![], planned.borrow().clone());
            }
            let discarded = discard(&rows.outbox, &rows.parcels, row);
            let ended = end(&rows.outbox, &discarded.rows, End::Discarded);
            let mut writes = ending(&ended, now);
            writes.extend(discarded.removed.iter().copied().map(Write::RemoveParcel));
            writes.extend(discarded.put.iter().cloned().map(Write::Parcel));
            writes.extend(conflicts_over(rows, &discarded.rows));
            let asked = discarded.put.iter().map(|parcel| parcel.op_id).collect();
            let conflicts = rows.conflicts.iter().filter(|row| is_ended(row, &ended)).cloned().collect();
            let settled = Settled { asked, ended, appended: vec![], conflicts };
            planned.replace(settled.clone());
            Step::Write(writes, settled)
        };
        let settled = self.update_in_need(scope, plan).await?.value;
        self.trace(What::Ended(settled.ended.iter().map(|ended| ended.row).collect()));
        self.settled().await?;
        if settled.ended.is_empty() && !settled.is_later() { Err(SettleError::NotFound) } else { Ok(settled) }
    }

    /// Puts back what a discard or a resolution ended, as new changes; and takes back a discard that waits for an answer. Both
    /// or neither.
    ///
    /// # Errors
    /// `Moved` if the resolution is on its way already, or the server was asked.
    pub async fn restore(&self, settled: &Settled) -> Result<(), SettleError> {
        let now = self.host.now();
        let changes = again(&settled.ended, self.schema.schema);
        // What is done only with an answer waits for a person again: it was put back, and not asked for.
        let online = changes.iter().filter(|change| change.is_online());
        let online =
            online.map(|change| refused(change, OpId::new(now, self.random()), moved(&change.collection, change.record, None)));
        let online: Vec<Parcel> = online.collect();
        let scope =
            Scope::strict(STORES, vec![Read::Outbox, Read::Parcels, Read::HistoryAfter(self.shared.borrow().marks.history)]);
        let plan = |rows: &Rows| {
            // Undo was pressed again, and what it put back was sent and is over.
            let shared = self.shared.borrow();
            if !changes.is_empty() && changes.iter().all(|change| shared.was_saved(&change.row, &rows.history)) {
                return Step::Write(vec![], true);
            }
            let waiting = rows.parcels.iter().filter(|parcel| parcel.is_open() && settled.asked.contains(&parcel.op_id));
            // Whatever the server says from now on, the changes stay: voided, they are begun again.
            let mut writes: Vec<Write> = waiting.map(|parcel| Write::Parcel(Parcel { then: None, ..parcel.clone() })).collect();
            if writes.len() < settled.asked.len() {
                return Step::Write(vec![], false);
            }
            let is_sent = |row: &RowId| rows.parcels.iter().any(|parcel| parcel.rows.contains(row));
            if settled.appended.iter().any(is_sent) || !can_be_undone(&self.schema, &rows.outbox, &settled.appended) {
                return Step::Write(vec![], false);
            }
            let appended = settled.appended.iter().copied().collect();
            writes.extend(ending(&end(&rows.outbox, &appended, End::Discarded), now));
            let is_new = |change: &&Change| !rows.outbox.iter().any(|old| old.row == change.row);
            let appended = apart_from_sent(&changes, &rows.outbox, &rows.parcels);
            writes.extend(appended.iter().filter(is_new).cloned().map(Write::Append));
            let is_new = |parcel: &&Parcel| !rows.outbox.iter().any(|old| parcel.rows.contains(&old.row));
            writes.extend(online.iter().filter(is_new).cloned().map(Write::Parcel));
            writes.extend(settled.conflicts.iter().cloned().map(Write::Conflict));
            Step::Write(writes, true)
        };
        let done = self.update_in_need(scope, plan).await?.value;
        if done {
            changes.iter().for_each(|change| self.remember(change.row));
            self.trace(What::Saved(changes.iter().map(Into::into).collect()));
        }
        self.settled().await?;
        if done { Ok(()) } else { Err(SettleError::Moved) }
    }

    /// Sends a refused change again, under a new op_id; or one that waits, now.
    ///
    /// # Errors
    /// `NotFound` if it has ended, `Unfit` if it must be mended first, `Moved` if it would go over what nobody has seen.
    pub async fn retry(&self, row: RowId) -> Result<(), SettleError> {
        let (now, op_id) = (self.host.now(), OpId::new(self.host.now(), self.random()));
        let stores = [STORES, &[StoreName::Pages]].concat();
        let scope = Scope::strict(&stores, vec![Read::OutboxRows(vec![row]), Read::Parcels]);
        let plan = |rows: &Rows| {
            if let Some(online) = rows.outbox.first().filter(|change| is_refused_online(change, rows)) {
                if rows.stage == 0 {
                    return Step::Read(vec![Read::PagesOf(vec![online.key()])]);
                }
                return match retry_online(online, rows, op_id, now) {
                    Ok(writes) => Step::Write(writes, Ok(Some(online.key()))),
                    Err(error) => Step::Write(vec![], Err(error)),
                };
            }
            let of = rows.parcels.iter().filter(|parcel| parcel.rows.contains(&row));
            let writes: Vec<Write> = of
                .map(|parcel| match parcel.is_open() {
                    true => Write::Parcel(Parcel { next_attempt_at: None, blocked_by: None, ..parcel.clone() }),
                    false => Write::RemoveParcel(parcel.op_id),
                })
                .collect();
            Step::Write(writes, Ok(rows.outbox.first().map(Change::key)))
        };
        let found = self.store.update(scope, plan).await?.value?;
        self.settled().await?;
        let (collection, id) = found.ok_or(SettleError::NotFound)?;
        let shared = self.shared.borrow();
        let unfit = shared.tables.as_ref().and_then(|tables| tables.unfit(&collection, id));
        unfit.map_or(Ok(()), |unfit| Err(SettleError::Unfit(unfit)))
    }

    /// Puts a conflict off: it still blocks its record, and does not lead the line any more.
    ///
    /// # Errors
    /// If it cannot be noted.
    pub async fn put_off(&self, collection: CollectionName, id: RecordId, version: Version) -> Result<(), SettleError> {
        let now = self.host.now();
        let scope = Scope::strict(&[StoreName::Conflicts, StoreName::Meta], vec![Read::Conflicts, Read::Meta]);
        let plan = |rows: &Rows| {
            let old = rows.conflicts.iter().find(|row| row.id == id && row.collection == collection);
            let found_at = old.map_or(now, |row| row.found_at);
            let row = ConflictRow { collection: collection.clone(), id, found_at, version, put_off: true };
            match conflict_writes(vec![row], rows) {
                Ok(writes) => Step::Write(writes, Ok(())),
                Err(error) => Step::Write(vec![], Err(error)),
            }
        };
        self.store.update(scope, plan).await?.value?;
        Ok(self.settled().await?)
    }

    pub(super) async fn settled(&self) -> Result<(), StoreError> {
        self.refresh(None).await?;
        self.note(Note::Wake(None));
        Ok(())
    }
}

/// Whether what was planned is written already: none of what it ends is there, and all that it appends is. The work of a
/// transaction may be done twice; the second time nothing is left to find, and what the first ended is what undo needs.
pub(super) fn is_done(settled: &Settled, rows: &Rows) -> bool {
    let is_there = |row: &RowId| rows.outbox.iter().any(|change| change.row == *row);
    let is_over = !settled.ended.is_empty() && !settled.ended.iter().any(|ended| is_there(&ended.row));
    is_over && settled.appended.iter().all(is_there)
}

/// Whether a change is done only with an answer, and none is waited for.
fn is_refused_online(change: &Change, rows: &Rows) -> bool {
    change.is_online() && !rows.parcels.iter().any(|parcel| parcel.is_open() && parcel.rows.contains(&change.row))
}

/// Such a change again, under a new op_id, over the base as it is now.
fn retry_online(change: &Change, rows: &Rows, op_id: OpId, now: Millis) -> Result<Vec<Write>, SettleError> {
    let set = pages::read(rows)?;
    let old = rows.parcels.iter().filter(|parcel| parcel.rows.contains(&change.row));
    let mut writes: Vec<Write> = old.map(|parcel| Write::RemoveParcel(parcel.op_id)).collect();
    match freeze(change, Bases::get(&set, &change.collection, change.record), op_id) {
        Frozen::Parcel(parcel) => writes.push(Write::Parcel(*parcel)),
        Frozen::Nothing => writes.extend(ending(&[ended(change, End::Confirmed)], now)),
        Frozen::Moved(_) => return Err(SettleError::Moved),
    }
    Ok(writes)
}

/// These rows of the outbox, with their end.
fn end(outbox: &[Change], rows: &BTreeSet<RowId>, end: End) -> Vec<Ended> {
    outbox.iter().filter(|change| rows.contains(&change.row)).map(|change| ended(change, end)).collect()
}

/// The writes that end changes: out of the outbox and into history, in one transaction (invariant I2).
fn ending(ended: &[Ended], now: Millis) -> Vec<Write> {
    if ended.is_empty() {
        return Vec::new();
    }
    let mut writes: Vec<Write> = ended.iter().map(|ended| Write::RemoveChange(ended.client_seq)).collect();
    if !mutation::is(Mutation::EndUnwritten) {
        writes.push(Write::History(HistoryRow { ended: ended.to_vec(), ..empty_history(now) }));
    }
    writes
}

/// Rows of conflicts whose records have no changes left.
fn conflicts_over(rows: &Rows, gone: &BTreeSet<RowId>) -> Vec<Write> {
    let left = |row: &&ConflictRow| {
        !rows
            .outbox
            .iter()
            .any(|change| change.record == row.id && change.collection == row.collection && !gone.contains(&change.row))
    };
    rows.conflicts.iter().filter(left).map(|row| Write::RemoveConflict(row.collection.clone(), row.id)).collect()
}
