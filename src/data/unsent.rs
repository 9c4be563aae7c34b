//! The changes in memory that have not ended, found by their number, their record and their row id.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::outbox::Change;
use crate::core::record::{CollectionName, RecordId, RowId};

/// A record by its collection and id.
pub type Key = (CollectionName, RecordId);

/// Changes that have not ended.
#[derive(Debug, Default)]
pub struct Unsent {
    changes: BTreeMap<u64, Change>,
    of_record: BTreeMap<Key, BTreeSet<u64>>,
    /// The records of each collection: asked of every record of a list.
    ids: BTreeMap<CollectionName, BTreeSet<RecordId>>,
    of_row: BTreeMap<RowId, u64>,
    /// Changes that ended: a save that hears of its commit late must not bring one back.
    ended: BTreeSet<u64>,
}

impl Unsent {
    /// Takes a change, unless it has ended.
    pub fn take(&mut self, change: Change) {
        if self.ended.contains(&change.client_seq) {
            return;
        }
        self.of_row.insert(change.row, change.client_seq);
        self.of_record.entry(change.key()).or_default().insert(change.client_seq);
        self.ids.entry(change.collection.clone()).or_default().insert(change.record);
        self.changes.insert(change.client_seq, change);
    }

    /// A change has ended. Gives it back, if it was here.
    pub fn end(&mut self, client_seq: u64) -> Option<Change> {
        self.ended.insert(client_seq);
        self.withdraw(client_seq)
    }

    /// Takes a change out as if it had never been here. Gives it back, if it was.
    pub fn withdraw(&mut self, client_seq: u64) -> Option<Change> {
        let change = self.changes.remove(&client_seq)?;
        self.of_row.remove(&change.row);
        let key = change.key();
        if let Some(seqs) = self.of_record.get_mut(&key) {
            seqs.remove(&client_seq);
            if seqs.is_empty() {
                self.of_record.remove(&key);
                if let Some(ids) = self.ids.get_mut(&key.0) {
                    ids.remove(&key.1);
                }
            }
        }
        Some(change)
    }

    /// Takes a change whose end was taken back.
    pub fn put_back(&mut self, change: Change) {
        self.ended.remove(&change.client_seq);
        self.take(change);
    }

    /// Every change, by `client_seq`.
    pub fn all(&self) -> impl Iterator<Item = &Change> {
        self.changes.values()
    }

    /// How many changes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The records, by key.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &Key> {
        self.of_record.keys()
    }

    /// The records, in the order of their first change.
    #[must_use]
    pub fn records_by_age(&self) -> Vec<Key> {
        let mut records: Vec<_> = self.of_record.iter().map(|(key, seqs)| (seqs.first().copied(), key)).collect();
        records.sort();
        records.into_iter().map(|(_, key)| key.clone()).collect()
    }

    /// Whether a record has any.
    #[must_use]
    pub fn has(&self, key: &Key) -> bool {
        self.of_record.contains_key(key)
    }

    /// The records of a collection that have any.
    #[must_use]
    pub fn ids(&self, collection: &str) -> Option<&BTreeSet<RecordId>> {
        self.ids.get(collection)
    }

    /// The changes of one record.
    #[must_use]
    pub fn of(&self, collection: &str, id: RecordId) -> Vec<&Change> {
        let seqs = self.of_record.get(&(collection.to_owned(), id));
        seqs.into_iter().flatten().filter_map(|seq| self.changes.get(seq)).collect()
    }

    /// The change of this row id.
    #[must_use]
    pub fn of_row(&self, row: &RowId) -> Option<&Change> {
        self.changes.get(self.of_row.get(row)?)
    }
}
