//! Pages as a transaction sees and changes them: find a base, put one, replace a range; then the pages to write.
//!
//! A page owns the ids from its first up to the next page's. Pages split, never merge and never vanish.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::core::bases::Bases;
use crate::core::protocol::{Plain, Range};
use crate::core::pull::RangedBases;
use crate::core::record::{Base, By, CollectionName, RecordId, Tombstone};
use crate::core::rows::PageRow;

use super::page::{self, PAGE_BYTES_MAX, PageError};
use super::stored::{Head, Packed, Stored};

/// A split page is filled to this, so that the next few records do not split it again.
const PAGE_BYTES_FILL: usize = PAGE_BYTES_MAX * 3 / 4;

/// The bases of a page. Shared: a context's memory has the same ones.
pub(super) type Owned = BTreeMap<RecordId, Rc<Stored>>;

#[derive(Default)]
struct Page {
    bases: Owned,
    changed: bool,
}

/// The pages that a transaction has read.
#[derive(Default)]
pub struct PageSet {
    pages: BTreeMap<(CollectionName, String), Page>,
    /// What was put and taken out, if that is all that was changed.
    changes: Put,
    /// Who made what came as text.
    people: Vec<Rc<By>>,
}

/// What a transaction has made of pages.
#[derive(Clone, Debug, Default)]
pub struct Put {
    /// Bases that were put.
    pub put: Vec<(CollectionName, Rc<Stored>)>,
    /// Records whose bases were taken out.
    pub removed: Vec<(CollectionName, RecordId)>,
}

impl PageSet {
    /// These pages.
    ///
    /// # Errors
    /// Which page cannot be read (`collection/first`), and why.
    pub fn read(rows: &[PageRow]) -> Result<Self, (String, PageError)> {
        let mut pages = BTreeMap::new();
        for row in rows {
            let bases = page::read(&row.bytes).map_err(|error| (format!("{}/{}", row.collection, row.first), error))?;
            let bases = bases.into_iter().map(|base| (base.id, Rc::new(base))).collect();
            pages.insert((row.collection.clone(), row.first.clone()), Page { bases, changed: false });
        }
        Ok(Self { pages, ..Self::default() })
    }

    /// Adds a page that is known without reading it.
    pub(super) fn know(&mut self, key: (CollectionName, String), bases: impl FnOnce() -> Owned) {
        self.pages.entry(key).or_insert_with(|| Page { bases: bases(), changed: false });
    }

    /// What was put and taken out: all that the changed pages have of new, unless they were set adrift.
    #[must_use]
    pub fn changes(&self) -> &Put {
        &self.changes
    }

    fn owner(&self, collection: &str, id: RecordId) -> Option<&(CollectionName, String)> {
        let upto = (collection.to_owned(), id.to_string());
        self.pages.range(..=upto).next_back().map(|(key, _)| key).filter(|key| key.0 == collection)
    }

    /// The base of this record, if there is one.
    #[must_use]
    pub fn get(&self, collection: &str, id: RecordId) -> Option<&Base> {
        self.pages.get(self.owner(collection, id)?)?.bases.get(&id).map(|stored| stored.base())
    }

    fn page_for(&mut self, collection: &str, id: RecordId) -> &mut Page {
        let key = self.owner(collection, id).cloned().unwrap_or_else(|| (collection.to_owned(), String::new()));
        self.pages.entry(key).or_default()
    }

    /// Puts a base.
    pub fn put(&mut self, collection: &str, base: Base) {
        self.put_stored(collection, Stored::from(base));
    }

    fn put_stored(&mut self, collection: &str, base: Stored) {
        let base = Rc::new(base);
        let page = self.page_for(collection, base.id);
        page.changed = true;
        page.bases.insert(base.id, Rc::clone(&base));
        self.changes.put.push((collection.to_owned(), base));
    }

    /// The ids of the bases in a range, of the pages read.
    #[must_use]
    pub fn ids_in(&self, range: &Range) -> Vec<RecordId> {
        let pages = self.pages.iter().filter(|((collection, _), _)| *collection == range.collection);
        pages.flat_map(|(_, page)| page.bases.keys().copied()).filter(|id| range.contains(*id)).collect()
    }

    /// Removes a base: only a snapshot that speaks for the id may.
    pub fn remove(&mut self, collection: &str, id: RecordId) {
        let page = self.page_for(collection, id);
        if page.bases.remove(&id).is_some() {
            page.changed = true;
            // What was put and taken out again is not there.
            self.changes.put.retain(|(name, base)| base.id != id || name != collection);
            self.changes.removed.push((collection.to_owned(), id));
        }
    }

    /// Sets every base adrift: the lifetime of the server in which it had its place in the feed is over. Of a collection that is
    /// not selected no snapshot will say what there is now: there it goes, and what is unsent builds on what its forms showed.
    pub fn set_adrift(&mut self, is_selected: impl Fn(&str) -> bool) {
        for ((collection, _), page) in &mut self.pages {
            page.changed |= !page.bases.is_empty();
            if !is_selected(collection) {
                page.bases.clear();
            }
            page.bases.values_mut().for_each(|base| Rc::make_mut(base).set_adrift());
        }
    }

    /// What was put for a collection that is not selected is out of the scope: no list shows it.
    pub fn leave_out(&mut self, is_selected: impl Fn(&str) -> bool) {
        let is_outside = |(collection, base): &&(CollectionName, Rc<Stored>)| base.is_listed() && !is_selected(collection);
        let outside: Vec<_> = self.changes.put.iter().filter(is_outside).cloned().collect();
        for (collection, base) in outside {
            if self.get(&collection, base.id).is_some_and(Base::is_listed) {
                self.put(&collection, Base { tombstone: Some(Tombstone::Left), ..base.base().clone() });
            }
        }
    }

    /// Every base of the pages read, by collection.
    pub fn bases(&self) -> impl Iterator<Item = (&str, &Base)> {
        self.pages
            .iter()
            .flat_map(|((collection, _), page)| page.bases.values().map(move |base| (collection.as_str(), base.base())))
    }

    /// The changed pages, split where they are too large. `stamp` is the next one to give, and is moved on.
    #[must_use]
    pub fn into_rows(self, stamp: &mut u64) -> Vec<PageRow> {
        let mut rows = Vec::new();
        for ((collection, first), page) in self.pages.into_iter().filter(|(_, page)| page.changed) {
            for (index, (own, bytes)) in packed(&page.bases).into_iter().enumerate() {
                let own = own.filter(|_| index > 0).map(|id| id.to_string());
                let first = own.unwrap_or_else(|| first.clone());
                rows.push(PageRow { collection: collection.clone(), first, stamp: *stamp, bytes });
                *stamp += 1;
            }
        }
        rows
    }
}

impl Bases for PageSet {
    fn get(&self, collection: &str, id: RecordId) -> Option<&Base> {
        Self::get(self, collection, id)
    }

    fn put(&mut self, collection: &str, base: Base) {
        Self::put(self, collection, base);
    }

    fn put_plain(&mut self, collection: &str, plain: Plain) {
        let Plain { id, version, seq, at, by, fields, .. } = plain;
        // Most of a page were made by the same person.
        let known = self.people.iter().rev().find(|known| known.as_ref() == &by).cloned();
        let by = known.unwrap_or_else(|| {
            let by = Rc::new(by);
            self.people.push(Rc::clone(&by));
            by
        });
        let head = Head { id, version, seq, at, tombstone: None, by: Some(by) };
        self.put_stored(collection, Stored::new(head, Packed { fields, changed: Box::default(), rest: None }));
    }
}

impl RangedBases for PageSet {
    fn ids_in(&self, range: &Range) -> Vec<RecordId> {
        Self::ids_in(self, range)
    }

    fn remove(&mut self, collection: &str, id: RecordId) {
        Self::remove(self, collection, id);
    }
}

/// These bases as one page if they fit, else as several that have some room. A page of one record is at most its 24 KiB and
/// what the server adds.
fn packed(bases: &Owned) -> Vec<(Option<RecordId>, Vec<u8>)> {
    let all = || bases.values().map(Rc::as_ref);
    match page::encode_whole(all(), PAGE_BYTES_MAX) {
        Some(whole) => vec![(bases.keys().next().copied(), whole)],
        None => page::encode(all(), PAGE_BYTES_FILL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::record::Millis;
    use proptest::prelude::*;
    use serde_json::json;

    fn base(n: u16, size: usize) -> Base {
        let id = RecordId::new(Millis(i64::from(n) + 1), [0, 0]);
        serde_json::from_value(json!({"id": id, "version": 1, "seq": 1, "at": 0, "fields": {"name": "x".repeat(size)}})).unwrap()
    }

    /// Applies the writes to stored rows, as a store would.
    fn store(rows: &mut Vec<PageRow>, writes: Vec<PageRow>) {
        for row in writes {
            rows.retain(|old| (&old.collection, &old.first) != (&row.collection, &row.first));
            rows.push(row);
        }
        rows.sort_by(|a, b| (&a.collection, &a.first).cmp(&(&b.collection, &b.first)));
    }

    proptest! {
        /// Puts and removals through pages come to what a plain map says, and no page is too large.
        #[test]
        fn pages_are_a_map(steps in proptest::collection::vec((0u16..200, 0usize..3_000, any::<bool>()), 1..200), chunk in 1usize..40) {
            let (mut rows, mut map, mut stamp) = (Vec::new(), BTreeMap::new(), 1);
            for steps in steps.chunks(chunk) {
                let mut set = PageSet::read(&rows).unwrap();
                let mut memory = map.clone();
                for (n, size, put) in steps {
                    let base = base(*n, *size);
                    if *put {
                        set.put("customers", base.clone());
                        map.insert(base.id, base);
                    } else {
                        set.remove("customers", base.id);
                        map.remove(&base.id);
                    }
                }
                // As memory takes it over.
                set.changes().removed.iter().for_each(|(_, id)| drop(memory.remove(id)));
                memory.extend(set.changes().put.iter().map(|(_, base)| (base.id, base.base().clone())));
                prop_assert_eq!(&memory, &map);
                let before = stamp;
                store(&mut rows, set.into_rows(&mut stamp));
                prop_assert!(rows.iter().all(|row| row.stamp < stamp && row.bytes.len() <= PAGE_BYTES_MAX));
                prop_assert!(rows.iter().filter(|row| row.stamp >= before).count() as u64 == stamp - before);
            }
            let set = PageSet::read(&rows).unwrap();
            let found: Vec<&Base> = set.bases().map(|(_, base)| base).collect();
            prop_assert_eq!(found, map.values().collect::<Vec<_>>());
            for (id, base) in &map {
                prop_assert_eq!(set.get("customers", *id), Some(base));
                prop_assert_eq!(set.get("pipelines", *id), None);
            }
            if let Some(first) = rows.first() {
                prop_assert_eq!(first.first.as_str(), "");
            }
        }
    }
}
