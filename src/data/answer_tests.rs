//! Whatever happened and whatever is asked: a query gives what looking at every record gives.

use std::cmp::Ordering;
use std::rc::Rc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::core::bases::Bases;
use crate::core::outbox::{Change, Seen};
use crate::core::protocol::Action;
use crate::core::record::{Base, RowId, Seq, Tombstone, Version};
use crate::core::rows::{End, HistoryRow};
use crate::core::schema::{Mode, Schema};
use crate::data::fold::fold;
use crate::data::key::tests::order;
use crate::data::page_set::Put;
use crate::data::stored::Stored;

/// `name`, `city` and `visits` have indexes, `about` has none.
const SCHEMA: &str = r#"{"schema": 1, "collections": [
    {"name": "notes", "title": "name", "indexes": ["name", "city", "visits"], "fields": {
        "name": {"type": "string"}, "city": {"type": "string"}, "visits": {"type": "integer"}, "about": {"type": "string"},
        "friend": {"type": "reference", "refers_to": "notes"}, "others": {"type": "array", "refers_to": "notes"}}},
    {"name": "other", "title": "name", "indexes": ["name"], "fields": {"name": {"type": "string"}}}]}"#;

#[derive(Clone, Debug)]
enum Event {
    /// The server has it so.
    Based(u8, Fields, Option<Tombstone>),
    /// So many records at once, as a page has them.
    Pulled(u8, Fields),
    Saved(u8, Action, Fields),
    /// One of the changes ends.
    Ended(usize),
    /// The outbox is taken whole.
    Anew,
    Asked(serde_json::Value),
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(json!(null)),
        prop::sample::select(vec!["Ärni", "arni", "arnia", "B", "b", "PT C", ""]).prop_map(|text| json!(text)),
        (-1i64..3).prop_map(|number| json!(number)),
    ]
}

fn fields() -> impl Strategy<Value = Fields> {
    let names = prop::sample::select(vec!["name", "city", "visits", "about"]);
    prop::collection::vec((names, value()), 0..5)
        .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn condition() -> impl Strategy<Value = serde_json::Value> {
    let names = || prop::sample::select(vec!["name", "city", "visits", "about"]);
    let test = prop_oneof![
        value(),
        (prop::sample::select(vec!["lt", "lte", "gt", "gte", "ne", "eq"]), value())
            .prop_map(|(operator, value)| json!({operator: value})),
        prop::collection::vec(value(), 0..3).prop_map(|values| json!({"in": values})),
        prop::sample::select(vec!["", "a", "ARN", "pt "]).prop_map(|text| json!({"prefix": text})),
        prop::sample::select(vec!["n", "c"]).prop_map(|text| json!({"contains": text})),
        any::<bool>().prop_map(|exists| json!({"exists": exists})),
        (value(), value()).prop_map(|(low, high)| json!({"gte": low, "lt": high})),
    ];
    let fields = prop::collection::btree_map(names(), test, 0..3).prop_map(|fields| json!(fields));
    fields.prop_recursive(2, 6, 2, |inner| {
        let many = || prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            many().prop_map(|parts| json!({"and": parts})),
            many().prop_map(|parts| json!({"or": parts})),
            inner.clone().prop_map(|part| json!({"not": part})),
        ]
    })
}

fn asked() -> impl Strategy<Value = serde_json::Value> {
    let sort = prop::sample::subsequence(vec!["name", "-name", "-city", "visits", "-visits", "about"], 0..3).prop_shuffle();
    let after = prop::option::of((0u8..12, fields()).prop_map(|(record, fields)| json!({"id": id(record), "fields": fields})));
    (condition(), sort, prop::option::of(0usize..6), after, any::<bool>()).prop_map(|(conditions, sort, limit, after, deleted)| {
        json!({"where": conditions, "sort": sort, "limit": limit, "after": after, "withDeleted": deleted})
    })
}

fn event() -> impl Strategy<Value = Event> {
    let tombstone =
        prop::sample::select(vec![None, None, None, Some(Tombstone::Deleted), Some(Tombstone::Revoked), Some(Tombstone::Left)]);
    let action = prop::sample::select(vec![Action::Create, Action::Update, Action::Update, Action::Delete]);
    prop_oneof![
        3 => (0u8..12, fields(), tombstone).prop_map(|(record, fields, tombstone)| Event::Based(record, fields, tombstone)),
        1 => (0u8..40, fields()).prop_map(|(count, fields)| Event::Pulled(count, fields)),
        3 => (0u8..12, action, fields()).prop_map(|(record, action, fields)| Event::Saved(record, action, fields)),
        1 => (0usize..6).prop_map(Event::Ended),
        1 => Just(Event::Anew),
        6 => asked().prop_map(Event::Asked),
    ]
}

fn id(record: u8) -> RecordId {
    RecordId::new(Millis(0), [0, u64::from(record)])
}

fn base(record: u8, fields: Fields, tombstone: Option<Tombstone>, seq: u64) -> Base {
    let fields = crate::core::record::normalise(fields);
    let (at, by, changed, normalised) = (Millis(0), None, BTreeMap::new(), BTreeMap::new());
    Base {
        id: id(record),
        version: Version(seq),
        seq: Seq(seq),
        at,
        by,
        changed,
        tombstone,
        fields,
        normalised,
        doubted: Vec::new(),
    }
}

struct World {
    tables: Tables,
    changes: Vec<Change>,
    seq: u64,
}

impl World {
    fn new() -> Self {
        Self { tables: Tables::new(Rc::new(Schema::parse(SCHEMA).unwrap())), changes: vec![], seq: 0 }
    }

    fn saved(&mut self, record: u8, action: Action, written: Fields) {
        self.seq += 1;
        let written = if action == Action::Delete { Fields::new() } else { written };
        let version = Version(u64::from(action != Action::Create));
        let change = Change {
            client_seq: self.seq,
            row: RowId::new(Millis(0), [1, self.seq]),
            collection: "notes".into(),
            record: id(record),
            action,
            seen: Seen { version, fields: Fields::new() },
            written,
            group: None,
            schema: 1,
            saved_at: Millis(1),
            clock_offset_ms: None,
            hold_until: None,
            mode: Mode::Optimistic,
        };
        self.changes.push(change.clone());
        self.tables.take_change(change);
    }

    fn happen(&mut self, event: Event) {
        self.seq += 1;
        match event {
            Event::Based(record, fields, tombstone) => self.tables.put("notes", base(record, fields, tombstone, self.seq)),
            Event::Pulled(count, fields) => {
                let put: Vec<_> = (0..count)
                    .map(|record| ("notes".to_owned(), Rc::new(Stored::from(base(record, fields.clone(), None, self.seq)))))
                    .collect();
                self.tables.take_put(&[], &Put { put, removed: Vec::new() });
            }
            Event::Saved(record, action, fields) => self.saved(record, action, fields),
            Event::Ended(place) if place < self.changes.len() => {
                let change = self.changes.remove(place);
                let ended = vec![crate::core::push::ended(&change, End::Discarded)];
                self.tables.take_history(&HistoryRow { ended, ..crate::core::finish::empty_history(Millis(0)) });
            }
            Event::Ended(_) => {}
            Event::Anew => {
                self.tables.clear_outbox();
                self.changes.iter().for_each(|change| self.tables.take_change(change.clone()));
            }
            Event::Asked(query) => self.check(&query),
        }
    }

    /// The same by looking at every record, value by value.
    fn naive(&self, query: &Query) -> Vec<RecordView> {
        let records = (0..40).filter_map(|record| self.tables.record("notes", id(record), query.with_deleted, Millis(2)));
        let mut found: Vec<_> = records.filter(|record| query.conditions.holds(&record.fields)).collect();
        let by = |a: (&Fields, RecordId), b: (&Fields, RecordId)| {
            let of_field = |sort: &crate::data::query::Sort| {
                let order = order(field(a.0, &sort.field), field(b.0, &sort.field));
                if sort.descending { order.reverse() } else { order }
            };
            query.sort.iter().map(of_field).find(|order| order.is_ne()).unwrap_or(Ordering::Equal).then(a.1.cmp(&b.1))
        };
        found.sort_by(|a, b| by((&a.fields, a.id), (&b.fields, b.id)));
        let count = found.len();
        if let Some(after) = &query.after {
            found.retain(|record| by((&record.fields, record.id), (&after.fields, after.id)).is_gt());
        }
        found.truncate(query.limit.unwrap_or(count));
        found
    }

    fn check(&mut self, asked: &serde_json::Value) {
        let query: Query = serde_json::from_value(asked.clone()).unwrap();
        let expected = self.naive(&query);
        assert_eq!(self.tables.list("notes", &query, Millis(2)), expected, "{asked}");
        let all = Query { limit: None, after: None, ..query.clone() };
        assert_eq!(self.tables.count("notes", &query), self.naive(&all).len(), "the count of {asked}");
    }
}

proptest! {
    #[test]
    fn with_indexes_and_without_a_query_gives_the_same(events in prop::collection::vec(event(), 0..60)) {
        let mut world = World::new();
        events.into_iter().for_each(|event| world.happen(event));
    }
}

fn named(name: &str) -> Fields {
    Fields::from_iter([("name".to_owned(), json!(name))])
}

fn names(world: &mut World, query: serde_json::Value) -> Vec<String> {
    let query: Query = serde_json::from_value(query).unwrap();
    let found = world.tables.list("notes", &query, Millis(2));
    found.iter().map(|record| record.fields["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn accents_and_case_do_not_count_in_sorting_and_pages_go_on_among_equals() {
    let mut world = World::new();
    for (record, name) in ["Öl", "oa", "PT B", "oz", "pt a", "OA"].into_iter().enumerate() {
        world.happen(Event::Based(u8::try_from(record).unwrap(), named(name), None));
    }
    assert_eq!(names(&mut world, json!({"sort": ["name"]})), ["oa", "OA", "Öl", "oz", "pt a", "PT B"]);
    assert_eq!(
        names(&mut world, json!({"sort": ["name"], "limit": 2, "after": {"id": id(1), "fields": named("oa")}})),
        ["OA", "Öl"]
    );
    assert_eq!(names(&mut world, json!({"where": {"name": {"prefix": "Pt"}}, "sort": ["-name"]})), ["PT B", "pt a"]);
}

#[test]
fn a_page_along_an_index_looks_at_few_records() {
    let mut world = World::new();
    for record in 0..40 {
        world.happen(Event::Based(record, named(&format!("{record:02} {}", fold("É"))), None));
    }
    let query: Query = serde_json::from_value(json!({"sort": ["-name"], "limit": 3})).unwrap();
    world.tables.prepare_for("notes", &query);
    assert!(matches!(world.tables.way("notes", &query), Way::Along(_)));
    let narrow: Query =
        serde_json::from_value(json!({"where": {"city": "x", "about": "y"}, "sort": ["name"], "limit": 3})).unwrap();
    world.tables.prepare_for("notes", &narrow);
    assert!(
        matches!(world.tables.way("notes", &narrow), Way::Some(Parts { count: 0, .. })),
        "nobody is there: nobody is looked at"
    );
}

#[test]
fn what_a_record_refers_to_comes_with_it() {
    let mut world = World::new();
    world.happen(Event::Based(1, named("one"), None));
    world.happen(Event::Based(2, named("two"), Some(Tombstone::Deleted)));
    let both = json!({"name": "three", "friend": id(1), "others": [id(2), id(1), id(9)]});
    world.happen(Event::Based(3, both.as_object().unwrap().clone(), None));
    let query: Query = serde_json::from_value(json!({"where": {"name": "three"}, "include": ["friend", "others"]})).unwrap();
    let found = world.tables.list("notes", &query, Millis(2));
    let told = serde_json::to_value(&found[0]).unwrap();
    assert_eq!(told["included"]["friend"]["fields"]["name"], "one");
    assert_eq!(told["included"]["others"].as_array().unwrap().len(), 1, "what is deleted or not here is left out");
}
