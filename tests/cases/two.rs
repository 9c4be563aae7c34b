//! Two creates of one id, of which a person says that they are two records.

use fieldsync::core::outbox::Change;
use fieldsync::core::record::{Base, Tombstone, Version};
use fieldsync::core::resolve::{Choice, Choices, Question, ResolveError, Resolved, Stamp, WHOLE, again, can_be_undone, resolve};
use fieldsync::core::rows::End;
use serde_json::{Value, json};

use super::world::{NOW, base, change_in, create, delete, fields, gone, group, id, row, schema, seen_as, update, visit};

const COPY: u64 = 90;

fn two(base: &Base, outbox: &[Change]) -> Result<Resolved, ResolveError> {
    let schema = schema();
    let collection = schema.collection("customers").unwrap();
    let stamp = Stamp { row: row(900), copy: id(COPY), now: NOW, clock_offset_ms: Some(0), schema: 1 };
    let choices: Choices = [(WHOLE.to_owned(), Choice::Two)].into();
    let asked = Question { schema: &schema, collection, record: base.id, base: Some(base), shown: base.version, outbox };
    resolve(&asked, &choices, stamp)
}

fn theirs() -> Base {
    base(1, 1, json!({"name": "Theirs", "city": "X", "visits": 4}))
}

fn is_made_twice(base: Option<&Base>, changes: &[Change]) -> bool {
    seen_as(base, changes).conflict.is_some_and(|conflict| conflict.made_twice)
}

#[test]
fn only_a_create_over_a_record_of_theirs_may_be_two() {
    assert!(is_made_twice(Some(&theirs()), &[create(1, 1, json!({"name": "Mine"}))]));
    let edit = update(1, 1, (0, json!({"name": "A"})), json!({"name": "Mine"}));
    assert!(!is_made_twice(Some(&theirs()), std::slice::from_ref(&edit)), "an edit is of their record");
    assert_eq!(two(&theirs(), &[edit]), Err(ResolveError::Incomplete));
    let deleted = gone(theirs(), Tombstone::Deleted);
    let mine = [create(1, 1, json!({"name": "Mine"}))];
    assert!(!is_made_twice(Some(&deleted), &mine), "there is only mine: it is restored, or not");
    assert_eq!(two(&deleted, &mine), Err(ResolveError::Incomplete));
}

#[test]
fn mine_becomes_a_copy_without_theirs_and_what_names_it_follows_in_order() {
    let mut made = create(1, 1, json!({"name": "Mine", "visits": 1}));
    made.group = group(1);
    let mut logged = visit(2, 20, 1);
    logged.group = group(1);
    let outbox = [
        made,
        logged,
        visit(3, 21, 2),
        update(4, 1, (1, json!({"phone": null})), json!({"phone": "02111"})),
        change_in("activities", 5, 20, "update", (0, json!({"note": null})), json!({"note": "n"})),
        // Somebody else's deal, which names their record: I give it to another.
        change_in("pipelines", 6, 30, "update", (1, json!({"customer": id(1)})), json!({"customer": id(2)})),
        // And one of another that I give to mine, and back.
        change_in("pipelines", 7, 31, "update", (1, json!({"customer": id(2)})), json!({"customer": id(1)})),
        change_in("pipelines", 8, 31, "update", (1, json!({"customer": id(1)})), json!({"customer": id(2)})),
    ];
    let resolved = two(&theirs(), &outbox).unwrap();
    let ended: Vec<u64> = resolved.ended.iter().map(|ended| ended.client_seq).collect();
    assert_eq!(ended, [1, 2, 4, 5, 7, 8], "what does not name mine stays as it is");
    assert!(resolved.ended.iter().all(|ended| ended.end == End::Resolved));
    let [copy, logged, noted, given, back] = &resolved.append[..] else { panic!("{:?}", resolved.append) };
    assert_eq!((copy.record, copy.seen.version, copy.group), (id(COPY), Version(0), group(1)));
    assert_eq!(copy.written, fields(json!({"name": "Mine", "visits": 1, "phone": "02111"})), "nothing of theirs");
    assert_eq!((logged.record, &logged.written["customer"], logged.group), (id(20), &json!(id(COPY)), group(1)));
    assert_eq!((noted.record, &noted.written), (id(20), &fields(json!({"note": "n"}))), "behind its create");
    assert_eq!((&given.seen.fields["customer"], &given.written["customer"]), (&json!(id(2)), &json!(id(COPY))));
    assert_eq!((&back.seen.fields["customer"], &back.written["customer"]), (&json!(id(COPY)), &json!(id(2))), "it saw mine");
}

/// Every row id is new, also those of an undo of the undo: a row id that was used is taken for what it was.
#[test]
fn no_row_id_is_used_twice() {
    let outbox = [create(1, 1, json!({"name": "Mine"})), visit(2, 20, 1), visit(3, 21, 1), visit(4, 22, 1)];
    let resolved = two(&theirs(), &outbox).unwrap();
    let appended = resolved.append.iter().map(|change| change.row);
    let ended: Vec<_> = resolved.append.iter().map(|change| fieldsync::core::push::ended(change, End::Discarded)).collect();
    let again = [again(&resolved.ended, 1), again(&ended, 1)].concat();
    let mut rows: Vec<_> =
        outbox.iter().map(|change| change.row).chain(appended).chain(again.iter().map(|change| change.row)).collect();
    let count = rows.len();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), count);
}

#[test]
fn it_is_undone_only_while_nothing_builds_on_the_copy() {
    let outbox = [create(1, 1, json!({"name": "Mine"})), visit(2, 20, 1)];
    let resolved = two(&theirs(), &outbox).unwrap();
    let rows: Vec<_> = resolved.append.iter().map(|change| change.row).collect();
    let can = |outbox: &[Change]| can_be_undone(&schema(), outbox, &rows);
    assert!(can(&resolved.append));
    let with = |change: Change| [&resolved.append[..], &[change]].concat();
    assert!(can(&with(visit(9, 23, 2))), "another's visit");
    assert!(!can(&with(visit(9, 23, COPY))), "a visit to it would be left behind");
    assert!(!can(&with(update(9, COPY, (0, json!({"name": "Mine"})), json!({"name": "M"})))), "so would an edit");
    assert!(!can(&with(delete(9, COPY, (0, Value::Object(fields(json!({"name": "Mine"}))))))));
    assert!(!can(&resolved.append[..1]), "a part has gone already");
}
