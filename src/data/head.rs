//! The heads of the lists that were asked for last: for each the question, and for all of them the bases of their answers and of
//! what these include. So the first list of the next start needs no page.
//!
//! Derived, and only as good as when it was written: whoever shows it says that it is not complete, and takes the pages for it as
//! soon as they are read. One that cannot be read, or that is of another user, schema or selection, is none.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::page;
use super::query::Query;
use super::stored::Stored;
use super::table::{Included, RecordView, Tables};
use crate::core::record::{Base, CollectionName, Millis, RecordId, UserId};
use crate::core::selection::Selection;

/// So many lists have a head, those that were asked for last.
pub const HEADS_MAX: usize = 4;
/// A head is of a list of at most so many records.
pub const HEAD_RECORDS_MAX: usize = 200;
/// All of them together, in bytes; those that were asked for last go first.
pub const HEADS_BYTES_MAX: usize = 256 * 1024;
/// What this code reads and writes.
const FORMAT: u32 = 1;

/// A list as the app asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Of which collection.
    pub collection: CollectionName,
    /// The query, as the app wrote it: the same question is the same text.
    pub query: String,
}

/// The lists that were asked for, the last one first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Questions(VecDeque<Asked>);

impl Questions {
    /// Notes that a list was asked for, if it is one that may have a head. Whether it was not among them.
    pub fn ask(&mut self, collection: &str, text: &str, query: &Query) -> bool {
        let is_first_page = query.after.is_none() && query.searched().is_none();
        if !is_first_page || query.limit() > HEAD_RECORDS_MAX {
            return false;
        }
        let known = self.place(collection, text).and_then(|place| self.0.remove(place));
        let is_new = known.is_none();
        self.0.push_front(known.unwrap_or_else(|| Asked { collection: collection.to_owned(), query: text.to_owned() }));
        self.0.truncate(HEADS_MAX);
        is_new
    }

    /// Whether this list is among them.
    #[must_use]
    pub fn has(&self, collection: &str, text: &str) -> bool {
        self.place(collection, text).is_some()
    }

    fn place(&self, collection: &str, text: &str) -> Option<usize> {
        self.0.iter().position(|asked| asked.collection == collection && asked.query == text)
    }

    /// All of them, the last one first.
    pub fn all(&self) -> impl Iterator<Item = &Asked> {
        self.0.iter()
    }
}

/// For whom and of what heads are: others are none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadsOf {
    /// The user.
    pub user: UserId,
    /// The schema's number.
    pub schema: u32,
    /// What is selected.
    pub selection: Selection,
}

/// Heads as they are stored.
#[derive(Clone, Debug, Default)]
pub struct Heads {
    /// The lists that have one.
    pub questions: Questions,
    /// The bases of all of them.
    pub bases: Vec<(CollectionName, Vec<Base>)>,
}

/// What stands before the pages: a line of JSON.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    of: HeadsOf,
    asked: VecDeque<Asked>,
    /// The collection and the bytes of each of the pages that follow.
    pages: Vec<(CollectionName, usize)>,
}

/// The heads of these lists, as bytes. `is_whole`: whether all of a collection is here; what is not has no head.
#[must_use]
pub fn encode(
    tables: &mut Tables,
    questions: &Questions,
    of: &HeadsOf,
    now: Millis,
    is_whole: impl Fn(&str) -> bool,
) -> Option<Vec<u8>> {
    let answered: Vec<(&Asked, Vec<RecordView>)> =
        questions.all().filter_map(|asked| Some((asked, answer(tables, asked, now, &is_whole)?))).collect();
    (1..=answered.len()).rev().map(|count| pack(tables, &answered[..count], of)).find(|bytes| bytes.len() <= HEADS_BYTES_MAX)
}

fn answer(tables: &mut Tables, asked: &Asked, now: Millis, is_whole: impl Fn(&str) -> bool) -> Option<Vec<RecordView>> {
    let query: Query = serde_json::from_str(&asked.query).ok()?;
    let declared = tables.schema().collection(&asked.collection)?;
    query.check(declared).ok()?;
    let is_whole = query.collections(declared).all(is_whole);
    is_whole.then(|| tables.list(&asked.collection, &query, now))
}

fn pack(tables: &Tables, answered: &[(&Asked, Vec<RecordView>)], of: &HeadsOf) -> Vec<u8> {
    let mut bases: BTreeMap<&str, BTreeMap<RecordId, &Stored>> = BTreeMap::new();
    for record in answered.iter().flat_map(|(_, records)| records).flat_map(with_included) {
        if let Some(base) = tables.stored(&record.collection, record.id) {
            bases.entry(&record.collection).or_default().insert(record.id, base);
        }
    }
    let pages = bases.into_iter().flat_map(|(collection, bases)| {
        // Without a limit they are one page.
        page::encode(bases.into_values(), usize::MAX).into_iter().map(move |(_, bytes)| (collection, bytes))
    });
    let pages: Vec<(&str, Vec<u8>)> = pages.collect();
    let header = Header {
        format: FORMAT,
        of: of.clone(),
        asked: answered.iter().map(|(asked, _)| (*asked).clone()).collect(),
        pages: pages.iter().map(|(collection, bytes)| ((*collection).to_owned(), bytes.len())).collect(),
    };
    // Plain data: it always serialises, and its strings have no line breaks as JSON.
    let mut bytes = serde_json::to_vec(&header).unwrap_or_default();
    bytes.push(b'\n');
    pages.iter().for_each(|(_, page)| bytes.extend_from_slice(page));
    bytes
}

fn with_included(record: &RecordView) -> impl Iterator<Item = &RecordView> {
    let included = record.included.values().flat_map(|included| match included {
        Included::One(record) => std::slice::from_ref(record.as_ref()),
        Included::Many(records) => records.as_slice(),
    });
    std::iter::once(record).chain(included)
}

/// Heads that were stored, if they can be read and are these.
#[must_use]
pub fn decode(bytes: &[u8], of: &HeadsOf) -> Option<Heads> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let header: Header = serde_json::from_slice(&bytes[..end]).ok()?;
    if header.format != FORMAT || header.of != *of {
        return None;
    }
    let (mut rest, mut bases) = (&bytes[end + 1..], Vec::new());
    for (collection, length) in header.pages {
        let (page, behind) = rest.split_at_checked(length)?;
        bases.push((collection, page::decode(page).ok()?));
        rest = behind;
    }
    Some(Heads { questions: Questions(header.asked), bases })
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
