//! What only a browser can do to a store: lose the connection, upgrade from another tab, fill the disk.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use fieldsync::core::rows::meta;
use fieldsync::ports::{Read, Scope, Step, Store, StoreError, StoreName, Write};
use fieldsync::web::host::within;
use fieldsync::web::indexed_db::{IndexedDbStore, delete_database, hooks};
use fieldsync::web::schema;
use gloo_timers::future::TimeoutFuture;
use serde_json::{Value, json};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use wasm_bindgen_test::{console_log, wasm_bindgen_test};

use super::common::rows::{change, page, parcel};
use super::common::store_cases::write;
use super::common::{Disk, both};
use super::indexed_db::Database;

/// No case waits for ever: this is "for ever" here.
const PATIENCE_MS: u32 = 15_000;

async fn append(store: &IndexedDbStore, row: u64) -> Result<Vec<u64>, StoreError> {
    write(store, vec![Write::Append(change(row, row))]).await.map(|committed| committed.appended)
}

async fn outbox(store: &IndexedDbStore) -> Vec<u64> {
    let rows = store.read(vec![Read::Outbox]).await.expect("a read");
    rows.outbox.iter().map(|change| change.client_seq).collect()
}

/// A database as an older app made it: version 1, and one store of ours with a row.
async fn old_database(name: &str) -> rexie::Rexie {
    let meta = rexie::ObjectStore::new("meta").key_path("name");
    let database = rexie::Rexie::builder(name).version(1).add_object_store(meta).build().await.expect("a database");
    let transaction = database.transaction(&["meta"], rexie::TransactionMode::ReadWrite).expect("a transaction");
    let row = js_sys::JSON::parse(r#"{"name": "stamp", "value": 7}"#).expect("JSON");
    transaction.store("meta").expect("meta").put(&row, None).await.expect("a put");
    transaction.commit().await.expect("a commit");
    database
}

/// Opens the database as a tab does that closes its connection half a second after it heard that it should.
async fn lets_go_late(name: &str) {
    let mut tab = idb::Factory::new().expect("IndexedDB").open(name, None).expect("a request").await.expect("a database");
    tab.on_version_change(|event| {
        let database: web_sys::IdbDatabase = event.target().expect("a database").unchecked_into();
        spawn_local(async move {
            TimeoutFuture::new(500).await;
            database.close();
        });
    });
    std::mem::forget(tab);
}

#[wasm_bindgen_test]
async fn a_strict_transaction_is_strict_and_a_relaxed_one_relaxed() {
    let store = Database::fresh().open();
    append(&store, 1).await.expect("a save");
    assert_eq!(store.last_durability().as_deref(), Some("strict"));
    let relaxed = Scope::relaxed(&[StoreName::Pages], vec![]);
    let committed = store.update(relaxed, |_| Step::Write(vec![Write::Page(page("customers", 0, 1))], ())).await;
    committed.expect("a pull");
    assert_eq!(store.last_durability().as_deref(), Some("relaxed"));
}

#[wasm_bindgen_test]
async fn a_row_is_plain_json_for_a_page_without_wasm() {
    let store = Database::fresh().open();
    write(&store, vec![Write::Append(change(1, 2)), Write::Parcel(parcel(9, 2))]).await.expect("a write");
    let rows: Value = serde_json::from_str(&store.raw_rows(StoreName::Outbox).await.expect("rows")).expect("JSON");
    let mut expected = serde_json::to_value(change(1, 2)).expect("JSON");
    expected["client_seq"] = json!(1);
    assert_eq!(rows, json!([expected]));
    let rows: Value = serde_json::from_str(&store.raw_rows(StoreName::Parcels).await.expect("rows")).expect("JSON");
    assert_eq!(rows, json!([serde_json::to_value(parcel(9, 2)).expect("JSON")]));
}

#[wasm_bindgen_test]
async fn an_abort_without_an_error_is_an_error_and_leaves_nothing() {
    let store = Database::fresh().open();
    append(&store, 1).await.expect("a save");
    store.abort_next_update();
    let writes = vec![Write::Append(change(2, 2)), Write::Meta(meta::STAMP, json!(3))];
    let failed = within(PATIENCE_MS, write(&store, writes)).await.expect("it does not hang");
    assert!(matches!(failed, Err(StoreError::Unknown(_))), "{failed:?}");
    assert_eq!(outbox(&store).await, [1]);
    assert!(store.read(vec![Read::Meta]).await.expect("a read").meta.is_empty());
    assert!(append(&store, 2).await.is_ok(), "the store goes on");
}

#[wasm_bindgen_test]
fn exceptions_are_told_apart_by_name() {
    assert_eq!(hooks::error_of("QuotaExceededError"), StoreError::Full);
    assert_eq!(hooks::error_of("VersionError"), StoreError::Newer);
    for lost in ["InvalidStateError", "UnknownError"] {
        assert_eq!(hooks::error_of(lost), StoreError::Closed);
    }
    for other in ["AbortError", "ConstraintError", "DataError", "NotFoundError"] {
        assert!(matches!(hooks::error_of(other), StoreError::Unknown(_)));
    }
}

#[wasm_bindgen_test]
async fn a_connection_closed_underneath_is_reopened() {
    let store = Database::fresh().open();
    append(&store, 1).await.expect("a save");
    store.sever();
    assert_eq!(append(&store, 2).await, Ok(vec![2]));
    store.sever();
    assert_eq!(outbox(&store).await, [1, 2]);
}

#[wasm_bindgen_test]
async fn an_update_whose_connection_dies_is_repeated_as_a_whole() {
    let store = Database::fresh().open();
    append(&store, 1).await.expect("a save");
    let planned = Cell::new(0);
    let before = store.transactions_begun();
    store.sever_next_updates(2);
    let scope = Scope::strict(&[StoreName::Outbox], vec![Read::Outbox]);
    let committed = store
        .update(scope, |rows| {
            planned.set(planned.get() + 1);
            Step::Write(vec![Write::Append(change(2, 2))], rows.outbox.len())
        })
        .await
        .expect("an update");
    assert_eq!((committed.value, planned.get(), store.transactions_begun() - before), (1, 3, 3));
    assert_eq!(outbox(&store).await.len(), 2, "once");
}

#[wasm_bindgen_test]
async fn a_connection_that_keeps_dying_is_closed_in_the_end() {
    let store = Database::fresh().open();
    append(&store, 1).await.expect("a save");
    store.sever_next_updates(4);
    assert_eq!(append(&store, 2).await, Err(StoreError::Closed));
    assert_eq!(append(&store, 2).await.map(|numbers| numbers.len()), Ok(1), "and works again when it lives again");
}

#[wasm_bindgen_test]
async fn another_tab_that_upgrades_closes_this_one() {
    let disk = Database::fresh();
    let store = disk.open();
    append(&store, 1).await.expect("a save");
    let told = Rc::new(Cell::new(0));
    let heard = Rc::clone(&told);
    store.on_reload(move || heard.set(heard.get() + 1));
    let newer = IndexedDbStore::at_version(&disk.0, schema::VERSION + 1);
    within(PATIENCE_MS, newer.open()).await.expect("it is not blocked").expect("an upgrade");
    assert_eq!(told.get(), 1);
    assert_eq!(append(&store, 2).await, Err(StoreError::Newer));
    assert_eq!(store.read(vec![Read::Outbox]).await, Err(StoreError::Newer));
    assert_eq!(outbox(&newer).await, [1], "an upgrade keeps the rows");
    assert_eq!(append(&newer, 2).await, Ok(vec![2]), "and the numbers");
}

#[wasm_bindgen_test]
async fn a_newer_version_on_the_disk_is_not_touched() {
    let disk = Database::fresh();
    let newer = IndexedDbStore::at_version(&disk.0, schema::VERSION + 1);
    append(&newer, 1).await.expect("a save");
    newer.close();
    let store = disk.open();
    assert_eq!(store.open().await, Err(StoreError::Newer));
    assert_eq!(append(&store, 2).await, Err(StoreError::Newer));
    assert_eq!(outbox(&IndexedDbStore::at_version(&disk.0, schema::VERSION + 1)).await, [1]);
}

#[wasm_bindgen_test]
async fn an_old_database_is_upgraded_and_keeps_its_rows() {
    let disk = Database::fresh();
    old_database(&disk.0).await.close();
    let store = IndexedDbStore::at_version(&disk.0, 2);
    let rows = store.read(vec![Read::Meta, Read::Outbox]).await.expect("a read");
    assert_eq!(rows.meta.get(meta::STAMP), Some(&json!(7)));
    assert_eq!(append(&store, 1).await, Ok(vec![1]));
}

#[wasm_bindgen_test]
async fn a_tab_that_keeps_the_old_version_open_blocks_with_an_error() {
    let disk = Database::fresh();
    old_database(&disk.0).await.close();
    let stubborn = idb::Factory::new().expect("IndexedDB").open(&disk.0, None).expect("a request").await.expect("a database");
    let store = IndexedDbStore::at_version(&disk.0, 2);
    let blocked = within(PATIENCE_MS, store.open()).await.expect("it does not hang");
    assert_eq!(blocked, Err(StoreError::Blocked));
    stubborn.close();
    within(PATIENCE_MS, store.open()).await.expect("it does not hang").expect("nobody blocks it now");
    assert_eq!(append(&store, 1).await, Ok(vec![1]));
}

#[wasm_bindgen_test]
async fn deleting_is_blocked_by_a_stubborn_tab_and_ends_the_others() {
    let disk = Database::fresh();
    let store = disk.open();
    append(&store, 1).await.expect("a save");
    let deleted = within(PATIENCE_MS, delete_database(&disk.0)).await.expect("it does not hang");
    assert_eq!(deleted, Ok(()));
    assert_eq!(append(&store, 2).await, Err(StoreError::Closed), "it does not make an empty one by mistake");
    assert_eq!(outbox(&disk.open()).await, [0; 0]);
    let stubborn = idb::Factory::new().expect("IndexedDB").open(&disk.0, None).expect("a request").await.expect("a database");
    let blocked = within(PATIENCE_MS, delete_database(&disk.0)).await.expect("it does not hang");
    assert_eq!(blocked, Err(StoreError::Blocked));
    stubborn.close();
}

/// A tab in the middle of a transaction: it lets go a while after it was asked, and until then the browser says "blocked".
#[wasm_bindgen_test]
async fn a_tab_that_lets_go_late_is_waited_for() {
    let disk = Database::fresh();
    old_database(&disk.0).await.close();
    lets_go_late(&disk.0).await;
    let store = disk.open();
    within(PATIENCE_MS, store.open()).await.expect("it does not hang").expect("an upgrade");
    assert_eq!(append(&store, 1).await, Ok(vec![1]));
    store.close();
    lets_go_late(&disk.0).await;
    let deleted = within(PATIENCE_MS, delete_database(&disk.0)).await.expect("it does not hang");
    assert_eq!(deleted, Ok(()));
}

#[wasm_bindgen_test]
async fn an_update_dropped_half_way_commits_nothing() {
    let store = Database::fresh().open();
    append(&store, 1).await.expect("a save");
    let began = store.transactions_begun();
    {
        let scope = Scope::strict(&[StoreName::Outbox], vec![Read::Outbox]);
        let mut update = pin!(store.update(scope, |_| Step::Write(vec![Write::Append(change(2, 2))], ())));
        assert!(update.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(store.transactions_begun(), began + 1, "it had begun");
    assert_eq!(outbox(&store).await, [1]);
}

#[wasm_bindgen_test]
async fn a_save_that_was_guessed_wrong_is_planned_again_on_what_is_there() {
    let store = Database::fresh().open();
    append(&store, 1).await.expect("a save");
    let both_rows =
        Scope::strict(&[StoreName::Outbox, StoreName::Meta], vec![Read::OutboxRows(vec![change(1, 1).row, change(2, 2).row])]);
    let planned = Cell::new(0);
    let committed = store
        .update(both_rows, |rows| {
            planned.set(planned.get() + 1);
            // Nothing in these writes fails by itself: only the reads can tell.
            Step::Write(vec![Write::Append(change(2, 2)), Write::Meta(meta::STAMP, json!(rows.outbox.len()))], rows.outbox.len())
        })
        .await
        .expect("an update");
    assert_eq!((committed.value, committed.appended.len(), planned.get()), (1, 1, 2));
    let rows = store.read(vec![Read::Outbox, Read::Meta]).await.expect("a read");
    assert_eq!((rows.outbox.len(), rows.meta.get(meta::STAMP)), (2, Some(&json!(1))));
}

#[wasm_bindgen_test]
async fn a_plan_that_never_stops_reading_is_stopped() {
    let store = Database::fresh().open();
    let scope = Scope::strict(&[StoreName::Meta], vec![]);
    let endless = store.update(scope, |_| -> Step<()> { Step::Read(vec![Read::Meta]) }).await;
    assert!(matches!(endless, Err(StoreError::Unknown(_))), "{endless:?}");
}

#[wasm_bindgen_test]
async fn a_row_that_cannot_be_read_is_corrupt() {
    let store = Database::fresh().open();
    append(&store, 1).await.expect("a save");
    store.put_raw(StoreName::Parcels, r#"{"op_id": "x"}"#).await.expect("a put");
    store.put_raw(StoreName::Derived, r#"{"name": "heads", "bytes": [1]}"#).await.expect("a put");
    let parcels = store.read(vec![Read::Parcels]).await;
    assert!(matches!(parcels, Err(StoreError::Corrupt(StoreName::Parcels, _))), "{parcels:?}");
    let derived = store.read(vec![Read::Derived("heads".into())]).await;
    assert!(matches!(derived, Err(StoreError::Corrupt(StoreName::Derived, _))), "{derived:?}");
    let scope = Scope::strict(&[StoreName::Outbox, StoreName::Parcels], vec![Read::Parcels]);
    let update = store.update(scope, |_| Step::Write(vec![Write::RemoveChange(1)], ())).await;
    assert!(matches!(update, Err(StoreError::Corrupt(StoreName::Parcels, _))));
    assert_eq!(outbox(&store).await, [1]);
}

#[wasm_bindgen_test]
async fn a_store_outside_the_scope_is_an_error() {
    let store = Database::fresh().open();
    let scope = Scope::strict(&[StoreName::Outbox], vec![]);
    let writes = vec![Write::Append(change(1, 1)), Write::Meta(meta::STAMP, json!(1))];
    let outside = store.update(scope, |_| Step::Write(writes.clone(), ())).await;
    assert!(matches!(outside, Err(StoreError::Unknown(_))), "{outside:?}");
    assert_eq!(outbox(&store).await, [0; 0]);
}

#[wasm_bindgen_test]
async fn two_first_uses_at_once_make_one_connection() {
    let disk = Database::fresh();
    let store = disk.open();
    let (one, two) = both(append(&store, 1), append(&store, 2)).await;
    assert_eq!((one, two), (Ok(vec![1]), Ok(vec![2])));
    // A second connection of this store would not hear `versionchange` and block the deletion.
    assert_eq!(within(PATIENCE_MS, delete_database(&disk.0)).await, Some(Ok(())));
}

#[wasm_bindgen_test]
async fn a_closed_store_stays_closed() {
    let store = Database::fresh().open();
    append(&store, 1).await.expect("a save");
    store.close();
    assert_eq!(append(&store, 2).await, Err(StoreError::Closed));
    let opening = Database::fresh().open();
    let (opened, ()) = both(opening.open(), async { opening.close() }).await;
    assert_eq!(opened, Err(StoreError::Closed));
}

/// What a save would cost by hand: a record with three indexes and its queue entry, strict, awaited to `complete`.
const RAW_SAVES: &str = r#"
  return new Promise((resolve, reject) => {
    const open = indexedDB.open(name, 1);
    open.onupgradeneeded = () => {
      const records = open.result.createObjectStore("records", { keyPath: "id" });
      for (const index of ["name", "phone", "city"]) records.createIndex(index, index);
      open.result.createObjectStore("queue", { keyPath: "n", autoIncrement: true });
    };
    open.onerror = () => reject(open.error);
    open.onsuccess = async () => {
      const times = [];
      for (let n = 0; n < saves; n += 1) {
        const began = performance.now();
        const tx = open.result.transaction(["records", "queue"], "readwrite", { durability: "strict" });
        const value = { name: "PT ABC Jaya", phone: "+62 812 000", city: "Bogor" };
        tx.objectStore("records").put({ id: `r${n}`, ...value });
        tx.objectStore("queue").add({ id: `r${n}`, op: "update", value, at: Date.now() });
        await new Promise((done, failed) => { tx.oncomplete = done; tx.onabort = failed; });
        times.push(performance.now() - began);
      }
      open.result.close();
      resolve(times);
    };
  });
"#;

#[wasm_bindgen_test]
async fn how_long_a_save_takes() {
    const SAVES: u32 = 300;
    let disk = Database::fresh();
    let store = disk.open();
    store.open().await.expect("a database");
    let (mut ours_ms, mut blind_ms) = (Vec::new(), Vec::new());
    for row in 1..=u64::from(SAVES) {
        let began_ms = now_ms();
        let blind = Scope::strict(&[StoreName::Outbox], vec![]);
        let saved = store.update(blind, |_| Step::Write(vec![Write::Append(change(row + 10_000, row))], ()));
        saved.await.expect("a save");
        blind_ms.push(now_ms() - began_ms);
        let began_ms = now_ms();
        let scope = Scope::strict(&[StoreName::Outbox], vec![Read::OutboxRows(vec![change(row, row).row])]);
        let saved = store.update(scope, |rows| {
            Step::Write(if rows.outbox.is_empty() { vec![Write::Append(change(row, row))] } else { vec![] }, ())
        });
        saved.await.expect("a save");
        ours_ms.push(now_ms() - began_ms);
    }
    let raw = js_sys::Function::new_with_args("name, saves", RAW_SAVES);
    let name = format!("{} raw", disk.0);
    let raw = raw.call2(&JsValue::NULL, &name.into(), &SAVES.into()).expect("a promise");
    let raw = JsFuture::from(js_sys::Promise::from(raw)).await.expect("times");
    let mut raw_ms: Vec<f64> = js_sys::Array::from(&raw).iter().filter_map(|time| time.as_f64()).collect();
    let measured =
        [("one read and one row", &mut ours_ms), ("one row, no read", &mut blind_ms), ("by hand, two rows", &mut raw_ms)];
    for (what, times_ms) in measured {
        times_ms.sort_by(f64::total_cmp);
        let at = |share: usize| times_ms[times_ms.len() * share / 100];
        console_log!("a strict save, {what}: p50 {:.2} ms, p95 {:.2} ms", at(50), at(95));
        assert!(at(50) < f64::from(PATIENCE_MS));
    }
}

fn now_ms() -> f64 {
    let performance = js_sys::Reflect::get(&js_sys::global(), &"performance".into()).expect("performance");
    let now = js_sys::Reflect::get(&performance, &"now".into()).expect("now");
    js_sys::Function::from(now).call0(&performance).expect("a time").as_f64().expect("a number")
}
