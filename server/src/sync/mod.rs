//! What push and pull mean. Synchronous, over [`crate::db::Tx`] alone: no clock, no chance, no network, so that a
//! simulation can run the very same rules.

pub mod access;
mod apply;
mod check;
pub mod cursor;
pub mod feed;
mod loss;
pub mod people;
pub mod push;
pub mod reports;
pub mod snapshot;
mod spelling;
pub mod void;

use fieldsync::core::protocol::{Problem, ProblemCode};
use fieldsync::core::record::{DeviceId, Millis};
use fieldsync::core::schema::Schema;
use uuid::Uuid;

use crate::db::{DbError, User};
use access::Directory;

/// What a request comes from, as far as it says.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// The device, where the request names one.
    pub device: Option<DeviceId>,
    /// The browser: the id of the device cookie with which the access token was had.
    pub browser: Option<Uuid>,
    /// The page's origin.
    pub origin: Option<String>,
}

/// What the rules need to know about a request beside its body.
pub struct Context<'a> {
    /// The app's declaration.
    pub schema: &'a Schema,
    /// The lowest schema number that is still taken.
    pub schema_min: u32,
    /// Who asks.
    pub user: &'a User,
    /// Everyone.
    pub directory: &'a Directory,
    /// The server's clock.
    pub now: Millis,
    /// What sends.
    pub sender: &'a Sender,
    /// Whether test hooks are on: see [`hooks`].
    pub hooks: bool,
}

/// Why a whole request was not done. Nothing was written then.
#[derive(Debug)]
pub enum SyncError {
    /// Not a request of this protocol, and why.
    Malformed(String),
    /// This server never gave out this cursor, or was restored to before it.
    CursorUnknown,
    /// The client's schema is too old.
    Outdated,
    /// More parcels than a push may have.
    TooMany,
    /// A test asked for a failure.
    Hook,
    /// A parcel broke in the midst of its writes, and had no part of its own: see [`push::Apart`].
    Torn,
    /// The database failed.
    Db(DbError),
}

impl From<DbError> for SyncError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl std::fmt::Display for SyncError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Db(error) => error.fmt(f),
            other => other.problem().detail.fmt(f),
        }
    }
}

impl std::error::Error for SyncError {}

impl SyncError {
    /// As the client may see it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Malformed(why) => Problem::new(ProblemCode::Malformed, why.as_str()),
            Self::CursorUnknown => Problem::new(ProblemCode::CursorUnknown, "Take a snapshot."),
            Self::Outdated => Problem::new(ProblemCode::Outdated, "This version of the app is too old for this server."),
            Self::TooMany => Problem::new(ProblemCode::TooLarge, "Too many parcels in one push."),
            Self::Hook | Self::Torn | Self::Db(_) => Problem::new(ProblemCode::Internal, ""),
        }
    }
}

/// What tests put into a text field to make the server fail, with `--test-hooks` alone.
pub mod hooks {
    use fieldsync::core::record::Fields;

    /// The parcel panics while it is applied.
    pub const PANIC: &str = "__poison_panic__";
    /// The parcel panics between two of its writes.
    pub const TEAR: &str = "__poison_tear__";
    /// The whole request fails.
    pub const FAIL: &str = "__poison_500__";
    /// The record goes out as an entry that no client can read.
    pub const ENTRY: &str = "__poison_entry__";

    /// Whether a text field holds the mark.
    #[must_use]
    pub fn holds(fields: &Fields, mark: &str) -> bool {
        fields.values().any(|value| value.as_str().is_some_and(|text| text.contains(mark)))
    }
}
