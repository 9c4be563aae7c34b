//! The store in memory: the reference that every other store is compared with, and one that can fail where a real one can.
//!
//! Clones share one disk: two drivers on one store are two contexts of one browser. [`MemoryStore::power_cut`] takes back
//! the commits that did not wait for the disk, and [`MemoryStore::fail_next`] makes a transaction fail before or after
//! its commit.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::rc::Rc;

use serde_json::Value;

use crate::core::outbox::Change;
use crate::core::parcel::Parcel;
use crate::core::protocol::Range;
use crate::core::record::{CollectionName, OpId, RecordId};
use crate::core::rows::{ConflictRow, DraftRow, HistoryRow, PageRow};
use crate::ports::{Cause, Committed, Durability, REOPEN_TRIES_MAX, Read, Rows, Scope, Step, Store, StoreError, Write};

/// How a transaction fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not this one: a later one fails.
    Pass,
    /// With this error; nothing is written.
    Before(StoreError),
    /// The connection dies in the commit: everything is written, and the store repeats the work on what was written.
    LostAnswer,
    /// Everything is written, and the caller is told that it was not.
    After(StoreError),
}

/// How to take back one write.
type Undo = Box<dyn FnOnce(&mut Disk)>;
/// Who is told of each commit: what was written, and the numbers that appended changes got.
type Observer = Rc<dyn Fn(&[Write], &[u64])>;

#[derive(Clone, Default)]
struct Disk {
    outbox: BTreeMap<u64, Change>,
    outbox_last: u64,
    parcels: BTreeMap<OpId, Parcel>,
    conflicts: BTreeMap<(CollectionName, RecordId), ConflictRow>,
    history: BTreeMap<u64, HistoryRow>,
    history_last: u64,
    pages: BTreeMap<(CollectionName, String), PageRow>,
    meta: BTreeMap<String, Value>,
    drafts: BTreeMap<String, DraftRow>,
    derived: BTreeMap<String, Vec<u8>>,
}

#[derive(Default)]
struct Shared {
    disk: Disk,
    /// How to take back what was committed since the last commit that waited for the disk, newest last.
    relaxed: Vec<Undo>,
    faults: VecDeque<Fault>,
    transactions: u64,
    observer: Option<Observer>,
}

/// See the module.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Rc<RefCell<Shared>>,
}

impl MemoryStore {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues a failure of the next transaction (and the one after it, if called twice).
    pub fn fail_next(&self, fault: Fault) {
        self.shared.borrow_mut().faults.push_back(fault);
    }

    /// Nothing that was queued fails any more.
    pub fn forget_faults(&self) {
        self.shared.borrow_mut().faults.clear();
    }

    /// The power goes: commits since the last strict one, none of which waited for the disk, are gone.
    pub fn power_cut(&self) {
        let mut shared = self.shared.borrow_mut();
        let relaxed = std::mem::take(&mut shared.relaxed);
        take_back(&mut shared.disk, relaxed);
    }

    /// Another disk with the same contents: a phone that was cloned.
    #[must_use]
    pub fn cloned_disk(&self) -> Self {
        let shared = Shared { disk: self.shared.borrow().disk.clone(), ..Shared::default() };
        Self { shared: Rc::new(RefCell::new(shared)) }
    }

    /// Tells of each commit from now on, right after it, whatever the caller is told.
    pub fn observe(&self, observer: impl Fn(&[Write], &[u64]) + 'static) {
        self.shared.borrow_mut().observer = Some(Rc::new(observer));
    }

    /// Reads without a transaction, for who looks on.
    #[must_use]
    pub fn peek(&self, read: &[Read]) -> Rows {
        let mut rows = Rows::default();
        self.shared.borrow().disk.read(read, &mut rows);
        rows
    }

    /// How many transactions were made: what a cycle costs.
    #[must_use]
    pub fn transactions(&self) -> u64 {
        self.shared.borrow().transactions
    }
}

impl Store for MemoryStore {
    async fn update<T>(&self, scope: Scope, plan: impl Fn(&Rows) -> Step<T>) -> Result<Committed<T>, StoreError> {
        let mut shared = self.shared.borrow_mut();
        for _ in 0..REOPEN_TRIES_MAX {
            shared.transactions += 1;
            let fault = shared.faults.pop_front();
            if let Some(Fault::Before(error)) = fault {
                return Err(error);
            }
            let committed = shared.run(&scope, &plan)?;
            match fault {
                Some(Fault::LostAnswer) => {}
                Some(Fault::After(error)) => return Err(error),
                _ => return Ok(committed),
            }
        }
        Err(StoreError::Closed)
    }

    async fn read(&self, read: Vec<Read>) -> Result<Rows, StoreError> {
        let mut shared = self.shared.borrow_mut();
        shared.transactions += 1;
        if let Some(Fault::Before(error) | Fault::After(error)) = shared.faults.pop_front() {
            return Err(error);
        }
        let mut rows = Rows::default();
        shared.disk.read(&read, &mut rows);
        Ok(rows)
    }
}

impl Shared {
    fn run<T>(&mut self, scope: &Scope, plan: &impl Fn(&Rows) -> Step<T>) -> Result<Committed<T>, StoreError> {
        let mut rows = Rows::default();
        self.disk.read(&scope.read, &mut rows);
        let (writes, value) = loop {
            match plan(&rows) {
                Step::Read(read) => {
                    rows.stage += 1;
                    self.disk.read(&read, &mut rows);
                }
                Step::Write(writes, value) => break (writes, value),
            }
        };
        let (mut given, mut undo) = (Given::default(), Vec::new());
        for write in &writes {
            if let Err(error) = self.disk.write(write.clone(), &mut given, &mut undo) {
                take_back(&mut self.disk, undo);
                return Err(error);
            }
        }
        match scope.durability {
            Durability::Strict => self.relaxed.clear(),
            Durability::Relaxed => self.relaxed.append(&mut undo),
        }
        if let Some(observer) = &self.observer {
            observer(&writes, &given.appended);
        }
        Ok(Committed { value, appended: given.appended, history: given.history, rows, writes })
    }
}

/// The keys that were given.
#[derive(Default)]
struct Given {
    appended: Vec<u64>,
    history: Vec<u64>,
}

fn take_back(disk: &mut Disk, undo: Vec<Undo>) {
    undo.into_iter().rev().for_each(|undo| undo(disk));
}

/// Sets or removes a value of one of the maps, and notes how to take that back.
fn put<K: Ord + Clone + 'static, V: 'static>(
    disk: &mut Disk,
    undo: &mut Vec<Undo>,
    map: fn(&mut Disk) -> &mut BTreeMap<K, V>,
    key: K,
    value: Option<V>,
) {
    let old = match value {
        Some(value) => map(disk).insert(key.clone(), value),
        None => map(disk).remove(&key),
    };
    undo.push(Box::new(move |disk| {
        match old {
            Some(old) => map(disk).insert(key, old),
            None => map(disk).remove(&key),
        };
    }));
}

impl Disk {
    fn read(&self, read: &[Read], rows: &mut Rows) {
        let outbox = Rc::make_mut(&mut rows.outbox);
        for read in read {
            match read {
                Read::Outbox => outbox.extend(self.outbox.values().cloned()),
                Read::OutboxAfter(seq) => outbox.extend(self.outbox.range(seq + 1..).map(|(_, change)| change.clone())),
                Read::OutboxRows(ids) => outbox.extend(self.outbox.values().filter(|change| ids.contains(&change.row)).cloned()),
                Read::OutboxOf(collection, id) => {
                    let of = |change: &&Change| change.record == *id && change.collection == *collection;
                    outbox.extend(self.outbox.values().filter(of).cloned());
                }
                Read::Parcels => rows.parcels.extend(self.parcels.values().cloned()),
                Read::ParcelsOf(ids) => rows.parcels.extend(ids.iter().filter_map(|id| self.parcels.get(id).cloned())),
                Read::Conflicts => rows.conflicts.extend(self.conflicts.values().cloned()),
                Read::HistoryAfter(key) => rows.history.extend(self.history.range(key + 1..).map(|(_, row)| row.clone())),
                Read::HistoryFrom(key, count) => {
                    rows.history.extend(self.history.range(key..).take(*count as usize).map(|(_, row)| row.clone()));
                }
                Read::HistoryLast(count) => {
                    let skip = self.history.len().saturating_sub(*count as usize);
                    rows.history.extend(self.history.values().skip(skip).cloned());
                }
                Read::PagesOf(records) => {
                    rows.pages
                        .extend(records.iter().filter_map(|(collection, id)| self.page_of(collection, &id.to_string())).cloned());
                }
                Read::PagesIn(range) => rows.pages.extend(self.pages_in(range)),
                Read::PagesSince(stamp) => rows.pages.extend(self.pages.values().filter(|page| page.stamp > *stamp).cloned()),
                Read::PagesAfter(after, count) => {
                    let behind = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
                    let pages = self.pages.range::<(CollectionName, String), _>((behind, Bound::Unbounded));
                    rows.pages.extend(pages.take(*count as usize).map(|(_, page)| page.clone()));
                }
                Read::Meta => rows.meta.extend(self.meta.clone()),
                Read::Draft(form) => rows.drafts.extend(self.drafts.get(form).cloned()),
                Read::Derived(name) => rows.derived.extend(self.derived.get(name).map(|bytes| (name.clone(), bytes.clone()))),
            }
        }
        outbox.sort_by_key(|change| change.client_seq);
        outbox.dedup_by_key(|change| change.client_seq);
        rows.parcels.sort_by_key(|parcel| parcel.op_id);
        rows.parcels.dedup_by_key(|parcel| parcel.op_id);
        rows.history.sort_by_key(|row| row.key);
        rows.history.dedup_by_key(|row| row.key);
        rows.pages.sort_by(|a, b| (&a.collection, &a.first).cmp(&(&b.collection, &b.first)));
        rows.pages.dedup_by(|a, b| (&a.collection, &a.first) == (&b.collection, &b.first));
    }

    fn page_of(&self, collection: &str, id: &str) -> Option<&PageRow> {
        let upto = (collection.to_owned(), id.to_owned());
        self.pages.range(..=upto).next_back().map(|(_, page)| page).filter(|page| page.collection == collection)
    }

    /// The pages that own any id greater than `after` and up to `upto`.
    fn pages_in(&self, range: &Range) -> Vec<PageRow> {
        let first =
            range.after.and_then(|after| self.page_of(&range.collection, &after.to_string())).map_or("", |page| &page.first);
        let upto = range.upto.map(|upto| upto.to_string());
        let pages = self.pages.range((range.collection.clone(), first.to_owned())..);
        let inside = pages.take_while(|((collection, first), _)| {
            *collection == range.collection && upto.as_ref().is_none_or(|upto| first <= upto)
        });
        inside.map(|(_, page)| page.clone()).collect()
    }

    fn write(&mut self, write: Write, given: &mut Given, undo: &mut Vec<Undo>) -> Result<(), StoreError> {
        match write {
            Write::Page(page) => {
                put(self, undo, |disk| &mut disk.pages, (page.collection.clone(), page.first.clone()), Some(page))
            }
            Write::Append(change) => {
                if self.outbox.values().any(|other| other.row == change.row) {
                    let message = "a change has this row id".to_owned();
                    return Err(StoreError::Unknown(Cause { name: "ConstraintError".to_owned(), message }));
                }
                let seq = self.outbox_last + 1;
                undo.push(Box::new(move |disk| disk.outbox_last = seq - 1));
                self.outbox_last = seq;
                given.appended.push(seq);
                put(self, undo, |disk| &mut disk.outbox, seq, Some(Change { client_seq: seq, ..change }));
            }
            Write::PutBack(change) => put(self, undo, |disk| &mut disk.outbox, change.client_seq, Some(change)),
            Write::RemoveChange(seq) => put(self, undo, |disk| &mut disk.outbox, seq, None),
            Write::Parcel(parcel) => put(self, undo, |disk| &mut disk.parcels, parcel.op_id, Some(parcel)),
            Write::RemoveParcel(id) => put(self, undo, |disk| &mut disk.parcels, id, None),
            Write::Conflict(row) => put(self, undo, |disk| &mut disk.conflicts, (row.collection.clone(), row.id), Some(row)),
            Write::RemoveConflict(collection, id) => put(self, undo, |disk| &mut disk.conflicts, (collection, id), None),
            Write::History(row) => {
                let key = self.history_last + 1;
                undo.push(Box::new(move |disk| disk.history_last = key - 1));
                self.history_last = key;
                given.history.push(key);
                put(self, undo, |disk| &mut disk.history, key, Some(HistoryRow { key, ..row }));
            }
            Write::Amend(row) => put(self, undo, |disk| &mut disk.history, row.key, Some(row)),
            Write::PruneHistory(upto) => {
                let gone: Vec<u64> = self.history.range(..=upto).map(|(key, _)| *key).collect();
                gone.into_iter().for_each(|key| put(self, undo, |disk| &mut disk.history, key, None));
            }
            Write::Meta(name, value) => put(self, undo, |disk| &mut disk.meta, name.to_owned(), Some(value)),
            Write::Draft(row) => put(self, undo, |disk| &mut disk.drafts, row.form.clone(), Some(row)),
            Write::RemoveDraft(form) => put(self, undo, |disk| &mut disk.drafts, form, None),
            Write::Derived(name, bytes) => put(self, undo, |disk| &mut disk.derived, name, Some(bytes)),
            Write::RemoveDerived(name) => put(self, undo, |disk| &mut disk.derived, name, None),
        }
        Ok(())
    }
}
