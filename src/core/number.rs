//! Numbers, as every part of their way holds them: JSON text, a page's objects, the browser's database. JavaScript has
//! doubles alone, and writes 5.0 as 5. So a number has one spelling here, and what a double does not hold is not saved.

use serde_json::{Number, Value};

use super::record::Fields;

/// The largest whole number that a double tells from its neighbours.
pub const WHOLE_MAX: i64 = (1 << 53) - 1;

/// Whether every number in a value comes back with its value, whoever held it meanwhile.
#[must_use]
pub fn is_kept(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64() || whole(number).is_none_or(|whole| nearest(whole) == whole),
        Value::Array(values) => values.iter().all(is_kept),
        Value::Object(fields) => fields.values().all(is_kept),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Gives the numbers in a value the spelling in which they come back: a whole one has no point, and one that a double does
/// not hold becomes the nearest that it does. Changes no value for which [`is_kept`].
pub fn spell(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(spelled) = number.as_f64().and_then(spelled) {
                *number = spelled;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(spell),
        Value::Object(fields) => fields.values_mut().for_each(spell),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The same of each field.
#[must_use]
pub fn spell_fields(mut fields: Fields) -> Fields {
    fields.values_mut().for_each(spell);
    fields
}

/// A double's one spelling; JSON has none for what is not finite.
#[must_use]
pub fn spelled(double: f64) -> Option<Number> {
    // In these bounds the cast is exact; -0 becomes 0, as in JavaScript's own JSON.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    let is_whole = double.fract() == 0.0 && double.abs() <= WHOLE_MAX as f64;
    #[allow(clippy::cast_possible_truncation)]
    if is_whole { Some(Number::from(double as i64)) } else { Number::from_f64(double) }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or(number.as_u64().map(i128::from))
}

/// The whole number that a double makes of this one.
fn nearest(whole: i128) -> i128 {
    // Rounding is what is asked for, and a double of 64 bits or less fits 128.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    let nearest = (whole as f64) as i128;
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(mut value: Value) -> String {
        spell(&mut value);
        value.to_string()
    }

    #[test]
    fn a_number_has_one_spelling() {
        assert_eq!(text(json!([5.0, -5.0, 0.0, -0.0, 5])), "[5,-5,0,0,5]");
        assert_eq!(text(json!({"a": {"b": [1e3, 0.5]}})), r#"{"a":{"b":[1000,0.5]}}"#);
        assert_eq!(text(json!(WHOLE_MAX as f64)), "9007199254740991");
        // From here on a whole number and a double of its value are spelled alike, too.
        assert_eq!(text(json!(WHOLE_MAX + 1)), text(json!((WHOLE_MAX + 1) as f64)));
        assert_eq!(text(json!(1e21)), "1e+21");
        for value in [json!(5.0), json!(1e21), json!(u64::MAX), json!(i64::MIN), json!(0.1), json!(5e-324)] {
            let once = text(value);
            assert_eq!(text(serde_json::from_str(&once).unwrap()), once, "it stays");
        }
    }

    #[test]
    fn what_no_double_holds_is_not_kept() {
        for kept in [json!(5.0), json!(1e21), json!(WHOLE_MAX), json!(WHOLE_MAX + 1), json!(i64::MIN), json!("9007199254740993")]
        {
            assert!(is_kept(&json!({"a": [kept]})), "{kept}");
        }
        for lost in [json!(WHOLE_MAX + 2), json!(-WHOLE_MAX - 2), json!(u64::MAX), json!(i64::MAX)] {
            assert!(!is_kept(&json!({"a": [lost]})), "{lost}");
        }
    }

    /// Positions are such numbers: a parser that guesses the last digit would move a fifth of them.
    #[test]
    fn a_number_with_many_digits_is_read_as_it_was_written() {
        let mut part = 0.123_456_789_f64;
        for _ in 0..1_000 {
            part = (part * 7_919.123_457).fract();
            let number = 106.6 + part;
            let read: f64 = serde_json::from_str(&serde_json::to_string(&number).unwrap()).unwrap();
            assert!(read.to_bits() == number.to_bits(), "{number} became {read}");
        }
    }
}
