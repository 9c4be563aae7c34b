//! What is found and in which order; and that the index, however it came about, is that of the records as they are.

use std::rc::Rc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::core::bases::Bases;
use crate::core::record::{Base, Seq, Tombstone, Version};
use crate::core::schema::Schema;

fn id(record: u8) -> RecordId {
    RecordId::new(Millis(0), [0, u64::from(record)])
}

fn tables() -> Tables {
    Tables::new(Rc::new(Schema::parse(include_str!("../../www/schema.json")).unwrap()))
}

fn put(tables: &mut Tables, collection: &str, record: u8, fields: Value, tombstone: Option<Tombstone>) {
    let fields = fields.as_object().unwrap().clone();
    let (at, by, changed, normalised) = (Millis(0), None, BTreeMap::new(), BTreeMap::new());
    let base = Base {
        id: id(record),
        version: Version(1),
        seq: Seq(1),
        at,
        by,
        changed,
        tombstone,
        fields,
        normalised,
        doubted: Vec::new(),
    };
    tables.put(collection, base);
}

/// Customers of these names.
fn named(names: &[&str]) -> Tables {
    let mut tables = tables();
    for (record, name) in (0u8..).zip(names) {
        put(&mut tables, "customers", record, json!({"name": name}), None);
    }
    tables
}

fn found(tables: &mut Tables, query: Value) -> Vec<String> {
    let query: Query = serde_json::from_value(query).unwrap();
    let found = tables.list("customers", &query, Millis(2));
    found.iter().map(|record| record.fields["name"].as_str().unwrap().to_owned()).collect()
}

fn search(tables: &mut Tables, text: &str) -> Vec<String> {
    found(tables, json!({"search": text}))
}

#[test]
fn case_accents_legal_forms_and_spaces_do_not_count() {
    let mut tables = named(&["PT Café Ülük", "Toko Sumber Jaya Tbk", "CV Sumberjaya"]);
    assert_eq!(search(&mut tables, "CAFE uluk"), ["PT Café Ülük"]);
    assert_eq!(search(&mut tables, "CV. Café"), ["PT Café Ülük"], "a legal form that is another");
    assert_eq!(search(&mut tables, "sumberjaya"), ["Toko Sumber Jaya Tbk", "CV Sumberjaya"]);
    assert_eq!(search(&mut tables, "Toko Sumber Jaya"), ["Toko Sumber Jaya Tbk", "CV Sumberjaya"]);
    assert_eq!(search(&mut tables, "toko"), ["Toko Sumber Jaya Tbk"], "there is nothing else to look for");
}

#[test]
fn a_phone_number_is_found_in_any_spelling() {
    let mut tables = tables();
    put(&mut tables, "customers", 1, json!({"name": "A", "phone": "+6281234567890"}), None);
    put(&mut tables, "customers", 2, json!({"name": "B", "notes": "Telepon 0812 3456 7891, pagi"}), None);
    put(&mut tables, "customers", 3, json!({"name": "C", "code": "JKT-00812"}), None);
    for text in ["+62 812-3456-7890", "0812 3456 7890", "62 (812) 34567890", "081234567890", "81234567890"] {
        assert_eq!(search(&mut tables, text), ["A"], "{text}");
    }
    assert_eq!(search(&mut tables, "0812 345"), ["A", "B"]);
    assert_eq!(search(&mut tables, "0812 3456 7899"), [""; 0], "another number is no typo");
    assert_eq!(search(&mut tables, "JKT-00812"), ["C"]);
}

#[test]
fn one_typo_or_two_by_length_and_none_in_short_words() {
    let mut tables = named(&["PT Askrindo Nusantara", "Toko Jaya", "CV Abc"]);
    for text in ["askrnido", "askrindo nusantra", "akrindoo", "nusanttarra", "askrimd"] {
        assert_eq!(search(&mut tables, text), ["PT Askrindo Nusantara"], "{text}");
    }
    assert_eq!(search(&mut tables, "jayq"), ["Toko Jaya"]);
    for text in ["abd", "jqyq", "asxxindo nusantara xyz", "askxxxdo"] {
        assert_eq!(search(&mut tables, text), [""; 0], "{text}");
    }
}

#[test]
fn exact_before_begun_before_typo_and_the_name_before_the_rest() {
    let mut tables = named(&["Sinaran", "Toko Maju Sinar", "Sinar", "PT Sinar Abadi", "Siner"]);
    put(&mut tables, "customers", 9, json!({"name": "Zz", "contact": "Sinar"}), None);
    assert_eq!(search(&mut tables, "sinar"), ["Sinar", "PT Sinar Abadi", "Toko Maju Sinar", "Zz", "Sinaran"]);
    assert_eq!(search(&mut tables, "sinar maju"), ["Toko Maju Sinar"], "all words");
    put(&mut tables, "customers", 9, json!({"name": "Zz"}), None);
    assert_eq!(
        search(&mut tables, "sinar"),
        ["Sinar", "PT Sinar Abadi", "Toko Maju Sinar", "Sinaran", "Siner"],
        "few: with typos"
    );
}

#[test]
fn conditions_pages_sorting_and_counts_go_with_words() {
    let mut tables = named(&["Sinar A", "Sinar B", "Sinar C", "Bulan"]);
    assert_eq!(found(&mut tables, json!({"search": "sinar", "where": {"name": {"gt": "sinar a"}}, "limit": 1})), ["Sinar B"]);
    assert_eq!(found(&mut tables, json!({"search": "sinar", "after": {"id": id(0)}, "limit": 1})), ["Sinar B"]);
    assert_eq!(found(&mut tables, json!({"search": "sinar", "sort": ["-name"], "limit": 2})), ["Sinar C", "Sinar B"]);
    assert_eq!(found(&mut tables, json!({"search": " - ", "limit": 9})).len(), 4, "nothing to look for is no condition");
    let query: Query = serde_json::from_value(json!({"search": "sinar", "limit": 1})).unwrap();
    assert_eq!(tables.count("customers", &query), 3);
}

#[test]
fn several_collections_are_searched_and_what_nobody_writes_is_left_out() {
    let mut tables = tables();
    put(&mut tables, "customers", 1, json!({"name": "Sinar"}), None);
    put(&mut tables, "activities", 2, json!({"subject": "Kunjungan ke Sinar"}), None);
    put(&mut tables, "settings", 3, json!({"company": "Sinar"}), None);
    let mut names = |collections: &[&str]| -> Vec<String> {
        let collections: Vec<String> = collections.iter().map(|name| (*name).to_owned()).collect();
        tables.search("sinar", &collections, 10, Millis(2)).into_iter().map(|record| record.collection).collect()
    };
    assert_eq!(names(&[]), ["customers", "activities"]);
    assert_eq!(names(&["activities", "settings"]), ["settings", "activities"]);
}

#[test]
fn what_is_not_indexed_yet_is_told_and_comes_in_slices() {
    let mut tables = tables();
    assert_eq!(tables.search_step(10), 0, "nobody has looked for anything");
    for record in 0..=255 {
        put(&mut tables, "customers", record, json!({"name": "a"}), None);
        put(&mut tables, "pipelines", record, json!({"title": "a"}), None);
    }
    assert_eq!(search(&mut tables, "a").len(), 256);
    assert_eq!(tables.search_pending(), 512 - PENDING_AT_ONCE);
    assert_eq!(tables.search_step(200), 12);
    assert_eq!(tables.search_step(200), 0);
    put(&mut tables, "pipelines", 1, json!({"title": "bulan"}), None);
    assert_eq!(tables.search_pending(), 1);
    assert_eq!(tables.search("bulan", &[], 9, Millis(2)).len(), 1, "what was just changed is found");
}

fn words_of() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["maju", "Máju", "majuu", "abadi", "abady", "PT", "sumber", "jaya", "0812 345678", "7"]);
    prop::collection::vec(word, 1..4).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn an_index_that_was_kept_up_is_one_made_anew(
        changes in prop::collection::vec((0u8..6, words_of(), any::<bool>(), prop::option::of(words_of())), 1..30),
        last in words_of(),
    ) {
        let mut kept = tables();
        let mut now = BTreeMap::new();
        for (record, name, is_gone, asked) in changes {
            let tombstone = is_gone.then_some(Tombstone::Deleted);
            put(&mut kept, "customers", record, json!({"name": name}), tombstone);
            now.insert(record, (name, tombstone));
            if let Some(text) = asked {
                search(&mut kept, &text);
            }
        }
        let mut anew = tables();
        for (record, (name, tombstone)) in now {
            put(&mut anew, "customers", record, json!({"name": name}), tombstone);
        }
        prop_assert_eq!(search(&mut kept, &last), search(&mut anew, &last));
    }
}
