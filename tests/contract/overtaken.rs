//! What another tab does behind a transaction of this one.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;

use fieldsync::core::machine::Reason;
use fieldsync::memory::{self, MemoryStore};
use fieldsync::ports::{Committed, Read, Rows, Scope, Step, Store, StoreError};
use serde_json::json;

use super::world::{BUDI, Fault, World};

/// What happens elsewhere.
type Meanwhile = Pin<Box<dyn Future<Output = ()>>>;

/// Behind which transaction.
enum After {
    /// That begins a push.
    Begin,
    /// That finds no room.
    Full,
    /// That begins a push. Its commit goes unseen, so the work is done again.
    UnseenBegin,
}

/// A store where something happens behind a transaction.
struct Interrupted {
    store: MemoryStore,
    after: After,
    meanwhile: RefCell<Option<Meanwhile>>,
}

impl Store for Interrupted {
    async fn update<T>(&self, scope: Scope, plan: impl Fn(&Rows) -> Step<T>) -> Result<Committed<T>, StoreError> {
        let committed = self.store.update(scope.clone(), &plan).await;
        let is_now = match self.after {
            After::Begin | After::UnseenBegin => !self.store.peek(&[Read::Parcels]).parcels.is_empty(),
            After::Full => matches!(committed, Err(StoreError::Full)),
        };
        if is_now {
            let meanwhile = self.meanwhile.take();
            if let Some(meanwhile) = meanwhile {
                meanwhile.await;
                if matches!(self.after, After::UnseenBegin) {
                    return self.store.update(scope, plan).await;
                }
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
    let interrupted = Interrupted { store: store.clone(), after: After::Begin, meanwhile: RefCell::new(Some(meanwhile)) };
    let (client, _) = world.client(BUDI, interrupted, None).await.unwrap();
    client.cycle(Reason::User).await;
    let tab = world.context(BUDI, store).await;
    tab.sync().await;
    let mut names: Vec<_> =
        world.server(BUDI, "customers").await.into_iter().map(|record| record.fields["name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["PT Dua", "PT Satu"], "what was confirmed is there");
}

/// Making room takes time, in which the other press is saved, sent and over.
#[tokio::test]
async fn a_save_pressed_twice_on_a_full_disk_is_saved_once() {
    let world = World::new();
    let tab = world.device(BUDI).await;
    let id = tab.create("customers", json!({"name": "PT Satu"})).await;
    tab.sync().await;
    let pressed = tab.edit(&tab.get("customers", id).unwrap(), json!({"city": "Bogor"}));
    let (store, again) = (tab.store.clone(), pressed.clone());
    let meanwhile = Box::pin(async move {
        tab.client.save(vec![again], 0).await.unwrap();
        tab.sync().await;
        assert_eq!(tab.unsent(), 0);
    });
    let interrupted = Interrupted { store: store.clone(), after: After::Full, meanwhile: RefCell::new(Some(meanwhile)) };
    let (client, _) = world.client(BUDI, interrupted, None).await.unwrap();
    store.fail_next(memory::Fault::Before(StoreError::Full));
    client.save(vec![pressed], 0).await.unwrap();
    assert!(store.peek(&[Read::Outbox]).outbox.is_empty(), "it is over");
    assert_eq!(world.server(BUDI, "customers").await[0].fields["city"], "Bogor");
}

/// The op_id of what the first run has begun stays its own.
#[tokio::test]
async fn a_begin_that_runs_twice_over_another_tab_s_save_sends_both() {
    for is_sent_meanwhile in [false, true] {
        let world = World::new();
        let tab = world.device(BUDI).await;
        tab.create("customers", json!({"name": "PT Satu"})).await;
        let store = tab.store.clone();
        let meanwhile = Box::pin(async move {
            if is_sent_meanwhile {
                // It arrives, and nobody hears.
                tab.fail(&[Fault::LoseAnswer]);
                tab.sync().await;
            }
            tab.create("customers", json!({"name": "PT Dua"})).await;
        });
        let interrupted =
            Interrupted { store: store.clone(), after: After::UnseenBegin, meanwhile: RefCell::new(Some(meanwhile)) };
        let (client, _) = world.client(BUDI, interrupted, None).await.unwrap();
        client.cycle(Reason::User).await;
        let tab = world.context(BUDI, store).await;
        assert_eq!(tab.store.peek(&[Read::Parcels]).parcels, [], "both are answered");
        assert_eq!((tab.unsent(), world.server(BUDI, "customers").await.len()), (0, 2));
    }
}
