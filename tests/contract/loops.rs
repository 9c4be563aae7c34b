//! The loop itself: first sync, sending, pulling, groups, undo.

use fieldsync::client::{NewChange, SaveError};
use fieldsync::core::protocol::Action;
use fieldsync::core::record::{Fields, RecordId, Version};
use fieldsync::core::rules::{Rule, Violation};
use fieldsync::core::status::SyncState;
use fieldsync::data::table::RecordStatus;
use serde_json::json;

use super::world::{AHMAD, BUDI, Device, Fault, SARI, World, fields};

#[tokio::test]
async fn a_change_goes_up_and_comes_down_on_another_device() {
    let world = World::new();
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let id = phone.create("customers", json!({"name": "  PT   Askrindo ", "phone": "0812-3456-789"})).await;
    assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Pending);
    phone.sync().await;
    let here = phone.get("customers", id).unwrap();
    assert_eq!((here.status, here.version), (RecordStatus::Synced, Version(1)));
    assert_eq!(here.fields["name"], "PT Askrindo", "what the server made of it");
    office.sync().await;
    assert_eq!(office.get("customers", id).unwrap().fields, here.fields);
    assert_eq!(phone.client.status().state, SyncState::Synced);
    phone.update("customers", id, json!({"city": "Bandung"})).await;
    phone.sync().await;
    office.sync().await;
    assert_eq!(office.value("customers", id, "city"), "Bandung");
    phone.remove("customers", id).await;
    assert!(phone.client.list("customers", &serde_json::from_value(json!({})).unwrap()).0.is_empty());
    phone.sync().await;
    office.sync().await;
    assert!(office.get("customers", id).is_none());
}

#[tokio::test]
async fn the_first_sync_takes_pages_and_then_the_feed() {
    let world = World::new();
    let office = world.device(AHMAD).await;
    for n in 0..1_500 {
        office.create("customers", json!({"name": format!("PT {n}"), "owner": null})).await;
    }
    office.sync().await;
    assert_eq!(world.server(AHMAD, "customers").await.len(), 1_500);
    let again = world.device(AHMAD).await;
    again.sync().await;
    let (records, complete) = again.client.list("customers", &serde_json::from_value(json!({"sort": ["name"]})).unwrap());
    assert_eq!((records.len(), complete), (1_500, true));
    assert_eq!(again.client.status().state, SyncState::Synced);
}

#[tokio::test]
async fn what_depends_on_a_record_goes_after_it_and_a_group_goes_whole() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let customer = phone.create("customers", json!({"name": "Toko Jaya"})).await;
    let deal = phone.create("pipelines", json!({"customer": customer, "title": "Kopi", "stage": "lead"})).await;
    phone.update("pipelines", deal, json!({"stage": "qualified"})).await;
    phone.update("pipelines", deal, json!({"stage": "proposal"})).await;
    visit(&phone, customer, 1).await;
    assert_eq!(phone.get("pipelines", deal).unwrap().status, RecordStatus::Pending, "two legal steps break no rule");
    phone.sync().await;
    assert_eq!(phone.unsent(), 0, "{:?}", phone.client.outbox());
    let server = world.server(BUDI, "pipelines").await;
    assert_eq!(server[0].fields["stage"], "proposal");
    assert_eq!(world.server(BUDI, "activities").await.len(), 1);
    assert_eq!(world.server(BUDI, "customers").await[0].fields["visits"], 1);
}

/// A visit: an activity and the customer's counter, together.
async fn visit(phone: &Device, customer: RecordId, visits: i64) {
    let shown = phone.get("customers", customer).unwrap();
    let activity = RecordId(phone.row().0);
    let new = |collection: &str, record, action, version, seen, written| NewChange {
        row: phone.row(),
        collection: collection.to_owned(),
        record,
        action,
        version,
        seen,
        written,
    };
    let made = fields(json!({"customer": customer, "kind": "visit", "subject": "Visit", "at": 1_790_000_000_000_i64}));
    let writes = vec![
        new("activities", activity, Action::Create, Version(0), Fields::new(), made),
        new("customers", customer, Action::Update, shown.version, shown.fields.into_fields(), fields(json!({"visits": visits}))),
    ];
    phone.client.save(writes, 0).await.unwrap();
}

#[tokio::test]
async fn sixty_groups_over_one_customer_all_go() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let customer = phone.create("customers", json!({"name": "Toko Jaya"})).await;
    for n in 1..=60 {
        visit(&phone, customer, n).await;
    }
    phone.sync().await;
    assert_eq!(phone.unsent(), 0);
    assert_eq!(world.server(BUDI, "activities").await.len(), 60);
    assert_eq!(world.server(BUDI, "customers").await[0].fields["visits"], 60);
}

#[tokio::test]
async fn save_pressed_twice_is_one_change_even_after_it_was_sent() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let change = NewChange {
        row: phone.row(),
        collection: "customers".into(),
        record: RecordId(phone.row().0),
        action: Action::Create,
        version: Version(0),
        seen: Fields::new(),
        written: fields(json!({"name": "PT Dua"})),
    };
    phone.client.save(vec![change.clone()], 0).await.unwrap();
    phone.client.save(vec![change.clone()], 0).await.unwrap();
    assert_eq!(phone.client.outbox().len(), 1);
    phone.sync().await;
    phone.client.save(vec![change.clone()], 0).await.unwrap();
    phone.sync().await;
    let server = world.server(BUDI, "customers").await;
    assert_eq!((server.len(), server[0].version), (1, Version(1)));
    assert_eq!(phone.unsent(), 0);
    assert_eq!(phone.get("customers", change.record).unwrap().status, RecordStatus::Synced);
}

#[tokio::test]
async fn bad_input_is_refused_with_its_field_and_nothing_is_saved() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let attempt = |collection: &str, written: serde_json::Value| {
        let change = NewChange {
            row: phone.row(),
            collection: collection.to_owned(),
            record: RecordId(phone.row().0),
            action: Action::Create,
            version: Version(0),
            seen: Fields::new(),
            written: fields(written),
        };
        phone.client.save(vec![change], 0)
    };
    assert!(matches!(attempt("nothing", json!({})).await, Err(SaveError::UnknownCollection(_))));
    let Err(SaveError::Invalid(violations)) = attempt("customers", json!({"name": "A", "colour": 1})).await else { panic!() };
    assert_eq!((violations[0].field.as_str(), violations[0].rule), ("colour", Rule::Unknown));
    assert!(matches!(attempt("customers", json!({"name": 7})).await, Err(SaveError::Invalid(_))));
    assert!(matches!(attempt("customers", json!({"name": "A", "tags": ["x".repeat(25_000)]})).await, Err(SaveError::TooLarge)));
    let mixed = attempt("customers", json!({"name": "A", "owner": SARI})).await;
    assert_eq!(mixed, Err(SaveError::Mixed("owner".into())));
    assert_eq!(phone.unsent(), 0);
}

#[tokio::test]
async fn a_change_that_breaks_a_rule_is_kept_marked_and_sent_when_mended() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let id = phone.create("customers", json!({"city": "Jakarta"})).await;
    let other = phone.create("customers", json!({"name": "PT Baik"})).await;
    phone.sync().await;
    let failed = phone.get("customers", id).unwrap();
    assert_eq!((failed.status, failed.problem.unwrap().field.as_deref()), (RecordStatus::Failed, Some("name")));
    assert_eq!(phone.get("customers", other).unwrap().status, RecordStatus::Synced);
    phone.update("customers", id, json!({"name": "PT Perbaiki"})).await;
    phone.sync().await;
    assert_eq!(phone.unsent(), 0);
    assert_eq!(world.server(BUDI, "customers").await.len(), 2);
}

#[tokio::test]
async fn undo_before_sending_leaves_nothing_and_a_discard_can_be_taken_back() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let id = phone.create("customers", json!({"name": "PT Batal"})).await;
    let row = phone.store_rows().await[0];
    let undo = phone.client.discard(row).await.unwrap();
    assert!(phone.get("customers", id).is_none());
    phone.client.restore(&undo).await.unwrap();
    phone.sync().await;
    assert_eq!(world.server(BUDI, "customers").await.len(), 1);
}

#[tokio::test]
async fn discarding_what_is_in_flight_asks_the_server_first() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    // The server never saw it: it is voided, and a late copy of it would do nothing.
    let lost = phone.create("customers", json!({"name": "PT Hilang"})).await;
    phone.fail(&[Fault::Refuse]);
    phone.sync().await;
    let row = phone.store_rows().await[0];
    assert!(phone.client.discard(row).await.unwrap().is_later());
    phone.sync().await;
    assert!(phone.get("customers", lost).is_none());
    assert_eq!((phone.unsent(), world.server(BUDI, "customers").await.len()), (0, 0));
    // The server had applied it: the undo is a new change.
    phone.create("customers", json!({"name": "PT Sampai"})).await;
    phone.fail(&[Fault::LoseAnswer]);
    phone.sync().await;
    let row = phone.store_rows().await[0];
    assert!(phone.client.discard(row).await.unwrap().is_later());
    phone.sync().await;
    phone.sync().await;
    assert_eq!((phone.unsent(), world.server(BUDI, "customers").await.len()), (0, 0));
}

#[tokio::test]
async fn another_user_of_the_team_sees_nothing_of_mine_that_is_not_shared() {
    let world = World::new();
    let (budi, sari) = (world.device(BUDI).await, world.device(SARI).await);
    let id = budi.create("customers", json!({"name": "PT Budi"})).await;
    budi.sync().await;
    sari.sync().await;
    assert!(sari.get("customers", id).is_none());
}

impl Device {
    /// The row ids in the outbox.
    pub async fn store_rows(&self) -> Vec<fieldsync::core::record::RowId> {
        use fieldsync::ports::{Read, Store};
        self.store.read(vec![Read::Outbox]).await.unwrap().outbox.iter().map(|change| change.row).collect()
    }
}

/// A stage is validated: it moves where it may, or the save says where it may not, and nothing is kept of it.
#[tokio::test]
async fn a_stage_that_may_not_follow_is_refused_at_save_with_its_field_and_reason() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let customer = phone.create("customers", json!({"name": "Toko Jaya"})).await;
    let deal = phone.create("pipelines", json!({"customer": customer, "title": "Kopi", "stage": "lead"})).await;
    phone.sync().await;
    let shown = phone.get("pipelines", deal).unwrap();
    for (written, field, rule) in [
        (json!({"stage": "won"}), "stage", Rule::Transition),
        (json!({"stage": "sold"}), "stage", Rule::Value),
        (json!({"stage": "won", "note": "Deal!"}), "stage", Rule::Transition),
    ] {
        let refused = phone.client.save(vec![phone.edit(&shown, written.clone())], 0).await;
        assert_eq!(refused, Err(SaveError::Invalid(vec![Violation { field: field.into(), rule }])), "{written}");
        assert_eq!((phone.unsent(), phone.value("pipelines", deal, "stage")), (0, json!("lead")), "{written}");
    }
    // A rule of a field beside it is no reason to refuse: that one is kept, marked and mended.
    phone.update("pipelines", deal, json!({"probability": 300})).await;
    assert_eq!(phone.get("pipelines", deal).unwrap().status, RecordStatus::Failed);
    phone.update("pipelines", deal, json!({"probability": 30})).await;
    phone.update("pipelines", deal, json!({"stage": "qualified"})).await;
    phone.sync().await;
    let there = &world.server(BUDI, "pipelines").await[0].fields;
    assert_eq!((&there["stage"], &there["probability"]), (&json!("qualified"), &json!(30)));
}

/// What would happen now, of each record, and nothing of it does.
#[tokio::test]
async fn a_preview_says_what_would_become_of_each_record() {
    let world = World::new();
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let moved = phone.create("customers", json!({"name": "PT Pindah", "phone": "02100"})).await;
    office.create("customers", json!({"name": "PT Kode", "code": "JKT-001"})).await;
    phone.sync().await;
    office.sync().await;
    office.update("customers", moved, json!({"phone": "02122"})).await;
    office.sync().await;
    let fine = phone.create("customers", json!({"name": "PT Baik"})).await;
    phone.update("customers", moved, json!({"phone": "02111"})).await;
    let taken = phone.create("customers", json!({"name": "PT Sama", "code": "JKT-001"})).await;
    let preview = phone.client.preview().await.unwrap();
    let told = serde_json::to_value(&preview).unwrap();
    let of = |id: RecordId| told.as_array().unwrap().iter().find(|entry| entry["id"] == json!(id)).unwrap().clone();
    let entry = |id: RecordId, title: &str, outcome: &str| json!({"collection": "customers", "id": id, "title": title, "outcome": outcome});
    assert_eq!(of(fine), entry(fine, "PT Baik", "applied"));
    assert_eq!(of(moved), entry(moved, "PT Pindah", "conflict"));
    let refused = of(taken);
    assert_eq!((&refused["outcome"], &refused["title"]), (&json!("rejected"), &json!("PT Sama")));
    assert_eq!((&refused["problem"]["code"], &refused["problem"]["field"]), (&json!("taken"), &json!("code")));
    assert_eq!((phone.unsent(), preview.len(), phone.client.conflicts().len()), (3, 3, 0), "asking settles nothing");
    assert_eq!(world.server(BUDI, "customers").await.len(), 1);
}
