//! The wire, version 1: what client and server say to each other. Both compile this file, so it cannot drift.
//!
//! Every answer is an [`Envelope`] around a body (or a [`Problem`]): it names the server's lifetime and the user, and one
//! that does not is not ours, whatever its status.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::{
    Base, By, Changed, CollectionName, DeviceId, Epoch, Fields, Millis, OpId, RecordId, RowId, Seq, Tombstone, UserId, Version,
};

/// The path below which this version speaks.
pub const PATH: &str = "/sync/v1";
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
            fields: super::record::normalise(&self.fields),
            normalised: BTreeMap::new(),
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
}

/// The answer to [`ChangesRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangesPage {
    /// In the order of the feed. Kept raw: an entry that a client cannot read must not stop those behind it.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Entry>))]
    pub changes: Vec<Value>,
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
    /// The scope the device chose; absent: everything this user may see.
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
    pub records: Vec<Value>,
    /// What this page speaks for: a record of these ranges that is not in it is not there (under the watermark).
    pub ranges: Vec<Range>,
    /// The feed's end when the first page was made; the feed from here completes the snapshot.
    pub watermark: Cursor,
    /// The place of the watermark, to compare bases with.
    pub watermark_seq: Seq,
    /// The next page's `after`; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// On the last page: where the feed goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// How many records the whole snapshot has.
    pub total: u64,
}

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
    /// Applied wholly or not at all.
    pub items: Vec<Item>,
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
    /// How far the device has pulled: a server that does not know it was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// In order.
    pub parcels: Vec<PushParcel>,
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
}

/// A parcel's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushResult {
    /// Which parcel.
    pub op_id: OpId,
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
}

/// `POST /sync/v1/void`: this op_id is never to be applied, unless it was. The answer is a [`PushResult`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VoidRequest {
    /// Which parcel.
    pub op_id: OpId,
    /// Its changes: so that they are known under it.
    pub changes: Vec<RowId>,
}

/// An error as RFC 9457 has it, with what a client must know to act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URI that names the kind; `/problems/` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind, for machines.
    pub code: ProblemCode,
    /// The kind, in words.
    pub title: String,
    /// The HTTP status that it has, or would have.
    pub status: u16,
    /// This case, in words. Never holds another user's data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// Seconds to wait before that; also in the header, which a page of another origin cannot read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// The record concerned, by collection and id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<(CollectionName, RecordId)>,
    /// The field concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProblemCode {
    /// 400: not a request of this protocol.
    Malformed,
    /// 401: no token, an expired one, a wrong password.
    SignedOut,
    /// 401: the token is another user's than the request names.
    WrongUser,
    /// 403: this user may not do this.
    Forbidden,
    /// 404: no such address.
    NotFound,
    /// 410: this server does not know the cursor.
    CursorUnknown,
    /// 413: the request, or a record, is too large.
    TooLarge,
    /// 415: cannot read this encoding or type.
    Unsupported,
    /// 422: breaks a rule of the schema.
    Validation,
    /// 422: a value that must be unique is taken.
    Taken,
    /// 422: this op_id came before with other contents or from another user.
    OpIdReused,
    /// 426: the client's schema or protocol is too old.
    Outdated,
    /// 429: too many requests.
    TooMany,
    /// 500: our mistake.
    Internal,
    /// 503: not now.
    Unavailable,
    /// A code that this client does not know.
    #[serde(other)]
    Other,
}

impl ProblemCode {
    /// Its HTTP status and its title.
    #[must_use]
    pub fn describe(self) -> (u16, &'static str) {
        match self {
            Self::Malformed => (400, "The request is malformed"),
            Self::SignedOut => (401, "Sign in first"),
            Self::WrongUser => (401, "The token belongs to another user"),
            Self::Forbidden => (403, "Not allowed"),
            Self::NotFound => (404, "No such address"),
            Self::CursorUnknown => (410, "The cursor is not known here"),
            Self::TooLarge => (413, "Too large"),
            Self::Unsupported => (415, "This encoding or type is not supported"),
            Self::Validation => (422, "A rule does not allow this"),
            Self::Taken => (422, "This value is taken"),
            Self::OpIdReused => (422, "This op_id was used before"),
            Self::Outdated => (426, "Update the app"),
            Self::TooMany => (429, "Too many requests"),
            Self::Internal | Self::Other => (500, "The server made a mistake"),
            Self::Unavailable => (503, "The server is not available"),
        }
    }
}

impl Problem {
    /// A problem of this kind.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let (status, title) = code.describe();
        // Serialising a unit variant gives its kebab-case name; `Other` is never sent.
        let name = serde_json::to_value(code).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        Self {
            kind: format!("/problems/{name}"),
            code,
            title: title.to_owned(),
            status,
            detail: detail.into(),
            retryable: matches!(status, 401 | 429 | 500 | 503),
            retry_after: None,
            record: None,
            field: None,
        }
    }

    /// With the field concerned.
    #[must_use]
    pub fn in_field(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// With the record concerned.
    #[must_use]
    pub fn of_record(mut self, collection: &str, id: RecordId) -> Self {
        self.record = Some((collection.to_owned(), id));
        self
    }

    /// With the seconds to wait.
    #[must_use]
    pub fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// `POST /auth/v1/token`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "grant", rename_all = "kebab-case")]
pub enum TokenRequest {
    /// Signs in; sets the refresh cookie.
    Password {
        /// The name to sign in with.
        username: String,
        /// The password.
        password: String,
    },
    /// Uses the refresh cookie and replaces it.
    Refresh,
}

/// The answer to [`TokenRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenAnswer {
    /// For the `Authorization` header. Kept in memory only.
    pub access_token: String,
    /// When it stops being taken.
    pub expires_at: Millis,
    /// Who signed in.
    pub profile: Profile,
}

/// A user, as the app shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Profile {
    /// The user's id.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// The name to show.
    pub name: String,
    /// `rep` or `manager`.
    pub role: String,
    /// The team, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
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
}

/// A body with what every answer carries.
pub type Answer = Envelope<Body>;
