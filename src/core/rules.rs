//! The rule pack: what may be saved. The same functions run on the device at save, in `begin`, and on the server.
//!
//! These rules are *record-local*: they need the record alone. What needs other records (a reference that exists, a
//! unique value) the server decides, and the device only warns.

use std::cell::RefCell;
use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::number::{WHOLE_MAX, is_kept};
use super::record::{Fields, RECORD_BYTES_MAX, field, same, size_bytes};
use super::schema::{Collection, FieldSpec, Kind, NormaliseRule, ids};

/// Which rule does not allow a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The schema does not declare the field.
    Unknown,
    /// The record must have it.
    Required,
    /// The value is of another type.
    Type,
    /// A number with more digits than JavaScript and its database keep.
    Precision,
    /// Below the least or above the greatest.
    Range,
    /// Too long.
    Length,
    /// Not of the form.
    Pattern,
    /// Not one of the values.
    Value,
    /// This value may not follow the one before.
    Transition,
    /// Only the server writes it.
    ReadOnly,
    /// The whole record is over 24 KiB.
    Size,
    /// It names a record that is not there. Not record-local: a device only warns.
    Reference,
    /// Another record has the value. Not record-local: a device only warns.
    Unique,
}

/// A rule that a value breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The field; empty for [`Rule::Size`].
    pub field: String,
    /// Which rule.
    pub rule: Rule,
}

/// What is wrong with these fields as a whole record.
#[must_use]
pub fn check_record(collection: &Collection, fields: &Fields) -> Vec<Violation> {
    let mut violations = check_patch(collection, &Fields::new(), fields);
    for (name, spec) in &collection.fields {
        if spec.required && is_empty(field(fields, name)) && !violations.iter().any(|violation| &violation.field == name) {
            violations.push(Violation { field: name.clone(), rule: Rule::Required });
        }
    }
    if size_bytes(fields) > RECORD_BYTES_MAX {
        violations.push(Violation { field: String::new(), rule: Rule::Size });
    }
    violations
}

/// What is wrong with this patch over `before`. Fields that the patch does not name are not looked at.
#[must_use]
pub fn check_patch(collection: &Collection, before: &Fields, patch: &Fields) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (name, value) in patch {
        let rule = match collection.fields.get(name) {
            None => Some(Rule::Unknown),
            Some(spec) => check_value(spec, field(before, name), value),
        };
        violations.extend(rule.map(|rule| Violation { field: name.clone(), rule }));
    }
    if size_bytes(patch) > RECORD_BYTES_MAX {
        violations.push(Violation { field: String::new(), rule: Rule::Size });
    }
    violations
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn check_value(spec: &FieldSpec, before: &Value, value: &Value) -> Option<Rule> {
    if spec.read_only && !same(before, value) {
        return Some(Rule::ReadOnly);
    }
    if !is_kept(value) {
        return Some(Rule::Precision);
    }
    if value.is_null() {
        return spec.required.then_some(Rule::Required);
    }
    if spec.required && is_empty(value) {
        return Some(Rule::Required);
    }
    match spec.kind {
        Kind::String => check_text(spec, value),
        Kind::Integer | Kind::Time => check_number(spec, value, true),
        Kind::Number => check_number(spec, value, false),
        Kind::Boolean => (!value.is_boolean()).then_some(Rule::Type),
        Kind::Date => check_date(value),
        Kind::Reference | Kind::User => match value.as_str() {
            Some(text) if uuid::Uuid::parse_str(text).is_ok() => None,
            _ => Some(Rule::Type),
        },
        Kind::Enum => check_enum(spec, before, value),
        Kind::Array => match value.as_array() {
            None => Some(Rule::Type),
            // A list of ids has nothing else.
            Some(items) if spec.refers_to.is_some() && ids(value).count() < items.len() => Some(Rule::Type),
            Some(items) => spec.length_max.is_some_and(|most| items.len() > most).then_some(Rule::Length),
        },
        Kind::Object => (!value.is_object()).then_some(Rule::Type),
    }
}

fn check_text(spec: &FieldSpec, value: &Value) -> Option<Rule> {
    let Some(text) = value.as_str() else { return Some(Rule::Type) };
    if spec.length_max.is_some_and(|most| text.chars().count() > most) {
        return Some(Rule::Length);
    }
    // An empty text is an absent one; a pattern speaks of what is there. `Schema::parse` has compiled every pattern once.
    let pattern = spec.pattern.as_deref().filter(|_| !text.is_empty())?;
    // The pattern speaks of what the server keeps: `jkt-0001` is kept as JKT-0001.
    let kept = spec.normalise.map(|rule| normalise_value(rule, value));
    let text = kept.as_ref().and_then(Value::as_str).unwrap_or(text);
    (!matches(pattern, text)?).then_some(Rule::Pattern)
}

thread_local! {
    /// Compiled patterns: the schema has a handful, and a full outbox is checked against them thousands of times.
    static PATTERNS: RefCell<BTreeMap<String, Regex>> = const { RefCell::new(BTreeMap::new()) };
}

/// Whether the whole text is of this pattern; nothing if that is no regular expression.
fn matches(pattern: &str, text: &str) -> Option<bool> {
    PATTERNS.with_borrow_mut(|patterns| {
        if !patterns.contains_key(pattern) {
            patterns.insert(pattern.to_owned(), Regex::new(&format!("^(?:{pattern})$")).ok()?);
        }
        patterns.get(pattern).map(|regex| regex.is_match(text))
    })
}

fn check_number(spec: &FieldSpec, value: &Value, whole: bool) -> Option<Rule> {
    let Some(number) = value.as_f64() else { return Some(Rule::Type) };
    if whole && number.fract() != 0.0 {
        return Some(Rule::Type);
    }
    // A larger one may stand for its neighbour: a page that means 2^53 + 1 has 2^53.
    #[allow(clippy::cast_precision_loss)]
    if whole && number.abs() > WHOLE_MAX as f64 {
        return Some(Rule::Precision);
    }
    let low = spec.min.is_some_and(|min| number < min);
    let high = spec.max.is_some_and(|max| number > max);
    (low || high).then_some(Rule::Range)
}

fn check_date(value: &Value) -> Option<Rule> {
    let Some(text) = value.as_str() else { return Some(Rule::Type) };
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return Some(Rule::Type) };
    if year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return Some(Rule::Type);
    }
    let (Ok(year), Ok(month), Ok(day)) = (year.parse::<u32>(), month.parse::<u32>(), day.parse::<u32>()) else {
        return Some(Rule::Type);
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (day == 0 || day > days).then_some(Rule::Type)
}

fn check_enum(spec: &FieldSpec, before: &Value, value: &Value) -> Option<Rule> {
    let Some(text) = value.as_str() else { return Some(Rule::Type) };
    if !spec.values.iter().any(|known| known == text) {
        return Some(Rule::Value);
    }
    let allowed = before.as_str().filter(|before| *before != text).and_then(|before| spec.transitions.get(before))?;
    (!allowed.iter().any(|next| next == text)).then_some(Rule::Transition)
}

/// The values, as they are kept, that no other record may have.
pub fn unique_values<'a>(collection: &'a Collection, kept: &'a Fields) -> impl Iterator<Item = (&'a str, &'a str)> {
    kept.iter().filter_map(|(name, value)| {
        let text = value.as_str().filter(|text| !text.is_empty())?;
        collection.fields.get(name)?.unique.then_some((name.as_str(), text))
    })
}

/// What the server keeps of a value.
#[must_use]
pub fn normalise_value(rule: NormaliseRule, value: &Value) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    let trimmed = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Value::String(match rule {
        NormaliseRule::Trim => trimmed,
        NormaliseRule::Lower => trimmed.to_lowercase(),
        NormaliseRule::Upper => trimmed.to_uppercase(),
        NormaliseRule::Phone => phone(&trimmed),
    })
}

/// An Indonesian number as +62…; one of another country, or none at all, keeps its digits and its plus.
fn phone(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match (text.starts_with('+'), digits.strip_prefix('0')) {
        (false, Some(rest)) => format!("+62{rest}"),
        (false, None) if digits.starts_with("62") => format!("+{digits}"),
        (true, _) => format!("+{digits}"),
        (false, None) => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::super::schema::Schema;
    use super::*;
    use serde_json::json;

    fn customers() -> Collection {
        let schema = Schema::parse(include_str!("../../www/schema.json")).unwrap();
        schema.collection("customers").unwrap().clone()
    }

    fn fields(value: Value) -> Fields {
        value.as_object().unwrap().clone()
    }

    fn rules(violations: &[Violation]) -> Vec<(&str, Rule)> {
        violations.iter().map(|violation| (violation.field.as_str(), violation.rule)).collect()
    }

    #[test]
    fn a_record_is_checked_as_a_whole_and_a_patch_only_where_it_writes() {
        let collection = customers();
        let patch = fields(json!({"city": "Bandung"}));
        assert_eq!(rules(&check_record(&collection, &patch)), [("name", Rule::Required)]);
        assert_eq!(rules(&check_patch(&collection, &Fields::new(), &patch)), []);
        assert_eq!(rules(&check_patch(&collection, &Fields::new(), &fields(json!({"name": null})))), [("name", Rule::Required)]);
        assert_eq!(rules(&check_patch(&collection, &Fields::new(), &fields(json!({"name": "  "})))), [("name", Rule::Required)]);
    }

    #[test]
    fn each_rule_refuses() {
        let collection = customers();
        let wrong = fields(json!({
            "colour": 1, "name": 5, "visits": -1, "segment": "moon", "code": "x", "next_visit": "2026-02-30",
            "contact": "x".repeat(81), "owner": "me", "last_visit": 1.5, "tags": "a",
        }));
        assert_eq!(
            rules(&check_patch(&collection, &Fields::new(), &wrong)),
            [
                ("code", Rule::Pattern),
                ("colour", Rule::Unknown),
                ("contact", Rule::Length),
                ("last_visit", Rule::Type),
                ("name", Rule::Type),
                ("next_visit", Rule::Type),
                ("owner", Rule::Type),
                ("segment", Rule::Value),
                ("tags", Rule::Type),
                ("visits", Rule::Range),
            ]
        );
    }

    #[test]
    fn a_number_that_would_come_back_as_another_is_refused() {
        let collection = customers();
        let check = |value: Value| rules(&check_patch(&collection, &Fields::new(), &fields(value))).first().map(|found| found.1);
        assert_eq!(check(json!({"last_visit": 9_007_199_254_740_991_i64})), None);
        assert_eq!(check(json!({"last_visit": 5.0})), None);
        for number in [json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992.0), json!(1e21)] {
            assert_eq!(check(json!({"last_visit": number})), Some(Rule::Precision));
        }
        assert_eq!(check(json!({"tags": [u64::MAX]})), Some(Rule::Precision));
    }

    #[test]
    fn a_stage_moves_only_where_it_may() {
        let schema = Schema::parse(include_str!("../../www/schema.json")).unwrap();
        let pipelines = schema.collection("pipelines").unwrap();
        let lead = fields(json!({"stage": "lead"}));
        assert_eq!(rules(&check_patch(pipelines, &lead, &fields(json!({"stage": "won"})))), [("stage", Rule::Transition)]);
        assert_eq!(rules(&check_patch(pipelines, &lead, &fields(json!({"stage": "qualified"})))), []);
        assert_eq!(rules(&check_patch(pipelines, &lead, &lead)), []);
    }

    #[test]
    fn a_list_of_ids_has_nothing_else() {
        let mut collection = customers();
        collection.fields.get_mut("tags").unwrap().refers_to = Some("customers".into());
        let check = |tags: Value| {
            rules(&check_patch(&collection, &Fields::new(), &fields(json!({"tags": tags})))).first().map(|found| found.1)
        };
        assert_eq!(check(json!(["01900000-0000-7000-8000-000000000001"])), None);
        assert_eq!(check(json!(["01900000-0000-7000-8000-000000000001", "big"])), Some(Rule::Type));
    }

    #[test]
    fn a_pattern_speaks_of_what_the_server_keeps() {
        let collection = customers();
        assert_eq!(rules(&check_patch(&collection, &Fields::new(), &fields(json!({"code": " jkt-0001 "})))), []);
        assert_eq!(
            rules(&check_patch(&collection, &Fields::new(), &fields(json!({"code": "jkt 0001"})))),
            [("code", Rule::Pattern)]
        );
    }

    #[test]
    fn a_record_over_the_limit_is_refused() {
        let collection = customers();
        let large = fields(json!({"name": "PT", "tags": vec!["x".repeat(2_000); 13]}));
        assert_eq!(rules(&check_record(&collection, &large)).last().unwrap().1, Rule::Size);
    }

    #[test]
    fn phone_numbers_in_any_spelling_are_one() {
        for spelling in ["0812-3456-7890", "+62 812 3456 7890", "62 (812) 34567890"] {
            assert_eq!(normalise_value(NormaliseRule::Phone, &json!(spelling)), json!("+6281234567890"), "{spelling}");
        }
        assert_eq!(normalise_value(NormaliseRule::Phone, &json!("+65 6123")), json!("+656123"));
        assert_eq!(normalise_value(NormaliseRule::Trim, &json!("  PT   ABC ")), json!("PT ABC"));
    }
}
