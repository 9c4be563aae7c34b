//! What was read before is known to who reads again, and what was read in a transaction to who writes in it: neither may show.

use fieldsync::core::record::OpId;
use fieldsync::ports::{Read, Scope, Step, Store, StoreName, Write};

use super::rows::{change, history, parcel, uuid};
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
