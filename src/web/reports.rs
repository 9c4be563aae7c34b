//! Reports, as they cross.

use serde_json::json;
use wasm_bindgen::prelude::*;

use super::boundary::to_json;
use super::engine::Engine;
use super::error::SyncError;
use crate::client::Report;

#[wasm_bindgen]
impl Engine {
    /// JSON of a report: `{data, at, fresh, error}`.
    ///
    /// # Errors
    /// A `SyncError` if there is none.
    pub async fn report(&self, name: &str) -> Result<String, JsValue> {
        let report = self.client.fetch_report(name).await;
        self.tell();
        let Report { data, at, error } = report.map_err(SyncError::from)?;
        let error = error.map(|error| SyncError::from(error).code());
        to_json(&json!({"data": data, "at": at, "fresh": error.is_none(), "error": error}))
    }

    /// Forgets the reports that are kept: their user leaves.
    ///
    /// # Errors
    /// A `SyncError` if they are still there.
    #[wasm_bindgen(js_name = forgetReports)]
    pub async fn forget_reports(&self) -> Result<(), JsValue> {
        Ok(self.client.forget_reports().await.map_err(SyncError::from)?)
    }
}
