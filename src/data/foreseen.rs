//! A record as it will read once a change of it is saved: worked out while the disk is waited for, and given to whoever saved, if
//! nothing else happened in memory meanwhile.

use std::collections::BTreeSet;

use super::table::Tables;
use super::warnings::Surroundings;
use crate::core::outbox::Change;
use crate::core::record::{CollectionName, Millis};
use crate::core::rules::Violation;

/// What was foreseen.
#[derive(Debug)]
pub struct Foreseen {
    /// JSON of the record, a [`RecordView`](super::table::RecordView).
    pub json: String,
    /// How memory stood.
    pub stand: Stand,
}

/// How memory stands, as far as a record's reading depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    touches: u64,
    is_sending: bool,
    pulled_at: Option<Millis>,
}

impl Tables {
    /// How it stands: the same as before only if nothing happened to any record since.
    #[must_use]
    pub fn stand(&self) -> Stand {
        Stand { touches: self.touches, is_sending: self.is_sending, pulled_at: self.pulled_at }
    }

    /// The record of a change as if that was here; `complete` are the collections that are here whole. Nothing if it is here, or cannot
    /// be shown.
    pub fn foresee(&mut self, change: &Change, complete: &BTreeSet<CollectionName>, now: Millis) -> Option<Foreseen> {
        if self.unsent.of_row(&change.row).is_some() {
            return None;
        }
        // Nobody else looks before it is out again, and only what is asked here knows of it: no index, no count.
        let number = u64::MAX;
        self.unsent.take(Change { client_seq: number, ..change.clone() });
        let record = self.record(&change.collection, change.record, true, now);
        let warnings = self.warned(change, complete);
        self.unsent.withdraw(number);
        let json = serde_json::to_string(&super::table::RecordView { warnings, ..record? }).ok()?;
        Some(Foreseen { json, stand: self.stand() })
    }

    fn warned(&self, change: &Change, complete: &BTreeSet<CollectionName>) -> Vec<Violation> {
        Surroundings::new(self, complete).warnings(&change.collection, change.record)
    }
}
