//! Reports: what is counted, and over whose records.

use fieldsync::core::protocol::{
    ChangesPage, Item, Outcome, ProblemCode, PushAnswer, PushParcel, PushRequest, ReportAnswer, SetAside,
};
use fieldsync::core::record::{DeviceId, Epoch, Version};
use fieldsync_server::db::{self, DbError, DeviceRow};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::{AHMAD, BUDI, SARI, START, World, is_applied, push_request, update};

async fn report(world: &World, user: fieldsync::core::record::UserId, name: &str) -> Value {
    world.get::<ReportAnswer>(user, &format!("/reports/v1/{name}")).await.unwrap().data
}

#[tokio::test]
async fn a_rep_counts_their_own_and_a_manager_the_team_s() {
    for world in World::both() {
        for (user, amount) in [(BUDI, 100), (SARI, 20)] {
            let customer = world.create(user, "customers", json!({"name": "PT"})).await;
            let value = json!({"amount": amount, "currency": "IDR"});
            world.create(user, "pipelines", json!({"customer": customer, "title": "T", "stage": "lead", "value": value})).await;
            for weeks in [0, 0, 3, 5] {
                let at = START.0 - weeks * 7 * 86_400_000 - 1_000;
                let visit = json!({"customer": customer, "kind": "visit", "subject": "S", "at": at});
                world.create(user, "activities", visit).await;
            }
            world.create(user, "activities", json!({"customer": customer, "kind": "call", "subject": "S", "at": START.0})).await;
        }
        let lead = |report: Value| report["stages"][0].clone();
        let own = json!({"stage": "lead", "deals": 1, "value": {"IDR": 100.0}});
        assert_eq!(lead(report(&world, BUDI, "pipeline").await), own);
        let team = json!({"stage": "lead", "deals": 2, "value": {"IDR": 120.0}});
        assert_eq!(lead(report(&world, AHMAD, "pipeline").await), team);
        let visits = report(&world, SARI, "visits").await;
        assert_eq!(visits["reps"].as_array().unwrap().len(), 1);
        assert_eq!((&visits["reps"][0]["visits"], visits["weeks"].as_array().unwrap().len()), (&json!([1, 0, 0, 2]), 4));
        assert_eq!(report(&world, AHMAD, "visits").await["reps"].as_array().unwrap().len(), 2);
        let members = |report: Value| report["members"].as_array().unwrap().len();
        assert_eq!((members(report(&world, BUDI, "team").await), members(report(&world, AHMAD, "team").await)), (1, 3));
        let unknown = world.get::<ReportAnswer>(BUDI, "/reports/v1/nothing").await.unwrap_err();
        assert_eq!(unknown.code, ProblemCode::NotFound);
    }
}

#[tokio::test]
async fn a_manager_reads_what_was_merged_by_rules_and_what_was_put_to_a_person() {
    let world = World::new();
    let id = world.create(BUDI, "customers", json!({"name": "PT", "city": "Bogor", "phone": "021555"})).await;
    world.send(BUDI, vec![update("customers", id, 1, json!({"city": "Depok"}))]).await;
    // Made before that, and sent over it: merged. One more is put to a person, who makes another change of it.
    world.send(AHMAD, vec![update("customers", id, 1, json!({"city": "Jambi"}))]).await;
    let mut item = seeing(1, update("customers", id, 2, json!({"phone": "021777"})));
    item.set_aside.push(SetAside { field: "city".into(), value: json!("Bandung"), mine: true });
    world.send(AHMAD, vec![item]).await;
    let decided = world.parcel(vec![update("customers", id, 3, json!({"city": "Jambi"}))]);
    let _: PushAnswer =
        world.post(AHMAD, "/sync/v1/push", &PushRequest { conflicts: 1, ..push_request(vec![decided]) }).await.unwrap();
    // A sync is a feed read to its end: of two pages, one.
    let cursor = world.cursor(BUDI).await;
    world.create(BUDI, "customers", json!({"name": "PT Dua"})).await;
    world.create(BUDI, "customers", json!({"name": "PT Tiga"})).await;
    let page = world.get::<ChangesPage>(BUDI, &format!("/sync/v1/changes?cursor={cursor}&schema=1&limit=1")).await.unwrap();
    assert!(page.has_more);
    world.get::<ChangesPage>(BUDI, &format!("/sync/v1/changes?cursor={}&schema=1&limit=9", page.cursor.0)).await.unwrap();
    let counted = report(&world, AHMAD, "merges").await;
    assert_eq!(counted, json!({"syncs": 1, "merged": 1, "put_to_a_person": 1, "set_aside": 1}));
    let text = world.metrics().await;
    for line in [
        "fieldsync_syncs_total 1",
        "fieldsync_pulls_total 2",
        "fieldsync_automatic_merges_total 1",
        "fieldsync_conflicts_put_to_a_person 1",
        "fieldsync_set_aside_total 1",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
    }
    let refused = world.get::<ReportAnswer>(BUDI, "/reports/v1/merges").await.unwrap_err();
    assert_eq!(refused.code, ProblemCode::Forbidden);
}

/// An update of which a change had seen this version.
fn seeing(version: u64, item: Item) -> Item {
    Item { seen_version: Some(Version(version)), ..item }
}

async fn merged(world: &World) -> u64 {
    report(world, AHMAD, "merges").await["merged"].as_u64().unwrap()
}

/// Version 2 is Ahmad's, 1 and 3 are Budi's, who writes on.
#[tokio::test]
async fn a_merge_is_what_was_applied_over_what_another_device_wrote_since_it_was_made() {
    for world in World::both() {
        let id = world.create(BUDI, "customers", json!({"name": "PT"})).await;
        world.send(AHMAD, vec![update("customers", id, 1, json!({"city": "Depok"}))]).await;
        world.send(BUDI, vec![update("customers", id, 2, json!({"phone": "021555"}))]).await;
        let notes = |version: u64| update("customers", id, version, json!({"notes": format!("{version}")}));
        for item in [notes(3), seeing(3, notes(4)), seeing(2, notes(5)), seeing(9, notes(6))] {
            assert!(is_applied(&world.send(BUDI, vec![item]).await));
            assert_eq!(merged(&world).await, 0, "only their own came since");
        }
        // It is refused first: nothing is merged yet.
        let conflict = world.parcel(vec![seeing(1, notes(6))]);
        assert!(!is_applied(&world.push(BUDI, vec![conflict.clone()]).await[0].outcome));
        let parcel = PushParcel { changes: conflict.changes, ..world.parcel(vec![seeing(1, notes(7))]) };
        let _: PushAnswer = world.post(BUDI, "/sync/v1/preview", &push_request(vec![parcel.clone()])).await.unwrap();
        assert_eq!(merged(&world).await, 0);
        // Once, however often it comes: again, without what is counted by, or under another op_id.
        let known = PushParcel { changes: parcel.changes.clone(), ..world.parcel(vec![seeing(1, notes(8))]) };
        let first = world.push(BUDI, vec![parcel.clone()]).await.remove(0).outcome;
        assert!(is_applied(&first));
        for again in [parcel.clone(), parcel.uncounted()] {
            assert_eq!(world.push(BUDI, vec![again]).await[0].outcome, first);
        }
        assert!(matches!(world.push(BUDI, vec![known]).await[0].outcome, Outcome::Known { .. }));
        assert_eq!(merged(&world).await, 1);
    }
}

#[tokio::test]
async fn each_record_of_a_group_is_a_merge_of_its_own_and_each_device_somebody() {
    for world in World::both() {
        let ids = [
            world.create(BUDI, "customers", json!({"name": "A"})).await,
            world.create(BUDI, "customers", json!({"name": "B"})).await,
        ];
        let all = |version, patch: Value| ids.map(|id| update("customers", id, version, patch.clone()));
        let phone = PushRequest {
            device: DeviceId(Uuid::from_u128(76)),
            ..push_request(vec![world.parcel(all(1, json!({"city": "Depok"})).into())])
        };
        let _: PushAnswer = world.post(BUDI, "/sync/v1/push", &phone).await.unwrap();
        world.send(BUDI, all(2, json!({"phone": "021555"})).map(|item| seeing(1, item)).into()).await;
        assert_eq!(merged(&world).await, 2, "their other phone");
        // What a rule put aside nobody has written.
        let aside = || vec![SetAside { field: "city".into(), value: json!("Bandung"), mine: true }];
        world.send(AHMAD, all(3, json!({})).map(|item| Item { set_aside: aside(), ..item }).into()).await;
        world.send(BUDI, all(4, json!({"notes": "n"})).map(|item| seeing(3, item)).into()).await;
        assert_eq!(merged(&world).await, 2);
    }
}

/// A device counts what it asked, whoever found the conflict; the server adds what is new.
#[tokio::test]
async fn a_conflict_that_was_put_to_a_person_is_counted_once() {
    for world in World::both() {
        let say = async |path: &str, epoch: u128, conflicts: u64| {
            let asked = PushRequest { epoch: Epoch(Uuid::from_u128(epoch)), conflicts, ..push_request(vec![]) };
            let _: PushAnswer = world.post(BUDI, path, &asked).await.unwrap();
            report(&world, AHMAD, "merges").await["put_to_a_person"].clone()
        };
        let push = async |epoch, conflicts| say("/sync/v1/push", epoch, conflicts).await;
        assert_eq!(push(1, 2).await, 2);
        assert_eq!(push(1, 2).await, 2, "the answer was lost");
        assert_eq!(push(1, 3).await, 3);
        assert_eq!(push(1, 1).await, 3, "a copy of the phone knows of less");
        assert_eq!(push(1, 3).await, 3);
        assert_eq!(push(2, 1).await, 4, "another store");
        assert_eq!(say("/sync/v1/preview", 1, 9).await, 4);
        // An app from before they were counted says nothing.
        let mut old = serde_json::to_value(push_request(vec![])).unwrap();
        assert!(old.as_object_mut().unwrap().remove("conflicts").is_none());
        let _: PushAnswer = world.post(BUDI, "/sync/v1/push", &old).await.unwrap();
        // The server was restored from a backup: it counts again what it has forgotten, and no more.
        let key = (push_request(vec![]).device, Epoch(Uuid::from_u128(1)));
        db::write(&*world.db, |tx| -> Result<(), DbError> {
            let row = tx.device(BUDI, key.0, key.1)?.unwrap();
            tx.put_device(&DeviceRow { conflicts: 2, ..row })
        })
        .unwrap();
        assert_eq!(push(1, 3).await, 5);
        push(3, u64::MAX).await;
        push(4, u64::MAX).await;
    }
}

#[tokio::test]
async fn only_a_manager_gives_a_customer_away_or_sets_what_is_everybody_s() {
    let world = World::new();
    let id = world.create(BUDI, "customers", json!({"name": "PT"})).await;
    let give = |version| vec![update("customers", id, version, json!({"owner": SARI}))];
    assert_eq!(crate::common::code(&world.send(BUDI, give(1)).await), ProblemCode::Forbidden);
    let set = |world: &World| vec![crate::common::create("settings", world.id(), json!({"company": "PT Kita"}))];
    assert_eq!(crate::common::code(&world.send(SARI, set(&world)).await), ProblemCode::Forbidden);
    assert!(crate::common::is_applied(&world.send(AHMAD, set(&world)).await));
    assert!(crate::common::is_applied(&world.send(AHMAD, give(1)).await));
}
