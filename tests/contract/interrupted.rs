//! A selection that something comes in the midst of: another tab, a kill, a restored server, the user who stops it.

use std::cell::Cell;
use std::rc::Rc;

use fieldsync::client::Here;
use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::Request;
use fieldsync::core::status::SyncState;
use serde_json::json;

use super::crashes::Dying;
use super::selection::{Shop, asked, changes, here, kept, select, shown, state};
use super::world::{AHMAD, BUDI, Fault, SARI};

#[tokio::test]
async fn another_tab_that_changes_the_selection_meanwhile_wins_over_the_page_under_way() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    let other = shop.world.context(BUDI, phone.store.clone()).await;
    let worker = shop.world.worker(BUDI, phone.store.clone()).await;
    select(&other, json!({"activities": false})).await;
    // The tab that has not heard of it asks for what it knows; its page is not written, and the next one is right.
    phone.sync().await;
    assert_eq!(kept(&phone.store, "activities").await, []);
    worker.client.cycle(Reason::Background).await;
    assert_eq!(kept(&phone.store, "activities").await, []);
    select(&phone, json!({"activities": {"days": 60}})).await;
    worker.client.cycle(Reason::Background).await;
    other.client.refresh(None).await.unwrap();
    assert_eq!((here(&other, "activities"), shown(&other, "activities").len()), (Here::Part, 2));
}

#[tokio::test]
async fn a_kill_between_any_two_transactions_ends_at_what_was_chosen_last() {
    for commits in [false, true] {
        for steps in 1.. {
            let shop = Shop::new().await;
            let phone = shop.world.device(BUDI).await;
            phone.sync().await;
            phone.update("activities", shop.visits[2], json!({"subject": "Ditunda"})).await;
            let left = Rc::new(Cell::new(steps));
            let dying = Dying { store: phone.store.clone(), left: left.clone(), commits };
            let mut chosen = 0;
            if let Ok((client, _)) = shop.world.client(BUDI, dying, None).await {
                let wishes = [
                    json!({"activities": false, "pipelines": false}),
                    json!({"activities": {"days": 60}}),
                    json!({"pipelines": true}),
                ];
                for wish in wishes {
                    let is_chosen = client.select(&changes(wish)).await.is_ok();
                    chosen += u32::from(is_chosen);
                    client.cycle(Reason::User).await;
                }
            }
            let is_whole = left.get() > 0;
            let again = shop.world.context(BUDI, phone.store.clone()).await;
            again.sync().await;
            again.sync().await;
            assert_eq!((again.unsent(), again.client.status().failed), (0, 0), "{commits} {steps}");
            let there = shop.world.server(BUDI, "activities").await;
            let subject = there.iter().find(|entry| entry.id == shop.visits[2]).map(|entry| entry.fields["subject"].clone());
            assert_eq!(subject, Some(json!("Ditunda")), "{commits} {steps}");
            // A choice whose commit nobody saw may have been made.
            let selection = state(&phone.store).await.selection;
            let pipelines = if selection.wants("pipelines") { vec![shop.deal] } else { vec![] };
            let activities = match selection.of("activities") {
                None => vec![],
                Some(part) if part.days.is_some() => shop.visits[..2].to_vec(),
                Some(_) => shop.visits.to_vec(),
            };
            assert_eq!((shown(&again, "pipelines"), shown(&again, "activities")), (pipelines, activities), "{commits} {steps}");
            if is_whole {
                assert!(steps > 10 && chosen == 3, "it takes more than {steps} steps");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_selection_that_was_interrupted_goes_on_at_its_page() {
    let shop = Shop::new().await;
    let shopkeeper = shop.world.device(BUDI).await;
    shopkeeper.sync().await;
    for _ in 0..150 {
        Shop::visit(&shopkeeper, shop.customer, 1).await;
    }
    shopkeeper.sync().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"activities": false})).await;
    phone.sync().await;
    select(&phone, json!({"activities": true})).await;
    phone.client.spare(true);
    phone.fail(&[Fault::Pass, Fault::Refuse]);
    phone.sync().await;
    let half = kept(&phone.store, "activities").await.len();
    assert_eq!((half, here(&phone, "activities")), (100, Here::Loading));
    let status = phone.client.status();
    let progress = status.progress.unwrap();
    assert_eq!((progress.done, progress.total, progress.paused, progress.bytes > 5_000), (100, 153, false, true));
    let again = shop.world.context(BUDI, phone.store.clone()).await;
    again.sync().await;
    let first = again.wire.seen.borrow()[0].clone();
    let Request::Snapshot(first) = first else { panic!("{first:?}") };
    assert!(first.after.unwrap().starts_with("activities/") && first.watermark.is_some());
    assert_eq!((shown(&again, "activities").len(), here(&again, "activities")), (153, Here::Whole));
}

#[tokio::test]
async fn a_restored_server_in_the_midst_of_it_leaves_what_was_selected_and_what_was_unsent() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    phone.sync().await;
    let backup = shop.world.db.backup();
    phone.update("activities", shop.visits[1], json!({"note": "Sebelum"})).await;
    phone.sync().await;
    phone.update("activities", shop.visits[1], json!({"subject": "Ditunda"})).await;
    select(&phone, json!({"activities": false, "pipelines": false})).await;
    phone.fail(&[Fault::Refuse]);
    phone.sync().await;
    select(&phone, json!({"pipelines": true})).await;
    shop.world.db.restore(backup);
    for _ in 0..4 {
        phone.sync().await;
    }
    assert_eq!((phone.unsent(), phone.client.status().failed), (0, 0), "{:?}", phone.client.outbox());
    assert_eq!((shown(&phone, "pipelines"), shown(&phone, "activities")), (vec![shop.deal], vec![]));
    let there = shop.world.server(BUDI, "activities").await;
    let visit = there.iter().find(|entry| entry.id == shop.visits[1]).unwrap();
    assert_eq!((&visit.fields["subject"], &visit.fields["note"]), (&json!("Ditunda"), &json!("Sebelum")));
}

/// Found by the simulation (seed 132909): a part that is asked for anew comes under the present cursor, with records that are newer. The
/// backup knew the cursor, and the record that was written since had a lower place than the one that was here.
#[tokio::test]
async fn what_is_newer_than_its_watermark_does_not_outlive_a_backup() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"activities": false})).await;
    phone.sync().await;
    let backup = shop.world.db.backup();
    shop.office.update("customers", shop.customer, json!({"city": "Depok"})).await;
    shop.office.sync().await;
    shop.office.update("activities", shop.visits[0], json!({"subject": "Hilang"})).await;
    shop.office.sync().await;
    select(&phone, json!({"activities": true})).await;
    // The feed behind it gets nowhere.
    phone.fail(&[Fault::Pass, Fault::Refuse]);
    phone.sync().await;
    assert_eq!(phone.value("activities", shop.visits[0], "subject"), json!("Hilang"));
    shop.world.db.restore(backup);
    let third = shop.world.device(AHMAD).await;
    third.sync().await;
    third.update("activities", shop.visits[0], json!({"subject": "Baru"})).await;
    third.sync().await;
    phone.sync().await;
    phone.sync().await;
    assert_eq!(phone.value("activities", shop.visits[0], "subject"), json!("Baru"));
}

#[tokio::test]
async fn a_first_sync_that_was_stopped_sends_asks_for_nothing_and_goes_on_where_it_was() {
    let shop = Shop::new().await;
    let office = shop.world.device(BUDI).await;
    office.sync().await;
    for n in 0..250 {
        office.create("customers", json!({"name": format!("Toko {n}")})).await;
    }
    office.sync().await;
    let phone = shop.world.device(BUDI).await;
    phone.client.spare(true);
    // It says first that nothing is unsent here.
    phone.fail(&[Fault::Pass, Fault::Pass, Fault::Refuse]);
    phone.sync().await;
    assert_eq!(shown(&phone, "customers").len(), 100, "usable from the first page");
    phone.client.pause(true).await.unwrap();
    let customer = shown(&phone, "customers")[0];
    phone.update("customers", customer, json!({"city": "Bogor"})).await;
    asked(&phone);
    let again = shop.world.context(BUDI, phone.store.clone()).await;
    again.sync().await;
    assert_eq!((asked(&again).len(), again.unsent()), (0, 0), "nothing is pulled, and what is unsent goes");
    let status = again.client.status();
    assert_eq!((status.state, status.last_synced_at), (SyncState::FirstSync, None));
    assert!(status.progress.is_some_and(|progress| progress.paused && (progress.done, progress.total) == (100, 255)));
    again.client.pause(false).await.unwrap();
    again.sync().await;
    assert_eq!((shown(&again, "customers").len(), again.client.status().state), (251, SyncState::Synced));
}

#[tokio::test]
async fn what_was_stopped_while_it_was_added_does_not_stop_the_feed() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"activities": false})).await;
    phone.sync().await;
    phone.client.pause(true).await.unwrap();
    select(&phone, json!({"activities": true})).await;
    shop.office.update("customers", shop.customer, json!({"name": "B"})).await;
    shop.office.sync().await;
    phone.sync().await;
    assert_eq!((phone.value("customers", shop.customer, "name"), shown(&phone, "activities")), (json!("B"), vec![]));
    phone.client.pause(false).await.unwrap();
    phone.sync().await;
    assert_eq!((shown(&phone, "activities"), here(&phone, "activities")), (shop.visits.to_vec(), Here::Whole));
}

/// Found by the simulation: after 410 nothing counts as here, although it is; and before the next pull nothing is on its way either.
#[tokio::test]
async fn what_is_dropped_between_410_and_the_next_pull_goes_all_the_same() {
    for steps in 1..20 {
        let shop = Shop::new().await;
        let phone = shop.world.device(BUDI).await;
        // What is outside was looked for today already.
        select(&phone, json!({"settings": false})).await;
        let backup = shop.world.db.backup();
        Shop::visit(&shop.office, shop.customer, 1).await;
        shop.office.sync().await;
        phone.sync().await;
        shop.world.db.restore(backup);
        let dying = Dying { store: phone.store.clone(), left: Rc::new(Cell::new(steps)), commits: true };
        if let Ok((client, _)) = shop.world.client(BUDI, dying, None).await {
            client.cycle(Reason::User).await;
        }
        if state(&phone.store).await.snapshot.is_some_and(|snapshot| snapshot.wanted.is_empty()) {
            let again = shop.world.context(BUDI, phone.store.clone()).await;
            select(&again, json!({"activities": false})).await;
            assert_eq!(kept(&phone.store, "activities").await, []);
            again.sync().await;
            again.sync().await;
            assert_eq!((shown(&again, "activities"), shown(&again, "pipelines")), (vec![], vec![shop.deal]));
            return;
        }
    }
    panic!("there is no such moment");
}

/// Found by the simulation: the base of a lifetime that is over has what the server lost, and so the change that was given back
/// ended as if it were there.
#[tokio::test]
async fn what_a_restored_server_lost_outside_of_the_selection_is_not_taken_for_there() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    phone.sync().await;
    let backup = shop.world.db.backup();
    phone.update("activities", shop.visits[0], json!({"subject": "Hilang"})).await;
    select(&phone, json!({"activities": false})).await;
    phone.sync().await;
    assert_eq!(phone.unsent(), 0);
    shop.world.db.restore(backup);
    shop.world.give(shop.customer, SARI).await;
    for _ in 0..3 {
        phone.sync().await;
    }
    let status = phone.client.status();
    assert_eq!((status.pending, status.failed), (1, 1), "it is kept, and shown: {:?}", phone.client.outbox());
}

#[tokio::test]
async fn what_is_here_of_a_selection_is_shown_as_before_while_a_restored_server_is_asked_for_it_again() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"activities": {"days": 60}})).await;
    phone.sync().await;
    let (before, of) = (phone.client.status(), shown(&phone, "activities"));
    let backup = shop.world.db.backup();
    shop.office.update("customers", shop.customer, json!({"city": "Depok"})).await;
    shop.office.sync().await;
    phone.sync().await;
    shop.world.db.restore(backup);
    // The cursor is lost, and then nobody answers for a while.
    phone.fail(&[Fault::Pass, Fault::Refuse]);
    phone.sync().await;
    assert!(state(&phone.store).await.snapshot.is_some(), "everything is asked for again");
    let status = phone.client.status();
    assert_eq!((status.progress.is_some(), before.progress.is_some()), (false, false), "{status:?}");
    assert_ne!(status.state, SyncState::FirstSync);
    assert_eq!((here(&phone, "activities"), shown(&phone, "activities")), (Here::Part, of));
    // More than was here is another matter.
    select(&phone, json!({"activities": {"days": 90}})).await;
    phone.fail(&[Fault::Refuse]);
    phone.sync().await;
    assert_eq!(here(&phone, "activities"), Here::Loading);
    phone.sync().await;
    phone.sync().await;
    assert_eq!((here(&phone, "activities"), state(&phone.store).await.again.len()), (Here::Part, 0));
}
