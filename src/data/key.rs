//! Sort keys: a field's value as bytes whose order is the order of lists, folded once and compared as often as need be.

use std::cmp::Ordering;

use serde_json::Value;

use super::fold::{fold, order_folded};

/// A value in the order of lists: nothing, false, true, numbers, folded text, the rest (which are all equal).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(Box<[u8]>);

const BOOLEAN: u8 = 1;
const NUMBER: u8 = 2;
const TEXT: u8 = 3;
const REST: u8 = 4;

impl Key {
    /// The key of a value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self([].into()),
            Value::Bool(value) => Self([BOOLEAN, u8::from(*value)].into()),
            Value::Number(_) => Self(number(value).into()),
            Value::String(text) => Self::of_text(&fold(text)),
            Value::Array(_) | Value::Object(_) => Self([REST].into()),
        }
    }

    /// The key of a text that is folded; and every text that begins with it has a key that begins with this one.
    #[must_use]
    pub fn of_text(folded: &str) -> Self {
        Self(std::iter::once(TEXT).chain(folded.bytes()).collect())
    }

    /// Whether it is the key of no value.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the bytes begin so: see [`Key::of_text`].
    #[must_use]
    pub fn begins(&self, with: &Self) -> bool {
        self.0.starts_with(&with.0)
    }

    /// How a value stands to this key, without making one of it.
    #[must_use]
    pub fn order_of(&self, value: &Value) -> Ordering {
        match (value, self.0.split_first()) {
            (Value::String(text), Some((&TEXT, folded))) => {
                // What was put there is the bytes of a text.
                order_folded(text, std::str::from_utf8(folded).unwrap_or_default())
            }
            (Value::Number(_), _) => number(value)[..].cmp(&self.0),
            (Value::String(_), first) => TEXT.cmp(&first.map_or(0, |(rank, _)| *rank)),
            _ => Self::of(value).cmp(self),
        }
    }
}

/// A double's bits in the order of its values (as in the total order of IEEE 754, with one zero), most significant first.
fn number(value: &Value) -> [u8; 9] {
    // A number of JSON is a double, or an integer that core::number lets through only if a double has it.
    let bits = (value.as_f64().unwrap_or(0.0) + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    let mut key = [NUMBER; 9];
    key[1..].copy_from_slice(&ordered.to_be_bytes());
    key
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The order of values as it is described, by looking at both.
    pub fn order(a: &Value, b: &Value) -> Ordering {
        let rank = |value: &Value| match value {
            Value::Null => 0,
            Value::Bool(_) => 1,
            Value::Number(_) => 2,
            Value::String(_) => 3,
            Value::Array(_) | Value::Object(_) => 4,
        };
        match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap(),
            (Value::String(a), Value::String(b)) => fold(a).cmp(&fold(b)),
            _ => rank(a).cmp(&rank(b)),
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            prop::num::f64::NORMAL.prop_map(Value::from),
            (-3i64..3).prop_map(Value::from),
            Just(json!(-0.0)),
            "[aÁáb\u{0}é]{0,3}".prop_map(Value::from),
            Just(json!([1])),
            Just(json!({"a": 1})),
        ]
    }

    proptest! {
        #[test]
        fn keys_are_in_the_order_of_their_values(a in value(), b in value()) {
            prop_assert_eq!(Key::of(&a).cmp(&Key::of(&b)), order(&a, &b));
            prop_assert_eq!(Key::of(&b).order_of(&a), order(&a, &b));
        }
    }
}
