//! What a schema file may say of a merge.

use super::*;
use serde_json::json;

fn parse(field: &str, spec: &Value) -> Result<Schema, SchemaError> {
    let fields = json!({"name": {"type": "string"}, (field): spec});
    Schema::parse(&json!({"schema": 1, "collections": [{"name": "c", "title": "name", "fields": fields}]}).to_string())
}

/// A policy that its values do not know would ask for ever, or compare stages by their letters.
#[test]
fn a_policy_must_mean_something_for_the_type() {
    let values = json!(["a", "b"]);
    for (kind, policy) in [
        ("string", "sum"),
        ("string", "max"),
        ("string", "forward"),
        ("string", "union"),
        ("enum", "max"),
        ("enum", "append"),
        ("time", "sum"),
        ("array", "append"),
        ("object", "min"),
        ("boolean", "sum"),
    ] {
        let refused = parse("f", &json!({"type": kind, "policy": policy, "values": values}));
        assert_eq!(refused, Err(SchemaError::Policy("c".into(), "f".into())), "{kind} {policy}");
    }
    for (kind, policy) in [
        ("date", "max"),
        ("time", "min"),
        ("integer", "sum"),
        ("number", "sum"),
        ("array", "union"),
        ("string", "append"),
        ("enum", "forward"),
        ("object", "server"),
        ("boolean", "latest"),
    ] {
        assert!(parse("f", &json!({"type": kind, "policy": policy, "values": values})).is_ok(), "{kind} {policy}");
    }
    assert!(parse("f", &json!({"type": "enum", "policy": "forward"})).is_err(), "stages without an order");
}

#[test]
fn only_an_object_has_members_and_only_a_member_has_a_dot() {
    assert!(parse("f", &json!({"type": "object", "by_member": true, "policy": "mine"})).is_ok());
    let wrong = Err(SchemaError::Policy("c".into(), "f".into()));
    assert_eq!(parse("f", &json!({"type": "array", "by_member": true})), wrong);
    assert_eq!(parse("f", &json!({"type": "object", "by_member": true, "policy": "latest"})), wrong, "no member has a time");
    assert_eq!(parse("f.g", &json!({"type": "string"})), Err(SchemaError::Dot("c".into(), "f.g".into())));
}

#[test]
fn a_list_of_ids_refers_to_each() {
    let schema = parse("f", &json!({"type": "array", "policy": "union", "refers_to": "c"})).unwrap();
    let (one, two) = ("01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000002");
    let Value::Object(fields) = json!({"f": [one, two, "x"], "name": one}) else { unreachable!() };
    let found: Vec<String> = schema.collections[0].references(&fields).map(|(_, _, id)| id.to_string()).collect();
    assert_eq!(found, [one, two]);
}

#[test]
fn a_field_is_named_so_that_a_query_can_name_it() {
    for name in ["and", "or", "not"] {
        assert_eq!(parse(name, &json!({"type": "string"})), Err(SchemaError::Reserved("c".into(), name.into())));
    }
}
