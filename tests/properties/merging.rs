//! The laws of a merge, for every policy over values of every kind, also of kinds that the policy is not meant for: what a
//! device has may be older than its schema.

use std::collections::BTreeMap;

use fieldsync::core::merge::{Merged, Sides, merge};
use fieldsync::core::record::{Base, Fields, Millis, Version, field, same};
use fieldsync::core::schema::{Collection, FieldSpec, Policy, Schema};
use fieldsync::core::view::{View, difference, view};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::config;
use super::draw::{NOW, base, uuid};

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        number(),
        "[ab]{0,3}".prop_map(Value::from),
        list(),
        object(),
        prop::sample::select(vec!["lead", "qualified", "won"]).prop_map(Value::from),
    ]
}

fn number() -> impl Strategy<Value = Value> {
    (0i64..4).prop_map(Value::from)
}

fn list() -> impl Strategy<Value = Value> {
    prop::collection::vec("[a-e]", 0..5).prop_map(|items| {
        // As a set is written: each item once.
        let mut once: Vec<String> = Vec::new();
        items.into_iter().for_each(|item| {
            if !once.contains(&item) {
                once.push(item)
            }
        });
        Value::from(once)
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[xyz]", 0i64..3, 0..4).prop_map(|members| json!(members))
}

fn spec_of(policy: &str, list_of_ids: bool) -> FieldSpec {
    let refers_to = list_of_ids.then_some("records");
    let values = ["lead", "qualified", "won"];
    serde_json::from_value(json!({"type": "enum", "policy": policy, "values": values, "refers_to": refers_to})).unwrap()
}

fn spec() -> impl Strategy<Value = FieldSpec> {
    let policies = vec!["ask", "latest", "server", "mine", "max", "min", "sum", "union", "append", "forward"];
    (prop::sample::select(policies), any::<bool>()).prop_map(|(policy, ids)| spec_of(policy, ids))
}

fn sides<'a>(seen: &'a Value, mine: &'a Value, theirs: &'a Value) -> Sides<'a> {
    Sides { seen, mine, theirs, mine_at: None, theirs_at: None }
}

fn clean(policy: &str, ids: bool, seen: &Value, mine: &Value, theirs: &Value) -> Option<Value> {
    match merge("f", &spec_of(policy, ids), sides(seen, mine, theirs)) {
        Merged::Clean(value) => Some(value),
        _ => None,
    }
}

fn items(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// Two ways to declare the same members: as an object that is merged by member, and as fields.
fn declared() -> Collection {
    let schema = json!({"schema": 1, "collections": [{"name": "c", "title": "x", "fields": {
        "x": {"type": "integer"}, "y": {"type": "integer"}, "z": {"type": "integer"},
        "all": {"type": "object", "by_member": true},
    }}]});
    Schema::parse(&schema.to_string()).unwrap().collections.remove(0)
}

/// What becomes of an edit of these fields over theirs.
fn edit(collection: &Collection, seen: &Fields, mine: &Fields, theirs: &Fields) -> View {
    let here = Base { version: Version(2), ..base(fieldsync::core::record::RecordId(uuid(1)), theirs.clone()) };
    let written = difference(seen, mine);
    let saw: Fields = written.keys().map(|name| (name.clone(), field(seen, name).clone())).collect();
    let change = serde_json::from_value(json!({
        "row": uuid(2), "collection": "c", "record": uuid(1), "action": "update", "seen": {"version": 1, "fields": saw},
        "written": written, "schema": 1, "saved_at": NOW, "clock_offset_ms": 0,
    }))
    .unwrap();
    view(collection, Some(&here), &[&change])
}

fn fields(value: &Value) -> Fields {
    value.as_object().cloned().unwrap_or_default()
}

fn whole(members: &Value) -> Fields {
    fields(&json!({"all": members}))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn merging_with_an_unchanged_side_gives_the_other(spec in spec(), seen in value(), other in value()) {
        prop_assert_eq!(merge("f", &spec, sides(&seen, &other, &seen)), Merged::Clean(other.clone()));
        match merge("f", &spec, sides(&seen, &seen, &other)) {
            Merged::Clean(value) => prop_assert!(same(&value, &other)),
            merged => prop_assert!(false, "{:?}", merged),
        }
    }

    #[test]
    fn equal_values_never_conflict_but_sums_add(spec in spec(), seen in value(), both in value()) {
        match merge("f", &spec, sides(&seen, &both, &both)) {
            Merged::Clean(value) => prop_assert!(spec.policy == Policy::Sum || same(&value, &both)),
            merged => prop_assert!(false, "{:?}", merged),
        }
    }

    /// What a rule does not take is named: one of the two values stands, and the other is set aside.
    #[test]
    fn what_a_rule_does_not_take_is_set_aside(spec in spec(), seen in value(), mine in value(), theirs in value(), apart in -9i64..9) {
        let (mine_at, theirs_at) = (Some(Millis(50_000 + apart * 1_000)), Some(Millis(50_000)));
        let merged = merge("f", &spec, Sides { mine_at, theirs_at, ..sides(&seen, &mine, &theirs) });
        if let Merged::Ruled(value, lost) = merged {
            let (won, other) = if lost.mine { (&theirs, &mine) } else { (&mine, &theirs) };
            prop_assert!(same(&value, won) && same(&lost.value, other));
        }
    }

    /// Two devices that merge each other's edit come to the same, or both ask. (`mine` and `server` are each other's mirror;
    /// a set has no order, and texts and lists of ids have theirs first.)
    #[test]
    fn whoever_merges_comes_to_the_same(spec in spec(), seen in value(), a in value(), b in value(), apart in -9i64..9) {
        let (a_at, b_at) = (Some(Millis(50_000 + apart * 1_000)), Some(Millis(50_000)));
        let one = merge("f", &spec, Sides { mine_at: a_at, theirs_at: b_at, ..sides(&seen, &a, &b) });
        let other = merge("f", &spec, Sides { mine_at: b_at, theirs_at: a_at, ..sides(&seen, &b, &a) });
        let sorted = |value: &Value| {
            let mut parts: Vec<String> = match value {
                Value::String(text) => text.chars().filter(|letter| *letter != '\n').map(String::from).collect(),
                other => items(other).iter().map(Value::to_string).collect(),
            };
            parts.sort();
            parts
        };
        match (&one, &other, spec.policy) {
            (Merged::Ask, Merged::Ask, _) => {}
            (Merged::Ruled(one, _), Merged::Ruled(other, _), Policy::Mine | Policy::Server) => {
                prop_assert!(same(one, other) == same(&a, &b));
            }
            (Merged::Ruled(one, lost), Merged::Ruled(other, lost_other), _) => {
                prop_assert!(same(one, other) && same(&lost.value, &lost_other.value) && lost.mine != lost_other.mine);
            }
            (Merged::Clean(one), Merged::Clean(other), Policy::Union | Policy::Append) => {
                prop_assert!(same(one, other) || sorted(one) == sorted(other), "{} {}", one, other);
            }
            (Merged::Clean(one), Merged::Clean(other), _) => prop_assert!(same(one, other), "{} {}", one, other),
            _ => prop_assert!(false, "{:?} {:?}", one, other),
        }
    }

    #[test]
    fn a_sum_has_what_each_added(seen in number(), mine in number(), theirs in number()) {
        let number = |value: &Value| value.as_i64().unwrap();
        if let Some(sum) = clean("sum", false, &seen, &mine, &theirs) {
            prop_assert_eq!(number(&sum) - number(&seen), number(&mine) - number(&seen) + number(&theirs) - number(&seen));
        }
    }

    /// Every item that one side has and the other did not take out; none that one took out; none from nowhere; each once.
    #[test]
    fn a_list_has_what_either_added_and_nothing_that_either_removed(ids in any::<bool>(), seen in list(), mine in list(), theirs in list()) {
        let Some(merged) = clean("union", ids, &seen, &mine, &theirs) else { return Ok(()) };
        let (seen, mine, theirs, merged) = (items(&seen), items(&mine), items(&theirs), items(&merged));
        for item in seen.iter().chain(&mine).chain(&theirs) {
            let both = mine.contains(item) && theirs.contains(item);
            let added = !seen.contains(item) && (mine.contains(item) || theirs.contains(item));
            prop_assert_eq!(merged.iter().filter(|other| *other == item).count(), usize::from(both || added), "{}", item);
        }
        prop_assert!(merged.iter().all(|item| mine.contains(item) || theirs.contains(item)));
    }

    /// A list of ids keeps the order of each side where that side alone has moved or added something; both orders if they do
    /// not contradict each other.
    #[test]
    fn a_list_of_ids_keeps_its_order(seen in list(), mine in list(), theirs in list()) {
        let Some(merged) = clean("union", true, &seen, &mine, &theirs) else { return Ok(()) };
        let (seen, mine, theirs, merged) = (items(&seen), items(&mine), items(&theirs), items(&merged));
        let common = |list: &[Value]| -> Vec<Value> {
            list.iter().filter(|item| [&seen, &mine, &theirs].iter().all(|all| all.contains(item))).cloned().collect()
        };
        let (was, of_mine, of_theirs, is) = (common(&seen), common(&mine), common(&theirs), common(&merged));
        let expected = if of_mine == was { of_theirs } else { of_mine };
        prop_assert_eq!(is, expected);
    }

    #[test]
    fn an_appended_text_has_both_additions_and_begins_with_theirs(seen in "[ab\n]{0,4}", mine in "[ab\n]{0,3}", theirs in "[ab\n]{0,3}") {
        let (mine, theirs) = (format!("{seen}{mine}"), format!("{seen}{theirs}"));
        let merged = clean("append", false, &json!(seen), &json!(mine), &json!(theirs)).unwrap();
        let merged = merged.as_str().unwrap();
        prop_assert!(merged.starts_with(&theirs) && merged.ends_with(&mine[seen.len()..]), "{:?}", merged);
    }

    /// An object that is merged by member comes to what its members come to as fields of their own.
    #[test]
    fn a_member_is_merged_as_a_field_is(seen in object(), mine in object(), theirs in object()) {
        let collection = declared();
        let apart = edit(&collection, &fields(&seen), &fields(&mine), &fields(&theirs));
        let together = edit(&collection, &whole(&seen), &whole(&mine), &whole(&theirs));
        let merged = fields(field(&together.fields.clone().unwrap_or_default(), "all"));
        prop_assert_eq!(apart.fields.unwrap_or_default(), merged);
        let asked = |view: &View| -> BTreeMap<String, (Value, Value, Value)> {
            let all = view.conflict.iter().flat_map(|conflict| &conflict.fields);
            let name = |field: &str| field.trim_start_matches("all.").to_owned();
            all.map(|asked| (name(&asked.field), (asked.before.clone(), asked.mine.clone(), asked.theirs.clone()))).collect()
        };
        let together = asked(&together);
        prop_assert_eq!(asked(&View { fields: None, ..apart }), together);
    }
}
