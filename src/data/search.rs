//! The search index: words of records to the records that have them. It is derived, made in slices when there is time, and
//! kept up the same way: a change only notes its record.
//!
//! A record that changed gets a new place, and its old one is struck out: so nothing is ever taken out of a word's list, and
//! lists are in order. When half of the places are struck out, the index is made anew.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::condition::Where;
use super::matching::{Hit, Matching};
use super::query::Query;
use super::table::{RecordView, Tables};
use super::words::{name_words, words};
use crate::core::record::{CollectionName, Fields, Millis, RecordId};
use crate::core::schema::{Collection, Kind, Mode};

/// A record, by the place of its collection in the schema.
pub(super) type Entry = (u8, RecordId);

/// So many records that are not indexed yet a search indexes itself: what was just saved is found.
const PENDING_AT_ONCE: usize = 300;
/// Below so many places, those struck out are no matter.
const STRUCK_OUT_MIN: usize = 1000;

/// How a word stands in a record; the greater, the more it says. Two bits.
pub(super) const ELSEWHERE: u32 = 0;
pub(super) const IN_TITLE: u32 = 1;
pub(super) const BEGINS_TITLE: u32 = 2;
pub(super) const IS_TITLE: u32 = 3;

/// A record's place in the index.
#[derive(Debug)]
pub(super) struct Place {
    /// None if it is struck out.
    pub(super) entry: Option<Entry>,
    /// Its name without legal forms: for the order of records that match as well.
    pub(super) name: Box<str>,
}

/// Places that have a word, each with how the word stands there in its last two bits; in order.
#[derive(Debug)]
pub(super) enum Postings {
    /// Most words of a store are one record's: its phone number, its code.
    One(u32),
    /// Several.
    Many(Vec<u32>),
}

/// The index, once somebody has looked for something.
#[derive(Default)]
pub struct Search {
    /// Words as UTF-8.
    pub(super) words: BTreeMap<Box<[u8]>, Postings>,
    pub(super) places: Vec<Place>,
    pub(super) place_of: BTreeMap<Entry, u32>,
    /// Records that are not in it as they are.
    pending: BTreeSet<Entry>,
    struck_out: usize,
    pub(super) matching: Matching,
}

impl Postings {
    pub(super) fn all(&self) -> &[u32] {
        match self {
            Self::One(posting) => std::slice::from_ref(posting),
            Self::Many(postings) => postings,
        }
    }

    fn push(&mut self, posting: u32) {
        match self {
            Self::One(first) => *self = Self::Many(vec![*first, posting]),
            Self::Many(postings) => postings.push(posting),
        }
    }
}

impl Search {
    /// Something happened to a record.
    pub(super) fn touch(&mut self, entry: Entry) {
        self.pending.insert(entry);
    }

    fn put(&mut self, entry: Entry, declared: &Collection, fields: &Fields) {
        // A place and two bits are 32 bits, for there are never a billion records on a device.
        #[allow(clippy::cast_possible_truncation)]
        let place = self.places.len() as u32;
        let name = fields.get(&declared.title).and_then(Value::as_str).map(name_words).unwrap_or_default();
        let of_name = name.iter().enumerate().map(|(at, word)| (word.clone(), if at == 0 { BEGINS_TITLE } else { IN_TITLE }));
        // The name in one word is found however it is spaced, and tells a name that is this from one that begins so.
        let whole = Some((name.concat(), IS_TITLE)).filter(|(whole, _)| !whole.is_empty());
        let mut standing: BTreeMap<String, u32> = BTreeMap::new();
        let texts = fields.iter().filter(|(name, _)| is_searched(declared, name)).flat_map(|(_, value)| texts(value));
        for (word, stands) in texts.flat_map(words).map(|word| (word, ELSEWHERE)).chain(of_name).chain(whole) {
            let best = standing.entry(word).or_default();
            *best = stands.max(*best);
        }
        for (word, stands) in standing {
            let posting = place << 2 | stands;
            match self.words.get_mut(word.as_bytes()) {
                Some(postings) => postings.push(posting),
                None => drop(self.words.insert(word.into_bytes().into(), Postings::One(posting))),
            }
        }
        self.places.push(Place { entry: Some(entry), name: name.join(" ").into() });
        self.place_of.insert(entry, place);
    }

    fn strike_out(&mut self, entry: Entry) {
        let Some(place) = self.place_of.remove(&entry) else { return };
        self.places[place as usize].entry = None;
        self.struck_out += 1;
    }

    /// How many records are to be indexed yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }
}

impl Tables {
    /// Something happened to a record: what is derived of it is noted.
    pub(super) fn touch_derived(&mut self, collection: &str, id: RecordId) {
        self.touches += 1;
        self.indexes.touch(collection, id);
        let number = self.search.is_some().then(|| self.number(collection)).flatten();
        if let (Some(search), Some(number)) = (&mut self.search, number) {
            search.touch((number, id));
        }
    }

    /// Begins the search index, if it is not begun: every record is to be indexed.
    pub fn begin_search(&mut self) {
        if self.search.is_some() {
            return;
        }
        let mut search = Search::default();
        for (collection, declared) in (0u8..).zip(&self.schema().collections) {
            search.pending.extend(self.ids(&declared.name).map(|id| (collection, id)));
        }
        self.search = Some(search);
    }

    /// Indexes at most so many records, those with unsent changes first. Gives how many are left; none are if nobody has looked for anything
    /// yet, and then nothing is done.
    pub fn search_step(&mut self, records_max: usize) -> usize {
        let Some(mut search) = self.search.take() else { return 0 };
        if search.struck_out >= STRUCK_OUT_MIN && search.struck_out * 2 > search.places.len() {
            self.begin_search();
            return self.search_step(records_max);
        }
        let own: Vec<Entry> = self.unsent_entries().filter(|entry| search.pending.contains(entry)).take(records_max).collect();
        let others = search.pending.iter().filter(|entry| !own.contains(entry)).take(records_max - own.len()).copied();
        let next: Vec<Entry> = own.iter().copied().chain(others).collect();
        for entry in next {
            search.pending.remove(&entry);
            search.strike_out(entry);
            let declared = &self.schema().collections[usize::from(entry.0)];
            let searched = declared.fields.keys().filter(|name| is_searched(declared, name));
            let names: Vec<&str> = searched.chain([&declared.title]).map(String::as_str).collect();
            if let Some(fields) = self.shown(&declared.name, entry.1, true, &names) {
                search.put(entry, declared, &fields);
            }
        }
        let left = search.pending.len();
        self.search = Some(search);
        left
    }

    /// What a search needs before it looks: the index begun, and what was just saved in it. Whether all is.
    pub(super) fn prepare_search(&mut self) -> bool {
        self.begin_search();
        self.search_step(PENDING_AT_ONCE) == 0
    }

    /// How many records are not in the index as they are.
    #[must_use]
    pub fn search_pending(&self) -> usize {
        self.search.as_ref().map_or(0, |search| search.pending.len())
    }

    /// The page of a query with words: the best first, or sorted as the query says.
    pub(super) fn searched(&self, collection: &str, text: &str, query: &Query) -> Vec<RecordId> {
        let Some((search, hits)) = self.hits(collection, text, query) else { return Vec::new() };
        if query.sort.is_empty() {
            let after = query.after.as_ref().and_then(|after| Some((self.number(collection)?, after.id)));
            return search.best(hits, after, query.limit()).into_iter().map(|(_, id)| id).collect();
        }
        let names = query.names();
        let place = |hit: Hit| Some(query.place(&*self.shown(collection, hit.entry.1, query.with_deleted, &names)?, hit.entry.1));
        query.page(hits.into_iter().filter_map(place).collect())
    }

    /// The records of a collection that match the words and the conditions of a query.
    pub(super) fn hits(&self, collection: &str, text: &str, query: &Query) -> Option<(&Search, Vec<Hit>)> {
        let (search, number, unsent) = (self.search.as_ref()?, self.number(collection)?, self.unsent.ids(collection));
        let (is_free, names) = (query.conditions == Where::default(), query.names());
        let accept = |(of, id): Entry| {
            // Without conditions, only what has unsent changes may not be shown.
            of == number
                && (is_free && unsent.is_none_or(|unsent| !unsent.contains(&id))
                    || self
                        .shown(collection, id, query.with_deleted, &names)
                        .is_some_and(|fields| query.conditions.holds(&fields)))
        };
        Some((search, search.find(text, accept)))
    }

    /// The records of these collections that match, the best first; of all that people write to, if none are named.
    #[must_use]
    pub fn search(&mut self, text: &str, collections: &[CollectionName], limit: usize, now: Millis) -> Vec<RecordView> {
        self.prepare_search();
        let Some(search) = &self.search else { return Vec::new() };
        let declared = &self.schema().collections;
        let is_asked = |collection: &Collection| {
            if collections.is_empty() { is_written(collection) } else { collections.contains(&collection.name) }
        };
        let asked: Vec<bool> = declared.iter().map(is_asked).collect();
        let name = |number: u8| declared[usize::from(number)].name.as_str();
        let accept = |(number, id): Entry| asked[usize::from(number)] && self.shown(name(number), id, false, &[]).is_some();
        let found = search.best(search.find(text, accept), None, limit);
        found.into_iter().filter_map(|(number, id)| self.record(name(number), id, false, now)).collect()
    }

    /// The place of a collection in the schema.
    pub(super) fn number(&self, collection: &str) -> Option<u8> {
        (0u8..).zip(&self.schema().collections).find(|(_, declared)| declared.name == collection).map(|(number, _)| number)
    }

    fn unsent_entries(&self) -> impl Iterator<Item = Entry> {
        let of = |(collection, declared): (u8, &Collection)| (collection, declared.name.clone());
        let names: Vec<(u8, String)> = (0u8..).zip(&self.schema().collections).map(of).collect();
        names.into_iter().flat_map(|(collection, name)| {
            self.unsent.ids(&name).into_iter().flatten().map(move |id| (collection, *id)).collect::<Vec<_>>()
        })
    }
}

/// Whether people write its records, and name them.
fn is_written(collection: &Collection) -> bool {
    let title = collection.fields.get(&collection.title);
    !matches!(collection.mode, Mode::Online | Mode::Remote) && title.is_some_and(|title| title.kind == Kind::String)
}

/// Whether a field is text that people write.
fn is_searched(declared: &Collection, name: &str) -> bool {
    declared.fields.get(name).is_some_and(|spec| matches!(spec.kind, Kind::String | Kind::Array) && spec.refers_to.is_none())
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    items.iter().filter_map(Value::as_str)
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
