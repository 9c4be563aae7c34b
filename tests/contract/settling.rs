//! What a person settles in the sync centre: discard, with its Undo.

use fieldsync::client::SettleError;
use fieldsync::core::parcel::Then;
use fieldsync::core::record::{RecordId, RowId};
use fieldsync::ports::{Read, Store};
use serde_json::json;

use super::world::{BUDI, Device, Fault, World};

/// The row ids of a record's changes, as the sync centre has them.
fn rows(phone: &Device, id: RecordId) -> Vec<RowId> {
    let outbox = phone.client.outbox();
    outbox.iter().filter(|entry| entry.record() == id).flat_map(|entry| entry.rows()).collect()
}

async fn intents(phone: &Device) -> Vec<Option<Then>> {
    phone.store.read(vec![Read::Parcels]).await.unwrap().parcels.iter().map(|parcel| parcel.then).collect()
}

/// A create of which nobody knows whether it arrived: with this fault, it did or did not.
async fn in_flight(phone: &Device, fault: Fault) -> RecordId {
    let id = phone.create("customers", json!({"name": "PT Askrindo"})).await;
    phone.fail(&[fault]);
    phone.sync().await;
    id
}

#[tokio::test]
async fn a_discard_that_waits_for_an_answer_can_be_taken_back() {
    for fault in [Fault::Refuse, Fault::LoseAnswer] {
        let world = World::new();
        let phone = world.device(BUDI).await;
        let id = in_flight(&phone, fault).await;
        let undo = phone.client.discard(rows(&phone, id)[0]).await.unwrap();
        assert_eq!((undo.is_later(), intents(&phone).await), (true, vec![Some(Then::Discard)]));
        phone.client.restore(&undo).await.unwrap();
        assert_eq!(intents(&phone).await, [None]);
        phone.sync().await;
        assert_eq!((phone.unsent(), world.server(BUDI, "customers").await.len()), (0, 1));
        assert_eq!(phone.value("customers", id, "name"), "PT Askrindo");
    }
}

/// The server has voided the parcel, and the device has not heard: its changes go under another op_id.
#[tokio::test]
async fn a_discard_is_taken_back_while_it_is_being_asked_for() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let id = in_flight(&phone, Fault::Refuse).await;
    let undo = phone.client.discard(rows(&phone, id)[0]).await.unwrap();
    phone.fail(&[Fault::LoseAnswer]);
    phone.sync().await;
    phone.client.restore(&undo).await.unwrap();
    phone.sync().await;
    phone.sync().await;
    assert_eq!((phone.unsent(), world.server(BUDI, "customers").await.len()), (0, 1));
}

#[tokio::test]
async fn a_discard_that_was_done_is_not_called_undone() {
    for (fault, left) in [(Fault::Refuse, 0), (Fault::LoseAnswer, 1)] {
        let world = World::new();
        let phone = world.device(BUDI).await;
        let id = in_flight(&phone, fault).await;
        let undo = phone.client.discard(rows(&phone, id)[0]).await.unwrap();
        // Nothing more is sent in this cycle: of what had arrived, the opposite change is made and waits.
        phone.fail(&[Fault::Pass, Fault::Refuse]);
        phone.sync().await;
        assert_eq!(phone.unsent(), left);
        assert_eq!(phone.client.restore(&undo).await, Err(SettleError::Moved));
        assert_eq!(phone.unsent(), left, "nothing was put back");
    }
}
