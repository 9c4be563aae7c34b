//! Two people, one record.

use fieldsync::client::{NewChange, SettleError};
use fieldsync::core::parcel::{Parcel, ParcelState};
use fieldsync::core::protocol::Action;
use fieldsync::core::record::{OpId, RecordId, Version};
use fieldsync::core::resolve::Choices;
use fieldsync::data::table::{RecordStatus, RecordView};
use fieldsync::memory;
use fieldsync::ports::{Read, Rows, Scope, Step, Store, StoreName, Write};
use serde_json::{Value, json};

use super::world::{AHMAD, BUDI, Device, World, fields};

async fn shared(world: &World, value: Value) -> (Device, Device, RecordId) {
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
        let RecordView { id: record, version, fields: shown, collection, .. } = phone.get("customers", id).unwrap();
        let seen = shown.into_fields();
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

/// Two devices of Budi's make a customer with one id (an import, a form that was open in both), and one of them logs a visit.
async fn made_twice(world: &World) -> (Device, Device, RecordId, RecordId) {
    let (phone, office) = (world.device(BUDI).await, world.device(BUDI).await);
    let id = office.create("customers", json!({"name": "PT Satu", "city": "Jakarta"})).await;
    office.sync().await;
    let row = phone.row();
    let written = fields(json!({"name": "PT Dua", "phone": "02111"}));
    let (version, seen, collection) = (Version(0), fields(json!({})), "customers".to_owned());
    let change = NewChange { row, collection, record: id, action: Action::Create, version, seen, written };
    phone.client.save(vec![change], 0).await.unwrap();
    phone.sync().await;
    // What names a record that is in conflict waits with it.
    let visit = phone.create("activities", json!({"customer": id, "kind": "visit", "subject": "x", "at": 1})).await;
    phone.sync().await;
    (phone, office, id, visit)
}

fn copy_of(device: &Device, visit: RecordId) -> RecordId {
    device.value("activities", visit, "customer").as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn two_creates_of_one_id_are_one_record_unless_a_person_says_two() {
    let world = World::new();
    let (phone, office, id, visit) = made_twice(&world).await;
    assert!(phone.client.conflicts()[0].is_made_twice());
    let two = choices(json!({"*": "two"}));
    phone.client.resolve("customers", id, Version(1), &two).await.unwrap();
    let copy = copy_of(&phone, visit);
    assert_ne!(copy, id);
    assert_eq!(phone.value("customers", id, "name"), "PT Satu", "theirs is theirs again, at once");
    phone.sync().await;
    office.sync().await;
    for device in [&phone, &office] {
        assert_eq!(
            (device.value("customers", id, "name"), device.value("customers", id, "phone")),
            (json!("PT Satu"), Value::Null)
        );
        assert_eq!(
            (device.value("customers", copy, "name"), device.value("customers", copy, "city")),
            (json!("PT Dua"), Value::Null)
        );
        assert_eq!(copy_of(device, visit), copy);
        assert_eq!((device.unsent(), device.client.conflicts().len()), (0, 0));
    }
}

#[tokio::test]
async fn that_these_are_two_can_be_undone_while_nothing_builds_on_it() {
    let world = World::new();
    let (phone, _, id, visit) = made_twice(&world).await;
    let two = choices(json!({"*": "two"}));
    let undo = phone.client.resolve("customers", id, Version(1), &two).await.unwrap();
    phone.client.restore(&undo).await.unwrap();
    assert_eq!((phone.client.conflicts().len(), copy_of(&phone, visit)), (1, id), "as it was");
    assert_eq!(phone.value("customers", id, "name"), "PT Dua");
    let undo = phone.client.resolve("customers", id, Version(1), &two).await.unwrap();
    let copy = copy_of(&phone, visit);
    phone.update("customers", copy, json!({"city": "Bandung"})).await;
    assert_eq!(phone.client.restore(&undo).await, Err(SettleError::Moved), "an edit would be left without its record");
    phone.sync().await;
    assert_eq!((phone.unsent(), phone.value("customers", copy, "city")), (0, json!("Bandung")));
    let one = phone.store.peek(&[Read::HistoryAfter(0)]).history;
    let rows: Vec<_> = one.iter().flat_map(|row| &row.ended).map(|ended| ended.row).collect();
    let mut once = rows.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), rows.len(), "each change ended once");
}

/// What names mine may be on its way, and then nobody knows whom it names.
#[tokio::test]
async fn that_these_are_two_waits_for_the_answer_of_what_names_mine() {
    let world = World::new();
    let (phone, _, id, visit) = made_twice(&world).await;
    let open = phone.store.peek(&[Read::Outbox]).outbox.iter().find(|change| change.record == visit).unwrap().row;
    let parcel = Parcel {
        op_id: OpId(phone.row().0),
        rows: vec![open],
        items: [].into(),
        schema: 1,
        first_seq: 2,
        state: ParcelState::Open,
        attempts: 0,
        next_attempt_at: None,
        blocked_by: None,
        then: None,
        online: false,
    };
    let scope = Scope::strict(&[StoreName::Parcels], vec![]);
    let write = |_: &Rows| Step::Write(vec![Write::Parcel(parcel.clone())], ());
    phone.store.update(scope, write).await.unwrap();
    let two = choices(json!({"*": "two"}));
    assert_eq!(phone.client.resolve("customers", id, Version(1), &two).await, Err(SettleError::Moved));
}

/// The commit of a decision went unseen, and its work was done again: what it ended is not forgotten.
#[tokio::test]
async fn a_decision_that_ran_twice_can_be_undone_whatever_was_chosen() {
    for choice in ["mine", "theirs"] {
        let world = World::new();
        let (phone, office, id) = shared(&world, json!({"name": "PT ABC", "phone": "02100"})).await;
        office.update("customers", id, json!({"phone": "02122"})).await;
        office.sync().await;
        phone.update("customers", id, json!({"phone": "02111"})).await;
        phone.sync().await;
        phone.store.fail_next(memory::Fault::LostAnswer);
        let undo = phone.client.resolve("customers", id, Version(2), &choices(json!({"phone": choice}))).await.unwrap();
        phone.client.restore(&undo).await.unwrap();
        assert_eq!(phone.value("customers", id, "phone"), "02111", "{choice}");
        assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Conflict);
    }
}
