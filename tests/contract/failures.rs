//! Outages of every kind lose nothing and repeat nothing.

use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::Request;
use fieldsync::core::record::Version;
use fieldsync::core::status::SyncState;
use fieldsync::data::table::RecordStatus;
use serde_json::json;

use super::world::{BUDI, Fault, World};

#[tokio::test]
async fn an_answer_that_is_lost_and_an_edit_after_it_are_one_record_with_both_edits() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let id = phone.create("customers", json!({"name": "PT Askrindo", "city": "Jakarta"})).await;
    phone.sync().await;
    phone.update("customers", id, json!({"phone": "0811111"})).await;
    phone.fail(&[Fault::LoseAnswer]);
    phone.sync().await;
    assert_eq!(phone.client.status().state, SyncState::Offline);
    phone.update("customers", id, json!({"phone": "0822222", "city": "Bandung"})).await;
    phone.sync().await;
    let server = world.server(BUDI, "customers").await;
    assert_eq!((server.len(), server[0].version), (1, Version(3)));
    assert_eq!((&server[0].fields["phone"], &server[0].fields["city"]), (&json!("+62822222"), &json!("Bandung")));
    assert_eq!((phone.unsent(), phone.client.conflicts().len()), (0, 0));
}

#[tokio::test]
async fn every_kind_of_outage_keeps_the_work_and_ends() {
    let world = World::new();
    let kinds = [
        Fault::Refuse,
        Fault::LoseAnswer,
        Fault::CutBody,
        Fault::Portal(200),
        Fault::Portal(401),
        Fault::Portal(403),
        Fault::Portal(404),
        Fault::Portal(409),
        Fault::Portal(410),
        Fault::Portal(413),
        Fault::Portal(503),
        Fault::Ours(503, "unavailable"),
    ];
    for (n, fault) in kinds.into_iter().enumerate() {
        let phone = world.device(BUDI).await;
        phone.sync().await;
        let name = format!("PT {n}");
        let id = phone.create("customers", json!({"name": name})).await;
        phone.fail(std::slice::from_ref(&fault));
        phone.sync().await;
        assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Pending, "{fault:?}");
        assert_eq!(phone.client.status().failed, 0, "{fault:?}");
        // Not before the backoff, unless something ends the wait.
        let sent = phone.parcels_sent();
        phone.client.cycle(Reason::Timer).await;
        assert_eq!(phone.parcels_sent(), sent, "{fault:?}");
        phone.client.cycle(Reason::Online).await;
        assert_eq!((phone.unsent(), phone.client.status().state), (0, SyncState::Synced), "{fault:?}");
        let named = world.server(BUDI, "customers").await.into_iter().filter(|entry| entry.fields["name"] == name);
        assert_eq!(named.count(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_read_gzip_gets_it_plain_and_one_that_says_so_again_is_let_be() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    phone.create("customers", json!({"name": "PT Polos"})).await;
    phone.fail(&[Fault::Ours(415, "unsupported")]);
    phone.sync().await;
    assert_eq!((phone.unsent(), world.server(BUDI, "customers").await.len()), (0, 1));
    phone.create("customers", json!({"name": "PT Lagi"})).await;
    phone.fail(&[Fault::Ours(415, "unsupported")]);
    phone.sync().await;
    assert_eq!((phone.unsent(), phone.client.status().state), (1, SyncState::Misconfigured));
    phone.sync().await;
    assert_eq!(phone.unsent(), 0);
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_halved_and_goes() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    for n in 0..8 {
        phone.create("customers", json!({"name": format!("PT {n}")})).await;
    }
    phone.fail(&[Fault::Ours(413, "too-large"), Fault::Ours(413, "too-large")]);
    phone.sync().await;
    assert_eq!((phone.unsent(), world.server(BUDI, "customers").await.len()), (0, 8));
}

#[tokio::test]
async fn an_app_that_is_too_old_keeps_its_work_and_says_so() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    phone.create("customers", json!({"name": "PT Tua"})).await;
    phone.fail(&[Fault::Ours(426, "outdated")]);
    phone.sync().await;
    assert_eq!((phone.unsent(), phone.client.status().state), (1, SyncState::Outdated));
    let sent = phone.parcels_sent();
    phone.client.cycle(Reason::Timer).await;
    assert_eq!(phone.parcels_sent(), sent, "no endless asking");
    phone.client.cycle(Reason::Start).await;
    assert_eq!(phone.unsent(), 0);
}

#[tokio::test]
async fn signed_out_in_the_middle_loses_nothing_and_sends_after_the_sign_in() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    let id = phone.create("customers", json!({"name": "PT Masuk"})).await;
    phone.fail(&[Fault::Ours(401, "signed-out")]);
    phone.sync().await;
    assert_eq!((phone.unsent(), phone.client.status().state), (1, SyncState::SignedOut));
    assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Pending);
    phone.client.cycle(Reason::SignedIn).await;
    assert_eq!((phone.unsent(), phone.client.status().state), (0, SyncState::Synced));
}

#[tokio::test]
async fn a_cursor_that_the_server_does_not_know_starts_a_snapshot_and_the_work_goes_up() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let old = phone.create("customers", json!({"name": "PT Lama"})).await;
    phone.sync().await;
    let id = phone.create("customers", json!({"name": "PT Baru"})).await;
    phone.fail(&[Fault::Ours(410, "cursor-unknown")]);
    phone.sync().await;
    assert_eq!((phone.unsent(), phone.client.status().state), (0, SyncState::Synced));
    assert!(phone.get("customers", old).is_some() && phone.get("customers", id).is_some());
    assert!(phone.wire.seen.borrow().iter().filter(|request| matches!(request, Request::Snapshot(_))).count() >= 2);
}

#[tokio::test]
async fn a_long_outage_uses_up_nothing() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    let id = phone.create("customers", json!({"name": "PT Lama"})).await;
    for _ in 0..40 {
        phone.fail(&[Fault::Refuse]);
        let wake = phone.client.cycle(Reason::Timer).await.wake_at.unwrap();
        assert!(wake > world.now() && wake.since(world.now()) <= 300_000);
        world.later(wake.since(world.now()));
    }
    assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Pending);
    phone.client.cycle(Reason::Online).await;
    assert_eq!((phone.unsent(), world.server(BUDI, "customers").await.len()), (0, 1));
}

#[tokio::test]
async fn opening_the_app_again_and_again_in_a_bad_spot_does_not_come_to_the_long_timer() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    phone.create("customers", json!({"name": "PT Sinyal"})).await;
    for _ in 0..20 {
        phone.fail(&[Fault::Refuse]);
        phone.client.cycle(Reason::Start).await;
        world.later(300);
    }
    phone.fail(&[Fault::Refuse]);
    let wake = phone.client.cycle(Reason::Start).await.wake_at.unwrap();
    assert!(wake.since(world.now()) <= 5_000, "{} ms", wake.since(world.now()));
}

#[tokio::test]
async fn what_was_sent_today_and_the_clock_s_offset_outlive_the_cycle() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.create("customers", json!({"name": "PT Hari Ini"})).await;
    phone.sync().await;
    assert_eq!(phone.client.status().sent_today, 1);
    let again = world.context(BUDI, phone.store.clone()).await;
    assert_eq!(again.client.status().sent_today, 1);
    assert_eq!(again.client.diagnostics().await.unwrap()["engine"]["clock_offset_ms"], 0);
}

#[tokio::test]
async fn a_change_that_makes_the_server_panic_is_alone_in_its_trouble() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let bad = phone.create("customers", json!({"name": "__poison_panic__"})).await;
    let behind = phone.create("activities", json!({"customer": bad, "kind": "call", "subject": "x", "at": 1})).await;
    let good = phone.create("customers", json!({"name": "PT Baik"})).await;
    phone.sync().await;
    assert_eq!(phone.get("customers", good).unwrap().status, RecordStatus::Synced);
    assert_eq!(phone.get("customers", bad).unwrap().status, RecordStatus::Pending);
    assert_eq!(phone.get("activities", behind).unwrap().status, RecordStatus::Pending);
    for _ in 0..5 {
        world.later(4_000_000);
        phone.sync().await;
    }
    assert_eq!((phone.unsent(), phone.client.status().failed), (2, 0), "it never becomes a dead letter, nor what waits for it");
}

#[tokio::test]
async fn a_change_that_makes_the_whole_batch_fail_is_found_and_put_by() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    for n in 0..30 {
        phone.create("customers", json!({"name": format!("PT {n}")})).await;
    }
    let bad = phone.create("customers", json!({"name": "__poison_500__"})).await;
    for n in 30..60 {
        phone.create("customers", json!({"name": format!("PT {n}")})).await;
    }
    for _ in 0..6 {
        phone.sync().await;
        world.later(70_000);
    }
    assert_eq!(world.server(BUDI, "customers").await.len(), 60);
    assert_eq!(phone.unsent(), 1);
    assert_eq!(phone.get("customers", bad).unwrap().status, RecordStatus::Pending);
}

/// One that only ever gets "later" is the first of each batch, and while the one is searched that makes the server fail, a batch
/// is one parcel: the others have their turn in the same cycle all the same.
#[tokio::test]
async fn what_the_server_puts_off_does_not_take_the_turn_of_the_rest() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    phone.create("customers", json!({"name": "__poison_panic__"})).await;
    phone.create("customers", json!({"name": "__poison_500__"})).await;
    for n in 0..6 {
        phone.create("customers", json!({"name": format!("PT {n}")})).await;
    }
    for _ in 0..6 {
        world.later(4_000_000);
        phone.sync().await;
    }
    assert_eq!(world.server(BUDI, "customers").await.len(), 6, "the rest has gone");
    assert_eq!(phone.unsent(), 2);
}

/// Every run of the worker is a new context that knows only what the store says.
#[tokio::test]
async fn three_failing_runs_of_the_worker_start_the_search() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    for n in 0..6 {
        phone.create("customers", json!({"name": format!("PT {n}")})).await;
    }
    let bad = phone.create("customers", json!({"name": "__poison_500__"})).await;
    for _ in 0..3 {
        let worker = world.context(BUDI, phone.store.clone()).await;
        worker.client.cycle(Reason::Background).await;
        world.later(300_000);
    }
    assert_eq!(world.server(BUDI, "customers").await.len(), 6, "the rest has gone");
    phone.client.refresh(None).await.unwrap();
    assert_eq!((phone.unsent(), phone.get("customers", bad).unwrap().status), (1, RecordStatus::Pending));
}

#[tokio::test]
async fn what_the_server_refuses_is_kept_shown_and_mended_in_the_form() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.create("customers", json!({"name": "PT Satu", "code": "JKT-0001"})).await;
    phone.sync().await;
    let id = phone.create("customers", json!({"name": "PT Dua", "code": "JKT-0001"})).await;
    phone.sync().await;
    let failed = phone.get("customers", id).unwrap();
    assert_eq!((failed.status, failed.problem.unwrap().field.as_deref()), (RecordStatus::Failed, Some("code")));
    let sent = phone.parcels_sent();
    phone.sync().await;
    assert_eq!(phone.parcels_sent(), sent, "a refused change is not sent again by itself");
    phone.update("customers", id, json!({"code": "JKT-0002"})).await;
    phone.sync().await;
    assert_eq!((phone.unsent(), world.server(BUDI, "customers").await.len()), (0, 2));
}

#[tokio::test]
async fn a_poison_entry_of_the_feed_is_counted_and_the_rest_arrives() {
    let world = World::new();
    let (phone, other) = (world.device(BUDI).await, world.device(BUDI).await);
    other.sync().await;
    phone.create("customers", json!({"name": "PT __poison_entry__"})).await;
    let good = phone.create("customers", json!({"name": "PT Baik"})).await;
    phone.sync().await;
    other.sync().await;
    assert_eq!(other.get("customers", good).unwrap().status, RecordStatus::Synced);
    assert_eq!((other.client.status().unread, phone.client.status().unread), (1, 1), "the user is told");
    // Asked for anew it is counted anew, not twice.
    world.db.restore(world.db.backup());
    other.sync().await;
    assert_eq!(other.client.status().unread, 1);
}

#[tokio::test]
async fn two_contexts_on_one_store_send_everything_once() {
    let world = World::new();
    let tab = world.device(BUDI).await;
    let other = world.context(BUDI, tab.store.clone()).await;
    for n in 0..20 {
        let device = if n % 2 == 0 { &tab } else { &other };
        device.create("customers", json!({"name": format!("PT {n}")})).await;
    }
    tokio::join!(tab.sync(), other.sync());
    tab.client.refresh(None).await.unwrap();
    other.client.refresh(None).await.unwrap();
    let server = world.server(BUDI, "customers").await;
    assert_eq!(server.len(), 20);
    assert!(server.iter().all(|entry| entry.version == Version(1)));
    let all = serde_json::from_value(json!({"sort": ["name"]})).unwrap();
    assert_eq!(tab.client.list("customers", &all), other.client.list("customers", &all));
    assert_eq!((tab.unsent(), other.unsent()), (0, 0));
}
