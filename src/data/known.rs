//! What memory knows of pages: which there are, and what each owns. So who writes a page need not read it, as long as memory
//! is in step with the store.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Included, Unbounded};
use std::rc::Rc;

use super::page::{PageError, read};
use super::page_set::{Owned, PageSet, Put};
use super::stored::Stored;
use super::table::Tables;
use crate::core::protocol::Range;
use crate::core::record::{CollectionName, RecordId};
use crate::core::rows::PageRow;

impl Tables {
    /// Takes pages that were written, in place of what they owned. Returns their collections.
    ///
    /// # Errors
    /// Which page cannot be read, and why.
    pub fn take_pages(&mut self, rows: &[PageRow]) -> Result<BTreeSet<CollectionName>, (String, PageError)> {
        self.pack_surplus();
        let decoded: Result<Vec<_>, _> = rows
            .iter()
            .map(|row| read(&row.bytes).map_err(|error| (format!("{}/{}", row.collection, row.first), error)))
            .collect();
        self.pages.extend(rows.iter().map(|row| (row.collection.clone(), row.first.clone())));
        for (row, bases) in rows.iter().zip(decoded?) {
            let owned: Vec<RecordId> = self.owned(&row.collection, &row.first).map(|(id, _)| *id).collect();
            let table = self.bases.entry(row.collection.clone()).or_default();
            owned.iter().for_each(|id| drop(table.remove(id)));
            for id in owned.into_iter().chain(bases.iter().map(|base| base.id)) {
                self.take_base(&row.collection, id);
            }
            let table = self.bases.entry(row.collection.clone()).or_default();
            table.extend(bases.into_iter().map(|base| (base.id, Rc::new(base))));
        }
        Ok(rows.iter().map(|row| row.collection.clone()).collect())
    }

    /// Takes pages that were written from what memory had: all that is new in them is this. Returns their collections.
    pub fn take_put(&mut self, pages: &[PageRow], Put { put, removed }: &Put) -> BTreeSet<CollectionName> {
        self.pack_surplus();
        self.pages.extend(pages.iter().map(|page| (page.collection.clone(), page.first.clone())));
        for (collection, id) in removed {
            self.take_base(collection, *id);
            self.bases.get_mut(collection).map(|table| table.remove(id));
        }
        for (collection, base) in put {
            self.take_base(collection, base.id);
            self.note_unpacked(collection, base);
            self.bases.entry(collection.clone()).or_default().insert(base.id, Rc::clone(base));
        }
        pages.iter().map(|page| page.collection.clone()).collect()
    }

    /// The base of a record is another. One with unsent changes may be in other trouble now.
    fn take_base(&mut self, collection: &str, id: RecordId) {
        self.touch_derived(collection, id);
        if self.unsent.ids(collection).is_some_and(|unsent| unsent.contains(&id)) {
            self.looked.touch((collection.to_owned(), id));
        }
    }

    /// The pages that own these records, or any id of these ranges.
    #[must_use]
    pub fn page_set<'a>(&self, records: impl Iterator<Item = (&'a str, RecordId)>, ranges: &[Range]) -> PageSet {
        let mut set = PageSet::default();
        for range in ranges {
            let first = (range.collection.clone(), range.after.map_or_else(String::new, |id| id.to_string()));
            let owner = self.pages.range(..=&first).next_back().filter(|(name, _)| *name == range.collection);
            let behind = self.pages.range((Excluded(&first), Unbounded)).take_while(|(name, first)| {
                *name == range.collection && range.upto.is_none_or(|upto| *first <= upto.to_string())
            });
            for owner in owner.into_iter().chain(behind) {
                self.know(owner, &mut set);
            }
        }
        for (collection, id) in records {
            let upto = (collection.to_owned(), id.to_string());
            let owner = self.pages.range(..=upto).next_back().filter(|(name, _)| name == collection);
            if let Some(owner) = owner {
                self.know(owner, &mut set);
            }
        }
        set
    }

    fn know(&self, page: &(CollectionName, String), set: &mut PageSet) {
        let bases = || self.owned(&page.0, &page.1).map(|(id, base)| (*id, Rc::clone(base))).collect::<Owned>();
        set.know(page.clone(), bases);
    }

    /// What the page that begins here owns.
    fn owned(&self, collection: &str, first: &str) -> impl Iterator<Item = (&RecordId, &Rc<Stored>)> {
        let next = (collection.to_owned(), format!("{first}\u{0}"));
        let end = self.pages.range(next..).next().filter(|(name, _)| name == collection);
        let end: Option<RecordId> = end.and_then(|(_, first)| first.parse().ok());
        let start: Option<RecordId> = first.parse().ok();
        let range = (start.map_or(Unbounded, Included), end.map_or(Unbounded, Excluded));
        self.bases.get(collection).into_iter().flat_map(move |table| table.range(range))
    }
}
