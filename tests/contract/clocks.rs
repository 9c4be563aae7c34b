//! `latest`, and devices whose clocks are wrong: one that was set between two contacts is nothing to compare with, and then a
//! person is asked.

use fieldsync::core::record::RecordId;
use fieldsync::data::table::RecordStatus;
use serde_json::{Value, json};

use super::world::{AHMAD, BUDI, Device, Fault, World};

const HOUR_MS: i64 = 3_600_000;

/// A customer that a phone and the office know. The devices' clocks are wrong by this much, and were so before.
async fn known(ahead_ms: i64) -> (World, Device, Device, RecordId) {
    let world = World::new();
    world.ahead_ms.set(ahead_ms);
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let id = phone.create("customers", json!({"name": "PT Jam", "city": "Solo"})).await;
    phone.sync().await;
    office.sync().await;
    (world, phone, office, id)
}

async fn office_says(world: &World, office: &Device, id: RecordId, city: &str) {
    world.later(60_000);
    office.update("customers", id, json!({"city": city})).await;
    office.sync().await;
    world.later(60_000);
}

fn stands(phone: &Device, id: RecordId) -> (RecordStatus, Value) {
    (phone.get("customers", id).unwrap().status, phone.value("customers", id, "city"))
}

#[tokio::test]
async fn a_clock_that_was_always_wrong_by_as_much_is_worth_what_a_right_one_is() {
    for ahead_ms in [0, HOUR_MS, -HOUR_MS] {
        let (world, phone, office, id) = known(ahead_ms).await;
        phone.update("customers", id, json!({"city": "Malang"})).await;
        office_says(&world, &office, id, "Bogor").await;
        phone.sync().await;
        assert_eq!(stands(&phone, id), (RecordStatus::Synced, json!("Bogor")), "{ahead_ms}: theirs was later");
        office_says(&world, &office, id, "Medan").await;
        phone.update("customers", id, json!({"city": "Kediri"})).await;
        phone.sync().await;
        phone.sync().await;
        assert_eq!(stands(&phone, id), (RecordStatus::Synced, json!("Kediri")), "{ahead_ms}: mine was");
    }
}

#[tokio::test]
async fn a_clock_that_was_set_between_the_contacts_about_an_edit_asks() {
    for set_ms in [HOUR_MS, 5_000, -30_000] {
        let (world, phone, office, id) = known(0).await;
        world.later(120_000);
        world.ahead_ms.set(set_ms);
        phone.update("customers", id, json!({"city": "Malang"})).await;
        office_says(&world, &office, id, "Bogor").await;
        phone.sync().await;
        assert_eq!(stands(&phone, id), (RecordStatus::Conflict, json!("Malang")), "set by {set_ms} ms");
    }
}

#[tokio::test]
async fn a_clock_that_drifts_does_not_ask() {
    let (world, phone, office, id) = known(0).await;
    world.ahead_ms.set(1_900);
    phone.update("customers", id, json!({"city": "Malang"})).await;
    office_says(&world, &office, id, "Bogor").await;
    phone.sync().await;
    assert_eq!(stands(&phone, id), (RecordStatus::Synced, json!("Bogor")));
}

/// By the time of the contact the clock is right again: the edit would have been made after it came here.
#[tokio::test]
async fn an_edit_later_than_its_arrival_is_never_believed() {
    let (world, phone, office, id) = known(0).await;
    world.ahead_ms.set(HOUR_MS);
    phone.update("customers", id, json!({"city": "Malang"})).await;
    world.ahead_ms.set(0);
    office_says(&world, &office, id, "Bogor").await;
    phone.sync().await;
    assert_eq!(stands(&phone, id), (RecordStatus::Conflict, json!("Malang")));
}

/// The contact that notices brings nothing of the record; by the next one the clock is right again, and so late that the edit is
/// past. Another context, and another start, know of it too.
#[tokio::test]
async fn a_jump_that_was_noticed_once_is_not_forgotten() {
    for set_back in [false, true] {
        let (world, phone, office, id) = known(0).await;
        world.ahead_ms.set(HOUR_MS);
        phone.update("customers", id, json!({"city": "Malang"})).await;
        world.ahead_ms.set(if set_back { 0 } else { HOUR_MS });
        phone.client.fetch_report("visits").await.unwrap();
        world.ahead_ms.set(0);
        office_says(&world, &office, id, "Bogor").await;
        world.later(2 * HOUR_MS);
        let again = world.context(BUDI, phone.store.clone()).await;
        again.sync().await;
        assert_eq!(stands(&again, id), (RecordStatus::Conflict, json!("Malang")), "set back before it was noticed: {set_back}");
        phone.client.refresh(None).await.unwrap();
        assert_eq!(stands(&phone, id), (RecordStatus::Conflict, json!("Malang")));
    }
}

#[tokio::test]
async fn what_is_saved_after_the_jump_was_noticed_is_believed_again() {
    let (world, phone, office, id) = known(0).await;
    world.ahead_ms.set(HOUR_MS);
    phone.sync().await;
    phone.update("customers", id, json!({"city": "Malang"})).await;
    office_says(&world, &office, id, "Bogor").await;
    phone.sync().await;
    assert_eq!(stands(&phone, id), (RecordStatus::Synced, json!("Bogor")));
}

/// What the others compare with is when it came, whatever the device says of when it was made.
#[tokio::test]
async fn the_server_dates_a_change_by_its_arrival() {
    let (world, phone, _, id) = known(0).await;
    world.ahead_ms.set(HOUR_MS);
    phone.update("customers", id, json!({"city": "Malang"})).await;
    world.later(60_000);
    phone.sync().await;
    let entry = world.server(AHMAD, "customers").await.into_iter().find(|entry| entry.id == id).unwrap();
    assert_eq!((entry.changed["city"].at, entry.at), (world.now(), world.now()));
}

/// An answer that was lost comes again much later, and is no word on when the edit was made, or the record: what was written after it
/// in another tab, whose form still showed the value before, is the later one.
#[tokio::test]
async fn an_edit_after_one_whose_answer_came_late_is_the_later_one() {
    for is_made_anew in [false, true] {
        let (world, phone, office, known) = known(0).await;
        let id = if is_made_anew { phone.create("customers", json!({"name": "PT Baru", "city": "Solo"})).await } else { known };
        let tab = world.context(BUDI, phone.store.clone()).await;
        let shown = tab.get("customers", id).unwrap();
        phone.update("customers", id, json!({"city": "Depok"})).await;
        phone.fail(&[Fault::LoseAnswer]);
        phone.sync().await;
        world.later(60_000);
        tab.update_seen(&shown, json!({"city": "Bogor"})).await;
        world.later(HOUR_MS);
        phone.sync().await;
        assert_eq!(stands(&phone, id), (RecordStatus::Synced, json!("Bogor")));
        office.sync().await;
        assert_eq!(office.value("customers", id, "city"), json!("Bogor"));
    }
}
