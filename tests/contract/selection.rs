//! Part of the data on a device: what is selected comes, what is not costs nothing, and unsent work stays whatever is chosen.

use std::cell::Cell;
use std::rc::Rc;

use fieldsync::client::{Here, SelectError, SelectionPreview};
use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::{Count, Request};
use fieldsync::core::pull::PullState;
use fieldsync::core::record::RecordId;
use fieldsync::core::rows::meta;
use fieldsync::core::selection::{Changes, DAY_MS, SelectionError};
use fieldsync::core::status::SyncState;
use fieldsync::data::page::decode;
use fieldsync::memory::MemoryStore;
use fieldsync::ports::{Read, Store};
use serde_json::{Value, json};

use super::crashes::Dying;
use super::world::{AHMAD, BUDI, Device, Fault, SARI, World};

fn changes(value: Value) -> Changes {
    serde_json::from_value(value).unwrap()
}

async fn select(device: &Device, value: Value) {
    device.client.select(&changes(value)).await.unwrap();
}

async fn preview(device: &Device, value: Value) -> SelectionPreview {
    device.client.preview_selection(&changes(value)).await.unwrap()
}

/// The ids that a device has bases of, out of the scope or not.
async fn kept(store: &MemoryStore, collection: &str) -> Vec<RecordId> {
    let rows = store.read(vec![Read::PagesSince(0)]).await.unwrap();
    let pages = rows.pages.iter().filter(|page| page.collection == collection);
    pages.flat_map(|page| decode(&page.bytes).unwrap()).map(|base| base.id).collect()
}

async fn state(store: &MemoryStore) -> PullState {
    let rows = store.read(vec![Read::Meta]).await.unwrap();
    serde_json::from_value(rows.meta[meta::PULL].clone()).unwrap()
}

fn shown(device: &Device, collection: &str) -> Vec<RecordId> {
    device.client.list(collection, &serde_json::from_value(json!({})).unwrap()).0.iter().map(|record| record.id).collect()
}

fn here(device: &Device, collection: &str) -> Here {
    device.client.selection()[collection].here()
}

/// The collections of every pull since.
fn asked(device: &Device) -> Vec<String> {
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

struct Shop {
    world: World,
    office: Device,
    customer: RecordId,
    deal: RecordId,
    /// Of today, of 40 days ago, and of 100 days ago.
    visits: [RecordId; 3],
}

impl Shop {
    async fn new() -> Self {
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

    async fn visit(device: &Device, customer: RecordId, days_ago: i64) -> RecordId {
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
