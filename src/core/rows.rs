//! The rows of the stores that are neither changes nor parcels: conflicts, history, drafts, and the names in `meta`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::outbox::Change;
use super::protocol::{Action, SetAside};
use super::record::{Changed, CollectionName, Fields, GroupId, Millis, OpId, RecordId, RowId, Seq, Version};
use super::schema::Mode;

/// A page as it is stored. The format of `bytes` is `data::page`'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRow {
    /// The collection.
    pub collection: CollectionName,
    /// The page owns the ids from this one, up to the next page's. The first page of a collection has "".
    pub first: String,
    /// Greater than every stamp given before.
    pub stamp: u64,
    /// The bases, packed.
    pub bytes: Vec<u8>,
}

/// What of a conflict cannot be derived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConflictRow {
    /// The record's collection.
    pub collection: CollectionName,
    /// The record.
    pub id: RecordId,
    /// When it was found.
    pub found_at: Millis,
    /// The version of theirs then.
    pub version: Version,
    /// Whether a person put it off.
    #[serde(default)]
    pub put_off: bool,
}

/// How a change ended. There are no other ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// The server has it, or already had it.
    Confirmed,
    /// A person decided a conflict.
    Resolved,
    /// The user took it back, or it cancelled itself.
    Discarded,
}

/// One change's end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Its number in the outbox.
    pub client_seq: u64,
    /// Its row id.
    pub row: RowId,
    /// The record's collection.
    pub collection: CollectionName,
    /// The record.
    pub record: RecordId,
    /// What it did.
    pub action: Action,
    /// What it saw and wrote: Undo and a restored server need both.
    pub seen: super::outbox::Seen,
    /// See `seen`.
    pub written: Fields,
    /// Shared by changes saved together: undo of the end puts them back together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// When it was saved.
    pub saved_at: Millis,
    /// How it was written.
    #[serde(default, skip_serializing_if = "is_optimistic")]
    pub mode: Mode,
    /// How it ended.
    pub end: End,
}

// serde hands a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_optimistic(mode: &Mode) -> bool {
    *mode == Mode::Optimistic
}

impl Ended {
    /// The change as it was, as far as its end tells: when it was made by the server's clock is not known any more.
    #[must_use]
    pub fn change(&self, schema: u32) -> Change {
        Change {
            client_seq: self.client_seq,
            row: self.row,
            collection: self.collection.clone(),
            record: self.record,
            action: self.action,
            seen: self.seen.clone(),
            written: self.written.clone(),
            group: self.group,
            schema,
            saved_at: self.saved_at,
            clock_offset_ms: None,
            hold_until: None,
            mode: self.mode,
        }
    }
}

/// A value that a rule set aside: of which record, which value, and what it met.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Aside(pub CollectionName, pub RecordId, pub SetAside, #[serde(default)] pub Met);

/// What a value that was set aside met.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Met {
    /// What stands in its place. While it does, the other can be put back; what is written over it is somebody's own decision.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub won: Value,
    /// Who wrote the one of the two that was not mine, and when, as far as the server has said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theirs: Option<Changed>,
}

/// One transaction's ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// From the store's key generator; 0 until it has one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub key: u64,
    /// When.
    pub at: Millis,
    /// The parcels that were answered, whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<super::parcel::Parcel>,
    /// The changes that ended.
    pub ended: Vec<Ended>,
    /// What rules set aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<Aside>,
    /// What of that a person has looked at: nothing ends by it, but the other contexts and the next start learn it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looked: Vec<(CollectionName, RecordId, SetAside)>,
    /// The commit's place in the feed, if the server confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// The op_ids voided with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub voided: Vec<OpId>,
    /// Changes that a restored server lacked, and that went back to the outbox: no ends, but what other contexts learn it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returned: Vec<super::outbox::Change>,
}

// serde hands a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A half-typed form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DraftRow {
    /// The form's name.
    pub form: String,
    /// What is in it.
    pub value: Fields,
    /// When it was last written.
    pub at: Millis,
}

/// The names of the rows in `meta`.
pub mod meta {
    /// The device's id.
    pub const DEVICE: &str = "device";
    /// The store's epoch, made with it.
    pub const EPOCH: &str = "epoch";
    /// The server's epoch, from its first answer.
    pub const SERVER_EPOCH: &str = "server_epoch";
    /// The next `stamp` of a page.
    pub const STAMP: &str = "stamp";
    /// The feed's cursor and the state of a snapshot; see `core::pull`.
    pub const PULL: &str = "pull";
    /// What is pushed again to a restored server; see `core::restore`. Null when it is over.
    pub const REPLAY: &str = "replay";
    /// The engine's lasting state: backoff, last answer, errors; see `core::status`.
    pub const ENGINE: &str = "engine";
    /// The highest outbox number ever given out, as far as was noted.
    pub const ALLOCATED: &str = "allocated_seq";
    /// The highest history key that was pruned.
    pub const HISTORY_FLOOR: &str = "history_floor";
    /// What was lost with other stores, and what the server was told of this one; see `core::loss`.
    pub const LOSSES: &str = "losses";
    /// How many conflicts this store has put to its user in all.
    pub const CONFLICTS: &str = "conflicts";
    /// The schema that the rows were written under.
    pub const SCHEMA: &str = "schema";
    /// Entries of the feed that could not be applied, kept raw.
    pub const POISON: &str = "poison";
}

/// The names of the rows in `derived`.
pub mod derived {
    /// Where the trace is written; its segments are `trace/0` and so on. See `core::trace`.
    pub const TRACE: &str = "trace";
    /// The heads of the lists that were asked for last; see `data::head`.
    pub const HEADS: &str = "heads";
    /// The last answer of each report, by its name.
    pub const REPORTS: &str = "reports";
    /// Large, and means nothing: given up when the disk is full.
    pub const RESERVE: &str = "reserve";
    /// How large, in bytes.
    pub const RESERVE_BYTES: usize = 1024 * 1024;
    /// Says that there is one.
    pub const RESERVED: &str = "reserved";
}
