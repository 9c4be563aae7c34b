//! The exported class, of search.

use serde::Deserialize;
use wasm_bindgen::prelude::*;

use super::boundary::{Answer, DuplicatesAnswer, from_json, to_json};
use super::engine::Engine;
use crate::core::record::{CollectionName, Fields, RecordId};
use crate::data::query::LIST_LIMIT_MAX;

/// What is looked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    text: String,
    #[serde(default)]
    collections: Vec<CollectionName>,
    limit: Option<usize>,
}

/// What a new record has so far.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    fields: Fields,
    id: Option<RecordId>,
    limit: Option<usize>,
}

#[wasm_bindgen]
impl Engine {
    /// JSON of an `Answer` to JSON of `{text, collections, limit}`.
    ///
    /// # Errors
    /// What is looked for is malformed, or in a collection that is not declared.
    pub fn search(&self, wanted: &str) -> Result<String, JsValue> {
        let Wanted { text, collections, limit } = from_json(wanted)?;
        collections.iter().try_for_each(|collection| self.declared(collection))?;
        let (records, complete) = self.client.search(&text, &collections, limit.unwrap_or(LIST_LIMIT_MAX));
        to_json(&Answer::new(records, complete))
    }

    /// JSON of `{complete, found: {record, reasons}[]}` to JSON of `{fields, id, limit}`.
    ///
    /// # Errors
    /// The collection is not declared, or the fields are malformed.
    pub fn duplicates(&self, collection: &str, draft: &str) -> Result<String, JsValue> {
        self.declared(collection)?;
        let Draft { fields, id, limit } = from_json(draft)?;
        let (found, complete) = self.client.duplicates(collection, &fields, id, limit.unwrap_or(LIST_LIMIT_MAX));
        to_json(&DuplicatesAnswer { complete, found })
    }

    /// Begins the search index, if nobody has looked for anything yet.
    #[wasm_bindgen(js_name = beginSearch)]
    pub fn begin_search(&self) {
        self.client.begin_search();
    }

    /// Indexes at most so many records; gives how many are left.
    #[wasm_bindgen(js_name = searchStep)]
    pub fn search_step(&self, records_max: u32) -> u32 {
        let left = self.client.search_step(records_max as usize);
        self.tell();
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// How many records are to be indexed.
    #[wasm_bindgen(js_name = searchPending)]
    pub fn search_pending(&self) -> u32 {
        u32::try_from(self.client.search_pending()).unwrap_or(u32::MAX)
    }
}
