//! The driver over IndexedDB in a real browser: which transactions wait for the disk, what each touches, and that what is
//! sent again is what was sent.
//! (`wasm-pack test --headless --chrome . --test client --features browser-tests`)
#![cfg(all(target_arch = "wasm32", feature = "browser-tests"))]
#![allow(clippy::expect_used, clippy::panic)] // That is how a test fails; clippy.toml's leave covers `#[test]` functions only.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use fieldsync::client::{Client, NewChange};
use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::{
    self, Action, Answer, AppliedItem, Body, Cursor, Entry, Envelope, Outcome, PushAnswer, PushParcel, PushResult, Range,
    Request, SnapshotPage,
};
use fieldsync::core::record::{By, Epoch, Fields, Millis, RecordId, RowId, Seq, UserId, Version};
use fieldsync::core::schema::Schema;
use fieldsync::ports::{Cause, StoreName, Transport, TransportError};
use fieldsync::web::host::BrowserHost;
use fieldsync::web::indexed_db::IndexedDbStore;
use serde_json::{Value, json};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// What a push is answered with; nothing if the answer is lost.
type Told = fn(&Request) -> Option<Vec<PushResult>>;

/// A server that answers pushes as told, and has these records to pull.
#[derive(Clone, Default)]
struct Script {
    outcomes: Rc<RefCell<VecDeque<Told>>>,
    records: Rc<RefCell<Vec<Value>>>,
    pushed: Rc<RefCell<Vec<PushParcel>>>,
}

fn user() -> UserId {
    UserId("01900000-0000-7000-8000-000000000001".parse().expect("a UUID"))
}

fn lost(_: &Request) -> Option<Vec<PushResult>> {
    None
}

fn applied(request: &Request) -> Option<Vec<PushResult>> {
    let Request::Push(push) = request else { panic!("a push") };
    let result = |parcel: &PushParcel| {
        let item = |item: &fieldsync::core::protocol::Item| AppliedItem {
            collection: item.collection.clone(),
            id: item.id,
            version: Version(item.base_version.0 + 1),
            normalised: Fields::new(),
        };
        let outcome = Outcome::Applied { seq: Seq(item_seq(parcel)), items: parcel.items.iter().map(item).collect() };
        PushResult { op_id: parcel.op_id, mark: None, outcome }
    };
    Some(push.parcels.iter().map(result).collect())
}

fn item_seq(parcel: &PushParcel) -> u64 {
    10 * (parcel.items[0].base_version.0 + 1)
}

fn conflict(request: &Request) -> Option<Vec<PushResult>> {
    let Request::Push(push) = request else { panic!("a push") };
    let parcel = &push.parcels[0];
    let by = By { id: user(), name: "Ahmad".into(), role: "manager".into(), device: None };
    let theirs = Entry {
        collection: "customers".into(),
        id: parcel.items[0].id,
        version: Version(2),
        seq: Seq(15),
        at: Millis(1),
        by,
        changed: Default::default(),
        tombstone: None,
        fields: fields(json!({"name": "PT ABC", "phone": "+622122"})),
    };
    Some(vec![PushResult { op_id: parcel.op_id, mark: None, outcome: Outcome::Conflict { theirs: vec![theirs] } }])
}

impl Transport for Script {
    async fn send(&self, request: &Request) -> Result<Answer, TransportError> {
        let body = match request {
            Request::Push(push) => {
                self.pushed.borrow_mut().extend(push.parcels.iter().cloned());
                let told = self.outcomes.borrow_mut().pop_front().expect("a push that was expected");
                let cause = Cause { name: "TypeError".into(), message: "no answer".into() };
                let away = TransportError::Away { cause, retry_after_ms: None, ours: false };
                Body::Push(PushAnswer { results: told(request).ok_or(away)?, lost: vec![] })
            }
            Request::Snapshot(_) => Body::Snapshot(SnapshotPage {
                records: self.records.borrow().iter().map(told).collect(),
                ranges: vec![Range { collection: "customers".into(), after: None, upto: None }],
                watermark: Cursor("w".into()),
                watermark_seq: Seq(1),
                mark: None,
                next: None,
                cursor: Some(Cursor("c".into())),
                total: 0,
                bytes: 0,
            }),
            _ => Body::Changes(fieldsync::core::protocol::ChangesPage {
                changes: vec![],
                cursor: Cursor("c".into()),
                has_more: false,
            }),
        };
        let epoch = Epoch("01900000-0000-7000-8000-0000000000ff".parse().expect("a UUID"));
        Ok(Envelope { server_time: Millis(1_790_000_000_000), server_epoch: epoch, user: Some(user()), body })
    }
}

/// As it is read from an answer.
fn told(record: &Value) -> protocol::Told {
    serde_json::from_str(&record.to_string()).expect("any JSON")
}

fn fields(value: Value) -> Fields {
    value.as_object().expect("an object").clone()
}

const STRICT: &str = "strict";

async fn open(store: &IndexedDbStore, script: &Script) -> Client<IndexedDbStore, Script, BrowserHost> {
    let schema = Rc::new(Schema::parse(include_str!("../www/schema.json")).expect("a schema"));
    Client::open(store.clone(), script.clone(), BrowserHost, schema, user(), true).await.expect("a client")
}

/// The server keeps numbers that JavaScript spells otherwise, and the database has JavaScript's.
#[wasm_bindgen_test]
async fn a_parcel_whose_answer_was_lost_is_sent_again_to_the_byte() {
    let (store, script) = (IndexedDbStore::new(format!("fieldsync-test-{}", BrowserHost.new_id())), Script::default());
    let record = BrowserHost.new_id();
    let by = json!({"id": user(), "name": "Budi", "role": "rep"});
    script.records.borrow_mut().push(json!({
        "collection": "customers", "id": record, "version": 1, "seq": 1, "at": 1, "by": by,
        "fields": {"name": "PT ABC", "visits": 5.0, "tags": [1e21, -0.0], "contact": 9_007_199_254_740_993_i64},
    }));
    let client = open(&store, &script).await;
    // A new store says that it is there.
    script.outcomes.borrow_mut().push_back(applied);
    client.cycle(Reason::Start).await;
    let seen = json!({"visits": 4, "tags": [1e21, -0.0], "contact": 9_007_199_254_740_992.0});
    let written = json!({"visits": 5, "tags": [1e3, 1e21, 0.1 + 0.2, 9_007_199_254_740_992.0], "contact": "Ibu Sari"});
    save(&client, record, Action::Update, 1, seen, written).await;
    script.outcomes.borrow_mut().extend([lost as Told, applied]);
    client.cycle(Reason::User).await;
    // What the next context knows it has from the database.
    open(&store, &script).await.cycle(Reason::User).await;
    let pushed = script.pushed.borrow();
    let texts: Vec<String> = pushed.iter().map(|parcel| serde_json::to_string(parcel).expect("JSON")).collect();
    assert!(texts.len() == 2 && texts[0] == texts[1], "{texts:#?}");
    assert!(texts[0].contains(r#""visits":6"#) && texts[0].contains(r#""contact":9007199254740992"#), "{texts:#?}");
}

#[wasm_bindgen_test]
async fn a_save_a_begin_an_answer_and_a_resolution_wait_for_the_disk_and_a_pulled_page_does_not() {
    let store = IndexedDbStore::new(format!("fieldsync-test-{}", BrowserHost.new_id()));
    let script = Script::default();
    let client = open(&store, &script).await;
    drop(store.take_updates());

    let record = BrowserHost.new_id();
    save(&client, record, Action::Create, 0, json!({}), json!({"name": "PT ABC", "phone": "+622100"})).await;
    assert_eq!(store.take_updates(), [(vec![StoreName::Outbox], STRICT.to_owned())], "a save touches the outbox alone");

    script.outcomes.borrow_mut().push_back(applied);
    client.cycle(Reason::User).await;
    let updates = store.take_updates();
    let of_parcels = updates.iter().filter(|(stores, _)| stores.contains(&StoreName::Parcels));
    let durabilities: Vec<&str> = of_parcels.map(|(_, durability)| durability.as_str()).collect();
    assert_eq!(durabilities, [STRICT, STRICT, "relaxed"], "a begin, an answer, and a page: {updates:?}");

    save(&client, record, Action::Update, 1, json!({"phone": "+622100"}), json!({"phone": "+622111"})).await;
    // The server is told that a person was asked.
    script.outcomes.borrow_mut().extend([conflict as Told, applied]);
    client.cycle(Reason::User).await;
    assert_eq!(client.conflicts().len(), 1);
    drop(store.take_updates());
    let choices = serde_json::from_value(json!({"phone": "mine"})).expect("choices");
    client.resolve("customers", record, Version(2), &choices).await.expect("a resolution");
    let updates = store.take_updates();
    assert!(updates.len() == 1 && updates[0].1 == STRICT && updates[0].0.contains(&StoreName::History), "{updates:?}");
}

async fn save(
    client: &Client<IndexedDbStore, Script, BrowserHost>,
    record: RecordId,
    action: Action,
    version: u64,
    seen: Value,
    written: Value,
) {
    let (row, collection) = (RowId(BrowserHost.new_id().0), "customers".to_owned());
    let (seen, written) = (fields(seen), fields(written));
    let change = NewChange { row, collection, record, action, version: Version(version), seen, written };
    client.save(vec![change], 0).await.expect("a save");
}
