//! Writes as requests.

use js_sys::{Array, Uint8Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::{IdbKeyRange, IdbRequest};

use super::super::schema;
use super::super::transaction::{Fault, Transaction};
use super::json;
use crate::core::outbox::Change;
use crate::core::record::OpId;
use crate::core::rows::HistoryRow;
use crate::ports::{Committed, StoreError, StoreName, Write};

/// A write, encoded: nothing can go wrong with it but the database.
pub(super) enum Encoded {
    Append(JsValue),
    History(JsValue),
    Put(StoreName, JsValue),
    Delete(StoreName, JsValue),
}

/// Writes being encoded: those that are rows are made at the end, all at once.
struct Encoding<'a> {
    encoded: Vec<Encoded>,
    rows: json::Rows,
    /// Which of the encoded get one of the rows, in order.
    slots: Vec<usize>,
    parcels: &'a [OpId],
    /// The last of the removals, if more may join it.
    run: Option<Run>,
}

/// Rows removed that follow each other: one request.
enum Run {
    /// From this number to this one.
    Changes(u64, u64),
    /// From this place among all parcels to this one.
    Parcels(usize, usize),
}

/// All writes as JavaScript values. `parcels` are all that there are, ascending; or none, if that is not known.
pub(super) fn encode(writes: Vec<Write>, parcels: &[OpId]) -> Result<Vec<Encoded>, StoreError> {
    let encoded = Vec::with_capacity(writes.len());
    let mut encoding = Encoding { encoded, rows: json::Rows::new(), slots: Vec::new(), parcels, run: None };
    for write in writes {
        if !matches!(write, Write::RemoveChange(_) | Write::RemoveParcel(_)) {
            encoding.flush()?;
        }
        encoding.add(write)?;
    }
    encoding.finish()
}

impl Encoding<'_> {
    fn remove_change(&mut self, number: u64) -> Result<(), StoreError> {
        match &mut self.run {
            Some(Run::Changes(_, last)) if *last + 1 == number => *last = number,
            _ => {
                self.flush()?;
                self.run = Some(Run::Changes(number, number));
            }
        }
        Ok(())
    }

    fn remove_parcel(&mut self, op_id: OpId) -> Result<(), StoreError> {
        match (&mut self.run, self.parcels.binary_search(&op_id)) {
            (Some(Run::Parcels(_, last)), Ok(place)) if *last + 1 == place => *last = place,
            (_, Ok(place)) => {
                self.flush()?;
                self.run = Some(Run::Parcels(place, place));
            }
            (_, Err(_)) => {
                self.flush()?;
                self.encoded.push(Encoded::Delete(StoreName::Parcels, op_id.to_string().into()));
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let (store, first, last) = match self.run.take() {
            None => return Ok(()),
            Some(Run::Changes(first, last)) => (StoreName::Outbox, number(first), number(last)),
            Some(Run::Parcels(first, last)) => {
                let key = |place: usize| JsValue::from(self.parcels[place].to_string());
                (StoreName::Parcels, key(first), key(last))
            }
        };
        let range = IdbKeyRange::bound(&first, &last).map_err(|thrown| Fault::thrown(&thrown).into_error())?;
        self.encoded.push(Encoded::Delete(store, range.into()));
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Encoded>, StoreError> {
        self.flush()?;
        let rows = self.rows.into_js()?;
        for (slot, made) in self.slots.into_iter().zip(rows.iter()) {
            if let Encoded::Append(row) | Encoded::History(row) | Encoded::Put(_, row) = &mut self.encoded[slot] {
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

    fn add(&mut self, write: Write) -> Result<(), StoreError> {
        let encoded = match write {
            Write::Append(change) => return self.row(&Change { client_seq: 0, ..change }, Encoded::Append(JsValue::NULL)),
            Write::PutBack(change) => return self.put(StoreName::Outbox, &change),
            Write::Parcel(parcel) => return self.put(StoreName::Parcels, &parcel),
            Write::Conflict(row) => return self.put(StoreName::Conflicts, &row),
            Write::History(row) => {
                return self.row(&HistoryRow { key: 0, ..row }, Encoded::History(JsValue::NULL));
            }
            Write::Amend(row) => return self.put(StoreName::History, &row),
            Write::Meta(name, value) => return self.put(StoreName::Meta, &schema::MetaObject { name: name.to_owned(), value }),
            Write::Draft(draft) => return self.put(StoreName::Drafts, &draft),
            Write::Page(page) => {
                // A stamp is a counter: it stays below 2^53.
                #[allow(clippy::cast_precision_loss)]
                let stamp = page.stamp as f64;
                let bytes = Uint8Array::from(page.bytes.as_slice());
                Encoded::Put(StoreName::Pages, schema::PageObject::new(&page.collection, &page.first, stamp, &bytes).into())
            }
            Write::RemoveChange(number) => return self.remove_change(number),
            Write::RemoveParcel(op_id) => return self.remove_parcel(op_id),
            Write::RemoveConflict(collection, id) => Encoded::Delete(StoreName::Conflicts, pair(&collection, &id.to_string())),
            Write::PruneHistory(upto) => {
                let range = IdbKeyRange::upper_bound(&number(upto)).map_err(|thrown| Fault::thrown(&thrown).into_error())?;
                Encoded::Delete(StoreName::History, range.into())
            }
            Write::RemoveDraft(form) => Encoded::Delete(StoreName::Drafts, form.into()),
            Write::Derived(name, bytes) => {
                Encoded::Put(StoreName::Derived, schema::DerivedObject::new(&name, &Uint8Array::from(bytes.as_slice())).into())
            }
        };
        self.encoded.push(encoded);
        Ok(())
    }
}

/// Requests whose answers are the keys that the store gave.
#[derive(Default)]
pub(super) struct Adds {
    changes: Vec<IdbRequest>,
    history: Vec<IdbRequest>,
}

impl Adds {
    /// The committed transaction.
    pub(super) fn committed<T>(&self, value: T) -> Result<Committed<T>, Fault> {
        Ok(Committed { value, appended: numbers(&self.changes)?, history: numbers(&self.history)? })
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
