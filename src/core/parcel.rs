//! Parcels: the view frozen for sending, one idempotency key, one answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::backoff::PARCEL_DELAY_MS_MAX;
use super::protocol::{Item, Problem, PushParcel};
use super::record::{CollectionName, Millis, OpId, RecordId, RowId};

/// Where a parcel stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ParcelState {
    /// Its outcome is unknown: it is sent again, unaltered, until there is an answer.
    Open,
    /// Refused for good: its op_id is spent.
    Refused {
        /// Why.
        problem: Problem,
    },
}

/// What to do once the outcome of an open parcel is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// End its changes, if they were not applied.
    Discard,
}

/// The sendable changes of one record, or of all records of one group, frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parcel {
    /// Its idempotency key.
    pub op_id: OpId,
    /// The row ids of its changes.
    pub rows: Vec<RowId>,
    /// What is sent. Shared: it is sent, kept and noted as it is, and never changes.
    pub items: Arc<[Item]>,
    /// The schema number of its changes.
    pub schema: u32,
    /// The lowest `client_seq` of its changes: its place in the order.
    pub first_seq: u64,
    /// Where it stands.
    #[serde(flatten)]
    pub state: ParcelState,
    /// How often the server said `retry`.
    #[serde(default)]
    pub attempts: u32,
    /// Not to be sent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Millis>,
    /// The record that it waits for, by the server's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<RecordId>,
    /// What to do once the outcome is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<Then>,
    /// Of one change of mode `online`: sent in a request of its own, and never by a context without tables.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub online: bool,
}

impl Parcel {
    /// Whether its outcome is unknown.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, ParcelState::Open)
    }

    /// Whether it is not to be sent yet.
    #[must_use]
    pub fn waits(&self, now: Millis) -> bool {
        self.next_attempt_at.is_some_and(|at| !at.has_come(now, PARCEL_DELAY_MS_MAX))
    }

    /// Whether it carries this record.
    #[must_use]
    pub fn carries(&self, collection: &str, id: RecordId) -> bool {
        self.items.iter().any(|item| item.id == id && item.collection == collection)
    }

    /// Its records.
    pub fn records(&self) -> impl Iterator<Item = (CollectionName, RecordId)> {
        self.items.iter().map(|item| (item.collection.clone(), item.id))
    }

    /// As it travels.
    #[must_use]
    pub fn to_wire(&self) -> PushParcel {
        PushParcel { op_id: self.op_id, changes: self.rows.clone(), schema: self.schema, items: self.items.clone() }
    }
}
