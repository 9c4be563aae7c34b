//! Memory after a transaction of this very context: what it read and what it wrote tell all that a refresh would read. Only if
//! nobody refreshed meanwhile; else it is read again.

use std::cell::Ref;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::core::outbox::Change;
use crate::core::parcel::Parcel;
use crate::core::record::OpId;
use crate::core::rows::{HistoryRow, PageRow, meta};
use crate::data::page_set::Put;
use crate::data::table::Tables;
use crate::mutation::{self, Mutation};
use crate::ports::{Committed, Host, Read, Rows, Store, StoreError, Transport, Write};

use super::{Client, Marks, Turns, meta_row};

/// How memory stood when a transaction began.
#[derive(Clone, Copy)]
pub(super) struct Stood {
    marks: Marks,
    turns: Turns,
}

/// Pages that this context has written itself, and all that is new in them.
#[derive(Default)]
pub(super) struct Written {
    pub(super) pages: Vec<PageRow>,
    pub(super) put: Put,
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// What a begin, an answer or a page reads: what it plans from, and what memory lacks.
    pub(super) fn reads(&self) -> (Stood, Vec<Read>) {
        let shared = self.shared.borrow();
        let stood = Stood { marks: shared.marks, turns: shared.turns };
        let mut reads = vec![Read::Outbox, Read::Parcels, Read::Conflicts, Read::Meta];
        if shared.tables.is_some() {
            reads.extend([Read::PagesSince(stood.marks.stamp), Read::HistoryAfter(stood.marks.history)]);
        }
        (stood, reads)
    }

    /// The tables, if they have every page as it is in the store, as such a transaction sees it: then none needs to be read.
    pub(super) fn known(&self, rows: &Rows) -> Option<Ref<'_, Tables>> {
        let shared = self.shared.borrow();
        let is_known = rows.pages.iter().all(|page| page.stamp <= shared.marks.stamp) || mutation::is(Mutation::MemoryUnchecked);
        Ref::filter_map(shared, |shared| shared.tables.as_ref().filter(|_| is_known && shared.loading.is_none())).ok()
    }

    /// Takes over what such a transaction left. `put`, if its pages were known: what is new in them.
    pub(super) async fn take_own(&self, stood: Stood, committed: Committed<()>, put: Option<Put>) -> Result<(), StoreError> {
        let Committed { appended, history, mut rows, writes, .. } = committed;
        let (is_alone, has_tables) = {
            let shared = self.shared.borrow();
            let is_as_it_was = shared.marks == stood.marks && shared.turns == stood.turns;
            (is_as_it_was && shared.turns.begun == shared.turns.taken, shared.tables.is_some())
        };
        let floor: u64 = meta_row(&rows, meta::HISTORY_FLOOR)?.unwrap_or(0);
        if !is_alone || (floor > stood.marks.history && stood.marks.history > 0) {
            return self.refresh(None).await;
        }
        let given = Given { appended, history };
        if has_tables {
            // The rest is in memory.
            rows.outbox = Rc::new(rows.outbox.iter().filter(|row| row.client_seq > stood.marks.client_seq).cloned().collect());
            rows.pages.retain(|page| page.stamp > stood.marks.stamp);
            let pages = write_over(&mut rows, writes, given);
            let written = match put {
                Some(put) => Written { pages, put },
                None => {
                    put_pages(&mut rows.pages, pages);
                    Written::default()
                }
            };
            return self.take_rows(&rows, stood.marks, &written);
        }
        write_over(&mut rows, writes, given);
        self.take_backlog(&rows)
    }
}

/// The keys that a transaction's new rows got.
struct Given {
    appended: Vec<u64>,
    history: Vec<u64>,
}

fn put_pages(pages: &mut Vec<PageRow>, written: Vec<PageRow>) {
    let is_old = |old: &PageRow| written.iter().any(|page| (&old.collection, &old.first) == (&page.collection, &page.first));
    pages.retain(|page| !is_old(page));
    pages.extend(written);
}

/// The rows after these writes, and the pages among them.
fn write_over(rows: &mut Rows, writes: Vec<Write>, given: Given) -> Vec<PageRow> {
    let (mut numbers, mut keys) = (given.appended.into_iter(), given.history.into_iter());
    let (mut outbox, mut changes, mut parcels) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let (mut pages, mut put) = (Vec::new(), Vec::new());
    for write in writes {
        match write {
            Write::Page(page) => pages.push(page),
            Write::Append(change) => outbox.extend(numbers.next().map(|client_seq| Change { client_seq, ..change })),
            Write::RemoveChange(number) => drop(changes.insert(number)),
            Write::Parcel(parcel) => put.push(parcel),
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
            // Neither a begin nor an answer nor a page writes these.
            Write::PutBack(_) | Write::Amend(_) | Write::PruneHistory(_) => {}
            Write::Draft(_) | Write::RemoveDraft(_) | Write::Derived(..) | Write::RemoveDerived(_) => {}
        }
    }
    if !changes.is_empty() || !outbox.is_empty() {
        let left = rows.outbox.iter().filter(|change| !changes.contains(&change.client_seq)).cloned();
        rows.outbox = Rc::new(left.chain(outbox).collect());
    }
    let again: BTreeSet<OpId> = put.iter().map(|parcel: &Parcel| parcel.op_id).collect();
    rows.parcels.retain(|parcel| !again.contains(&parcel.op_id));
    rows.parcels.extend(put);
    rows.parcels.retain(|parcel| !parcels.contains(&parcel.op_id));
    rows.parcels.sort_by_key(|parcel| parcel.op_id);
    pages
}
