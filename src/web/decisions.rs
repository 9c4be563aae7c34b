//! The exported class, of conflicts and of what rules decided. A decision crosses as JSON: `{collection, id, version, choices}`.

use wasm_bindgen::prelude::*;

use super::boundary::{from_json, id, to_json};
use super::engine::Engine;
use super::error::SyncError;
use crate::client::Decision;
use crate::core::record::Version;

#[wasm_bindgen]
impl Engine {
    /// JSON of the conflicts.
    ///
    /// # Errors
    /// Never, in practice.
    pub fn conflicts(&self) -> Result<String, JsValue> {
        to_json(&self.client.conflicts())
    }

    /// JSON of the conflicts by what brought them about.
    ///
    /// # Errors
    /// Never, in practice.
    #[wasm_bindgen(js_name = conflictGroups)]
    pub fn conflict_groups(&self) -> Result<String, JsValue> {
        to_json(&self.client.conflict_groups())
    }

    /// JSON of the rules that a decision would break.
    ///
    /// # Errors
    /// The decision is malformed.
    pub fn check(&self, decision: &str) -> Result<String, JsValue> {
        to_json(&self.client.would_break(&from_json(decision)?))
    }

    /// Decides a conflict as it was listed. Gives what [`Engine::restore`] takes.
    ///
    /// # Errors
    /// "conflict" if theirs moved, "invalid" if a choice breaks a rule.
    pub async fn resolve(&self, decision: &str, hold_ms: Option<f64>) -> Result<String, JsValue> {
        let decision: Decision = from_json(decision)?;
        let settled = self.client.resolve_held(&decision, whole_ms(hold_ms)).await;
        self.tell();
        to_json(&settled.map_err(SyncError::from)?)
    }

    /// Decides many. JSON of `{undo, moved, unfit}`.
    ///
    /// # Errors
    /// A `SyncError`; nothing was decided.
    pub async fn decide(&self, decisions: &str, hold_ms: Option<f64>) -> Result<String, JsValue> {
        let decisions: Vec<Decision> = from_json(decisions)?;
        let decided = self.client.decide(&decisions, whole_ms(hold_ms)).await;
        self.tell();
        to_json(&decided.map_err(SyncError::from)?)
    }

    /// Puts a conflict off.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    #[wasm_bindgen(js_name = putOff)]
    pub async fn put_off(&self, collection: String, record: &str, version: f64) -> Result<(), JsValue> {
        // A version is a whole number below 2^53.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let done = self.client.put_off(collection, id(record, "the record's id")?, Version(version as u64)).await;
        self.tell();
        Ok(done.map_err(SyncError::from)?)
    }

    /// JSON of the records of which a rule set something aside.
    ///
    /// # Errors
    /// Never, in practice.
    pub fn merged(&self) -> Result<String, JsValue> {
        to_json(&self.client.merged())
    }

    /// A person has looked at what rules set aside of a record.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    pub async fn looked(&self, collection: &str, record: &str) -> Result<(), JsValue> {
        let done = self.client.looked(collection, id(record, "the record's id")?).await;
        self.tell();
        Ok(done.map_err(SyncError::from)?)
    }
}

fn whole_ms(ms: Option<f64>) -> i64 {
    // A hold is milliseconds, and bounded by the client.
    #[allow(clippy::cast_possible_truncation)]
    let whole = ms.unwrap_or(0.0) as i64;
    whole
}
