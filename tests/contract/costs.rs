//! What a cycle costs: transactions of the store, counted.

use fieldsync::core::machine::Reason;
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
    // The read; begin and answer; the page, and what it leads to in memory; the engine, and the end of sending.
    assert_eq!(cost(&phone).await, 7);
    assert_eq!(phone.unsent(), 0);
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
