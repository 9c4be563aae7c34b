//! Another server under the same address: nothing of it is taken, nothing goes to it, and the first one finds all as it was.

use std::collections::BTreeSet;

use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::Request;
use fieldsync::core::status::SyncState;
use fieldsync::memory::MemoryStore;
use fieldsync::ports::{Read, Store};
use fieldsync_server::db;
use serde_json::json;

use super::world::{BUDI, Device, Fault, World};

/// The same database, with another server under its address.
async fn moved(phone: &Device, to: &World) -> Device {
    to.later(phone.world.now().since(to.now()).max(0));
    to.context(BUDI, phone.store.clone()).await
}

async fn pull_of(device: &Device) -> serde_json::Value {
    device.client.diagnostics().await.unwrap()["pull"].clone()
}

#[tokio::test]
async fn nothing_of_another_server_is_taken_and_the_first_one_goes_on() {
    let (first, second) = (World::new(), World::new());
    second.later(5_000); // Or the ids would be the same.
    let other = second.device(BUDI).await;
    let theirs = other.create("customers", json!({"name": "PT Lain"})).await;
    other.sync().await;
    let phone = first.device(BUDI).await;
    let sent = phone.create("customers", json!({"name": "PT Terkirim"})).await;
    phone.sync().await;
    let unsent = phone.create("customers", json!({"name": "PT Belum"})).await;
    let before = pull_of(&phone).await;

    let away = moved(&phone, &second).await;
    for _ in 0..5 {
        away.sync().await;
        let status = away.client.status();
        assert_eq!((status.state, status.other_server), (SyncState::Misconfigured, Some(second.server_epoch())));
        assert_eq!((status.pending, pull_of(&away).await), (1, before.clone()));
    }
    assert!(away.client.preview().await.is_err());
    assert_eq!(away.client.status().server_epoch, Some(first.server_epoch()));
    assert!(away.get("customers", theirs).is_none() && away.get("customers", sent).is_some());
    assert_eq!(second.server(BUDI, "customers").await.len(), 1, "nothing went there");
    let seen = away.wire.seen.borrow().len();
    assert!(!away.client.cycle(Reason::Background).await.unsent, "the browser need not come again");
    assert_eq!(away.wire.seen.borrow().len(), seen, "only who opens the app, or asks, makes it look again");

    let back = moved(&away, &first).await;
    back.client.is_for(first.server_epoch()).await.unwrap();
    assert_eq!(back.client.status().other_server, None);
    back.client.cycle(Reason::Timer).await;
    assert_eq!((back.unsent(), back.client.status().state), (0, SyncState::Synced));
    let names = first.server(BUDI, "customers").await.into_iter().map(|entry| (entry.id, entry.version.0));
    assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from([(sent, 1), (unsent, 1)]));
    back.sync().await; // Its trace replays.
}

/// Without a cursor, the server's lifetime alone tells that a push is not for it.
#[tokio::test]
async fn a_push_before_the_first_pull_does_not_go_to_another_server() {
    let (first, second) = (World::new(), World::new());
    let phone = first.device(BUDI).await;
    phone.create("customers", json!({"name": "PT Terkirim"})).await;
    phone.fail(&[Fault::Pass, Fault::Refuse]);
    phone.sync().await;
    phone.create("customers", json!({"name": "PT Belum"})).await;
    assert!(pull_of(&phone).await["cursor"].is_null());
    let away = moved(&phone, &second).await;
    away.sync().await;
    assert_eq!((away.unsent(), away.client.status().other_server), (1, Some(second.server_epoch())));
    assert!(second.server(BUDI, "customers").await.is_empty());
}

/// The outcome of a parcel is the word of the server that it was sent to. Another one would say that it never came, and note
/// that it is never to be applied.
#[tokio::test]
async fn what_became_of_a_parcel_is_not_asked_of_another_server() {
    let (first, second) = (World::new(), World::new());
    let phone = first.device(BUDI).await;
    phone.sync().await;
    let id = phone.create("customers", json!({"name": "PT Askrindo"})).await;
    phone.fail(&[Fault::LoseAnswer]);
    phone.sync().await;
    let row = phone.client.outbox()[0].rows().next().unwrap();
    assert!(phone.client.discard(row).await.unwrap().is_later());
    let op_id = phone.store.read(vec![Read::Parcels]).await.unwrap().parcels[0].op_id;

    let away = moved(&phone, &second).await;
    away.sync().await;
    assert!(matches!(away.wire.seen.borrow().last(), Some(Request::Void(_))));
    assert_eq!((away.unsent(), away.client.status().other_server), (1, Some(second.server_epoch())));
    let noted = db::read(&*second.db, |tx| tx.ledger(op_id)).unwrap();
    assert_eq!(noted.map(|row| row.outcome), None, "it is not for the second to say");

    let back = moved(&away, &first).await;
    back.client.is_for(first.server_epoch()).await.unwrap();
    back.sync().await;
    back.sync().await;
    assert_eq!((back.unsent(), back.get("customers", id)), (0, None));
    assert!(first.server(BUDI, "customers").await.is_empty(), "it was applied there, and is taken back there");
}

#[tokio::test]
async fn a_database_made_for_a_server_takes_no_other() {
    let (first, second) = (World::new(), World::new());
    let phone = second.context(BUDI, MemoryStore::new()).await;
    phone.client.is_for(first.server_epoch()).await.unwrap();
    phone.create("customers", json!({"name": "PT Belum"})).await;
    phone.sync().await;
    assert_eq!((phone.unsent(), phone.client.status().other_server), (1, Some(second.server_epoch())));
    let back = moved(&phone, &first).await;
    back.sync().await;
    assert_eq!((back.unsent(), first.server(BUDI, "customers").await.len()), (0, 1));
}
