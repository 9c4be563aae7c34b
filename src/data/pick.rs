//! Some fields of a record's text, without making the others.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::core::record::Fields;

/// Which fields.
#[derive(Clone, Copy, Debug)]
pub enum Pick<'a> {
    /// Every one.
    All,
    /// Those of these names.
    These(&'a [&'a str]),
}

/// Those of these fields that a JSON object has. What is no object has none.
#[must_use]
pub fn pick(text: &str, which: Pick<'_>) -> Fields {
    match which {
        Pick::All => serde_json::from_str(text).unwrap_or_default(),
        Pick::These(names) => Picker(names).deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap_or_default(),
    }
}

struct Picker<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Picker<'_> {
    type Value = Fields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Picker<'_> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut picked = Fields::new();
        while let Some(Name(name)) = map.next_key()? {
            if self.0.iter().any(|wanted| *wanted == name) {
                picked.insert(name.into_owned(), map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(picked)
    }
}

/// A name, copied only if it is spelled with escapes.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn what_is_picked_is_what_is_there() {
        let fields = json!({"name": "PT «é» \"x\"", "a\nb": {"name": 1}, "visits": 3, "list": [{"name": 2}], "none": null});
        let text = fields.to_string();
        let all = ["name", "a\nb", "visits", "list", "none", "city"];
        for count in 0..=all.len() {
            let picked = pick(&text, Pick::These(&all[..count]));
            let wanted: Fields = fields
                .as_object()
                .unwrap()
                .clone()
                .into_iter()
                .filter(|(name, _)| all[..count].contains(&name.as_str()))
                .collect();
            assert_eq!(picked, wanted);
        }
        assert_eq!(Value::Object(pick(&text, Pick::All)), fields);
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for text in ["", "3", "[1]", "{\"name\": ", "{\"name\": 1e999}"] {
            assert_eq!(pick(text, Pick::These(&["name"])), Fields::new(), "{text}");
            assert_eq!(pick(text, Pick::All), Fields::new(), "{text}");
        }
    }

    proptest! {
        /// Names of all sorts.
        #[test]
        fn any_names_are_found(names in proptest::collection::btree_map(".{0,6}", 0..100, 0..8), of in ".{0,3}") {
            let text = json!(names).to_string();
            for name in names.keys().map(String::as_str).chain([of.as_str()]) {
                let picked = pick(&text, Pick::These(&[name]));
                prop_assert_eq!(picked.get(name).cloned(), names.get(name).map(|value| json!(value)));
            }
        }
    }
}
