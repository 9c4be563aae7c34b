//! A server that breaks in one parcel, and the parcels beside it.

use std::sync::Arc;

use fieldsync::core::protocol::Outcome;
use fieldsync::core::record::Version;
use fieldsync_server::{Config, db};
use serde_json::json;

use crate::common::{BUDI, World, create, is_applied, update};

#[tokio::test]
async fn a_panic_in_one_parcel_stays_in_it() {
    let hooks = || Config { test_hooks: true, ..Config::default() };
    let sqlite = Arc::new(db::sqlite::SqliteDb::in_memory(1).unwrap());
    for world in [World::with(hooks()), World::over(sqlite, hooks())] {
        let (first, bad, last) = (world.id(), world.id(), world.id());
        let results = world
            .push(
                BUDI,
                vec![
                    world.parcel(vec![create("customers", first, json!({"name": "A"}))]),
                    world.parcel(vec![create("customers", bad, json!({"name": "__poison_panic__"}))]),
                    world.parcel(vec![create("customers", last, json!({"name": "C"}))]),
                ],
            )
            .await;
        assert!(is_applied(&results[0].outcome) && is_applied(&results[2].outcome), "{results:?}");
        assert_eq!(results[1].outcome, Outcome::Retry { after: None });
        assert_eq!(world.snapshot(BUDI).await.0.len(), 2);
    }
}

/// One item alone has no part of the transaction, so what it tore is undone with all of it, and the rest done again.
#[tokio::test]
async fn a_parcel_that_breaks_between_its_writes_is_undone_alone() {
    let hooks = || Config { test_hooks: true, ..Config::default() };
    let sqlite = Arc::new(db::sqlite::SqliteDb::in_memory(1).unwrap());
    for world in [World::with(hooks()), World::over(sqlite, hooks())] {
        let old = world.create(BUDI, "customers", json!({"name": "A"})).await;
        let parcels = vec![
            world.parcel(vec![create("customers", world.id(), json!({"name": "B"}))]),
            world.parcel(vec![update("customers", old, 1, json!({"name": "__poison_tear__"}))]),
            world.parcel(vec![create("customers", world.id(), json!({"name": "C"}))]),
        ];
        let results = world.push(BUDI, parcels.clone()).await;
        assert!(is_applied(&results[0].outcome) && is_applied(&results[2].outcome), "{results:?}");
        assert_eq!(results[1].outcome, Outcome::Retry { after: None });
        let stored = db::read(&*world.db, |tx| tx.record("customers", old)).unwrap().unwrap();
        assert_eq!((stored.version.0, &stored.fields["name"]), (1, &json!("A")));
        assert_eq!(db::read(&*world.db, |tx| tx.history("customers", old, Version(0))).unwrap().len(), 2);
        assert_eq!(db::read(&*world.db, |tx| tx.head()).unwrap().0, 3, "what was undone has no commit");
        let again = world.push(BUDI, parcels).await;
        assert_eq!(again[0].outcome, results[0].outcome);
        assert_eq!(again[2].outcome, results[2].outcome);
    }
}
