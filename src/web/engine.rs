//! The exported class: converts and forwards, no logic. Its contract is `Engine` in `www/fieldsync/types.d.ts`.
//!
//! Records cross as JSON text (parsing it is the browser's fastest way to make objects); small things as objects.

use std::rc::Rc;

use js_sys::Function;
use serde_json::{Value, json};
use wasm_bindgen::prelude::*;

use super::boundary::{Answer, Options, Wake, WriteJs, Writes, from_json, id, new_change, parse_reason, to_js, to_json};
use super::error::{Code, SyncError, sync_error};
use super::fetch::FetchTransport;
use super::host::BrowserHost;
use super::indexed_db::IndexedDbStore;
use super::loading::Prepared;
use crate::client::{Client, Note, Settled};
use crate::core::record::{Fields, Millis, RowId, UserId};
use crate::core::schema::Schema;
use crate::data::query::Query;
use crate::ports::Host;

/// The offline client of one page or worker.
#[wasm_bindgen]
pub struct Engine {
    pub(super) client: Rc<Client<IndexedDbStore, FetchTransport, BrowserHost>>,
    store: IndexedDbStore,
    on_event: Function,
}

#[wasm_bindgen]
impl Engine {
    /// Opens the database of this server and user.
    ///
    /// # Errors
    /// A `SyncError`: the options are wrong, or the database cannot be used.
    pub async fn open(options: Options, prepared: Option<Prepared>) -> Result<Engine, JsValue> {
        let schema = Schema::parse(&options.schema()).map_err(|error| sync_error(Code::Invalid, &error.to_string(), false))?;
        let user: UserId = id(&options.user(), "the user's id")?;
        let server = options.server();
        let name = options.database().unwrap_or_else(|| format!("fieldsync {server} {user}"));
        let (store, rows) = match prepared.filter(|prepared| prepared.is_of(&name)) {
            Some(Prepared { store, rows }) => (store, Some(rows)),
            None => (IndexedDbStore::new(name), None),
        };
        let on_event = options.on_event();
        let tell = on_event.clone();
        store.on_reload(move || {
            // The listener is the page's; what it throws is the page's too.
            let _ = tell.call1(&JsValue::NULL, &to_js(&json!({"kind": "reload"})).unwrap_or(JsValue::NULL));
        });
        store.open().await.map_err(SyncError::from)?;
        let transport = FetchTransport::new(&server, user, options.get_access_token())?;
        let client = Client::start(store.clone(), transport, BrowserHost, Rc::new(schema), user, options.tables(), rows).await;
        let engine = Self { client: Rc::new(client.map_err(SyncError::from)?), store, on_event };
        if let Some(epoch) = options.epoch() {
            engine.client.is_for(id(&epoch, "the server's epoch")?).await.map_err(SyncError::from)?;
        }
        engine.tell();
        Ok(engine)
    }

    /// Passes on what happened since the last call.
    pub(super) fn tell(&self) {
        for note in self.client.take_notes() {
            let event = match note {
                Note::Changed(collections) => json!({"kind": "changed", "collections": collections}),
                Note::Status => json!({"kind": "status"}),
                Note::Searchable => json!({"kind": "searchable"}),
                Note::Wake(sending) => json!({"kind": "wake", "message": Wake { sending }}),
            };
            let Ok(event) = to_js(&event) else { continue };
            let _ = self.on_event.call1(&JsValue::NULL, &event);
        }
    }

    /// A UUID v7.
    #[wasm_bindgen(js_name = newId)]
    pub fn new_id(&self) -> String {
        BrowserHost.new_id().to_string()
    }

    /// Saves; several writes are one group. JSON of the record, if that is known without asking.
    ///
    /// # Errors
    /// A `SyncError`; nothing was saved.
    pub async fn save(&self, writes: Writes, hold_ms: Option<f64>) -> Result<Option<String>, JsValue> {
        let writes: Vec<WriteJs> = serde_wasm_bindgen::from_value(writes.into())
            .map_err(|error| sync_error(Code::Invalid, &error.to_string(), false))?;
        let changes = writes.into_iter().map(new_change).collect::<Result<Vec<_>, _>>()?;
        // A hold is milliseconds, and bounded by the client.
        #[allow(clippy::cast_possible_truncation)]
        let saved = self.telling(self.client.save(changes, hold_ms.unwrap_or(0.0) as i64)).await;
        self.tell();
        Ok(saved.map_err(SyncError::from)?)
    }

    /// JSON of a record, or undefined.
    ///
    /// # Errors
    /// The id is not a UUID.
    pub fn get(&self, collection: &str, record: &str) -> Result<Option<String>, JsValue> {
        self.declared(collection)?;
        self.client.get(collection, id(record, "the record's id")?).map(|record| to_json(&record)).transpose()
    }

    /// JSON of `Answer`.
    ///
    /// # Errors
    /// The query is malformed.
    pub fn list(&self, collection: &str, query: &str) -> Result<String, JsValue> {
        let text = query;
        let query = self.query(collection, text)?;
        let (records, complete) = self.client.list(collection, &query);
        self.client.asked(collection, text, &query);
        to_json(&Answer::new(records, complete))
    }

    /// How many records a query has.
    ///
    /// # Errors
    /// The query is malformed.
    pub fn count(&self, collection: &str, query: &str) -> Result<u32, JsValue> {
        let query = self.query(collection, query)?;
        Ok(u32::try_from(self.client.count(collection, &query)).unwrap_or(u32::MAX))
    }

    /// A query that a declared collection can be asked.
    fn query(&self, collection: &str, query: &str) -> Result<Query, JsValue> {
        self.declared(collection)?;
        let query: Query = from_json(query)?;
        let checked = self.client.schema().collection(collection).map_or(Ok(()), |declared| query.check(declared));
        match checked {
            Ok(()) => Ok(query),
            Err(wrong) => Err(SyncError::new(Code::Invalid, wrong.words, false).in_field(wrong.field).into_js()),
        }
    }

    /// The schema has this collection.
    pub(super) fn declared(&self, collection: &str) -> Result<(), JsValue> {
        let known = self.client.schema().collection(collection).is_some();
        if known {
            Ok(())
        } else {
            Err(sync_error(Code::NotFound, &format!("the schema has no collection {collection:.60}"), false))
        }
    }

    /// The status.
    ///
    /// # Errors
    /// Never, in practice: it is plain data.
    pub fn status(&self) -> Result<JsValue, JsValue> {
        to_js(&self.client.status())
    }

    /// Whether this reason leads to a cycle now.
    ///
    /// # Errors
    /// An unknown reason.
    pub fn wants(&self, reason: &str) -> Result<bool, JsValue> {
        Ok(self.client.wants(parse_reason(reason)?))
    }

    /// Whether to ask for little at once.
    pub fn spare(&self, data: bool) {
        self.client.spare(data);
    }

    /// One cycle.
    ///
    /// # Errors
    /// An unknown reason. A failure of the network is in the report.
    pub async fn cycle(&self, reason: &str) -> Result<JsValue, JsValue> {
        let reason = parse_reason(reason)?;
        let client = Rc::clone(&self.client);
        let work = client.cycle(reason);
        let report = self.telling(work).await;
        to_js(&report)
    }

    /// Passes notes on while a long work goes on, not only after it.
    pub(super) async fn telling<R>(&self, work: impl Future<Output = R>) -> R {
        let mut work = std::pin::pin!(work);
        let result = std::future::poll_fn(|context| {
            let poll = work.as_mut().poll(context);
            self.tell();
            poll
        });
        result.await
    }

    /// Whether the page is to repair itself now; to be asked about once a minute while it is seen.
    #[wasm_bindgen(js_name = wantsRepair)]
    pub fn wants_repair(&self) -> bool {
        let wants = self.client.wants_repair();
        self.tell();
        wants
    }

    /// Opens the database again, and builds memory anew.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    pub async fn repair(&self) -> Result<(), JsValue> {
        let reopened = self.store.reopen().await;
        let rebuilt = self.client.rebuild().await;
        self.tell();
        Ok(reopened.and(rebuilt).map_err(SyncError::from)?)
    }

    /// Takes over what another context committed.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    pub async fn refresh(&self, message: JsValue) -> Result<(), JsValue> {
        let wake: Option<Wake> = if message.is_object() { serde_wasm_bindgen::from_value(message).ok() } else { None };
        let refreshed = self.client.refresh(wake.map(|wake| wake.sending)).await;
        self.tell();
        Ok(refreshed.map_err(SyncError::from)?)
    }

    /// JSON of unsent work by record.
    ///
    /// # Errors
    /// Never, in practice.
    pub fn outbox(&self) -> Result<String, JsValue> {
        to_json(&self.client.outbox())
    }

    /// Sends a refused change again.
    ///
    /// # Errors
    /// "not-found"; "invalid" or "forbidden" if it must be mended first.
    pub async fn retry(&self, row: &str) -> Result<(), JsValue> {
        let done = self.client.retry(id(row, "the row id")?).await;
        self.tell();
        Ok(done.map_err(SyncError::from)?)
    }

    /// Takes a change back. JSON of `{done, undo}`.
    ///
    /// # Errors
    /// "not-found".
    pub async fn discard(&self, row: &str) -> Result<String, JsValue> {
        let row: RowId = id(row, "the row id")?;
        let settled = self.client.discard(row).await;
        self.tell();
        let settled = settled.map_err(SyncError::from)?;
        to_json(&json!({"done": if settled.is_later() { "later" } else { "now" }, "undo": to_json(&settled)?}))
    }

    /// The same, of a save that was just made.
    ///
    /// # Errors
    /// "not-found".
    pub async fn undo(&self, row: &str) -> Result<String, JsValue> {
        self.discard(row).await
    }

    /// Puts back what a discard or a resolution ended.
    ///
    /// # Errors
    /// "conflict" if it is too late.
    pub async fn restore(&self, undo: &str) -> Result<(), JsValue> {
        let settled: Settled = from_json(undo)?;
        let done = self.client.restore(&settled).await;
        self.tell();
        Ok(done.map_err(SyncError::from)?)
    }

    /// Unsent work as JSON.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    #[wasm_bindgen(js_name = exportUnsent)]
    pub async fn export_unsent(&self) -> Result<String, JsValue> {
        let exported: Value = self.client.export_unsent().await.map_err(SyncError::from)?;
        serde_json::to_string_pretty(&exported).map_err(|error| sync_error(Code::Invalid, &error.to_string(), false))
    }

    /// JSON of the newest ends.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    pub async fn history(&self, limit: u32) -> Result<String, JsValue> {
        to_json(&self.client.history(limit).await.map_err(SyncError::from)?)
    }

    /// JSON of what would become of unsent work.
    ///
    /// # Errors
    /// A `SyncError` if the server cannot be asked.
    pub async fn preview(&self) -> Result<String, JsValue> {
        to_json(&self.client.preview().await.map_err(SyncError::from)?)
    }

    /// JSON of a draft, or undefined.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    pub async fn draft(&self, form: &str) -> Result<Option<String>, JsValue> {
        let draft = self.client.draft(form).await.map_err(SyncError::from)?;
        draft.map(|draft| to_json(&draft)).transpose()
    }

    /// Keeps a draft.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    #[wasm_bindgen(js_name = putDraft)]
    pub async fn put_draft(&self, form: &str, json: &str) -> Result<(), JsValue> {
        let value: Fields = from_json(json)?;
        Ok(self.client.put_draft(form, Some(value)).await.map_err(SyncError::from)?)
    }

    /// Forgets a draft.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    #[wasm_bindgen(js_name = removeDraft)]
    pub async fn remove_draft(&self, form: &str) -> Result<(), JsValue> {
        Ok(self.client.put_draft(form, None).await.map_err(SyncError::from)?)
    }

    /// JSON for support.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    pub async fn diagnostics(&self) -> Result<String, JsValue> {
        to_json(&self.client.diagnostics().await.map_err(SyncError::from)?)
    }

    /// The user knows what was lost with other stores.
    ///
    /// # Errors
    /// A `SyncError` of the database.
    #[wasm_bindgen(js_name = acknowledgeLoss)]
    pub async fn acknowledge_loss(&self) -> Result<(), JsValue> {
        let done = self.client.acknowledge_loss().await;
        self.tell();
        Ok(done.map_err(SyncError::from)?)
    }

    /// Says to the server that this database is deleted now.
    ///
    /// # Errors
    /// A `SyncError` if the server was not told.
    pub async fn goodbye(&self) -> Result<(), JsValue> {
        Ok(self.client.goodbye().await.map_err(SyncError::from)?)
    }

    /// Sleeps until a time: the worker waits out a hold.
    #[wasm_bindgen(js_name = sleepUntil)]
    pub async fn sleep_until(&self, at: f64) {
        // Milliseconds since 1970 are whole numbers far below 2^53.
        #[allow(clippy::cast_possible_truncation)]
        BrowserHost.sleep_until(Millis(at as i64)).await;
    }

    /// Closes the database.
    pub fn close(&self) {
        self.store.close();
    }
}
