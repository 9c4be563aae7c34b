//! Parcels as rows. One that is written alone is a plain row under its op_id. Those that are written together are packed: as
//! JSON text, as many to a row as stay below the size at which Chromium puts a value into a file of its own. A row for each
//! costs twenty times as much to write, and again to remove.
//!
//! The key of a packed row tells its contents, so one that was read need not be read again. A row is never changed: what is left
//! of it is written anew.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use js_sys::JsString;
use wasm_bindgen::prelude::*;

use super::super::schema::ParcelsObject;
use super::super::transaction::Fault;
use super::json;
use super::writes::Encoded;
use crate::core::parcel::Parcel;
use crate::core::record::OpId;
use crate::data::kept::Pack;
use crate::ports::{StoreError, StoreName, Write};

/// Longest text of a packed row, in UTF-16 units, each of which may take two bytes: below 64 KiB.
const PACK_UNITS_MAX: usize = 30_000;
/// Between the first op_id and the rest of a packed row's key.
const MARK: char = '~';

/// Whether a key tells what its row contains.
pub(super) fn tells(key: &str) -> bool {
    key.contains(MARK)
}

/// Decodes a row.
pub(super) fn decode(row: &JsValue) -> Result<Pack, Fault> {
    let corrupt = |detail: String| Fault::Final(StoreError::Corrupt(StoreName::Parcels, detail));
    let object: &ParcelsObject = row.unchecked_ref();
    let key = object.op_id().as_string().ok_or_else(|| corrupt("no op_id".to_owned()))?;
    let parcels = match object.parcels().dyn_ref::<JsString>() {
        Some(text) => serde_json::from_str(&String::from(text)).map_err(|error| corrupt(error.to_string()))?,
        None => json::from_js(&js_sys::Array::of1(row)).map_err(corrupt)?,
    };
    Ok(Pack { key, parcels: Rc::new(parcels) })
}

/// What a transaction's writes make of the rows that there are.
#[derive(Default)]
pub(super) struct Repacked {
    /// As requests, removals first.
    pub(super) encoded: Vec<Encoded>,
    /// The packed rows that are new.
    pub(super) packs: Vec<Pack>,
}

/// Whether any of these writes is a parcel's.
pub(super) fn touches(writes: &[Write]) -> bool {
    writes.iter().any(|write| matches!(write, Write::Parcel(_) | Write::RemoveParcel(_)))
}

/// The parcels' writes over all rows that there are.
pub(super) fn repack(writes: &[Write], packs: &[Pack]) -> Result<Repacked, StoreError> {
    let mut changed: BTreeMap<OpId, Option<&Parcel>> = BTreeMap::new();
    for write in writes {
        match write {
            Write::Parcel(parcel) => drop(changed.insert(parcel.op_id, Some(parcel))),
            Write::RemoveParcel(op_id) => drop(changed.insert(*op_id, None)),
            _ => {}
        }
    }
    let mut repacked = Repacked::default();
    let mut left: BTreeMap<OpId, &Parcel> = BTreeMap::new();
    let mut gone: BTreeSet<&str> = BTreeSet::new();
    for pack in packs.iter().filter(|pack| pack.parcels.iter().any(|parcel| changed.contains_key(&parcel.op_id))) {
        left.extend(pack.parcels.iter().map(|parcel| (parcel.op_id, parcel)));
        gone.insert(&pack.key);
    }
    for (op_id, parcel) in changed {
        match parcel {
            Some(parcel) => drop(left.insert(op_id, parcel)),
            None => drop(left.remove(&op_id)),
        }
    }
    repacked.encoded.extend(gone.into_iter().map(|key| Encoded::Delete(StoreName::Parcels, key.into())));
    let left: Vec<&Parcel> = left.into_values().collect();
    if let [single] = left[..] {
        repacked.single(single)?;
        return Ok(repacked);
    }
    let (mut text, mut parcels) = (String::new(), Vec::new());
    for parcel in left {
        let one = json::text(parcel)?;
        if !parcels.is_empty() && text.len() + one.len() > PACK_UNITS_MAX {
            repacked.pack(std::mem::take(&mut text), std::mem::take(&mut parcels));
        }
        text.push(if parcels.is_empty() { '[' } else { ',' });
        text.push_str(&one);
        parcels.push(parcel.clone());
    }
    repacked.pack(text, parcels);
    Ok(repacked)
}

impl Repacked {
    fn single(&mut self, parcel: &Parcel) -> Result<(), StoreError> {
        let mut rows = json::Rows::new();
        rows.push(parcel)?;
        self.encoded.push(Encoded::Put(StoreName::Parcels, rows.into_js()?.get(0)));
        Ok(())
    }

    fn pack(&mut self, mut text: String, parcels: Vec<Parcel>) {
        let Some(first) = parcels.first() else { return };
        text.push(']');
        let key = format!("{}{MARK}{}.{:08x}", first.op_id, text.len(), crc32fast::hash(text.as_bytes()));
        self.encoded.push(Encoded::Put(StoreName::Parcels, ParcelsObject::new(&key, &text).into()));
        self.packs.push(Pack { key, parcels: Rc::new(parcels) });
    }
}
