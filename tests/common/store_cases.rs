//! The cases about transactions and rows. Each gets a fresh disk.

use fieldsync::core::outbox::Change;
use fieldsync::core::record::{OpId, RowId};
use fieldsync::core::rows::{HistoryRow, meta};
use fieldsync::ports::{Committed, Read, Rows, Scope, Step, Store, StoreError, StoreName, Write};
use serde_json::{Value, json};

use super::page_cases::paged;
use super::rows::{change, conflict, draft, first_of, full_change, history, id, page, parcel, refused, uuid};
use super::{Disk, both};

const ALL: [StoreName; 9] = [
    StoreName::Pages,
    StoreName::Outbox,
    StoreName::Parcels,
    StoreName::Conflicts,
    StoreName::History,
    StoreName::Drafts,
    StoreName::Blobs,
    StoreName::Derived,
    StoreName::Meta,
];

/// Writes without looking.
pub async fn write(store: &impl Store, writes: Vec<Write>) -> Result<Committed<()>, StoreError> {
    store.update(Scope::strict(&ALL, vec![]), |_| Step::Write(writes.clone(), ())).await
}

pub async fn put(store: &impl Store, writes: Vec<Write>) -> Vec<u64> {
    write(store, writes).await.expect("a write").appended
}

pub async fn read(store: &impl Store, read: Read) -> Rows {
    store.read(vec![read]).await.expect("a read")
}

pub async fn numbers(store: &impl Store) -> Vec<u64> {
    read(store, Read::Outbox).await.outbox.iter().map(|change| change.client_seq).collect()
}

pub fn firsts(rows: &Rows) -> Vec<String> {
    rows.pages.iter().map(|page| page.first.clone()).collect()
}

pub fn firsts_of(numbers: &[u64]) -> Vec<String> {
    numbers.iter().map(|number| first_of(*number)).collect()
}

pub async fn appended_changes_get_ascending_numbers(disk: impl Disk) {
    let store = disk.open();
    let first = put(&store, vec![Write::Append(change(1, 1)), Write::Append(change(2, 2))]).await;
    let second = put(&store, vec![Write::Append(change(3, 1))]).await;
    assert_eq!((first, second), (vec![1, 2], vec![3]));
    let rows = read(&store, Read::Outbox).await;
    let found: Vec<_> = rows.outbox.iter().map(|change| (change.client_seq, change.row)).collect();
    assert_eq!(found, [(1, RowId(uuid(1))), (2, RowId(uuid(2))), (3, RowId(uuid(3)))]);
    // The number is the store's, whatever the change carries.
    let appended = put(&store, vec![Write::Append(Change { client_seq: 77, ..change(4, 1) })]).await;
    assert_eq!(appended, [4]);
}

pub async fn a_number_is_not_given_twice_even_after_removal(disk: impl Disk) {
    let store = disk.open();
    put(&store, vec![Write::Append(change(1, 1)), Write::Append(change(2, 1))]).await;
    put(&store, vec![Write::RemoveChange(1), Write::RemoveChange(2)]).await;
    assert_eq!(numbers(&store).await, [0; 0]);
    assert_eq!(put(&store, vec![Write::Append(change(3, 1))]).await, [3]);
    put(&store, vec![Write::RemoveChange(3)]).await;
    assert_eq!(put(&disk.open(), vec![Write::Append(change(4, 1))]).await, [4], "in another context");
}

/// What the plan came to, and the numbers that were given.
fn told<T>(committed: Result<Committed<T>, StoreError>) -> Result<(T, Vec<u64>), StoreError> {
    committed.map(|committed| (committed.value, committed.appended))
}

async fn save(store: &impl Store, saved: Change) -> Result<(bool, Vec<u64>), StoreError> {
    let scope = Scope::strict(&[StoreName::Outbox], vec![Read::OutboxRows(vec![saved.row])]);
    let plan = |rows: &Rows| {
        let is_new = rows.outbox.is_empty();
        Step::Write(if is_new { vec![Write::Append(saved.clone())] } else { vec![] }, is_new)
    };
    told(store.update(scope, plan).await)
}

pub async fn a_plan_that_compares_its_row_id_saves_once(disk: impl Disk) {
    let store = disk.open();
    assert_eq!(save(&store, change(1, 1)).await, Ok((true, vec![1])));
    assert_eq!(save(&store, change(1, 1)).await, Ok((false, vec![])));
    assert_eq!(numbers(&store).await, [1]);
}

pub async fn the_same_row_id_again_fails_as_a_whole(disk: impl Disk) {
    let store = disk.open();
    put(&store, vec![Write::Append(change(1, 1))]).await;
    let again = vec![Write::Meta(meta::STAMP, json!(5)), Write::Append(change(2, 2)), Write::Append(change(1, 2))];
    assert!(write(&store, again).await.is_err());
    assert!(read(&store, Read::Meta).await.meta.is_empty());
    assert_eq!(numbers(&store).await, [1]);
    // The store goes on; whether the numbers of what failed are given again is its own affair.
    assert!(put(&store, vec![Write::Append(change(3, 1))]).await[0] > 1);
}

pub async fn a_second_write_that_fails_takes_the_first_along(disk: impl Disk) {
    let store = disk.open();
    let twice = vec![Write::Append(change(1, 1)), Write::Append(change(1, 1))];
    assert!(write(&store, twice).await.is_err());
    assert_eq!(numbers(&store).await, [0; 0]);
}

pub async fn a_plan_sees_what_it_asked_for_and_nothing_else(disk: impl Disk) {
    let store = disk.open();
    put(&store, vec![Write::Append(change(1, 1)), Write::Parcel(parcel(10, 1)), Write::Meta(meta::STAMP, json!(1))]).await;
    let scope = Scope::relaxed(&[StoreName::Outbox, StoreName::Parcels], vec![Read::Parcels]);
    let seen = store.update(scope, |rows| Step::Write(vec![], rows.clone())).await.expect("an update").value;
    assert_eq!((seen.stage, seen.outbox.len(), seen.parcels.len(), seen.meta.len()), (0, 0, 1, 0));
}

pub async fn a_second_stage_adds_to_the_first(disk: impl Disk) {
    let store = disk.open();
    put(&store, vec![Write::Append(change(1, 60)), Write::Append(change(2, 3))]).await;
    put(&store, vec![Write::Page(page("customers", 0, 1)), Write::Page(page("customers", 50, 2))]).await;
    let scope = Scope::strict(&[StoreName::Outbox, StoreName::Pages], vec![Read::OutboxRows(vec![RowId(uuid(1))])]);
    let seen = store
        .update(scope, |rows| match rows.stage {
            0 => Step::Read(rows.outbox.iter().map(|change| Read::PagesOf(vec![change.key()])).collect()),
            1 => Step::Read(vec![Read::Outbox, Read::PagesOf(vec![("customers".into(), id(70))])]),
            _ => Step::Write(vec![], rows.clone()),
        })
        .await
        .expect("an update")
        .value;
    assert_eq!(seen.stage, 2);
    assert_eq!(firsts(&seen), firsts_of(&[50]), "once, although read twice");
    assert_eq!(seen.outbox.iter().map(|change| change.client_seq).collect::<Vec<_>>(), [1, 2]);
}

pub async fn a_plan_may_write_nothing(disk: impl Disk) {
    let store = disk.open();
    let nothing = store.update(Scope::strict(&[StoreName::Outbox], vec![]), |_| Step::Write(vec![], 5)).await;
    assert_eq!(told(nothing), Ok((5, vec![])));
    let read = Scope::strict(&[StoreName::Outbox], vec![Read::Outbox]);
    let nothing = store.update(read, |rows| Step::Write(vec![], rows.outbox.len())).await;
    assert_eq!(told(nothing), Ok((0, vec![])));
    let staged = Scope::strict(&[StoreName::Outbox], vec![]);
    let nothing =
        store.update(staged, |rows| if rows.stage == 0 { Step::Read(vec![]) } else { Step::Write(vec![], rows.stage) }).await;
    assert_eq!(told(nothing), Ok((1, vec![])));
}

pub async fn a_plan_reads_the_state_before_its_writes(disk: impl Disk) {
    let store = disk.open();
    put(&store, vec![Write::Meta(meta::STAMP, json!(1))]).await;
    for expected in 1..4 {
        let scope = Scope::relaxed(&[StoreName::Meta], vec![Read::Meta]);
        let seen = store
            .update(scope, |rows| {
                let stamp = rows.meta.get(meta::STAMP).and_then(Value::as_u64).unwrap_or_default();
                Step::Write(vec![Write::Meta(meta::STAMP, json!(stamp + 1))], stamp)
            })
            .await;
        assert_eq!(seen.map(|committed| committed.value), Ok(expected));
    }
}

async fn count_to(store: &impl Store, times: u32) {
    for _ in 0..times {
        let scope = Scope::relaxed(&[StoreName::Meta, StoreName::Outbox], vec![Read::Meta]);
        let counted = store.update(scope, |rows| {
            if rows.stage == 0 {
                return Step::Read(vec![Read::Outbox]);
            }
            let stamp = rows.meta.get(meta::STAMP).and_then(Value::as_u64).unwrap_or_default();
            Step::Write(vec![Write::Meta(meta::STAMP, json!(stamp + 1))], ())
        });
        counted.await.expect("an update");
    }
}

pub async fn two_updates_at_once_do_not_overlap(disk: impl Disk) {
    let (one, other) = (disk.open(), disk.open());
    both(both(count_to(&one, 5), count_to(&other, 5)), count_to(&one, 5)).await;
    assert_eq!(read(&one, Read::Meta).await.meta.get(meta::STAMP), Some(&json!(15)));
}

pub async fn changes_are_found_by_row_record_and_number(disk: impl Disk) {
    let store = disk.open();
    let elsewhere = Change { collection: "activities".into(), ..change(4, 1) };
    put(&store, vec![Write::Append(change(1, 1)), Write::Append(change(2, 2)), Write::Append(change(3, 1))]).await;
    put(&store, vec![Write::Append(elsewhere)]).await;
    let found = async |of| read(&store, of).await.outbox.iter().map(|change| change.client_seq).collect::<Vec<_>>();
    assert_eq!(found(Read::OutboxAfter(2)).await, [3, 4]);
    assert_eq!(found(Read::OutboxAfter(4)).await, [0; 0]);
    assert_eq!(found(Read::OutboxOf("customers".into(), id(1))).await, [1, 3]);
    assert_eq!(found(Read::OutboxOf("activities".into(), id(1))).await, [4]);
    assert_eq!(found(Read::OutboxOf("customers".into(), id(9))).await, [0; 0]);
    assert_eq!(found(Read::OutboxRows(vec![RowId(uuid(3)), RowId(uuid(99)), RowId(uuid(1))])).await, [1, 3]);
    assert_eq!(found(Read::OutboxRows(vec![])).await, [0; 0]);
}

pub async fn removing_changes_leaves_the_others(disk: impl Disk) {
    let store = disk.open();
    put(&store, (1..=9).map(|row| Write::Append(change(row, row))).collect()).await;
    let removed = [2, 3, 4, 7, 9, 42];
    put(&store, removed.into_iter().map(Write::RemoveChange).collect()).await;
    assert_eq!(numbers(&store).await, [1, 5, 6, 8]);
    // Not ascending, and mixed with other writes.
    put(&store, vec![Write::RemoveChange(6), Write::Meta(meta::STAMP, json!(1)), Write::RemoveChange(5)]).await;
    assert_eq!(numbers(&store).await, [1, 8]);
    // A row id is free again once its change is gone.
    put(&store, vec![Write::Append(change(2, 2))]).await;
    // And in one transaction, in the order of the writes.
    put(&store, vec![Write::RemoveChange(1), Write::Append(change(1, 1))]).await;
    assert_eq!(numbers(&store).await, [8, 10, 11]);
}

pub async fn parcels_are_put_replaced_found_and_removed(disk: impl Disk) {
    let store = disk.open();
    put(&store, vec![Write::Parcel(parcel(20, 2)), Write::Parcel(refused(10, 1)), Write::Parcel(parcel(30, 3))]).await;
    assert_eq!(read(&store, Read::Parcels).await.parcels, [refused(10, 1), parcel(20, 2), parcel(30, 3)]);
    put(&store, vec![Write::Parcel(refused(20, 2)), Write::RemoveParcel(OpId(uuid(30)))]).await;
    assert_eq!(read(&store, Read::Parcels).await.parcels, [refused(10, 1), refused(20, 2)]);
    let asked = vec![OpId(uuid(20)), OpId(uuid(30))];
    assert_eq!(read(&store, Read::ParcelsOf(asked)).await.parcels, [refused(20, 2)]);
}

pub async fn conflicts_are_put_replaced_and_removed(disk: impl Disk) {
    let store = disk.open();
    put(&store, vec![Write::Conflict(conflict(2, false)), Write::Conflict(conflict(1, false))]).await;
    assert_eq!(read(&store, Read::Conflicts).await.conflicts, [conflict(1, false), conflict(2, false)]);
    put(&store, vec![Write::Conflict(conflict(2, true)), Write::RemoveConflict("customers".into(), id(1))]).await;
    put(&store, vec![Write::RemoveConflict("activities".into(), id(2))]).await;
    assert_eq!(read(&store, Read::Conflicts).await.conflicts, [conflict(2, true)]);
}

pub async fn history_gets_ascending_keys_and_is_pruned(disk: impl Disk) {
    let store = disk.open();
    put(&store, (1..=4).map(|at| Write::History(history(at))).collect()).await;
    let keys = async |after| read(&store, Read::HistoryAfter(after)).await.history.iter().map(|r| r.key).collect::<Vec<_>>();
    assert_eq!(keys(0).await, [1, 2, 3, 4]);
    assert_eq!(keys(2).await, [3, 4]);
    put(&store, vec![Write::PruneHistory(3)]).await;
    assert_eq!(keys(0).await, [4]);
    put(&store, vec![Write::PruneHistory(9), Write::History(history(5))]).await;
    assert_eq!(keys(0).await, [5], "a key is not given twice");
    let mut expected = history(5);
    expected.key = 5;
    assert_eq!(read(&store, Read::HistoryAfter(0)).await.history, [expected]);
}

pub async fn a_row_of_history_is_amended_and_a_change_put_back(disk: impl Disk) {
    let store = disk.open();
    put(&store, vec![Write::Append(change(1, 1)), Write::Append(change(2, 1)), Write::Append(change(3, 1))]).await;
    put(&store, (1..=4).map(|at| Write::History(history(at))).collect()).await;
    put(&store, vec![Write::RemoveChange(1), Write::RemoveChange(2)]).await;
    let back = Change { client_seq: 2, ..full_change(2, 1) };
    let amended = HistoryRow { key: 2, ended: vec![], ..history(9) };
    put(&store, vec![Write::PutBack(back.clone()), Write::Amend(amended.clone())]).await;
    let rows = store.read(vec![Read::Outbox, Read::HistoryFrom(2, 2)]).await.expect("a read");
    assert_eq!((rows.outbox.len(), &rows.outbox[0]), (2, &back));
    assert_eq!(rows.history, [amended, HistoryRow { key: 3, ..history(3) }]);
    // The numbers that were given stay given.
    assert_eq!(put(&store, vec![Write::Append(change(4, 1)), Write::History(history(5))]).await, [4]);
    let keys =
        async |key, limit| read(&store, Read::HistoryFrom(key, limit)).await.history.iter().map(|r| r.key).collect::<Vec<_>>();
    assert_eq!(
        (keys(0, 2).await, keys(4, 9).await, keys(6, 1).await, keys(1, 0).await),
        (vec![1, 2], vec![4, 5], vec![], vec![])
    );
}

pub async fn the_newest_history_is_given_ascending(disk: impl Disk) {
    let store = disk.open();
    let last = async |limit| read(&store, Read::HistoryLast(limit)).await.history.iter().map(|r| r.key).collect::<Vec<_>>();
    assert_eq!(last(3).await, [0; 0]);
    put(&store, (1..=6).map(|at| Write::History(history(at))).collect()).await;
    put(&store, vec![Write::PruneHistory(2)]).await;
    assert_eq!(last(0).await, [0; 0]);
    assert_eq!(last(1).await, [6]);
    assert_eq!(last(3).await, [4, 5, 6]);
    assert_eq!(last(4).await, [3, 4, 5, 6]);
    assert_eq!(last(5).await, [3, 4, 5, 6]);
    assert_eq!(last(u32::MAX).await, [3, 4, 5, 6]);
}

pub async fn meta_is_put_and_replaced(disk: impl Disk) {
    let store = disk.open();
    put(&store, vec![Write::Meta(meta::STAMP, json!(1)), Write::Meta(meta::ENGINE, json!({"a": [1, null]}))]).await;
    put(&store, vec![Write::Meta(meta::STAMP, json!(2)), Write::Meta(meta::POISON, Value::Null)]).await;
    let rows = read(&store, Read::Meta).await.meta;
    assert_eq!(rows.get(meta::ENGINE), Some(&json!({"a": [1, null]})));
    assert_eq!(rows.get(meta::POISON), Some(&Value::Null));
    assert_eq!(rows.get(meta::STAMP), Some(&json!(2)));
    assert_eq!(rows.len(), 3);
}

pub async fn drafts_are_put_replaced_and_removed(disk: impl Disk) {
    let store = disk.open();
    put(&store, vec![Write::Draft(draft("visit", "a")), Write::Draft(draft("new customer", "b"))]).await;
    put(&store, vec![Write::Draft(draft("visit", "c"))]).await;
    assert_eq!(read(&store, Read::Draft("visit".into())).await.drafts, [draft("visit", "c")]);
    put(&store, vec![Write::RemoveDraft("visit".into())]).await;
    assert_eq!(read(&store, Read::Draft("visit".into())).await.drafts, []);
    assert_eq!(read(&store, Read::Draft("new customer".into())).await.drafts, [draft("new customer", "b")]);
}

pub async fn derived_rows_keep_their_bytes(disk: impl Disk) {
    let store = disk.open();
    let bytes: Vec<u8> = (0..=255).collect();
    put(&store, vec![Write::Derived("heads".into(), bytes.clone()), Write::Derived("empty".into(), vec![])]).await;
    let rows = store.read(vec![Read::Derived("heads".into()), Read::Derived("empty".into())]).await.expect("a read");
    assert_eq!(rows.derived.get("heads"), Some(&bytes));
    assert_eq!(rows.derived.get("empty"), Some(&vec![]));
    assert!(read(&store, Read::Derived("other".into())).await.derived.is_empty());
}

fn everything() -> Vec<Read> {
    vec![
        Read::Outbox,
        Read::Parcels,
        Read::Conflicts,
        Read::HistoryAfter(0),
        Read::PagesSince(0),
        Read::Meta,
        Read::Draft("visit".into()),
        Read::Derived("heads".into()),
    ]
}

pub async fn another_context_finds_everything(disk: impl Disk) {
    let store = disk.open();
    paged(&store).await;
    put(&store, vec![Write::Append(full_change(1, 1)), Write::Parcel(refused(10, 1)), Write::History(history(1))]).await;
    put(&store, vec![Write::Conflict(conflict(1, true)), Write::Meta(meta::PULL, json!({"cursor": "c"}))]).await;
    put(&store, vec![Write::Draft(draft("visit", "a")), Write::Derived("heads".into(), vec![1])]).await;
    let before = store.read(everything()).await.expect("a read");
    drop(store);
    let after = disk.open().read(everything()).await.expect("a read");
    assert_eq!(before, after);
    assert_eq!((after.outbox.len(), after.pages.len(), after.drafts.len(), after.derived.len()), (1, 5, 1, 1));
}

pub async fn reading_sees_one_moment(disk: impl Disk) {
    let (store, writer) = (disk.open(), disk.open());
    let writing = async {
        for number in 1..=10 {
            put(&writer, vec![Write::Meta(meta::STAMP, json!(number)), Write::Append(change(number, 1))]).await;
        }
    };
    let reading = async {
        for _ in 0..10 {
            let rows = store.read(vec![Read::Meta, Read::Outbox]).await.expect("a read");
            let stamp = rows.meta.get(meta::STAMP).and_then(Value::as_u64).unwrap_or_default();
            assert_eq!(stamp, rows.outbox.len() as u64);
        }
    };
    both(writing, reading).await;
}
