//! Queries over records in memory: conditions, sorting on folded keys, keyset paging, words.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::core::record::{Fields, RecordId, field, same};

/// A list is never longer, whatever was asked.
pub const LIST_LIMIT_MAX: usize = 10_000;

/// What the app asks; see `Query` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Query {
    /// Field → a value that it equals, or conditions.
    #[serde(default, rename = "where")]
    pub conditions: BTreeMap<String, Where>,
    /// Fields, `-` for descending.
    #[serde(default)]
    pub sort: Vec<String>,
    /// At most so many.
    #[serde(default)]
    pub limit: Option<usize>,
    /// Those behind this one.
    #[serde(default)]
    pub after: Option<After>,
    /// Also those with an unsent delete.
    #[serde(default)]
    pub with_deleted: bool,
    /// Words that must each begin a word of the record.
    #[serde(default)]
    pub search: Option<String>,
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

/// What a field must be.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Where {
    /// All that are present hold.
    Condition(Condition),
    /// Equal.
    Equal(Value),
}

/// Conditions on one field.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Begins with, folded.
    prefix: Option<String>,
    /// Contains, folded.
    contains: Option<String>,
    /// One of.
    #[serde(rename = "in")]
    one_of: Option<Vec<Value>>,
    lt: Option<Value>,
    lte: Option<Value>,
    gt: Option<Value>,
    gte: Option<Value>,
    ne: Option<Value>,
}

/// Text without case, for comparing and sorting.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

impl Where {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Equal(wanted) => same(value, wanted),
            Self::Condition(condition) => condition.holds(value),
        }
    }
}

impl Condition {
    fn holds(&self, value: &Value) -> bool {
        let text = || value.as_str().map(fold);
        let order = |other: &Value| (!value.is_null()).then(|| compare(value, other));
        self.prefix.as_ref().is_none_or(|prefix| text().is_some_and(|text| text.starts_with(&fold(prefix))))
            && self.contains.as_ref().is_none_or(|part| text().is_some_and(|text| text.contains(&fold(part))))
            && self.one_of.as_ref().is_none_or(|values| values.iter().any(|wanted| same(value, wanted)))
            && self.lt.as_ref().is_none_or(|other| order(other) == Some(Ordering::Less))
            && self.lte.as_ref().is_none_or(|other| order(other).is_some_and(Ordering::is_le))
            && self.gt.as_ref().is_none_or(|other| order(other) == Some(Ordering::Greater))
            && self.gte.as_ref().is_none_or(|other| order(other).is_some_and(Ordering::is_ge))
            && self.ne.as_ref().is_none_or(|other| !same(value, other))
    }
}

/// An order over all values: null, booleans, numbers, folded text, the rest.
#[must_use]
pub fn compare(a: &Value, b: &Value) -> Ordering {
    fn rank(value: &Value) -> u8 {
        match value {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Number(_) => 2,
            Value::String(_) => 3,
            Value::Array(_) | Value::Object(_) => 4,
        }
    }
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().unwrap_or(0.0).partial_cmp(&b.as_f64().unwrap_or(0.0)).unwrap_or(Ordering::Equal)
        }
        (Value::String(a), Value::String(b)) => fold(a).cmp(&fold(b)),
        _ => rank(a).cmp(&rank(b)),
    }
}

impl Query {
    /// Every field that the query names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let sorted = self.sort.iter().map(|name| name.strip_prefix('-').unwrap_or(name));
        self.conditions.keys().map(String::as_str).chain(sorted)
    }

    /// Whether a record belongs to the result.
    #[must_use]
    pub fn matches(&self, fields: &Fields) -> bool {
        self.conditions.iter().all(|(name, condition)| condition.holds(field(fields, name)))
            && self.search.as_deref().is_none_or(|text| has_words(fields, text))
    }

    /// The order of two records of the result; the id decides between equals.
    #[must_use]
    pub fn order(&self, a: (&Fields, RecordId), b: (&Fields, RecordId)) -> Ordering {
        let by_field = self.sort.iter().map(|name| match name.strip_prefix('-') {
            Some(name) => compare(field(b.0, name), field(a.0, name)),
            None => compare(field(a.0, name), field(b.0, name)),
        });
        by_field.fold(Ordering::Equal, Ordering::then).then_with(|| a.1.cmp(&b.1))
    }

    /// Sorts, pages and cuts.
    #[must_use]
    pub fn page<T>(&self, mut found: Vec<T>, of: impl Fn(&T) -> (&Fields, RecordId)) -> Vec<T> {
        if let Some(after) = &self.after {
            found.retain(|item| self.order(of(item), (&after.fields, after.id)) == Ordering::Greater);
        }
        found.sort_by(|a, b| self.order(of(a), of(b)));
        found.truncate(self.limit.unwrap_or(LIST_LIMIT_MAX).min(LIST_LIMIT_MAX));
        found
    }
}

/// Whether each word of `text` begins a word of the record; digits also match inside a phone number.
fn has_words(fields: &Fields, text: &str) -> bool {
    let words: Vec<String> = fields
        .values()
        .filter_map(Value::as_str)
        .flat_map(|value| {
            value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(fold).collect::<Vec<_>>()
        })
        .collect();
    let wanted = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(fold);
    wanted.into_iter().all(|wanted| words.iter().any(|word| word.starts_with(&wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::record::Millis;
    use serde_json::json;

    fn records() -> Vec<(Fields, RecordId)> {
        let rows = [("PT Askrindo", "Jakarta", 3), ("pt abadi", "Bandung", 1), ("CV Maju", "Jakarta", 2), ("Toko Jaya", "", 2)];
        let record = |(index, (name, city, visits)): (usize, (&str, &str, i32))| {
            let value = json!({"name": name, "city": city, "visits": visits});
            (value.as_object().unwrap().clone(), RecordId::new(Millis(index as i64 + 1), [0, 0]))
        };
        rows.into_iter().enumerate().map(record).collect()
    }

    fn run(query: Value) -> Vec<String> {
        let query: Query = serde_json::from_value(query).unwrap();
        let found: Vec<_> = records().into_iter().filter(|record| query.matches(&record.0)).collect();
        let page = query.page(found, |record| (&record.0, record.1));
        page.into_iter().map(|record| record.0["name"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn conditions_sorting_and_words() {
        assert_eq!(run(json!({"where": {"city": "Jakarta"}, "sort": ["name"]})), ["CV Maju", "PT Askrindo"]);
        assert_eq!(run(json!({"sort": ["-visits", "name"]})), ["PT Askrindo", "CV Maju", "Toko Jaya", "pt abadi"]);
        assert_eq!(run(json!({"where": {"name": {"prefix": "PT "}}, "sort": ["name"]})), ["pt abadi", "PT Askrindo"]);
        assert_eq!(run(json!({"where": {"visits": {"gte": 2, "lt": 3}}, "sort": ["name"]})), ["CV Maju", "Toko Jaya"]);
        assert_eq!(run(json!({"search": "ask jak"})), ["PT Askrindo"]);
        assert_eq!(run(json!({"search": "krindo"})), [""; 0]);
        assert_eq!(run(json!({"where": {"visits": {"in": [1, 3]}}, "sort": ["visits"]})), ["pt abadi", "PT Askrindo"]);
    }

    #[test]
    fn a_page_goes_on_where_the_last_ended_also_among_equals() {
        let first: Query = serde_json::from_value(json!({"sort": ["visits"], "limit": 2})).unwrap();
        let page = first.page(records(), |record| (&record.0, record.1));
        let last = page.last().unwrap();
        assert_eq!(
            run(json!({"sort": ["visits"], "after": {"id": last.1, "fields": last.0}})),
            ["Toko Jaya", "PT Askrindo"],
            "the other record with 2 visits comes next"
        );
    }

    #[test]
    fn an_unknown_condition_is_an_error() {
        assert!(serde_json::from_value::<Query>(json!({"wher": {}})).is_err());
    }
}
