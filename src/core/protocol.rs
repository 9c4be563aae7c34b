//! The wire, version 1: what client and server say to each other. Both compile this file, so it cannot drift.
//!
//! Every answer is an [`Envelope`] around a body (or a [`Problem`]): it names the server's lifetime and the user, and one
//! that does not is not ours, whatever its status.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::problem::{Problem, ProblemCode};
use super::record::{Base, By, Changed, CollectionName, Epoch, Fields, Millis, RecordId, Seq, Tombstone, UserId, Version};
pub use super::token::{Profile, TokenAnswer, TokenRequest};
pub use super::told::{Incoming, Plain, Sorted, Told};
pub use super::wire::{
    Action, AppliedItem, Item, LostEpoch, Outcome, PushAnswer, PushParcel, PushRequest, PushResult, SeqRange, SetAside, Unsent,
    VoidRequest,
};

/// The path below which this version speaks.
pub const PATH: &str = "/sync/v1";
/// The path below which reports are.
pub const REPORTS_PATH: &str = "/reports/v1";
/// The header in which a request names its user.
pub const USER_HEADER: &str = "fieldsync-user";
/// Most entries that a page of the feed or of a snapshot may be asked for.
pub const PAGE_ENTRIES_MAX: u32 = 2_000;
/// Most parcels in one push.
pub const PUSH_PARCELS_MAX: usize = 1_000;
/// Largest body of a request, uncompressed, in bytes.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Most changes that are saved, sent and applied together.
pub const GROUP_CHANGES_MAX: usize = 50;

/// What every answer carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Envelope<T> {
    /// The server's clock.
    pub server_time: Millis,
    /// Made with the server's database; survives its backups.
    pub server_epoch: Epoch,
    /// Whom the answer is for.
    pub user: Option<UserId>,
    /// The body, flat beside the rest.
    #[serde(flatten)]
    pub body: T,
}

/// The server's opaque mark of how far a device has pulled. Only a server reads one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Cursor(pub String);

/// One entry of the feed or of a snapshot: a record as it is now, or a tombstone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Entry {
    /// Its collection.
    pub collection: CollectionName,
    /// Its id.
    pub id: RecordId,
    /// Its version.
    pub version: Version,
    /// Its place in the feed, for this user.
    pub seq: Seq,
    /// When it last changed.
    pub at: Millis,
    /// Who changed it.
    pub by: By,
    /// Of the fields, when each last changed and by whom.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changed: BTreeMap<String, Changed>,
    /// Present if there is no record for this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstone: Option<Tombstone>,
    /// The fields; empty with a tombstone.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub fields: Fields,
}

impl Entry {
    /// The entry as a base.
    #[must_use]
    pub fn into_base(self) -> Base {
        Base {
            id: self.id,
            version: self.version,
            seq: self.seq,
            at: self.at,
            by: Some(self.by),
            changed: self.changed,
            tombstone: self.tombstone,
            fields: super::record::normalise(self.fields),
            normalised: BTreeMap::new(),
            doubted: Vec::new(),
        }
    }
}

/// `GET /sync/v1/changes`, as query parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangesRequest {
    /// From where.
    pub cursor: Cursor,
    /// The client's schema number.
    pub schema: u32,
    /// Most entries wanted; a commit is never cut, so there may be more.
    pub limit: u32,
    /// See [`PushRequest::mark`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Cursor>,
    /// Of the cursor's collections those that are still wanted, separated by commas; absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collections: Option<String>,
    /// What of them, if it is less than the cursor has; see `core::selection`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// The answer to [`ChangesRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangesPage {
    /// In the order of the feed.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Entry>))]
    pub changes: Vec<Told>,
    /// Where the next page starts.
    pub cursor: Cursor,
    /// Whether there is a next page now.
    pub has_more: bool,
}

/// `GET /sync/v1/snapshot`, as query parameters. `after` and `before` are `collection/id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SnapshotRequest {
    /// Wanted collections in order, separated by commas.
    pub collections: String,
    /// The client's schema number.
    pub schema: u32,
    /// Most entries wanted.
    pub limit: u32,
    /// The last record already had: `collection/id`, or `collection/` for the start of a collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Stop before this record: `collection/id`. For mending a range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The watermark of the first page, on all that follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Cursor>,
    /// See [`SnapshotPage::mark`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Cursor>,
    /// The scope the device chose (see `core::selection`); absent: everything this user may see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// The ids that a page of a snapshot speaks for: greater than `after`, up to and with `upto`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Range {
    /// The collection.
    pub collection: CollectionName,
    /// Absent: from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<RecordId>,
    /// Absent: to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upto: Option<RecordId>,
}

impl Range {
    /// Whether the page speaks for this id.
    #[must_use]
    pub fn contains(&self, id: RecordId) -> bool {
        self.after.is_none_or(|after| id > after) && self.upto.is_none_or(|upto| id <= upto)
    }
}

/// The answer to [`SnapshotRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SnapshotPage {
    /// Records in the order of (collection, id). No tombstones.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Entry>))]
    pub records: Vec<Told>,
    /// What this page speaks for: a record of these ranges that is not in it is not there (under the watermark).
    pub ranges: Vec<Range>,
    /// The feed's end when the first page was made; the feed from here completes the snapshot.
    pub watermark: Cursor,
    /// The place of the watermark, to compare bases with.
    pub watermark_seq: Seq,
    /// The newest commit, if it is behind the watermark and not the mark that was shown: records of this page may be as new. A
    /// device shows it as it does that of a push ([`PushRequest::mark`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Cursor>,
    /// The next page's `after`; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// On the last page: where the feed goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// How many records the whole snapshot has.
    pub total: u64,
    /// The bytes of this page's fields.
    #[serde(default)]
    pub bytes: u64,
}

/// `GET /sync/v1/counts`, as query parameters: what a selection would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CountRequest {
    /// Collections, separated by commas.
    pub collections: String,
    /// The client's schema number.
    pub schema: u32,
    /// What of them; absent: everything that this user may see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

/// How much there is of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Count {
    /// Records.
    pub records: u64,
    /// The bytes of their fields, as JSON.
    pub bytes: u64,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
    }
}

/// The answer to [`CountRequest`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CountAnswer {
    /// By collection.
    pub counts: BTreeMap<CollectionName, Count>,
}

/// A report: what it says is the app's and the server's own affair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportAnswer {
    /// Its name.
    pub name: String,
    /// What it says.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub data: Value,
}

/// A request, as the driver makes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A page of the feed.
    Changes(ChangesRequest),
    /// A page of a snapshot.
    Snapshot(SnapshotRequest),
    /// Parcels.
    Push(PushRequest),
    /// What would become of these parcels.
    Preview(PushRequest),
    /// One parcel is not to be applied.
    Void(VoidRequest),
    /// The report of this name.
    Report(String),
    /// How much a selection would be.
    Count(CountRequest),
}

/// The answer of our server, by what was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// To `Changes`.
    Changes(ChangesPage),
    /// To `Snapshot`.
    Snapshot(SnapshotPage),
    /// To `Push` and `Preview`.
    Push(PushAnswer),
    /// To `Void`.
    Void(PushResult),
    /// To `Report`.
    Report(ReportAnswer),
    /// To `Count`.
    Count(CountAnswer),
}

/// A body with what every answer carries.
pub type Answer = Envelope<Body>;
