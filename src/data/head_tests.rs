//! Which lists have a head, what is in it, and what is none.

use std::rc::Rc;

use serde_json::{Value, json};

use super::*;
use crate::core::schema::Schema;

const NOW: Millis = Millis(9);

fn of() -> HeadsOf {
    HeadsOf { user: UserId(uuid::Uuid::nil()), schema: 1, selection: Selection::default() }
}

fn query(value: &Value) -> (String, Query) {
    (value.to_string(), serde_json::from_value(value.clone()).unwrap())
}

fn base(n: i64, fields: Value) -> Base {
    let id = RecordId::new(Millis(n), [0, 0]);
    serde_json::from_value(json!({"id": id, "version": 1, "seq": n, "at": n, "fields": fields})).unwrap()
}

/// So many customers, and a deal with each.
fn tables(count: i64, notes: usize) -> Tables {
    let mut tables = Tables::new(Rc::new(Schema::parse(include_str!("../../www/schema.json")).unwrap()));
    for n in 1..=count {
        let customer = base(n, json!({"name": format!("PT {n:03}"), "notes": "x".repeat(notes)}));
        let deal = base(n + 1_000, json!({"title": format!("Kopi {n:03}"), "customer": customer.id, "stage": "lead"}));
        tables.take_head(vec![("customers".into(), vec![customer]), ("pipelines".into(), vec![deal])]);
    }
    tables
}

fn asked(queries: &[(&str, Value)]) -> Questions {
    let mut questions = Questions::default();
    for (collection, value) in queries {
        let (text, query) = query(value);
        questions.ask(collection, &text, &query);
    }
    questions
}

fn ids(heads: &Heads, collection: &str) -> usize {
    heads.bases.iter().filter(|(name, _)| name == collection).map(|(_, bases)| bases.len()).sum()
}

#[test]
fn the_last_first_pages_are_remembered_and_no_other_lists() {
    let mut questions = Questions::default();
    let mut ask = |value: Value| {
        let (text, query) = query(&value);
        questions.ask("customers", &text, &query)
    };
    for other in [json!({}), json!({"limit": 201}), json!({"limit": 5, "search": "kopi"})] {
        assert!(!ask(other.clone()), "{other}");
    }
    let id = RecordId::new(NOW, [0, 0]);
    assert!(!ask(json!({"limit": 5, "after": {"id": id}})));
    for limit in 1..=4 {
        assert!(ask(json!({"limit": limit})));
    }
    assert!(!ask(json!({"limit": 1})), "known");
    assert!(ask(json!({"limit": 200})));
    let limits: Vec<&str> = questions.all().map(|asked| asked.query.as_str()).collect();
    let kept =
        [json!({"limit": 200}), json!({"limit": 1}), json!({"limit": 4}), json!({"limit": 3})].map(|query| query.to_string());
    assert_eq!(limits, kept, "the one that was asked for longest ago is not");
    assert!(questions.has("customers", &kept[1]) && !questions.has("pipelines", &kept[1]));
}

#[test]
fn heads_have_what_their_lists_show_and_what_that_includes() {
    let mut tables = tables(9, 10);
    let lists = [
        ("pipelines", json!({"sort": ["-title"], "limit": 2, "include": ["customer"]})),
        ("customers", json!({"sort": ["name"], "limit": 3})),
    ];
    let questions = asked(&lists);
    let bytes = encode(&mut tables, &questions, &of(), NOW, |_| true).unwrap();
    let heads = decode(&bytes, &of()).unwrap();
    assert_eq!((ids(&heads, "customers"), ids(&heads, "pipelines")), (5, 2));
    assert_eq!(heads.questions, questions);

    let mut first = Tables::new(Rc::new(tables.schema().clone()));
    first.take_head(heads.bases);
    for (collection, value) in lists {
        let (_, query) = query(&value);
        assert_eq!(first.list(collection, &query, NOW), tables.list(collection, &query, NOW));
    }
    let whole = |name: &str| name == "customers";
    let heads = decode(&encode(&mut tables, &questions, &of(), NOW, whole).unwrap(), &of()).unwrap();
    assert_eq!(
        (ids(&heads, "customers"), ids(&heads, "pipelines")),
        (3, 0),
        "none of what is not whole, or includes what is not"
    );
}

#[test]
fn heads_are_no_larger_than_allowed_and_the_last_ones_come_first() {
    let mut tables = tables(90, 4_000);
    let questions =
        asked(&[("customers", json!({"sort": ["-name"], "limit": 40})), ("customers", json!({"sort": ["name"], "limit": 40}))]);
    let bytes = encode(&mut tables, &questions, &of(), NOW, |_| true).unwrap();
    assert!(bytes.len() <= HEADS_BYTES_MAX);
    let heads = decode(&bytes, &of()).unwrap();
    assert_eq!(heads.questions, asked(&[("customers", json!({"sort": ["name"], "limit": 40}))]));
    let large = asked(&[("customers", json!({"limit": 90}))]);
    assert_eq!(encode(&mut tables, &large, &of(), NOW, |_| true), None);
}

#[test]
fn what_is_damaged_or_for_others_is_none() {
    let mut tables = tables(3, 10);
    let bytes = encode(&mut tables, &asked(&[("customers", json!({"limit": 3}))]), &of(), NOW, |_| true).unwrap();
    assert!(decode(&bytes, &of()).is_some());
    assert!(decode(&bytes, &HeadsOf { schema: 2, ..of() }).is_none());
    for length in 0..bytes.len() {
        assert!(decode(&bytes[..length], &of()).is_none(), "{length}");
    }
    let begin = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for at in begin..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(decode(&damaged, &of()).is_none(), "{at}");
    }
}
