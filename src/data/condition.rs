//! What a query asks of a record: conditions on its fields, and how they are put together. What is asked for is folded once,
//! when the query is read.

use std::cmp::Ordering;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::fold::{begins_folded, fold};
use super::key::Key;
use crate::core::record::{Fields, field, same};

/// Conditions, put together.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub enum Where {
    /// All hold; none is no condition.
    All(Vec<Where>),
    /// One holds; of none, none does.
    Any(Vec<Where>),
    /// It does not hold.
    Not(Box<Where>),
    /// A field's value passes.
    Field(String, Test),
}

/// What a value must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// The same, to the letter.
    Equal(Value),
    /// Not the same.
    Differs(Value),
    /// The same as one of these.
    OneOf(Vec<Value>),
    /// Text that begins so, folded.
    Prefix(String),
    /// Text that has it somewhere, folded.
    Contains(String),
    /// There is one, or there is none.
    Exists(bool),
    /// Before, or not behind, or behind, or not before, in the order of lists. Nothing is none of these.
    Order(Side, Key),
}

/// On which side of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// <
    Less,
    /// ≤
    LessOrEqual,
    /// >
    Greater,
    /// ≥
    GreaterOrEqual,
}

impl Default for Where {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl TryFrom<Value> for Where {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let Value::Object(parts) = value else { return Err("a condition is an object".to_owned()) };
        parts.into_iter().map(part).collect::<Result<Vec<_>, _>>().map(Self::all)
    }
}

/// `and`, `or`, `not`, or a field.
fn part((name, value): (String, Value)) -> Result<Where, String> {
    let many = |value: Value| match value {
        Value::Array(parts) => parts.into_iter().map(Where::try_from).collect::<Result<Vec<_>, _>>(),
        _ => Err(format!("{name} takes a list of conditions")),
    };
    match (name.as_str(), value) {
        ("and", value) => many(value).map(Where::All),
        ("or", value) => many(value).map(Where::Any),
        ("not", value) => Where::try_from(value).map(|inner| Where::Not(Box::new(inner))),
        (_, Value::Object(tests)) if is_tests(&tests) => {
            let test = |(operator, value)| Ok(Where::Field(name.clone(), Test::of(operator, value)?));
            tests.into_iter().map(test).collect::<Result<Vec<_>, String>>().map(Where::all)
        }
        (_, value) => Ok(Where::Field(name, Test::Equal(value))),
    }
}

/// Whether an object is conditions and not a value: there is one, and each is known.
fn is_tests(tests: &Map<String, Value>) -> bool {
    const OPERATORS: [&str; 10] = ["eq", "ne", "in", "prefix", "contains", "exists", "lt", "lte", "gt", "gte"];
    !tests.is_empty() && tests.keys().all(|operator| OPERATORS.contains(&operator.as_str()))
}

impl Test {
    fn of(operator: String, value: Value) -> Result<Self, String> {
        let order = |side| Ok(Self::Order(side, Key::of(&value)));
        match (operator.as_str(), &value) {
            ("eq", _) => Ok(Self::Equal(value)),
            ("ne", _) => Ok(Self::Differs(value)),
            ("in", Value::Array(values)) => Ok(Self::OneOf(values.clone())),
            ("prefix", Value::String(text)) => Ok(Self::Prefix(fold(text))),
            ("contains", Value::String(text)) => Ok(Self::Contains(fold(text))),
            ("exists", Value::Bool(exists)) => Ok(Self::Exists(*exists)),
            ("lt", _) => order(Side::Less),
            ("lte", _) => order(Side::LessOrEqual),
            ("gt", _) => order(Side::Greater),
            ("gte", _) => order(Side::GreaterOrEqual),
            _ => Err(format!("{operator} does not take {value:.60}")),
        }
    }

    /// Whether a value passes.
    #[must_use]
    pub fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Equal(wanted) => same(value, wanted),
            Self::Differs(other) => !same(value, other),
            Self::OneOf(values) => values.iter().any(|wanted| same(value, wanted)),
            Self::Prefix(prefix) => value.as_str().is_some_and(|text| begins_folded(text, prefix)),
            Self::Contains(part) => value.as_str().is_some_and(|text| fold(text).contains(part)),
            Self::Exists(exists) => value.is_null() != *exists,
            Self::Order(side, key) => !value.is_null() && side.has(key.order_of(value)),
        }
    }
}

impl Side {
    /// Whether what stands so to the key is on this side.
    #[must_use]
    pub fn has(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Where {
    /// One part is itself.
    fn all(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 { parts.remove(0) } else { Self::All(parts) }
    }

    /// Whether a record belongs to the result.
    #[must_use]
    pub fn holds(&self, fields: &Fields) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(fields)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(fields)),
            Self::Not(part) => !part.holds(fields),
            Self::Field(name, test) => test.holds(field(fields, name)),
        }
    }

    /// Every field that is named, with what it must be.
    pub fn tests(&self) -> Vec<(&str, &Test)> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::tests).collect(),
            Self::Not(part) => part.tests(),
            Self::Field(name, test) => vec![(name, test)],
        }
    }

    /// What each record of the result passes.
    pub fn always(&self) -> Vec<(&str, &Test)> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::always).collect(),
            Self::Field(name, test) => vec![(name, test)],
            Self::Any(_) | Self::Not(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(conditions: Value, fields: Value) -> bool {
        let conditions: Where = serde_json::from_value(conditions).unwrap();
        conditions.holds(fields.as_object().unwrap())
    }

    #[test]
    fn each_operator_and_nothing_beside_them() {
        let record = || json!({"name": "Café Ülük", "visits": 3, "position": {"lat": 1.0}});
        for yes in [
            json!({"visits": 3.0}),
            json!({"visits": {"eq": 3, "ne": 4, "gt": 2, "gte": 3, "lt": 4, "lte": 3, "exists": true}}),
            json!({"visits": {"in": [1, 3]}}),
            json!({"name": {"prefix": "CAFE u"}}),
            json!({"name": {"contains": "ULU"}}),
            json!({"name": {"gt": "CAFE", "lt": "cafz"}}),
            json!({"city": null}),
            json!({"city": {"ne": "Jakarta"}}),
            json!({"position": {"lat": 1}}),
        ] {
            assert!(holds(yes.clone(), record()), "{yes}");
            assert!(!holds(json!({"not": yes}), record()), "not {yes}");
        }
        for no in [json!({"name": "café ülük"}), json!({"city": {"lt": "z"}}), json!({"city": {"prefix": ""}}), json!({"or": []})]
        {
            assert!(!holds(no.clone(), record()), "{no}");
        }
    }

    #[test]
    fn parts_are_put_together() {
        let either =
            json!({"or": [{"city": "Jakarta"}, {"and": [{"city": "Bandung"}, {"visits": {"gt": 2}}]}], "name": {"exists": true}});
        assert!(holds(either.clone(), json!({"name": "a", "city": "Jakarta"})));
        assert!(holds(either.clone(), json!({"name": "a", "city": "Bandung", "visits": 3})));
        assert!(!holds(either.clone(), json!({"name": "a", "city": "Bandung", "visits": 2})));
        assert!(!holds(either, json!({"city": "Jakarta"})));
    }

    #[test]
    fn what_an_operator_does_not_take_is_an_error() {
        for wrong in
            [json!({"name": {"prefix": 1}}), json!({"name": {"in": "a"}}), json!({"or": {}}), json!({"not": []}), json!([])]
        {
            assert!(serde_json::from_value::<Where>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
