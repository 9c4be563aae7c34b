//! Parcels and their answers, on the wire.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::loss::{LostEpoch, Unsent};

use super::problem::Problem;
use super::protocol::{Cursor, Entry};
use super::record::{CollectionName, DeviceId, Epoch, Fields, Millis, OpId, RecordId, RowId, Seq, Version};

/// What a change does to its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Makes it.
    Create,
    /// Changes fields of it.
    Update,
    /// Deletes it.
    Delete,
}

/// A value that a rule put aside, so that nothing is lost in silence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetAside {
    /// The field.
    pub field: String,
    /// The value that lost.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub value: Value,
    /// Whether it was mine (else the server's).
    pub mine: bool,
}

/// One record's part of a parcel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Item {
    /// Its collection.
    pub collection: CollectionName,
    /// Its id.
    pub id: RecordId,
    /// What to do.
    pub action: Action,
    /// The version that it builds on: 0 for a create of what never was; a tombstone's, to create over it.
    pub base_version: Version,
    /// The fields to write; null clears one.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub patch: Fields,
    /// What the base had in those fields.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub seen: Fields,
    /// Of an update, the oldest version that one of its changes had seen, if that is before the one that it builds on: was it
    /// somebody else who wrote in between, this is a merge about which nobody was asked. It is only counted by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_version: Option<Version>,
    /// What a rule put aside on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<SetAside>,
    /// When the newest of its changes was made, by the server's clock as the device knew it.
    pub edited_at: Millis,
}

/// A parcel as it travels. The same `op_id` always carries the same contents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushParcel {
    /// Its idempotency key.
    pub op_id: OpId,
    /// The row ids of its changes.
    pub changes: Vec<RowId>,
    /// The schema number under which they were made.
    pub schema: u32,
    /// Applied wholly or not at all. Shared with the parcel that it is.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Item>))]
    pub items: Arc<[Item]>,
}

impl PushParcel {
    /// What it is to do, without what is only counted by. The same `op_id` may come with that and without.
    #[must_use]
    pub fn uncounted(self) -> Self {
        if self.items.iter().all(|item| item.seen_version.is_none()) {
            return self;
        }
        let items = self.items.iter().map(|item| Item { seen_version: None, ..item.clone() }).collect();
        Self { items, ..self }
    }
}

/// Numbers from `.0` to `.1`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SeqRange(pub u64, pub u64);

/// `POST /sync/v1/push`, and `/preview`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushRequest {
    /// Who sends.
    pub device: DeviceId,
    /// The lifetime of the device's store.
    pub epoch: Epoch,
    /// The highest outbox number ever given out.
    pub allocated_seq: u64,
    /// Which numbers are still open.
    pub open: Vec<SeqRange>,
    /// Of how many records the open ones are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub open_records: u64,
    /// How many conflicts this store has put to its user in all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub conflicts: u64,
    /// The app deletes this store now, and knows it: what is open in it is not lost.
    #[serde(default, skip_serializing_if = "is_false")]
    pub goodbye: bool,
    /// Lost epochs that the user knows of: they need not be told again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Epoch>,
    /// The server that these are for: any other refuses them as it does an unknown cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_epoch: Option<Epoch>,
    /// How far the device has pulled: a server that does not know it was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// The newest commit that answered this device, if its cursor may be before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Cursor>,
    /// In order.
    pub parcels: Vec<PushParcel>,
}

// serde hands references.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What became of one item that was applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AppliedItem {
    /// Its collection.
    pub collection: CollectionName,
    /// Its id.
    pub id: RecordId,
    /// The record's version now.
    pub version: Version,
    /// The fields that the server keeps otherwise than they were sent, as it keeps them.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub normalised: Fields,
}

/// What became of a parcel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Done, now or when it first came. Final.
    Applied {
        /// The commit's place in the feed.
        seq: Seq,
        /// One for each item, in order.
        items: Vec<AppliedItem>,
    },
    /// These changes were applied under another op_id; nothing was done. Final.
    Known {
        /// The row ids that the ledger has.
        rows: Vec<RowId>,
    },
    /// A record has moved on; nothing was done. Final.
    Conflict {
        /// The records that moved, as they are.
        theirs: Vec<Entry>,
    },
    /// Refused; nothing was done. Final.
    Rejected {
        /// Why.
        problem: Problem,
    },
    /// The server could not deal with it now. Not final.
    Retry {
        /// Seconds to wait at least, if the server knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u32>,
    },
    /// Waits for another parcel. Not final.
    Blocked {
        /// The record it waits for.
        by: RecordId,
    },
    /// Will never be applied: the device asked for that before it came. Final.
    Voided,
}

impl Outcome {
    /// Whether this is the answer for ever.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Retry { .. } | Self::Blocked { .. })
    }

    /// Its name on the wire.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Known { .. } => "known",
            Self::Conflict { .. } => "conflict",
            Self::Rejected { .. } => "rejected",
            Self::Retry { .. } => "retry",
            Self::Blocked { .. } => "blocked",
            Self::Voided => "voided",
        }
    }
}

/// A parcel's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushResult {
    /// Which parcel.
    pub op_id: OpId,
    /// With the last one that tells of a commit: the newest one. A device shows it until its cursor is behind it, so that a
    /// server that was restored to before it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Cursor>,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The answer to [`PushRequest`]: one result a parcel, in the same order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushAnswer {
    /// In the order of the request.
    pub results: Vec<PushResult>,
    /// Stores of this user in this browser that are gone, with what was open in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostEpoch>,
}

/// `POST /sync/v1/void`: this op_id is never to be applied, unless it was. The answer is a [`PushResult`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoidRequest {
    /// Which parcel.
    pub op_id: OpId,
    /// Its changes: so that they are known under it.
    pub changes: Vec<RowId>,
    /// The server that it was sent to: any other cannot know its outcome, and notes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_epoch: Option<Epoch>,
    /// The newest commit that answered this device: see [`PushResult::mark`]. A server that lacks it answers 410.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Cursor>,
}
