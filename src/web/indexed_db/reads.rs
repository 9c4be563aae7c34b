//! Reads as requests: all of a stage at once, then one wait; what follows from an answer, at once again.

use js_sys::{Array, Uint8Array};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use web_sys::{IdbCursor, IdbCursorDirection, IdbCursorWithValue, IdbKeyRange, IdbObjectStore, IdbRequest};

use super::super::schema::{self, DerivedObject, MetaObject, PageObject};
use super::super::transaction::{Fault, Transaction};
use super::writes::{number, pair};
use crate::core::record::{CollectionName, RecordId, RowId};
use crate::ports::{PageRow, Read, Rows, StoreError, StoreName};

/// Up to so many records of a collection, their pages are found by a cursor each; beyond, by the list of all keys.
const OWNERS_BY_CURSOR_MAX: usize = 4;

/// A request under way, and what is to be done with its answer.
pub(super) enum Ask {
    /// An array of rows.
    Rows(StoreName, IdbRequest),
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
    fn request(&self) -> &IdbRequest {
        match self {
            Self::Rows(_, request) | Self::Row(_, request) | Self::At(_, request) => request,
            Self::Back(request, _) | Self::From(request) | Self::Owners(request, _) => request,
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
            Read::PagesOf(_) | Read::PagesIn(_) | Read::PagesSince(_) => StoreName::Pages,
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
    let rows = |read| match read {
        &Read::OutboxRows(ref rows) => Some(rows),
        _ => None,
    };
    let asked: Vec<&RowId> = reads.iter().map(rows).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    (!asked.is_empty()).then_some(asked)
}

/// Reads, and adds to `rows`.
pub(super) async fn stage(transaction: &Transaction, reads: &[Read], rows: &mut Rows) -> Result<(), Fault> {
    let asks = request(transaction, reads)?;
    answers(transaction, asks, rows).await
}

/// Requests them all.
pub(super) fn request(transaction: &Transaction, reads: &[Read]) -> Result<Vec<Ask>, Fault> {
    let mut asks = Vec::new();
    for read in reads {
        ask(transaction, read, &mut asks).map_err(Thrown::into_fault)?;
    }
    Ok(asks)
}

/// Waits for what was requested, and for what follows from it.
pub(super) async fn answers(transaction: &Transaction, mut asks: Vec<Ask>, rows: &mut Rows) -> Result<(), Fault> {
    while let Some(last) = asks.last() {
        transaction.answered(last.request()).await?;
        let mut more = Vec::new();
        for ask in asks {
            answer(transaction, ask, rows, &mut more)?;
        }
        asks = more;
    }
    order(rows);
    Ok(())
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

fn ask(transaction: &Transaction, read: &Read, asks: &mut Vec<Ask>) -> Result<(), Thrown> {
    let all = |store: StoreName| -> Result<Ask, Thrown> { Ok(Ask::Rows(store, transaction.store(store)?.get_all()?)) };
    match read {
        Read::Outbox => asks.push(all(StoreName::Outbox)?),
        Read::Parcels => asks.push(all(StoreName::Parcels)?),
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
        Read::ParcelsOf(wanted) => {
            let store = transaction.store(StoreName::Parcels)?;
            for op_id in wanted {
                asks.push(Ask::Row(StoreName::Parcels, store.get(&op_id.to_string().into())?));
            }
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

/// Takes an answer; asks what follows from it.
fn answer(transaction: &Transaction, ask: Ask, rows: &mut Rows, more: &mut Vec<Ask>) -> Result<(), Fault> {
    let thrown = |thrown: JsValue| Fault::thrown(&thrown);
    let result = ask.request().result().map_err(thrown)?;
    match ask {
        Ask::Rows(store, _) => {
            for row in Array::from(&result) {
                take(store, row, rows)?;
            }
        }
        Ask::Row(store, _) => {
            if !result.is_undefined() {
                take(store, result, rows)?;
            }
        }
        Ask::At(store, _) => {
            if !result.is_null() {
                take(store, result.unchecked_into::<IdbCursorWithValue>().value().map_err(thrown)?, rows)?;
            }
        }
        Ask::Back(_, _) if result.is_null() => {}
        Ask::Back(request, 0) => from(transaction, &request, &result, more)?,
        Ask::Back(request, back) => {
            result.unchecked_into::<IdbCursor>().advance(back).map_err(thrown)?;
            more.push(Ask::From(request));
        }
        Ask::From(request) => from(transaction, &request, &result, more)?,
        Ask::Owners(_, wanted) => {
            let store = transaction.store(StoreName::Pages)?;
            for key in owners(&Array::from(&result), &wanted) {
                more.push(Ask::Row(StoreName::Pages, store.get(&key).map_err(thrown)?));
            }
        }
    }
    Ok(())
}

/// Asks for history from where the cursor stands; all of it, if it has run off the beginning.
fn from(transaction: &Transaction, _: &IdbRequest, cursor: &JsValue, more: &mut Vec<Ask>) -> Result<(), Fault> {
    let thrown = |thrown: JsValue| Fault::thrown(&thrown);
    let store = transaction.store(StoreName::History)?;
    let request = if cursor.is_null() {
        store.get_all().map_err(thrown)?
    } else {
        let key = cursor.unchecked_ref::<IdbCursor>().key().map_err(thrown)?;
        let keys = IdbKeyRange::lower_bound(&key).map_err(thrown)?;
        store.get_all_with_key(&keys).map_err(thrown)?
    };
    more.push(Ask::Rows(StoreName::History, request));
    Ok(())
}

/// Of these keys (ascending), those of the pages that own the wanted ids (ascending), each once.
fn owners(keys: &Array, wanted: &[String]) -> Vec<JsValue> {
    let firsts: Vec<String> = keys.iter().map(|key| Array::from(&key).get(1).as_string().unwrap_or_default()).collect();
    let mut found: Vec<u32> = wanted
        .iter()
        .filter_map(|id| firsts.partition_point(|first| first <= id).checked_sub(1))
        // No collection has four thousand million pages.
        .filter_map(|place| u32::try_from(place).ok())
        .collect();
    found.dedup();
    found.into_iter().map(|place| keys.get(place)).collect()
}

/// Decodes a row into its place.
fn take(store: StoreName, row: JsValue, rows: &mut Rows) -> Result<(), Fault> {
    match store {
        StoreName::Outbox => rows.outbox.push(decode(store, row)?),
        StoreName::Parcels => rows.parcels.push(decode(store, row)?),
        StoreName::Conflicts => rows.conflicts.push(decode(store, row)?),
        StoreName::History => rows.history.push(decode(store, row)?),
        StoreName::Drafts => rows.drafts.push(decode(store, row)?),
        StoreName::Meta => {
            let MetaObject { name, value } = decode(store, row)?;
            rows.meta.insert(name, value);
        }
        StoreName::Pages => rows.pages.push(page(row.unchecked_ref())?),
        StoreName::Derived => {
            let row: &DerivedObject = row.unchecked_ref();
            rows.derived.insert(text(store, &row.name(), "name")?, bytes(store, &row.bytes())?);
        }
        // No read names it: photos are not rows of a plan.
        StoreName::Blobs => {}
    }
    Ok(())
}

fn decode<T: DeserializeOwned>(store: StoreName, row: JsValue) -> Result<T, Fault> {
    serde_wasm_bindgen::from_value(row).map_err(|error| corrupt(store, &error.to_string()))
}

fn page(row: &PageObject) -> Result<PageRow, Fault> {
    let store = StoreName::Pages;
    let stamp = row.stamp().as_f64().ok_or_else(|| corrupt(store, "no stamp"))?;
    Ok(PageRow {
        collection: text(store, &row.collection(), "collection")?,
        first: text(store, &row.first(), "first")?,
        // A counter: whole, not negative, below 2^53.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        stamp: stamp as u64,
        bytes: bytes(store, &row.bytes())?,
    })
}

fn text(store: StoreName, value: &JsValue, name: &str) -> Result<String, Fault> {
    value.as_string().ok_or_else(|| corrupt(store, &format!("no {name}")))
}

fn bytes(store: StoreName, value: &JsValue) -> Result<Vec<u8>, Fault> {
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec).ok_or_else(|| corrupt(store, "no bytes"))
}

fn corrupt(store: StoreName, detail: &str) -> Fault {
    Fault::Final(StoreError::Corrupt(store, detail.to_owned()))
}

/// The order that [`Rows`] promises, each row once: a later stage may have read one again.
fn order(rows: &mut Rows) {
    rows.outbox.sort_by_key(|change| change.client_seq);
    rows.outbox.dedup_by_key(|change| change.client_seq);
    rows.parcels.sort_by_key(|parcel| parcel.op_id);
    rows.parcels.dedup_by_key(|parcel| parcel.op_id);
    rows.conflicts.sort_by(|a, b| (&a.collection, a.id).cmp(&(&b.collection, b.id)));
    rows.conflicts.dedup_by(|a, b| (&a.collection, a.id) == (&b.collection, b.id));
    rows.history.sort_by_key(|row| row.key);
    rows.history.dedup_by_key(|row| row.key);
    rows.pages.sort_by(|a, b| (&a.collection, &a.first).cmp(&(&b.collection, &b.first)));
    rows.pages.dedup_by(|a, b| (&a.collection, &a.first) == (&b.collection, &b.first));
    rows.drafts.sort_by(|a, b| a.form.cmp(&b.form));
    rows.drafts.dedup_by(|a, b| a.form == b.form);
}
