//! What the app asks for: conditions, an order, a page, words.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::Value;

use super::condition::{Test, Where};
use super::key::Key;
use crate::core::record::{Fields, RecordId, field};
use crate::core::schema::{Collection, Kind};

/// A list is never longer, whatever was asked.
pub const LIST_LIMIT_MAX: usize = 10_000;

/// What the app asks; see `Query` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Query {
    /// What a record must be.
    #[serde(default, rename = "where")]
    pub conditions: Where,
    /// By what it is sorted, the first that tells two records apart.
    #[serde(default)]
    pub sort: Vec<Sort>,
    /// At most so many.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Those behind this one.
    #[serde(default)]
    pub after: Option<After>,
    /// Also those with an unsent delete.
    #[serde(default)]
    pub with_deleted: bool,
    /// Words to look for; see `data::search`. Without `sort`, the best come first.
    #[serde(default)]
    pub search: Option<String>,
    /// References whose records are given with each record.
    #[serde(default)]
    pub include: Vec<String>,
}

/// A field to sort by.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Sort {
    /// Its name.
    pub field: String,
    /// The greatest first: a `-` before the name.
    pub descending: bool,
}

impl From<String> for Sort {
    fn from(text: String) -> Self {
        match text.strip_prefix('-') {
            Some(field) => Self { field: field.to_owned(), descending: true },
            None => Self { field: text, descending: false },
        }
    }
}

/// The last record of the page before: its fields hold the sort values.
#[derive(Clone, Debug, Deserialize)]
pub struct After {
    /// Its id, for records with the same sort values.
    pub id: RecordId,
    /// Its fields.
    #[serde(default)]
    pub fields: Fields,
}

/// Where a record stands in the order of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// One for each field of `sort`.
    pub keys: Vec<Key>,
    /// Decides between equals.
    pub id: RecordId,
}

/// Why a collection cannot be asked so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misasked {
    /// The field.
    pub field: String,
    /// What is wrong, for a developer.
    pub words: String,
}

impl Query {
    /// Whether a collection can be asked so.
    ///
    /// # Errors
    /// A field that is not declared, conditions on it that are not known, or an `include` of what is no reference.
    pub fn check(&self, collection: &Collection) -> Result<(), Misasked> {
        let tests = self.conditions.tests();
        let sorted = self.sort.iter().map(|sort| sort.field.as_str());
        let names = tests.iter().map(|(name, _)| *name).chain(sorted).chain(self.include.iter().map(String::as_str));
        let wrong = |field: &str, words: String| Misasked { field: field.to_owned(), words };
        for name in names {
            if !collection.fields.contains_key(name) {
                return Err(wrong(name, format!("{:.60} has no field {name:.60}", collection.name)));
            }
        }
        for (name, test) in tests {
            // An object with a word that is no operator: a value only where values are objects, else a slip of the pen.
            if matches!(test, Test::Equal(Value::Object(_)))
                && collection.fields.get(name).is_some_and(|spec| spec.kind != Kind::Object)
            {
                return Err(wrong(name, format!("there is no such condition on {name:.60}")));
            }
        }
        match self.include.iter().find(|name| collection.fields.get(*name).is_none_or(|spec| spec.refers_to.is_none())) {
            Some(name) => Err(wrong(name, format!("{name:.60} refers to no collection"))),
            None => Ok(()),
        }
    }

    /// The collections that it is about: its own, and those that it includes.
    pub fn collections<'a>(&'a self, declared: &'a Collection) -> impl Iterator<Item = &'a str> {
        let included = self.include.iter().filter_map(|name| declared.fields.get(name)?.refers_to.as_deref());
        included.chain([declared.name.as_str()])
    }

    /// What is looked for, if it has any words.
    #[must_use]
    pub fn searched(&self) -> Option<&str> {
        self.search.as_deref().filter(|text| text.contains(char::is_alphanumeric))
    }

    /// How many records at most.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(LIST_LIMIT_MAX).min(LIST_LIMIT_MAX)
    }

    /// The fields that tell whether a record belongs to the result, and where.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let tested = self.conditions.tests().into_iter().map(|(name, _)| name);
        tested.chain(self.sort.iter().map(|sort| sort.field.as_str())).collect()
    }

    /// Where a record stands.
    #[must_use]
    pub fn place(&self, fields: &Fields, id: RecordId) -> Place {
        Place { keys: self.sort.iter().map(|sort| Key::of(field(fields, &sort.field))).collect(), id }
    }

    /// Behind which place the page begins.
    #[must_use]
    pub fn after(&self) -> Option<Place> {
        self.after.as_ref().map(|after| self.place(&after.fields, after.id))
    }

    /// The order of two places.
    #[must_use]
    pub fn order(&self, a: &Place, b: &Place) -> Ordering {
        let by_field = self.sort.iter().zip(a.keys.iter().zip(&b.keys)).map(|(sort, (a, b))| {
            let order = a.cmp(b);
            if sort.descending { order.reverse() } else { order }
        });
        by_field.fold(Ordering::Equal, Ordering::then).then_with(|| a.id.cmp(&b.id))
    }

    /// Sorts, pages and cuts.
    #[must_use]
    pub fn page(&self, mut found: Vec<Place>) -> Vec<RecordId> {
        if let Some(after) = self.after() {
            found.retain(|place| self.order(place, &after).is_gt());
        }
        let limit = self.limit();
        if limit < found.len() {
            found.select_nth_unstable_by(limit, |a, b| self.order(a, b));
            found.truncate(limit);
        }
        found.sort_unstable_by(|a, b| self.order(a, b));
        found.into_iter().map(|place| place.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::schema::Schema;

    const SCHEMA: &str = r#"{"schema": 1, "collections": [{"name": "notes", "title": "name", "fields": {
        "name": {"type": "string"}, "place": {"type": "object"}, "about": {"type": "reference", "refers_to": "notes"}}}]}"#;

    fn check(query: Value) -> Result<(), Misasked> {
        let query: Query = serde_json::from_value(query).unwrap();
        query.check(Schema::parse(SCHEMA).unwrap().collection("notes").unwrap())
    }

    #[test]
    fn a_query_names_what_is_declared() {
        let right = json!({"where": {"or": [{"name": "a"}, {"place": {"lat": 1}}]}, "sort": ["-name"], "include": ["about"]});
        assert_eq!(check(right), Ok(()));
        for (wrong, field) in [
            (json!({"where": {"not": {"nmae": "a"}}}), "nmae"),
            (json!({"where": {"name": {"prefx": "a"}}}), "name"),
            (json!({"sort": ["-nmae"]}), "nmae"),
            (json!({"include": ["name"]}), "name"),
        ] {
            assert_eq!(check(wrong).unwrap_err().field, field);
        }
    }

    #[test]
    fn an_unknown_word_is_an_error() {
        assert!(serde_json::from_value::<Query>(json!({"wher": {}})).is_err());
    }
}
