//! A full disk: room that was kept is given up for what is unsent, and kept again once nothing is.

use fieldsync::client::SaveError;
use fieldsync::core::machine::Reason;
use fieldsync::core::rows::derived::RESERVE_BYTES;
use fieldsync::core::status::SyncState;
use fieldsync::data::table::RecordStatus;
use fieldsync::memory;
use fieldsync::ports::{Read, StoreError};
use serde_json::json;

use super::world::{AHMAD, BUDI, Device, Fault, World};

/// How much room a device keeps, in bytes.
fn kept(device: &Device) -> Option<usize> {
    let rows = device.store.peek(&[Read::Derived("reserve".into()), Read::Derived("reserved".into())]);
    assert_eq!(rows.derived.contains_key("reserve"), rows.derived.contains_key("reserved"), "both or neither");
    rows.derived.get("reserve").map(Vec::len)
}

/// So many transactions find no room.
fn full(device: &Device, times: usize) {
    (0..times).for_each(|_| device.store.fail_next(memory::Fault::Before(StoreError::Full)));
}

#[tokio::test]
async fn room_that_was_kept_is_given_up_for_a_save() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    assert_eq!(kept(&phone), None, "not before the first data is here, which matters more");
    phone.sync().await;
    assert_eq!(kept(&phone), Some(RESERVE_BYTES));
    full(&phone, 2);
    let id = phone.create("customers", json!({"name": "PT Penuh"})).await;
    assert_eq!((kept(&phone), phone.unsent()), (None, 1));
    assert_ne!(phone.client.status().state, SyncState::Full, "it is saved");
    assert_eq!(phone.client.status().errors.last().unwrap().code, "storage", "and support can see how near it was");
    // What is unsent needs the room more.
    phone.fail(&[Fault::Refuse]);
    phone.sync().await;
    assert_eq!((kept(&phone), phone.unsent()), (None, 1));
    world.later(60_000);
    phone.sync().await;
    assert_eq!((kept(&phone), phone.get("customers", id).unwrap().status), (Some(RESERVE_BYTES), RecordStatus::Synced));
    // Another context finds it there.
    let tab = world.context(BUDI, phone.store.clone()).await;
    tab.sync().await;
    assert_eq!(kept(&tab), Some(RESERVE_BYTES));
}

#[tokio::test]
async fn without_any_room_a_save_is_refused_and_nothing_is_kept_of_it() {
    let world = World::new();
    let office = world.device(AHMAD).await;
    office.sync().await;
    office.client.fetch_report("team").await.unwrap();
    let before = office.create("customers", json!({"name": "PT Lama"})).await;
    full(&office, 6);
    let shown = office.get("customers", before).unwrap();
    let refused = office.client.save(vec![office.edit(&shown, json!({"city": "Bogor"}))], 0).await;
    assert_eq!(refused, Err(SaveError::Store(StoreError::Full)));
    assert_eq!((office.unsent(), office.client.status().state), (1, SyncState::Full));
    assert_eq!(office.value("customers", before, "city"), json!(null));
    // What is derived goes before a save is refused.
    full(&office, 4);
    office.client.save(vec![office.edit(&shown, json!({"city": "Bogor"}))], 0).await.unwrap();
    let reports = office.store.peek(&[Read::Derived("reports".into())]);
    assert!(reports.derived.is_empty() && kept(&office).is_none());
    assert_ne!(office.client.status().state, SyncState::Full);
    office.sync().await;
    assert_eq!((office.unsent(), world.server(AHMAD, "customers").await[0].fields["city"].clone()), (0, json!("Bogor")));
}

/// A full disk must not keep the outbox from being sent: a begin and an answer write before they free anything.
#[tokio::test]
async fn a_full_disk_does_not_stop_the_sending() {
    let mut sent_at_once = Vec::new();
    for late in 0..8 {
        let world = World::new();
        let phone = world.device(BUDI).await;
        phone.sync().await;
        for n in 0..3 {
            phone.create("customers", json!({"name": format!("PT {n}")})).await;
        }
        (0..late).for_each(|_| phone.store.fail_next(memory::Fault::Pass));
        full(&phone, 1);
        phone.client.cycle(Reason::User).await;
        phone.store.forget_faults();
        sent_at_once.push(phone.unsent() == 0);
        world.later(60_000);
        phone.sync().await;
        assert_eq!((phone.unsent(), world.server(BUDI, "customers").await.len()), (0, 3), "{late}");
    }
    assert_eq!(sent_at_once, [true; 8]);
}
