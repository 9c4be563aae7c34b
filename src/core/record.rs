//! The nouns: ids, times, fields, bases. Newtypes, so that a version is never taken for a place in the feed.
//!
//! A record is an id and fields. A field that is `null` and a field that is absent are the same: [`normalise`]
//! removes nulls, and [`field`] reads an absent field as null. So a patch can clear a field by naming it with null.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// The fields of a record, or a part of them (a patch), by name.
pub type Fields = serde_json::Map<String, Value>;

/// The name of a collection as the schema declares it.
pub type CollectionName = String;

/// Largest record, as the bytes of its fields in JSON.
pub const RECORD_BYTES_MAX: usize = 24 * 1024;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl $name {
            /// A UUID v7 of this time (milliseconds since 1970) and these random bits: ids sort by when they were made.
            #[must_use]
            pub fn new(now: Millis, random: [u64; 2]) -> Self {
                let mut bytes = [0u8; 10];
                bytes[..8].copy_from_slice(&random[0].to_le_bytes());
                bytes[8..].copy_from_slice(&random[1].to_le_bytes()[..2]);
                let millis = u64::try_from(now.0).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid())
            }
        }
    };
}

id!(
    /// A record's id, made on the device when the form opens.
    RecordId
);
id!(
    /// A parcel's idempotency key.
    OpId
);
id!(
    /// A change's own id: names an outbox row on this device and in the server's ledger.
    RowId
);
id!(
    /// What changes saved together share.
    GroupId
);
id!(
    /// One installation: a database on a device.
    DeviceId
);
id!(
    /// Made with a store (the device's) or with a server's database; names that lifetime.
    Epoch
);
id!(
    /// A user of the server.
    UserId
);

/// Milliseconds since 1970. Shown to people and compared with limits; never orders records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// This time and `delay_ms` more.
    #[must_use]
    pub fn plus(self, delay_ms: i64) -> Self {
        Self(self.0.saturating_add(delay_ms))
    }

    /// How much later this is than `earlier`, in ms; negative if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whether a stored time has come. One farther ahead than `ahead_ms_max` was written under another clock: it is past.
    #[must_use]
    pub fn has_come(self, now: Self, ahead_ms_max: i64) -> bool {
        self <= now || self.since(now) > ahead_ms_max
    }
}

/// How often the server has changed a record: 1 for a create, one more for each change after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Version(pub u64);

/// A place in the server's feed. One commit of the server has one; bases are ordered by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Seq(pub u64);

/// Who made a change. `device` is theirs, if the change came from one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct By {
    /// The user.
    pub id: UserId,
    /// The name to show.
    pub name: String,
    /// `rep`, `manager`: shown beside the name.
    pub role: String,
    /// The device, if one sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
}

/// When a field last changed on the server, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Changed {
    /// The server's time of it.
    pub at: Millis,
    /// Who.
    pub by: By,
}

/// Why a base is without its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Tombstone {
    /// Somebody deleted the record.
    Deleted,
    /// This user may not see it any more.
    Revoked,
    /// It is outside the scope this device chose; the record lives on.
    Left,
}

/// What the server made of a value that was sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalised {
    /// As the device sent it.
    pub sent: Value,
    /// As the server keeps it.
    pub returned: Value,
}

/// A record as the server last confirmed it, or a tombstone in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Base {
    /// The record.
    pub id: RecordId,
    /// Its version.
    pub version: Version,
    /// Its place in the feed: the newer of two bases has the higher one.
    pub seq: Seq,
    /// When its newest change was made, by the server's clock.
    pub at: Millis,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// Per field, its newest change; only of fields that the server named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changed: BTreeMap<String, Changed>,
    /// Why there is no record here, if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstone: Option<Tombstone>,
    /// The fields; behind a tombstone, the last ones while an unsent change needs them.
    #[serde(default)]
    pub fields: Fields,
    /// Values of mine that the server changed, kept while unsent changes may still have seen mine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub normalised: BTreeMap<String, Normalised>,
    /// The numbers of unsent changes that cannot be told to be earlier or later than this: the device's clock was set about
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubted: Vec<u64>,
}

impl Base {
    /// Whether the server has a record here that this user may change: no tombstone, or only out of scope.
    #[must_use]
    pub fn is_present(&self) -> bool {
        matches!(self.tombstone, None | Some(Tombstone::Left))
    }

    /// Whether its place in the feed is gone, with a lifetime of the server that is over: it is shown, anything newer
    /// replaces it, and nothing is built on it.
    #[must_use]
    pub fn is_adrift(&self) -> bool {
        self.seq == Seq(0)
    }

    /// Whether lists show it: a record in scope.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.tombstone.is_none()
    }
}

/// The value of a field; absent is null.
#[must_use]
pub fn field<'a>(fields: &'a Fields, name: &str) -> &'a Value {
    fields.get(name).unwrap_or(&Value::Null)
}

/// Sets a field; null removes it.
pub fn set(fields: &mut Fields, name: &str, value: Value) {
    if value.is_null() {
        fields.remove(name);
    } else {
        fields.insert(name.to_owned(), value);
    }
}

/// The field of a place: `hours` of `hours.monday`. A place is a field, or one member of a field that is merged by member.
#[must_use]
pub fn field_of(place: &str) -> &str {
    place.split_once('.').map_or(place, |(name, _)| name)
}

/// What is at a place.
#[must_use]
pub fn at<'a>(fields: &'a Fields, place: &str) -> &'a Value {
    match place.split_once('.') {
        None => field(fields, place),
        Some((name, member)) => field(fields, name).get(member).unwrap_or(&Value::Null),
    }
}

/// Sets what is at a place. An object without its last member is none.
pub fn set_at(fields: &mut Fields, place: &str, value: Value) {
    let Some((name, member)) = place.split_once('.') else { return set(fields, place, value) };
    let mut members = match fields.remove(name) {
        Some(Value::Object(members)) => members,
        _ => Fields::new(),
    };
    set(&mut members, member, value);
    set(fields, name, if members.is_empty() { Value::Null } else { Value::Object(members) });
}

/// Lays a patch over fields.
pub fn apply(fields: &mut Fields, patch: &Fields) {
    for (name, value) in patch {
        set(fields, name, value.clone());
    }
}

/// The fields without nulls.
#[must_use]
pub fn normalise(mut fields: Fields) -> Fields {
    if fields.values().any(Value::is_null) {
        fields = fields.into_iter().filter(|(_, value)| !value.is_null()).collect();
    }
    fields
}

/// Whether two values mean the same: 1 and 1.0 do, as in JavaScript.
#[must_use]
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || (x.as_f64().is_some() && x.as_f64() == y.as_f64()),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(a, b)| same(a, b)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, a)| y.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// Whether two sets of fields mean the same.
#[must_use]
pub fn same_fields(a: &Fields, b: &Fields) -> bool {
    a.iter().all(|(name, value)| same(value, field(b, name))) && b.iter().all(|(name, value)| same(value, field(a, name)))
}

/// The size that limits speak of ([`RECORD_BYTES_MAX`], of fields): as JSON, in bytes.
#[must_use]
pub fn size_bytes(value: &impl Serialize) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // Counting never fails, and what has string keys always serialises.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn null_and_absent_are_the_same() {
        let Value::Object(a) = json!({"name": "PT ABC", "phone": null}) else { panic!() };
        let Value::Object(b) = json!({"name": "PT ABC"}) else { panic!() };
        assert!(same_fields(&a, &b));
        assert_eq!(normalise(a.clone()), b);
    }

    #[test]
    fn numbers_compare_by_value() {
        assert!(same(&json!({"a": [1, 2.0]}), &json!({"a": [1.0, 2]})));
        assert!(!same(&json!(1), &json!("1")));
        assert!(!same(&json!(9_007_199_254_740_993_i64), &json!(1)));
    }

    #[test]
    fn ids_sort_by_time_and_are_version_7() {
        let early = RecordId::new(Millis(1_700_000_000_000), [u64::MAX, u64::MAX]);
        let late = RecordId::new(Millis(1_700_000_000_001), [0, 0]);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.0.get_version_num(), 7);
    }

    #[test]
    fn a_time_under_another_clock_is_past() {
        let now = Millis(1_000_000);
        assert!(!Millis(1_005_000).has_come(now, 6_000));
        assert!(Millis(1_006_001).has_come(now, 6_000));
        assert!(Millis(999_999).has_come(now, 6_000));
    }
}
