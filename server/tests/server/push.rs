//! Push: once for ever, whole or not at all, and each parcel alone in its trouble.

use std::sync::Arc;

use fieldsync::core::protocol::{Item, Outcome, ProblemCode, PushAnswer};
use fieldsync::core::record::{Tombstone, Version};
use fieldsync_server::Config;
use fieldsync_server::db;
use serde_json::{Value, json};

use crate::common::{BUDI, DINA, World, code, create, delete, fields, is_applied, item, push_request, update};

#[tokio::test]
async fn a_parcel_that_comes_again_gets_its_first_answer_and_does_nothing() {
    for world in World::both() {
        let id = world.id();
        let parcel =
            world.parcel(vec![create("customers", id, json!({"name": "PT  ABC", "code": "jkt-001", "phone": "0812-3456-7890"}))]);
        let first = world.push(BUDI, vec![parcel.clone()]).await;
        let Outcome::Applied { items, .. } = &first[0].outcome else { panic!("{first:?}") };
        assert_eq!(items[0].version, Version(1));
        // What the server keeps otherwise than it was sent, and what it added.
        let kept = json!({"name": "PT ABC", "code": "JKT-001", "phone": "+6281234567890", "owner": BUDI});
        assert_eq!(Value::Object(items[0].normalised.clone()), kept);
        // The record moves on; the old parcel's answer does not.
        assert!(is_applied(&world.send(BUDI, vec![update("customers", id, 1, json!({"city": "Depok"}))]).await));
        world.later(60_000);
        assert_eq!(world.push(BUDI, vec![parcel]).await[0].outcome, first[0].outcome);
        let record = db::read(&*world.db, |tx| tx.record("customers", id)).unwrap().unwrap();
        assert_eq!(record.version, Version(2));
    }
}

#[tokio::test]
async fn a_refusal_is_final_even_when_its_reason_is_gone() {
    for world in World::both() {
        let first = world.create(BUDI, "customers", json!({"name": "A", "code": "JKT-001"})).await;
        let parcel = world.parcel(vec![create("customers", world.id(), json!({"name": "B", "code": "JKT-001"}))]);
        let refused = world.push(BUDI, vec![parcel.clone()]).await;
        let Outcome::Rejected { problem } = &refused[0].outcome else { panic!("{refused:?}") };
        assert_eq!((problem.code, problem.field.as_deref()), (ProblemCode::Taken, Some("code")));
        assert!(is_applied(&world.send(BUDI, vec![delete("customers", first, 1)]).await));
        assert_eq!(world.push(BUDI, vec![parcel.clone()]).await, refused);
        // Under a new op_id it goes through: the value is free, and its changes were never applied.
        let again = fieldsync::core::protocol::PushParcel { op_id: world.parcel(vec![]).op_id, ..parcel };
        assert!(is_applied(&world.push(BUDI, vec![again]).await[0].outcome));
    }
}

#[tokio::test]
async fn an_op_id_that_comes_with_other_contents_or_from_another_tells_nothing() {
    for world in World::both() {
        let parcel = world.parcel(vec![create("customers", world.id(), json!({"name": "A"}))]);
        world.push(BUDI, vec![parcel.clone()]).await;
        let mut other = parcel.clone();
        Arc::make_mut(&mut other.items)[0].patch.insert("name".into(), json!("B"));
        let reused = world.push(BUDI, vec![other]).await.remove(0).outcome;
        assert_eq!(code(&reused), ProblemCode::OpIdReused);
        assert_eq!(world.push(DINA, vec![parcel]).await.remove(0).outcome, reused);
    }
}

/// A browser's database has doubles alone: what a device sends again after a lost answer may spell its numbers otherwise.
#[tokio::test]
async fn an_op_id_that_comes_with_its_numbers_spelled_otherwise_is_the_same_parcel() {
    for world in World::both() {
        let parcel = world.parcel(vec![create("customers", world.id(), json!({"name": "A", "visits": 5.0}))]);
        let first = world.push(BUDI, vec![parcel.clone()]).await;
        assert!(is_applied(&first[0].outcome));
        let mut again = parcel;
        Arc::make_mut(&mut again.items)[0].patch.insert("visits".into(), json!(5));
        assert_eq!(world.push(BUDI, vec![again.clone()]).await[0].outcome, first[0].outcome);
        Arc::make_mut(&mut again.items)[0].patch.insert("visits".into(), json!(5.5));
        assert_eq!(code(&world.push(BUDI, vec![again]).await[0].outcome), ProblemCode::OpIdReused);
    }
}

/// JSON has numbers that no browser has. Kept, they would come to every device as others.
#[tokio::test]
async fn a_number_that_devices_cannot_keep_is_refused() {
    for world in World::both() {
        for number in [json!(9_007_199_254_740_993_i64), json!(u64::MAX)] {
            let outcome =
                world.send(BUDI, vec![create("customers", world.id(), json!({"name": "A", "last_visit": number}))]).await;
            let Outcome::Rejected { problem } = &outcome else { panic!("{outcome:?}") };
            assert_eq!((problem.code, problem.field.as_deref()), (ProblemCode::Validation, Some("last_visit")));
        }
    }
}

#[tokio::test]
async fn changes_applied_under_another_op_id_are_known() {
    for world in World::both() {
        let id = world.id();
        let parcel = world.parcel(vec![create("customers", id, json!({"name": "A"}))]);
        world.push(BUDI, vec![parcel.clone()]).await;
        let mut imported = world.parcel(vec![create("customers", id, json!({"name": "A", "city": "Depok"}))]);
        imported.changes.push(parcel.changes[0]);
        let known = world.push(BUDI, vec![imported.clone()]).await;
        assert_eq!(known[0].outcome, Outcome::Known { rows: parcel.changes });
        assert_eq!(world.push(BUDI, vec![imported]).await, known);
    }
}

#[tokio::test]
async fn a_record_that_moved_on_is_a_conflict_with_theirs() {
    for world in World::both() {
        let id = world.create(BUDI, "customers", json!({"name": "A"})).await;
        world.later(1_000);
        world.send(BUDI, vec![update("customers", id, 1, json!({"name": "B"}))]).await;
        let stale = world.parcel(vec![update("customers", id, 1, json!({"name": "C"}))]);
        let conflict = world.push(BUDI, vec![stale.clone()]).await;
        let Outcome::Conflict { theirs } = &conflict[0].outcome else { panic!("{conflict:?}") };
        assert_eq!((theirs[0].version, &theirs[0].fields["name"]), (Version(2), &json!("B")));
        // The name changed later than the owner: each field has its own time.
        assert!(theirs[0].changed["name"].at > theirs[0].changed["owner"].at);
        world.send(BUDI, vec![update("customers", id, 2, json!({"name": "D"}))]).await;
        assert_eq!(world.push(BUDI, vec![stale]).await[0].outcome, conflict[0].outcome);
    }
}

/// An item that says what it saw.
fn having_seen(item: Item, seen: Value) -> Item {
    Item { seen: fields(seen), ..item }
}

#[tokio::test]
async fn the_same_version_with_other_contents_is_a_conflict() {
    for world in World::both() {
        let id = world.create(BUDI, "customers", json!({"name": "A", "phone": "0812-3456", "city": "Depok"})).await;
        let rename = |seen| having_seen(update("customers", id, 1, json!({"name": "B"})), seen);
        for other in [json!({"name": "Z"}), json!({"name": null}), json!({"name": "A", "email": "a@b.example"})] {
            let outcome = world.send(BUDI, vec![rename(other)]).await;
            let Outcome::Conflict { theirs } = outcome else { panic!("{outcome:?}") };
            assert_eq!((theirs[0].version, &theirs[0].fields["name"]), (Version(1), &json!("A")));
        }
        let all = json!({"name": "A", "phone": "+628123456", "city": "Depok", "owner": BUDI});
        for other in [json!({"name": "A", "city": "Depok", "owner": BUDI}), json!({"name": "Z"})] {
            let outcome = world.send(BUDI, vec![having_seen(delete("customers", id, 1), other)]).await;
            assert!(matches!(outcome, Outcome::Conflict { .. }), "{outcome:?}");
        }
        // As the server keeps it, null for what is not there, and whole numbers as they come: that is the same.
        assert!(is_applied(&world.send(BUDI, vec![rename(json!({"name": "A", "email": null, "phone": "+628123456"}))]).await));
        let renamed = json!({"name": "B", "phone": "+628123456", "city": "Depok", "owner": BUDI, "email": null});
        let mut saw_all = fields(all);
        saw_all.extend(fields(renamed));
        assert!(is_applied(&world.send(BUDI, vec![Item { seen: saw_all, ..delete("customers", id, 2) }]).await));
        // Who makes it again over the tombstone saw nothing.
        assert!(is_applied(&world.send(BUDI, vec![having_seen(restore(id), json!({"name": "B"}))]).await));
    }
}

/// A create over the tombstone of version 3.
fn restore(id: fieldsync::core::record::RecordId) -> Item {
    item(fieldsync::core::protocol::Action::Create, "customers", id, 3, json!({"name": "C"}))
}

#[tokio::test]
async fn deletes_conflict_with_edits_and_a_create_over_the_tombstone_restores() {
    for world in World::both() {
        let id = world.create(BUDI, "customers", json!({"name": "A", "code": "JKT-001"})).await;
        assert!(is_applied(&world.send(BUDI, vec![delete("customers", id, 1)]).await));
        for stale in [
            update("customers", id, 1, json!({"name": "B"})),
            delete("customers", id, 1),
            create("customers", id, json!({"name": "B"})),
        ] {
            let outcome = world.send(BUDI, vec![stale]).await;
            let Outcome::Conflict { theirs } = outcome else { panic!("{outcome:?}") };
            assert_eq!(
                (theirs[0].tombstone, theirs[0].version, theirs[0].fields.len()),
                (Some(Tombstone::Deleted), Version(2), 0)
            );
        }
        let restore =
            item(fieldsync::core::protocol::Action::Create, "customers", id, 2, json!({"name": "B", "code": "JKT-001"}));
        let outcome = world.send(BUDI, vec![restore]).await;
        let Outcome::Applied { items, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(items[0].version, Version(3));
        let twice = world.send(BUDI, vec![create("customers", id, json!({"name": "C"}))]).await;
        assert!(matches!(twice, Outcome::Conflict { .. }), "{twice:?}");
    }
}

#[tokio::test]
async fn a_group_is_applied_whole_or_not_at_all() {
    for world in World::both() {
        let (customer, good, bad) = (world.id(), world.id(), world.id());
        let before = world.cursor(BUDI).await;
        // The second item is refused after the first was written: the first must be undone with it.
        let outcome = world
            .send(
                BUDI,
                vec![
                    create("customers", customer, json!({"name": "A", "code": "JKT-009"})),
                    create("pipelines", bad, json!({"customer": customer, "title": "T", "stage": "moon"})),
                ],
            )
            .await;
        let Outcome::Rejected { problem } = &outcome else { panic!("{outcome:?}") };
        assert_eq!((problem.code, problem.field.as_deref()), (ProblemCode::Validation, Some("stage")));
        assert_eq!(problem.record, Some(("pipelines".into(), bad)));
        assert_eq!(world.news(BUDI, &before).await, []);
        // Items may name each other in any order, and share one commit; the answer keeps the request's order.
        let outcome = world
            .send(
                BUDI,
                vec![
                    create("pipelines", good, json!({"customer": customer, "title": "T", "stage": "lead"})),
                    create("customers", customer, json!({"name": "A", "code": "JKT-009"})),
                ],
            )
            .await;
        let Outcome::Applied { seq, items } = outcome else { panic!("{outcome:?}") };
        assert_eq!([items[0].id, items[1].id], [good, customer]);
        assert!(world.news(BUDI, &before).await.iter().all(|entry| entry.seq == seq));
    }
}

#[tokio::test]
async fn what_names_a_refused_create_is_blocked_and_not_refused() {
    for world in World::both() {
        let customer = world.id();
        let activity = |world: &World| {
            create("activities", world.id(), json!({"customer": customer, "kind": "visit", "subject": "S", "at": 1}))
        };
        let refused = world.parcel(vec![create("customers", customer, json!({"name": ""}))]);
        let waits = world.parcel(vec![activity(&world)]);
        let other = world.parcel(vec![create("customers", world.id(), json!({"name": "B"}))]);
        let results = world.push(BUDI, vec![refused, waits.clone(), other]).await;
        assert_eq!(code(&results[0].outcome), ProblemCode::Validation);
        assert_eq!(results[1].outcome, Outcome::Blocked { by: customer });
        assert!(is_applied(&results[2].outcome));
        // Blocked is not final: once the customer is there, the same parcel is applied.
        assert!(is_applied(&world.send(BUDI, vec![create("customers", customer, json!({"name": "A"}))]).await));
        assert!(is_applied(&world.push(BUDI, vec![waits]).await[0].outcome));
        // Alone, one that names nothing that is there is refused.
        let lost = create("activities", world.id(), json!({"customer": world.id(), "kind": "visit", "subject": "S", "at": 1}));
        assert_eq!(code(&world.send(BUDI, vec![lost]).await), ProblemCode::Validation);
    }
}

#[tokio::test]
async fn a_conflicting_customer_does_not_block_a_visit_to_it() {
    let world = World::new();
    let customer = world.create(BUDI, "customers", json!({"name": "A"})).await;
    world.send(BUDI, vec![update("customers", customer, 1, json!({"city": "Depok"}))]).await;
    let stale = world.parcel(vec![update("customers", customer, 1, json!({"name": "B"}))]);
    let visit = world.parcel(vec![create(
        "activities",
        world.id(),
        json!({"customer": customer, "kind": "visit", "subject": "S", "at": 1}),
    )]);
    let results = world.push(BUDI, vec![stale, visit]).await;
    assert!(matches!(results[0].outcome, Outcome::Conflict { .. }));
    assert!(is_applied(&results[1].outcome), "{results:?}");
}

#[tokio::test]
async fn a_request_that_fails_as_a_whole_leaves_nothing() {
    let world = World::with(Config { test_hooks: true, ..Config::default() });
    let parcels = vec![
        world.parcel(vec![create("customers", world.id(), json!({"name": "A"}))]),
        world.parcel(vec![create("customers", world.id(), json!({"name": "__poison_500__"}))]),
    ];
    let failed = world.post::<PushAnswer>(BUDI, "/sync/v1/push", &push_request(parcels)).await.unwrap_err();
    assert_eq!((failed.code, failed.retryable), (ProblemCode::Internal, true));
    assert_eq!(world.snapshot(BUDI).await.0, []);
}

#[tokio::test]
async fn rules_of_fields_and_records_hold_here_too() {
    let world = World::new();
    let customer = world.create(BUDI, "customers", json!({"name": "A"})).await;
    let deal = world.create(BUDI, "pipelines", json!({"customer": customer, "title": "T", "stage": "lead"})).await;
    let cases = [
        (update("pipelines", deal, 1, json!({"stage": "won"})), ProblemCode::Validation, Some("stage")),
        (update("customers", customer, 1, json!({"colour": 1})), ProblemCode::Validation, Some("colour")),
        (update("customers", customer, 1, json!({"name": null})), ProblemCode::Validation, Some("name")),
        (update("customers", customer, 1, json!({"owner": null})), ProblemCode::Validation, Some("owner")),
        (update("pipelines", deal, 1, json!({"value": {"x": "y".repeat(25_000)}})), ProblemCode::TooLarge, None),
        (create("pipelines", world.id(), json!({"title": "T", "stage": "lead"})), ProblemCode::Validation, Some("customer")),
        (create("moons", world.id(), json!({})), ProblemCode::Validation, None),
    ];
    for (item, expected, field) in cases {
        let outcome = world.send(BUDI, vec![item]).await;
        let Outcome::Rejected { problem } = outcome else { panic!("{outcome:?}") };
        assert_eq!((problem.code, problem.field.as_deref()), (expected, field), "{problem:?}");
    }
    // A record that grows over the limit by a small patch is refused, too.
    let large = world
        .create(
            BUDI,
            "pipelines",
            json!({"customer": customer, "title": "T", "stage": "lead", "value": {"x": "y".repeat(23_000)}}),
        )
        .await;
    let outcome = world.send(BUDI, vec![update("pipelines", large, 1, json!({"note": "z".repeat(2_000)}))]).await;
    assert_eq!(code(&outcome), ProblemCode::TooLarge);
}

#[tokio::test]
async fn parcels_have_limits_and_name_each_record_once() {
    let world = World::new();
    let id = world.id();
    assert_eq!(code(&world.send(BUDI, vec![]).await), ProblemCode::Malformed);
    let twice = vec![create("customers", id, json!({"name": "A"})), update("customers", id, 1, json!({"name": "B"}))];
    assert_eq!(code(&world.send(BUDI, twice).await), ProblemCode::Malformed);
    let many: Vec<_> = (0..51).map(|_| create("customers", world.id(), json!({"name": "A"}))).collect();
    assert_eq!(code(&world.send(BUDI, many).await), ProblemCode::TooLarge);
    let parcels = (0..1_001).map(|_| world.parcel(vec![])).collect();
    let refused = world.post::<PushAnswer>(BUDI, "/sync/v1/push", &push_request(parcels)).await.unwrap_err();
    assert_eq!(refused.code, ProblemCode::TooLarge);
}

#[tokio::test]
async fn old_apps_are_told_to_update_and_new_ones_to_wait() {
    let world = World::with(Config { schema_min: 1, ..Config::default() });
    let mut new = world.parcel(vec![create("customers", world.id(), json!({"name": "A"}))]);
    new.schema = 2;
    assert!(matches!(world.push(BUDI, vec![new]).await[0].outcome, Outcome::Retry { after: Some(_) }));
    let mut old = world.parcel(vec![create("customers", world.id(), json!({"name": "A"}))]);
    old.schema = 0;
    let refused = world.post::<PushAnswer>(BUDI, "/sync/v1/push", &push_request(vec![old])).await.unwrap_err();
    assert_eq!((refused.code, refused.status), (ProblemCode::Outdated, 426));
}

#[tokio::test]
async fn who_changed_which_field_when_is_kept_with_what_was_put_aside() {
    for world in World::both() {
        let id = world.create(BUDI, "customers", json!({"name": "A", "city": "Depok"})).await;
        let mut change = update("customers", id, 1, json!({"city": "Bogor"}));
        change.set_aside.push(fieldsync::core::protocol::SetAside {
            field: "segment".into(),
            value: json!("retail"),
            mine: true,
        });
        world.send(BUDI, vec![change]).await;
        let history = db::read(&*world.db, |tx| tx.history("customers", id, Version(0))).unwrap();
        let rows: Vec<_> =
            history.iter().map(|row| (row.version.0, row.field.as_str(), &row.value, &row.previous, row.set_aside)).collect();
        let null = Value::Null;
        assert!(rows.contains(&(1, "city", &json!("Depok"), &null, false)));
        assert!(rows.contains(&(2, "city", &json!("Bogor"), &json!("Depok"), false)));
        assert!(rows.contains(&(2, "segment", &json!("retail"), &null, true)));
        assert!(history.iter().all(|row| row.by.id == BUDI && row.by.device.is_some()));
    }
}

#[tokio::test]
async fn a_preview_answers_like_a_push_and_keeps_nothing() {
    for world in World::both() {
        let parcel = world.parcel(vec![create("customers", world.id(), json!({"name": " A ", "code": "jkt-001"}))]);
        let request = push_request(vec![parcel]);
        let preview: PushAnswer = world.post(BUDI, "/sync/v1/preview", &request).await.unwrap();
        assert!(is_applied(&preview.results[0].outcome));
        assert_eq!(world.snapshot(BUDI).await.0, []);
        let push: PushAnswer = world.post(BUDI, "/sync/v1/push", &request).await.unwrap();
        // The commit of a preview is not there: what tells of it differs.
        assert_eq!(push.results[0].outcome, preview.results[0].outcome);
    }
}
