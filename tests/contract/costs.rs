//! What a cycle costs: transactions of the store, counted.

use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::Request;
use serde_json::json;

use super::world::{AHMAD, BUDI, Device, World};

/// The transactions of one cycle.
async fn cost(device: &Device) -> u64 {
    let before = device.store.transactions();
    device.client.cycle(Reason::User).await;
    device.store.transactions() - before
}

#[tokio::test]
async fn a_cycle_that_finds_nothing_reads_once_and_writes_once() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let id = phone.create("customers", json!({"name": "Toko Jaya"})).await;
    phone.sync().await;
    phone.sync().await;
    world.later(60_000);
    // One read at its beginning, and where the engine stands with its trace at its end.
    assert_eq!(cost(&phone).await, 2);
    assert_eq!(phone.client.status().last_synced_at, Some(world.now()), "and yet it is known when");
    assert_eq!(phone.get("customers", id).unwrap().last_synced_at, Some(world.now()));
    let again = world.context(BUDI, phone.store.clone()).await;
    assert_eq!(again.client.status().last_synced_at, Some(world.now()), "after a restart too");
}

#[tokio::test]
async fn a_cycle_with_one_change_costs_little_more() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.create("customers", json!({"name": "Toko Jaya"})).await;
    phone.sync().await;
    phone.create("customers", json!({"name": "Toko Baru"})).await;
    // The read; begin and answer; the page; the engine, and the end of sending.
    assert_eq!(cost(&phone).await, 6);
    assert_eq!(phone.unsent(), 0);
}

/// The second batch is begun while the first is on its way, and each after it in the transaction that takes the answer to the one
/// before the last.
#[tokio::test]
async fn a_batch_more_costs_one_transaction_more() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.create("customers", json!({"name": "Toko Jaya"})).await;
    phone.sync().await;
    // Nothing comes with the pull but what was sent.
    for (count, batches) in [(100, 1), (1_500, 3)] {
        for n in 0..count {
            phone.create("customers", json!({"name": format!("Toko {n}")})).await;
        }
        let sent = phone.wire.seen.borrow().len();
        let cost = cost(&phone).await;
        let seen = &phone.wire.seen.borrow()[sent..];
        let pushes = seen.iter().filter(|request| matches!(request, Request::Push(_))).count() as u64;
        assert_eq!((pushes, phone.unsent()), (batches, 0));
        // The read; one begin or two, and each answer; each page of the feed; the engine, and the end of sending.
        let (begins, pulled) = (batches.min(2), seen.len() as u64 - pushes);
        assert_eq!(cost, 1 + (begins + pushes) + pulled + 2, "{count}");
    }
}

#[tokio::test]
async fn what_another_tab_saved_is_found_by_the_one_read() {
    let world = World::new();
    let tab = world.device(BUDI).await;
    tab.sync().await;
    let other = world.context(BUDI, tab.store.clone()).await;
    other.create("customers", json!({"name": "Toko Jaya"})).await;
    tab.sync().await;
    assert_eq!(world.server(AHMAD, "customers").await.len(), 1);
    other.client.refresh(None).await.unwrap();
    assert_eq!((tab.unsent(), other.unsent()), (0, 0));
}

/// What is saved of a record while its first change is at the server is begun over what the answer makes of it: not over the base
/// before, which the server would refuse, and only then tell.
#[tokio::test]
async fn what_is_saved_meanwhile_goes_next_and_over_the_answer() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let id = phone.create("customers", json!({"name": "Toko Jaya"})).await;
    phone.sync().await;
    phone.update("customers", id, json!({"city": "Bogor"})).await;
    let sent = phone.wire.seen.borrow().len();
    let before = phone.store.transactions();
    tokio::join!(phone.client.cycle(Reason::User), phone.update("customers", id, json!({"city": "Depok"})));
    let cost = phone.store.transactions() - before;
    let pushed = |request: &Request| if let Request::Push(push) = request { Some(push.parcels.len()) } else { None };
    let pushes: Vec<usize> = phone.wire.seen.borrow()[sent..].iter().filter_map(pushed).collect();
    assert_eq!((pushes, phone.unsent()), (vec![1, 1], 0));
    assert_eq!(cost, 8, "the save and what it leads to, and one answer more");
    let server = world.server(BUDI, "customers").await;
    assert_eq!((&server[0].fields["city"], server[0].version.0), (&json!("Depok"), 3));
}
