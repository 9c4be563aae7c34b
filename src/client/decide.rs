//! What a person decides about conflicts, one or many at once; and what a person has looked at of what rules decided.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use crate::core::finish::empty_history;
use crate::core::outbox::{Change, HOLD_MS_MAX};
use crate::core::protocol::Action;
use crate::core::record::{Base, CollectionName, Millis, RecordId, RowId, Version, at, field_of};
use crate::core::resolve::{Choices, Question, ResolveError, Resolved, Stamp, resolve};
use crate::core::rows::{Aside, Ended, HistoryRow, Met};
use crate::core::rules::{Violation, check_patch, check_record};
use crate::core::trace::What;
use crate::core::view::patched;
use crate::data::page_set::PageSet;
use crate::mutation::{self, Mutation};
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, Write};

use super::asked::is_ended as conflict_ended;
use super::settle::{STORES, SettleError, Settled, is_done};
use super::{Client, pages};

/// Conflicts decided in one transaction, at most.
pub const DECIDED_MAX: usize = 200;

/// One conflict as it was shown, and what was chosen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Decision {
    /// The record's collection.
    pub collection: CollectionName,
    /// The record.
    pub id: RecordId,
    /// The version of theirs that was shown.
    pub version: Version,
    /// What was chosen.
    pub choices: Choices,
}

/// What became of decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Decided {
    /// What takes them back, all together.
    pub undo: Settled,
    /// Records of which theirs moved since, or whose conflict is gone: nothing was decided for them.
    pub moved: Vec<RecordId>,
    /// Records for which the choice breaks a rule: nothing was decided for them either.
    pub unfit: Vec<RecordId>,
}

/// One decision, planned.
struct Planned {
    ended: Vec<Ended>,
    append: Vec<Change>,
    set_aside: Vec<Aside>,
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Decides a conflict as it was shown. Held back for `hold_ms`, it can be undone for as long.
    ///
    /// # Errors
    /// `Moved` if theirs is not what was shown any more, `Incomplete` if a choice is missing, `Invalid` if one breaks a rule.
    pub async fn resolve_held(&self, decision: &Decision, hold_ms: i64) -> Result<Settled, SettleError> {
        let (decided, first) = self.decide_all(std::slice::from_ref(decision), hold_ms).await?;
        first.map_or(Ok(decided.undo), Err)
    }

    /// The same, sent at once.
    ///
    /// # Errors
    /// The same.
    pub async fn resolve(
        &self,
        collection: &str,
        id: RecordId,
        shown: Version,
        choices: &Choices,
    ) -> Result<Settled, SettleError> {
        let decision = Decision { collection: collection.to_owned(), id, version: shown, choices: choices.clone() };
        self.resolve_held(&decision, 0).await
    }

    /// Decides many in one transaction, at most [`DECIDED_MAX`]. What cannot be decided as it was shown is left as it is, and
    /// named.
    ///
    /// # Errors
    /// `Incomplete` if a choice is missing; if it cannot be written.
    pub async fn decide(&self, decisions: &[Decision], hold_ms: i64) -> Result<Decided, SettleError> {
        let (decided, first) = self.decide_all(&decisions[..decisions.len().min(DECIDED_MAX)], hold_ms).await?;
        match first {
            Some(SettleError::Incomplete) => Err(SettleError::Incomplete),
            _ => Ok(decided),
        }
    }

    /// What rules the choices break that a person is about to make.
    pub fn would_break(&self, decision: &Decision) -> Vec<Violation> {
        let shared = self.shared.borrow();
        let Some(tables) = &shared.tables else { return Vec::new() };
        let (collection, id) = (&decision.collection, decision.id);
        let outbox: Vec<Change> = tables.outbox().filter(|change| !change.is_online()).cloned().collect();
        match self.plan(decision, tables.base(collection, id), &outbox, self.stamp(), 0) {
            Err(SettleError::Invalid(violations)) => violations,
            _ => Vec::new(),
        }
    }

    /// A person has looked at what rules set aside of a record: it is no news any more.
    ///
    /// # Errors
    /// If it cannot be noted.
    pub async fn looked(&self, collection: &str, id: RecordId) -> Result<(), StoreError> {
        let now = self.host.now();
        let record = self.tables(|tables| tables.record(collection, id, true, now)).flatten();
        let unseen = record.into_iter().flat_map(|record| record.set_aside).filter(|aside| !aside.seen);
        let looked: Vec<_> = unseen.map(|aside| (collection.to_owned(), id, aside.lost)).collect();
        if looked.is_empty() {
            return Ok(());
        }
        let scope = Scope::relaxed(&[StoreName::History], vec![]);
        let row = HistoryRow { looked, ..empty_history(now) };
        self.store.update(scope, |_| Step::Write(vec![Write::History(row.clone())], ())).await?;
        self.settled().await
    }

    fn stamp(&self) -> Stamp {
        let now = self.host.now();
        let clock_offset_ms = self.shared.borrow().engine.clock_offset_ms(now);
        let (row, copy) = (RowId::new(now, self.random()), RecordId::new(now, self.random()));
        Stamp { row, copy, now, clock_offset_ms, schema: self.schema.schema }
    }

    async fn decide_all(&self, decisions: &[Decision], hold_ms: i64) -> Result<(Decided, Option<SettleError>), SettleError> {
        let mut stores = STORES.to_vec();
        stores.push(StoreName::Pages);
        let of = decisions.iter().map(|decision| (decision.collection.clone(), decision.id)).collect();
        let read = vec![Read::Outbox, Read::Parcels, Read::Conflicts, Read::PagesOf(of)];
        // What was planned and may have been committed, if the work is done twice.
        let before: RefCell<(Decided, Option<SettleError>)> = RefCell::default();
        let plan = |rows: &Rows| {
            if is_done(&before.borrow().0.undo, rows) {
                return Step::Write(vec![], Ok(before.borrow().clone()));
            }
            // Other ids each time: what the first run has appended may be on its way under its own.
            let stamps: Vec<Stamp> = decisions.iter().map(|_| self.stamp()).collect();
            match self.plan_all(rows, decisions, &stamps, hold_ms) {
                Ok((writes, decided)) => {
                    before.replace(decided.clone());
                    Step::Write(writes, Ok(decided))
                }
                Err(error) => Step::Write(vec![], Err(error)),
            }
        };
        let (decided, first) = self.update_in_need(Scope::strict(&stores, read), plan).await?.value?;
        if !decided.undo.ended.is_empty() {
            self.trace(What::Ended(decided.undo.ended.iter().map(|ended| ended.row).collect()));
        }
        self.settled().await?;
        Ok((decided, first))
    }

    /// The writes, what became of each, and why the first was not decided that was not.
    #[allow(clippy::type_complexity)]
    fn plan_all(
        &self,
        rows: &Rows,
        decisions: &[Decision],
        stamps: &[Stamp],
        hold_ms: i64,
    ) -> Result<(Vec<Write>, (Decided, Option<SettleError>)), SettleError> {
        let mut set = pages::read(rows)?;
        // What waits for an answer is no part of what is decided.
        let outbox: Vec<Change> = rows.outbox.iter().filter(|change| !change.is_online()).cloned().collect();
        let (mut writes, mut history) = (Vec::new(), empty_history(self.host.now()));
        let (mut decided, mut first) = (Decided::default(), None);
        let mut appends = Vec::new();
        for (decision, stamp) in decisions.iter().zip(stamps) {
            let (collection, id) = (decision.collection.as_str(), decision.id);
            let planned = self.plan(decision, set.get(collection, id), &outbox, *stamp, hold_ms);
            let is_ended = |row: &RowId, planned: &Planned| planned.ended.iter().any(|ended| ended.row == *row);
            let is_sent = |planned: &Planned| {
                rows.parcels.iter().any(|parcel| parcel.is_open() && parcel.rows.iter().any(|row| is_ended(row, planned)))
            };
            // What one decision ends or builds on no other may end: that these are two takes along what names mine.
            let is_over = |planned: &Planned| history.ended.iter().any(|over: &Ended| is_ended(&over.row, planned));
            let planned = planned
                .and_then(|planned| if is_sent(&planned) || is_over(&planned) { Err(SettleError::Moved) } else { Ok(planned) });
            match planned {
                Ok(Planned { ended, append, set_aside }) => {
                    writes.push(Write::RemoveConflict(collection.to_owned(), id));
                    decided.undo.conflicts.extend(rows.conflicts.iter().filter(|row| conflict_ended(row, &ended)).cloned());
                    history.set_aside.extend(set_aside);
                    history.ended.extend(ended);
                    decided.undo.appended.extend(append.iter().map(|change| change.row));
                    appends.extend(append.into_iter().map(Write::Append));
                }
                Err(error) => {
                    match error {
                        SettleError::Invalid(_) => decided.unfit.push(id),
                        _ => decided.moved.push(id),
                    }
                    first.get_or_insert(error);
                }
            }
        }
        if history.ended.is_empty() {
            return Ok((vec![], (decided, first)));
        }
        if mutation::is(Mutation::DecidedIsBase) {
            write_over(&mut set, &appends);
            writes.extend(pages::writes(set, rows)?);
        }
        decided.undo.ended.clone_from(&history.ended);
        writes.extend(history.ended.iter().map(|ended| Write::RemoveChange(ended.client_seq)));
        writes.extend(spent(rows, &history.ended));
        writes.push(Write::History(history));
        writes.extend(appends);
        Ok((writes, (decided, first)))
    }

    fn plan(
        &self,
        decision: &Decision,
        base: Option<&Base>,
        outbox: &[Change],
        stamp: Stamp,
        hold_ms: i64,
    ) -> Result<Planned, SettleError> {
        let (record, shown) = (decision.id, decision.version);
        let collection = self.schema.collection(&decision.collection).ok_or(SettleError::NotFound)?;
        let asked = Question { schema: &self.schema, collection, record, base, shown, outbox };
        let resolved = resolve(&asked, &decision.choices, stamp);
        let Resolved { ended, append, set_aside } = resolved.map_err(|error| match error {
            ResolveError::Moved => SettleError::Moved,
            ResolveError::Incomplete => SettleError::Incomplete,
        })?;
        let own = || append.iter().filter(|change| change.collection == decision.collection);
        let broken = |change: &Change| match change.action {
            Action::Create => check_record(collection, &change.written),
            Action::Update => check_patch(collection, &change.seen.fields, &change.written),
            Action::Delete => Vec::new(),
        };
        // Only of what was asked: what else breaks a rule is mended in the form once this is decided, and not in a dialog that
        // does not show it.
        let is_asked = |violation: &Violation| decision.choices.keys().any(|name| field_of(name) == violation.field);
        let violations: Vec<Violation> = own().flat_map(broken).filter(is_asked).collect();
        if !violations.is_empty() {
            return Err(SettleError::Invalid(violations));
        }
        let hold_until: Option<Millis> = (hold_ms > 0).then(|| stamp.now.plus(hold_ms.min(HOLD_MS_MAX)));
        let aside = |lost: crate::core::protocol::SetAside| {
            let theirs = base.and_then(|base| crate::core::history::theirs(base, &lost.field));
            let mine = own().filter(|change| change.record == record);
            let written = mine.map(|change| at(&change.written, &lost.field)).find(|value| !value.is_null());
            let won = written.or_else(|| base.map(|base| at(&base.fields, &lost.field))).cloned().unwrap_or_default();
            Aside(decision.collection.clone(), decision.id, lost, Met { won, theirs })
        };
        let set_aside = set_aside.into_iter().map(aside).collect();
        Ok(Planned { ended, set_aside, append: append.into_iter().map(|change| Change { hold_until, ..change }).collect() })
    }
}

/// The mutation alone: what was appended, over the bases.
fn write_over(set: &mut PageSet, appends: &[Write]) {
    for write in appends {
        if let Write::Append(change) = write
            && let Some(base) = set.get(&change.collection, change.record).cloned()
        {
            set.put(&change.collection, Base { fields: patched(&base.fields, &change.written), ..base });
        }
    }
}

/// A refused parcel goes with the last of its changes; those of its other records may have ended before.
fn spent(rows: &Rows, ended: &[Ended]) -> Vec<Write> {
    let left = |row: &RowId| rows.outbox.iter().any(|change| change.row == *row) && !ended.iter().any(|ended| ended.row == *row);
    let spent = rows.parcels.iter().filter(|parcel| !parcel.is_open() && !parcel.rows.iter().any(left));
    spent.map(|parcel| Write::RemoveParcel(parcel.op_id)).collect()
}
