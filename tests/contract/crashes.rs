//! A phone that dies between any two steps of what follows a restored server.

use std::cell::Cell;
use std::rc::Rc;

use fieldsync::core::machine::Reason;
use fieldsync::memory::MemoryStore;
use fieldsync::ports::{Committed, Read, Rows, Scope, Step, Store, StoreError};
use serde_json::json;

use super::restored::{customer, ends};
use super::world::{AHMAD, BUDI, World};

/// A store whose process dies after so many transactions; the last one is committed, or not, as told.
pub struct Dying {
    pub store: MemoryStore,
    pub left: Rc<Cell<u32>>,
    pub commits: bool,
}

impl Store for Dying {
    async fn update<T>(&self, scope: Scope, plan: impl Fn(&Rows) -> Step<T>) -> Result<Committed<T>, StoreError> {
        match self.left.get() {
            0 => Err(StoreError::Closed),
            1 => {
                self.left.set(0);
                if self.commits {
                    self.store.update(scope, plan).await?;
                }
                Err(StoreError::Closed)
            }
            left => {
                self.left.set(left - 1);
                self.store.update(scope, plan).await
            }
        }
    }

    async fn read(&self, read: Vec<Read>) -> Result<Rows, StoreError> {
        if self.left.get() == 0 { Err(StoreError::Closed) } else { self.store.read(read).await }
    }
}

/// A history with what is applied again, what conflicts and what depends on it; then the server is restored, and one other
/// changes the first customer.
async fn lost_work() -> (World, MemoryStore) {
    let (world, phone, id, backup) = customer().await;
    for city in ["Bogor", "Depok"] {
        phone.update("customers", id, json!({"phone": format!("+6281{}", city.len()), "city": city})).await;
        phone.sync().await;
    }
    let other = phone.create("customers", json!({"name": "Toko Baru"})).await;
    phone.create("pipelines", json!({"customer": other, "title": "Teh", "stage": "lead"})).await;
    phone.sync().await;
    phone.update("customers", other, json!({"city": "Jambi"})).await;
    world.db.restore(backup);
    let office = world.device(AHMAD).await;
    office.sync().await;
    office.update("customers", id, json!({"phone": "+62899"})).await;
    office.sync().await;
    (world, phone.store)
}

#[tokio::test]
async fn a_crash_between_any_two_steps_of_it_loses_and_doubles_nothing() {
    for commits in [false, true] {
        for steps in 1.. {
            let (world, store) = lost_work().await;
            let left = Rc::new(Cell::new(steps));
            let dying = Dying { store: store.clone(), left: left.clone(), commits };
            if let Ok((client, _)) = world.client(BUDI, dying, None).await {
                client.cycle(Reason::User).await;
            }
            let is_whole = left.get() > 0;
            let phone = world.context(BUDI, store.clone()).await;
            phone.sync().await;
            phone.sync().await;
            let status = phone.client.status();
            assert_eq!((status.pending, status.conflicts), (1, 1), "{commits} {steps}: {:?}", phone.client.outbox());
            assert_eq!(ends(&store).await, (2, 4), "{commits} {steps}");
            let customers = world.server(AHMAD, "customers").await;
            let city = |name| customers.iter().find(|record| record.fields["name"] == name).unwrap().fields.get("city").cloned();
            assert_eq!((city("Toko Baru"), city("Toko Jaya")), (Some(json!("Jambi")), None), "{commits} {steps}");
            assert_eq!(world.server(AHMAD, "pipelines").await.len(), 1);
            if is_whole {
                assert!(steps > 8, "it takes more than {steps} steps");
                break;
            }
        }
    }
}
