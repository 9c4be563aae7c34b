//! An entry of the feed or of a snapshot as it is told. Most are records that a device only keeps: of those it reads what
//! planners ask first, and their fields stay the text that they are.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::protocol::Entry;
use super::pull_state::PullState;
use super::record::{By, CollectionName, Millis, RecordId, Seq, Version};
use super::schema::Schema;

/// An entry as it is told: one that a client cannot read must not stop those behind it.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A record that was not changed since it was made, or of which the server does not say when its fields were.
    Plain(Plain),
    /// Any other that can be read.
    Entry(Entry),
    /// Another, as it came.
    Unread(Value),
}

/// A record with its fields as text.
#[derive(Clone, Debug)]
pub struct Plain {
    /// Its collection.
    pub collection: CollectionName,
    /// Its id.
    pub id: RecordId,
    /// Its version.
    pub version: Version,
    /// Its place in the feed, for this user.
    pub seq: Seq,
    /// When it last changed.
    pub at: Millis,
    /// Who changed it.
    pub by: By,
    /// A JSON object that can be read, without nulls.
    pub fields: Box<RawValue>,
}

impl PartialEq for Plain {
    fn eq(&self, other: &Self) -> bool {
        self.clone().read() == other.clone().read()
    }
}

impl Plain {
    /// The entry, read.
    #[must_use]
    pub fn read(self) -> Entry {
        // It was looked through when it came.
        let fields = serde_json::from_str(self.fields.get()).unwrap_or_default();
        let Self { collection, id, version, seq, at, by, .. } = self;
        Entry { collection, id, version, seq, at, by, changed: std::collections::BTreeMap::new(), tombstone: None, fields }
    }
}

/// An entry that can be read.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// With its fields as text.
    Plain(Plain),
    /// Read.
    Entry(Entry),
}

impl Incoming {
    /// The record.
    #[must_use]
    pub fn record(&self) -> (&CollectionName, RecordId) {
        match self {
            Self::Plain(plain) => (&plain.collection, plain.id),
            Self::Entry(entry) => (&entry.collection, entry.id),
        }
    }

    /// Its version, and its place in the feed.
    #[must_use]
    pub fn place(&self) -> (Version, Seq) {
        match self {
            Self::Plain(plain) => (plain.version, plain.seq),
            Self::Entry(entry) => (entry.version, entry.seq),
        }
    }

    /// The entry, read.
    #[must_use]
    pub fn read(self) -> Entry {
        match self {
            Self::Plain(plain) => plain.read(),
            Self::Entry(entry) => entry,
        }
    }
}

/// What of a page this client understands, and what it does not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sorted {
    /// Entries of collections that the schema has, or that are here for a newer version of the app.
    pub entries: Vec<Incoming>,
    /// The others, raw.
    pub poison: Vec<Value>,
}

impl Sorted {
    /// Sorts what a page tells. `asked` is the state that it was asked with: what a newer version of the app, which runs beside this
    /// one, has selected is kept for that one.
    #[must_use]
    pub fn of(schema: &Schema, asked: &PullState, told: Vec<Told>) -> Self {
        let is_known = |name: &str| schema.collection(name).is_some() || asked.has_asked_for(name);
        let mut sorted = Self::default();
        for told in told {
            match told {
                Told::Plain(plain) if is_known(&plain.collection) => sorted.entries.push(Incoming::Plain(plain)),
                Told::Entry(entry) if is_known(&entry.collection) => sorted.entries.push(Incoming::Entry(entry)),
                Told::Unread(raw) => sorted.poison.push(raw),
                // An entry is numbers, texts and JSON: it always serialises.
                other => sorted.poison.push(serde_json::to_value(other).unwrap_or_default()),
            }
        }
        sorted
    }

    /// The records whose pages must be read before the page is applied.
    pub fn records(&self) -> impl Iterator<Item = (CollectionName, RecordId)> {
        self.entries.iter().map(Incoming::record).map(|(collection, id)| (collection.clone(), id))
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(plain) => plain.clone().read().serialize(serializer),
            Self::Entry(entry) => entry.serialize(serializer),
            Self::Unread(raw) => raw.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Told {
    /// From JSON text, of which no more is made than is needed.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if let Some(plain) = plain(raw.get()) {
            return Ok(Self::Plain(plain));
        }
        match serde_json::from_str(raw.get()) {
            Ok(entry) => Ok(Self::Entry(entry)),
            Err(_) => serde_json::from_str(raw.get()).map(Self::Unread).map_err(D::Error::custom),
        }
    }
}

fn plain(text: &str) -> Option<Plain> {
    #[derive(serde::Deserialize)]
    struct Row<'a> {
        #[serde(borrow)]
        collection: Cow<'a, str>,
        id: RecordId,
        version: Version,
        seq: Seq,
        at: Millis,
        by: By,
        changed: Option<IgnoredAny>,
        tombstone: Option<IgnoredAny>,
        #[serde(borrow)]
        fields: &'a RawValue,
    }
    let row: Row = serde_json::from_str(text).ok()?;
    if row.changed.is_some() || row.tombstone.is_some() {
        return None;
    }
    serde_json::from_str::<Readable>(row.fields.get()).ok()?;
    let Row { collection, id, version, seq, at, by, fields, .. } = row;
    Some(Plain { collection: collection.into_owned(), id, version, seq, at, by, fields: fields.to_owned() })
}

/// Fields that can be read, without nulls: looked through, and nothing is made of them.
struct Readable;

impl<'de> Deserialize<'de> for Readable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Readable;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fields without nulls")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Readable, A::Error> {
                while map.next_key::<Any>()?.is_some() {
                    if !map.next_value::<Any>()?.0 {
                        return Err(A::Error::custom("null"));
                    }
                }
                Ok(Readable)
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// Any value that can be read; whether it is not null. [`IgnoredAny`] would take numbers for good that are too large.
struct Any(bool);

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyVisitor;
        impl<'de> Visitor<'de> for AnyVisitor {
            type Value = Any;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }
            fn visit_unit<E>(self) -> Result<Any, E> {
                Ok(Any(false))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Any, E> {
                Ok(Any(true))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Any, E> {
                Ok(Any(true))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Any, E> {
                Ok(Any(true))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Any, E> {
                Ok(Any(true))
            }
            fn visit_str<E>(self, _: &str) -> Result<Any, E> {
                Ok(Any(true))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Any, A::Error> {
                while items.next_element::<Any>()?.is_some() {}
                Ok(Any(true))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
                while map.next_entry::<Any, Any>()?.is_some() {}
                Ok(Any(true))
            }
        }
        deserializer.deserialize_any(AnyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(fields: &str, more: &str) -> String {
        let by = json!({"id": RecordId::new(Millis(7), [0, 0]), "name": "Budi", "role": "rep"});
        let id = RecordId::new(Millis(1), [0, 0]);
        format!(r#"{{"collection":"customers","id":"{id}","version":1,"seq":4,"at":5,"by":{by}{more},"fields":{fields}}}"#)
    }

    #[test]
    fn what_stays_text_reads_as_it_would_have() {
        for fields in
            [r#"{}"#, r#"{"name":"PT \u00e9 \"x\"","visits":3,"at":1.5e3,"place":{"lat":null},"tags":["a"]}"#, r#"{ "a" : "b" }"#]
        {
            let text = entry(fields, "");
            let Told::Plain(plain) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
            let read: Entry = serde_json::from_str(&text).unwrap();
            assert_eq!(plain.clone().read(), read);
            assert_eq!(serde_json::to_string(&Told::Plain(plain)).unwrap(), serde_json::to_string(&read).unwrap());
        }
    }

    #[test]
    fn what_is_more_than_fields_is_read() {
        let changed = r#","changed":{"name":{"at":4,"by":{"id":"00000000-0000-0000-0000-000000000001","name":"","role":""}}}"#;
        for text in [entry("{}", r#","tombstone":"deleted""#), entry("{}", changed), entry(r#"{"name":null}"#, "")] {
            assert_eq!(serde_json::from_str::<Told>(&text).unwrap(), Told::Entry(serde_json::from_str(&text).unwrap()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_as_it_came() {
        for text in [entry("[1]", ""), entry("3", ""), r#"{"anything":1}"#.to_owned()] {
            assert_eq!(
                serde_json::from_str::<Told>(&text).unwrap(),
                Told::Unread(serde_json::from_str(&text).unwrap()),
                "{text}"
            );
        }
        // Not even as a value: the answer is none.
        assert!(serde_json::from_str::<Told>(&entry(r#"{"visits":1e999}"#, "")).is_err());
        assert!(serde_json::from_str::<Told>(&entry(r#"{"name":"\ud800"}"#, "")).is_err());
    }
}
