//! The exported class, of what is selected: what of the data is on this device.

use serde_json::json;
use wasm_bindgen::prelude::*;

use super::boundary::{from_json, to_json};
use super::engine::Engine;
use super::error::{Code, SyncError};
use crate::client::SelectError;
use crate::core::selection::{Changes, SelectionError};

impl From<SelectionError> for SyncError {
    fn from(error: SelectionError) -> Self {
        Self::new(Code::Invalid, error.to_string(), false)
    }
}

impl From<SelectError> for SyncError {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::Selection(error) => error.into(),
            SelectError::Store(error) => error.into(),
        }
    }
}

#[wasm_bindgen]
impl Engine {
    /// JSON of what is selected, by collection.
    ///
    /// # Errors
    /// Never, in practice.
    pub fn selection(&self) -> Result<String, JsValue> {
        to_json(&json!(self.client.selection()))
    }

    /// Changes it.
    ///
    /// # Errors
    /// "invalid" if it cannot be; else a `SyncError` of the database.
    pub async fn select(&self, changes: &str) -> Result<(), JsValue> {
        let changes: Changes = from_json(changes)?;
        let done = self.client.select(&changes).await;
        self.tell();
        Ok(done.map_err(SyncError::from)?)
    }

    /// JSON of what these changes would free and fetch.
    ///
    /// # Errors
    /// "invalid" if they cannot be.
    #[wasm_bindgen(js_name = previewSelection)]
    pub async fn preview_selection(&self, changes: &str) -> Result<String, JsValue> {
        let changes: Changes = from_json(changes)?;
        let preview = self.client.preview_selection(&changes).await;
        self.tell();
        to_json(&preview.map_err(SyncError::from)?)
    }

    /// Stops the snapshot, or goes on with it.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    pub async fn pause(&self, paused: bool) -> Result<(), JsValue> {
        let done = self.client.pause(paused).await;
        self.tell();
        Ok(done.map_err(SyncError::from)?)
    }
}
