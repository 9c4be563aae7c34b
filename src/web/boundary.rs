//! What crosses between the page and the engine, and its conversion.

use std::collections::BTreeMap;

use js_sys::Function;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wasm_bindgen::prelude::*;

use super::error::{Code, SyncError, sync_error};
use super::value::FromJs;
use crate::client::{NewChange, SaveError};
use crate::core::machine::Reason;
use crate::core::protocol::Action;
use crate::core::record::{Fields, Millis, Version};
use crate::core::rules::{Rule, Violation};
use crate::core::status::Sending;
use crate::data::duplicates::Duplicate;
use crate::data::table::{Included, RecordView};

#[wasm_bindgen]
extern "C" {
    /// `EngineOptions`.
    #[wasm_bindgen(typescript_type = "import('../types').EngineOptions")]
    pub type Options;
    /// Where the server is.
    #[wasm_bindgen(method, getter)]
    pub fn server(this: &Options) -> String;
    /// The user's id.
    #[wasm_bindgen(method, getter)]
    pub fn user(this: &Options) -> String;
    /// `schema.json` as text.
    #[wasm_bindgen(method, getter)]
    pub fn schema(this: &Options) -> String;
    /// Which database, if not the first of this server and user.
    #[wasm_bindgen(method, getter)]
    pub fn database(this: &Options) -> Option<String>;
    /// The server that it is for, if that is known.
    #[wasm_bindgen(method, getter)]
    pub fn epoch(this: &Options) -> Option<String>;
    /// Whether records are kept in memory.
    #[wasm_bindgen(method, getter)]
    pub fn tables(this: &Options) -> bool;
    /// Asks the app for a token.
    #[wasm_bindgen(method, getter, js_name = getAccessToken)]
    pub fn get_access_token(this: &Options) -> Function;
    /// Tells the shell.
    #[wasm_bindgen(method, getter, js_name = onEvent)]
    pub fn on_event(this: &Options) -> Function;

    /// `EngineWrite[]`.
    #[wasm_bindgen(typescript_type = "import('../types').EngineWrite[]")]
    pub type Writes;
}

#[derive(Deserialize)]
pub(super) struct WriteJs {
    pub(super) row: String,
    pub(super) collection: String,
    pub(super) id: String,
    pub(super) action: Action,
    pub(super) seen: SeenJs,
    #[serde(default)]
    pub(super) written: BTreeMap<String, FromJs>,
}

#[derive(Deserialize)]
pub(super) struct SeenJs {
    pub(super) version: Version,
    #[serde(default)]
    pub(super) fields: Fields,
}

/// What a query gives. The time of the last pull is the same for every record, and no part of what it gives: so whether the result
/// is another can be told from the text before it. It comes last, and is always there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    complete: bool,
    records: Vec<RecordView>,
    last_synced_at: Option<Millis>,
}

impl Answer {
    pub(super) fn new(mut records: Vec<RecordView>, complete: bool) -> Self {
        let last_synced_at = records.first().and_then(|record| record.last_synced_at);
        records.iter_mut().for_each(forget_pull);
        Self { complete, records, last_synced_at }
    }
}

/// What a new record may be a second of.
#[derive(Serialize)]
pub(super) struct DuplicatesAnswer {
    pub(super) complete: bool,
    pub(super) found: Vec<Duplicate>,
}

fn forget_pull(record: &mut RecordView) {
    record.last_synced_at = None;
    for included in record.included.values_mut() {
        match included {
            Included::One(record) => forget_pull(record),
            Included::Many(records) => records.iter_mut().for_each(forget_pull),
        }
    }
}

/// What one context tells another: only that something was committed, and how a push goes.
#[derive(Serialize, Deserialize)]
pub(super) struct Wake {
    pub(super) sending: Option<Sending>,
}

pub(super) fn to_js<T: Serialize>(value: &T) -> Result<JsValue, JsValue> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    value.serialize(&serializer).map_err(|error| sync_error(Code::Invalid, &error.to_string(), false))
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, JsValue> {
    serde_json::to_string(value).map_err(|error| sync_error(Code::Invalid, &error.to_string(), false))
}

pub(super) fn from_json<T: for<'de> Deserialize<'de>>(json: &str) -> Result<T, JsValue> {
    serde_json::from_str(json).map_err(|error| sync_error(Code::Invalid, &error.to_string(), false))
}

pub(super) fn id<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, JsValue> {
    text.parse().map_err(|_| sync_error(Code::Invalid, &format!("{what} is not a UUID: {text:.60}"), false))
}

pub(super) fn new_change(write: WriteJs) -> Result<NewChange, JsValue> {
    // What JSON has no word for would be written as null, which clears the field.
    let odd = |(name, value): (&String, &FromJs)| value.0.is_none().then(|| Violation { field: name.clone(), rule: Rule::Type });
    let violations: Vec<Violation> = write.written.iter().filter_map(odd).collect();
    if !violations.is_empty() {
        return Err(SyncError::from(SaveError::Invalid(violations)).into_js());
    }
    Ok(NewChange {
        row: id(&write.row, "the row id")?,
        collection: write.collection,
        record: id(&write.id, "the record's id")?,
        action: write.action,
        version: write.seen.version,
        seen: write.seen.fields,
        written: write.written.into_iter().filter_map(|(name, value)| Some((name, value.0?))).collect(),
    })
}

pub(super) fn parse_reason(reason: &str) -> Result<Reason, JsValue> {
    let parsed = serde_json::from_value(Value::String(reason.to_owned()));
    parsed.map_err(|_| sync_error(Code::Invalid, &format!("no such reason: {reason:.60}"), false))
}
