//! What was read before is known to who reads again, and what was read in a transaction to who writes in it: neither may show.

use std::collections::BTreeMap;

use fieldsync::core::parcel::Parcel;
use fieldsync::core::record::OpId;
use fieldsync::ports::{Read, Rows, Scope, Step, Store, StoreName, Write};

use super::rows::{change, history, parcel, refused, uuid};
use super::store_cases::{numbers, put, read, write};
use super::{Disk, both};

pub async fn the_outbox_is_read_again_as_it_is_now(disk: impl Disk) {
    let (store, other) = (disk.open(), disk.open());
    put(&store, (1..=4).map(|row| Write::Append(change(row, row))).collect()).await;
    assert_eq!(numbers(&store).await, [1, 2, 3, 4]);
    put(&other, vec![Write::RemoveChange(2), Write::RemoveChange(4), Write::Append(change(5, 5))]).await;
    assert_eq!(numbers(&store).await, [1, 3, 5]);
    put(&store, vec![Write::RemoveChange(1), Write::Append(change(6, 6))]).await;
    assert_eq!(numbers(&store).await, [3, 5, 6]);
    let mut back = change(2, 2);
    back.client_seq = 2;
    put(&other, vec![Write::PutBack(back)]).await;
    assert_eq!(numbers(&store).await, [2, 3, 5, 6]);
    put(&other, [2, 3, 5, 6].map(Write::RemoveChange).into()).await;
    assert_eq!(numbers(&store).await, [0; 0]);
    put(&other, vec![Write::Append(change(7, 7))]).await;
    assert_eq!(read(&store, Read::Outbox).await.outbox, read(&disk.open(), Read::Outbox).await.outbox);
}

pub async fn two_readers_at_once_see_the_whole_outbox(disk: impl Disk) {
    let store = disk.open();
    put(&store, (1..=3).map(|row| Write::Append(change(row, row))).collect()).await;
    assert_eq!(numbers(&store).await, [1, 2, 3]);
    put(&store, vec![Write::RemoveChange(1), Write::Append(change(4, 4))]).await;
    let (one, two) = both(numbers(&store), numbers(&store)).await;
    assert_eq!((one, two, numbers(&store).await), (vec![2, 3, 4], vec![2, 3, 4], vec![2, 3, 4]));
}

pub async fn parcels_that_were_all_read_are_removed_and_no_others(disk: impl Disk) {
    let store = disk.open();
    put(&store, (1..=9).map(|op| Write::Parcel(parcel(op, op))).collect()).await;
    let left = async || read(&store, Read::Parcels).await.parcels.iter().map(|parcel| parcel.op_id).collect::<Vec<_>>();
    let remove = async |removed: &[u64]| {
        let scope = Scope::strict(&[StoreName::Parcels], vec![Read::Parcels]);
        let writes: Vec<Write> = removed.iter().map(|op| Write::RemoveParcel(OpId(uuid(*op)))).collect();
        store.update(scope, |_| Step::Write(writes.clone(), ())).await.expect("an update");
    };
    let ids = |ops: &[u64]| ops.iter().map(|op| OpId(uuid(*op))).collect::<Vec<_>>();
    remove(&[2, 3, 5, 42]).await;
    assert_eq!(left().await, ids(&[1, 4, 6, 7, 8, 9]));
    // 4 and 6 follow each other now; 9 before 7 is not ascending.
    remove(&[4, 6, 9, 7]).await;
    assert_eq!(left().await, ids(&[1, 8]));
}

pub async fn rows_of_history_tell_their_keys(disk: impl Disk) {
    let store = disk.open();
    let both = vec![Write::History(history(1)), Write::Append(change(1, 1)), Write::History(history(2))];
    let committed = write(&store, both).await.expect("an update");
    assert_eq!((committed.appended, committed.history), (vec![1], vec![1, 2]));
}

/// Written together, changed and removed in part, by two contexts: everybody sees what the last one left.
pub async fn parcels_written_together_are_each_for_itself(disk: impl Disk) {
    let (store, other) = (disk.open(), disk.open());
    let all = async |store: &_| read(store, Read::Parcels).await.parcels;
    // More than fit one packed row.
    let mut expected: BTreeMap<OpId, Parcel> = (1..=90).map(|op| (OpId(uuid(op)), parcel(op, op))).collect();
    put(&store, expected.values().cloned().map(Write::Parcel).collect()).await;
    for store in [&store, &other, &store] {
        assert_eq!(all(store).await, expected.values().cloned().collect::<Vec<_>>());
    }
    let changed = [3, 40, 41].map(|op| refused(op, op));
    let mut writes: Vec<Write> = changed.iter().cloned().map(Write::Parcel).collect();
    writes.extend([4, 39, 90, 200].map(|op| Write::RemoveParcel(OpId(uuid(op)))));
    writes.push(Write::Parcel(parcel(300, 1)));
    put(&other, writes).await;
    expected.extend(changed.into_iter().chain([parcel(300, 1)]).map(|parcel| (parcel.op_id, parcel)));
    expected.retain(|op_id, _| ![4, 39, 90].map(|op| OpId(uuid(op))).contains(op_id));
    for store in [&store, &other, &disk.open()] {
        assert_eq!(all(store).await, expected.values().cloned().collect::<Vec<_>>());
    }
    let some = Read::ParcelsOf([41, 2, 4, 300].map(|op| OpId(uuid(op))).into());
    let found = [2, 41, 300].map(|op| expected[&OpId(uuid(op))].clone());
    assert_eq!(read(&store, some).await.parcels, found);
    // The last word counts, and one that is left alone is a row like any other.
    let twice = vec![Write::Parcel(refused(300, 1)), Write::RemoveParcel(OpId(uuid(300))), Write::Parcel(parcel(300, 2))];
    put(&store, twice).await;
    let gone = expected.keys().filter(|op_id| **op_id != OpId(uuid(300))).copied();
    put(&other, gone.map(Write::RemoveParcel).collect()).await;
    for store in [&store, &other, &disk.open()] {
        assert_eq!(all(store).await, [parcel(300, 2)]);
    }
}

pub async fn what_a_transaction_saw_and_wrote_comes_back(disk: impl Disk) {
    let store = disk.open();
    put(&store, vec![Write::Append(change(1, 1)), Write::Parcel(parcel(10, 1))]).await;
    let writes = vec![Write::RemoveChange(1), Write::RemoveParcel(OpId(uuid(10))), Write::History(history(3))];
    let stores = [StoreName::Outbox, StoreName::Parcels, StoreName::History];
    let scope = Scope::strict(&stores, vec![Read::Outbox]);
    let plan = |rows: &Rows| match rows.stage {
        0 => Step::Read(vec![Read::Parcels]),
        _ => Step::Write(writes.clone(), rows.clone()),
    };
    let committed = store.update(scope, plan).await.expect("an update");
    assert_eq!((committed.rows.outbox.len(), committed.rows.parcels.len()), (1, 1));
    assert_eq!((committed.rows, committed.writes), (committed.value, writes));
}
