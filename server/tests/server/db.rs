//! What every database must do. One suite; a new implementation adds one test that calls it.

use fieldsync::core::protocol::{Outcome, SeqRange, Unsent};
use fieldsync::core::record::{By, DeviceId, Epoch, Millis, OpId, RecordId, RowId, Seq, UserId, Version};
use fieldsync_server::db::memory::MemoryDb;
use fieldsync_server::db::sqlite::SqliteDb;
use fieldsync_server::db::{
    self, Changes, Db, DbError, DeviceRow, End, Extent, FeedQuery, HistoryRow, LedgerRow, PageQuery, RefreshRow, Revoked, Role,
    Standing, Stored, Tx,
};
use serde_json::json;
use uuid::Uuid;

use crate::common::{AHMAD, BUDI, SARI, START, fields, user};

fn suite(new: &dyn Fn() -> Box<dyn Db>) {
    for case in [
        commits_have_places_and_tags,
        a_failed_transaction_leaves_nothing,
        a_panic_leaves_nothing,
        a_part_is_undone_alone,
        reading_writes_nothing,
        records_come_back_whole,
        pages_are_in_order_and_owned,
        dated_records_are_found_from_a_day_on_and_undated_ones_always,
        the_feed_is_in_order,
        revocations_come_and_go,
        unique_values_have_one_holder,
        only_applied_rows_are_known,
        history_is_kept_in_order,
        stores_of_a_browser_are_found_together,
        people_and_settings_come_back,
    ] {
        let db = new();
        db::write(&*db, |tx| -> Result<(), DbError> {
            tx.put_user(&user(BUDI, "budi", Role::Rep, "Jakarta"))?;
            tx.put_user(&user(SARI, "sari", Role::Rep, "Jakarta"))
        })
        .unwrap();
        case(&*db);
    }
}

#[test]
fn memory() {
    suite(&|| Box::new(MemoryDb::new(42)));
}

#[test]
fn sqlite_in_memory() {
    suite(&|| Box::new(SqliteDb::in_memory(42).unwrap()));
}

#[test]
fn sqlite_in_a_file() {
    let root = std::env::temp_dir().join(format!("fieldsync-server-{}", std::process::id()));
    let next = std::cell::Cell::new(0);
    suite(&|| {
        next.set(next.get() + 1);
        Box::new(SqliteDb::open(&root.join(next.get().to_string()), 42).unwrap())
    });
    // The last case wrote a setting: it is there when the file is opened again, under its first tag.
    let again = SqliteDb::open(&root.join(next.get().to_string()), 43).unwrap();
    assert_eq!(db::read(&again, |tx| tx.meta("name")).unwrap().as_deref(), Some("second"));
    assert_eq!(db::read(&again, |tx| tx.tag(Seq(0))).unwrap(), Some(42));
    std::fs::remove_dir_all(root).unwrap();
}

fn by() -> By {
    By { id: BUDI, name: "Budi".into(), role: "rep".into(), device: Some(DeviceId(Uuid::from_u128(9))) }
}

fn id(number: u128) -> RecordId {
    RecordId(Uuid::from_u128(number))
}

fn stored(collection: &str, number: u128, owner: Option<UserId>, seq: Seq) -> Stored {
    Stored {
        collection: collection.into(),
        id: id(number),
        version: Version(3),
        seq,
        at: START,
        by: by(),
        changed: {
            let mut changes = Changes::default();
            changes.note(["name"].into_iter(), Millis(5), &by());
            changes
        },
        fields: fields(json!({"name": "Kopi \"Ujung\" ☕", "n": 1.5, "list": [1, null]})),
        owner,
        parent: None,
        deleted: false,
    }
}

fn ok<T>(db: &dyn Db, work: impl FnOnce(&mut dyn Tx) -> Result<T, DbError>) -> T {
    db::write(db, work).unwrap()
}

/// Puts these in a commit each; by number, collection and owner.
fn put(db: &dyn Db, records: &[(&str, u128, Option<UserId>)]) {
    ok(db, |tx| {
        for (collection, number, owner) in records {
            let seq = tx.commit(0)?;
            tx.put_record(&stored(collection, *number, *owner, seq))?;
        }
        Ok(())
    });
}

fn commits_have_places_and_tags(db: &dyn Db) {
    assert_eq!(
        db::read(db, |tx| Ok::<_, DbError>((tx.head()?, tx.tag(Seq(0))?, tx.tag(Seq(1))?))).unwrap(),
        (Seq(0), Some(42), None)
    );
    let places = ok(db, |tx| Ok([tx.commit(u64::MAX)?, tx.commit(8)?]));
    assert_eq!(places, [Seq(1), Seq(2)]);
    assert_eq!(ok(db, |tx| Ok((tx.head()?, tx.tag(Seq(1))?))), (Seq(2), Some(u64::MAX)));
}

fn a_failed_transaction_leaves_nothing(db: &dyn Db) {
    let failed = db::write(db, |tx| -> Result<(), DbError> {
        tx.commit(1)?;
        tx.put_meta("a", "b")?;
        Err(DbError::Corrupt("on purpose".into()))
    });
    assert!(failed.is_err());
    let taken_back = db::write_unless(db, |_: &Seq| End::Rollback, |tx| tx.commit(1));
    assert_eq!(taken_back.unwrap(), Seq(1));
    assert_eq!(ok(db, |tx| Ok((tx.head()?, tx.meta("a")?))), (Seq(0), None));
}

fn a_panic_leaves_nothing(db: &dyn Db) {
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        db::write(db, |tx| -> Result<(), DbError> {
            tx.commit(1)?;
            panic!("on purpose")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(ok(db, |tx| tx.head()), Seq(0));
}

fn a_part_is_undone_alone(db: &dyn Db) {
    put(db, &[("customers", 1, Some(BUDI))]);
    ok(db, |tx| {
        tx.put_meta("before", "1")?;
        tx.begin_part()?;
        let seq = tx.commit(5)?;
        tx.put_record(&Stored { deleted: true, ..stored("customers", 1, Some(BUDI), seq) })?;
        tx.begin_part()?;
        tx.put_meta("inner", "1")?;
        tx.end_part(true)?;
        tx.end_part(false)?;
        tx.begin_part()?;
        tx.put_meta("after", "1")?;
        tx.end_part(true)
    });
    let (head, record) = ok(db, |tx| Ok((tx.head()?, tx.record("customers", id(1))?)));
    assert_eq!((head, record.unwrap().deleted), (Seq(1), false));
    assert_eq!(
        ok(db, |tx| Ok([tx.meta("before")?, tx.meta("inner")?, tx.meta("after")?])),
        [Some("1".into()), None, Some("1".into())]
    );
}

fn reading_writes_nothing(db: &dyn Db) {
    // A database may refuse to write here; what it may not do is keep it.
    let _ = db::read(db, |tx| tx.put_meta("a", "b"));
    assert_eq!(ok(db, |tx| tx.meta("a")), None);
}

fn records_come_back_whole(db: &dyn Db) {
    let record = Stored { parent: Some(id(8)), ..stored("pipelines", 1, Some(BUDI), Seq(1)) };
    ok(db, |tx| {
        tx.commit(1)?;
        tx.put_record(&record)
    });
    assert_eq!(ok(db, |tx| tx.record("pipelines", id(1))), Some(record.clone()));
    assert_eq!(ok(db, |tx| tx.record("customers", id(1))), None);
    assert_eq!(ok(db, |tx| tx.children(id(8))), std::slice::from_ref(&record));
    assert_eq!(ok(db, |tx| tx.owned(BUDI)), std::slice::from_ref(&record));
    let moved = Stored { owner: None, parent: None, deleted: true, version: Version(4), ..record };
    ok(db, |tx| tx.put_record(&moved));
    assert_eq!(ok(db, |tx| Ok((tx.record("pipelines", id(1))?, tx.children(id(8))?.len()))), (Some(moved), 0));
}

fn pages_are_in_order_and_owned(db: &dyn Db) {
    let all =
        [("customers", 3, Some(BUDI)), ("customers", 1, Some(SARI)), ("customers", 2, Some(BUDI)), ("pipelines", 4, Some(BUDI))];
    put(db, &all);
    put(db, &[("customers", 5, None)]);
    ok(db, |tx| tx.put_record(&Stored { deleted: true, ..stored("customers", 6, Some(BUDI), Seq(1)) }));
    let page = |owners: Option<&[UserId]>, after: Option<u128>, before: Option<u128>, limit| {
        let query = PageQuery { of: Extent::of("customers", owners), after: after.map(id), before: before.map(id), limit };
        ok(db, |tx| tx.page(&query)).iter().map(|record| record.id.0.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, None, 9), [1, 2, 3, 5]);
    assert_eq!(page(Some(&[BUDI]), None, None, 9), [2, 3]);
    assert_eq!(page(Some(&[BUDI, SARI]), None, None, 2), [1, 2]);
    assert_eq!(page(Some(&[BUDI, SARI]), Some(1), Some(3), 9), [2]);
    assert_eq!(page(Some(&[]), None, None, 9), [0; 0]);
    let count = |owners: Option<&[UserId]>| ok(db, |tx| tx.count(&Extent::of("customers", owners)));
    assert_eq!([count(None), count(Some(&[BUDI])), count(Some(&[]))], [4, 2, 0]);
}

fn dated_records_are_found_from_a_day_on_and_undated_ones_always(db: &dyn Db) {
    put(db, &[("customers", 9, None)]);
    for (n, value) in [(1, json!({"at": 10})), (2, json!({"at": 20})), (3, json!({"at": null})), (4, json!({"with \"": 1}))] {
        let record = Stored { fields: fields(value), ..stored("activities", n, Some(BUDI), Seq(1)) };
        ok(db, |tx| tx.put_record(&record));
    }
    let of = |since| Extent { since: Some(("at", Millis(since))), ..Extent::of("activities", Some(&[BUDI])) };
    let page = |since| {
        let query = PageQuery { of: of(since), after: None, before: None, limit: 9 };
        ok(db, |tx| tx.page(&query)).iter().map(|record| record.id.0.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!([page(10), page(11), page(21)], [vec![1, 2, 3, 4], vec![2, 3, 4], vec![3, 4]]);
    assert_eq!(ok(db, |tx| tx.count(&of(11))), 3);
    let bytes = [r#"{"at":20}"#, r#"{"at":null}"#, r#"{"with \"":1}"#].map(str::len).iter().sum::<usize>() as u64;
    assert_eq!(ok(db, |tx| tx.weigh(&of(11))), (3, bytes));
    assert_eq!(ok(db, |tx| tx.weigh(&Extent::of("pipelines", None))), (0, 0));
}

fn the_feed_is_in_order(db: &dyn Db) {
    put(db, &[("customers", 3, Some(BUDI)), ("pipelines", 2, Some(SARI)), ("settings", 1, None), ("customers", 4, Some(BUDI))]);
    // A record that changes again moves to its newest place; one that is deleted stays in the feed.
    ok(db, |tx| {
        let seq = tx.commit(0)?;
        tx.put_record(&Stored { deleted: true, ..stored("customers", 3, Some(BUDI), seq) })
    });
    let names = ["customers", "settings", "pipelines"].map(str::to_owned);
    let feed = |collections: &[String], owners: &[UserId], after, upto, limit| {
        let query = FeedQuery { collections, owners, after: Seq(after), upto: Seq(upto), limit };
        ok(db, |tx| tx.feed(&query)).iter().map(|record| (record.seq.0, record.id.0.as_u128())).collect::<Vec<_>>()
    };
    assert_eq!(feed(&names, &[BUDI], 0, 9, 9), [(3, 1), (4, 4), (5, 3)]);
    assert_eq!(feed(&names, &[BUDI, SARI], 2, 4, 9), [(3, 1), (4, 4)]);
    assert_eq!(feed(&names[..1], &[BUDI], 0, 9, 1), [(4, 4)]);
    assert_eq!(feed(&[], &[BUDI], 0, 9, 9), []);
}

fn revocations_come_and_go(db: &dyn Db) {
    put(db, &[("customers", 1, Some(SARI)), ("customers", 2, Some(SARI))]);
    let row = |number, seq| Revoked {
        user: BUDI,
        collection: "customers".into(),
        id: id(number),
        seq: Seq(seq),
        version: Version(2),
        at: START,
        by: by(),
    };
    ok(db, |tx| {
        tx.put_revoked(&row(1, 1))?;
        tx.put_revoked(&row(2, 1))?;
        tx.put_revoked(&row(1, 2))
    });
    let names = ["customers".to_owned()];
    let query = FeedQuery { collections: &names, owners: &[], after: Seq(0), upto: Seq(9), limit: 9 };
    assert_eq!(ok(db, |tx| tx.revoked(BUDI, &query)), [row(2, 1), row(1, 2)]);
    assert_eq!(ok(db, |tx| tx.revoked(SARI, &query)), []);
    ok(db, |tx| tx.clear_revoked(BUDI, "customers", id(2)));
    assert_eq!(ok(db, |tx| tx.revoked(BUDI, &query)), [row(1, 2)]);
}

fn unique_values_have_one_holder(db: &dyn Db) {
    ok(db, |tx| tx.hold("customers", id(1), &[("code", "A-1"), ("tax", "A-1")]));
    assert_eq!(ok(db, |tx| tx.holder("customers", "code", "A-1")), Some(id(1)));
    assert_eq!(ok(db, |tx| tx.holder("pipelines", "code", "A-1")), None);
    ok(db, |tx| tx.hold("customers", id(1), &[("code", "A-2")]));
    assert_eq!(
        ok(db, |tx| Ok((tx.holder("customers", "code", "A-1")?, tx.holder("customers", "code", "A-2")?))),
        (None, Some(id(1)))
    );
}

fn only_applied_rows_are_known(db: &dyn Db) {
    let row = |number: u128, outcome| LedgerRow {
        op_id: OpId(Uuid::from_u128(number)),
        user: BUDI,
        payload_hash: Some([7; 32]),
        rows: vec![RowId(Uuid::from_u128(number + 100))],
        outcome,
        at: START,
    };
    let applied = row(1, Outcome::Applied { seq: Seq(1), items: Vec::new() });
    let voided = LedgerRow { payload_hash: None, ..row(2, Outcome::Voided) };
    ok(db, |tx| {
        tx.put_ledger(&applied)?;
        tx.put_ledger(&voided)
    });
    assert_eq!(
        ok(db, |tx| Ok((tx.ledger(applied.op_id)?, tx.ledger(voided.op_id)?))),
        (Some(applied.clone()), Some(voided.clone()))
    );
    assert_eq!(ok(db, |tx| tx.ledger(OpId(Uuid::nil()))), None);
    assert_eq!(ok(db, |tx| tx.applied_rows(&[voided.rows[0], applied.rows[0]])), applied.rows);
}

fn history_is_kept_in_order(db: &dyn Db) {
    let row = |number: u128, version: u64| HistoryRow {
        collection: "customers".into(),
        id: id(number),
        field: "name".into(),
        version: Version(version),
        seq: Seq(1),
        at: START,
        by: by(),
        value: json!(version),
        previous: json!(null),
        set_aside: number == 2,
    };
    ok(db, |tx| tx.add_history(&[row(1, 1), row(2, 1), row(1, 2)]));
    let of = |number, since| ok(db, |tx| tx.history("customers", id(number), Version(since)));
    assert_eq!([of(1, 0), of(1, 1), of(2, 0)], [vec![row(1, 1), row(1, 2)], vec![row(1, 2)], vec![row(2, 1)]]);
}

fn device_row(user: UserId, device: u128, epoch: u128) -> DeviceRow {
    DeviceRow {
        user,
        device: DeviceId(Uuid::from_u128(device)),
        epoch: Epoch(Uuid::from_u128(epoch)),
        allocated_seq: 8,
        open: vec![SeqRange(2, 4)],
        left: Unsent { changes: 3, records: 2 },
        conflicts: 5,
        browser: Some(Uuid::from_u128(7)),
        origin: Some("https://crm.example".into()),
        standing: Standing::Here,
        seen_at: START,
    }
}

fn stores_of_a_browser_are_found_together(db: &dyn Db) {
    let here = device_row(BUDI, 1, 1);
    let gone = DeviceRow { standing: Standing::Gone, origin: None, ..device_row(BUDI, 2, 2) };
    let settled = DeviceRow { standing: Standing::Settled, left: Unsent::default(), ..device_row(BUDI, 2, 3) };
    let others = [
        DeviceRow { browser: Some(Uuid::from_u128(8)), ..device_row(BUDI, 3, 4) },
        DeviceRow { browser: None, ..device_row(BUDI, 3, 5) },
        device_row(SARI, 1, 1),
    ];
    ok(db, |tx| {
        let mut rows = [&settled, &here, &gone].into_iter().chain(&others);
        rows.try_for_each(|row| tx.put_device(row))
    });
    assert_eq!(ok(db, |tx| tx.devices(BUDI, Uuid::from_u128(7))), [here, gone.clone(), settled]);
    assert_eq!(ok(db, |tx| tx.devices(BUDI, Uuid::from_u128(9))), []);
    let newer = DeviceRow { seen_at: START.plus(1), ..gone.clone() };
    ok(db, |tx| {
        tx.put_device(&newer)?;
        tx.drop_devices(START)
    });
    assert_eq!(ok(db, |tx| tx.devices(BUDI, Uuid::from_u128(7))), [newer]);
    ok(db, |tx| tx.put_device(&others[1]));
    assert_eq!(ok(db, |tx| tx.device(BUDI, others[1].device, others[1].epoch)), Some(others[1].clone()));
}

fn people_and_settings_come_back(db: &dyn Db) {
    let ahmad = user(AHMAD, "ahmad", Role::Manager, "Bandung");
    let moved = fieldsync_server::db::User { team: None, ..user(BUDI, "budi", Role::Manager, "") };
    ok(db, |tx| {
        tx.put_user(&ahmad)?;
        tx.put_user(&moved)
    });
    let mut users = ok(db, |tx| tx.users());
    users.sort_by_key(|user| user.id);
    assert_eq!(users, [moved, user(SARI, "sari", Role::Rep, "Jakarta"), ahmad]);

    let family = Uuid::from_u128(6);
    let token = RefreshRow { hash: [1; 32], family, user: BUDI, parent: None, expires_at: START, used: false, dead: false };
    let next = RefreshRow { hash: [2; 32], parent: Some([1; 32]), used: true, ..token.clone() };
    ok(db, |tx| {
        tx.put_refresh(&token)?;
        tx.put_refresh(&next)?;
        tx.put_refresh(&RefreshRow { dead: true, ..token.clone() })
    });
    assert_eq!(ok(db, |tx| tx.refresh(&[2; 32])), Some(next.clone()));
    assert_eq!(ok(db, |tx| tx.family(family)), [RefreshRow { dead: true, ..token.clone() }, next.clone()]);
    let later = RefreshRow { expires_at: START.plus(1), ..next };
    ok(db, |tx| {
        tx.put_refresh(&later)?;
        tx.drop_expired_refresh(START)
    });
    assert_eq!(ok(db, |tx| tx.family(family)), [later]);
    ok(db, |tx| tx.put_refresh(&token).and_then(|()| tx.drop_family(family)));
    assert_eq!(ok(db, |tx| tx.refresh(&[1; 32])), None);

    let (device, epoch) = (DeviceId(Uuid::from_u128(1)), Epoch(Uuid::from_u128(2)));
    let row = device_row(BUDI, 1, 2);
    ok(db, |tx| tx.put_device(&DeviceRow { open: Vec::new(), standing: Standing::Gone, ..row.clone() }));
    ok(db, |tx| tx.put_device(&row));
    assert_eq!(ok(db, |tx| Ok((tx.device(BUDI, device, epoch)?, tx.device(SARI, device, epoch)?))), (Some(row), None));

    ok(db, |tx| tx.put_meta("name", "first"));
    ok(db, |tx| tx.put_meta("name", "second"));
    assert_eq!(ok(db, |tx| tx.meta("name")).as_deref(), Some("second"));
}
