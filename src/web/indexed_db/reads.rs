//! The answers of a stage of reads: one wait for all, and what follows from an answer is asked at once again.

use std::rc::Rc;

use js_sys::{Array, Float64Array, Uint8Array};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use web_sys::{IdbCursor, IdbCursorWithValue, IdbKeyRange, IdbRequest};

use super::super::schema::{DerivedObject, HistoryObject, MetaObject, PageObject};
use super::super::transaction::{Fault, Transaction};
use super::asks::{Ask, request};
use super::json;
use super::packs::{self, tells};
use super::writes::number;
use crate::core::rows::HistoryRow;
use crate::data::kept::{Kept, Pack, retain};
use crate::ports::{PageRow, Read, Rows, StoreError, StoreName};

/// What a transaction has read.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rows: Rows,
    /// All rows of parcels, if any was asked for.
    pub(super) packs: Option<Vec<Pack>>,
}

/// Reads, and adds to what was found.
pub(super) async fn stage(transaction: &Transaction, kept: &Kept, reads: &[Read], found: &mut Found) -> Result<(), Fault> {
    let asks = request(transaction, kept, reads)?;
    let asked = found.packs.is_some();
    answers(transaction, kept, asks, found).await?;
    for read in reads {
        let packs = found.packs.iter().flatten().flat_map(|pack| pack.parcels.iter());
        match read {
            Read::Parcels => found.rows.parcels.extend(packs.cloned()),
            Read::ParcelsOf(wanted) => {
                found.rows.parcels.extend(packs.filter(|parcel| wanted.contains(&parcel.op_id)).cloned());
            }
            _ => {}
        }
    }
    order(&mut found.rows);
    if let (Some(packs), false) = (&found.packs, asked) {
        kept.keep_packs(packs.iter().filter(|pack| tells(&pack.key)).cloned().collect());
    }
    Ok(())
}

/// Waits for what was requested, and for what follows from it.
async fn answers(transaction: &Transaction, kept: &Kept, mut asks: Vec<Ask>, found: &mut Found) -> Result<(), Fault> {
    while let Some(last) = asks.last() {
        transaction.answered(last.request()).await?;
        let mut more = Vec::new();
        for ask in asks {
            answer(transaction, kept, ask, found, &mut more)?;
        }
        asks = more;
    }
    Ok(())
}

/// Takes an answer; asks what follows from it.
fn answer(transaction: &Transaction, kept: &Kept, ask: Ask, found: &mut Found, more: &mut Vec<Ask>) -> Result<(), Fault> {
    let thrown = |thrown: JsValue| Fault::thrown(&thrown);
    let result = ask.request().result().map_err(thrown)?;
    match ask {
        Ask::Rows(store, _) => take_all(store, &result, found)?,
        Ask::Row(store, _) if !result.is_undefined() => take(store, &result, found)?,
        Ask::At(store, _) if !result.is_null() => {
            take(store, &result.unchecked_into::<IdbCursorWithValue>().value().map_err(thrown)?, found)?;
        }
        Ask::Row(..) | Ask::At(..) => {}
        Ask::Packs(_) => {
            let keys: Vec<String> = Array::from(&result).iter().filter_map(|key| key.as_string()).collect();
            let known: Vec<Pack> = keys.iter().filter_map(|key| kept.pack(key)).collect();
            if found.packs.is_none() && known.is_empty() && !keys.is_empty() {
                more.push(Ask::Rows(StoreName::Parcels, transaction.store(StoreName::Parcels)?.get_all().map_err(thrown)?));
            } else if found.packs.is_none() {
                for key in keys.iter().filter(|key| !known.iter().any(|pack| pack.key == **key)) {
                    let row = transaction.store(StoreName::Parcels)?.get(&key.as_str().into()).map_err(thrown)?;
                    more.push(Ask::Row(StoreName::Parcels, row));
                }
            }
            found.packs.get_or_insert(known);
        }
        Ask::Back(_, _) if result.is_null() => {}
        Ask::Back(request, 0) => from(transaction, &request, &result, more)?,
        Ask::Back(request, back) => {
            result.unchecked_into::<IdbCursor>().advance(back).map_err(thrown)?;
            more.push(Ask::From(request));
        }
        Ask::Numbers(_) => {
            let mut changes = kept.take();
            if let Some(first) = retain(&mut changes, &numbers(&result)) {
                let keys = IdbKeyRange::lower_bound(&number(first)).map_err(thrown)?;
                let rest = transaction.store(StoreName::Outbox)?.get_all_with_key(&keys).map_err(thrown)?;
                more.push(Ask::Rest(rest, changes));
            } else {
                kept.keep(&changes);
                found.rows.outbox = changes;
            }
        }
        Ask::Rest(_, mut changes) => {
            Rc::make_mut(&mut changes).append(&mut decode(StoreName::Outbox, &result)?);
            kept.keep(&changes);
            found.rows.outbox = changes;
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

/// The keys of a key generator.
fn numbers(keys: &JsValue) -> Vec<u64> {
    // They are whole numbers from 1 to 2^53.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Float64Array::new(keys).to_vec().into_iter().map(|key| key as u64).collect()
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

/// Decodes an array of rows into their place.
fn take_all(store: StoreName, found: &JsValue, into: &mut Found) -> Result<(), Fault> {
    let rows = &mut into.rows;
    match store {
        StoreName::Outbox => Rc::make_mut(&mut rows.outbox).append(&mut decode(store, found)?),
        StoreName::Parcels => {
            for row in Array::from(found) {
                into.packs.get_or_insert_default().push(packs::decode(&row)?);
            }
        }
        StoreName::Conflicts => rows.conflicts.append(&mut decode(store, found)?),
        StoreName::History => {
            for row in Array::from(found) {
                rows.history.push(history(&row)?);
            }
        }
        StoreName::Drafts => rows.drafts.append(&mut decode(store, found)?),
        StoreName::Meta => {
            let found: Vec<MetaObject> = decode(store, found)?;
            rows.meta.extend(found.into_iter().map(|row| (row.name, row.value)));
        }
        StoreName::Pages => {
            for row in Array::from(found) {
                rows.pages.push(page(row.unchecked_ref())?);
            }
        }
        StoreName::Derived => {
            for row in Array::from(found) {
                let row: &DerivedObject = row.unchecked_ref();
                rows.derived.insert(text(store, &row.name(), "name")?, bytes(store, &row.bytes())?);
            }
        }
        // No read names it: photos are not rows of a plan.
        StoreName::Blobs => {}
    }
    Ok(())
}

/// Decodes a row into its place.
fn take(store: StoreName, row: &JsValue, into: &mut Found) -> Result<(), Fault> {
    take_all(store, &Array::of1(row), into)
}

fn history(row: &JsValue) -> Result<HistoryRow, Fault> {
    let store = StoreName::History;
    let object: &HistoryObject = row.unchecked_ref();
    let key = object.key().as_f64().ok_or_else(|| corrupt(store, "no key"))?;
    let text = text(store, &object.row(), "row")?;
    let row: HistoryRow = serde_json::from_str(&text).map_err(|error| corrupt(store, &error.to_string()))?;
    // Of a key generator: whole, not negative, below 2^53.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Ok(HistoryRow { key: key as u64, ..row })
}

fn decode<T: DeserializeOwned>(store: StoreName, found: &JsValue) -> Result<Vec<T>, Fault> {
    json::from_js(found).map_err(|detail| corrupt(store, &detail))
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
    if !rows.outbox.is_sorted_by(|a, b| a.client_seq < b.client_seq) {
        let outbox = Rc::make_mut(&mut rows.outbox);
        outbox.sort_by_key(|change| change.client_seq);
        outbox.dedup_by_key(|change| change.client_seq);
    }
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
