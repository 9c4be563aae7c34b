//! Tables before the pages are read: they have the outbox, and of bases the heads' and those that unsent changes build on. The pages
//! are read into tables beside them, which take their place at once, when all are read: so nothing that only a head has outlives it, and
//! nobody is answered from half of the pages.

use std::collections::BTreeSet;

use super::page_set::PageSet;
use super::sorted::Indexes;
use super::table::Tables;
use super::unsent::Key;
use crate::core::bases::Bases;
use crate::core::record::{Base, CollectionName};

impl Tables {
    /// Takes bases that a head has.
    pub fn take_head(&mut self, bases: Vec<(CollectionName, Vec<Base>)>) {
        for (collection, bases) in bases {
            bases.into_iter().for_each(|base| self.put(&collection, base));
        }
    }

    /// Takes from pages what is shown before all are read: the bases of what is unsent, and of what a head has. Returns their
    /// collections.
    pub fn take_shown(&mut self, pages: &PageSet) -> BTreeSet<CollectionName> {
        let mut touched = BTreeSet::new();
        for (collection, base) in pages.bases() {
            let is_unsent = self.unsent.ids(collection).is_some_and(|unsent| unsent.contains(&base.id));
            if is_unsent || self.base(collection, base.id).is_some() {
                self.put(collection, base.clone());
                touched.insert(collection.to_owned());
            }
        }
        touched
    }

    /// Takes the bases of these records from pages.
    pub fn take_records(&mut self, pages: &PageSet, records: &[Key]) {
        for (collection, id) in records {
            if let Some(base) = pages.get(collection, *id) {
                self.put(collection, base.clone());
            }
        }
    }

    /// All pages are read: what these tables had of bases goes, and those come in their place.
    pub fn take_loaded(&mut self, loaded: Self) {
        (self.bases, self.pages) = (loaded.bases, loaded.pages);
        self.touches += 1;
        self.indexes = Indexes::default();
        if self.search.take().is_some() {
            self.begin_search();
        }
        self.looked.forget();
        for key in self.unsent() {
            self.looked.touch(key);
        }
    }

    /// Unsent records, the oldest first, whose bases are not here: at most so many.
    #[must_use]
    pub fn unsent_without_base(&self, count_max: usize) -> Vec<Key> {
        let is_missing = |(collection, id): &Key| self.base(collection, *id).is_none();
        self.unsent().into_iter().filter(is_missing).take(count_max).collect()
    }
}
