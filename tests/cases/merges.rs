//! The table of merges, `merges.md`, row by row.

use fieldsync::core::outbox::Change;
use fieldsync::core::record::{Base, Changed, Millis, Tombstone};
use fieldsync::core::resolve::{Choice, Question, ResolveError, Stamp, resolve};
use fieldsync::core::schema::Schema;
use fieldsync::core::view::{ConflictKind, View, view};
use serde_json::{Value, json};

use super::world::{NOW, base, by, change_in, fields, gone, id, row};

const TABLE: &str = include_str!("merges.md");

fn schema() -> Schema {
    let stages = json!(["lead", "proposal", "won"]);
    let declaration = json!({"schema": 1, "collections": [
        {"name": "fields", "title": "plain", "fields": {
            "plain": {"type": "string"},
            "phone": {"type": "string", "normalise": "phone"},
            "latest": {"type": "string", "policy": "latest"},
            "server": {"type": "string", "policy": "server"},
            "mine": {"type": "string", "policy": "mine"},
            "max": {"type": "number", "policy": "max"},
            "due": {"type": "date", "policy": "max"},
            "min": {"type": "number", "policy": "min"},
            "sum": {"type": "number", "policy": "sum"},
            "union": {"type": "array", "policy": "union"},
            "ids": {"type": "array", "policy": "union", "refers_to": "records"},
            "whole-list": {"type": "array"},
            "append": {"type": "string", "policy": "append"},
            "forward": {"type": "enum", "policy": "forward", "values": stages},
            "whole": {"type": "object"},
            "members": {"type": "object", "by_member": true},
            "members-mine": {"type": "object", "by_member": true, "policy": "mine"},
            "members-server": {"type": "object", "by_member": true, "policy": "server"},
        }},
        {"name": "records", "title": "name", "fields": {
            "name": {"type": "string"},
            "phone": {"type": "string"},
            "city": {"type": "string", "policy": "server"},
            "visits": {"type": "integer", "policy": "sum"},
            "notes": {"type": "string", "policy": "append"},
        }},
    ]});
    Schema::parse(&declaration.to_string()).unwrap()
}

/// The rows of the table under a heading, without the heads of its columns.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let section = TABLE.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A value, and when it was made: `"b" @10:00:02`; `None` if that is not known (`@?`), noon if nobody asks.
fn timed(cell: &str) -> (Value, Option<Millis>) {
    let (value, time) = cell.rsplit_once(" @").unwrap_or((cell, "12:00:00"));
    let seconds = time.split(':').map(|part| part.parse::<i64>().ok()).try_fold(0, |all, part| Some(all * 60 + part?));
    (parse(value), seconds.map(|seconds| Millis(NOW.0 + seconds * 1_000)))
}

/// What rules set aside, as the table writes it.
fn aside(view: &View) -> Vec<(String, &'static str, Value)> {
    let whose = |mine: bool| if mine { "mine" } else { "theirs" };
    view.set_aside.iter().map(|lost| (lost.field.clone(), whose(lost.mine), lost.value.clone())).collect()
}

fn shown(view: &View, name: &str) -> Value {
    view.fields.as_ref().and_then(|fields| fields.get(name).cloned()).unwrap_or_default()
}

/// Why this row of fields does not hold.
fn wrong_field(schema: &Schema, row: &[&str]) -> Option<String> {
    let [name, seen, written, there, expected, asks, set_aside, why] = row[..] else { panic!("not eight cells: {row:?}") };
    let (written, is_doubted) = written.strip_suffix('!').map_or((written, false), |written| (written, true));
    let ((written, mine_at), (there, theirs_at)) = (timed(written), timed(there));
    let mut here = base(1, 2, json!({(name): there}));
    here.changed.insert(name.to_owned(), Changed { at: theirs_at.unwrap(), by: by(1) });
    let mut change = change_in("fields", 1, 1, "update", (1, json!({(name): parse(seen)})), json!({(name): written}));
    // The device is an hour behind the server, and knew it or not.
    change.clock_offset_ms = mine_at.map(|_| 3_600_000);
    change.saved_at = mine_at.map_or(NOW, |at| Millis(at.0 - 3_600_000));
    here.doubted = if is_doubted { vec![change.client_seq] } else { vec![] };
    let view = view(schema.collection("fields").unwrap(), Some(&here), &[&change]);
    let asked: Vec<&str> = view.conflict.iter().flat_map(|conflict| &conflict.fields).map(|asked| asked.field.as_str()).collect();
    let place = if asks == "yes" { name.to_owned() } else { format!("{name}.{asks}") };
    let expected_asks = if asks.is_empty() { vec![] } else { vec![place.as_str()] };
    let told = aside(&view);
    let same_aside = match set_aside.split_once(' ') {
        None => told.is_empty(),
        Some((whose, value)) => told.len() == 1 && told[0].1 == whose && told[0].2 == parse(value),
    };
    let is_right = shown(&view, name) == parse(expected) && asked == expected_asks && same_aside;
    (!is_right).then(|| format!("{why} ({row:?}): {} asks {asked:?} aside {told:?}", shown(&view, name)))
}

#[test]
fn every_row_of_one_field() {
    let (schema, rows) = (schema(), rows("One field"));
    assert!(rows.len() >= 60, "only {} rows", rows.len());
    let wrong: Vec<String> = rows.iter().filter_map(|row| wrong_field(&schema, row)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A policy that is not in the table is not reviewed.
    for policy in schema.collection("fields").unwrap().fields.keys() {
        assert!(rows.iter().any(|row| row[0] == policy), "no row for {policy}");
    }
}

fn base_of(cell: &str) -> Option<Base> {
    let (tombstone, rest) = match cell.split_once(' ') {
        Some(("deleted", rest)) => (Some(Tombstone::Deleted), rest),
        Some(("revoked", rest)) => (Some(Tombstone::Revoked), rest),
        Some(("left", rest)) => (Some(Tombstone::Left), rest),
        _ => (None, cell),
    };
    let (version, value) = rest.split_once(' ')?;
    let here = base(1, version.parse().ok()?, parse(value));
    Some(match tombstone {
        Some(tombstone) => gone(here, tombstone),
        None => here,
    })
}

/// A delete has no fourth item.
fn changes_of(cell: &str) -> Vec<Change> {
    let rows: Vec<Vec<Value>> = serde_json::from_str(cell).unwrap_or_else(|error| panic!("{cell}: {error}"));
    let change = |(index, row): (usize, &Vec<Value>)| {
        let seen = (row[1].as_u64().unwrap(), row[2].clone());
        let written = row.get(3).cloned().unwrap_or(json!({}));
        change_in("records", index as u64 + 1, 1, row[0].as_str().unwrap(), seen, written)
    };
    rows.iter().enumerate().map(change).collect()
}

/// Why this row of whole records does not hold.
fn wrong_record(schema: &Schema, row: &[&str]) -> Option<String> {
    let [here, changes, expected, conflict, set_aside, why] = row[..] else { panic!("not six cells: {row:?}") };
    let (here, changes) = (base_of(here), changes_of(changes));
    let changes: Vec<&Change> = changes.iter().collect();
    let view = view(schema.collection("records").unwrap(), here.as_ref(), &changes);
    let asked = match &view.conflict {
        None => String::new(),
        Some(conflict) => match conflict.kind {
            ConflictKind::DeletedByMe => "deleted-by-me".to_owned(),
            ConflictKind::DeletedByThem => "deleted-by-them".to_owned(),
            ConflictKind::Fields => conflict.fields.iter().map(|asked| asked.field.as_str()).collect::<Vec<_>>().join(", "),
        },
    };
    let told: Vec<String> = aside(&view).iter().map(|(field, whose, value)| format!("{field} {whose} {value}")).collect();
    let expected_fields = parse(expected);
    let shown = view.fields.clone().map_or(Value::Null, Value::Object);
    let is_right = shown == expected_fields && asked == conflict && told.join(", ") == set_aside;
    (!is_right).then(|| format!("{why} ({row:?}): {shown} asks {asked} aside {told:?}"))
}

#[test]
fn every_row_of_a_whole_record() {
    let (schema, rows) = (schema(), rows("A whole record"));
    assert!(rows.len() >= 30, "only {} rows", rows.len());
    let wrong: Vec<String> = rows.iter().filter_map(|row| wrong_record(&schema, row)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rest of the object is what the merge made of it.
#[test]
fn a_decision_about_a_member_sets_that_member_alone() {
    let schema = schema();
    let here = base(1, 2, json!({"members": {"x": 3, "y": 1, "z": 5}}));
    let (saw, wrote) = (json!({"members": {"x": 1, "y": 1}}), json!({"members": {"x": 2, "y": 2}}));
    let outbox = [change_in("fields", 1, 1, "update", (1, saw), wrote)];
    let stamp = Stamp { row: row(900), copy: id(90), now: NOW, clock_offset_ms: None, schema: 1 };
    for (choice, x) in [(Choice::Mine, json!(2)), (Choice::Theirs, json!(3)), (Choice::Value(json!(9)), json!(9))] {
        let collection = schema.collection("fields").unwrap();
        let asked =
            Question { schema: &schema, collection, record: id(1), base: Some(&here), shown: here.version, outbox: &outbox };
        let resolved = resolve(&asked, &[("members.x".to_owned(), choice)].into(), stamp).unwrap();
        assert_eq!(resolved.append[0].written, fields(json!({"members": {"x": x, "y": 2, "z": 5}})));
        let whole = [("members".to_owned(), Choice::Mine)].into();
        assert_eq!(resolve(&asked, &whole, stamp), Err(ResolveError::Incomplete), "the whole was not asked about");
    }
}
