//! Rules that need other records, over the unsent changes and what this device has: they only warn, for the server decides.
//! Derived whenever they are read, never stored. What the device cannot know passes: a collection that is not here whole, a
//! record outside of the chosen scope.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::table::Tables;
use crate::core::record::{CollectionName, Fields, RecordId, Tombstone};
use crate::core::rules::{Rule, Violation, normalise_value, unique_values};
use crate::core::schema::Collection;
use crate::core::view::patch;

/// The records that have a value, by the value.
type Holders = BTreeMap<String, Vec<RecordId>>;

/// What this device knows of other records. Made for one reading: what it looks up it keeps.
pub struct Surroundings<'a> {
    tables: &'a Tables,
    complete: &'a BTreeSet<CollectionName>,
    holders: RefCell<BTreeMap<(CollectionName, String), Holders>>,
}

impl<'a> Surroundings<'a> {
    /// `complete` are the collections that are here whole.
    #[must_use]
    pub fn new(tables: &'a Tables, complete: &'a BTreeSet<CollectionName>) -> Self {
        Self { tables, complete, holders: RefCell::default() }
    }

    /// What of this record's unsent changes the server will probably refuse.
    #[must_use]
    pub fn warnings(&self, collection: &str, id: RecordId) -> Vec<Violation> {
        if self.tables.changes_of(collection, id).is_empty() {
            return Vec::new();
        }
        let Some((declared, view)) = self.tables.merged(collection, id) else { return Vec::new() };
        let Some(fields) = view.fields else { return Vec::new() };
        let unsent = patch(self.tables.base(collection, id), &fields);
        let gone = declared.references(&unsent).filter(|(_, target, id)| self.is_gone(target, *id));
        let gone = gone.map(|(name, ..)| Violation { field: name.to_owned(), rule: Rule::Reference });
        let kept = kept(declared, &unsent);
        let taken = unique_values(declared, &kept).filter(|(name, text)| self.is_taken(declared, name, text, id));
        gone.chain(taken.map(|(name, _)| Violation { field: name.to_owned(), rule: Rule::Unique })).collect()
    }

    fn is_gone(&self, collection: &str, id: RecordId) -> bool {
        if !self.tables.changes_of(collection, id).is_empty() {
            return self.tables.merged(collection, id).is_some_and(|(_, view)| view.fields.is_none());
        }
        match self.tables.base(collection, id).map(|base| base.tombstone) {
            Some(Some(tombstone)) => tombstone != Tombstone::Left,
            Some(None) => false,
            None => self.complete.contains(collection),
        }
    }

    fn is_taken(&self, collection: &Collection, name: &str, text: &str, id: RecordId) -> bool {
        let mut holders = self.holders.borrow_mut();
        let key = (collection.name.clone(), name.to_owned());
        let of_field = holders.entry(key).or_insert_with(|| self.holders_of(collection, name));
        of_field.get(text).is_some_and(|holders| holders.iter().any(|holder| *holder != id))
    }

    /// Every record's value as it is shown.
    fn holders_of(&self, collection: &Collection, name: &str) -> Holders {
        let unsent = self.tables.unsent().into_iter().filter(|(of, _)| *of == collection.name).map(|(_, id)| id);
        let unsent: BTreeSet<RecordId> = unsent.collect();
        let mut holders = Holders::new();
        let mut hold = |id: RecordId, fields: &Fields| {
            if let Some(value) = fields.get(name) {
                let only = Fields::from_iter([(name.to_owned(), value.clone())]);
                for (_, text) in unique_values(collection, &kept(collection, &only)) {
                    holders.entry(text.to_owned()).or_default().push(id);
                }
            }
        };
        for base in self.tables.bases(&collection.name).filter(|base| base.is_listed() && !unsent.contains(&base.id)) {
            hold(base.id, &base.some_fields(&[name]));
        }
        for id in unsent {
            let view = self.tables.merged(&collection.name, id).and_then(|(_, view)| view.fields);
            hold(id, &view.unwrap_or_default());
        }
        holders
    }
}

/// These fields as the server keeps them.
fn kept(collection: &Collection, fields: &Fields) -> Fields {
    let rule = |name: &str| collection.fields.get(name).and_then(|spec| spec.normalise);
    let kept = |(name, value): (&String, &Value)| {
        (name.clone(), rule(name).map_or_else(|| value.clone(), |rule| normalise_value(rule, value)))
    };
    fields.iter().map(kept).collect()
}
