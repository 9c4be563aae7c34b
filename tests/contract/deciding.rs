//! What a person decides about conflicts and about what rules decided: many at once, by cause, held for Undo, put back.

use std::collections::BTreeSet;

use fieldsync::client::{Decision, NewChange, SettleError};
use fieldsync::core::protocol::Action;
use fieldsync::core::record::{Fields, RecordId, Version};
use fieldsync::data::table::{RecordStatus, RecordView};
use fieldsync::ports::Read;
use serde_json::{Value, json};

use super::world::{AHMAD, BUDI, Device, Fault, World};

const HOLD_MS: i64 = 6_000;

/// Records with these fields that both have, and both change: `mine` on the phone, `theirs` at the office.
async fn clash(world: &World, count: usize, mine: Value, theirs: Value) -> (Device, Device, Vec<RecordId>) {
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(phone.create("customers", json!({"name": format!("PT {n}"), "phone": "02100", "last_visit": 5})).await);
    }
    phone.sync().await;
    office.sync().await;
    for id in &ids {
        office.update("customers", *id, theirs.clone()).await;
    }
    office.sync().await;
    for id in &ids {
        phone.update("customers", *id, mine.clone()).await;
    }
    phone.sync().await;
    (phone, office, ids)
}

fn decision(id: RecordId, version: u64, choices: Value) -> Decision {
    let choices = serde_json::from_value(choices).unwrap();
    Decision { collection: "customers".into(), id, version: Version(version), choices }
}

fn shown(device: &Device) -> Value {
    serde_json::to_value(device.client.conflict_groups()).unwrap()
}

#[tokio::test]
async fn what_one_person_did_is_one_group_and_is_decided_and_taken_back_in_one_go() {
    let world = World::new();
    let (phone, office, ids) = clash(&world, 3, json!({"phone": "02111"}), json!({"phone": "02122"})).await;
    world.later(600_000);
    let other = phone.create("customers", json!({"name": "PT Lain", "phone": "02100"})).await;
    phone.sync().await;
    office.sync().await;
    office.update("customers", other, json!({"phone": "02122"})).await;
    office.sync().await;
    phone.update("customers", other, json!({"phone": "02111"})).await;
    phone.sync().await;
    let groups = shown(&phone);
    let sizes: Vec<usize> = groups.as_array().unwrap().iter().map(|group| group["conflicts"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [1, 3], "ten minutes later is another deed, and comes first");
    assert_eq!(groups[1]["by"]["name"], "AHMAD");
    assert_eq!((&groups[1]["kind"], &groups[1]["fields"]), (&json!("fields"), &json!(["phone"])));

    let decisions: Vec<Decision> = ids.iter().map(|id| decision(*id, 2, json!({"phone": "mine"}))).collect();
    let before = phone.client.outbox();
    let decided = phone.client.decide(&decisions, HOLD_MS).await.unwrap();
    assert_eq!((decided.moved.len(), decided.unfit.len(), decided.undo.appended.len()), (0, 0, 3));
    assert_eq!(phone.client.conflicts().len(), 1, "the other one still asks");
    phone.sync().await;
    assert!(world.server(BUDI, "customers").await.iter().all(|record| record.fields["phone"] != "+622111"), "it is held");
    phone.client.restore(&decided.undo).await.unwrap();
    assert_eq!(phone.client.conflicts().len(), 4);
    assert_eq!(phone.client.outbox().len(), before.len());

    let decided = phone.client.decide(&decisions, HOLD_MS).await.unwrap();
    world.later(HOLD_MS + 1);
    phone.sync().await;
    let there = world.server(BUDI, "customers").await;
    assert_eq!(there.iter().filter(|record| record.fields["phone"] == "+622111").count(), 3);
    assert_eq!(phone.client.restore(&decided.undo).await, Err(SettleError::Moved), "it is sent");
}

#[tokio::test]
async fn what_moved_or_would_break_a_rule_is_left_and_the_rest_is_decided() {
    let world = World::new();
    let (phone, office, ids) = clash(&world, 3, json!({"phone": "02111"}), json!({"phone": "02122"})).await;
    office.update("customers", ids[0], json!({"phone": "02144"})).await;
    office.sync().await;
    phone.sync().await;
    let decisions = [
        decision(ids[0], 2, json!({"phone": "mine"})),
        decision(ids[1], 2, json!({"phone": {"value": "no phone"}})),
        decision(ids[2], 2, json!({"phone": "theirs"})),
    ];
    let decided = phone.client.decide(&decisions, 0).await.unwrap();
    assert_eq!((&decided.moved, &decided.unfit), (&vec![ids[0]], &vec![ids[1]]));
    let broken = phone.client.would_break(&decisions[1]);
    assert_eq!(broken.iter().map(|violation| violation.field.as_str()).collect::<Vec<_>>(), ["phone"]);
    assert_eq!(phone.client.resolve_held(&decisions[1], 0).await, Err(SettleError::Invalid(broken)));
    phone.sync().await;
    let stands: Vec<RecordStatus> = ids.iter().map(|id| phone.get("customers", *id).unwrap().status).collect();
    assert_eq!(stands, [RecordStatus::Conflict, RecordStatus::Conflict, RecordStatus::Synced]);
}

#[tokio::test]
async fn a_deletion_says_what_the_other_side_changed_and_which_side_it_was() {
    let world = World::new();
    let (phone, office, ids) = clash(&world, 1, json!({"phone": "02111"}), json!({"city": "Bandung"})).await;
    assert_eq!(phone.client.conflicts().len(), 0, "different fields merge");
    office.sync().await;
    office.update("customers", ids[0], json!({"phone": "02122"})).await;
    office.sync().await;
    phone.remove("customers", ids[0]).await;
    phone.sync().await;
    let mine = &shown(&phone)[0]["conflicts"][0];
    assert_eq!((&mine["kind"], &mine["changed"][0]["field"]), (&json!("deleted-by-me"), &json!("phone")));
    assert_eq!((&mine["changed"][0]["before"], &mine["changed"][0]["theirs"]), (&json!("+622111"), &json!("+622122")));
    assert_eq!(mine["changed"].as_array().unwrap().len(), 1, "and nothing that was not changed");

    let (phone, office, ids) = clash(&World::new(), 1, json!({"phone": "02111"}), json!({"city": "Bandung"})).await;
    office.sync().await;
    office.remove("customers", ids[0]).await;
    office.sync().await;
    phone.update("customers", ids[0], json!({"contact": "Budi"})).await;
    phone.sync().await;
    let theirs = &shown(&phone)[0]["conflicts"][0];
    assert_eq!((&theirs["kind"], &theirs["changed"][0]["field"]), (&json!("deleted-by-them"), &json!("contact")));
    assert_eq!((&theirs["changed"][0]["before"], &theirs["changed"][0]["mine"]), (&json!(null), &json!("Budi")));
}

#[tokio::test]
async fn a_record_that_was_made_twice_says_so() {
    let world = World::new();
    let (phone, other) = (world.device(BUDI).await, world.device(BUDI).await);
    let id = phone.create("customers", json!({"name": "PT Kembar", "phone": "02111"})).await;
    let change = fieldsync::client::NewChange {
        row: other.row(),
        collection: "customers".into(),
        record: id,
        action: fieldsync::core::protocol::Action::Create,
        version: Version(0),
        seen: super::world::fields(json!({})),
        written: super::world::fields(json!({"name": "PT Kembar", "phone": "02122"})),
    };
    other.client.save(vec![change], 0).await.unwrap();
    other.sync().await;
    phone.sync().await;
    let conflict = &shown(&phone)[0]["conflicts"][0];
    assert_eq!((&conflict["kind"], &conflict["madeTwice"]), (&json!("fields"), &json!(true)));
    assert_eq!(conflict["fields"].as_array().unwrap().len(), 1, "what is the same is not asked");
    assert_eq!(conflict["here"], Value::Null, "it was another device of mine");
}

/// The value aside, whether somebody has looked, and who wrote the other one.
fn aside(device: &Device, id: RecordId) -> Vec<(Value, bool, Option<String>)> {
    let record = device.get("customers", id).unwrap();
    let views = record.set_aside.into_iter();
    views.map(|view| (view.lost.value, view.seen, view.by.map(|by| by.name))).collect()
}

#[tokio::test]
async fn what_a_rule_set_aside_is_news_until_looked_at_in_every_context_and_goes_when_it_is_put_back() {
    let world = World::new();
    let (phone, office, ids) = clash(&world, 1, json!({"last_visit": 10}), json!({"last_visit": 20})).await;
    let id = ids[0];
    let ahmad = Some("AHMAD".to_owned());
    let tab = world.context(BUDI, phone.store.clone()).await;
    assert_eq!(aside(&tab, id), [(json!(10), false, ahmad.clone())]);
    assert!(tab.get("customers", id).unwrap().merged);
    assert_eq!(serde_json::to_value(tab.client.merged()).unwrap()[0]["title"], "PT 0");

    phone.client.looked("customers", id).await.unwrap();
    let written = phone.store.peek(&[fieldsync::ports::Read::HistoryAfter(0)]).history.len();
    phone.client.looked("customers", id).await.unwrap();
    assert_eq!(phone.store.peek(&[fieldsync::ports::Read::HistoryAfter(0)]).history.len(), written, "once is enough");
    tab.client.refresh(None).await.unwrap();
    for device in [&phone, &tab, &world.context(BUDI, phone.store.clone()).await] {
        assert_eq!(aside(device, id), [(json!(10), true, ahmad.clone())], "the line stays");
        assert!(!device.get("customers", id).unwrap().merged, "the badge does not");
    }

    phone.update("customers", id, json!({"last_visit": 10})).await;
    assert_eq!(aside(&phone, id), [], "put back, before it is sent");
    assert_eq!(phone.client.merged().len(), 0);
    phone.sync().await;
    office.sync().await;
    assert_eq!(office.value("customers", id, "last_visit"), 10);
    assert_eq!(aside(&phone, id), []);
    assert_eq!(aside(&world.context(BUDI, phone.store.clone()).await, id), [], "and after a restart");
}

#[tokio::test]
async fn who_saw_it_before_it_was_sent_is_not_told_again() {
    let world = World::new();
    let (phone, office, ids) = clash(&world, 1, json!({"phone": "02111"}), json!({"city": "Bandung"})).await;
    office.sync().await;
    office.update("customers", ids[0], json!({"last_visit": 20, "phone": "02122"})).await;
    office.sync().await;
    phone.update("customers", ids[0], json!({"last_visit": 10, "phone": "02133"})).await;
    phone.sync().await;
    assert_eq!(phone.get("customers", ids[0]).unwrap().status, RecordStatus::Conflict);
    assert_eq!(aside(&phone, ids[0]), [(json!(10), false, Some("AHMAD".to_owned()))], "unsent, because the phone number asks");
    assert_eq!(shown(&phone)[0]["conflicts"][0]["setAside"][0]["won"], 20);
    phone.client.looked("customers", ids[0]).await.unwrap();
    assert!(!phone.get("customers", ids[0]).unwrap().merged);
    let version = phone.get("customers", ids[0]).unwrap().version.0;
    phone.client.resolve_held(&decision(ids[0], version, json!({"phone": "mine"})), 0).await.unwrap();
    phone.sync().await;
    assert_eq!(aside(&phone, ids[0]), [(json!(10), true, Some("AHMAD".to_owned()))]);
}

#[tokio::test]
async fn a_conflict_put_off_blocks_its_record_only_and_is_a_new_question_when_theirs_moves() {
    let world = World::new();
    let (phone, office, ids) = clash(&world, 2, json!({"phone": "02111"}), json!({"phone": "02122"})).await;
    phone.client.take_notes();
    phone.client.put_off("customers".into(), ids[0], Version(2)).await.unwrap();
    assert!(phone.get("customers", ids[0]).unwrap().put_off && !phone.get("customers", ids[1]).unwrap().put_off);
    let told = phone.client.take_notes();
    assert!(told.iter().any(|note| matches!(note, fieldsync::client::Note::Changed(_))), "its badge is another: {told:?}");
    assert_eq!(phone.client.status().put_off, 1);
    let free = phone.create("customers", json!({"name": "PT Bebas"})).await;
    phone.sync().await;
    assert_eq!(phone.get("customers", free).unwrap().status, RecordStatus::Synced);
    office.update("customers", ids[0], json!({"phone": "02144"})).await;
    office.sync().await;
    phone.sync().await;
    assert!(!phone.get("customers", ids[0]).unwrap().put_off);
    assert_eq!(phone.client.status().put_off, 0, "and it leads the bar again");
}

/// Two steps of a stage, each allowed, come to a leap in one decision. The dialog about the title does not ask for the stage: it must
/// not keep the conflict from being decided.
#[tokio::test]
async fn what_was_not_asked_does_not_stop_a_decision_and_is_mended_afterwards() {
    let world = World::new();
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let customer = phone.create("customers", json!({"name": "PT ABC"})).await;
    let deal = phone.create("pipelines", json!({"customer": customer, "title": "A", "stage": "lead"})).await;
    phone.sync().await;
    office.sync().await;
    office.update("pipelines", deal, json!({"title": "theirs"})).await;
    office.sync().await;
    phone.update("pipelines", deal, json!({"title": "mine", "stage": "qualified"})).await;
    phone.update("pipelines", deal, json!({"stage": "proposal"})).await;
    phone.sync().await;
    let conflicts = phone.client.conflicts();
    assert_eq!(conflicts[0].field_names().collect::<Vec<_>>(), ["title"]);
    let of = |choices| Decision { collection: "pipelines".into(), ..decision(deal, 2, choices) };
    let empty = phone.client.resolve_held(&of(json!({"title": {"value": ""}})), 0).await;
    assert!(matches!(empty, Err(SettleError::Invalid(_))), "what was asked keeps its rules: {empty:?}");
    assert!(phone.client.resolve_held(&of(json!({"title": "mine"})), 0).await.is_ok());
    phone.sync().await;
    assert_eq!(phone.get("pipelines", deal).unwrap().status, RecordStatus::Failed, "said, and not sent");
    phone.update("pipelines", deal, json!({"stage": "qualified"})).await;
    phone.sync().await;
    let record = phone.get("pipelines", deal).unwrap();
    assert_eq!((record.status, &record.fields["title"]), (RecordStatus::Synced, &json!("mine")));
}

/// A decision took a record out of its group, and the rest is on its way when that is taken back: what comes back cannot join it.
#[tokio::test]
async fn a_decision_taken_back_behind_the_rest_of_its_group_goes_by_itself() {
    let world = World::new();
    let (phone, office, ids) = clash(&world, 1, json!({"city": "Depok"}), json!({"phone": "02122"})).await;
    let shown = phone.get("customers", ids[0]).unwrap();
    let edit = phone.edit(&shown, json!({"phone": "02111"}));
    let deal = RecordView { collection: "pipelines".into(), id: RecordId(phone.row().0), version: Version(0), ..shown };
    let made = json!({"customer": ids[0], "title": "Kopi", "stage": "lead"});
    let deal = NewChange { action: Action::Create, seen: Fields::new(), ..phone.edit(&deal, made) };
    office.update("customers", ids[0], json!({"phone": "02133"})).await;
    office.sync().await;
    phone.client.save(vec![edit, deal], 0).await.unwrap();
    phone.sync().await;
    assert_eq!((phone.client.conflicts().len(), world.server(BUDI, "pipelines").await.len()), (1, 0));
    let version = phone.get("customers", ids[0]).unwrap().version.0;
    let decided = phone.client.decide(&[decision(ids[0], version, json!({"phone": "theirs"}))], 0).await.unwrap();
    phone.fail(&[Fault::Refuse]);
    phone.sync().await;
    phone.client.restore(&decided.undo).await.unwrap();
    let groups: BTreeSet<_> = phone.store.peek(&[Read::Outbox]).outbox.iter().map(|change| change.group).collect();
    assert_eq!((phone.unsent(), groups.len()), (2, 2), "{groups:?}");
    phone.sync().await;
    assert_eq!(world.server(BUDI, "pipelines").await.len(), 1);
    assert_eq!((phone.client.conflicts().len(), phone.value("customers", ids[0], "phone")), (1, json!("02111")));
}

/// A customer that was made twice, and a visit of another one that both sides changed and mine gives to the first: that these are
/// two ends the visit's edit and names the copy in its place, and deciding the visit ends the same edit.
#[tokio::test]
async fn two_decisions_at_once_that_end_the_same_change_are_made_one_after_the_other() {
    let world = World::new();
    let (phone, office) = (world.device(BUDI).await, world.device(BUDI).await);
    let other = phone.create("customers", json!({"name": "PT Lain"})).await;
    let visit = phone.create("activities", json!({"customer": other, "kind": "visit", "subject": "x", "at": 1})).await;
    phone.sync().await;
    let id = office.create("customers", json!({"name": "PT Satu"})).await;
    office.sync().await;
    office.update("activities", visit, json!({"subject": "theirs"})).await;
    office.sync().await;
    let made = NewChange {
        row: phone.row(),
        collection: "customers".into(),
        record: id,
        action: Action::Create,
        version: Version(0),
        seen: Fields::new(),
        written: super::world::fields(json!({"name": "PT Dua"})),
    };
    phone.client.save(vec![made], 0).await.unwrap();
    phone.update("activities", visit, json!({"customer": id, "subject": "mine"})).await;
    phone.sync().await;
    phone.sync().await;
    assert_eq!(phone.client.conflicts().len(), 2);
    let two = decision(id, 1, json!({"*": "two"}));
    let mine = Decision { collection: "activities".into(), ..decision(visit, 2, json!({"subject": "mine"})) };
    let decided = phone.client.decide(&[two, mine], 0).await.unwrap();
    assert_eq!(decided.moved, [visit], "it is another question now");
    let history = phone.store.peek(&[Read::HistoryAfter(0)]).history;
    let rows: Vec<_> = history.iter().flat_map(|row| &row.ended).map(|ended| ended.row).collect();
    assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), rows.len(), "each change ended once");
    let names: Vec<Value> = phone.client.conflicts().iter().map(|conflict| json!(conflict.key().1)).collect();
    assert_eq!(names, [json!(visit)]);
    let version = phone.get("activities", visit).unwrap().version.0;
    let mine = Decision { collection: "activities".into(), ..decision(visit, version, json!({"subject": "mine"})) };
    phone.client.decide(&[mine], 0).await.unwrap();
    phone.sync().await;
    phone.sync().await;
    assert_eq!((phone.unsent(), phone.value("activities", visit, "subject")), (0, json!("mine")));
    assert_ne!(phone.value("activities", visit, "customer"), json!(id));
}

/// The edit of the name is taken back in another tab while the dialog is open. What was chosen in its place is not passed over as if
/// it had been decided: the dialog opens again, and asks for what there is to ask.
#[tokio::test]
async fn another_value_for_what_is_not_asked_any_more_decides_nothing() {
    let world = World::new();
    let theirs = json!({"phone": "02122", "name": "PT Mereka"});
    let (phone, _, ids) = clash(&world, 1, json!({"phone": "02111"}), theirs).await;
    phone.client.put_off("customers".into(), ids[0], Version(2)).await.unwrap();
    let shown = phone.get("customers", ids[0]).unwrap();
    let seen = Fields::from_iter([("name".to_owned(), json!("PT 0"))]);
    let name = NewChange { version: Version(1), seen, ..phone.edit(&shown, json!({"name": "PT Saya"})) };
    let row = name.row;
    phone.client.save(vec![name], 0).await.unwrap();
    assert_eq!(phone.client.conflicts()[0].field_names().count(), 2);
    let chosen = decision(ids[0], 2, json!({"phone": "mine", "name": {"value": "PT Bersama"}}));
    phone.client.discard(row).await.unwrap();
    assert_eq!(phone.client.conflicts()[0].field_names().count(), 1);
    assert_eq!(phone.client.resolve_held(&chosen, 0).await, Err(SettleError::Moved));
    assert_eq!((phone.client.conflicts().len(), phone.unsent()), (1, 1));
    phone.client.resolve_held(&decision(ids[0], 2, json!({"phone": "mine", "name": "mine"})), 0).await.unwrap();
    phone.sync().await;
    assert_eq!((phone.value("customers", ids[0], "phone"), phone.unsent()), (json!("+622111"), 0));
}

/// The same where the other tab wrote the name anew, over theirs: that is a later word than "theirs" in a dialog which shows another one.
#[tokio::test]
async fn theirs_for_what_was_written_over_theirs_meanwhile_decides_nothing() {
    let world = World::new();
    let theirs = json!({"phone": "02122", "name": "PT Mereka"});
    let (phone, _, ids) = clash(&world, 1, json!({"phone": "02111"}), theirs).await;
    let form = phone.get("customers", ids[0]).unwrap();
    let seen = Fields::from_iter([("name".to_owned(), json!("PT 0"))]);
    let name = NewChange { version: Version(1), seen, ..phone.edit(&form, json!({"name": "PT Saya"})) };
    let row = name.row;
    phone.client.save(vec![name], 0).await.unwrap();
    let chosen = decision(ids[0], 2, json!({"phone": "mine", "name": "theirs"}));
    phone.client.discard(row).await.unwrap();
    phone.update("customers", ids[0], json!({"name": "PT Terakhir"})).await;
    assert_eq!(phone.client.conflicts()[0].field_names().collect::<Vec<_>>(), ["phone"]);
    assert_eq!(phone.client.resolve_held(&chosen, 0).await, Err(SettleError::Moved));
    phone.client.resolve_held(&decision(ids[0], 2, json!({"phone": "theirs"})), 0).await.unwrap();
    phone.sync().await;
    assert_eq!((phone.value("customers", ids[0], "name"), phone.unsent()), (json!("PT Terakhir"), 0));
}
