//! The feed: in order, complete, never inside a commit, and honest about cursors that it does not know.

use std::sync::Arc;

use fieldsync::core::protocol::{Cursor, ProblemCode, PushAnswer, Told};
use fieldsync::core::record::Tombstone;
use fieldsync_server::Config;
use fieldsync_server::db::memory::MemoryDb;
use serde_json::json;

use crate::common::{AHMAD, BUDI, SARI, World, create, delete, entry, push_request, update};

#[tokio::test]
async fn a_page_never_ends_inside_a_commit() {
    for world in World::both() {
        let start = world.cursor(BUDI).await;
        for size in [1, 3, 2, 5, 1] {
            let group = (0..size).map(|_| create("customers", world.id(), json!({"name": "A"}))).collect();
            world.send(BUDI, group).await;
        }
        for limit in 1..=13 {
            let (mut cursor, mut seen, mut sizes) = (start.clone(), Vec::new(), Vec::new());
            loop {
                let page = world.changes(BUDI, &cursor, limit).await.unwrap();
                seen.extend(page.changes.iter().cloned().map(|told| entry(told).seq.0));
                sizes.push(page.changes.len());
                cursor = page.cursor.0;
                if !page.has_more {
                    break;
                }
                let next = world.changes(BUDI, &cursor, 1_000).await.unwrap();
                assert!(next.changes.into_iter().all(|told| entry(told).seq.0 > *seen.last().unwrap()), "cut at limit {limit}");
            }
            assert_eq!(seen, [1, 2, 2, 2, 3, 3, 4, 4, 4, 4, 4, 5], "limit {limit}");
            assert!(sizes.iter().all(|size| *size <= (limit as usize).max(5)), "limit {limit}: {sizes:?}");
        }
    }
}

#[tokio::test]
async fn a_record_is_there_once_at_its_newest_place_and_deletes_are_tombstones() {
    for world in World::both() {
        let start = world.cursor(AHMAD).await;
        let (a, b) = (
            world.create(BUDI, "customers", json!({"name": "A"})).await,
            world.create(BUDI, "customers", json!({"name": "B"})).await,
        );
        world.send(BUDI, vec![update("customers", a, 1, json!({"name": "C"}))]).await;
        world.send(BUDI, vec![delete("customers", b, 1)]).await;
        // Whoever made a change gets it, too; and so does the manager.
        for user in [BUDI, AHMAD] {
            let cursor = if user == AHMAD { start.clone() } else { continue };
            let news = world.news(user, &cursor).await;
            let rows: Vec<_> = news.iter().map(|entry| (entry.id, entry.version.0, entry.tombstone)).collect();
            assert_eq!(rows, [(a, 2, None), (b, 2, Some(Tombstone::Deleted))]);
        }
        // The end of the feed is the end: nothing comes twice.
        let end = world.changes(AHMAD, &start, 100).await.unwrap().cursor.0;
        assert_eq!(world.news(AHMAD, &end).await, []);
        assert_eq!(world.snapshot(BUDI).await.0.len(), 1);
    }
}

#[tokio::test]
async fn a_page_of_nothing_moves_the_cursor_over_what_others_did() {
    let world = World::new();
    let start = world.cursor(SARI).await;
    for _ in 0..5 {
        world.create(BUDI, "customers", json!({"name": "A"})).await;
    }
    let page = world.changes(SARI, &start, 2).await.unwrap();
    assert_eq!((page.changes.len(), page.has_more), (0, false));
    assert_ne!(page.cursor.0, start);
}

#[tokio::test]
async fn a_restored_server_does_not_know_cursors_of_its_lost_future() {
    let memory = Arc::new(MemoryDb::new(7));
    let world = World::over(memory.clone(), Config::default());
    world.create(BUDI, "customers", json!({"name": "A"})).await;
    let (backup, known) = (memory.backup(), world.cursor(BUDI).await);
    world.create(BUDI, "customers", json!({"name": "B"})).await;
    let future = world.cursor(BUDI).await;
    memory.restore(backup);
    assert_eq!(world.changes(BUDI, &future, 9).await.unwrap_err().code, ProblemCode::CursorUnknown);
    // Also when the server has moved on to a commit of the same number: its tag is another.
    world.create(BUDI, "customers", json!({"name": "C"})).await;
    assert_eq!(world.changes(BUDI, &future, 9).await.unwrap_err().status, 410);
    let mut request = push_request(vec![world.parcel(vec![create("customers", world.id(), json!({"name": "D"}))])]);
    request.cursor = Some(Cursor(future));
    let refused = world.post::<PushAnswer>(BUDI, "/sync/v1/push", &request).await.unwrap_err();
    assert_eq!(refused.code, ProblemCode::CursorUnknown);
    assert_eq!(world.news(BUDI, &known).await.len(), 1);
    request.cursor = Some(Cursor(known));
    assert!(world.post::<PushAnswer>(BUDI, "/sync/v1/push", &request).await.is_ok());
}

#[tokio::test]
async fn a_cursor_that_is_none_or_another_user_s_is_unknown() {
    let world = World::new();
    for cursor in ["", "x", "e30", "bm90IGpzb24", &world.cursor(SARI).await] {
        assert_eq!(world.changes(BUDI, cursor, 9).await.unwrap_err().code, ProblemCode::CursorUnknown, "{cursor}");
    }
}

#[tokio::test]
async fn a_cursor_carries_the_collections_it_is_for() {
    let world = World::new();
    let page: fieldsync::core::protocol::SnapshotPage =
        world.get(BUDI, "/sync/v1/snapshot?collections=customers&schema=1&limit=9").await.unwrap();
    let customer = world.create(BUDI, "customers", json!({"name": "A"})).await;
    world.create(BUDI, "pipelines", json!({"customer": customer, "title": "T", "stage": "lead"})).await;
    let news = world.news(BUDI, &page.cursor.clone().unwrap().0).await;
    assert_eq!(news.iter().map(|entry| entry.collection.as_str()).collect::<Vec<_>>(), ["customers"]);
    // A collection that is added is fetched under the present cursor, and the cursor is wider then.
    let path = format!("/sync/v1/snapshot?collections=pipelines&schema=1&limit=9&watermark={}", page.cursor.unwrap().0);
    let wider: fieldsync::core::protocol::SnapshotPage = world.get(BUDI, &path).await.unwrap();
    assert_eq!(wider.records.len(), 1);
    assert_eq!(world.news(BUDI, &wider.cursor.unwrap().0).await.len(), 2);
}

#[tokio::test]
async fn a_poisoned_entry_is_alone_in_its_trouble() {
    let world = World::with(Config { test_hooks: true, ..Config::default() });
    let start = world.cursor(BUDI).await;
    world.create(BUDI, "customers", json!({"name": "A"})).await;
    world.create(BUDI, "customers", json!({"name": "__poison_entry__"})).await;
    world.create(BUDI, "customers", json!({"name": "C"})).await;
    let page = world.changes(BUDI, &start, 9).await.unwrap();
    let readable: Vec<_> = page.changes.iter().map(|told| !matches!(told, Told::Unread(_))).collect();
    assert_eq!(readable, [true, false, true]);
}
