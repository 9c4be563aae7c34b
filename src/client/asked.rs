//! Conflicts that were put to the user, each counted once: in the transaction that writes its row, for the server to report.

use crate::core::loss::Unsent;
use crate::core::push::Begun;
use crate::core::record::{CollectionName, RecordId};
use crate::core::rows::{ConflictRow, Ended, meta};
use crate::ports::{Host, Rows, Store, StoreError, Transport, Write};

use super::{Client, meta_row, meta_write};

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Whether the server is to be told although there is nothing to send.
    pub(super) fn must_tell(&self, open: Unsent) -> bool {
        let shared = self.shared.borrow();
        shared.losses.must_tell(open, shared.conflicts)
    }
}

/// How many conflicts this store has put to its user in all, with these.
pub(super) fn conflicts_after(rows: &Rows, found: &[ConflictRow]) -> Result<u64, StoreError> {
    let noted: u64 = meta_row(rows, meta::CONFLICTS)?.unwrap_or_default();
    Ok(noted.saturating_add(found.iter().filter(|row| is_new(rows, row)).count() as u64))
}

/// Whether its record is not in conflict yet. If it is, theirs has moved: that is no other question.
fn is_new(rows: &Rows, row: &ConflictRow) -> bool {
    !rows.conflicts.iter().any(|old| is_of(old, &row.collection, row.id))
}

/// Whether what is of its record has ended.
pub(super) fn is_ended(row: &ConflictRow, ended: &[Ended]) -> bool {
    ended.iter().any(|ended| is_of(row, &ended.collection, ended.record))
}

fn is_of(row: &ConflictRow, collection: &CollectionName, record: RecordId) -> bool {
    row.id == record && row.collection == *collection
}

/// These rows, and how many there were with the new ones among them. `rows` has the conflicts and the rows of meta.
pub(super) fn conflict_writes(found: Vec<ConflictRow>, rows: &Rows) -> Result<Vec<Write>, StoreError> {
    let (before, after) = (conflicts_after(rows, &[])?, conflicts_after(rows, &found)?);
    let mut writes: Vec<Write> = found.into_iter().map(Write::Conflict).collect();
    writes.extend((after > before).then(|| meta_write(meta::CONFLICTS, &after)));
    Ok(writes)
}

/// The same of the new ones; the others stay as they are.
pub(super) fn new_conflict_writes(found: Vec<ConflictRow>, rows: &Rows) -> Result<Vec<Write>, StoreError> {
    conflict_writes(found.into_iter().filter(|row| is_new(rows, row)).collect(), rows)
}

/// Takes out the rows of records of which something `goes`, but for those that stay in conflict.
pub(super) fn over(rows: &Rows, goes: impl Fn(&ConflictRow) -> bool, stay: &[ConflictRow]) -> Vec<Write> {
    let stays = |row: &ConflictRow| stay.iter().any(|other| is_of(row, &other.collection, other.id));
    let over = rows.conflicts.iter().filter(|row| goes(row) && !stays(row));
    over.map(|row| Write::RemoveConflict(row.collection.clone(), row.id)).collect()
}

/// What a begin found of conflicts.
pub(super) fn begun_writes(begun: &Begun, rows: &Rows) -> Result<Vec<Write>, StoreError> {
    // A conflict that is over leaves its row behind when the merge itself comes out clean.
    let goes = |row: &ConflictRow| begun.parcels.iter().any(|parcel| parcel.carries(&row.collection, row.id));
    let mut writes = over(rows, |row| goes(row) || is_ended(row, &begun.ended), &begun.conflicts);
    // One that was there when it was saved: nobody has told of it.
    writes.extend(new_conflict_writes(begun.conflicts.clone(), rows)?);
    Ok(writes)
}
