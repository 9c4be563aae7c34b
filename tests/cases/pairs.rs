//! Every pair of actions on one record, over every kind of base: what is shown, and what is sent.

use fieldsync::core::outbox::Change;
use fieldsync::core::record::{Base, Tombstone};
use serde_json::{Value, json};

use super::world::{base, bases, begin_all, create, delete, gone, seen_as, update};

/// The record at version 1; `newer`, where somebody has added a city.
fn over(name: &str) -> Option<Base> {
    let here = base(1, 1, json!({"name": "A", "phone": "02111"}));
    Some(match name {
        "same" => here,
        "newer" => base(1, 2, json!({"name": "A", "phone": "02111", "city": "X"})),
        "deleted" => gone(base(1, 2, json!({"name": "A", "phone": "02111"})), Tombstone::Deleted),
        "revoked" => gone(here, Tombstone::Revoked),
        "left" => gone(here, Tombstone::Left),
        _ => return None,
    })
}

/// The action from a form that saw version 1, or what the first action of mine made of it.
fn act(seq: u64, action: &str, after: Option<&str>) -> Change {
    let made = json!({"name": "M"});
    let whole = match after {
        Some("create") => made.clone(),
        Some("update") => json!({"name": "A", "phone": "02122"}),
        _ => json!({"name": "A", "phone": "02111"}),
    };
    let version = u64::from(after != Some("create"));
    match action {
        "create" => create(seq, 1, if after.is_some() { json!({"name": "N"}) } else { made }),
        "update" => {
            let seen = json!({"phone": whole.get("phone")});
            update(seq, 1, (version, seen), json!({"phone": if after.is_some() { "02133" } else { "02122" }}))
        }
        _ => delete(seq, 1, (version, whole)),
    }
}

/// `shown -> sent`, in short.
fn outcome(over: Option<Base>, changes: &[Change]) -> String {
    let view = seen_as(over.as_ref(), changes);
    let shown = match (&view.conflict, &view.fields) {
        (Some(conflict), _) => format!("{:?}", conflict.kind),
        (None, Some(fields)) => short(&Value::Object(fields.clone())),
        (None, None) => "none".to_owned(),
    };
    let begun = begin_all(changes, &[], &bases(over));
    let sent = match (begun.parcels.first(), begun.ended.first()) {
        (Some(parcel), _) => {
            let item = &parcel.items[0];
            let action = format!("{:?}", item.action).to_lowercase();
            format!("{action}@{} {}", item.base_version.0, short(&Value::Object(item.patch.clone())))
        }
        (None, Some(ended)) => format!("{:?}", ended.end).to_lowercase(),
        (None, None) => "waits".to_owned(),
    };
    format!("{shown} -> {sent}")
}

/// `name A phone 02111`: sorted, without JSON's marks.
fn short(value: &Value) -> String {
    let mut words = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        words.push(format!("{name} {}", value.as_str().unwrap_or("null")));
    }
    words.sort();
    if words.is_empty() { "nothing".to_owned() } else { words.join(" ") }
}

const BASES: [&str; 6] = ["absent", "same", "newer", "deleted", "revoked", "left"];

/// First, second, then the outcome over each of [`BASES`].
const TABLE: [(&str, &str, [&str; 6]); 9] = [
    (
        "create",
        "create",
        [
            "name N -> create@0 name N",
            "Fields -> waits",
            "Fields -> waits",
            "DeletedByThem -> waits",
            "name N phone 02111 -> waits",
            "Fields -> waits",
        ],
    ),
    (
        "create",
        "update",
        [
            "name M phone 02133 -> create@0 name M phone 02133",
            "Fields -> waits",
            "Fields -> waits",
            "DeletedByThem -> waits",
            "name M phone 02133 -> waits",
            "Fields -> waits",
        ],
    ),
    (
        "create",
        "delete",
        [
            "none -> discarded",
            "DeletedByMe -> waits",
            "DeletedByMe -> waits",
            "none -> confirmed",
            "none -> waits",
            "DeletedByMe -> waits",
        ],
    ),
    (
        "update",
        "create",
        [
            "name N phone 02122 -> update@1 name N phone 02122",
            "Fields -> waits",
            "Fields -> waits",
            "DeletedByThem -> waits",
            "name N phone 02122 -> waits",
            "Fields -> waits",
        ],
    ),
    (
        "update",
        "update",
        [
            "phone 02133 -> update@1 phone 02133",
            "name A phone 02133 -> update@1 phone 02133",
            "city X name A phone 02133 -> update@2 phone 02133",
            "DeletedByThem -> waits",
            "name A phone 02133 -> waits",
            "name A phone 02133 -> update@1 phone 02133",
        ],
    ),
    (
        "update",
        "delete",
        [
            "none -> delete@1 nothing",
            "none -> delete@1 nothing",
            "DeletedByMe -> waits",
            "none -> confirmed",
            "none -> waits",
            "none -> delete@1 nothing",
        ],
    ),
    (
        "delete",
        "create",
        [
            "name N -> update@1 name N phone null",
            "name N -> update@1 name N phone null",
            "city X name N -> update@2 name N phone null",
            "DeletedByThem -> waits",
            "name N -> waits",
            "name N -> update@1 name N phone null",
        ],
    ),
    (
        "delete",
        "update",
        [
            "phone 02133 -> update@1 phone 02133",
            "name A phone 02133 -> update@1 phone 02133",
            "city X name A phone 02133 -> update@2 phone 02133",
            "DeletedByThem -> waits",
            "name A phone 02133 -> waits",
            "name A phone 02133 -> update@1 phone 02133",
        ],
    ),
    (
        "delete",
        "delete",
        [
            "none -> delete@1 nothing",
            "none -> delete@1 nothing",
            "DeletedByMe -> waits",
            "none -> confirmed",
            "none -> waits",
            "none -> delete@1 nothing",
        ],
    ),
];

#[test]
fn every_pair_over_every_base() {
    let mut wrong = Vec::new();
    for (first, second, expected) in TABLE {
        for (name, expected) in BASES.iter().zip(expected) {
            let changes = [act(1, first, None), act(2, second, Some(first))];
            let got = outcome(over(name), &changes);
            if got != expected {
                wrong.push(format!("{first}, {second} over {name}: {got}; expected {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
