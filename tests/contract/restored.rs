//! A server that was restored from a backup: what it lacks comes back, once, in order; nothing of others is overwritten.

use std::collections::BTreeMap;

use fieldsync::core::protocol::Request;
use fieldsync::core::record::{RecordId, RowId, Version};
use fieldsync::core::resolve::{Choice, Choices};
use fieldsync::core::rows::{End, meta};
use fieldsync::data::table::RecordStatus;
use fieldsync::memory::MemoryStore;
use fieldsync::ports::{Read, Rows, Scope, Step, Store, StoreName, Write};
use fieldsync_server::db::memory::State;
use serde_json::{Value, json};

use super::online::assign;
use super::world::{AHMAD, BUDI, Device, Fault, World};

/// Every change is in the outbox or has one end; how many have which.
pub async fn ends(store: &MemoryStore) -> (usize, usize) {
    let rows = store.read(vec![Read::Outbox, Read::HistoryFrom(0, u32::MAX), Read::Meta]).await.unwrap();
    assert!(rows.meta.get(meta::REPLAY).is_none_or(Value::is_null), "what was pushed again is over");
    let mut found: BTreeMap<RowId, usize> = BTreeMap::new();
    let ended = rows.history.iter().flat_map(|row| &row.ended);
    for row in rows.outbox.iter().map(|change| change.row).chain(ended.clone().map(|ended| ended.row)) {
        *found.entry(row).or_default() += 1;
    }
    assert!(found.values().all(|count| *count == 1), "a change is lost or ends twice: {found:?}");
    (rows.outbox.len(), ended.filter(|ended| ended.end == End::Confirmed).count())
}

/// The only record of the server's collection, a field of it, and its version.
async fn on_server(world: &World, collection: &str, name: &str) -> (Value, Version) {
    let records = world.server(AHMAD, collection).await;
    assert_eq!(records.len(), 1);
    (records[0].fields.get(name).cloned().unwrap_or_default(), records[0].version)
}

/// A customer that is in the backup, on a phone of Budi's.
pub async fn customer() -> (World, Device, RecordId, State) {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let id = phone.create("customers", json!({"name": "Toko Jaya", "phone": "+62811"})).await;
    phone.sync().await;
    let backup = world.db.backup();
    (world, phone, id, backup)
}

#[tokio::test]
async fn what_a_restored_server_lacks_comes_back() {
    let (world, phone, id, backup) = customer().await;
    for city in ["Bandung", "Bogor", "Depok"] {
        phone.update("customers", id, json!({"city": city})).await;
        phone.sync().await;
    }
    let deal = phone.create("pipelines", json!({"customer": id, "title": "Kopi", "stage": "lead"})).await;
    let other = phone.create("customers", json!({"name": "Toko Baru"})).await;
    phone.sync().await;
    phone.create("pipelines", json!({"customer": other, "title": "Teh", "stage": "lead"})).await;
    phone.sync().await;
    world.db.restore(backup);
    assert!(world.server(BUDI, "pipelines").await.is_empty());
    phone.sync().await;
    assert_eq!(phone.unsent(), 0, "{:?}", phone.client.outbox());
    let records = world.server(BUDI, "customers").await;
    let restored = records.iter().find(|record| record.id == id).unwrap();
    assert_eq!((restored.fields["city"].as_str(), restored.version), (Some("Depok"), Version(4)), "each edit once, in order");
    assert_eq!((records.len(), world.server(BUDI, "pipelines").await.len()), (2, 2));
    assert_eq!(phone.get("customers", id).unwrap().version, Version(4));
    assert!(phone.get("pipelines", deal).is_some());
    assert_eq!(ends(&phone.store).await, (0, 7));
    let pushed = phone.parcels_sent();
    phone.sync().await;
    assert_eq!(phone.parcels_sent(), pushed, "and that was that");
}

#[tokio::test]
async fn a_lost_delete_comes_back_and_one_that_others_undid_asks() {
    let (world, phone, id, backup) = customer().await;
    phone.remove("customers", id).await;
    phone.sync().await;
    world.db.restore(backup.clone());
    phone.sync().await;
    assert!(world.server(AHMAD, "customers").await.is_empty());
    assert_eq!(ends(&phone.store).await, (0, 2));

    world.db.restore(backup);
    let office = world.device(AHMAD).await;
    office.sync().await;
    office.update("customers", id, json!({"city": "Bogor"})).await;
    office.sync().await;
    phone.sync().await;
    assert_eq!(phone.get("customers", id).unwrap().status, RecordStatus::Conflict);
    assert_eq!(on_server(&world, "customers", "city").await.0, "Bogor");
    assert_eq!(ends(&phone.store).await, (1, 1));
    let whole = Choices::from([("*".to_owned(), Choice::Mine)]);
    phone.client.resolve("customers", id, Version(2), &whole).await.unwrap();
    phone.sync().await;
    assert!(world.server(AHMAD, "customers").await.is_empty());
}

#[tokio::test]
async fn a_tombstone_of_the_lost_lifetime_hides_nothing() {
    let (world, phone, id, backup) = customer().await;
    let office = world.device(AHMAD).await;
    office.sync().await;
    office.remove("customers", id).await;
    office.sync().await;
    phone.sync().await;
    assert!(phone.get("customers", id).is_none());
    world.db.restore(backup);
    phone.sync().await;
    assert_eq!(phone.value("customers", id, "name"), "Toko Jaya", "it lives again");
    office.sync().await;
    phone.sync().await;
    assert!(phone.get("customers", id).is_none(), "until its delete comes back");
}

#[tokio::test]
async fn what_others_changed_since_is_put_to_the_person() {
    let (world, phone, id, backup) = customer().await;
    let office = world.device(AHMAD).await;
    office.sync().await;
    phone.update("customers", id, json!({"phone": "+62812", "city": "Bogor"})).await;
    phone.sync().await;
    phone.update("customers", id, json!({"city": "Depok"})).await;
    phone.sync().await;
    world.db.restore(backup);
    let office_again = world.device(AHMAD).await;
    office_again.sync().await;
    // Two versions on, as many as the phone made: the number alone would not tell.
    office_again.update("customers", id, json!({"phone": "+62899"})).await;
    office_again.sync().await;
    office_again.update("customers", id, json!({"email": "a@b.id"})).await;
    office_again.sync().await;
    phone.sync().await;
    let shown = phone.get("customers", id).unwrap();
    assert_eq!((shown.status, &shown.fields["phone"]), (RecordStatus::Conflict, &json!("+62812")), "mine stays on screen");
    assert_eq!(on_server(&world, "customers", "phone").await, (json!("+62899"), Version(3)), "theirs stays on the server");
    assert_eq!(ends(&phone.store).await, (2, 1));
    let choices = Choices::from([("phone".to_owned(), Choice::Mine)]);
    phone.client.resolve("customers", id, Version(3), &choices).await.unwrap();
    phone.sync().await;
    let records = world.server(AHMAD, "customers").await;
    let fields = &records[0].fields;
    assert_eq!((&fields["phone"], &fields["city"], &fields["email"]), (&json!("+62812"), &json!("Depok"), &json!("a@b.id")));
    assert_eq!(phone.unsent(), 0);
    drop(office);
}

#[tokio::test]
async fn another_field_of_others_is_merged_and_an_edit_meanwhile_comes_last() {
    let (world, phone, id, backup) = customer().await;
    phone.update("customers", id, json!({"phone": "+62812"})).await;
    phone.sync().await;
    world.db.restore(backup);
    let office = world.device(AHMAD).await;
    office.sync().await;
    office.update("customers", id, json!({"city": "Bogor"})).await;
    office.sync().await;
    // A push finds it out.
    let other = phone.create("customers", json!({"name": "Toko Baru"})).await;
    phone.sync().await;
    phone.update("customers", id, json!({"phone": "+62814"})).await;
    phone.sync().await;
    assert_eq!(phone.value("customers", other, "name"), "Toko Baru");
    assert_eq!(phone.value("customers", id, "phone"), "+62814");
    let records = world.server(AHMAD, "customers").await;
    let merged = &records.iter().find(|record| record.id == id).unwrap().fields;
    assert_eq!((&merged["phone"], &merged["city"]), (&json!("+62814"), &json!("Bogor")));
    assert_eq!(ends(&phone.store).await, (0, 4));
}

#[tokio::test]
async fn an_edit_while_the_replay_waits_comes_after_what_went_back() {
    let (world, phone, id, backup) = customer().await;
    phone.update("customers", id, json!({"phone": "+62812"})).await;
    phone.sync().await;
    world.db.restore(backup);
    let office = world.device(AHMAD).await;
    office.sync().await;
    office.update("customers", id, json!({"phone": "+62899"})).await;
    office.sync().await;
    // The pull finds it out, and the answer to the push after it is lost.
    phone.fail(&[Fault::Pass, Fault::LoseAnswer]);
    phone.sync().await;
    phone.update("customers", id, json!({"phone": "+62813"})).await;
    phone.sync().await;
    let shown = phone.get("customers", id).unwrap();
    assert_eq!((shown.status, &shown.fields["phone"]), (RecordStatus::Conflict, &json!("+62813")), "my newest");
    let conflict = &serde_json::to_value(phone.client.conflicts()).unwrap()[0];
    assert_eq!((&conflict["fields"][0]["before"], &conflict["fields"][0]["theirs"]), (&json!("+62811"), &json!("+62899")));
    assert_eq!(ends(&phone.store).await, (2, 1));
    assert_eq!(on_server(&world, "customers", "phone").await.0, "+62899");
}

#[tokio::test]
async fn a_backup_between_a_push_and_its_pull_is_noticed_too() {
    let (world, phone, id, backup) = customer().await;
    pushed_and_not_pulled(&phone, id).await;
    world.db.restore(backup);
    phone.sync().await;
    assert_eq!(on_server(&world, "customers", "phone").await.0, "+62812");
    assert_eq!(ends(&phone.store).await, (0, 2));
}

#[tokio::test]
async fn a_backup_in_the_middle_of_a_snapshot_is_noticed_by_the_push() {
    let (world, phone, id, backup) = customer().await;
    pushed_and_not_pulled(&phone, id).await;
    // A snapshot is under way whose watermark the backup knows.
    let scope = Scope::strict(&[StoreName::Meta], vec![Read::Meta]);
    let under_way = |rows: &Rows| {
        let mut pull = rows.meta[meta::PULL].clone();
        pull["snapshot"] = json!({"after": null, "watermark": pull["cursor"], "done": 0, "total": 1});
        pull["cursor"] = Value::Null;
        Step::Write(vec![Write::Meta(meta::PULL, pull)], ())
    };
    phone.store.update(scope, under_way).await.unwrap();
    phone.update("customers", id, json!({"city": "Bogor"})).await;
    world.db.restore(backup);
    phone.sync().await;
    phone.sync().await;
    assert_eq!(on_server(&world, "customers", "phone").await.0, "+62812");
    assert_eq!(on_server(&world, "customers", "city").await.0, "Bogor");
    assert_eq!(ends(&phone.store).await, (0, 3));
}

/// The answer to a push comes; the pull after it gets nowhere. The cursor is one that the backup has.
async fn pushed_and_not_pulled(phone: &Device, id: RecordId) {
    phone.update("customers", id, json!({"phone": "+62812"})).await;
    phone.fail(&[Fault::Pass, Fault::Refuse]);
    phone.sync().await;
    assert_eq!(phone.unsent(), 0);
}

#[tokio::test]
async fn two_devices_bring_back_what_each_had() {
    let (world, phone, id, backup) = customer().await;
    let office = world.device(AHMAD).await;
    office.sync().await;
    phone.update("customers", id, json!({"city": "Bogor"})).await;
    phone.sync().await;
    office.sync().await;
    office.update("customers", id, json!({"city": "Depok", "phone": "+62899"})).await;
    office.sync().await;
    phone.sync().await;
    let theirs = phone.create("customers", json!({"name": "Toko Baru"})).await;
    phone.sync().await;
    office.sync().await;
    office.update("customers", theirs, json!({"city": "Jambi"})).await;
    office.sync().await;
    world.db.restore(backup);
    // The second one first: it builds on what the server does not have yet.
    office.sync().await;
    assert_eq!(office.get("customers", theirs).unwrap().status, RecordStatus::Failed, "shown, and waits for its record");
    for _ in 0..2 {
        phone.sync().await;
        office.sync().await;
    }
    phone.sync().await;
    let name = |id, device: &Device| device.value("customers", id, "city");
    for device in [&phone, &office] {
        ends(&device.store).await;
        assert_eq!((name(id, device), name(theirs, device)), (json!("Depok"), json!("Jambi")));
    }
    assert_eq!((phone.unsent(), office.unsent()), (0, 0), "{:?}", office.client.outbox());
}

/// What edits a record is refused before the create of that record, which has gone back, may be sent again.
#[tokio::test]
async fn what_was_refused_for_lack_of_its_create_goes_with_it() {
    let world = World::new();
    let (phone, tablet) = (world.device(BUDI).await, world.device(BUDI).await);
    let backup = world.db.backup();
    let id = phone.create("customers", json!({"name": "Toko Jaya"})).await;
    phone.sync().await;
    tablet.sync().await;
    let deal = tablet.create("pipelines", json!({"customer": id, "title": "Kopi", "stage": "lead"})).await;
    tablet.sync().await;
    tablet.update("pipelines", deal, json!({"title": "Teh"})).await;
    world.db.restore(backup);
    tablet.sync().await;
    assert_eq!(tablet.store.peek(&[Read::Parcels]).parcels.iter().filter(|parcel| !parcel.is_open()).count(), 1);
    phone.sync().await;
    tablet.sync().await;
    assert_eq!((on_server(&world, "pipelines", "title").await.0, tablet.unsent()), (json!("Teh"), 0));
}

#[tokio::test]
async fn the_other_tab_sees_what_went_back() {
    let (world, tab, id, backup) = customer().await;
    tab.update("customers", id, json!({"phone": "+62812"})).await;
    tab.sync().await;
    let other = world.context(BUDI, tab.store.clone()).await;
    assert_eq!(other.get("customers", id).unwrap().status, RecordStatus::Synced);
    world.db.restore(backup);
    let office = world.device(AHMAD).await;
    office.sync().await;
    office.update("customers", id, json!({"phone": "+62899"})).await;
    office.sync().await;
    tab.sync().await;
    other.client.refresh(None).await.unwrap();
    let (here, there) = (tab.get("customers", id).unwrap(), other.get("customers", id).unwrap());
    assert_eq!((here.status, there.status), (RecordStatus::Conflict, RecordStatus::Conflict));
    assert_eq!(here, there);
    // Both at once, without a lock, after another restore.
    let choices = Choices::from([("phone".to_owned(), Choice::Mine)]);
    other.client.resolve("customers", id, here.version, &choices).await.unwrap();
    let backup = world.db.backup();
    other.sync().await;
    world.db.restore(backup);
    tokio::join!(tab.sync(), other.sync());
    assert_eq!(on_server(&world, "customers", "phone").await.0, "+62812");
    tab.client.refresh(None).await.unwrap();
    other.client.refresh(None).await.unwrap();
    assert_eq!((tab.unsent(), other.unsent()), (0, 0));
    assert_eq!(tab.get("customers", id), other.get("customers", id));
    ends(&tab.store).await;
}

#[tokio::test]
async fn a_long_history_goes_in_batches() {
    let (world, phone, _, backup) = customer().await;
    for n in 0..450 {
        phone.create("customers", json!({"name": format!("Toko {n}"), "notes": "x".repeat(1_000)})).await;
    }
    phone.sync().await;
    world.db.restore(backup);
    phone.wire.seen.borrow_mut().clear();
    phone.sync().await;
    assert_eq!(world.server(AHMAD, "customers").await.len(), 451);
    let seen = phone.wire.seen.borrow().clone();
    let sizes = seen.iter().filter_map(|request| match request {
        Request::Push(push) => Some((push.parcels.len(), serde_json::to_vec(&push.parcels).unwrap().len())),
        _ => None,
    });
    let sizes: Vec<(usize, usize)> = sizes.collect();
    assert!(sizes.len() > 1 && sizes.iter().all(|(count, bytes)| *count <= 1_000 && *bytes < 260 * 1024), "{sizes:?}");
    assert_eq!(sizes.iter().map(|(count, _)| count).sum::<usize>(), 451, "each once");
    assert_eq!(ends(&phone.store).await, (0, 451));
}

/// The server took them in another order than their answers came: it has the second of what history confirms, and is asked.
#[tokio::test]
async fn what_the_server_kept_stays_confirmed_behind_what_goes_back() {
    let (world, phone, id, _) = customer().await;
    let office = world.device(AHMAD).await;
    office.sync().await;
    let tab = world.context(AHMAD, office.store.clone()).await;
    office.update("customers", id, json!({"city": "Bogor"})).await;
    office.fail(&[Fault::LoseAnswer]);
    office.sync().await;
    let backup = world.db.backup();
    assign(&tab, id, AHMAD).await.unwrap();
    office.sync().await;
    office.update("customers", id, json!({"name": "Toko Lama"})).await;
    office.sync().await;
    assert_eq!(ends(&office.store).await, (0, 3));
    world.db.restore(backup);
    phone.sync().await;
    phone.update("customers", id, json!({"name": "Toko Baru"})).await;
    phone.sync().await;
    office.sync().await;
    // The assignment and the name are to be decided anew; what is there already must not seem to be.
    assert_eq!(ends(&office.store).await, (2, 1), "{:?}", office.client.outbox());
    assert_eq!(on_server(&world, "customers", "city").await, (json!("Bogor"), Version(3)));
}
