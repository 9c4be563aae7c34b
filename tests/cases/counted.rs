//! What an item says of what its changes had seen: by that the server counts merges about which nobody was asked.

use fieldsync::core::outbox::Change;
use fieldsync::core::record::{Base, Millis, Tombstone, Version};
use serde_json::json;

use super::world::{Memory, NOW, base, bases, begin_all, create, delete, gone, update};

fn held(change: Change) -> Change {
    Change { hold_until: Some(Millis(NOW.0 + 1_000)), ..change }
}

/// What is the case, the base, the changes, and the version that the item names.
type Case = (&'static str, Option<Base>, Vec<Change>, Option<u64>);

fn cases() -> Vec<Case> {
    let is = |version| base(1, version, json!({"name": "PT", "city": "Depok"}));
    let all = || json!({"name": "PT", "city": "Depok"});
    let phone = |seq, version| update(seq, 1, (version, json!({"phone": null})), json!({"phone": format!("02{seq}")}));
    let notes = |seq, version| update(seq, 1, (version, json!({"notes": null})), json!({"notes": "n"}));
    vec![
        ("made over what is there", Some(is(3)), vec![phone(1, 3)], None),
        ("theirs, or mine, came since", Some(is(3)), vec![phone(1, 1)], Some(1)),
        ("one of two forms was older", Some(is(3)), vec![phone(1, 3), notes(2, 2)], Some(2)),
        ("the older form is not sent yet", Some(is(3)), vec![phone(1, 3), held(notes(2, 2))], None),
        ("a rule takes theirs, and what goes is set aside", Some(is(3)), vec![city_of(1, 2)], Some(2)),
        ("a create", None, vec![create(1, 1, json!({"name": "PT"}))], None),
        ("a create of an id that is there", Some(is(1)), vec![create(1, 1, json!({"name": "PT", "phone": "021"}))], Some(0)),
        ("an edit that was made over the unsent create", Some(is(1)), vec![phone(1, 0)], Some(0)),
        ("a delete of what was seen", Some(is(3)), vec![delete(1, 1, (2, all()))], None),
        ("deleted and made again", Some(is(3)), vec![delete(1, 1, (3, all())), create(2, 1, json!({"name": "Baru"}))], None),
        (
            "the same, of what was older",
            Some(is(3)),
            vec![delete(1, 1, (2, all())), create(2, 1, json!({"name": "Baru"}))],
            Some(2),
        ),
        ("restored", Some(gone(is(3), Tombstone::Deleted)), vec![update(1, 1, (3, all()), json!({"phone": "021"}))], None),
        ("without a base", None, vec![phone(1, 3), notes(2, 2)], None),
    ]
}

/// By the policy `latest` theirs is the later.
fn city_of(seq: u64, version: u64) -> Change {
    let change = update(seq, 1, (version, json!({"city": "Bogor"})), json!({"city": "Jambi"}));
    Change { saved_at: Millis(NOW.0 - 120_000), ..change }
}

#[test]
fn an_item_names_what_was_seen_if_it_is_built_on_something_newer() {
    for (what, base, changes, expected) in cases() {
        let bases: Memory = bases(base);
        let begun = begin_all(&changes, &[], &bases);
        assert_eq!(begun.parcels.len(), 1, "{what}: {begun:?}");
        let item = &begun.parcels[0].items[0];
        assert_eq!(item.seen_version, expected.map(Version), "{what}: {item:?}");
    }
}
