//! What is drawn: steps, and the records and values that they are about.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use fieldsync::core::record::{Base, By, Fields, Millis, RecordId, Seq, UserId, Version};
use fieldsync::core::schema::Schema;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

pub const NOW: i64 = 1_790_000_000_000;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse(include_str!("../../www/schema.json")).unwrap());

pub fn schema() -> &'static Schema {
    &SCHEMA
}

pub fn uuid(number: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number))
}

/// One of the records in play: three customers and two activities.
pub fn record(number: u64) -> (&'static str, RecordId) {
    (if number % 5 < 3 { "customers" } else { "activities" }, RecordId(uuid(number % 5)))
}

#[derive(Clone, Debug)]
pub enum Step {
    Save {
        record: u64,
        kind: u8,
        field: u8,
        value: u8,
        stale: bool,
        held: bool,
    },
    Group {
        first: u64,
        second: u64,
        kind: u8,
        value: u8,
    },
    /// `sent`: so many of the open parcels are on their way meanwhile.
    Begin {
        count_max: usize,
        sent: u8,
    },
    Answer {
        which: u8,
        outcome: u8,
    },
    Discard {
        which: u8,
    },
    Resolve {
        record: u64,
        choice: u8,
    },
    Pull {
        record: u64,
        kind: u8,
        field: u8,
        value: u8,
    },
    Release,
}

pub fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let save = (0u64..5, 0u8..6, 0u8..5, 0u8..4, any::<bool>(), 0u8..6)
        .prop_map(|(record, kind, field, value, stale, held)| Step::Save { record, kind, field, value, stale, held: held == 0 });
    let step = prop_oneof![
        6 => save,
        2 => (0u64..5, 0u64..5, 0u8..6, 0u8..4).prop_map(|(first, second, kind, value)| Step::Group { first, second, kind, value }),
        4 => (1usize..6, 0u8..6).prop_map(|(count_max, sent)| Step::Begin { count_max, sent }),
        5 => (any::<u8>(), 0u8..10).prop_map(|(which, outcome)| Step::Answer { which, outcome }),
        1 => any::<u8>().prop_map(|which| Step::Discard { which }),
        1 => (0u64..5, 0u8..3).prop_map(|(record, choice)| Step::Resolve { record, choice }),
        2 => (0u64..5, 0u8..6, 0u8..5, 0u8..4).prop_map(|(record, kind, field, value)| Step::Pull { record, kind, field, value }),
        1 => Just(Step::Release),
    ];
    prop::collection::vec(step, 1..most)
}

pub fn by() -> By {
    By { id: UserId(uuid(3)), name: "Ahmad".into(), role: "manager".into(), device: None }
}

pub fn base(id: RecordId, fields: Fields) -> Base {
    Base {
        id,
        version: Version(1),
        seq: Seq(0),
        at: Millis(NOW),
        by: Some(by()),
        changed: BTreeMap::new(),
        tombstone: None,
        fields,
        normalised: BTreeMap::new(),
        doubted: Vec::new(),
    }
}

/// A record as its form first saves it.
pub fn whole(collection: &str, value: u8) -> Fields {
    let fields = match collection {
        "customers" => json!({"name": format!("PT {value}"), "visits": value}),
        _ => json!({"customer": record(u64::from(value) % 3).1, "kind": "visit", "subject": "x", "at": NOW}),
    };
    fields.as_object().unwrap().clone()
}

/// One field, otherwise than it was.
pub fn one(collection: &str, field: u8, value: u8, seen: &Fields) -> Fields {
    let added = |name: &str| format!("{}{value}", seen.get(name).and_then(Value::as_str).unwrap_or_default());
    let number = |name: &str| seen.get(name).and_then(Value::as_i64).unwrap_or_default();
    let fields = match (collection, field) {
        ("customers", 0) => json!({"name": format!("PT {value}")}),
        ("customers", 1) => json!({"city": format!("city {value}"), "phone": null}),
        ("customers", 2) => json!({"visits": number("visits") + i64::from(value)}),
        ("customers", 3) => {
            json!({"notes": added("notes").chars().rev().take(200).collect::<String>().chars().rev().collect::<String>()})
        }
        ("customers", _) => json!({"phone": format!("021 55{value}")}),
        (_, 0) => json!({"customer": record(u64::from(value) % 3).1}),
        (_, 1) => json!({"subject": format!("s{value}")}),
        (_, 2) => json!({"outcome": "ordered"}),
        _ => json!({"note": added("note")}),
    };
    let mut fields = fields.as_object().unwrap().clone();
    fields.retain(|name, value| !fieldsync::core::record::same(value, fieldsync::core::record::field(seen, name)));
    fields
}
