//! What the browser tests look behind the wall with.

use std::cell::{Cell, RefCell};

use super::{Connection, IndexedDbStore, Mode, State, StoreError, StoreName, Transaction};
use crate::ports::{Cause, Scope};
use crate::web::transaction::Fault;

/// What the last transaction was, and what is to happen to the next.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    durability: RefCell<Option<String>>,
    abort_next: Cell<bool>,
    sever_next: Cell<u32>,
    begun: Cell<u32>,
    updates: RefCell<Vec<(Vec<StoreName>, String)>>,
}

impl Hooks {
    pub(super) fn began(&self, transaction: &Transaction, scope: &Scope) {
        self.updates.borrow_mut().push((scope.stores.clone(), transaction.durability().unwrap_or_default()));
        self.begun.set(self.begun.get() + 1);
        *self.durability.borrow_mut() = transaction.durability();
    }

    pub(super) fn requested(&self, transaction: &Transaction) {
        if self.abort_next.take() {
            transaction.abort();
        }
        if let Some(left) = self.sever_next.get().checked_sub(1) {
            self.sever_next.set(left);
            // As a browser does that loses its storage process: the transaction is aborted, the connection is closed.
            transaction.abort();
            transaction.database().close();
        }
    }
}

impl IndexedDbStore {
    /// The database in another version than this app's.
    #[must_use]
    pub fn at_version(name: impl Into<String>, version: u32) -> Self {
        Self::of_version(name, version)
    }

    /// `transaction.durability` of the last update.
    #[must_use]
    pub fn last_durability(&self) -> Option<String> {
        self.0.hooks.durability.borrow().clone()
    }

    /// The stores and the `transaction.durability` of each update since the last call.
    #[must_use]
    pub fn take_updates(&self) -> Vec<(Vec<StoreName>, String)> {
        self.0.hooks.updates.take()
    }

    /// How many update transactions have begun.
    #[must_use]
    pub fn transactions_begun(&self) -> u32 {
        self.0.hooks.begun.get()
    }

    /// The next update is aborted after its writes, without an error: as on a full disk.
    pub fn abort_next_update(&self) {
        self.0.hooks.abort_next.set(true);
    }

    /// The next so many updates lose their connection after their writes.
    pub fn sever_next_updates(&self, count: u32) {
        self.0.hooks.sever_next.set(count);
    }

    /// Closes the connection without telling the store.
    pub fn sever(&self) {
        if let State::Open(connection) = &*self.0.state.borrow() {
            connection.database.close();
        }
    }

    /// Puts a plain object into a store, past every check.
    ///
    /// # Errors
    /// If it cannot be put.
    pub async fn put_raw(&self, store: StoreName, row: &str) -> Result<(), StoreError> {
        self.0
            .repeat(async |connection: &Connection| {
                let transaction =
                    Transaction::begin(&connection.database, &[store], Mode::Write(crate::ports::Durability::Relaxed))?;
                let row = js_sys::JSON::parse(row).map_err(|thrown| Fault::thrown(&thrown))?;
                transaction.store(store)?.put(&row).map_err(|thrown| Fault::thrown(&thrown))?;
                transaction.complete().await
            })
            .await
    }

    /// All rows of a store as JSON: what a page in plain JavaScript would see.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn raw_rows(&self, store: StoreName) -> Result<String, StoreError> {
        self.0
            .repeat(async |connection: &Connection| {
                let transaction = Transaction::begin(&connection.database, &[store], Mode::Read)?;
                let request = transaction.store(store)?.get_all().map_err(|thrown| Fault::thrown(&thrown))?;
                transaction.answered(&request).await?;
                let rows = request.result().map_err(|thrown| Fault::thrown(&thrown))?;
                js_sys::JSON::stringify(&rows).map(String::from).map_err(|thrown| Fault::thrown(&thrown))
            })
            .await
    }
}

/// The error that an exception of this name becomes.
#[must_use]
pub fn error_of(exception: &str) -> StoreError {
    Fault::of(Cause { name: exception.to_owned(), message: String::new() }).into_error()
}
