//! Two people, one record.

use fieldsync::client::{NewChange, SettleError};
use fieldsync::core::protocol::Action;
use fieldsync::core::record::Version;
use fieldsync::core::resolve::Choices;
use fieldsync::data::table::{RecordStatus, RecordView};
use fieldsync::ports::Read;
use serde_json::{Value, json};

use super::world::{AHMAD, BUDI, Device, World, fields};

async fn shared(world: &World, value: Value) -> (Device, Device, fieldsync::core::record::RecordId) {
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let id = phone.create("customers", value).await;
    phone.sync().await;
    office.sync().await;
    (phone, office, id)
}

fn choices(value: Value) -> Choices {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn disjoint_fields_merge() {
    let world = World::new();
    let (phone, office, id) = shared(&world, json!({"name": "PT ABC", "phone": "021555", "city": "Jakarta"})).await;
    office.update("customers", id, json!({"city": "Bandung"})).await;
    office.sync().await;
    phone.update("customers", id, json!({"phone": "021777"})).await;
    phone.sync().await;
    office.sync().await;
    for device in [&phone, &office] {
        assert_eq!(device.value("customers", id, "city"), "Bandung");
        assert_eq!(device.value("customers", id, "phone"), "+6221777");
        assert_eq!((device.unsent(), device.client.conflicts().len()), (0, 0));
    }
}

#[tokio::test]
async fn the_same_field_asks_keeps_mine_on_screen_and_each_choice_is_the_same_everywhere() {
    for (choice, expected) in [
        (json!({"phone": "mine"}), "+622111"),
        (json!({"phone": "theirs"}), "+622122"),
        (json!({"phone": {"value": "02133"}}), "+622133"),
    ] {
        let world = World::new();
        let (phone, office, id) = shared(&world, json!({"name": "PT ABC", "phone": "02100"})).await;
        office.update("customers", id, json!({"phone": "02122"})).await;
        office.sync().await;
        phone.update("customers", id, json!({"phone": "02111"})).await;
        phone.sync().await;
        assert_eq!(phone.value("customers", id, "phone"), "02111", "mine stays on screen");
        assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Conflict);
        let sent = phone.parcels_sent();
        phone.sync().await;
        assert_eq!(phone.parcels_sent(), sent, "nothing is sent before a person decides");
        phone.client.resolve("customers", id, Version(2), &choices(choice)).await.unwrap();
        phone.sync().await;
        office.sync().await;
        assert_eq!(phone.value("customers", id, "phone"), expected);
        assert_eq!(office.value("customers", id, "phone"), expected);
        assert_eq!((phone.unsent(), phone.client.conflicts().len()), (0, 0));
    }
}

#[tokio::test]
async fn a_form_that_was_open_while_a_pull_changed_its_field_asks_too() {
    let world = World::new();
    let (phone, office, id) = shared(&world, json!({"name": "PT ABC", "phone": "02100"})).await;
    let form = phone.get("customers", id).unwrap();
    office.update("customers", id, json!({"phone": "02122"})).await;
    office.sync().await;
    phone.sync().await;
    phone.update_seen(&form, json!({"phone": "02111"})).await;
    phone.sync().await;
    assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Conflict);
    assert_eq!(world.server(BUDI, "customers").await[0].fields["phone"], "+622122");
}

#[tokio::test]
async fn a_form_that_saw_my_own_spelling_does_not_ask_about_the_server_s() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let id = phone.create("customers", json!({"name": "PT ABC", "phone": "0811-1"})).await;
    let form = phone.get("customers", id).unwrap();
    phone.update("customers", id, json!({"city": "Jakarta"})).await;
    phone.sync().await;
    phone.update_seen(&form, json!({"phone": "0811-2"})).await;
    phone.sync().await;
    // What the form saw (0811-1) is what the server keeps as +628111: the schema says so, whatever the device remembers.
    let record = phone.get("customers", id).unwrap();
    assert_eq!((record.status, &record.fields["phone"]), (RecordStatus::Synced, &json!("+628112")));
    assert_eq!(world.server(BUDI, "customers").await[0].fields["phone"], "+628112");
}

#[tokio::test]
async fn theirs_moving_while_the_dialog_is_open_asks_again() {
    let world = World::new();
    let (phone, office, id) = shared(&world, json!({"name": "PT ABC", "phone": "02100"})).await;
    office.update("customers", id, json!({"phone": "02122"})).await;
    office.sync().await;
    phone.update("customers", id, json!({"phone": "02111"})).await;
    phone.sync().await;
    office.update("customers", id, json!({"phone": "02144"})).await;
    office.sync().await;
    phone.sync().await;
    let mine = choices(json!({"phone": "mine"}));
    assert_eq!(phone.client.resolve("customers", id, Version(2), &mine).await, Err(SettleError::Moved));
    assert_eq!(phone.client.resolve("customers", id, Version(3), &choices(json!({}))).await, Err(SettleError::Incomplete));
    phone.client.resolve("customers", id, Version(3), &mine).await.unwrap();
    phone.sync().await;
    assert_eq!(world.server(BUDI, "customers").await[0].fields["phone"], "+622111");
}

#[tokio::test]
async fn a_resolution_can_be_undone_before_it_is_sent() {
    let world = World::new();
    let (phone, office, id) = shared(&world, json!({"name": "PT ABC", "phone": "02100"})).await;
    office.update("customers", id, json!({"phone": "02122"})).await;
    office.sync().await;
    phone.update("customers", id, json!({"phone": "02111"})).await;
    phone.sync().await;
    let undo = phone.client.resolve("customers", id, Version(2), &choices(json!({"phone": "theirs"}))).await.unwrap();
    assert_eq!(phone.unsent(), 0);
    phone.client.restore(&undo).await.unwrap();
    assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Conflict);
    assert_eq!(phone.value("customers", id, "phone"), "02111");
}

#[tokio::test]
async fn deleted_by_them_asks_and_both_answers_hold() {
    for (choice, there) in [("mine", true), ("theirs", false)] {
        let world = World::new();
        let (phone, office, id) = shared(&world, json!({"name": "PT ABC", "phone": "02100", "city": "Jakarta"})).await;
        office.remove("customers", id).await;
        office.sync().await;
        phone.update("customers", id, json!({"phone": "02111"})).await;
        phone.sync().await;
        assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Conflict);
        phone.client.resolve("customers", id, Version(2), &choices(json!({"*": choice}))).await.unwrap();
        phone.sync().await;
        office.sync().await;
        assert_eq!((phone.get("customers", id).is_some(), office.get("customers", id).is_some()), (there, there));
        if there {
            assert_eq!(office.value("customers", id, "city"), "Jakarta", "restored whole");
            assert_eq!(office.value("customers", id, "phone"), "+622111");
        }
        assert_eq!(phone.unsent(), 0);
    }
}

#[tokio::test]
async fn deleted_by_me_and_edited_by_them_asks() {
    for (choice, there) in [("mine", false), ("theirs", true)] {
        let world = World::new();
        let (phone, office, id) = shared(&world, json!({"name": "PT ABC", "phone": "02100"})).await;
        office.update("customers", id, json!({"phone": "02122"})).await;
        office.sync().await;
        phone.remove("customers", id).await;
        phone.sync().await;
        assert_eq!(phone.client.conflicts().len(), 1);
        phone.client.resolve("customers", id, Version(2), &choices(json!({"*": choice}))).await.unwrap();
        phone.sync().await;
        office.sync().await;
        assert_eq!((phone.get("customers", id).is_some(), office.get("customers", id).is_some()), (there, there));
        assert_eq!(phone.unsent(), 0);
    }
}

#[tokio::test]
async fn both_deleted_is_no_question() {
    let world = World::new();
    let (phone, office, id) = shared(&world, json!({"name": "PT ABC"})).await;
    office.remove("customers", id).await;
    office.sync().await;
    phone.remove("customers", id).await;
    phone.sync().await;
    assert_eq!((phone.unsent(), phone.client.conflicts().len()), (0, 0));
}

#[tokio::test]
async fn counters_add_and_notes_append_without_a_question() {
    let world = World::new();
    let (phone, office, id) = shared(&world, json!({"name": "PT ABC", "visits": 3, "notes": "a"})).await;
    office.update("customers", id, json!({"visits": 4, "notes": "a\noffice"})).await;
    office.sync().await;
    phone.update("customers", id, json!({"visits": 4, "notes": "a\nphone"})).await;
    phone.sync().await;
    office.sync().await;
    assert_eq!(
        (office.value("customers", id, "visits"), office.value("customers", id, "notes")),
        (json!(5), json!("a\noffice\nphone"))
    );
    assert_eq!((phone.unsent(), phone.client.conflicts().len()), (0, 0));
}

/// Saved together and refused together, then each decided by itself.
#[tokio::test]
async fn a_refused_parcel_goes_with_the_last_of_its_changes() {
    let world = World::new();
    let (phone, office, one) = shared(&world, json!({"name": "PT Satu", "code": "JKT-0001", "phone": "02100"})).await;
    let two = phone.create("customers", json!({"name": "PT Dua", "phone": "02100"})).await;
    phone.sync().await;
    office.sync().await;
    let edit = |id, written| {
        let RecordView { id: record, version, fields: seen, collection, .. } = phone.get("customers", id).unwrap();
        NewChange { row: phone.row(), collection, record, action: Action::Update, version, seen, written: fields(written) }
    };
    let changes = vec![edit(one, json!({"phone": "02111"})), edit(two, json!({"phone": "02111", "code": "JKT-0001"}))];
    phone.client.save(changes, 0).await.unwrap();
    phone.sync().await;
    assert_eq!(phone.get("customers", two).unwrap().status, RecordStatus::Failed);
    for id in [one, two] {
        office.update("customers", id, json!({"phone": "02122"})).await;
    }
    office.sync().await;
    phone.sync().await;
    for id in [one, two] {
        let version = phone.get("customers", id).unwrap().version;
        phone.client.resolve("customers", id, version, &choices(json!({"phone": "theirs"}))).await.unwrap();
    }
    let rows = phone.store.peek(&[Read::Outbox, Read::Parcels]);
    assert_eq!((rows.outbox.len(), rows.parcels), (1, vec![]), "the code is still unsent");
}
