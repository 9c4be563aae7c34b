//! The port to a database: transactions over rows. What a row *means* is decided in [`crate::sync`], never here.
//!
//! [`Db`] runs a closure in a transaction; [`Tx`] is what the closure may do, in four small parts. Every
//! implementation passes one suite (`tests/server/db.rs`). All of it is synchronous: a server wraps it in a blocking
//! thread, a simulation calls it as it is.
//!
//! ```
//! use fieldsync_server::db::{self, memory::MemoryDb};
//! let db = MemoryDb::new(7);
//! let head = db::read(&db, |tx| tx.head())?;
//! assert_eq!(head.0, 0);
//! # Ok::<(), fieldsync_server::db::DbError>(())
//! ```

mod changes;
pub mod memory;
pub mod rows;
pub mod sqlite;
mod sqlite_feed;
mod sqlite_ledger;
mod sqlite_people;
mod sqlite_records;
mod sqlite_schema;

use fieldsync::core::record::{DeviceId, Epoch, Millis, OpId, RecordId, RowId, Seq, UserId, Version};

pub use changes::Changes;
pub use rows::{
    DeviceRow, Extent, FeedQuery, HistoryRow, LedgerRow, PageQuery, RefreshRow, Revoked, Role, Standing, Stored, User,
};

/// Why the database did not do it.
#[derive(Debug)]
pub enum DbError {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// A row holds what this program did not write: JSON that does not parse, an id that is none.
    Corrupt(String),
    /// The file was made by a newer version of this program.
    Newer(i64),
    /// The folder or file cannot be made.
    Io(std::io::Error),
}

impl std::fmt::Display for DbError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(error) => write!(f, "the database refused: {error}"),
            Self::Corrupt(what) => write!(f, "the database holds a row that cannot be read: {what}"),
            Self::Newer(version) => write!(f, "the database has format {version}, which is newer than this program"),
            Self::Io(error) => write!(f, "the database's file cannot be opened: {error}"),
        }
    }
}

impl std::error::Error for DbError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Sqlite(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Corrupt(_) | Self::Newer(_) => None,
        }
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// What every method here answers.
pub type Result<T, E = DbError> = std::result::Result<T, E>;

/// Records: one row each, tombstones included.
pub trait Records {
    /// The record, if it ever was.
    fn record(&mut self, collection: &str, id: RecordId) -> Result<Option<Stored>>;
    /// Writes it, new or over the one that was.
    fn put_record(&mut self, record: &Stored) -> Result<()>;
    /// The records of any collection whose [`Stored::parent`] is this id, deleted ones too.
    fn children(&mut self, parent: RecordId) -> Result<Vec<Stored>>;
    /// All records with this owner, deleted ones too.
    fn owned(&mut self, owner: UserId) -> Result<Vec<Stored>>;
    /// Live records in the order of their ids.
    fn page(&mut self, query: &PageQuery<'_>) -> Result<Vec<Stored>>;
    /// How many live records there are.
    fn count(&mut self, of: &Extent<'_>) -> Result<u64>;
    /// How many, and the bytes of their fields.
    fn weigh(&mut self, of: &Extent<'_>) -> Result<(u64, u64)>;
    /// Who has this unique value.
    fn holder(&mut self, collection: &str, field: &str, value: &str) -> Result<Option<RecordId>>;
    /// Replaces the unique values that a record holds: (field, value).
    fn hold(&mut self, collection: &str, id: RecordId, values: &[(&str, &str)]) -> Result<()>;
}

/// The feed: commits in order, each with its random tag.
pub trait Feed {
    /// The newest commit.
    fn head(&mut self) -> Result<Seq>;
    /// The tag of a commit; commit 0 is the database's beginning, and has one too.
    fn tag(&mut self, seq: Seq) -> Result<Option<u64>>;
    /// Makes the next commit.
    fn commit(&mut self, tag: u64) -> Result<Seq>;
    /// Records, deleted ones too, by (seq, collection, id).
    fn feed(&mut self, query: &FeedQuery<'_>) -> Result<Vec<Stored>>;
    /// What this user lost, by (seq, collection, id); `query.owners` is not looked at.
    fn revoked(&mut self, user: UserId, query: &FeedQuery<'_>) -> Result<Vec<Revoked>>;
    /// Notes that a user lost a record, in place of what was noted before.
    fn put_revoked(&mut self, revoked: &Revoked) -> Result<()>;
    /// Forgets it: the user has the record again.
    fn clear_revoked(&mut self, user: UserId, collection: &str, id: RecordId) -> Result<()>;
}

/// What became of each op_id, for ever; and who changed which field when.
pub trait Ledger {
    /// What became of it.
    fn ledger(&mut self, op_id: OpId) -> Result<Option<LedgerRow>>;
    /// Writes it. If it was applied, its row ids are known from now on.
    fn put_ledger(&mut self, row: &LedgerRow) -> Result<()>;
    /// Which of these changes were applied, in their order.
    fn applied_rows(&mut self, rows: &[RowId]) -> Result<Vec<RowId>>;
    /// Adds to the history of fields.
    fn add_history(&mut self, rows: &[HistoryRow]) -> Result<()>;
    /// A record's history since this version, oldest first.
    fn history(&mut self, collection: &str, id: RecordId, since: Version) -> Result<Vec<HistoryRow>>;
}

/// Users, their sessions and devices, and the server's own settings.
pub trait People {
    /// Everyone.
    fn users(&mut self) -> Result<Vec<User>>;
    /// Adds a user, or writes over the one of this id.
    fn put_user(&mut self, user: &User) -> Result<()>;
    /// A refresh token, by its hash.
    fn refresh(&mut self, hash: &[u8; 32]) -> Result<Option<RefreshRow>>;
    /// Writes one.
    fn put_refresh(&mut self, row: &RefreshRow) -> Result<()>;
    /// All tokens that came from one sign-in.
    fn family(&mut self, family: uuid::Uuid) -> Result<Vec<RefreshRow>>;
    /// Forgets the tokens of a sign-in.
    fn drop_family(&mut self, family: uuid::Uuid) -> Result<()>;
    /// Forgets the tokens that were taken until then, and no longer.
    fn drop_expired_refresh(&mut self, now: Millis) -> Result<()>;
    /// What a device said of its store when it last pushed.
    fn device(&mut self, user: UserId, device: DeviceId, epoch: Epoch) -> Result<Option<DeviceRow>>;
    /// All stores of a user in a browser.
    fn devices(&mut self, user: UserId, browser: uuid::Uuid) -> Result<Vec<DeviceRow>>;
    /// Writes it.
    fn put_device(&mut self, row: &DeviceRow) -> Result<()>;
    /// Forgets the stores that were not heard of since then.
    fn drop_devices(&mut self, until: Millis) -> Result<()>;
    /// A setting of the server.
    fn meta(&mut self, name: &str) -> Result<Option<String>>;
    /// Writes one.
    fn put_meta(&mut self, name: &str, value: &str) -> Result<()>;
}

/// Everything that a transaction may do.
pub trait Tx: Records + Feed + Ledger + People {
    /// Begins a part that can be undone alone. Parts nest.
    fn begin_part(&mut self) -> Result<()>;
    /// Ends the innermost part; `keep` or undo it.
    fn end_part(&mut self, keep: bool) -> Result<()>;
}

/// What to do with a transaction when its closure is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Make it durable.
    Commit,
    /// Undo all of it.
    Rollback,
}

/// A database. [`read`] and [`write`] are the comfortable way to call it.
pub trait Db: Send + Sync + 'static {
    /// Runs the closure over one consistent state. What it writes is not kept.
    fn read_with(&self, work: &mut dyn FnMut(&mut dyn Tx)) -> Result<()>;
    /// Runs the closure in the one write transaction at a time. Durable when this returns. A panic rolls it back.
    fn write_with(&self, work: &mut dyn FnMut(&mut dyn Tx) -> End) -> Result<()>;
}

/// Runs `work` over one consistent state.
///
/// # Errors
/// Those of `work`, and the database's.
pub fn read<T, E: From<DbError>>(db: &dyn Db, work: impl FnOnce(&mut dyn Tx) -> Result<T, E>) -> Result<T, E> {
    let mut work = Some(work);
    let mut answer = None;
    db.read_with(&mut |tx| answer = work.take().map(|work| work(tx)))?;
    answer.unwrap_or_else(|| Err(DbError::Corrupt("the transaction did not run".into()).into()))
}

/// Runs `work` in a write transaction; commits if it succeeds, and rolls back if it fails.
///
/// # Errors
/// Those of `work`, and the database's. Nothing was written then.
pub fn write<T, E: From<DbError>>(db: &dyn Db, work: impl FnOnce(&mut dyn Tx) -> Result<T, E>) -> Result<T, E> {
    write_unless(db, |_| End::Commit, work)
}

/// As [`write`], and lets `end` decide what becomes of a success.
///
/// # Errors
/// Those of `work`, and the database's.
pub fn write_unless<T, E: From<DbError>>(
    db: &dyn Db,
    end: impl Fn(&T) -> End,
    work: impl FnOnce(&mut dyn Tx) -> Result<T, E>,
) -> Result<T, E> {
    let mut work = Some(work);
    let mut answer = None;
    db.write_with(&mut |tx| {
        let done = work.take().map(|work| work(tx));
        let decided = match &done {
            Some(Ok(value)) => end(value),
            _ => End::Rollback,
        };
        answer = done;
        decided
    })?;
    answer.unwrap_or_else(|| Err(DbError::Corrupt("the transaction did not run".into()).into()))
}
