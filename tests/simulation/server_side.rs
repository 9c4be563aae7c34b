//! What the server did, for who looks on: what it applied and answered, and what of that a backup took away.

use std::collections::{BTreeMap, BTreeSet};

use fieldsync::core::protocol::{Item, Outcome, PushParcel, PushResult};
use fieldsync::core::record::{OpId, RecordId, RowId};
use fieldsync_server::db::Stored;

use crate::losses::Stores;

/// A parcel that the server answered, with its records before and after.
#[derive(Clone, Debug)]
pub struct Applied {
    pub parcel: PushParcel,
    pub outcome: Outcome,
    /// The ledger did not have it.
    pub is_fresh: bool,
    pub items: Vec<(Item, Option<Stored>, Option<Stored>)>,
}

/// What the server did, as far as it is there: a backup takes the rest away.
#[derive(Clone, Debug, Default)]
pub struct ServerSide {
    pub applied: BTreeMap<RowId, OpId>,
    pub finals: BTreeMap<OpId, Outcome>,
    /// How often our server itself did not settle this one.
    pub troubled: BTreeMap<OpId, u32>,
    /// Values that a record ever had: (record, field, value).
    pub values: BTreeSet<(RecordId, String, String)>,
    pub deleted: BTreeSet<RecordId>,
    /// Changes that were ever applied, also if a backup took that away.
    pub ever: BTreeSet<RowId>,
    pub restores: u32,
    /// Parcels that were ever refused, also if a backup forgot it.
    pub was_refused: BTreeSet<OpId>,
    /// Those of them that were ever rejected: a clone may have got another answer to the same since.
    pub was_rejected: BTreeSet<OpId>,
    /// What it knows of stores that may be gone.
    pub stores: Stores,
    /// How what it said of them was wrong, and what it came to.
    pub losses: (Option<String>, Vec<&'static str>),
}

impl ServerSide {
    /// This backup, put back: what was given out and what was ever written stays known to who looks on.
    pub fn after_restore(mut self, lost: &Self) -> Self {
        self.values.extend(lost.values.iter().cloned());
        self.deleted.extend(lost.deleted.iter().copied());
        self.ever.extend(lost.ever.iter().copied());
        self.troubled.clone_from(&lost.troubled);
        self.finals = lost.finals.iter().map(|(op, outcome)| (*op, outcome.clone())).chain(self.finals).collect();
        self.restores = lost.restores + 1;
        self.was_refused.clone_from(&lost.was_refused);
        self.was_rejected.clone_from(&lost.was_rejected);
        self
    }

    pub fn answered(&mut self, result: &PushResult) {
        if matches!(result.outcome, Outcome::Rejected { .. } | Outcome::Conflict { .. } | Outcome::Voided) {
            self.was_refused.insert(result.op_id);
        }
        if matches!(result.outcome, Outcome::Rejected { .. }) {
            self.was_rejected.insert(result.op_id);
        }
        if result.outcome.is_final() {
            self.finals.insert(result.op_id, result.outcome.clone());
        } else {
            self.trouble(result.op_id);
        }
    }

    pub fn trouble(&mut self, op_id: OpId) {
        *self.troubled.entry(op_id).or_default() += 1;
    }
}
