//! The kinds of conflict that are more than one record's two values: a key that is taken, a target that is gone, rights that
//! go and come back, several changes under one question, decisions that meet each other.

use fieldsync::core::protocol::ProblemCode;
use fieldsync::core::record::RecordId;
use fieldsync::core::resolve::Choices;
use fieldsync::core::rows::End;
use fieldsync::data::table::RecordStatus;
use fieldsync::ports::Read;
use serde_json::{Value, json};

use super::settling::give;
use super::world::{AHMAD, BUDI, Device, Fault, SARI, World};

async fn decide(device: &Device, id: RecordId, choices: Value) {
    let choices: Choices = serde_json::from_value(choices).unwrap();
    let version = device.get("customers", id).unwrap().version;
    device.client.resolve("customers", id, version, &choices).await.unwrap();
}

fn status(device: &Device, id: RecordId) -> RecordStatus {
    device.get("customers", id).unwrap().status
}

/// Everybody has pulled, and has the same.
fn agree(devices: &[&Device], id: RecordId, name: &str, value: &Value) {
    for (index, device) in devices.iter().enumerate() {
        assert_eq!(device.value("customers", id, name), *value, "device {index}");
        assert_eq!((device.unsent(), device.client.conflicts().len()), (0, 0), "device {index}");
    }
}

#[tokio::test]
async fn a_natural_key_that_is_taken_is_a_dead_letter_with_its_field() {
    let world = World::new();
    let (phone, tablet) = (world.device(BUDI).await, world.device(BUDI).await);
    tablet.create("customers", json!({"name": "PT Satu", "code": "JKT-0001"})).await;
    tablet.sync().await;
    // In another spelling: what is taken is what the server keeps.
    let id = phone.create("customers", json!({"name": "PT Dua", "code": "jkt-0001", "phone": "02111"})).await;
    phone.sync().await;
    let record = phone.get("customers", id).unwrap();
    let problem = record.problem.clone().unwrap();
    assert_eq!((record.status, problem.code, problem.field.as_deref()), (RecordStatus::Failed, ProblemCode::Taken, Some("code")));
    assert_eq!(record.fields["phone"], "02111", "nothing of it is dropped");
    phone.update("customers", id, json!({"code": "JKT-0002"})).await;
    phone.sync().await;
    assert_eq!((status(&phone, id), phone.unsent()), (RecordStatus::Synced, 0));
}

#[tokio::test]
async fn a_visit_to_what_was_deleted_is_kept_with_its_field_and_mended_in_the_form() {
    let world = World::new();
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let gone = phone.create("customers", json!({"name": "PT Satu"})).await;
    let other = phone.create("customers", json!({"name": "PT Dua"})).await;
    phone.sync().await;
    office.sync().await;
    office.remove("customers", gone).await;
    office.sync().await;
    let visit = phone.create("activities", json!({"customer": gone, "kind": "visit", "subject": "x", "at": 1})).await;
    phone.sync().await;
    let record = phone.get("activities", visit).unwrap();
    assert_eq!((record.status, record.problem.unwrap().field.as_deref()), (RecordStatus::Failed, Some("customer")));
    assert!(phone.get("customers", gone).is_none(), "naming it did not bring it back");
    phone.update("activities", visit, json!({"customer": other})).await;
    phone.sync().await;
    assert_eq!((phone.unsent(), world.server(BUDI, "activities").await.len()), (0, 1));
}

#[tokio::test]
async fn access_that_is_lost_under_unsent_work_and_comes_back_merges_or_asks() {
    for theirs in [json!({"city": "Bandung"}), json!({"phone": "02122"})] {
        let world = World::new();
        let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
        let id = phone.create("customers", json!({"name": "PT ABC", "phone": "02100"})).await;
        phone.sync().await;
        office.sync().await;
        phone.update("customers", id, json!({"phone": "02111"})).await;
        give(&office, id, BUDI, SARI).await;
        phone.sync().await;
        phone.sync().await;
        assert_eq!((status(&phone, id), phone.value("customers", id, "phone")), (RecordStatus::Failed, json!("02111")));
        assert_eq!(phone.client.conflicts().len(), 0, "there is nothing to decide about what one may not see");
        office.sync().await;
        office.update("customers", id, theirs.clone()).await;
        office.sync().await;
        give(&office, id, SARI, BUDI).await;
        phone.sync().await;
        phone.sync().await;
        if theirs.get("phone").is_some() {
            assert_eq!(status(&phone, id), RecordStatus::Conflict);
            decide(&phone, id, json!({"phone": "mine"})).await;
            phone.sync().await;
        }
        office.sync().await;
        agree(&[&phone, &office], id, "phone", &json!("+622111"));
    }
}

#[tokio::test]
async fn several_changes_under_one_conflict_are_one_question_and_one_result() {
    let world = World::new();
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let id = phone.create("customers", json!({"name": "PT ABC", "phone": "02100", "email": "a@b.id"})).await;
    phone.sync().await;
    office.sync().await;
    office.update("customers", id, json!({"phone": "02122"})).await;
    office.sync().await;
    phone.update("customers", id, json!({"phone": "02111"})).await;
    phone.sync().await;
    // Behind the conflict the record can still be edited: what is written joins mine.
    phone.update("customers", id, json!({"email": "c@d.id"})).await;
    phone.update("customers", id, json!({"phone": "02133"})).await;
    phone.sync().await;
    let conflicts = phone.client.conflicts();
    assert_eq!((conflicts.len(), conflicts[0].field_names().collect::<Vec<_>>()), (1, vec!["phone"]));
    decide(&phone, id, json!({"phone": "mine"})).await;
    let rows = phone.store.peek(&[Read::Outbox, Read::HistoryAfter(0)]);
    let ends: Vec<End> = rows.history.iter().flat_map(|row| &row.ended).map(|ended| ended.end).collect();
    assert_eq!((rows.outbox.len(), ends), (1, vec![End::Confirmed, End::Resolved, End::Resolved, End::Resolved]));
    phone.sync().await;
    office.sync().await;
    agree(&[&phone, &office], id, "phone", &json!("+622133"));
    agree(&[&phone, &office], id, "email", &json!("c@d.id"));
}

#[tokio::test]
async fn a_decision_made_offline_goes_up_and_asks_again_if_theirs_moved_meanwhile() {
    for moves in [false, true] {
        let world = World::new();
        let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
        let id = phone.create("customers", json!({"name": "PT ABC", "phone": "02100"})).await;
        phone.sync().await;
        office.sync().await;
        office.update("customers", id, json!({"phone": "02122"})).await;
        office.sync().await;
        phone.update("customers", id, json!({"phone": "02111"})).await;
        phone.sync().await;
        decide(&phone, id, json!({"phone": "mine"})).await;
        phone.fail(&[Fault::Refuse]);
        phone.sync().await;
        assert_eq!((status(&phone, id), phone.unsent()), (RecordStatus::Pending, 1), "decided, and saved here");
        if moves {
            office.update("customers", id, json!({"phone": "02144"})).await;
            office.sync().await;
            phone.sync().await;
            assert_eq!((status(&phone, id), phone.value("customers", id, "phone")), (RecordStatus::Conflict, json!("02111")));
            decide(&phone, id, json!({"phone": "mine"})).await;
        }
        phone.sync().await;
        office.sync().await;
        agree(&[&phone, &office], id, "phone", &json!("+622111"));
    }
}

#[tokio::test]
async fn two_devices_of_one_user_that_decide_differently_ask_once_more_and_then_agree() {
    for (second, asks) in [("mine", true), ("theirs", false)] {
        let world = World::new();
        let (phone, tablet, office) = (world.device(BUDI).await, world.device(BUDI).await, world.device(AHMAD).await);
        let id = phone.create("customers", json!({"name": "PT ABC", "phone": "02100"})).await;
        for device in [&phone, &tablet, &office] {
            device.sync().await;
        }
        office.update("customers", id, json!({"phone": "02122"})).await;
        office.sync().await;
        for (device, value) in [(&phone, "02111"), (&tablet, "02133")] {
            device.update("customers", id, json!({"phone": value})).await;
            device.sync().await;
            assert_eq!(status(device, id), RecordStatus::Conflict);
        }
        // Each against the office's, before either has heard of the other.
        decide(&phone, id, json!({"phone": "mine"})).await;
        decide(&tablet, id, json!({"phone": second})).await;
        phone.sync().await;
        tablet.sync().await;
        assert_eq!(status(&tablet, id) == RecordStatus::Conflict, asks, "{second}");
        if asks {
            assert_eq!(tablet.value("customers", id, "phone"), "02133", "what was decided here stays on screen");
            decide(&tablet, id, json!({"phone": "theirs"})).await;
            tablet.sync().await;
        }
        phone.sync().await;
        office.sync().await;
        agree(&[&phone, &tablet, &office], id, "phone", &json!("+622111"));
    }
}

#[tokio::test]
async fn what_one_deed_took_from_a_user_is_one_group_of_what_could_not_be_sent() {
    let world = World::new();
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let mut ids = Vec::new();
    for name in ["PT Satu", "PT Dua", "PT Tiga", "PT Tetap"] {
        ids.push(phone.create("customers", json!({"name": name})).await);
    }
    phone.sync().await;
    office.sync().await;
    for id in &ids {
        phone.update("customers", *id, json!({"phone": "02111"})).await;
    }
    phone.update("customers", ids[3], json!({"name": ""})).await;
    for id in &ids[..3] {
        give(&office, *id, BUDI, SARI).await;
    }
    phone.sync().await;
    phone.sync().await;
    let outbox = phone.client.outbox();
    let key = |id| outbox.iter().find(|entry| entry.record() == id).unwrap().revoked();
    let key_of_all = format!("customers/{}", ids[0]);
    assert_eq!(
        ids.iter().map(|id| key(*id)).collect::<Vec<_>>(),
        [Some(&*key_of_all), Some(&*key_of_all), Some(&*key_of_all), None]
    );
    assert!(
        outbox.iter().all(|entry| entry.status() == RecordStatus::Failed),
        "the last one breaks a rule, and is nobody's deed"
    );
    assert_eq!(serde_json::to_value(&outbox[1]).unwrap()["revoked"]["by"]["id"], json!(AHMAD));
    office.sync().await;
    give(&office, ids[1], SARI, BUDI).await;
    phone.sync().await;
    phone.sync().await;
    assert_eq!(phone.client.outbox().iter().filter(|entry| entry.revoked().is_some()).count(), 2, "what came back was sent");
    assert_eq!(status(&phone, ids[1]), RecordStatus::Synced);
}
