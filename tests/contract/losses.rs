//! Storage that the browser cleared: the next store hears what was in it, once, and only what is sure.

use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::{PushRequest, Request};
use fieldsync::core::status::SyncState;
use serde_json::json;

use super::world::{BUDI, Device, Fault, SARI, World};

const PHONE: u128 = 901;
/// The server panics over it, and the change stays open.
const POISON: &str = "__poison_panic__";

/// The pushes that this device made.
fn pushes(device: &Device) -> Vec<PushRequest> {
    let push = |request: &Request| if let Request::Push(push) = request { Some(push.clone()) } else { None };
    device.wire.seen.borrow().iter().filter_map(push).collect()
}

/// A phone with one change that was sent and one that stays open, when it last pushed.
async fn with_one_open(world: &World) -> Device {
    let phone = world.cleared(BUDI, PHONE).await;
    phone.create("customers", json!({"name": "PT Terkirim"})).await;
    let bad = phone.create("customers", json!({"name": "PT Tertahan", "notes": POISON})).await;
    phone.sync().await;
    assert_eq!(phone.unsent(), 1);
    assert!(phone.get("customers", bad).is_some());
    phone
}

#[tokio::test]
async fn a_store_that_came_after_a_cleared_one_says_what_is_missing_until_the_user_knows() {
    let world = World::new();
    with_one_open(&world).await;
    world.later(60_000);
    let next = world.cleared(BUDI, PHONE).await;
    next.sync().await;
    let status = next.client.status();
    let lost = status.lost.unwrap();
    assert_eq!((status.state, lost.changes, lost.records), (SyncState::Lost, 1, 1));
    assert_eq!(lost.at, world.now().plus(-60_000), "when it was last heard of");
    assert_eq!(next.server_names(&world).await, ["PT Terkirim"]);
    // It is still known after a restart, and so is that the user knows.
    let again = world.context(BUDI, next.store.clone()).await;
    assert_eq!(again.client.status().state, SyncState::Lost);
    again.client.acknowledge_loss().await.unwrap();
    next.client.refresh(None).await.unwrap();
    assert_eq!((next.client.status().state, next.client.status().lost), (SyncState::Synced, None));
    // The server hears of it, and a third store is not told.
    next.sync().await;
    assert_eq!(pushes(&next).last().unwrap().acknowledged.len(), 1);
    let sent = pushes(&next).len();
    next.sync().await;
    assert_eq!(pushes(&next).len(), sent);
    let third = world.cleared(BUDI, PHONE).await;
    third.sync().await;
    assert_eq!(third.client.status().state, SyncState::Synced);
}

#[tokio::test]
async fn a_store_asks_once_and_then_an_empty_outbox_costs_no_push() {
    let world = World::new();
    for browser in [1, 2] {
        let phone = world.cleared(BUDI, browser).await;
        for _ in 0..3 {
            phone.sync().await;
        }
        assert_eq!(pushes(&phone).len(), 1);
        assert!(pushes(&phone)[0].parcels.is_empty());
        phone.create("customers", json!({"name": "PT"})).await;
        phone.sync().await;
        phone.sync().await;
        assert_eq!(pushes(&phone).len(), 2, "what was sent and answered leaves nothing to tell");
    }
}

#[tokio::test]
async fn what_the_user_discarded_after_the_last_push_is_not_missed() {
    let world = World::new();
    let phone = with_one_open(&world).await;
    let listed = serde_json::to_value(phone.client.outbox()).unwrap();
    let row = listed[0]["changes"][0]["row"].as_str().unwrap().parse().unwrap();
    phone.client.discard(row).await.unwrap();
    phone.sync().await;
    assert_eq!(phone.unsent(), 0);
    let last = pushes(&phone).pop().unwrap();
    assert!(last.parcels.is_empty() && last.open.is_empty(), "{last:?}");
    let next = world.cleared(BUDI, PHONE).await;
    next.sync().await;
    assert_eq!(next.client.status().state, SyncState::Synced);
}

#[tokio::test]
async fn a_store_that_said_goodbye_another_user_s_and_one_in_another_browser_are_not_missed() {
    let world = World::new();
    let phone = with_one_open(&world).await;
    for (user, browser) in [(SARI, PHONE), (BUDI, PHONE + 1)] {
        let other = world.cleared(user, browser).await;
        other.sync().await;
        assert_eq!(other.client.status().lost, None);
    }
    phone.client.goodbye().await.unwrap();
    let next = world.cleared(BUDI, PHONE).await;
    next.sync().await;
    assert_eq!(next.client.status().lost, None);
}

#[tokio::test]
async fn a_store_that_came_back_is_not_missed_any_more() {
    let world = World::new();
    let phone = with_one_open(&world).await;
    let next = world.cleared(BUDI, PHONE).await;
    next.sync().await;
    assert_eq!(next.client.status().state, SyncState::Lost);
    world.later(60_000);
    phone.client.cycle(Reason::User).await;
    next.create("customers", json!({"name": "PT"})).await;
    next.sync().await;
    assert_eq!((next.client.status().state, next.client.status().lost), (SyncState::Synced, None));
}

#[tokio::test]
async fn a_question_that_fails_is_asked_again_and_keeps_nobody_from_pulling() {
    let world = World::new();
    with_one_open(&world).await;
    let next = world.cleared(BUDI, PHONE).await;
    next.fail(&[Fault::Ours(500, "internal")]);
    next.sync().await;
    assert_eq!((next.client.status().state, next.server_names(&world).await.len()), (SyncState::Synced, 1));
    assert!(next.client.list("customers", &Default::default()).1, "everything was pulled");
    for fault in [Fault::Refuse, Fault::LoseAnswer] {
        next.fail(&[fault]);
        next.sync().await;
        assert_eq!(next.client.status().state, SyncState::Offline);
    }
    next.sync().await;
    assert_eq!(next.client.status().state, SyncState::Lost);
}

impl Device {
    /// The names of the customers that the server has.
    async fn server_names(&self, world: &World) -> Vec<String> {
        let all = world.server(BUDI, "customers").await;
        all.iter().filter_map(|entry| entry.fields["name"].as_str().map(str::to_owned)).collect()
    }
}
