//! What each unsent record waits for, in one word; and why it could not be sent.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::table::{RecordStatus, RecordView, Tables};
use super::unfit::Unfit;
use crate::core::backoff::PARCEL_DELAY_MS_MAX;
use crate::core::bases::stand_in;
use crate::core::fit::keeps_rules;
use crate::core::online::moved;
use crate::core::outbox::Change;
use crate::core::parcel::{Parcel, ParcelState};
use crate::core::protocol::{Problem, ProblemCode};
use crate::core::push::{Begin, sendable};
use crate::core::record::{Base, CollectionName, Millis, RecordId};
use crate::core::rules::Violation;
use crate::core::schema::Collection;

/// What an unsent record waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wait {
    /// Nothing but the next cycle.
    Turn,
    /// The time in which it can be undone.
    Undo,
    /// A person's choice.
    Choice,
    /// Being mended.
    Mending,
    /// The server, which asked for time or failed on it: see when it is tried next.
    Server,
    /// The server's word on what became of it.
    Outcome,
    /// Another record.
    Record,
}

/// Records of which something could be sent now, and since when.
pub type Sendable = BTreeMap<(CollectionName, RecordId), Millis>;

impl Tables {
    /// What a begin would find.
    #[must_use]
    pub fn sendable(&self, now: Millis) -> Sendable {
        let outbox: Vec<&Change> = self.outbox().collect();
        let parcels = self.parcels();
        let (sent, schema) = (BTreeSet::new(), self.schema());
        let input = Begin { schema, outbox: &outbox, parcels, sent: &sent, now, seed: 0, count_max: usize::MAX };
        let saved_at = |collection: &str, id| self.changes_of(collection, id).first().map(|change| change.saved_at);
        let keys = sendable(&input, self).into_iter();
        keys.filter_map(|(name, id)| Some(((name.to_owned(), id), saved_at(name, id)?))).collect()
    }

    /// What this record waits for.
    #[must_use]
    pub fn waits_for(&self, record: &RecordView, sendable: &Sendable, now: Millis) -> Wait {
        let changes = self.changes_of(&record.collection, record.id);
        if let Some(open) = self.parcels_of(&changes).find(|parcel| parcel.is_open()) {
            if open.then.is_some() || open.online {
                return Wait::Outcome;
            }
            if open.next_attempt_at.is_some_and(|at| !at.has_come(now, PARCEL_DELAY_MS_MAX)) {
                return Wait::Server;
            }
        }
        match record.status {
            RecordStatus::Failed => Wait::Mending,
            RecordStatus::Conflict => Wait::Choice,
            _ if sendable.contains_key(&(record.collection.clone(), record.id)) => Wait::Turn,
            _ if record.held => Wait::Undo,
            RecordStatus::Sending | RecordStatus::Pending | RecordStatus::Synced => Wait::Record,
        }
    }

    /// Why this record's changes could not be sent.
    pub(super) fn problem(
        &self,
        collection: &Collection,
        id: RecordId,
        base: Option<&Base>,
        changes: &[&Change],
    ) -> Option<Problem> {
        if changes.is_empty() {
            return None;
        }
        let stand = stand_in(changes);
        let built_on = base.or(stand.as_ref());
        let carried = |parcel: &Parcel| {
            changes.iter().all(|change| parcel.rows.contains(&change.row) || !parcel.carries(&collection.name, id))
        };
        // What came since takes a refused parcel along only in one step with it. If that step breaks a rule (a stage leaps),
        // nothing goes by itself any more, and it is said.
        let mends = |parcel: &Parcel| {
            let newer = (0..changes.len()).filter(|at| !parcel.rows.contains(&changes[*at].row));
            newer.into_iter().any(|at| keeps_rules(collection, built_on, &changes[..=at]))
        };
        let mut refused = self.parcels_of(changes).filter(|parcel| !parcel.is_open());
        if let Some(Parcel { state: ParcelState::Refused { problem }, .. }) =
            refused.find(|parcel| parcel.online || carried(parcel) || !mends(parcel))
        {
            return Some(problem.clone());
        }
        // Imported without its parcel: nothing asks for it by itself.
        let is_carried = |change: &&&Change| self.parcels_of(&[**change]).next().is_some();
        if changes.iter().filter(|change| change.is_online()).any(|change| !is_carried(&change)) {
            return Some(moved(&collection.name, id, None));
        }
        let problem = |code| Problem::new(code, "").of_record(&collection.name, id);
        Some(match self.unfit(&collection.name, id)? {
            Unfit::Revoked => problem(ProblemCode::Forbidden),
            Unfit::Broken(Violation { field, .. }) if field.is_empty() => problem(ProblemCode::Validation),
            Unfit::Broken(Violation { field, .. }) => problem(ProblemCode::Validation).in_field(&field),
        })
    }
}
