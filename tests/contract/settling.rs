//! What a person settles in the sync centre: try again, and discard with its Undo.

use fieldsync::client::SettleError;
use fieldsync::core::parcel::Then;
use fieldsync::core::protocol::{Action, Item, PushParcel, PushRequest, Request};
use fieldsync::core::record::{Millis, OpId, RecordId, RowId, UserId};
use fieldsync::core::rules::{Rule, Violation};
use fieldsync::data::table::RecordStatus;
use fieldsync::data::unfit::Unfit;
use fieldsync::memory;
use fieldsync::ports::{Read, Store, Transport};
use serde_json::json;

use super::world::{AHMAD, BUDI, Device, Fault, SARI, World, fields};

/// The row ids of a record's changes, as the sync centre has them.
fn rows(phone: &Device, id: RecordId) -> Vec<RowId> {
    let outbox = phone.client.outbox();
    outbox.iter().filter(|entry| entry.record() == id).flat_map(|entry| entry.rows()).collect()
}

/// The manager gives a customer of the one to the other.
pub async fn give(office: &Device, id: RecordId, from: UserId, to: UserId) {
    let shown = office.get("customers", id).unwrap();
    let item = Item {
        collection: "customers".into(),
        id,
        action: Action::Update,
        base_version: shown.version,
        patch: fields(json!({"owner": to})),
        seen: fields(json!({"owner": from})),
        seen_version: None,
        set_aside: vec![],
        edited_at: Millis(0),
    };
    let parcel = PushParcel { op_id: OpId(office.row().0), changes: vec![office.row()], schema: 1, items: [item].into() };
    let whole = json!({"device": office.row(), "epoch": office.row(), "allocated_seq": 0, "open": [], "parcels": [parcel]});
    let request: PushRequest = serde_json::from_value(whole).unwrap();
    office.wire.send(&Request::Push(request)).await.unwrap();
}

#[tokio::test]
async fn trying_again_what_cannot_be_sent_says_why() {
    let world = World::new();
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let broken = phone.create("customers", json!({"city": "Jakarta"})).await;
    let [row] = rows(&phone, broken)[..] else { panic!() };
    let required = Unfit::Broken(Violation { field: "name".into(), rule: Rule::Required });
    assert_eq!(phone.client.retry(row).await, Err(SettleError::Unfit(required.clone())));
    phone.sync().await;
    assert_eq!(phone.client.retry(row).await, Err(SettleError::Unfit(required)));
    phone.update("customers", broken, json!({"name": "PT Perbaiki"})).await;
    assert_eq!(phone.client.retry(row).await, Ok(()));
    assert_eq!(phone.get("customers", broken).unwrap().status, RecordStatus::Pending, "mended, and not sent yet");
    phone.sync().await;
    assert_eq!(phone.client.retry(row).await, Err(SettleError::NotFound), "it has ended");

    office.sync().await;
    give(&office, broken, BUDI, SARI).await;
    phone.update("customers", broken, json!({"city": "Depok"})).await;
    let [row] = rows(&phone, broken)[..] else { panic!() };
    phone.sync().await;
    phone.sync().await;
    let taken = phone.get("customers", broken).unwrap();
    assert_eq!(
        (taken.status, taken.pending),
        (RecordStatus::Failed, Some(Action::Update)),
        "an edit of what was taken makes nothing"
    );
    assert_eq!(phone.client.retry(row).await, Err(SettleError::Unfit(Unfit::Revoked)));
}

#[tokio::test]
async fn trying_again_sends_what_was_refused_under_a_new_op_id() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let first = phone.create("customers", json!({"name": "A", "code": "JKT-001"})).await;
    phone.sync().await;
    let taken = phone.create("customers", json!({"name": "B", "code": "JKT-001"})).await;
    phone.sync().await;
    assert_eq!(phone.get("customers", taken).unwrap().status, RecordStatus::Failed);
    phone.update("customers", first, json!({"code": "JKT-002"})).await;
    phone.sync().await;
    phone.client.retry(rows(&phone, taken)[0]).await.unwrap();
    phone.sync().await;
    assert_eq!((phone.unsent(), phone.get("customers", taken).unwrap().status), (0, RecordStatus::Synced));
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

/// The commit went unseen, and the work was done again: it found nothing to discard, and the user was told so.
#[tokio::test]
async fn a_discard_that_ran_twice_can_be_taken_back() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let id = phone.create("customers", json!({"name": "PT Askrindo"})).await;
    phone.store.fail_next(memory::Fault::LostAnswer);
    let undo = phone.client.discard(rows(&phone, id)[0]).await.unwrap();
    assert_eq!(phone.unsent(), 0);
    phone.client.restore(&undo).await.unwrap();
    assert_eq!((phone.unsent(), phone.value("customers", id, "name")), (1, json!("PT Askrindo")));
}

#[tokio::test]
async fn undo_pressed_again_puts_nothing_back_that_was_sent_since() {
    for is_pressed_elsewhere in [false, true] {
        let world = World::new();
        let phone = world.device(BUDI).await;
        let id = phone.create("customers", json!({"name": "PT Askrindo"})).await;
        let undo = phone.client.discard(rows(&phone, id)[0]).await.unwrap();
        let tab = world.context(BUDI, phone.store.clone()).await;
        phone.client.restore(&undo).await.unwrap();
        phone.sync().await;
        let pressed = if is_pressed_elsewhere { &tab } else { &phone };
        pressed.client.restore(&undo).await.unwrap();
        assert!(phone.store.peek(&[Read::Outbox]).outbox.is_empty(), "what it put back is over");
        assert_eq!(world.server(BUDI, "customers").await.len(), 1);
    }
}
