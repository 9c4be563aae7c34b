//! What a person decides about conflicts, one or many at once; and what a person has looked at of what rules decided.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use crate::core::finish::empty_history;
use crate::core::outbox::{Change, HOLD_MS_MAX};
use crate::core::protocol::Action;
use crate::core::record::{CollectionName, Millis, RecordId, RowId, Version};
use crate::core::resolve::{Choices, ResolveError, Resolved, Stamp, resolve};
use crate::core::rows::{Aside, Ended, HistoryRow, Met};
use crate::core::rules::{Violation, check_patch, check_record};
use crate::core::trace::What;
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, Write};

use super::settle::{STORES, SettleError, Settled};
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
    append: Option<Change>,
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
        let changes = tables.changes_of(collection, id);
        match self.plan(decision, tables.base(collection, id), &changes, self.stamp(), 0) {
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
        let clock_offset_ms = self.shared.borrow().engine.clock_offset_ms;
        Stamp { row: RowId::new(now, self.random()), now, clock_offset_ms, schema: self.schema.schema }
    }

    async fn decide_all(&self, decisions: &[Decision], hold_ms: i64) -> Result<(Decided, Option<SettleError>), SettleError> {
        let stamps: Vec<Stamp> = decisions.iter().map(|_| self.stamp()).collect();
        let own: Vec<RowId> = stamps.iter().map(|stamp| stamp.row).collect();
        let mut stores = STORES.to_vec();
        stores.push(StoreName::Pages);
        let of = decisions.iter().map(|decision| (decision.collection.clone(), decision.id)).collect();
        let read = vec![Read::Outbox, Read::Parcels, Read::Conflicts, Read::PagesOf(of)];
        // What was planned and may have been committed, if the work is done twice.
        let before = RefCell::new((Decided::default(), None));
        let plan = |rows: &Rows| {
            if rows.outbox.iter().any(|change| own.contains(&change.row)) {
                return Step::Write(vec![], Ok(before.borrow().clone()));
            }
            match self.plan_all(rows, decisions, &stamps, hold_ms) {
                Ok((writes, decided)) => {
                    before.replace(decided.clone());
                    Step::Write(writes, Ok(decided))
                }
                Err(error) => Step::Write(vec![], Err(error)),
            }
        };
        let (decided, first) = self.store.update(Scope::strict(&stores, read), plan).await?.value?;
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
        let set = pages::read(rows)?;
        let (mut writes, mut history) = (Vec::new(), empty_history(self.host.now()));
        let (mut decided, mut first) = (Decided::default(), None);
        let mut appends = Vec::new();
        for (decision, stamp) in decisions.iter().zip(stamps) {
            let (collection, id) = (decision.collection.as_str(), decision.id);
            let changes: Vec<&Change> =
                rows.outbox.iter().filter(|change| change.record == id && change.collection == collection).collect();
            let is_sent =
                |change: &&Change| rows.parcels.iter().any(|parcel| parcel.is_open() && parcel.rows.contains(&change.row));
            let planned = if changes.iter().any(is_sent) {
                Err(SettleError::Moved)
            } else {
                self.plan(decision, set.get(collection, id), &changes, *stamp, hold_ms)
            };
            match planned {
                Ok(Planned { ended, append, set_aside }) => {
                    writes.push(Write::RemoveConflict(collection.to_owned(), id));
                    history.set_aside.extend(set_aside);
                    history.ended.extend(ended);
                    decided.undo.appended.extend(append.as_ref().map(|change| change.row));
                    appends.extend(append.map(Write::Append));
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
        base: Option<&crate::core::record::Base>,
        changes: &[&Change],
        stamp: Stamp,
        hold_ms: i64,
    ) -> Result<Planned, SettleError> {
        let declared = self.schema.collection(&decision.collection).ok_or(SettleError::NotFound)?;
        let resolved = resolve(declared, base, changes, decision.version, &decision.choices, stamp);
        let Resolved { ended, append, set_aside } = resolved.map_err(|error| match error {
            ResolveError::Moved => SettleError::Moved,
            ResolveError::Incomplete => SettleError::Incomplete,
        })?;
        let violations = append.as_ref().map_or_else(Vec::new, |change| match change.action {
            Action::Create => check_record(declared, &change.written),
            Action::Update => check_patch(declared, &change.seen.fields, &change.written),
            Action::Delete => Vec::new(),
        });
        if !violations.is_empty() {
            return Err(SettleError::Invalid(violations));
        }
        let hold_until: Option<Millis> = (hold_ms > 0).then(|| stamp.now.plus(hold_ms.min(HOLD_MS_MAX)));
        let aside = |lost: crate::core::protocol::SetAside| {
            let theirs = base.and_then(|base| crate::core::history::theirs(base, &lost.field));
            let won = append.as_ref().and_then(|change| change.written.get(&lost.field));
            let there = base.and_then(|base| base.fields.get(&lost.field));
            let won = won.or(there).cloned().unwrap_or_default();
            Aside(decision.collection.clone(), decision.id, lost, Met { won, theirs })
        };
        let set_aside = set_aside.into_iter().map(aside).collect();
        Ok(Planned { ended, set_aside, append: append.map(|change| Change { hold_until, ..change }) })
    }
}

/// A refused parcel goes with the last of its changes; those of its other records may have ended before.
fn spent(rows: &Rows, ended: &[Ended]) -> Vec<Write> {
    let left = |row: &RowId| rows.outbox.iter().any(|change| change.row == *row) && !ended.iter().any(|ended| ended.row == *row);
    let spent = rows.parcels.iter().filter(|parcel| !parcel.is_open() && !parcel.rows.iter().any(left));
    spent.map(|parcel| Write::RemoveParcel(parcel.op_id)).collect()
}
