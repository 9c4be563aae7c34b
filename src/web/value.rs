//! A field's value from JavaScript, which has numbers that JSON has not.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A value; nothing if JSON has no word for a number in it (`NaN`, `Infinity`).
pub(super) struct FromJs(pub(super) Option<Value>);

impl<'de> Deserialize<'de> for FromJs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = FromJs;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value as JSON has it")
    }

    fn visit_unit<E>(self) -> Result<FromJs, E> {
        Ok(FromJs(Some(Value::Null)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<FromJs, E> {
        Ok(FromJs(Some(value.into())))
    }

    fn visit_i64<E>(self, value: i64) -> Result<FromJs, E> {
        Ok(FromJs(Some(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<FromJs, E> {
        Ok(FromJs(Some(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<FromJs, E> {
        Ok(FromJs(Number::from_f64(value).map(Value::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<FromJs, E> {
        Ok(FromJs(Some(value.into())))
    }

    fn visit_string<E>(self, value: String) -> Result<FromJs, E> {
        Ok(FromJs(Some(value.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<FromJs, A::Error> {
        let mut values = Vec::new();
        while let Some(FromJs(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(FromJs(values.into_iter().collect::<Option<Vec<_>>>().map(Value::Array)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FromJs, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, FromJs(value))) = map.next_entry::<String, _>()? {
            fields.push((name, value));
        }
        let fields = fields.into_iter().map(|(name, value)| Some((name, value?)));
        Ok(FromJs(fields.collect::<Option<Map<_, _>>>().map(Value::Object)))
    }
}
