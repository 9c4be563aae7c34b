//! Which records a new one would probably be a second of, and why: while it is typed, from what is on this device.
//!
//! By the schema: the title is compared as a name, without case, accents, spaces and legal forms, and with a typo or two; fields
//! that the server brings into one spelling (`normalise`: phone, lower, upper) or keeps apart (`unique`) identify, and are compared in
//! that spelling.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::search::Entry;
use super::table::{RecordView, Tables};
use super::words::{name_words, phone, words};
use crate::core::record::{Fields, Millis, RecordId, field};
use crate::core::rules::normalise_value;
use crate::core::schema::{Collection, FieldSpec, NormaliseRule};

/// A name of fewer letters is like too many others.
const NAME_LETTERS_MIN: usize = 4;
/// A name that is still being written is like one that begins so, from this part of it on, in percent.
const WRITTEN_PERCENT_MIN: usize = 70;
/// What identifies weighs more than a name.
const SAME_WEIGHT: u32 = 4;

/// A record that the new one may be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Duplicate {
    /// The record.
    pub record: RecordView,
    /// Why, the strongest reason first.
    pub reasons: Vec<Reason>,
}

/// Why two records may be one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The field.
    pub field: String,
    /// How alike its values are.
    pub kind: Likeness,
}

/// How alike two values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likeness {
    /// The same, in one spelling.
    Same,
    /// The same name but for a typo or two, or the begin of it.
    Similar,
}

impl Tables {
    /// The records that a new one with these fields may be a second of, the likeliest first. `own` is the new one's id, which is no
    /// other.
    #[must_use]
    pub fn duplicates(
        &mut self,
        collection: &str,
        fields: &Fields,
        own: Option<RecordId>,
        limit: usize,
        now: Millis,
    ) -> Vec<Duplicate> {
        self.prepare_search();
        let Some(declared) = self.schema().collection(collection) else { return Vec::new() };
        let mut found: BTreeMap<RecordId, Vec<Reason>> = BTreeMap::new();
        for (name, value) in fields.iter().filter_map(|(name, value)| Some((name, value.as_str()?))) {
            let alike = match declared.fields.get(name) {
                _ if *name == declared.title => self.named_alike(declared, value),
                Some(spec) if identifies(spec) => self.identified(declared, name, spec, value),
                _ => Vec::new(),
            };
            for (id, kind) in alike.into_iter().filter(|(id, _)| Some(*id) != own) {
                found.entry(id).or_default().push(Reason { field: name.clone(), kind });
            }
        }
        let weight = |reason: &Reason| match (reason.field == declared.title, reason.kind) {
            (false, _) => SAME_WEIGHT,
            (true, Likeness::Same) => 2,
            (true, Likeness::Similar) => 1,
        };
        let mut found: Vec<(u32, RecordId, Vec<Reason>)> = found
            .into_iter()
            .map(|(id, mut reasons)| {
                reasons.sort_by_key(|reason| std::cmp::Reverse(weight(reason)));
                (reasons.iter().map(weight).sum(), id, reasons)
            })
            .collect();
        found.sort_by_key(|(weight, id, _)| (std::cmp::Reverse(*weight), *id));
        let duplicate = |(_, id, reasons)| Some(Duplicate { record: self.record(collection, id, false, now)?, reasons });
        found.into_iter().filter_map(duplicate).take(limit).collect()
    }

    /// Records whose name is this one, nearly, or begins so and not much longer.
    fn named_alike(&self, declared: &Collection, name: &str) -> Vec<(RecordId, Likeness)> {
        let whole = name_words(name).concat();
        let letters = whole.chars().count();
        if letters < NAME_LETTERS_MIN {
            return Vec::new();
        }
        let alike = |(entry, is_same): (Entry, bool)| {
            let fields = self.shown(&declared.name, entry.1, false, &[&declared.title])?;
            let other = name_words(field(&fields, &declared.title).as_str()?).concat();
            let is_enough = letters * 100 >= other.chars().count() * WRITTEN_PERCENT_MIN;
            is_enough.then_some((entry.1, if is_same { Likeness::Same } else { Likeness::Similar }))
        };
        self.of_collection(declared, |search| search.titled(&whole)).into_iter().filter_map(alike).collect()
    }

    /// Records that have the same in a field that identifies.
    fn identified(&self, declared: &Collection, name: &str, spec: &FieldSpec, value: &str) -> Vec<(RecordId, Likeness)> {
        let spelled = spelling(spec, value);
        let words = words(value);
        if spelled.is_empty() || words.is_empty() {
            return Vec::new();
        }
        let is_same = |entry: &Entry| {
            let fields = self.shown(&declared.name, entry.1, false, &[name]);
            fields.is_some_and(|fields| field(&fields, name).as_str().is_some_and(|other| spelling(spec, other) == spelled))
        };
        let found = self.of_collection(declared, |search| search.having(&words).into_iter().map(|entry| (entry, true)).collect());
        found.into_iter().filter(|(entry, _)| is_same(entry)).map(|(entry, _)| (entry.1, Likeness::Same)).collect()
    }

    fn of_collection(
        &self,
        declared: &Collection,
        find: impl FnOnce(&super::search::Search) -> Vec<(Entry, bool)>,
    ) -> Vec<(Entry, bool)> {
        let (Some(search), Some(number)) = (&self.search, self.number(&declared.name)) else { return Vec::new() };
        find(search).into_iter().filter(|((of, _), _)| *of == number).collect()
    }
}

/// Whether two records with the same value are probably one.
fn identifies(spec: &FieldSpec) -> bool {
    spec.unique || matches!(spec.normalise, Some(NormaliseRule::Phone | NormaliseRule::Lower | NormaliseRule::Upper))
}

/// A value as the server will spell it.
fn spelling(spec: &FieldSpec, text: &str) -> String {
    match spec.normalise {
        Some(NormaliseRule::Phone) => phone(text),
        Some(rule) => normalise_value(rule, &Value::from(text)).as_str().unwrap_or_default().to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[path = "duplicates_tests.rs"]
mod tests;
