//! Rules that need other records warn on the device before the server refuses, and follow what is pulled.

use fieldsync::core::record::{Millis, RecordId};
use fieldsync::data::table::RecordStatus;
use serde_json::{Value, json};

use super::world::{BUDI, Device, World};

fn warnings(phone: &Device, collection: &str, id: RecordId) -> Value {
    let shown = serde_json::to_value(phone.get(collection, id).unwrap()).unwrap();
    let listed = serde_json::to_value(phone.client.outbox()).unwrap();
    let entry = listed.as_array().unwrap().iter().find(|entry| entry["id"] == json!(id)).cloned().unwrap_or_default();
    assert_eq!(shown["warnings"], entry["warnings"], "the record and the sync centre say the same");
    shown["warnings"].clone()
}

#[tokio::test]
async fn a_value_that_another_record_has_warns_until_it_is_another() {
    let world = World::new();
    let (phone, other) = (world.device(BUDI).await, world.device(BUDI).await);
    phone.sync().await;
    let id = phone.create("customers", json!({"name": "PT Satu", "code": "jkt-0001"})).await;
    assert_eq!(warnings(&phone, "customers", id), Value::Null);
    // Another device of mine takes it; the pull brings it, and the push before it is refused.
    let twin = other.create("customers", json!({"name": "PT Kembar", "code": "JKT-0001"})).await;
    assert_eq!(warnings(&other, "customers", twin), Value::Null, "it cannot know");
    other.sync().await;
    let third = phone.create("customers", json!({"name": "PT Tiga", "code": " JKT-0001"})).await;
    let taken = json!([{"field": "code", "rule": "unique"}]);
    assert_eq!((warnings(&phone, "customers", id), warnings(&phone, "customers", third)), (taken.clone(), taken.clone()));
    phone.sync().await;
    let record = phone.get("customers", id).unwrap();
    assert_eq!((record.status, record.problem.unwrap().field.as_deref()), (RecordStatus::Failed, Some("code")));
    phone.update("customers", third, json!({"code": "JKT-0003"})).await;
    assert_eq!(warnings(&phone, "customers", third), Value::Null);
    assert_eq!(warnings(&phone, "customers", id), taken, "the other device's, after the pull");
}

#[tokio::test]
async fn a_reference_to_what_is_gone_warns_and_what_is_not_known_passes() {
    let world = World::new();
    let (phone, other) = (world.device(BUDI).await, world.device(BUDI).await);
    let visit = |customer: RecordId| json!({"customer": customer, "kind": "visit", "subject": "Kopi", "at": 1});
    let stranger = RecordId::new(Millis(1), [1, 1]);
    let early = phone.create("activities", visit(stranger)).await;
    assert_eq!(warnings(&phone, "activities", early), Value::Null, "nothing is here whole yet");
    let customer = phone.create("customers", json!({"name": "PT Satu"})).await;
    let visited = phone.create("activities", visit(customer)).await;
    assert_eq!(warnings(&phone, "activities", visited), Value::Null, "made here");
    phone.sync().await;
    let gone = json!([{"field": "customer", "rule": "reference"}]);
    assert_eq!(warnings(&phone, "activities", early), gone, "the whole collection is here now, without it");
    let unsent = phone.create("activities", visit(customer)).await;
    assert_eq!(warnings(&phone, "activities", unsent), Value::Null);
    other.sync().await;
    other.remove("customers", customer).await;
    other.sync().await;
    world.later(1);
    phone.fail(&[super::world::Fault::Ours(503, "unavailable")]);
    phone.sync().await;
    phone.client.cycle(fieldsync::core::machine::Reason::User).await;
    assert_eq!(warnings(&phone, "activities", unsent), gone, "it was deleted elsewhere");
    assert_eq!(warnings(&phone, "activities", visited), Value::Null, "what is confirmed is the server's affair");
}

/// A record-local rule that a pull makes broken is a failure with its field, not a warning.
#[tokio::test]
async fn a_pull_that_breaks_a_record_local_rule_fails_the_record() {
    let world = World::new();
    let (phone, other) = (world.device(BUDI).await, world.device(BUDI).await);
    let customer = phone.create("customers", json!({"name": "PT Satu"})).await;
    phone.sync().await;
    let bad = phone.create("customers", json!({"name": "PT Dua", "code": "no code"})).await;
    let record = phone.get("customers", bad).unwrap();
    assert_eq!((record.status, record.problem.unwrap().field.as_deref()), (RecordStatus::Failed, Some("code")));
    other.sync().await;
    other.update("customers", customer, json!({"city": "Bandung"})).await;
    other.sync().await;
    phone.sync().await;
    assert_eq!(phone.get("customers", bad).unwrap().status, RecordStatus::Failed);
    assert_eq!(warnings(&phone, "customers", bad), Value::Null);
}
