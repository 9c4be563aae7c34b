//! What is shown, schedule by schedule: each of these loses a change in a simpler design.

use fieldsync::core::outbox::Change;
use fieldsync::core::record::{Base, Normalised, Tombstone, Version};
use fieldsync::core::resolve::{Choice, Choices, Question, Resolved, Stamp, WHOLE, again, resolve};
use fieldsync::core::view::{ConflictKind, View};
use serde_json::{Value, json};

use super::world::{
    NOW, applied, base, bases, begin_all, change, changed_at, create, delete, fields, finish_one, gone, group, id, row, schema,
    seen_as, update,
};

fn shown(view: &View, name: &str) -> Value {
    view.fields.as_ref().and_then(|fields| fields.get(name).cloned()).unwrap_or_default()
}

fn asked(view: &View) -> Vec<(String, Value, Value, Value)> {
    let fields = view.conflict.iter().flat_map(|conflict| &conflict.fields);
    fields.map(|asked| (asked.field.clone(), asked.before.clone(), asked.mine.clone(), asked.theirs.clone())).collect()
}

fn kind(view: &View) -> Option<ConflictKind> {
    view.conflict.as_ref().map(|conflict| conflict.kind)
}

fn aside(view: &View) -> Vec<(&str, &Value, bool)> {
    view.set_aside.iter().map(|lost| (lost.field.as_str(), &lost.value, lost.mine)).collect()
}

#[test]
fn a_form_that_was_open_while_a_pull_changed_its_field_asks() {
    let here = base(1, 2, json!({"name": "A", "phone": "theirs"}));
    let view = seen_as(Some(&here), &[update(1, 1, (1, json!({"phone": "before"})), json!({"phone": "mine"}))]);
    assert_eq!(asked(&view), [("phone".into(), json!("before"), json!("mine"), json!("theirs"))]);
    assert_eq!(shown(&view, "phone"), "mine", "mine stays on screen");
}

#[test]
fn undo_of_the_later_of_two_edits_leaves_the_earlier() {
    let here = base(1, 1, json!({"name": "A", "phone": "1"}));
    let first = update(1, 1, (1, json!({"phone": "1"})), json!({"phone": "2"}));
    let second = update(2, 1, (1, json!({"phone": "2"})), json!({"phone": "3"}));
    assert_eq!(shown(&seen_as(Some(&here), &[first.clone(), second]), "phone"), "3");
    assert_eq!(shown(&seen_as(Some(&here), &[first]), "phone"), "2");
}

#[test]
fn two_forms_of_mine_keep_the_later_and_set_the_earlier_aside() {
    let here = base(1, 1, json!({"name": "A", "phone": "1"}));
    let saw = || (1, json!({"phone": "1"}));
    let forms = [update(1, 1, saw(), json!({"phone": "2"})), update(2, 1, saw(), json!({"phone": "3"}))];
    let view = seen_as(Some(&here), &forms);
    assert_eq!((shown(&view, "phone"), kind(&view)), (json!("3"), None));
    assert_eq!(aside(&view), [("phone", &json!("2"), true)]);
    // Even while theirs is in question.
    let moved = base(1, 2, json!({"name": "A", "phone": "9"}));
    let view = seen_as(Some(&moved), &forms);
    assert_eq!(asked(&view), [("phone".into(), json!("1"), json!("3"), json!("9"))]);
    assert_eq!(aside(&view), [("phone", &json!("2"), true)]);
}

#[test]
fn two_forms_of_mine_are_joined_where_the_policy_joins() {
    let here = base(1, 1, json!({"name": "A", "visits": 3, "notes": "a", "tags": ["x"]}));
    let form = |seq, written| update(seq, 1, (1, json!({"visits": 3, "notes": "a", "tags": ["x"]})), written);
    let view = seen_as(
        Some(&here),
        &[
            form(1, json!({"visits": 4, "notes": "a\none", "tags": ["x", "1"]})),
            form(2, json!({"visits": 5, "notes": "a\ntwo", "tags": ["x", "2"]})),
        ],
    );
    assert_eq!(
        (shown(&view, "visits"), shown(&view, "notes"), shown(&view, "tags")),
        (json!(6), json!("a\none\ntwo"), json!(["x", "1", "2"]))
    );
    assert_eq!((kind(&view), aside(&view)), (None, vec![]));
}

#[test]
fn sums_add_across_two_changes_and_theirs() {
    let here = base(1, 2, json!({"name": "A", "visits": 10}));
    let changes = [
        update(1, 1, (1, json!({"visits": 3})), json!({"visits": 4})),
        update(2, 1, (1, json!({"visits": 4})), json!({"visits": 6})),
    ];
    assert_eq!(shown(&seen_as(Some(&here), &changes), "visits"), 13);
}

#[test]
fn the_server_s_spelling_of_mine_is_what_a_form_saw() {
    let mut here = base(1, 1, json!({"name": "A", "phone": "+62811"}));
    let spelled = Normalised { sent: json!("0811"), returned: json!("+62811") };
    here.normalised.insert("phone".into(), spelled);
    let form = update(2, 1, (0, json!({"phone": "0811"})), json!({"phone": "0822"}));
    assert_eq!(kind(&seen_as(Some(&here), std::slice::from_ref(&form))), None);
    here.fields = fields(json!({"name": "A", "phone": "+62899"}));
    assert_eq!(kind(&seen_as(Some(&here), &[form])), Some(ConflictKind::Fields), "not what was returned any more");
    // A delete saw it too.
    here.fields = fields(json!({"name": "A", "phone": "+62811"}));
    here.version = Version(2);
    assert_eq!(kind(&seen_as(Some(&here), &[delete(2, 1, (1, json!({"name": "A", "phone": "0811"})))])), None);
}

/// The answer of a later parcel must not forget what an earlier one returned.
#[test]
fn the_server_s_spelling_is_remembered_as_long_as_a_change_needs_it() {
    let mut here = bases([base(1, 1, json!({"name": "A"}))]);
    let outbox = [
        update(1, 1, (1, json!({})), json!({"phone": "0811 11"})),
        update(2, 1, (1, json!({})), json!({"city": "X"})),
        update(3, 1, (1, json!({"phone": "0811 11"})), json!({"phone": "0822 22"})),
    ];
    let first = begin_all(&outbox[..1], &[], &here).parcels[0].clone();
    finish_one(&outbox, &first, applied(&first, 20, json!({"phone": "+6281111"})), &mut here);
    let second = begin_all(&outbox[1..2], &[], &here).parcels[0].clone();
    finish_one(&outbox[1..], &second, applied(&second, 30, json!({})), &mut here);
    let begun = begin_all(&outbox[2..], &[], &here);
    assert_eq!(begun.parcels[0].items[0].patch, fields(json!({"phone": "0822 22"})));
}

#[test]
fn delete_against_edit_asks_both_ways() {
    let edited = base(1, 2, json!({"name": "A", "phone": "theirs"}));
    let mine = [delete(1, 1, (1, json!({"name": "A", "phone": "1"})))];
    assert_eq!(kind(&seen_as(Some(&edited), &mine)), Some(ConflictKind::DeletedByMe));
    let deleted = gone(base(1, 2, json!({"name": "A", "phone": "1", "city": "X"})), Tombstone::Deleted);
    let view = seen_as(Some(&deleted), &[update(1, 1, (1, json!({"phone": "1"})), json!({"phone": "2"}))]);
    assert_eq!(kind(&view), Some(ConflictKind::DeletedByThem));
    assert_eq!(view.fields, Some(fields(json!({"name": "A", "phone": "2", "city": "X"}))), "restored whole, on screen");
}

/// My own edit hides theirs from the form that deletes.
#[test]
fn a_delete_after_a_conflict_does_not_decide_it() {
    let here = base(1, 2, json!({"name": "A", "phone": "theirs"}));
    let edit = update(1, 1, (1, json!({"phone": "1"})), json!({"phone": "mine"}));
    for version in [1, 2] {
        let gone = delete(2, 1, (version, json!({"name": "A", "phone": "mine"})));
        let view = seen_as(Some(&here), &[edit.clone(), gone.clone()]);
        assert_eq!(kind(&view), Some(ConflictKind::DeletedByMe), "saw version {version}");
        let restored = update(3, 1, (version, json!({})), json!({"city": "X"}));
        let view = seen_as(Some(&here), &[edit.clone(), gone, restored]);
        assert_eq!(asked(&view), [("phone".into(), json!("1"), json!("mine"), json!("theirs"))], "and restoring asks again");
    }
}

/// What a rule decided for me is no licence to delete it unseen.
#[test]
fn a_delete_over_what_a_rule_merged_asks() {
    let here = base(1, 2, json!({"name": "A", "visits": 9}));
    let changes =
        [update(1, 1, (1, json!({"visits": 3})), json!({"visits": 4})), delete(2, 1, (1, json!({"name": "A", "visits": 4})))];
    assert_eq!(kind(&seen_as(Some(&here), &changes)), Some(ConflictKind::DeletedByMe));
}

#[test]
fn a_delete_from_a_form_that_saw_my_unanswered_create() {
    let saw = || (0, json!({"name": "A"}));
    assert_eq!(kind(&seen_as(Some(&base(1, 1, json!({"name": "A", "owner": "me"}))), &[delete(2, 1, saw())])), None);
    let edited = base(1, 2, json!({"name": "B"}));
    assert_eq!(kind(&seen_as(Some(&edited), &[delete(2, 1, saw())])), Some(ConflictKind::DeletedByMe));
}

/// The conflict of a delete with an edit, then made again: choosing mine must not delete it.
#[test]
fn a_create_after_my_delete_is_an_edit_of_all_fields() {
    let here = base(1, 2, json!({"name": "A", "phone": "theirs"}));
    let changes = [delete(1, 1, (1, json!({"name": "A", "phone": "1"}))), create(2, 1, json!({"name": "N", "phone": "2"}))];
    let view = seen_as(Some(&here), &changes);
    assert_eq!(kind(&view), Some(ConflictKind::Fields));
    assert_eq!(asked(&view), [("phone".into(), json!("1"), json!("2"), json!("theirs"))]);
    // Whose it is, a form does not say: cleared, the record would be nobody's, and that the server refuses.
    let here = json!({"name": "A", "city": "X", "owner": group(1)});
    let changes = [delete(1, 1, (2, here.clone())), create(2, 1, json!({"name": "N"}))];
    let item = begin_all(&changes, &[], &bases([base(1, 2, here)])).parcels[0].items[0].clone();
    assert_eq!(item.patch, fields(json!({"name": "N", "city": null})));
}

#[test]
fn two_creates_of_one_id_are_one_record() {
    let here = base(1, 1, json!({"name": "A", "city": "X"}));
    let view = seen_as(Some(&here), &[create(1, 1, json!({"name": "A", "phone": "1"}))]);
    assert_eq!((kind(&view), view.fields), (None, Some(fields(json!({"name": "A", "city": "X", "phone": "1"})))));
    let view = seen_as(Some(&here), &[create(1, 1, json!({"name": "B"}))]);
    assert_eq!(asked(&view), [("name".into(), Value::Null, json!("B"), json!("A"))]);
}

#[test]
fn an_update_over_what_was_revoked_is_shown_and_waits() {
    let here = gone(base(1, 1, json!({"name": "A", "phone": "02111"})), Tombstone::Revoked);
    let outbox = [update(1, 1, (1, json!({"phone": "02111"})), json!({"phone": "02112"}))];
    let view = seen_as(Some(&here), &outbox);
    assert_eq!((shown(&view, "name"), shown(&view, "phone"), kind(&view)), (json!("A"), json!("02112"), None));
    assert_eq!(begin_all(&outbox, &[], &bases([here])).send, []);
    let back = base(1, 1, json!({"name": "A", "phone": "02111"}));
    assert_eq!(begin_all(&outbox, &[], &bases([back])).send.len(), 1, "granted again");
}

#[test]
fn a_conflict_is_over_when_theirs_comes_to_equal_mine() {
    let here = base(1, 3, json!({"name": "A", "phone": "mine"}));
    let outbox = [update(1, 1, (1, json!({"phone": "1"})), json!({"phone": "mine"}))];
    assert_eq!(kind(&seen_as(Some(&here), &outbox)), None);
    let begun = begin_all(&outbox, &[], &bases([here]));
    assert_eq!((begun.send.len(), begun.ended.len()), (0, 1));
}

#[test]
fn a_page_that_was_lost_is_no_conflict() {
    let outbox = [
        update(1, 1, (3, json!({"phone": "02111"})), json!({"phone": "02112"})),
        update(2, 1, (3, json!({"city": "X"})), json!({"city": "Y"})),
        update(3, 1, (3, json!({"phone": "02112"})), json!({"phone": "02113"})),
    ];
    let item = begin_all(&outbox, &[], &bases([])).parcels[0].items[0].clone();
    assert_eq!((item.base_version, &item.patch), (Version(3), &fields(json!({"phone": "02113", "city": "Y"}))));
    assert_eq!(item.seen, fields(json!({"phone": "02111", "city": "X"})));
    // From forms that were opened at two versions: named with the newer, it would go over a city that nobody had seen.
    let older = update(2, 1, (2, json!({"city": "X"})), json!({"city": "Y"}));
    let item = begin_all(&[outbox[0].clone(), older], &[], &bases([])).parcels[0].items[0].clone();
    assert_eq!(item.base_version, Version(2));
    // What is a conflict with the base is one without it: then the server must say what it has.
    let again = [delete(1, 1, (3, json!({"city": "X"}))), update(2, 1, (3, json!({"city": "X"})), json!({"city": "Y"}))];
    let item =
        begin_all(&[&again[..], &[create(3, 1, json!({"city": "Z"}))]].concat(), &[], &bases([])).parcels[0].items[0].clone();
    assert_eq!((item.base_version, &item.patch), (Version(0), &fields(json!({"city": "Z"}))));
    let begun = begin_all(&[delete(1, 1, (0, json!({"name": "A"})))], &[], &bases([]));
    assert_eq!((begun.send.len(), begun.ended.len()), (1, 0), "a delete is not dropped because its base is not here");
}

/// A discard is taken back behind a delete whose form saw the edit while that was unsent.
#[test]
fn what_a_form_saw_unsent_is_not_what_the_server_has() {
    let deleted = delete(1, 1, (3, json!({"city": "mine", "name": "A"})));
    let back = update(2, 1, (3, json!({"city": "X"})), json!({"city": "mine"}));
    let other = update(3, 1, (3, json!({"name": "A"})), json!({"name": "B"}));
    let asked = |outbox: &[Change]| {
        let begun = begin_all(outbox, &[], &bases([]));
        assert_eq!(begun.ended, []);
        let item = begun.parcels[0].items[0].clone();
        (item.base_version, item.patch)
    };
    let city = json!({"city": "mine"});
    assert_eq!(asked(&[deleted.clone(), back.clone()]), (Version(0), fields(city)));
    assert_eq!(asked(&[deleted, back, other]), (Version(0), fields(json!({"city": "mine", "name": "B"}))), "nor a part of it");
}

#[test]
fn merged_names_only_what_changed_after_what_i_saw() {
    let here = base(1, 3, json!({"name": "A", "phone": "9", "city": "new", "email": "old", "contact": "old"}));
    let here = changed_at(here, &[("name", 1), ("email", 2), ("contact", 1), ("phone", 3), ("city", 3)]);
    let merged = |seen: u64| {
        let form = update(1, 1, (seen, json!({"phone": "1"})), json!({"phone": "2"}));
        seen_as(Some(&here), &[form]).conflict.unwrap().merged
    };
    assert_eq!(merged(2), ["city"]);
    assert_eq!(merged(1), ["city", "email"]);
    assert_eq!(merged(0), ["city", "email"], "the create was mine");
    let untold = base(1, 3, json!({"name": "A", "phone": "9"}));
    let form = update(1, 1, (1, json!({"phone": "1"})), json!({"phone": "2"}));
    assert_eq!(seen_as(Some(&untold), &[form]).conflict.unwrap().merged, Vec::<String>::new());
}

fn decided(base: &Base, outbox: &[Change], choices: &Choices) -> Resolved {
    let schema = schema();
    let collection = schema.collection("customers").unwrap();
    let stamp = Stamp { row: row(900), copy: id(90), now: NOW, clock_offset_ms: Some(0), schema: 1 };
    let asked = Question { schema: &schema, collection, record: base.id, base: Some(base), shown: base.version, outbox };
    resolve(&asked, choices, stamp).unwrap()
}

#[test]
fn a_decision_keeps_the_group_and_what_rules_set_aside() {
    let here = base(1, 2, json!({"name": "A", "phone": "theirs", "city": "theirs"}));
    let mut form = change(1, 1, "update", (1, json!({"phone": "1", "city": "1"})), json!({"phone": "2", "city": "2"}));
    form.group = group(1);
    let choices: Choices = [("phone".to_owned(), Choice::Mine)].into();
    let resolved = decided(&here, std::slice::from_ref(&form), &choices);
    assert_eq!(resolved.append[0].group, form.group);
    assert_eq!(resolved.set_aside.len(), 1);
    assert_eq!(resolved.set_aside[0].field, "city");
    let (once, twice) = (again(&resolved.ended, 1), again(&resolved.ended, 1));
    assert_eq!(once, twice, "undo pressed twice puts the same row back");
    assert_eq!(once[0].group, form.group);
    assert_ne!(once[0].row, form.row, "the old one may be known as void");
}

#[test]
fn mine_over_a_deleted_record_makes_it_again_whole() {
    let here = gone(base(1, 2, json!({"name": "A", "phone": "02111"})), Tombstone::Deleted);
    let form = update(1, 1, (1, json!({"phone": "02111"})), json!({"phone": "02112"}));
    let choices: Choices = [(WHOLE.to_owned(), Choice::Mine)].into();
    let append = decided(&here, &[form], &choices).append.remove(0);
    let begun = begin_all(&[Change { client_seq: 2, ..append }], &[], &bases([here]));
    assert_eq!(begun.parcels[0].items[0].base_version, Version(2), "over the tombstone");
    assert_eq!(begun.parcels[0].items[0].patch, fields(json!({"name": "A", "phone": "02112"})));
}
