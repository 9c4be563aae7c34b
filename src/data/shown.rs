//! A record's fields as the app is given them. Those of a record that nothing unsent touches cross to the app as the text that they
//! are; they are read only if somebody on this side asks.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Deref;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::pick::{Pick, pick};
use super::table::{RecordStatus, RecordView, Tables};
use crate::core::record::{Fields, RecordId};

/// See the module.
#[derive(Clone, Debug)]
pub struct Shown {
    text: Option<Box<RawValue>>,
    read: OnceCell<Fields>,
}

impl Shown {
    /// Fields as text.
    pub(super) fn text(text: Box<RawValue>) -> Self {
        Self { text: Some(text), read: OnceCell::new() }
    }

    /// The fields themselves.
    #[must_use]
    pub fn into_fields(self) -> Fields {
        let _ = self.deref();
        self.read.into_inner().unwrap_or_default()
    }
}

impl From<Fields> for Shown {
    fn from(fields: Fields) -> Self {
        Self { text: None, read: OnceCell::from(fields) }
    }
}

impl Deref for Shown {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        self.read.get_or_init(|| self.text.as_ref().map(|text| pick(text.get(), Pick::All)).unwrap_or_default())
    }
}

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.text {
            Some(text) => text.serialize(serializer),
            None => self.deref().serialize(serializer),
        }
    }
}

impl Tables {
    /// The same of one that nothing unsent touches and nothing was set aside of: it is as it is stored.
    pub(super) fn synced(&self, collection: &str, id: RecordId) -> Option<RecordView> {
        self.schema().collection(collection)?;
        let stored = self.bases.get(collection)?.get(&id).filter(|base| base.is_listed())?;
        Some(RecordView {
            collection: collection.to_owned(),
            id,
            fields: Shown::text(stored.packed().fields.clone()),
            version: stored.version,
            status: RecordStatus::Synced,
            pending: None,
            conflict: None,
            put_off: false,
            merged: false,
            held: false,
            unknown: false,
            blocked_by: None,
            problem: None,
            at: Some(stored.at),
            by: stored.by.as_deref().cloned(),
            local_updated_at: None,
            last_synced_at: self.pulled_at,
            set_aside: Vec::new(),
            warnings: Vec::new(),
            included: BTreeMap::new(),
        })
    }
}
