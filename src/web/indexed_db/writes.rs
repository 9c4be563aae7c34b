//! Writes as requests. Rows are plain objects, so that a page in plain JavaScript can rescue them.

use js_sys::{Array, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::{IdbKeyRange, IdbRequest};

use super::super::schema;
use super::super::transaction::{Fault, Transaction};
use crate::core::number::spell;
use crate::core::outbox::Change;
use crate::core::rows::HistoryRow;
use crate::ports::{Cause, StoreError, StoreName, Write};

/// A write, encoded: nothing can go wrong with it but the database.
pub(super) enum Encoded {
    Append(JsValue),
    Add(StoreName, JsValue),
    Put(StoreName, JsValue),
    Delete(StoreName, JsValue),
}

/// All writes as JavaScript values.
pub(super) fn encode(writes: Vec<Write>) -> Result<Vec<Encoded>, StoreError> {
    let mut encoded = Vec::with_capacity(writes.len());
    // Removed changes that follow each other, as one request.
    let mut run: Option<(u64, u64)> = None;
    for write in writes {
        if let Write::RemoveChange(number) = write {
            match &mut run {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => {
                    flush(&mut run, &mut encoded)?;
                    run = Some((number, number));
                }
            }
            continue;
        }
        flush(&mut run, &mut encoded)?;
        encoded.push(encode_one(write)?);
    }
    flush(&mut run, &mut encoded)?;
    Ok(encoded)
}

fn flush(run: &mut Option<(u64, u64)>, encoded: &mut Vec<Encoded>) -> Result<(), StoreError> {
    if let Some((first, last)) = run.take() {
        let range = IdbKeyRange::bound(&number(first), &number(last)).map_err(|thrown| Fault::thrown(&thrown).into_error())?;
        encoded.push(Encoded::Delete(StoreName::Outbox, range.into()));
    }
    Ok(())
}

fn encode_one(write: Write) -> Result<Encoded, StoreError> {
    Ok(match write {
        Write::Page(page) => {
            // A stamp is a counter: it stays below 2^53.
            #[allow(clippy::cast_precision_loss)]
            let stamp = page.stamp as f64;
            let row = schema::PageObject::new(&page.collection, &page.first, stamp, &Uint8Array::from(page.bytes.as_slice()));
            Encoded::Put(StoreName::Pages, row.into())
        }
        Write::Append(change) => Encoded::Append(to_js(&Change { client_seq: 0, ..change })?),
        Write::PutBack(change) => Encoded::Put(StoreName::Outbox, to_js(&change)?),
        Write::RemoveChange(change) => Encoded::Delete(StoreName::Outbox, number(change)),
        Write::Parcel(parcel) => Encoded::Put(StoreName::Parcels, to_js(&parcel)?),
        Write::RemoveParcel(op_id) => Encoded::Delete(StoreName::Parcels, op_id.to_string().into()),
        Write::Conflict(row) => Encoded::Put(StoreName::Conflicts, to_js(&row)?),
        Write::RemoveConflict(collection, id) => Encoded::Delete(StoreName::Conflicts, pair(&collection, &id.to_string())),
        Write::History(row) => Encoded::Add(StoreName::History, to_js(&HistoryRow { key: 0, ..row })?),
        Write::Amend(row) => Encoded::Put(StoreName::History, to_js(&row)?),
        Write::PruneHistory(upto) => {
            let range = IdbKeyRange::upper_bound(&number(upto)).map_err(|thrown| Fault::thrown(&thrown).into_error())?;
            Encoded::Delete(StoreName::History, range.into())
        }
        Write::Meta(name, value) => Encoded::Put(StoreName::Meta, to_js(&schema::MetaObject { name: name.to_owned(), value })?),
        Write::Draft(draft) => Encoded::Put(StoreName::Drafts, to_js(&draft)?),
        Write::RemoveDraft(form) => Encoded::Delete(StoreName::Drafts, form.into()),
        Write::Derived(name, bytes) => {
            Encoded::Put(StoreName::Derived, schema::DerivedObject::new(&name, &Uint8Array::from(bytes.as_slice())).into())
        }
    })
}

/// Requests them all; gives back the requests of the appended changes. What is thrown here aborts the transaction.
pub(super) fn request(transaction: &Transaction, writes: Vec<Encoded>) -> Result<Vec<IdbRequest>, Fault> {
    let mut appends = Vec::new();
    for write in writes {
        let requested = match write {
            Encoded::Append(row) => transaction.store(StoreName::Outbox)?.add(&row).map(|request| appends.push(request)),
            Encoded::Add(store, row) => transaction.store(store)?.add(&row).map(drop),
            Encoded::Put(store, row) => transaction.store(store)?.put(&row).map(drop),
            Encoded::Delete(store, key) => transaction.store(store)?.delete(&key).map(drop),
        };
        requested.map_err(|thrown| Fault::thrown(&thrown))?;
    }
    Ok(appends)
}

/// The numbers that the store gave.
pub(super) fn numbers(appends: &[IdbRequest]) -> Result<Vec<u64>, Fault> {
    appends
        .iter()
        .map(|request| {
            let key = request.result().map_err(|thrown| Fault::thrown(&thrown))?;
            // Key generators give whole numbers from 1 to 2^53.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            Ok(key.as_f64().unwrap_or_default() as u64)
        })
        .collect()
}

/// A number as a key.
pub(super) fn number(number: u64) -> JsValue {
    // Numbers of key generators and counters stay below 2^53.
    #[allow(clippy::cast_precision_loss)]
    JsValue::from_f64(number as f64)
}

/// A key of two parts.
pub(super) fn pair(first: &str, second: &str) -> JsValue {
    Array::of2(&first.into(), &second.into()).into()
}

/// A row as a plain object. A number that JavaScript does not have becomes the nearest that it has, as in `JSON.parse`: what
/// a server sent down must not make a row that cannot be written.
fn to_js(row: &impl Serialize) -> Result<JsValue, StoreError> {
    let failed = |detail: String| StoreError::Unknown(Cause { name: "EncodeError".into(), message: detail });
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    row.serialize(&serializer).or_else(|_| {
        let mut value = serde_json::to_value(row).map_err(|error| failed(error.to_string()))?;
        spell(&mut value);
        value.serialize(&serializer).map_err(|error| failed(error.to_string()))
    })
}
