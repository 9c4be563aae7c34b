//! Conflicts that are put to a person are counted, each once, whoever found it.

use fieldsync::client::Decision;
use fieldsync::core::record::{RecordId, Version};
use fieldsync::data::table::RecordStatus;
use fieldsync::ports::Read;
use fieldsync_server::metrics::Counter;
use serde_json::{Value, json};

use super::world::{AHMAD, BUDI, Device, Fault, World};

const HOLD_MS: i64 = 6_000;

async fn shared(world: &World) -> (Device, Device, RecordId) {
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let id = phone.create("customers", json!({"name": "PT", "phone": "02100", "city": "Bogor"})).await;
    phone.sync().await;
    office.sync().await;
    (phone, office, id)
}

/// What the server reports, once the device has told it.
async fn counted(world: &World, phone: &Device) -> u64 {
    phone.sync().await;
    phone.sync().await;
    world.state.metrics().get(Counter::PutToAPerson, "")
}

async fn writes(office: &Device, id: RecordId, patch: Value) {
    office.update("customers", id, patch).await;
    office.sync().await;
}

/// Theirs moves, and then mine is kept: no other question.
async fn is_one(world: &World, phone: &Device, office: &Device, id: RecordId) {
    assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Conflict);
    assert_eq!(counted(world, phone).await, 1);
    writes(office, id, json!({"phone": "02144"})).await;
    assert_eq!(counted(world, phone).await, 1, "theirs moved");
    let again = world.context(BUDI, phone.store.clone()).await;
    assert_eq!(counted(world, &again).await, 1, "the app was started again");
    let decision = decision(&again, id);
    again.client.resolve_held(&decision, 0).await.unwrap();
    assert_eq!(counted(world, &again).await, 1);
    assert_eq!(again.unsent(), 0);
    // Another one of the same record is another one.
    office.sync().await;
    writes(office, id, json!({"phone": "02155"})).await;
    again.update("customers", id, json!({"phone": "02166"})).await;
    assert_eq!(counted(world, &again).await, 2);
}

fn decision(phone: &Device, id: RecordId) -> Decision {
    let choices = serde_json::from_value(json!({"phone": "mine"})).unwrap();
    let Version(version) = phone.get("customers", id).unwrap().version;
    Decision { collection: "customers".into(), id, version: Version(version), choices }
}

#[tokio::test]
async fn one_that_the_server_found_is_counted_once() {
    let world = World::new();
    let (phone, office, id) = shared(&world).await;
    writes(&office, id, json!({"phone": "02122"})).await;
    phone.update("customers", id, json!({"phone": "02111"})).await;
    phone.fail(&[Fault::LoseAnswer]);
    phone.sync().await;
    phone.sync().await;
    is_one(&world, &phone, &office, id).await;
}

#[tokio::test]
async fn one_that_a_pull_found_over_what_was_held_is_counted_once() {
    let world = World::new();
    let (phone, office, id) = shared(&world).await;
    writes(&office, id, json!({"phone": "02122"})).await;
    let change = phone.edit(&phone.get("customers", id).unwrap(), json!({"phone": "02111"}));
    phone.client.save(vec![change], HOLD_MS).await.unwrap();
    let sent = phone.parcels_sent();
    phone.sync().await;
    assert_eq!(phone.parcels_sent(), sent, "the server never saw it");
    is_one(&world, &phone, &office, id).await;
}

#[tokio::test]
async fn one_of_a_form_that_was_open_while_a_pull_came_is_counted_once() {
    let world = World::new();
    let (phone, office, id) = shared(&world).await;
    let form = phone.get("customers", id).unwrap();
    writes(&office, id, json!({"phone": "02122"})).await;
    phone.sync().await;
    let sent = phone.parcels_sent();
    phone.update_seen(&form, json!({"phone": "02111"})).await;
    phone.sync().await;
    assert_eq!(phone.parcels_sent(), sent, "the server never saw it");
    is_one(&world, &phone, &office, id).await;
}

#[tokio::test]
async fn what_a_rule_merged_was_put_to_nobody() {
    let world = World::new();
    let (phone, office, id) = shared(&world).await;
    writes(&office, id, json!({"city": "Depok"})).await;
    phone.update("customers", id, json!({"phone": "02111"})).await;
    assert_eq!(counted(&world, &phone).await, 0);
    assert_eq!(world.state.metrics().get(Counter::Merged, ""), 1);
}

#[tokio::test]
async fn a_decision_or_a_discard_that_is_taken_back_is_the_same_question() {
    let world = World::new();
    let (phone, office, id) = shared(&world).await;
    writes(&office, id, json!({"phone": "02122"})).await;
    phone.update("customers", id, json!({"phone": "02111"})).await;
    assert_eq!(counted(&world, &phone).await, 1);
    phone.client.put_off("customers".into(), id, Version(2)).await.unwrap();
    let decided = phone.client.resolve_held(&decision(&phone, id), HOLD_MS).await.unwrap();
    phone.client.restore(&decided).await.unwrap();
    assert!(phone.get("customers", id).unwrap().put_off, "it was put off, and is again");
    assert_eq!(counted(&world, &phone).await, 1);
    let row = phone.store.peek(&[Read::Outbox]).outbox[0].row;
    let discarded = phone.client.discard(row).await.unwrap();
    phone.client.restore(&discarded).await.unwrap();
    assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Conflict);
    assert_eq!(counted(&world, &phone).await, 1);
}
