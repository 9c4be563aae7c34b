//! Looking for records, and for those that a new one may be a second of. The index that this needs is made when somebody first
//! looks, by whoever has time: [`Client::search_step`].

use crate::core::record::{CollectionName, Fields, RecordId};
use crate::core::schema::Collection;
use crate::data::duplicates::Duplicate;
use crate::data::table::RecordView;
use crate::ports::{Host, Store, Transport};

use super::{Client, Note, Shared};

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// At most `limit` records of these collections that match, the best first, and whether everything was looked at. Without collections: of
    /// all that people write.
    pub fn search(&self, text: &str, collections: &[CollectionName], limit: usize) -> (Vec<RecordView>, bool) {
        let now = self.host.now();
        let mut shared = self.shared.borrow_mut();
        let Shared { tables: Some(tables), pull, loading: None, .. } = &mut *shared else { return (Vec::new(), false) };
        let found = tables.search(text, collections, limit, now);
        let is_asked = |declared: &&Collection| collections.is_empty() || collections.contains(&declared.name);
        let complete = self.schema.collections.iter().filter(is_asked).all(|declared| pull.complete.contains(&declared.name));
        (found, complete && tables.search_pending() == 0)
    }

    /// The records that a new one with these fields may be a second of, and whether everything was looked at. `own` is the new
    /// one's id.
    pub fn duplicates(&self, collection: &str, fields: &Fields, own: Option<RecordId>, limit: usize) -> (Vec<Duplicate>, bool) {
        let now = self.host.now();
        let mut shared = self.shared.borrow_mut();
        let Shared { tables: Some(tables), pull, loading: None, .. } = &mut *shared else { return (Vec::new(), false) };
        let found = tables.duplicates(collection, fields, own, limit, now);
        (found, pull.complete.contains(collection) && tables.search_pending() == 0)
    }

    /// Begins the search index, if nobody has looked for anything yet.
    pub fn begin_search(&self) {
        if let Some(tables) = &mut self.shared.borrow_mut().tables {
            tables.begin_search();
        }
    }

    /// Indexes at most so many records. Gives how many are left. When none are, who looks for something is told that answers may be
    /// others.
    pub fn search_step(&self, records_max: usize) -> usize {
        let mut shared = self.shared.borrow_mut();
        let Some(tables) = &mut shared.tables else { return 0 };
        let before = tables.search_pending();
        let left = tables.search_step(records_max);
        drop(shared);
        if before > 0 && left == 0 {
            self.note(Note::Searchable);
        }
        left
    }

    /// How many records are to be indexed, if anybody looks for anything.
    pub fn search_pending(&self) -> usize {
        self.tables(crate::data::table::Tables::search_pending).unwrap_or(0)
    }
}
