//! The answers of a stage of reads: one wait for all, and what follows from an answer is asked at once again.

use std::rc::Rc;

use js_sys::{Array, Float64Array, Uint8Array};
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use web_sys::{IdbCursor, IdbCursorWithValue, IdbKeyRange, IdbRequest};

use super::super::schema::{DerivedObject, MetaObject, PageObject};
use super::super::transaction::{Fault, Transaction};
use super::asks::{Ask, request};
use super::json;
use super::writes::number;
use crate::data::kept::{Kept, retain};
use crate::ports::{PageRow, Read, Rows, StoreError, StoreName};

/// Reads, and adds to `rows`.
pub(super) async fn stage(transaction: &Transaction, kept: &Kept, reads: &[Read], rows: &mut Rows) -> Result<(), Fault> {
    let asks = request(transaction, kept, reads)?;
    answers(transaction, kept, asks, rows).await
}

/// Waits for what was requested, and for what follows from it.
async fn answers(transaction: &Transaction, kept: &Kept, mut asks: Vec<Ask>, rows: &mut Rows) -> Result<(), Fault> {
    while let Some(last) = asks.last() {
        transaction.answered(last.request()).await?;
        let mut more = Vec::new();
        for ask in asks {
            answer(transaction, kept, ask, rows, &mut more)?;
        }
        asks = more;
    }
    order(rows);
    Ok(())
}

/// Takes an answer; asks what follows from it.
fn answer(transaction: &Transaction, kept: &Kept, ask: Ask, rows: &mut Rows, more: &mut Vec<Ask>) -> Result<(), Fault> {
    let thrown = |thrown: JsValue| Fault::thrown(&thrown);
    let result = ask.request().result().map_err(thrown)?;
    match ask {
        Ask::Rows(store, _) => {
            take_all(store, &result, rows)?;
        }
        Ask::Row(store, _) => {
            if !result.is_undefined() {
                take(store, &result, rows)?;
            }
        }
        Ask::At(store, _) => {
            if !result.is_null() {
                take(store, &result.unchecked_into::<IdbCursorWithValue>().value().map_err(thrown)?, rows)?;
            }
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
                rows.outbox = changes;
            }
        }
        Ask::Rest(_, mut changes) => {
            Rc::make_mut(&mut changes).append(&mut decode(StoreName::Outbox, &result)?);
            kept.keep(&changes);
            rows.outbox = changes;
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
fn take_all(store: StoreName, found: &JsValue, rows: &mut Rows) -> Result<(), Fault> {
    match store {
        StoreName::Outbox => Rc::make_mut(&mut rows.outbox).append(&mut decode(store, found)?),
        StoreName::Parcels => rows.parcels.append(&mut decode(store, found)?),
        StoreName::Conflicts => rows.conflicts.append(&mut decode(store, found)?),
        StoreName::History => rows.history.append(&mut decode(store, found)?),
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
fn take(store: StoreName, row: &JsValue, rows: &mut Rows) -> Result<(), Fault> {
    take_all(store, &Array::of1(row), rows)
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
