//! Memory after a transaction of this very context: what it read and what it wrote tell all that a refresh would read. Only if
//! nobody refreshed meanwhile; else it is read again.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::core::outbox::Change;
use crate::core::rows::{HistoryRow, meta};
use crate::ports::{Committed, Host, Read, Rows, Store, StoreError, Transport, Write};

use super::{Backlog, Client, Marks, Turns, meta_row};

/// How memory stood when a transaction began.
#[derive(Clone, Copy)]
pub(super) struct Stood {
    marks: Marks,
    turns: Turns,
}

/// What a transaction read, and what it wrote.
pub(super) type Own = (Rows, Vec<Write>);

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// What a begin or an answer reads: what it plans from, and what memory lacks.
    pub(super) fn reads(&self) -> (Stood, Vec<Read>) {
        let shared = self.shared.borrow();
        let stood = Stood { marks: shared.marks, turns: shared.turns };
        let mut reads = vec![Read::Outbox, Read::Parcels, Read::Conflicts, Read::Meta];
        if shared.tables.is_some() {
            reads.extend([Read::PagesSince(stood.marks.stamp), Read::HistoryAfter(stood.marks.history)]);
        }
        (stood, reads)
    }

    /// Takes over what such a transaction left.
    pub(super) async fn take_own(&self, stood: Stood, own: Own, committed: &Committed<()>) -> Result<(), StoreError> {
        let (mut rows, writes) = own;
        let (is_alone, has_tables) = {
            let shared = self.shared.borrow();
            let is_as_it_was = shared.marks == stood.marks && shared.turns == stood.turns;
            (is_as_it_was && shared.turns.begun == shared.turns.taken, shared.tables.is_some())
        };
        let floor: u64 = meta_row(&rows, meta::HISTORY_FLOOR)?.unwrap_or(0);
        if !is_alone || (floor > stood.marks.history && stood.marks.history > 0) {
            return self.refresh(None).await;
        }
        if has_tables {
            // The rest is in memory.
            rows.outbox = Rc::new(rows.outbox.iter().filter(|row| row.client_seq > stood.marks.client_seq).cloned().collect());
            rows.pages.retain(|page| page.stamp > stood.marks.stamp);
            write_over(&mut rows, writes, committed);
            return self.take_rows(&rows, stood.marks);
        }
        write_over(&mut rows, writes, committed);
        self.take_meta(&rows)?;
        let mut shared = self.shared.borrow_mut();
        shared.backlog = Backlog { changes: rows.outbox.len(), parcels: rows.parcels };
        shared.in_step = true;
        Ok(())
    }
}

/// The rows after these writes.
fn write_over(rows: &mut Rows, writes: Vec<Write>, committed: &Committed<()>) {
    let (mut numbers, mut keys) = (committed.appended.iter().copied(), committed.history.iter().copied());
    let (mut outbox, mut changes, mut parcels) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for write in writes {
        match write {
            Write::Page(page) => {
                rows.pages.retain(|old| (&old.collection, &old.first) != (&page.collection, &page.first));
                rows.pages.push(page);
            }
            Write::Append(change) => outbox.extend(numbers.next().map(|client_seq| Change { client_seq, ..change })),
            Write::RemoveChange(number) => drop(changes.insert(number)),
            Write::Parcel(parcel) => {
                rows.parcels.retain(|old| old.op_id != parcel.op_id);
                rows.parcels.push(parcel);
            }
            Write::RemoveParcel(op_id) => drop(parcels.insert(op_id)),
            Write::Conflict(row) => {
                rows.conflicts.retain(|old| (&old.collection, old.id) != (&row.collection, row.id));
                rows.conflicts.push(row);
            }
            Write::RemoveConflict(collection, id) => {
                rows.conflicts.retain(|old| (&old.collection, old.id) != (&collection, id));
            }
            Write::History(row) => rows.history.extend(keys.next().map(|key| HistoryRow { key, ..row })),
            Write::Meta(name, value) => drop(rows.meta.insert(name.to_owned(), value)),
            // Neither a begin nor an answer writes these.
            Write::PutBack(_) | Write::Amend(_) | Write::PruneHistory(_) => {}
            Write::Draft(_) | Write::RemoveDraft(_) | Write::Derived(..) => {}
        }
    }
    if !changes.is_empty() || !outbox.is_empty() {
        let left = rows.outbox.iter().filter(|change| !changes.contains(&change.client_seq)).cloned();
        rows.outbox = Rc::new(left.chain(outbox).collect());
    }
    rows.parcels.retain(|parcel| !parcels.contains(&parcel.op_id));
    rows.parcels.sort_by_key(|parcel| parcel.op_id);
}
