//! Writes as requests.

use js_sys::{Array, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::{IdbKeyRange, IdbRequest};

use super::super::schema::{self, HistoryObject};
use super::super::transaction::{Fault, Transaction};
use super::json;
use crate::core::outbox::Change;
use crate::core::rows::HistoryRow;
use crate::ports::{Committed, Rows, StoreError, StoreName, Write};

/// A write, encoded: nothing can go wrong with it but the database.
pub(super) enum Encoded {
    Append(JsValue),
    History(JsValue),
    Put(StoreName, JsValue),
    Delete(StoreName, JsValue),
}

/// Writes being encoded: those that are rows are made at the end, all at once.
struct Encoding {
    encoded: Vec<Encoded>,
    rows: json::Rows,
    /// Which of the encoded get one of the rows, in order.
    slots: Vec<usize>,
    /// The last of the removals of changes, from this number to this one: those that follow each other are one request.
    run: Option<(u64, u64)>,
}

/// All writes but the parcels' (see `packs`) as JavaScript values.
pub(super) fn encode(writes: &[Write]) -> Result<Vec<Encoded>, StoreError> {
    let encoded = Vec::with_capacity(writes.len());
    let mut encoding = Encoding { encoded, rows: json::Rows::new(), slots: Vec::new(), run: None };
    for write in writes {
        if !matches!(write, Write::RemoveChange(_)) {
            encoding.flush()?;
        }
        encoding.add(write)?;
    }
    encoding.finish()
}

impl Encoding {
    fn remove_change(&mut self, number: u64) -> Result<(), StoreError> {
        match &mut self.run {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => {
                self.flush()?;
                self.run = Some((number, number));
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let Some((first, last)) = self.run.take() else { return Ok(()) };
        let range = IdbKeyRange::bound(&number(first), &number(last)).map_err(|thrown| Fault::thrown(&thrown).into_error())?;
        self.encoded.push(Encoded::Delete(StoreName::Outbox, range.into()));
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Encoded>, StoreError> {
        self.flush()?;
        let rows = self.rows.into_js()?;
        for (slot, made) in self.slots.into_iter().zip(rows.iter()) {
            if let Encoded::Append(row) | Encoded::Put(_, row) = &mut self.encoded[slot] {
                *row = made;
            }
        }
        Ok(self.encoded)
    }

    /// A write whose row is JSON; `encoded` gets it at the end.
    fn row(&mut self, row: &impl Serialize, encoded: Encoded) -> Result<(), StoreError> {
        self.rows.push(row)?;
        self.slots.push(self.encoded.len());
        self.encoded.push(encoded);
        Ok(())
    }

    fn put(&mut self, store: StoreName, row: &impl Serialize) -> Result<(), StoreError> {
        self.row(row, Encoded::Put(store, JsValue::NULL))
    }

    fn add(&mut self, write: &Write) -> Result<(), StoreError> {
        let encoded = match write {
            Write::Append(change) if change.client_seq == 0 => return self.row(change, Encoded::Append(JsValue::NULL)),
            Write::Append(change) => {
                return self.row(&Change { client_seq: 0, ..change.clone() }, Encoded::Append(JsValue::NULL));
            }
            Write::PutBack(change) => return self.put(StoreName::Outbox, change),
            Write::Parcel(_) | Write::RemoveParcel(_) => return Ok(()),
            Write::Conflict(row) => return self.put(StoreName::Conflicts, row),
            Write::History(row) => Encoded::History(HistoryObject::new(None, &history(row)?).into()),
            Write::Amend(row) => {
                let key = number(row.key).as_f64();
                Encoded::Put(StoreName::History, HistoryObject::new(key, &history(row)?).into())
            }
            Write::Meta(name, value) => {
                return self.put(StoreName::Meta, &schema::MetaObject { name: (*name).to_owned(), value: value.clone() });
            }
            Write::Draft(draft) => return self.put(StoreName::Drafts, draft),
            Write::Page(page) => {
                // A stamp is a counter: it stays below 2^53.
                #[allow(clippy::cast_precision_loss)]
                let stamp = page.stamp as f64;
                let bytes = Uint8Array::from(page.bytes.as_slice());
                Encoded::Put(StoreName::Pages, schema::PageObject::new(&page.collection, &page.first, stamp, &bytes).into())
            }
            Write::RemoveChange(number) => return self.remove_change(*number),
            Write::RemoveConflict(collection, id) => Encoded::Delete(StoreName::Conflicts, pair(collection, &id.to_string())),
            Write::PruneHistory(upto) => {
                let range = IdbKeyRange::upper_bound(&number(*upto)).map_err(|thrown| Fault::thrown(&thrown).into_error())?;
                Encoded::Delete(StoreName::History, range.into())
            }
            Write::RemoveDraft(form) => Encoded::Delete(StoreName::Drafts, form.as_str().into()),
            Write::RemoveDerived(name) => Encoded::Delete(StoreName::Derived, name.as_str().into()),
            Write::Derived(name, bytes) => {
                Encoded::Put(StoreName::Derived, schema::DerivedObject::new(name, &Uint8Array::from(bytes.as_slice())).into())
            }
        };
        self.encoded.push(encoded);
        Ok(())
    }
}

/// A row of history as text. Its key stands beside it.
fn history(row: &HistoryRow) -> Result<String, StoreError> {
    if row.key == 0 { json::text(row) } else { json::text(&HistoryRow { key: 0, ..row.clone() }) }
}

/// Requests whose answers are the keys that the store gave.
#[derive(Default)]
pub(super) struct Adds {
    changes: Vec<IdbRequest>,
    history: Vec<IdbRequest>,
}

impl Adds {
    /// The committed transaction.
    pub(super) fn committed(&self, rows: Rows, writes: Vec<Write>) -> Result<Committed<()>, Fault> {
        Ok(Committed { value: (), appended: numbers(&self.changes)?, history: numbers(&self.history)?, rows, writes })
    }
}

/// Requests them all. What is thrown here aborts the transaction.
pub(super) fn request(transaction: &Transaction, writes: Vec<Encoded>) -> Result<Adds, Fault> {
    let mut adds = Adds::default();
    for write in writes {
        let requested = match write {
            Encoded::Append(row) => transaction.store(StoreName::Outbox)?.add(&row).map(|request| adds.changes.push(request)),
            Encoded::History(row) => transaction.store(StoreName::History)?.add(&row).map(|request| adds.history.push(request)),
            Encoded::Put(store, row) => transaction.store(store)?.put(&row).map(drop),
            Encoded::Delete(store, key) => transaction.store(store)?.delete(&key).map(drop),
        };
        requested.map_err(|thrown| Fault::thrown(&thrown))?;
    }
    Ok(adds)
}

/// The numbers that the store gave.
fn numbers(adds: &[IdbRequest]) -> Result<Vec<u64>, Fault> {
    adds.iter()
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
