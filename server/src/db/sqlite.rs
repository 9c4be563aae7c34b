//! The database in one SQLite file: one writer, as SQLite has it, so that commits get their places in the order in
//! which they become visible; and a few connections that read beside it.

use std::path::Path;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fieldsync::core::record::{By, Seq};
use rusqlite::{CachedStatement, Connection, OpenFlags};

use super::sqlite_records::json;
use super::sqlite_schema::migrate;
use super::{Db, DbError, End, Result, Tx};

/// How long another process (a backup, a command line) may hold the file.
const BUSY_MS_MAX: u64 = 5_000;
/// Statements kept compiled, a connection.
const STATEMENTS_MAX: usize = 64;
/// Memory for the writer's pages, in KiB: as many as a full push changes, so that they wait for its commit. More only makes
/// the process larger, as the next push changes others.
const WRITER_CACHE_KIB: i64 = 4 * 1024;
/// Pages in the log before they are written into the file: what one batch after the other changes is written there once.
const LOG_PAGES: i64 = 4_000;
/// Connections kept for reading.
const READERS_MAX: usize = 4;
/// The file's name in the data folder.
const FILE: &str = "fieldsync.sqlite";

/// A database in a folder, or in memory for tests.
#[derive(Debug)]
pub struct SqliteDb {
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    /// Absent in memory: then the writer reads, too.
    file: Option<std::path::PathBuf>,
}

impl SqliteDb {
    /// Opens the database in this folder, and makes both if need be. `tag` is for the commit 0 of a new one.
    ///
    /// # Errors
    /// If the folder cannot be made, or the file is not ours or newer.
    pub fn open(folder: &Path, tag: u64) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(DbError::Io)?;
        let file = folder.join(FILE);
        let mut writer = Connection::open(&file)?;
        set_up(&writer)?;
        writer.pragma_update(None, "journal_mode", "wal")?;
        // A push that was answered survives a power cut.
        writer.pragma_update(None, "synchronous", "full")?;
        writer.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
        writer.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        // What a part may have to undo. It is of no use after the process.
        writer.pragma_update(None, "temp_store", "memory")?;
        migrate(&mut writer, tag)?;
        Ok(Self { writer: Mutex::new(writer), readers: Mutex::new(Vec::new()), file: Some(file) })
    }

    /// One that ends with the process.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn in_memory(tag: u64) -> Result<Self> {
        let mut writer = Connection::open_in_memory()?;
        set_up(&writer)?;
        migrate(&mut writer, tag)?;
        Ok(Self { writer: Mutex::new(writer), readers: Mutex::new(Vec::new()), file: None })
    }

    /// Writes the log into the file: a copy of the file alone is whole then.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn checkpoint(&self) -> Result<()> {
        locked(&self.writer).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    fn reader(&self) -> Result<Option<Connection>> {
        let Some(file) = &self.file else { return Ok(None) };
        if let Some(connection) = locked(&self.readers).pop() {
            return Ok(Some(connection));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        set_up(&connection)?;
        Ok(Some(connection))
    }

    fn give_back(&self, connection: Connection) {
        let mut readers = locked(&self.readers);
        if readers.len() < READERS_MAX {
            readers.push(connection);
        }
    }
}

fn set_up(connection: &Connection) -> Result<()> {
    connection.busy_timeout(Duration::from_millis(BUSY_MS_MAX))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

/// A panic inside a transaction has rolled it back when it gets here, so the connection is whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Db for SqliteDb {
    fn read_with(&self, work: &mut dyn FnMut(&mut dyn Tx)) -> Result<()> {
        let Some(connection) = self.reader()? else {
            return self.write_with(&mut |tx| {
                work(tx);
                End::Rollback
            });
        };
        let tx = SqliteTx::begin(&connection, "BEGIN")?;
        tx.run(&mut |tx| {
            work(tx);
            End::Rollback
        })?;
        self.give_back(connection);
        Ok(())
    }

    fn write_with(&self, work: &mut dyn FnMut(&mut dyn Tx) -> End) -> Result<()> {
        let connection = locked(&self.writer);
        SqliteTx::begin(&connection, "BEGIN IMMEDIATE")?.run(work)
    }
}

/// A transaction. What is not committed when it goes, also by a panic, is rolled back.
pub(super) struct SqliteTx<'a> {
    pub(super) connection: &'a Connection,
    depth: usize,
    open: bool,
    /// The newest commit, as far as this transaction knows it.
    pub(super) head: Option<Seq>,
    /// Statements that it used: it has them without asking the connection's cache.
    at_hand: Vec<(&'static str, CachedStatement<'a>)>,
    /// Who wrote last, and as a column has it: in a push that is one and the same.
    author: Option<(By, Rc<str>)>,
}

impl<'a> SqliteTx<'a> {
    fn begin(connection: &'a Connection, how: &str) -> Result<Self> {
        connection.execute_batch(how)?;
        Ok(Self { connection, depth: 0, open: true, head: None, at_hand: Vec::new(), author: None })
    }

    /// A statement of a constant text.
    pub(super) fn statement(&mut self, sql: &'static str) -> Result<&mut CachedStatement<'a>> {
        let found = self.at_hand.iter().position(|(known, _)| std::ptr::eq(*known, sql));
        let index = match found {
            Some(index) => index,
            None => {
                self.at_hand.push((sql, self.connection.prepare_cached(sql)?));
                self.at_hand.len() - 1
            }
        };
        Ok(&mut self.at_hand[index].1)
    }

    /// Who wrote something, for a column.
    pub(super) fn author(&mut self, by: &By) -> Result<Rc<str>> {
        if let Some((known, text)) = &self.author
            && known == by
        {
            return Ok(text.clone());
        }
        let text: Rc<str> = json(by)?.into();
        self.author = Some((by.clone(), text.clone()));
        Ok(text)
    }

    fn run(mut self, work: &mut dyn FnMut(&mut dyn Tx) -> End) -> Result<()> {
        if work(&mut self) == End::Commit {
            self.connection.execute_batch("COMMIT")?;
            self.open = false;
        }
        Ok(())
    }
}

impl Drop for SqliteTx<'_> {
    fn drop(&mut self) {
        // Failing means that SQLite has rolled back already.
        if self.open && self.connection.execute_batch("ROLLBACK").is_err() {
            tracing::debug!("the transaction was gone before its rollback");
        }
    }
}

impl Tx for SqliteTx<'_> {
    fn begin_part(&mut self) -> Result<()> {
        self.depth += 1;
        self.connection.prepare_cached(&format!("SAVEPOINT part{}", self.depth))?.execute([])?;
        Ok(())
    }

    fn end_part(&mut self, keep: bool) -> Result<()> {
        let depth = self.depth;
        self.depth -= 1;
        if !keep {
            self.head = None;
            self.connection.prepare_cached(&format!("ROLLBACK TO part{depth}"))?.execute([])?;
        }
        self.connection.prepare_cached(&format!("RELEASE part{depth}"))?.execute([])?;
        Ok(())
    }
}
