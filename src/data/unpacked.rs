//! Which bases of memory are unpacked: those that somebody looked at lately.

use std::rc::Rc;

use super::stored::Stored;
use super::table::Tables;
use super::unsent::Key;
use crate::core::record::{Base, RecordId};

/// So many bases stay unpacked, at about two kilobytes each: the lists that a person goes through.
const UNPACKED_MAX: usize = 2_048;

impl Tables {
    /// A base as memory keeps it.
    #[must_use]
    pub fn stored(&self, collection: &str, id: RecordId) -> Option<&Stored> {
        self.bases.get(collection)?.get(&id).map(Rc::as_ref)
    }

    /// The base of a record.
    #[must_use]
    pub fn base(&self, collection: &str, id: RecordId) -> Option<&Base> {
        let stored = self.stored(collection, id)?;
        if !stored.is_unpacked() {
            self.unpacked.borrow_mut().push((collection.to_owned(), id));
        }
        Some(stored.base())
    }

    /// The size of a record's fields as JSON, in bytes, if nothing of it is unsent: without looking at them.
    #[must_use]
    pub fn bytes(&self, collection: &str, id: RecordId) -> Option<usize> {
        let is_unsent = self.unsent.ids(collection).is_some_and(|ids| ids.contains(&id));
        self.stored(collection, id).filter(|_| !is_unsent).map(Stored::fields_bytes)
    }

    /// A base that was put is unpacked.
    pub(super) fn note_unpacked(&mut self, collection: &str, base: &Stored) {
        if base.is_unpacked() {
            self.unpacked.get_mut().push((collection.to_owned(), base.id));
        }
    }

    /// Of many unpacked bases, packs the older half.
    pub(super) fn pack_surplus(&mut self) {
        if self.unpacked.get_mut().len() <= UNPACKED_MAX {
            return;
        }
        let older: Vec<Key> = self.unpacked.get_mut().drain(..UNPACKED_MAX / 2).collect();
        for (collection, id) in older {
            let stored = self.bases.get_mut(&collection).and_then(|bases| bases.get_mut(&id)).and_then(Rc::get_mut);
            if let Some(stored) = stored {
                stored.pack();
            }
        }
    }
}
