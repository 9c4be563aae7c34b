//! Part of the data on a device: what is selected comes, what is not costs nothing, and unsent work stays whatever is chosen.

use fieldsync::client::{Here, SelectError, SelectionPreview};
use fieldsync::core::protocol::{Count, Request};
use fieldsync::core::pull_state::PullState;
use fieldsync::core::record::RecordId;
use fieldsync::core::rows::meta;
use fieldsync::core::selection::{Changes, DAY_MS, SelectionError};
use fieldsync::data::page::decode;
use fieldsync::memory::MemoryStore;
use fieldsync::ports::{Read, Store};
use serde_json::{Value, json};

use super::world::{AHMAD, BUDI, Device, Fault, SARI, World};

pub fn changes(value: Value) -> Changes {
    serde_json::from_value(value).unwrap()
}

pub async fn select(device: &Device, value: Value) {
    device.client.select(&changes(value)).await.unwrap();
}

async fn preview(device: &Device, value: Value) -> SelectionPreview {
    device.client.preview_selection(&changes(value)).await.unwrap()
}

/// The ids that a device has bases of, out of the scope or not.
pub async fn kept(store: &MemoryStore, collection: &str) -> Vec<RecordId> {
    let rows = store.read(vec![Read::PagesSince(0)]).await.unwrap();
    let pages = rows.pages.iter().filter(|page| page.collection == collection);
    pages.flat_map(|page| decode(&page.bytes).unwrap()).map(|base| base.id).collect()
}

pub async fn state(store: &MemoryStore) -> PullState {
    let rows = store.read(vec![Read::Meta]).await.unwrap();
    serde_json::from_value(rows.meta[meta::PULL].clone()).unwrap()
}

pub fn shown(device: &Device, collection: &str) -> Vec<RecordId> {
    device.client.list(collection, &serde_json::from_value(json!({})).unwrap()).0.iter().map(|record| record.id).collect()
}

pub fn here(device: &Device, collection: &str) -> Here {
    device.client.selection()[collection].here()
}

/// The collections of every pull since.
pub fn asked(device: &Device) -> Vec<String> {
    let text = |request: &Request| match request {
        Request::Snapshot(asked) => Some(format!("snapshot {} {}", asked.collections, asked.scope.clone().unwrap_or_default())),
        Request::Changes(asked) => {
            let scope = asked.scope.clone().unwrap_or_default();
            Some(format!("changes {} {scope}", asked.collections.clone().unwrap_or_default()))
        }
        _ => None,
    };
    device.wire.seen.borrow_mut().drain(..).filter_map(|request| text(&request)).collect()
}

pub struct Shop {
    pub world: World,
    pub office: Device,
    pub customer: RecordId,
    pub deal: RecordId,
    /// Of today, of 40 days ago, and of 100 days ago.
    pub visits: [RecordId; 3],
}

impl Shop {
    pub async fn new() -> Self {
        let world = World::new();
        let office = world.device(BUDI).await;
        office.sync().await;
        let customer = office.create("customers", json!({"name": "Toko Jaya"})).await;
        let deal = office.create("pipelines", json!({"customer": customer, "title": "Kopi", "stage": "lead"})).await;
        let mut visits = Vec::new();
        for days in [0, 40, 100] {
            visits.push(Self::visit(&office, customer, days).await);
        }
        office.sync().await;
        let visits = visits.try_into().unwrap();
        Self { world, office, customer, deal, visits }
    }

    pub async fn visit(device: &Device, customer: RecordId, days_ago: i64) -> RecordId {
        // Ids are in the order of their making.
        device.world.later(1);
        let at = device.world.now().0 - days_ago * DAY_MS;
        device.create("activities", json!({"customer": customer, "kind": "visit", "subject": "Kunjungan", "at": at})).await
    }
}

#[tokio::test]
async fn what_is_not_selected_costs_no_request_and_no_row() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"activities": false})).await;
    phone.sync().await;
    assert_eq!(
        asked(&phone),
        ["snapshot customers,pipelines,preferences,settings ", "changes customers,pipelines,preferences,settings "]
    );
    assert_eq!(kept(&phone.store, "activities").await, []);
    assert_eq!((here(&phone, "activities"), here(&phone, "customers")), (Here::Nothing, Here::Whole));
    assert!(!phone.client.list("activities", &serde_json::from_value(json!({})).unwrap()).1, "an empty list is not complete");
    shop.office.update("activities", shop.visits[0], json!({"subject": "B"})).await;
    shop.office.update("customers", shop.customer, json!({"name": "B"})).await;
    shop.office.sync().await;
    phone.sync().await;
    assert_eq!((phone.value("customers", shop.customer, "name"), kept(&phone.store, "activities").await), (json!("B"), vec![]));
}

#[tokio::test]
async fn what_is_added_comes_under_the_present_cursor_and_what_is_dropped_goes_at_once() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    phone.sync().await;
    asked(&phone);
    select(&phone, json!({"activities": false})).await;
    assert_eq!((kept(&phone.store, "activities").await, shown(&phone, "activities")), (vec![], vec![]));
    assert_eq!((phone.wire.seen.borrow().len(), shown(&phone, "pipelines")), (0, vec![shop.deal]), "nobody was asked");
    phone.sync().await;
    let late = Shop::visit(&shop.office, shop.customer, 3).await;
    shop.office.sync().await;
    asked(&phone);
    select(&phone, json!({"activities": true})).await;
    assert_eq!(here(&phone, "activities"), Here::Loading);
    phone.sync().await;
    assert_eq!(asked(&phone), ["snapshot activities ", "changes  "]);
    let mut all: Vec<RecordId> = shop.visits.into_iter().chain([late]).collect();
    all.sort_unstable();
    assert_eq!((shown(&phone, "activities"), here(&phone, "activities")), (all, Here::Whole));
    // The wider cursor: the feed has them, too.
    shop.office.update("activities", late, json!({"subject": "B"})).await;
    shop.office.sync().await;
    phone.sync().await;
    assert_eq!(phone.value("activities", late, "subject"), json!("B"));
}

#[tokio::test]
async fn days_are_a_date_that_moves_once_a_day_without_asking() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"activities": {"days": 60}})).await;
    phone.sync().await;
    assert_eq!(shown(&phone, "activities"), [shop.visits[0], shop.visits[1]]);
    assert_eq!(here(&phone, "activities"), Here::Part);
    let since = |state: &PullState| state.covered.as_ref().unwrap()["activities"].since.unwrap();
    let first = since(&state(&phone.store).await);
    assert_eq!(first.0.rem_euclid(DAY_MS), 0);
    shop.world.later(DAY_MS);
    asked(&phone);
    phone.sync().await;
    assert_eq!(since(&state(&phone.store).await).0, first.0 + DAY_MS);
    assert!(asked(&phone).iter().all(|asked| asked.starts_with("changes")), "a day costs no snapshot");
    shop.world.later(25 * DAY_MS);
    phone.sync().await;
    assert_eq!(
        (shown(&phone, "activities"), kept(&phone.store, "activities").await),
        (vec![shop.visits[0]], vec![shop.visits[0]])
    );
    // One that somebody moves to a date before it leaves, and one that is moved into it comes.
    let old = shop.world.now().0 - 90 * DAY_MS;
    shop.office.update("activities", shop.visits[0], json!({"at": old})).await;
    shop.office.update("activities", shop.visits[2], json!({"at": shop.world.now().0})).await;
    shop.office.sync().await;
    phone.sync().await;
    assert_eq!(
        (shown(&phone, "activities"), kept(&phone.store, "activities").await),
        (vec![shop.visits[2]], vec![shop.visits[2]])
    );
    // Fewer days take away, more days fetch.
    select(&phone, json!({"activities": {"days": 365}})).await;
    phone.sync().await;
    assert_eq!(shown(&phone, "activities"), shop.visits);
    asked(&phone);
    select(&phone, json!({"activities": {"days": 30}})).await;
    assert_eq!((shown(&phone, "activities"), asked(&phone).len()), (vec![shop.visits[2]], 0));
}

#[tokio::test]
async fn a_clock_that_is_a_day_off_fetches_nothing_and_one_that_was_wrong_is_made_good() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"activities": {"days": 60}})).await;
    phone.sync().await;
    shop.world.later(DAY_MS);
    phone.sync().await;
    asked(&phone);
    shop.world.later(-DAY_MS);
    phone.sync().await;
    assert!(asked(&phone).iter().all(|asked| asked.starts_with("changes")));
    shop.world.later(30 * DAY_MS);
    phone.sync().await;
    assert_eq!(shown(&phone, "activities"), [shop.visits[0]]);
    shop.world.later(-30 * DAY_MS);
    phone.sync().await;
    assert_eq!(shown(&phone, "activities"), [shop.visits[0], shop.visits[1]]);
}

#[tokio::test]
async fn unsent_work_stays_is_sent_and_is_then_out_of_the_lists() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    phone.sync().await;
    phone.update("activities", shop.visits[1], json!({"subject": "Ditunda"})).await;
    let new = Shop::visit(&phone, shop.customer, 0).await;
    let seen = preview(&phone, json!({"activities": false})).await;
    assert_eq!((seen.frees.records, seen.unsent, seen.fetches), (2, 1, Some(Count::default())));
    select(&phone, json!({"activities": false})).await;
    assert_eq!(
        (shown(&phone, "activities"), kept(&phone.store, "activities").await),
        (vec![shop.visits[1], new], vec![shop.visits[1]])
    );
    // While it waits, somebody changes another field: it is still a merge of what was seen.
    shop.office.update("activities", shop.visits[1], json!({"note": "Ramai"})).await;
    shop.office.sync().await;
    phone.sync().await;
    phone.sync().await;
    assert_eq!((phone.unsent(), shown(&phone, "activities")), (0, vec![]), "{:?}", phone.client.outbox());
    let there = shop.world.server(BUDI, "activities").await;
    let merged = there.iter().find(|entry| entry.id == shop.visits[1]).unwrap();
    assert_eq!((&merged.fields["subject"], &merged.fields["note"]), (&json!("Ditunda"), &json!("Ramai")));
    assert!(there.iter().any(|entry| entry.id == new));
    // What is left of it goes with the day.
    shop.world.later(DAY_MS);
    phone.sync().await;
    assert_eq!(kept(&phone.store, "activities").await, []);
    select(&phone, json!({"activities": true})).await;
    phone.sync().await;
    assert_eq!(shown(&phone, "activities").len(), 4);
}

#[tokio::test]
async fn a_conflict_outside_of_the_selection_is_put_to_a_person_all_the_same() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    phone.sync().await;
    phone.update("activities", shop.visits[0], json!({"subject": "Mine"})).await;
    shop.office.update("activities", shop.visits[0], json!({"subject": "Theirs"})).await;
    shop.office.sync().await;
    select(&phone, json!({"activities": false})).await;
    phone.sync().await;
    assert_eq!((phone.client.status().conflicts, shown(&phone, "activities")), (1, vec![shop.visits[0]]));
    select(&phone, json!({"activities": true})).await;
    phone.sync().await;
    assert_eq!((phone.client.status().conflicts, shown(&phone, "activities").len()), (1, 3));
}

#[tokio::test]
async fn a_manager_takes_their_own_and_what_is_given_away_leaves() {
    let shop = Shop::new().await;
    let manager = shop.world.device(AHMAD).await;
    manager.sync().await;
    let own = manager.create("customers", json!({"name": "Toko Ahmad"})).await;
    let deal = manager.create("pipelines", json!({"customer": own, "title": "Teh", "stage": "lead"})).await;
    manager.sync().await;
    assert_eq!(shown(&manager, "customers").len(), 2);
    let mine = json!({"customers": {"whose": "mine"}, "pipelines": {"whose": "mine"}, "activities": {"whose": "mine"}});
    let seen = preview(&manager, mine.clone()).await;
    assert_eq!((seen.frees.records, seen.fetches.unwrap().records), (1 + 1 + 3, 2), "{seen:?}");
    select(&manager, mine).await;
    manager.sync().await;
    assert_eq!(
        (shown(&manager, "customers"), shown(&manager, "pipelines"), shown(&manager, "activities")),
        (vec![own], vec![deal], vec![])
    );
    assert_eq!(kept(&manager.store, "customers").await, [own]);
    // Another's record that changes is no row here.
    shop.office.update("customers", shop.customer, json!({"name": "B"})).await;
    shop.office.sync().await;
    manager.sync().await;
    assert_eq!(kept(&manager.store, "customers").await, [own]);
    shop.world.give(own, SARI).await;
    manager.sync().await;
    assert_eq!((shown(&manager, "customers"), kept(&manager.store, "pipelines").await), (vec![], vec![]));
    shop.world.give(own, AHMAD).await;
    manager.sync().await;
    assert_eq!((shown(&manager, "customers"), shown(&manager, "pipelines")), (vec![own], vec![deal]));
}

#[tokio::test]
async fn what_is_revoked_and_granted_under_a_narrow_scope_ends_as_it_should() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"pipelines": false, "activities": {"days": 60}})).await;
    phone.sync().await;
    shop.world.give(shop.customer, SARI).await;
    phone.sync().await;
    assert_eq!((shown(&phone, "customers"), shown(&phone, "activities")), (vec![], vec![]));
    shop.world.give(shop.customer, BUDI).await;
    phone.sync().await;
    assert_eq!(
        (shown(&phone, "customers"), shown(&phone, "activities")),
        (vec![shop.customer], vec![shop.visits[0], shop.visits[1]])
    );
    assert_eq!((kept(&phone.store, "pipelines").await, kept(&phone.store, "activities").await.len()), (vec![], 2));
}

#[tokio::test]
async fn the_preview_says_what_goes_and_comes_and_changes_nothing() {
    let shop = Shop::new().await;
    let phone = shop.world.device(BUDI).await;
    select(&phone, json!({"activities": {"days": 60}})).await;
    phone.sync().await;
    let before = state(&phone.store).await;
    let wider = preview(&phone, json!({"activities": true, "customers": false})).await;
    assert_eq!((wider.fetches.unwrap().records, wider.frees.records), (3, 1));
    let bytes = |collection: &str| wider.collections[collection].here.bytes;
    assert_eq!(wider.frees.bytes, bytes("customers"));
    assert!(wider.fetches.unwrap().bytes > bytes("activities"));
    assert_eq!(preview(&phone, json!({})).await.fetches, Some(Count::default()));
    phone.fail(&[Fault::Refuse]);
    let offline = preview(&phone, json!({"activities": true, "customers": false})).await;
    assert_eq!((offline.fetches, offline.frees.records), (None, 1));
    assert_eq!(state(&phone.store).await, before);
    assert_eq!(phone.client.preview_selection(&changes(json!({"x": true}))).await, Err(SelectionError::Unknown("x".into())));
    let refused = phone.client.select(&changes(json!({"customers": {"days": 3}}))).await;
    assert_eq!(refused, Err(SelectError::Selection(SelectionError::Undated("customers".into()))));
}
