//! Conflicts that are put to a person are counted, and merges about which nobody was asked, each once, whoever found it.

use fieldsync::client::Decision;
use fieldsync::core::record::{RecordId, Version};
use fieldsync::data::table::RecordStatus;
use fieldsync::ports::Read;
use fieldsync_server::metrics::Counter;
use serde_json::{Value, json};

use super::online::assign;
use super::world::{AHMAD, BUDI, Device, Fault, SARI, World};

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

/// How many merges the server has counted, once everything is sent.
async fn merged(world: &World, phone: &Device) -> u64 {
    assert_eq!(counted(world, phone).await, 0, "nobody was asked");
    assert_eq!(phone.unsent(), 0);
    world.state.metrics().get(Counter::Merged, "")
}

/// Theirs comes to the phone, under a form that is open there, and then the form is saved.
async fn under_a_form(phone: &Device, office: &Device, id: RecordId, theirs: Value, mine: Value) {
    let form = phone.get("customers", id).unwrap();
    writes(office, id, theirs).await;
    phone.sync().await;
    phone.update_seen(&form, mine).await;
}

#[tokio::test]
async fn what_a_rule_merged_was_put_to_nobody_and_is_counted_whoever_found_it() {
    // What theirs is, and mine: another field; the same, by its policy; the same, and theirs wins.
    for (theirs, mine) in [
        (json!({"city": "Depok"}), json!({"phone": "02111"})),
        (json!({"visits": 2}), json!({"visits": 3})),
        (json!({"last_visit": 9_000}), json!({"last_visit": 5_000})),
    ] {
        for is_found_here in [false, true] {
            let world = World::new();
            let (phone, office, id) = shared(&world).await;
            if is_found_here {
                under_a_form(&phone, &office, id, theirs.clone(), mine.clone()).await;
            } else {
                writes(&office, id, theirs.clone()).await;
                phone.update("customers", id, mine.clone()).await;
                phone.fail(&[Fault::LoseAnswer]);
                phone.sync().await;
            }
            phone.fail(&[Fault::LoseAnswer]);
            phone.sync().await;
            assert_eq!(merged(&world, &phone).await, 1, "{theirs} {mine} {is_found_here}");
            // What they write after it over what is there now is none.
            phone.update("customers", id, json!({"notes": "n"})).await;
            assert_eq!(merged(&world, &phone).await, 1);
        }
    }
}

#[tokio::test]
async fn what_was_only_my_own_before_is_no_merge() {
    let world = World::new();
    let (phone, office, id) = shared(&world).await;
    writes(&office, id, json!({"city": "Depok"})).await;
    phone.sync().await;
    // Each over a form from before the one that was sent; and one over a create that nobody had answered.
    let form = phone.get("customers", id).unwrap();
    for (index, field) in ["phone", "address", "notes"].into_iter().enumerate() {
        phone.update_seen(&form, json!({field: format!("02{index}")})).await;
        phone.sync().await;
    }
    let made = phone.create("customers", json!({"name": "PT Baru"})).await;
    let form = phone.get("customers", made).unwrap();
    phone.sync().await;
    phone.update_seen(&form, json!({"city": "Bogor"})).await;
    assert_eq!(merged(&world, &phone).await, 0);
    assert_eq!(phone.get("customers", made).unwrap().version, Version(2));
}

/// The owner is only given away with an answer, and goes over another field of theirs without asking.
#[tokio::test]
async fn what_is_only_done_with_an_answer_merges_too() {
    let world = World::new();
    let (phone, office, id) = shared(&world).await;
    assign(&office, id, SARI).await.unwrap();
    assert_eq!(merged(&world, &office).await, 0, "over what was seen");
    office.sync().await;
    let other = world.device(AHMAD).await;
    other.sync().await;
    writes(&other, id, json!({"city": "Depok"})).await;
    assign(&office, id, BUDI).await.unwrap();
    assert_eq!(merged(&world, &office).await, 1);
    assert_eq!(merged(&world, &phone).await, 1);
}

#[tokio::test]
async fn what_was_decided_is_no_merge_and_what_was_deleted_neither() {
    let world = World::new();
    let (phone, office, id) = shared(&world).await;
    under_a_form(&phone, &office, id, json!({"phone": "02122", "city": "Depok"}), json!({"phone": "02111"})).await;
    assert_eq!(counted(&world, &phone).await, 1);
    phone.client.resolve_held(&decision(&phone, id), 0).await.unwrap();
    phone.sync().await;
    assert_eq!(world.server(AHMAD, "customers").await[0].fields["phone"], json!("+622111"), "mine is kept");
    assert_eq!(world.state.metrics().get(Counter::Merged, ""), 0);
    // Mine is a delete: it goes over what they wrote and took back again, and asks about what they wrote.
    for city in ["Jambi", "Depok"] {
        office.sync().await;
        writes(&office, id, json!({"city": city})).await;
    }
    phone.remove("customers", id).await;
    phone.sync().await;
    assert_eq!((phone.unsent(), world.server(AHMAD, "customers").await.len()), (0, 0));
    let (phone, office, id) = shared(&world).await;
    writes(&office, id, json!({"city": "Jambi"})).await;
    phone.remove("customers", id).await;
    phone.sync().await;
    assert_eq!(phone.get("customers", id).map(|record| record.status), Some(RecordStatus::Conflict));
    assert_eq!(world.state.metrics().get(Counter::Merged, ""), 0);
}

#[tokio::test]
async fn a_merge_that_is_pushed_again_to_a_restored_server_is_counted_already() {
    let world = World::new();
    let (phone, office, id) = shared(&world).await;
    under_a_form(&phone, &office, id, json!({"city": "Depok"}), json!({"phone": "02111"})).await;
    let backup = world.db.backup();
    assert_eq!(merged(&world, &phone).await, 1);
    world.db.restore(backup);
    phone.sync().await;
    assert_eq!(world.server(AHMAD, "customers").await[0].version, Version(3), "it is there again");
    assert_eq!(merged(&world, &phone).await, 1);
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
