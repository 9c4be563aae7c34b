//! What a new customer may be a second of, and why.

use std::rc::Rc;

use serde_json::json;

use super::*;
use crate::core::bases::Bases;
use crate::core::record::{Base, Seq, Version};
use crate::core::schema::Schema;

fn id(record: u8) -> RecordId {
    RecordId::new(Millis(0), [0, u64::from(record)])
}

fn tables(customers: &[Value]) -> Tables {
    let mut tables = Tables::new(Rc::new(Schema::parse(include_str!("../../www/schema.json")).unwrap()));
    for (record, fields) in (0u8..).zip(customers) {
        let fields = fields.as_object().unwrap().clone();
        let (at, by, changed, normalised, tombstone) = (Millis(0), None, BTreeMap::new(), BTreeMap::new(), None);
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
        tables.put("customers", base);
    }
    tables
}

/// The names that are found, each with its reasons.
fn told(tables: &mut Tables, fields: Value, own: Option<RecordId>) -> Vec<String> {
    let found = tables.duplicates("customers", fields.as_object().unwrap(), own, 5, Millis(2));
    let reason = |reason: &Reason| format!("{} {:?}", reason.field, reason.kind);
    let words = |one: &Duplicate| {
        format!(
            "{}: {}",
            one.record.fields["name"].as_str().unwrap(),
            one.reasons.iter().map(reason).collect::<Vec<_>>().join(", ")
        )
    };
    found.iter().map(words).collect()
}

#[test]
fn a_name_is_alike_whatever_its_legal_form_spaces_and_a_typo() {
    let mut tables = tables(&[json!({"name": "PT Sumber Jaya"}), json!({"name": "Toko Maju"})]);
    for name in ["CV Sumber Jaya", "sumberjaya", "PT. SUMBER JAYA Tbk"] {
        assert_eq!(told(&mut tables, json!({"name": name}), None), ["PT Sumber Jaya: name Same"], "{name}");
    }
    for name in ["PT Sumbre Jaya", "Sumber Jay", "Sumber J", "Sumber Jayaa"] {
        assert_eq!(told(&mut tables, json!({"name": name}), None), ["PT Sumber Jaya: name Similar"], "{name}");
    }
    for name in ["Sumber", "PT", "Sumber Makmur", "Jaya Sumber Abadi"] {
        assert_eq!(told(&mut tables, json!({"name": name}), None), [""; 0], "{name}");
    }
}

#[test]
fn what_identifies_is_compared_in_one_spelling_and_weighs_more() {
    let known =
        json!({"name": "PT A", "phone": "+6281234567890", "email": "a.b@toko.example", "code": "JKT-00001", "city": "Jakarta"});
    let mut tables = tables(&[json!({"name": "Budi Jaya"}), known, json!({"name": "B", "notes": "0812-3456-7890"})]);
    let same = |field: &str| vec![format!("PT A: {field} Same")];
    assert_eq!(
        told(&mut tables, json!({"phone": "0812 3456-7890"}), None),
        same("phone"),
        "in notes it is no phone number of the record"
    );
    assert_eq!(told(&mut tables, json!({"email": "A.B@Toko.example"}), None), same("email"));
    assert_eq!(told(&mut tables, json!({"code": "jkt-00001"}), None), same("code"));
    assert_eq!(told(&mut tables, json!({"city": "Jakarta", "email": "b.a@toko.example", "phone": "0812"}), None), [""; 0]);
    let both = told(&mut tables, json!({"name": "Budi Jaya", "phone": "081234567890"}), None);
    assert_eq!(both, ["PT A: phone Same", "Budi Jaya: name Same"]);
    assert_eq!(told(&mut tables, json!({"name": "Budi Jaya"}), Some(id(0))), [""; 0], "nobody is a second of themselves");
}
