//! The exported class, of what is there before all pages are read, and of what is kept for the next start.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::boundary::id;
use super::engine::Engine;
use super::error::SyncError;
use super::indexed_db::IndexedDbStore;
use crate::client::first_reads;
use crate::ports::{Rows, Store};

/// A database that was opened and read from before it was known for which schema: so that an engine with tables need not wait
/// for it.
#[wasm_bindgen]
pub struct Prepared {
    pub(super) store: IndexedDbStore,
    pub(super) rows: Rows,
}

impl Prepared {
    /// Whether it is the database of this name.
    pub(super) fn is_of(&self, name: &str) -> bool {
        self.store.name() == name
    }
}

#[wasm_bindgen]
impl Prepared {
    /// Closes it: another one is in use.
    pub fn close(&self) {
        self.store.close();
    }
}

#[wasm_bindgen]
impl Engine {
    /// Opens a database, and reads what an engine with tables begins with.
    ///
    /// # Errors
    /// A `SyncError` of the database; who opens an engine finds it again.
    pub async fn prepare(database: String) -> Result<Prepared, JsValue> {
        let store = IndexedDbStore::new(database);
        let rows = store.read(first_reads(true)).await.map_err(SyncError::from)?;
        Ok(Prepared { store, rows })
    }

    /// Reads all pages; comes back when they are in memory.
    ///
    /// # Errors
    /// A `SyncError` of the database; it may be called again.
    pub async fn load(&self) -> Result<(), JsValue> {
        let client = Rc::clone(&self.client);
        let loaded = self.telling(client.load()).await;
        Ok(loaded.map_err(SyncError::from)?)
    }

    /// Whether all pages are in memory.
    #[wasm_bindgen(js_name = isLoaded)]
    pub fn is_loaded(&self) -> bool {
        self.client.is_loaded()
    }

    /// Whether there is something to show for this list.
    #[wasm_bindgen(js_name = canShow)]
    pub fn can_show(&self, collection: &str, query: &str) -> bool {
        self.client.can_show(collection, query)
    }

    /// Brings a record into memory before its turn. Whether it is there.
    ///
    /// # Errors
    /// A `SyncError`: the id is not a UUID, or the database cannot be read.
    pub async fn bring(&self, collection: String, record: String) -> Result<bool, JsValue> {
        self.declared(&collection)?;
        Ok(self.client.bring(&collection, id(&record, "the record's id")?).await.map_err(SyncError::from)?)
    }

    /// Whether something is to be kept for the next start.
    #[wasm_bindgen(js_name = wantsHeads)]
    pub fn wants_heads(&self) -> bool {
        self.client.wants_heads()
    }

    /// Keeps what the next start shows first.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    #[wasm_bindgen(js_name = keepHeads)]
    pub async fn keep_heads(&self) -> Result<(), JsValue> {
        Ok(self.client.keep_heads().await.map_err(SyncError::from)?)
    }
}
