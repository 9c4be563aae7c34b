//! Queries answered from the tables: by an index where one helps, else by looking at every record. Both give the same.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use super::condition::Where;
use super::query::{Place, Query};
use super::sorted::{Entry, both, one, ranges};
use super::table::{Included, RecordView, Tables};
use crate::core::record::{Fields, Millis, RecordId, field};
use crate::core::schema::{Collection, ids};

/// Parts of an index, in its order, and how many records are in them.
struct Parts<'a> {
    entries: &'a [Entry],
    ranges: Vec<Range<usize>>,
    count: usize,
}

/// How a query finds its records.
enum Way<'a> {
    /// Every record is looked at.
    All,
    /// Those in parts of an index, in whatever order.
    Some(Parts<'a>),
    /// Those in parts of the index of the first sort field, in its order: whoever goes along it can stop when the page is full.
    Along(Parts<'a>),
}

impl Tables {
    /// The records of a query, in its order, with what it includes.
    #[must_use]
    pub fn list(&mut self, collection: &str, query: &Query, now: Millis) -> Vec<RecordView> {
        self.prepare_for(collection, query);
        let found = self.find(collection, query);
        let Some(declared) = self.schema().collection(collection) else { return Vec::new() };
        let record = |id| {
            let record = self.record(collection, id, query.with_deleted, now)?;
            Some(RecordView { included: self.included(declared, &record.fields, query, now), ..record })
        };
        found.into_iter().filter_map(record).collect()
    }

    /// How many records a query has, on all its pages.
    #[must_use]
    pub fn count(&mut self, collection: &str, query: &Query) -> usize {
        self.prepare_for(collection, query);
        if let Some(text) = query.searched() {
            return self.hits(collection, text, query).map_or(0, |(_, hits)| hits.len());
        }
        let Some(parts) = self.narrowest(collection, &query.conditions) else {
            return self.all(collection, query).filter(|(_, fields)| query.conditions.holds(fields)).count();
        };
        let names = query.names();
        parts.ids().filter(|id| self.passing(collection, query, &names, *id).is_some()).count()
    }

    /// Brings in step what the query can use.
    fn prepare_for(&mut self, collection: &str, query: &Query) {
        let first = query.sort.first().map(|sort| sort.field.as_str());
        let asked = query.conditions.always().into_iter().map(|(name, _)| name);
        self.prepare(collection, asked.chain(first));
        if query.searched().is_some() {
            self.prepare_search();
        }
    }

    /// The ids of a query's page.
    fn find(&self, collection: &str, query: &Query) -> Vec<RecordId> {
        if let Some(text) = query.searched() {
            return self.searched(collection, text, query);
        }
        match self.way(collection, query) {
            Way::Along(parts) => self.walk(collection, query, &parts),
            Way::Some(parts) => {
                let names = query.names();
                let place = |id| self.passing(collection, query, &names, id).map(|fields| query.place(&fields, id));
                query.page(parts.ids().filter_map(place).collect())
            }
            Way::All => {
                let found = self.all(collection, query).filter(|(_, fields)| query.conditions.holds(fields));
                query.page(found.map(|(id, fields)| query.place(&fields, id)).collect())
            }
        }
    }

    /// The narrowest index of a condition; or that of the sort, if its page is full sooner were the two independent of each other.
    fn way(&self, collection: &str, query: &Query) -> Way<'_> {
        let sorting = query.sort.first().and_then(|sort| self.parts(collection, &sort.field, &query.conditions));
        match (sorting, self.narrowest(collection, &query.conditions)) {
            (None, None) => Way::All,
            (None, Some(narrow)) => Way::Some(narrow),
            (Some(along), None) => Way::Along(along),
            (Some(along), Some(narrow)) => {
                let walked = query.limit().saturating_mul(along.entries.len()) / narrow.count.max(1);
                if narrow.count < along.count.min(walked) { Way::Some(narrow) } else { Way::Along(along) }
            }
        }
    }

    /// Of the indexes of fields with conditions, the parts of that which leaves the fewest.
    fn narrowest(&self, collection: &str, conditions: &Where) -> Option<Parts<'_>> {
        let names = conditions.always().into_iter().map(|(name, _)| name);
        let parts = names.filter_map(|name| self.parts(collection, name, conditions));
        parts.filter(|parts| parts.count < parts.entries.len()).min_by_key(|parts| parts.count)
    }

    /// The parts of a field's index that its conditions leave.
    fn parts(&self, collection: &str, name: &str, conditions: &Where) -> Option<Parts<'_>> {
        let entries = self.indexes.get(collection, name)?;
        let of_field = conditions.always().into_iter().filter(|(other, _)| *other == name);
        let left = of_field.filter_map(|(_, test)| ranges(entries, test));
        let ranges = left.fold(one(0..entries.len()), |left, more| both(&left, &more));
        Some(Parts { entries, count: ranges.iter().map(ExactSizeIterator::len).sum(), ranges })
    }

    /// Along an index: records with the same key are sorted among themselves, and no more are looked at than the page needs.
    fn walk(&self, collection: &str, query: &Query, parts: &Parts) -> Vec<RecordId> {
        let (after, limit, names) = (query.after(), query.limit(), query.names());
        let is_behind = |place: &Place| after.as_ref().is_none_or(|after| query.order(place, after).is_gt());
        let mut page = Vec::new();
        for group in parts.groups(query, after.as_ref()) {
            let place = |(_, id): &Entry| Some(query.place(&*self.passing(collection, query, &names, *id)?, *id));
            let places = group.iter().filter_map(place).filter(is_behind);
            if query.sort.len() == 1 {
                page.extend(places.take(limit - page.len()).map(|place| place.id));
            } else {
                let mut places: Vec<Place> = places.collect();
                places.sort_unstable_by(|a, b| query.order(a, b));
                page.extend(places.into_iter().take(limit - page.len()).map(|place| place.id));
            }
            if page.len() >= limit {
                break;
            }
        }
        page
    }

    /// The fields of a record that the conditions let through: those of these names.
    fn passing(&self, collection: &str, query: &Query, names: &[&str], id: RecordId) -> Option<Cow<'_, Fields>> {
        self.shown(collection, id, query.with_deleted, names).filter(|fields| query.conditions.holds(fields))
    }

    /// Every record that is shown, with the fields that a query is about.
    fn all<'a>(&'a self, collection: &'a str, query: &'a Query) -> impl Iterator<Item = (RecordId, Cow<'a, Fields>)> {
        let (unsent, names) = (self.unsent.ids(collection), query.names());
        let shown = move |id: RecordId| Some((id, self.shown(collection, id, query.with_deleted, &[])?));
        let synced =
            self.bases(collection).filter(move |base| base.is_listed() && unsent.is_none_or(|unsent| !unsent.contains(&base.id)));
        synced.map(move |base| (base.id, base.some_fields(&names))).chain(unsent.into_iter().flatten().copied().filter_map(shown))
    }

    /// The fields of a record as a list shows it; of one without unsent changes, at least those of these names.
    pub(super) fn shown(&self, collection: &str, id: RecordId, with_deleted: bool, names: &[&str]) -> Option<Cow<'_, Fields>> {
        if self.unsent.ids(collection).is_none_or(|unsent| !unsent.contains(&id)) {
            let base = self.bases.get(collection)?.get(&id)?;
            return base.is_listed().then(|| base.some_fields(names));
        }
        let (_, view) = self.merged(collection, id)?;
        view.fields.or_else(|| with_deleted.then(|| self.before_delete(collection, id))).map(Cow::Owned)
    }

    /// The ids of a collection that have a base or unsent changes.
    pub(super) fn ids(&self, collection: &str) -> impl Iterator<Item = RecordId> {
        let bases = self.bases.get(collection);
        let made = self.unsent.ids(collection).into_iter().flatten();
        let made = made.filter(move |id| bases.is_none_or(|bases| !bases.contains_key(id)));
        bases.into_iter().flat_map(BTreeMap::keys).chain(made).copied()
    }

    /// The records that a record refers to, by field: those that are here.
    fn included(&self, declared: &Collection, fields: &Fields, query: &Query, now: Millis) -> BTreeMap<String, Included> {
        let included = |name: &String| {
            let target = declared.fields.get(name)?.refers_to.as_deref()?;
            let value = field(fields, name);
            let mut records = ids(value).filter_map(|id| self.record(target, id, query.with_deleted, now));
            let included =
                if value.is_array() { Included::Many(records.collect()) } else { Included::One(Box::new(records.next()?)) };
            Some((name.clone(), included))
        };
        query.include.iter().filter_map(included).collect()
    }
}

impl<'a> Parts<'a> {
    fn ids(&self) -> impl Iterator<Item = RecordId> {
        self.ranges.iter().flat_map(|range| &self.entries[range.clone()]).map(|(_, id)| *id)
    }

    /// Entries of one key each, in the query's direction, from the key of `after` on.
    fn groups(&self, query: &Query, after: Option<&Place>) -> Box<dyn Iterator<Item = &'a [Entry]> + 'a> {
        let entries = self.entries;
        let is_descending = query.sort.first().is_some_and(|sort| sort.descending);
        let rest = match after.and_then(|after| after.keys.first()) {
            None => 0..entries.len(),
            Some(key) if is_descending => 0..entries.partition_point(|(other, _)| other <= key),
            Some(key) => entries.partition_point(|(other, _)| other < key)..entries.len(),
        };
        let ranges = both(&self.ranges, &[rest]).into_iter();
        let of_key = |range: Range<usize>| entries[range].chunk_by(|a, b| a.0 == b.0);
        if is_descending {
            Box::new(ranges.rev().flat_map(move |range| of_key(range).rev()))
        } else {
            Box::new(ranges.flat_map(of_key))
        }
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
