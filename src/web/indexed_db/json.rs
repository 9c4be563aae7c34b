//! Rows between Rust and JavaScript, many at once, as JSON text: the browser reads and writes that faster than we can hand
//! over one property after another. Rows stay plain objects, so that a page in plain JavaScript can rescue them.
//!
//! A whole number beyond 2^53, which JavaScript does not have, becomes the nearest that it has: the server's data must not make
//! a row that cannot be written.

use js_sys::{Array, JSON};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wasm_bindgen::prelude::*;

use super::super::transaction::Fault;
use crate::core::number::spell;
use crate::ports::{Cause, StoreError};

/// As many as 2^53 has.
const LONG_DIGITS: u32 = 16;

/// Rows to be, in order.
pub(super) struct Rows(String);

impl Rows {
    pub(super) fn new() -> Self {
        Self("[".to_owned())
    }

    /// Adds one.
    pub(super) fn push(&mut self, row: &impl Serialize) -> Result<(), StoreError> {
        let text = text(row)?;
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

/// One row's text.
pub(super) fn text(row: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(row).map_err(|error| failed(error.to_string()))
}

/// The rows of an array of objects; or what is wrong with them.
pub(super) fn from_js<T: DeserializeOwned>(rows: &JsValue) -> Result<Vec<T>, String> {
    // A row is data: it is neither a circle nor a function, and so always has a text.
    let text = JSON::stringify(rows).map(String::from).unwrap_or_default();
    if has_long_number(&text) {
        let mut rows: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        spell(&mut rows);
        return serde_json::from_value(rows).map_err(|error| error.to_string());
    }
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

/// Whether there may be a whole number beyond 2^53: JavaScript writes it in digits, and so it would have two spellings.
fn has_long_number(text: &str) -> bool {
    let mut digits = 0;
    text.bytes().any(|byte| {
        digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
        digits == LONG_DIGITS
    })
}

fn failed(detail: String) -> StoreError {
    StoreError::Unknown(Cause { name: "EncodeError".into(), message: detail })
}
