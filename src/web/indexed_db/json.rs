//! Rows between Rust and JavaScript, many at once, as JSON text: the browser reads and writes that faster than we can hand
//! over one property after another. Rows stay plain objects, so that a page in plain JavaScript can rescue them.
//!
//! A whole number beyond 2^53, which JavaScript does not have, becomes the nearest that it has: the server's data must not make
//! a row that cannot be written.

use js_sys::{Array, JSON};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

use super::super::transaction::Fault;
use crate::ports::{Cause, StoreError};

/// Rows to be, in order.
pub(super) struct Rows(String);

impl Rows {
    pub(super) fn new() -> Self {
        Self("[".to_owned())
    }

    /// Adds one.
    pub(super) fn push(&mut self, row: &impl Serialize) -> Result<(), StoreError> {
        let text = serde_json::to_string(row).map_err(|error| failed(error.to_string()))?;
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&text);
        Ok(())
    }

    /// All as objects.
    pub(super) fn into_js(mut self) -> Result<Array, StoreError> {
        self.0.push(']');
        JSON::parse(&self.0).map(JsCast::unchecked_into).map_err(|thrown| Fault::thrown(&thrown).into_error())
    }
}

/// The rows of an array of objects; or what is wrong with them.
pub(super) fn from_js<T: DeserializeOwned>(rows: &JsValue) -> Result<Vec<T>, String> {
    // A row is data: it is neither a circle nor a function, and so always has a text.
    let text = JSON::stringify(rows).map(String::from).unwrap_or_default();
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn failed(detail: String) -> StoreError {
    StoreError::Unknown(Cause { name: "EncodeError".into(), message: detail })
}
