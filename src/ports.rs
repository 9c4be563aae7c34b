//! The three ports: what the driver may ask of the world. Each is small; `memory` and `web` implement them.
#![allow(async_fn_in_trait)] // One thread: a browser's futures are not Send, and nobody asks them to be.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use crate::core::answer::NoAnswer;
use crate::core::outbox::Change;
use crate::core::parcel::Parcel;
use crate::core::protocol::{Answer, Range, Request};
use crate::core::record::{CollectionName, Epoch, Millis, OpId, RecordId, RowId};
pub use crate::core::rows::PageRow;
use crate::core::rows::{ConflictRow, DraftRow, HistoryRow};

/// How often a transaction is repeated after its connection died.
pub const REOPEN_TRIES_MAX: u32 = 3;

/// A store of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoreName {
    /// Bases, packed.
    Pages,
    /// Changes that have not ended.
    Outbox,
    /// Open and refused parcels.
    Parcels,
    /// What of conflicts cannot be derived.
    Conflicts,
    /// Ends.
    History,
    /// Half-typed forms.
    Drafts,
    /// Photos.
    Blobs,
    /// What can be made again.
    Derived,
    /// Counters, cursor, settings.
    Meta,
}

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// On the disk: saves, begins, answers, resolutions.
    Strict,
    /// With the system: what can be fetched again.
    Relaxed,
}

/// One thing to read.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// Every change.
    Outbox,
    /// Changes with a greater `client_seq`.
    OutboxAfter(u64),
    /// The changes of these row ids, as far as they are there.
    OutboxRows(Vec<RowId>),
    /// The changes of one record.
    OutboxOf(CollectionName, RecordId),
    /// Every parcel.
    Parcels,
    /// These parcels, as far as they are there.
    ParcelsOf(Vec<OpId>),
    /// Every conflict.
    Conflicts,
    /// History rows with a greater key, ascending.
    HistoryAfter(u64),
    /// The history rows from this key on, ascending, at most so many.
    HistoryFrom(u64, u32),
    /// The newest history rows, at most so many, ascending.
    HistoryLast(u32),
    /// The pages that own these records, each once.
    PagesOf(Vec<(CollectionName, RecordId)>),
    /// The pages that own any id of the range.
    PagesIn(Range),
    /// The pages written after this stamp.
    PagesSince(u64),
    /// The pages behind this key (collection and first id; none: from the first one on), in order, at most so many.
    PagesAfter(Option<(CollectionName, String)>, u32),
    /// Every row of `meta`.
    Meta,
    /// One draft.
    Draft(String),
    /// One row of `derived`.
    Derived(String),
}

/// What was read, by store. A later stage adds to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// 0 at the first call of the plan, one more after each [`Step::Read`].
    pub stage: u32,
    /// By `client_seq`, ascending. Shared: a store may keep what it has read, for a row never changes.
    pub outbox: Rc<Vec<Change>>,
    /// By op_id, ascending.
    pub parcels: Vec<Parcel>,
    /// By key.
    pub conflicts: Vec<ConflictRow>,
    /// By key, ascending.
    pub history: Vec<HistoryRow>,
    /// By key, ascending, each once.
    pub pages: Vec<PageRow>,
    /// By name.
    pub meta: BTreeMap<String, Value>,
    /// Those asked for.
    pub drafts: Vec<DraftRow>,
    /// Those asked for, by name.
    pub derived: BTreeMap<String, Vec<u8>>,
}

/// One thing to write.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Puts a page.
    Page(PageRow),
    /// Appends a change; the store gives it its number.
    Append(Change),
    /// Puts a change back under its old number. Its end leaves history, in the same transaction.
    PutBack(Change),
    /// Removes a change from the outbox. Its end is in history, in the same transaction.
    RemoveChange(u64),
    /// Puts a parcel.
    Parcel(Parcel),
    /// Removes a parcel.
    RemoveParcel(OpId),
    /// Puts what of a conflict cannot be derived.
    Conflict(ConflictRow),
    /// Removes it.
    RemoveConflict(CollectionName, RecordId),
    /// Appends to history; the store gives the key.
    History(HistoryRow),
    /// Puts a row of history in place of the one with its key.
    Amend(HistoryRow),
    /// Removes history up to and with this key.
    PruneHistory(u64),
    /// Puts a row of `meta`.
    Meta(&'static str, Value),
    /// Puts a draft.
    Draft(DraftRow),
    /// Removes a draft.
    RemoveDraft(String),
    /// Puts a row of `derived`.
    Derived(String, Vec<u8>),
    /// Removes it.
    RemoveDerived(String),
}

/// A transaction to be: which stores, how durable, what to read first.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// Every store that any stage reads or writes.
    pub stores: Vec<StoreName>,
    /// When a commit counts as done.
    pub durability: Durability,
    /// What the first call of the plan sees.
    pub read: Vec<Read>,
}

impl Scope {
    /// A transaction that waits for the disk.
    #[must_use]
    pub fn strict(stores: &[StoreName], read: Vec<Read>) -> Self {
        Self { stores: stores.to_vec(), durability: Durability::Strict, read }
    }

    /// A transaction that does not.
    #[must_use]
    pub fn relaxed(stores: &[StoreName], read: Vec<Read>) -> Self {
        Self { stores: stores.to_vec(), durability: Durability::Relaxed, read }
    }
}

/// What a plan wants next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<T> {
    /// More rows; then it is called again with all of them.
    Read(Vec<Read>),
    /// These writes, and the transaction is done.
    Write(Vec<Write>, T),
}

/// What a committed transaction gives back.
#[derive(Clone, Debug, PartialEq)]
pub struct Committed<T> {
    /// The plan's own result.
    pub value: T,
    /// The numbers given to appended changes, in order.
    pub appended: Vec<u64>,
    /// The keys given to rows of history, in order.
    pub history: Vec<u64>,
    /// What the plan saw when it wrote.
    pub rows: Rows,
    /// What it wrote.
    pub writes: Vec<Write>,
}

impl<T> Committed<T> {
    /// The plan's own result, and the rest.
    pub fn split(self) -> (T, Committed<()>) {
        let Self { value, appended, history, rows, writes } = self;
        (value, Committed { value: (), appended, history, rows, writes })
    }
}

/// The local database. See ARCHITECTURE.md, invariants I1 to I4.
pub trait Store {
    /// Reads, plans, writes: all in one transaction. On `Ok` every write is committed, on `Err` none is, as far as is
    /// known: a connection that dies in the commit leaves it open, so the plan may run again on what the first run wrote
    /// and compares before it writes. The plan is synchronous: nothing is awaited in a transaction but its own requests.
    ///
    /// # Errors
    /// Why nothing was written.
    async fn update<T>(&self, scope: Scope, plan: impl Fn(&Rows) -> Step<T>) -> Result<Committed<T>, StoreError>;

    /// Reads from one consistent snapshot.
    ///
    /// # Errors
    /// Why nothing was read.
    async fn read(&self, read: Vec<Read>) -> Result<Rows, StoreError>;
}

/// The way to the server.
pub trait Transport {
    /// Sends and waits for the answer, with a time limit.
    ///
    /// # Errors
    /// By what the driver does about it; see [`TransportError`].
    async fn send(&self, request: &Request) -> Result<Answer, TransportError>;
}

/// Clock, chance, sleep, and what room is kept.
pub trait Host {
    /// The device's clock.
    fn now(&self) -> Millis;
    /// 64 random bits.
    fn random(&self) -> u64;
    /// Comes back at this time or after.
    async fn sleep_until(&self, at: Millis);
    /// How many bytes to keep for a full disk.
    fn reserve_bytes(&self) -> usize {
        crate::core::rows::derived::RESERVE_BYTES
    }
}

/// When to try again: the one question the driver asks of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// At once.
    Now,
    /// After the backoff.
    Later,
    /// After a new sign-in.
    AfterSignIn,
    /// Not without a person.
    Never,
}

/// What the platform said, for support; never read by code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The exception's name.
    pub name: String,
    /// Its message.
    pub message: String,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

/// Why a transaction did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The disk, or this site's part of it, is full. What was there is safe.
    Full,
    /// Another tab holds the old version open.
    Blocked,
    /// The connection is gone and did not come back in [`REOPEN_TRIES_MAX`] tries.
    Closed,
    /// A newer version of the app has upgraded the database: reload.
    Newer,
    /// A row cannot be read: which store, and what is wrong.
    Corrupt(StoreName, String),
    /// Anything else.
    Unknown(Cause),
}

impl StoreError {
    /// When to try again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Closed | Self::Blocked | Self::Unknown(_) => Retry::Later,
            Self::Full | Self::Newer | Self::Corrupt(..) => Retry::Never,
        }
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full => write!(f, "storage is full; what was saved before is safe"),
            Self::Blocked => write!(f, "another tab keeps an older version open; close it"),
            Self::Closed => write!(f, "the connection to the database is gone"),
            Self::Newer => write!(f, "a newer version of the app is in use; reload"),
            Self::Corrupt(store, what) => write!(f, "a row of {store:?} cannot be read: {what}"),
            Self::Unknown(cause) => write!(f, "the database failed: {cause}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Why there is no answer of our server, by what the driver does about it. Section 6 of the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// No answer, no answer of ours, or one that says "not now".
    Away {
        /// Wait at least so long: the server's own word.
        retry_after_ms: Option<i64>,
        /// Whether our server itself answered (with 5xx, 429, or a body that does not fit); else nobody did, or somebody else.
        ours: bool,
        /// For support.
        cause: Cause,
    },
    /// 401, also with a fresh token; or nobody is signed in.
    SignedOut,
    /// The token is another user's.
    WrongUser,
    /// 410: the server does not know the cursor.
    CursorUnknown {
        /// The server's lifetime: whether it was restored, or is another one.
        server_epoch: Epoch,
    },
    /// 413: send less at once.
    TooLarge,
    /// 415: send uncompressed.
    Unsupported,
    /// 426: the app is too old.
    Outdated,
    /// Any other 4xx: the server does not understand this app.
    Misconfigured {
        /// The status.
        status: u16,
        /// For support.
        detail: String,
    },
}

impl TransportError {
    /// When to try again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Away { .. } => Retry::Later,
            Self::SignedOut | Self::WrongUser => Retry::AfterSignIn,
            Self::CursorUnknown { .. } | Self::TooLarge | Self::Unsupported => Retry::Now,
            Self::Outdated | Self::Misconfigured { .. } => Retry::Never,
        }
    }
}

impl std::fmt::Display for TransportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Away { cause, .. } => write!(f, "the server is away: {cause}"),
            Self::SignedOut => write!(f, "sign in first"),
            Self::WrongUser => write!(f, "the token is another user's"),
            Self::CursorUnknown { .. } => write!(f, "the server does not know the cursor"),
            Self::TooLarge => write!(f, "the request is too large"),
            Self::Unsupported => write!(f, "the server cannot read this encoding"),
            Self::Outdated => write!(f, "the app is too old for the server"),
            Self::Misconfigured { status, detail } => write!(f, "the server does not understand this app ({status}): {detail}"),
        }
    }
}

impl std::error::Error for TransportError {}

impl From<NoAnswer> for TransportError {
    fn from(why: NoAnswer) -> Self {
        match why {
            NoAnswer::Away { retry_after_ms, ours, name, message } => {
                Self::Away { retry_after_ms, ours, cause: Cause { name: name.to_owned(), message } }
            }
            NoAnswer::SignedOut => Self::SignedOut,
            NoAnswer::WrongUser => Self::WrongUser,
            NoAnswer::CursorUnknown { server_epoch } => Self::CursorUnknown { server_epoch },
            NoAnswer::TooLarge => Self::TooLarge,
            NoAnswer::Unsupported => Self::Unsupported,
            NoAnswer::Outdated => Self::Outdated,
            NoAnswer::Misconfigured { status, detail } => Self::Misconfigured { status, detail },
        }
    }
}
