//! Sorted indexes over the fields that the schema declares. Each is made when a query first needs it, and brought in step by
//! the next query that does: a change only notes its record, so that no save and no pull waits for an index.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::condition::{Side, Test};
use super::key::Key;
use super::table::Tables;
use crate::core::record::{CollectionName, RecordId, field};

/// A record in an index: its key, its id.
pub type Entry = (Key, RecordId);

/// The indexes of every collection.
#[derive(Debug, Default)]
pub struct Indexes {
    of: BTreeMap<CollectionName, OfCollection>,
}

/// Those of one.
#[derive(Debug, Default)]
struct OfCollection {
    /// By field: every record that may be shown, also those with an unsent delete.
    by_field: BTreeMap<String, Vec<Entry>>,
    /// Records that something happened to since all of these were in step.
    touched: BTreeSet<RecordId>,
}

impl Indexes {
    /// Something happened to a record.
    pub(super) fn touch(&mut self, collection: &str, id: RecordId) {
        if let Some(indexes) = self.of.get_mut(collection) {
            indexes.touched.insert(id);
        }
    }

    /// An index, in step since [`Tables::prepare`].
    #[must_use]
    pub fn get(&self, collection: &str, field: &str) -> Option<&[Entry]> {
        self.of.get(collection)?.by_field.get(field).map(Vec::as_slice)
    }
}

impl Tables {
    /// Makes these indexes, or brings them in step. Fields that the schema does not declare as indexes get none.
    pub(super) fn prepare<'a>(&mut self, collection: &str, fields: impl Iterator<Item = &'a str>) {
        self.pack_surplus();
        let Some(declared) = self.schema().collection(collection) else { return };
        let wanted: BTreeSet<&str> = fields.filter(|name| declared.indexes.iter().any(|index| index == name)).collect();
        let mut indexes = self.indexes.of.remove(collection).unwrap_or_default();
        let touched = std::mem::take(&mut indexes.touched);
        if !touched.is_empty() {
            let names: Vec<String> = indexes.by_field.keys().cloned().collect();
            let fresh = self.entries(collection, &names, touched.iter().copied());
            for (old, fresh) in indexes.by_field.values_mut().zip(fresh) {
                old.retain(|(_, id)| !touched.contains(id));
                merge(old, fresh);
            }
        }
        let new: Vec<String> =
            wanted.into_iter().filter(|name| !indexes.by_field.contains_key(*name)).map(str::to_owned).collect();
        if !new.is_empty() {
            let entries = self.entries(collection, &new, self.ids(collection));
            indexes.by_field.extend(new.into_iter().zip(entries));
        }
        if !indexes.by_field.is_empty() {
            self.indexes.of.insert(collection.to_owned(), indexes);
        }
    }

    /// What these fields' indexes have of these records, sorted.
    fn entries(&self, collection: &str, fields: &[String], ids: impl Iterator<Item = RecordId>) -> Vec<Vec<Entry>> {
        let mut entries: Vec<Vec<Entry>> = fields.iter().map(|_| Vec::new()).collect();
        let names: Vec<&str> = fields.iter().map(String::as_str).collect();
        for id in ids {
            let Some(shown) = self.shown(collection, id, true, &names) else { continue };
            for (name, of_field) in fields.iter().zip(&mut entries) {
                of_field.push((Key::of(field(&shown, name)), id));
            }
        }
        entries.iter_mut().for_each(|of_field| of_field.sort_unstable());
        entries
    }
}

/// Puts sorted entries among sorted entries. A few are put in their places, many are sorted in (a run that is sorted costs one
/// pass).
fn merge(into: &mut Vec<Entry>, fresh: Vec<Entry>) {
    const FEW: usize = 8;
    if fresh.len() <= FEW {
        for entry in fresh {
            into.insert(into.partition_point(|other| *other < entry), entry);
        }
    } else {
        into.extend(fresh);
        into.sort();
    }
}

/// Where in an index the records are that may pass a test; all that pass are there. Nothing, if the index does not tell.
#[must_use]
pub fn ranges(entries: &[Entry], test: &Test) -> Option<Vec<Range<usize>>> {
    let nothing = entries.partition_point(|(key, _)| key.is_nothing());
    let equal = |key: &Key| before(entries, key)..entries.partition_point(|(other, _)| other <= key);
    let found = match test {
        Test::Equal(value) => one(equal(&Key::of(value))),
        Test::OneOf(values) => {
            let keys: BTreeSet<Key> = values.iter().map(Key::of).collect();
            keys.iter().map(equal).collect()
        }
        Test::Prefix(prefix) => {
            let prefix = Key::of_text(prefix);
            let start = before(entries, &prefix);
            one(start..start + entries[start..].partition_point(|(key, _)| key.begins(&prefix)))
        }
        Test::Exists(true) => one(nothing..entries.len()),
        Test::Exists(false) => one(0..nothing),
        Test::Order(side, key) => {
            let Range { start, end } = equal(key);
            one(match side {
                Side::Less => nothing..start.max(nothing),
                Side::LessOrEqual => nothing..end.max(nothing),
                Side::Greater => end.max(nothing)..entries.len(),
                Side::GreaterOrEqual => start.max(nothing)..entries.len(),
            })
        }
        Test::Differs(_) | Test::Contains(_) => return None,
    };
    Some(found)
}

/// A list of one range.
#[must_use]
pub fn one(range: Range<usize>) -> Vec<Range<usize>> {
    vec![range]
}

fn before(entries: &[Entry], key: &Key) -> usize {
    entries.partition_point(|(other, _)| other < key)
}

/// What two lists of ranges, each in order, have in common.
#[must_use]
pub fn both(a: &[Range<usize>], b: &[Range<usize>]) -> Vec<Range<usize>> {
    let cut = |a: &Range<usize>| b.iter().map(move |b| a.start.max(b.start)..a.end.min(b.end)).collect::<Vec<_>>();
    a.iter().flat_map(cut).filter(|range| range.start < range.end).collect()
}
