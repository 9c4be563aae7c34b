//! A page that cannot be read: the app opens, unsent work is as it was, and what is missing comes again.

use fieldsync::core::machine::Reason;
use fieldsync::core::rows::PageRow;
use fieldsync::ports::{Read, Scope, Step, Store, StoreName, Write};
use serde_json::json;

use super::world::{BUDI, Device, World};

/// Flips a byte of every page of this collection.
pub async fn damage(device: &Device, collection: &str) -> usize {
    let scope = Scope::strict(&[StoreName::Pages], vec![Read::PagesSince(0)]);
    let damaged = device.store.update(scope, |rows| {
        let of = rows.pages.iter().filter(|page| page.collection == collection);
        let writes: Vec<Write> = of
            .map(|page| {
                let mut bytes = page.bytes.clone();
                *bytes.last_mut().unwrap() ^= 1;
                Write::Page(PageRow { bytes, ..page.clone() })
            })
            .collect();
        let count = writes.len();
        Step::Write(writes, count)
    });
    damaged.await.unwrap().value
}

#[tokio::test]
async fn a_damaged_page_is_fetched_again_and_unsent_work_stays() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let mut ids = Vec::new();
    for n in 0..30 {
        ids.push(phone.create("customers", json!({"name": format!("PT {n}"), "city": "Bogor"})).await);
    }
    let deal = phone.create("pipelines", json!({"customer": ids[0], "title": "Kopi", "stage": "lead"})).await;
    phone.sync().await;
    phone.update("customers", ids[7], json!({"city": "Depok"})).await;
    assert!(damage(&phone, "customers").await > 0);

    let again = world.context(BUDI, phone.store.clone()).await;
    assert_eq!((again.unsent(), again.value("customers", ids[7], "city")), (1, json!("Depok")), "unsent work is as it was");
    assert_eq!(again.value("pipelines", deal, "title"), json!("Kopi"), "what is whole is there");
    let all = serde_json::from_value(json!({})).unwrap();
    assert!(!again.client.list("customers", &all).1 && again.client.list("pipelines", &all).1, "it is said what is not whole");
    assert_eq!(again.client.status().errors.last().unwrap().code, "page-damaged");

    again.client.cycle(Reason::User).await;
    let (rows, complete) = again.client.list("customers", &all);
    assert_eq!((rows.len(), complete, again.unsent()), (30, true, 0));
    let server = world.server(BUDI, "customers").await;
    assert_eq!(server.iter().find(|entry| entry.id == ids[7]).unwrap().fields["city"], json!("Depok"));
    assert!(server.iter().filter(|entry| entry.id != ids[7]).all(|entry| entry.fields["city"] == json!("Bogor")));
}

#[tokio::test]
async fn a_page_of_a_newer_app_is_not_taken_for_damage() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.create("customers", json!({"name": "PT Satu"})).await;
    phone.sync().await;
    let scope = Scope::strict(&[StoreName::Pages], vec![Read::PagesSince(0)]);
    let newer = |page: &PageRow| PageRow { bytes: [vec![200], page.bytes[1..].to_vec()].concat(), ..page.clone() };
    let write = |rows: &fieldsync::ports::Rows| Step::Write(rows.pages.iter().map(|page| Write::Page(newer(page))).collect(), ());
    phone.store.update(scope, write).await.unwrap();
    let before = phone.store.read(vec![Read::PagesSince(0)]).await.unwrap().pages;
    let opened = world.open(BUDI, phone.store.clone(), world.wire(BUDI, None), true).await;
    assert!(matches!(opened, Err(fieldsync::ports::StoreError::Newer)));
    assert_eq!(phone.store.read(vec![Read::PagesSince(0)]).await.unwrap().pages, before, "nothing is written over");
}
