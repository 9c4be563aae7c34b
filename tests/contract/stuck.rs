//! Memory that is out of step with the store is found, and built anew from it.

use fieldsync::core::rows::{End, HistoryRow};
use fieldsync::core::status::SyncState;
use fieldsync::core::stuck::STUCK_MS;
use fieldsync::core::trace::replay;
use fieldsync::core::{finish::empty_history, push::ended};
use fieldsync::ports::{Read, Scope, Step, Store, StoreName, Write};
use serde_json::json;

use super::world::{BUDI, Device, Fault, World};

/// Looks once a minute, as a page does that is seen.
async fn minutes(phone: &Device, count: i64) -> usize {
    let mut wanted = 0;
    for _ in 0..count {
        phone.world.later(60_000);
        wanted += usize::from(phone.client.wants_repair());
    }
    wanted
}

/// The store ends everything, and never tells this context: a history row that it takes for an old one.
async fn end_behind_its_back(phone: &Device) {
    let rows = phone.store.read(vec![Read::Outbox]).await.unwrap();
    let scope = Scope::strict(&[StoreName::Outbox, StoreName::History, StoreName::Meta], vec![]);
    let ends: Vec<_> = rows.outbox.iter().map(|change| ended(change, End::Confirmed)).collect();
    let plan = |_: &_| {
        let mut writes: Vec<Write> = ends.iter().map(|ended| Write::RemoveChange(ended.client_seq)).collect();
        writes.push(Write::History(HistoryRow { ended: vec![], ..empty_history(phone.world.now()) }));
        Step::Write(writes, ())
    };
    phone.store.update(scope, plan).await.unwrap();
}

#[tokio::test]
async fn memory_that_lost_step_is_stuck_and_is_built_anew() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    phone.create("customers", json!({"name": "PT Gaib"})).await;
    end_behind_its_back(&phone).await;
    phone.sync().await;
    assert_eq!((phone.unsent(), phone.client.status().state), (1, SyncState::Waiting), "memory believes that it is unsent");
    assert_eq!(minutes(&phone, 14).await, 0);
    phone.sync().await;
    assert_eq!(minutes(&phone, 3).await, 1, "wanted once, then not for some time");
    let status = phone.client.status();
    assert_eq!((status.state, status.stuck.unwrap().records), (SyncState::Stuck, 1));
    let other = phone.create("customers", json!({"name": "PT Nyata"})).await;
    phone.client.rebuild().await.unwrap();
    assert_eq!(phone.unsent(), 1, "what is unsent in the store is");
    assert!(phone.get("customers", other).is_some());
    phone.sync().await;
    let status = phone.client.status();
    assert_eq!((status.state, status.pending), (SyncState::Synced, 0));
    assert_eq!(status.errors.last().unwrap().code, "stuck");
    assert!(serde_json::to_string(&phone.trace().await).unwrap().contains("\"repaired\""));
    assert_eq!(replay(&phone.trace().await), Ok(()));
}

/// What waits for a person, for its time or for the server is old, and not stuck.
#[tokio::test]
async fn what_waits_for_something_else_is_not_stuck() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let other = world.device(BUDI).await;
    phone.sync().await;
    let waits = |phone: &Device| {
        let entries = serde_json::to_value(phone.client.outbox()).unwrap();
        entries.as_array().unwrap().iter().map(|entry| entry["waits"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let id = phone.create("customers", json!({"name": "PT Dua", "phone": "0811"})).await;
    assert_eq!(waits(&phone), ["turn"]);
    phone.sync().await;
    other.sync().await;
    phone.update("customers", id, json!({"phone": "0812"})).await;
    other.update("customers", id, json!({"phone": "0813"})).await;
    other.sync().await;
    phone.create("customers", json!({"name": "PT Tiga", "code": "bad code"})).await;
    let customer = phone.create("customers", json!({"name": "", "code": "JKT-0002"})).await;
    phone.create("activities", json!({"customer": customer, "kind": "visit", "subject": "Kopi", "at": 1})).await;
    phone.sync().await;
    assert_eq!(waits(&phone), ["choice", "mending", "mending", "record"]);
    assert_eq!(minutes(&phone, STUCK_MS / 60_000 + 1).await, 0);
    phone.sync().await;
    assert_eq!(minutes(&phone, 3).await, 0);
    assert_ne!(phone.client.status().state, SyncState::Stuck);
}

/// A question that is answered says that the server is there.
#[tokio::test]
async fn a_preview_that_is_answered_ends_offline() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    phone.create("customers", json!({"name": "PT Tanya"})).await;
    phone.fail(&[Fault::Refuse]);
    phone.sync().await;
    assert_eq!(phone.client.status().state, SyncState::Offline);
    phone.fail(&[Fault::Refuse]);
    phone.client.preview().await.unwrap_err();
    assert_eq!(phone.client.status().state, SyncState::Offline);
    assert_eq!(phone.client.preview().await.unwrap().len(), 1);
    assert_eq!(phone.client.status().state, SyncState::Waiting);
    assert_eq!(phone.unsent(), 1, "asking sends nothing");
    phone.client.cycle(fieldsync::core::machine::Reason::Timer).await;
    assert_eq!(phone.unsent(), 0, "the wait is over");
}
