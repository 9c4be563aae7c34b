//! A selection beside what else looks at pages: the page that was asked for ahead, what memory knows, indexes, damage.

use fieldsync::client::Here;
use fieldsync::core::protocol::Request;
use fieldsync::core::selection::DAY_MS;
use serde_json::json;

use super::damaged::damage;
use super::selection::{Shop, asked, here, kept, select, shown};
use super::world::{AHMAD, BUDI, Device, Fault, SARI, fields};

/// Of `visits`, so many more.
async fn busy(shop: &Shop, count: usize) {
    for _ in 0..count {
        Shop::visit(&shop.office, shop.customer, 1).await;
    }
    shop.office.sync().await;
}

/// When so many snapshot pages were asked for.
async fn pages_asked(phone: &Device, count: usize) {
    let is_page = |request: &&Request| matches!(request, Request::Snapshot(_));
    while phone.wire.seen.borrow().iter().filter(is_page).count() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_came_ahead_is_dropped_if_the_user_chooses_otherwise_meanwhile() {
    let shop = Shop::new().await;
    busy(&shop, 250).await;
    let phone = shop.world.device(BUDI).await;
    phone.client.spare(true);
    tokio::join!(phone.sync(), async {
        pages_asked(&phone, 2).await;
        select(&phone, json!({"activities": {"days": 60}})).await;
    });
    let all = "customers,pipelines,activities,preferences,settings";
    let wants = asked(&phone);
    let ahead = wants.iter().take_while(|asked| **asked == format!("snapshot {all} ")).count();
    let narrow = &wants[ahead];
    assert!(ahead >= 2 && narrow.starts_with("snapshot activities,") && narrow.contains(" activities:since="), "{wants:?}");
    assert_eq!((shown(&phone, "activities").len(), here(&phone, "activities")), (252, Here::Part));
    assert_eq!(phone.value("activities", shop.visits[2], "subject"), json!(null));
}

#[tokio::test]
async fn what_came_ahead_is_dropped_if_the_user_stops_meanwhile_and_each_page_is_asked_for_once_if_not() {
    let shop = Shop::new().await;
    busy(&shop, 250).await;
    let phone = shop.world.device(BUDI).await;
    phone.client.spare(true);
    tokio::join!(phone.sync(), async {
        pages_asked(&phone, 2).await;
        phone.client.pause(true).await.unwrap();
    });
    // All but the last of what was asked for is written; a customer and a deal stand before the visits.
    assert_eq!(shown(&phone, "activities").len(), (asked(&phone).len() - 1) * 100 - 2);
    phone.client.pause(false).await.unwrap();
    phone.sync().await;
    assert_eq!((shown(&phone, "activities").len(), here(&phone, "activities")), (253, Here::Whole));
    let again = shop.world.device(BUDI).await;
    again.client.spare(true);
    again.sync().await;
    let pages = asked(&again).iter().filter(|asked| asked.starts_with("snapshot")).count();
    assert_eq!(pages, 3, "255 records, a hundred a page");
}

#[tokio::test]
async fn memory_has_what_the_store_has_of_what_left() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"activities": {"days": 60}})).await;
    phone.sync().await;
    let old = shop.world.now().0 - 90 * DAY_MS;
    shop.office.update("activities", shop.visits[1], json!({"at": old})).await;
    shop.office.sync().await;
    phone.sync().await;
    assert_eq!(kept(&phone.store, "activities").await, [shop.visits[0]]);
    // The page is written from memory.
    shop.office.update("activities", shop.visits[0], json!({"subject": "B"})).await;
    shop.office.sync().await;
    phone.sync().await;
    assert_eq!(
        (kept(&phone.store, "activities").await, shown(&phone, "activities")),
        (vec![shop.visits[0]], vec![shop.visits[0]])
    );
    phone.update("activities", shop.visits[0], json!({"subject": "C"})).await;
    phone.sync().await;
    select(&phone, json!({"activities": false})).await;
    assert_eq!((kept(&phone.store, "activities").await, shown(&phone, "activities")), (vec![], vec![]));
    Shop::visit(&phone, shop.customer, 0).await;
    phone.sync().await;
    assert_eq!(kept(&phone.store, "activities").await.len(), 1, "out of the scope until the day's end");
    assert_eq!(shown(&phone, "activities"), []);
}

/// What is unsent builds on the whole of what the record has become, not on its version alone.
#[tokio::test]
async fn what_leaves_while_it_is_unsent_has_what_the_server_has() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"activities": {"days": 60}})).await;
    phone.sync().await;
    let form = phone.get("activities", shop.visits[1]).unwrap();
    phone.client.save(vec![phone.edit(&form, json!({"subject": "Mine"}))], 6_000).await.unwrap();
    let old = shop.world.now().0 - 90 * DAY_MS;
    shop.office.update("activities", shop.visits[1], json!({"at": old, "note": "Theirs"})).await;
    shop.office.sync().await;
    phone.sync().await;
    let visit = shop.visits[1];
    let now = ["at", "note", "subject"].map(|name| phone.value("activities", visit, name));
    assert_eq!((now, phone.unsent()), ([json!(old), json!("Theirs"), json!("Mine")], 1));
    shop.world.later(7_000);
    phone.sync().await;
    phone.sync().await;
    assert_eq!((phone.unsent(), shown(&phone, "activities")), (0, vec![shop.visits[0]]));
    let there = shop.world.server(BUDI, "activities").await;
    let there = there.iter().find(|entry| entry.id == visit).unwrap();
    assert_eq!((&there.fields["subject"], &there.fields["note"]), (&json!("Mine"), &json!("Theirs")));
}

#[tokio::test]
async fn no_index_shows_what_was_taken_out() {
    let shop = Shop::new().await;
    let manager = shop.world.device(AHMAD).await;
    let theirs = shop.world.device(SARI).await;
    theirs.sync().await;
    theirs.create("customers", json!({"name": "Toko Jaya Makmur", "city": "Bogor"})).await;
    theirs.sync().await;
    manager.sync().await;
    let sorted = |device: &Device, collection: &str, by: &str| {
        let query = serde_json::from_value(json!({"sort": [by], "limit": 9})).unwrap();
        device.client.list(collection, &query).0.len()
    };
    let looks = |device: &Device| {
        let (found, _) = device.client.search("jaya", &[], 9);
        let (alike, _) = device.client.duplicates("customers", &fields(json!({"name": "Toko Jaya"})), None, 9);
        let (word, _) = device.client.search("kunjungan", &["activities".to_owned()], 9);
        (sorted(device, "customers", "name"), found.len(), alike.len(), sorted(device, "activities", "at"), word.len())
    };
    assert_eq!(looks(&manager), (2, 2, 1, 3, 3));
    select(&manager, json!({"activities": {"days": 60}})).await;
    assert_eq!(looks(&manager), (2, 2, 1, 2, 2));
    select(&manager, json!({"customers": false, "activities": false})).await;
    assert_eq!(looks(&manager), (0, 0, 0, 0, 0));
    // A base that unsent work needs is out of every list, too, once that is sent.
    select(&manager, json!({"customers": true, "activities": true})).await;
    manager.sync().await;
    assert_eq!(looks(&manager), (2, 2, 1, 3, 3));
    manager.update("customers", shop.customer, json!({"city": "Depok"})).await;
    select(&manager, json!({"customers": false})).await;
    assert_eq!(looks(&manager), (1, 1, 1, 3, 3));
    manager.sync().await;
    assert_eq!((manager.unsent(), looks(&manager)), (0, (0, 0, 0, 3, 3)));
    // And what the server says has left.
    let old = shop.world.now().0 - 490 * DAY_MS;
    select(&manager, json!({"activities": {"days": 365}})).await;
    manager.sync().await;
    shop.office.update("activities", shop.visits[0], json!({"at": old})).await;
    shop.office.sync().await;
    manager.sync().await;
    assert_eq!(looks(&manager), (0, 0, 0, 2, 2));
}

#[tokio::test]
async fn what_a_damaged_page_had_is_fetched_again_as_it_is_selected() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"activities": {"days": 60}, "pipelines": false})).await;
    phone.sync().await;
    shop.office.update("customers", shop.customer, json!({"name": "B"})).await;
    shop.office.sync().await;
    assert!(damage(&phone, "activities").await > 0);
    let again = shop.world.context(BUDI, phone.store.clone()).await;
    assert_eq!(
        (here(&again, "activities"), here(&again, "customers"), here(&again, "pipelines")),
        (Here::Loading, Here::Whole, Here::Nothing)
    );
    again.sync().await;
    let wants = asked(&again);
    assert!(wants[0].starts_with("snapshot activities activities:since=") && wants[1].starts_with("changes "), "{wants:?}");
    assert_eq!((shown(&again, "activities"), here(&again, "activities")), (shop.visits[..2].to_vec(), Here::Part));
    assert_eq!((again.value("customers", shop.customer, "name"), kept(&again.store, "pipelines").await), (json!("B"), vec![]));
    // What is not selected is not fetched, whatever was left there.
    Shop::visit(&again, shop.customer, 0).await;
    again.sync().await;
    select(&again, json!({"activities": false})).await;
    Shop::visit(&again, shop.customer, 0).await;
    again.sync().await;
    damage(&again, "activities").await;
    let last = shop.world.context(BUDI, phone.store.clone()).await;
    last.sync().await;
    assert!(asked(&last).iter().all(|asked| asked.starts_with("changes ")));
    assert_eq!((shown(&last, "activities"), kept(&last.store, "activities").await), (vec![], vec![]));
}

#[tokio::test]
async fn damage_in_the_midst_of_a_first_sync_loses_neither_a_page_nor_what_changed_since() {
    for of in ["customers", "activities"] {
        let shop = Shop::new().await;
        busy(&shop, 250).await;
        let phone = shop.world.device(BUDI).await;
        phone.client.spare(true);
        phone.fail(&[Fault::Pass, Fault::Pass, Fault::Pass, Fault::Refuse]);
        phone.sync().await;
        assert_eq!((here(&phone, "pipelines"), here(&phone, "activities")), (Here::Whole, Here::Loading));
        shop.office.update("pipelines", shop.deal, json!({"title": "Teh"})).await;
        shop.office.sync().await;
        assert!(damage(&phone, of).await > 0);
        let again = shop.world.context(BUDI, phone.store.clone()).await;
        again.sync().await;
        assert_eq!((shown(&again, "customers").len(), shown(&again, "activities").len()), (1, 253), "{of}");
        assert_eq!(again.value("pipelines", shop.deal, "title"), json!("Teh"), "{of}: it changed since its page came");
        assert_eq!((here(&again, of), again.client.status().last_synced_at.is_some()), (Here::Whole, true));
    }
}
