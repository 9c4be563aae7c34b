//! Two tabs that push at once, and a server that is restored from a backup in between.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;

use fieldsync::core::machine::Reason;
use fieldsync::memory::MemoryStore;
use fieldsync::ports::{Committed, Read, Rows, Scope, Step, Store, StoreError};
use serde_json::json;

use super::world::{BUDI, Fault, World};

/// What happens elsewhere.
type Meanwhile = Pin<Box<dyn Future<Output = ()>>>;

/// A store where something happens behind the transaction that begins a push.
struct Interrupted {
    store: MemoryStore,
    meanwhile: RefCell<Option<Meanwhile>>,
}

impl Store for Interrupted {
    async fn update<T>(&self, scope: Scope, plan: impl Fn(&Rows) -> Step<T>) -> Result<Committed<T>, StoreError> {
        let committed = self.store.update(scope, plan).await;
        if !self.store.peek(&[Read::Parcels]).parcels.is_empty() {
            let meanwhile = self.meanwhile.take();
            if let Some(meanwhile) = meanwhile {
                meanwhile.await;
            }
        }
        committed
    }

    async fn read(&self, read: Vec<Read>) -> Result<Rows, StoreError> {
        self.store.read(read).await
    }
}

/// The other tab's answer is of the lifetime that is lost, and this tab's of the new one.
#[tokio::test]
async fn an_answer_does_not_hide_that_the_server_lost_what_another_tab_was_told() {
    let world = World::new();
    let tab = world.device(BUDI).await;
    tab.sync().await;
    let backup = world.db.backup();
    tab.create("customers", json!({"name": "PT Satu"})).await;
    let store = tab.store.clone();
    let other = world.clone();
    let meanwhile = Box::pin(async move {
        tab.create("customers", json!({"name": "PT Dua"})).await;
        tab.fail(&[Fault::Pass, Fault::Refuse]);
        tab.client.cycle(Reason::User).await;
        assert_eq!((tab.unsent(), other.server(BUDI, "customers").await.len()), (0, 2), "both are confirmed");
        other.db.restore(backup);
    });
    let interrupted = Interrupted { store: store.clone(), meanwhile: RefCell::new(Some(meanwhile)) };
    let (client, _) = world.client(BUDI, interrupted, None).await.unwrap();
    client.cycle(Reason::User).await;
    let tab = world.context(BUDI, store).await;
    tab.sync().await;
    let mut names: Vec<_> =
        world.server(BUDI, "customers").await.into_iter().map(|record| record.fields["name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["PT Dua", "PT Satu"], "what was confirmed is there");
}
