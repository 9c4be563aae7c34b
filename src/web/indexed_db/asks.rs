//! Reads as requests: all of a stage at once.

use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{IdbCursorDirection, IdbKeyRange, IdbObjectStore, IdbRequest};

use super::super::schema;
use super::super::transaction::{Fault, Transaction};
use super::writes::{number, pair};
use crate::core::outbox::Change;
use crate::core::record::{CollectionName, RecordId, RowId};
use crate::data::kept::Kept;
use crate::ports::{Read, StoreName};

/// Up to so many records of a collection, their pages are found by a cursor each; beyond, by the list of all keys.
const OWNERS_BY_CURSOR_MAX: usize = 4;

/// A request under way, and what is to be done with its answer.
pub(super) enum Ask {
    /// An array of rows.
    Rows(StoreName, IdbRequest),
    /// The numbers of the outbox's rows: those that are kept need not be read.
    Numbers(IdbRequest),
    /// The rows of the outbox that come after these, which were kept.
    Rest(IdbRequest, Rc<Vec<Change>>),
    /// The keys of the parcels' rows: those that are kept need not be read.
    Packs(IdbRequest),
    /// A row, or none.
    Row(StoreName, IdbRequest),
    /// A cursor at a row, or none.
    At(StoreName, IdbRequest),
    /// A cursor at the newest row of history: go back so far, then read from there.
    Back(IdbRequest, u32),
    /// The cursor where the last rows of history begin, or none if there are fewer.
    From(IdbRequest),
    /// All keys of a collection's pages: those that own these ids (sorted) are wanted.
    Owners(IdbRequest, Vec<String>),
}

impl Ask {
    pub(super) fn request(&self) -> &IdbRequest {
        match self {
            Self::Rows(_, request) | Self::Row(_, request) | Self::At(_, request) => request,
            Self::Back(request, _) | Self::From(request) | Self::Owners(request, _) => request,
            Self::Numbers(request) | Self::Rest(request, _) | Self::Packs(request) => request,
        }
    }
}

/// The stores that these reads need.
pub(super) fn stores(reads: &[Read]) -> Vec<StoreName> {
    let mut stores: Vec<StoreName> = reads
        .iter()
        .map(|read| match read {
            Read::Outbox | Read::OutboxAfter(_) | Read::OutboxRows(_) | Read::OutboxOf(..) => StoreName::Outbox,
            Read::Parcels | Read::ParcelsOf(_) => StoreName::Parcels,
            Read::Conflicts => StoreName::Conflicts,
            Read::HistoryAfter(_) | Read::HistoryFrom(..) | Read::HistoryLast(_) => StoreName::History,
            Read::PagesOf(_) | Read::PagesIn(_) | Read::PagesSince(_) | Read::PagesAfter(..) => StoreName::Pages,
            Read::Meta => StoreName::Meta,
            Read::Draft(_) => StoreName::Drafts,
            Read::Derived(_) => StoreName::Derived,
        })
        .collect();
    stores.sort_unstable();
    stores.dedup();
    stores
}

/// The rows of the outbox that these ask for, if they ask for nothing else: as a save does, and nearly always they are not
/// there.
pub(super) fn only_rows(reads: &[Read]) -> Option<Vec<&RowId>> {
    fn rows(read: &Read) -> Option<&Vec<RowId>> {
        match read {
            Read::OutboxRows(rows) => Some(rows),
            _ => None,
        }
    }
    let asked: Vec<&RowId> = reads.iter().map(rows).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    (!asked.is_empty()).then_some(asked)
}

/// Requests them all.
pub(super) fn request(transaction: &Transaction, kept: &Kept, reads: &[Read]) -> Result<Vec<Ask>, Fault> {
    let mut asks = Vec::new();
    for read in reads {
        ask(transaction, kept, read, &mut asks).map_err(Thrown::into_fault)?;
    }
    Ok(asks)
}

/// What the database threw, or what a store lookup said: one type for `?`.
enum Thrown {
    Js(JsValue),
    Fault(Fault),
}

impl Thrown {
    fn into_fault(self) -> Fault {
        match self {
            Self::Js(thrown) => Fault::thrown(&thrown),
            Self::Fault(fault) => fault,
        }
    }
}

impl From<JsValue> for Thrown {
    fn from(thrown: JsValue) -> Self {
        Self::Js(thrown)
    }
}

impl From<Fault> for Thrown {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn ask(transaction: &Transaction, kept: &Kept, read: &Read, asks: &mut Vec<Ask>) -> Result<(), Thrown> {
    let all = |store: StoreName| -> Result<Ask, Thrown> { Ok(Ask::Rows(store, transaction.store(store)?.get_all()?)) };
    match read {
        // All of it: what is read now need not be read again.
        Read::Outbox | Read::OutboxAfter(0) if kept.is_empty() => {
            asks.push(Ask::Rest(transaction.store(StoreName::Outbox)?.get_all()?, Rc::default()));
        }
        Read::Outbox => asks.push(Ask::Numbers(transaction.store(StoreName::Outbox)?.get_all_keys()?)),
        Read::Parcels | Read::ParcelsOf(_) => asks.push(Ask::Packs(transaction.store(StoreName::Parcels)?.get_all_keys()?)),
        Read::Conflicts => asks.push(all(StoreName::Conflicts)?),
        Read::Meta => asks.push(all(StoreName::Meta)?),
        Read::OutboxAfter(after) => asks.push(Ask::Rows(StoreName::Outbox, after_key(transaction, StoreName::Outbox, *after)?)),
        Read::HistoryAfter(after) => {
            asks.push(Ask::Rows(StoreName::History, after_key(transaction, StoreName::History, *after)?))
        }
        Read::OutboxRows(wanted) => {
            let index = transaction.index(StoreName::Outbox, schema::BY_ROW)?;
            for row in wanted {
                asks.push(Ask::Row(StoreName::Outbox, index.get(&row.to_string().into())?));
            }
        }
        Read::OutboxOf(collection, record) => {
            let index = transaction.index(StoreName::Outbox, schema::BY_RECORD)?;
            asks.push(Ask::Rows(StoreName::Outbox, index.get_all_with_key(&pair(collection, &record.to_string()))?));
        }
        Read::HistoryFrom(_, 0) => {}
        Read::HistoryFrom(key, limit) => {
            let keys = IdbKeyRange::lower_bound(&number(*key))?;
            let rows = transaction.store(StoreName::History)?.get_all_with_key_and_limit(&keys, *limit)?;
            asks.push(Ask::Rows(StoreName::History, rows));
        }
        Read::HistoryLast(0) => {}
        Read::HistoryLast(limit) => {
            let store = transaction.store(StoreName::History)?;
            let newest = store.open_key_cursor_with_range_and_direction(&JsValue::UNDEFINED, IdbCursorDirection::Prev)?;
            asks.push(Ask::Back(newest, limit - 1));
        }
        Read::PagesOf(records) => pages_of(transaction, records, asks)?,
        Read::PagesIn(range) => {
            let store = transaction.store(StoreName::Pages)?;
            let after = range.after.map(|id| id.to_string()).unwrap_or_default();
            asks.push(Ask::At(StoreName::Pages, owner(&store, &range.collection, &after)?));
            // An array sorts after every string: the collection's end.
            let end = || Array::of2(&range.collection.as_str().into(), &Array::new()).into();
            let upto = range.upto.map_or_else(end, |id| pair(&range.collection, &id.to_string()));
            if range.upto.is_none_or(|upto| range.after.is_none_or(|after| after < upto)) {
                let keys = IdbKeyRange::bound_with_lower_open(&pair(&range.collection, &after), &upto, true)?;
                asks.push(Ask::Rows(StoreName::Pages, store.get_all_with_key(&keys)?));
            }
        }
        Read::PagesSince(stamp) => {
            let index = transaction.index(StoreName::Pages, schema::BY_STAMP)?;
            let keys = IdbKeyRange::lower_bound_with_open(&number(*stamp), true)?;
            asks.push(Ask::Rows(StoreName::Pages, index.get_all_with_key(&keys)?));
        }
        Read::PagesAfter(_, 0) => {}
        Read::PagesAfter(after, limit) => {
            asks.push(Ask::Rows(StoreName::Pages, pages_after(transaction, after.as_ref(), *limit)?))
        }
        Read::Draft(form) => {
            asks.push(Ask::Row(StoreName::Drafts, transaction.store(StoreName::Drafts)?.get(&form.as_str().into())?));
        }
        Read::Derived(name) => {
            asks.push(Ask::Row(StoreName::Derived, transaction.store(StoreName::Derived)?.get(&name.as_str().into())?));
        }
    }
    Ok(())
}

fn after_key(transaction: &Transaction, store: StoreName, after: u64) -> Result<IdbRequest, Thrown> {
    let keys = IdbKeyRange::lower_bound_with_open(&number(after), true)?;
    Ok(transaction.store(store)?.get_all_with_key(&keys)?)
}

fn pages_after(transaction: &Transaction, after: Option<&(CollectionName, String)>, limit: u32) -> Result<IdbRequest, Thrown> {
    // Every key is behind an empty array.
    let behind = after.map_or_else(|| Array::new().into(), |(collection, first)| pair(collection, first));
    let keys = IdbKeyRange::lower_bound_with_open(&behind, true)?;
    Ok(transaction.store(StoreName::Pages)?.get_all_with_key_and_limit(&keys, limit)?)
}

/// The page that owns this id: the last one that begins at it or before.
fn owner(store: &IdbObjectStore, collection: &str, id: &str) -> Result<IdbRequest, Thrown> {
    let keys = IdbKeyRange::bound(&pair(collection, ""), &pair(collection, id))?;
    Ok(store.open_cursor_with_range_and_direction(&keys, IdbCursorDirection::Prev)?)
}

fn pages_of(transaction: &Transaction, records: &[(CollectionName, RecordId)], asks: &mut Vec<Ask>) -> Result<(), Thrown> {
    let store = transaction.store(StoreName::Pages)?;
    let mut wanted: Vec<(&str, RecordId)> = records.iter().map(|(collection, id)| (collection.as_str(), *id)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    for group in wanted.chunk_by(|a, b| a.0 == b.0) {
        let collection = group[0].0; // A chunk is never empty.
        let ids = group.iter().map(|(_, id)| id.to_string());
        if group.len() <= OWNERS_BY_CURSOR_MAX {
            for id in ids {
                asks.push(Ask::At(StoreName::Pages, owner(&store, collection, &id)?));
            }
        } else {
            let ids: Vec<String> = ids.collect();
            let last = ids.last().map_or("", String::as_str);
            let keys = IdbKeyRange::bound(&pair(collection, ""), &pair(collection, last))?;
            asks.push(Ask::Owners(store.get_all_keys_with_key(&keys)?, ids));
        }
    }
    Ok(())
}
