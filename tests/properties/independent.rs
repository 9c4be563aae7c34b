//! Our merge beside one that we did not write: diffy's, of the diff3 kind, over the record as text, a field a section and a value (an item of a
//! list, a line of a text, a member of an object) a line. Over 10,000 generated triples each field must come to the same; or
//! the difference is one of [`explain`]'s, of which each says why ours is what the specification wants.

use std::collections::{BTreeMap, BTreeSet};

use fieldsync::core::record::{Base, By, Changed, Fields, Millis, RecordId, Version, field, same};
use fieldsync::core::rules::normalise_value;
use fieldsync::core::schema::{Collection, FieldSpec, Kind, NormaliseRule, Policy};
use fieldsync::core::view::{View, difference, view};
use serde_json::{Value, json};

use super::draw::{NOW, base, by, uuid};
use super::triples::{Draw, MEMBERS, declared};

const TRIPLES: u64 = 10_000;

/// The lines of a field. What is not there has none; so an empty list and none are one here.
fn lines(name: &str, value: &Value) -> Vec<String> {
    match (name, value) {
        (_, Value::Null) => vec![],
        ("union" | "ids", Value::Array(items)) => items.iter().map(|item| format!("{name} {item}")).collect(),
        ("append", Value::String(text)) => text.lines().map(|line| format!("{name} {line}")).collect(),
        _ => vec![format!("{name} {value}")],
    }
}

/// The record as text: a section for each field, and for each member of what is merged by member. Their heads are the same in all three, so
/// that two sections never touch.
fn text(collection: &Collection, record: &Fields) -> String {
    let mut text = String::new();
    let mut section = |name: &str, value: &Value| {
        text.push_str(&format!("[{name}]\n"));
        lines(name, value).iter().for_each(|line| text.push_str(&format!("{line}\n")));
        text.push_str(&format!("[/{name}]\n"));
    };
    for (name, spec) in &collection.fields {
        let value = field(record, name);
        if spec.by_member {
            MEMBERS.iter().for_each(|member| section(&format!("{name}.{member}"), value.get(member).unwrap_or(&Value::Null)));
        } else {
            section(name, value);
        }
    }
    text
}

/// The sections of a merged text: the lines of each, or none if they are in conflict.
fn sections(merged: &str) -> BTreeMap<String, Option<Vec<String>>> {
    let mut found = BTreeMap::new();
    let mut open: Option<(String, Option<Vec<String>>)> = None;
    for line in merged.lines() {
        if let Some(name) = line.strip_prefix("[/").and_then(|line| line.strip_suffix(']')) {
            let (begun, lines) = open.take().unwrap();
            assert_eq!(begun, name, "a conflict goes over a section's end");
            found.insert(begun, lines);
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            assert!(open.is_none(), "a conflict goes over a section's head");
            open = Some((name.to_owned(), Some(Vec::new())));
        } else if let Some((_, lines)) = &mut open {
            let is_mark = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|mark| line.starts_with(mark));
            match lines {
                Some(_) if is_mark => *lines = None,
                Some(lines) => lines.push(line.to_owned()),
                None => {}
            }
        }
    }
    found
}

/// One place of a triple, and what each merge makes of it.
struct Place<'a> {
    spec: &'a FieldSpec,
    seen: &'a Value,
    mine: &'a Value,
    theirs: &'a Value,
    /// Ours: a value, unless a person must decide.
    ours: Option<&'a Value>,
    is_set_aside: bool,
    /// The other's: lines, unless they are in conflict.
    other: Option<&'a Vec<String>>,
}

fn items(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().map(Value::to_string).collect()
}

impl Place<'_> {
    fn spelled(&self, value: &Value) -> Value {
        self.spec.normalise.map_or_else(|| value.clone(), |rule| normalise_value(rule, value))
    }

    /// As a set: what both have, and what either added.
    fn set(&self) -> BTreeSet<String> {
        let (seen, mine, theirs) = (items(self.seen), items(self.mine), items(self.theirs));
        let all = mine.union(&theirs);
        all.filter(|item| (mine.contains(*item) && theirs.contains(*item)) || !seen.contains(*item)).cloned().collect()
    }

    /// The order of what is left of what was there, in a list.
    fn order(&self, list: &Value) -> Vec<String> {
        let left = self.set();
        let seen = items(self.seen);
        let order = list.as_array().into_iter().flatten().map(Value::to_string);
        order.filter(|item| left.contains(item) && seen.contains(item)).collect()
    }

    /// Whether a list of ids has the order of one side; a set has none.
    fn is_in_order(&self, list: &Value) -> bool {
        let order = self.order(list);
        self.spec.refers_to.is_none() || order == self.order(self.mine) || order == self.order(self.theirs)
    }

    fn only_added(&self) -> bool {
        let seen = self.seen.as_str().unwrap_or("");
        [self.mine, self.theirs].iter().all(|text| text.as_str().is_some_and(|text| text.starts_with(seen)))
    }
}

/// Why the two differ in a place; none if there is no reason.
fn explain(place: &Place<'_>) -> Option<&'static str> {
    let Place { spec, seen, mine, theirs, ours, is_set_aside, other } = *place;
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    match (spec.policy, ours, other) {
        // The server keeps a number in its own spelling (0811 is +62811). As text these are two values, for a person one.
        (Policy::Ask, Some(is), _) if spec.normalise.is_some() => {
            let [seen, mine, theirs] = [seen, mine, theirs].map(|value| place.spelled(value));
            let right = if same(&theirs, &seen) { &mine } else { &theirs };
            let clear = same(&theirs, &seen) || same(&mine, &seen) || same(&mine, &theirs);
            (clear && same(&place.spelled(is), right)).then_some("one number, two spellings of the server")
        }
        // 1 and 1.0 are the same number to JavaScript, to IndexedDB and to us; as text they are two.
        (_, Some(is), _) if [seen, mine, theirs].iter().any(|value| value.is_f64()) && !is_set_aside => {
            let clear = same(theirs, seen) || same(mine, seen) || same(mine, theirs);
            let right = if same(theirs, seen) { mine } else { theirs };
            (clear && same(is, right)).then_some("one number, two spellings of JSON")
        }
        // The schema says which of two values stands, where text can only ask. The other one is not lost: it is set aside.
        (Policy::Latest | Policy::Server | Policy::Mine | Policy::Max | Policy::Min | Policy::Forward, Some(is), None) => {
            (is_set_aside && (same(is, mine) || same(is, theirs))).then_some("a rule decides, and tells what it set aside")
        }
        // A counter that both raised was raised twice; also where both wrote the same number, which text takes for one edit.
        (Policy::Sum, Some(is), _) if !mine.is_null() && !theirs.is_null() => {
            (number(is) == number(theirs) + number(mine) - number(seen)).then_some("a sum adds")
        }
        // Both wrote something at the end: for text two lines in one place, for the schema two notes.
        (Policy::Append, Some(is), None) if place.only_added() => {
            let added = &mine.as_str()?[seen.as_str().unwrap_or("").len()..];
            let is = is.as_str()?;
            (is.starts_with(theirs.as_str()?) && is.ends_with(added)).then_some("additions at the end join")
        }
        // Lines that were changed far from each other merge as text. `append` promises only what was added: who wrote the text anew is
        // asked, as a note about a customer is no program.
        (Policy::Append, None, Some(_)) if !place.only_added() => Some("a text that was written anew is asked about"),
        (Policy::Union, Some(is), _) if items(is) == place.set() && place.is_in_order(is) => {
            let other: Option<Vec<&str>> =
                other.map(|lines| lines.iter().filter_map(|line| Some(line.split_once(' ')?.1)).collect());
            let set: Option<BTreeSet<&str>> = other.as_ref().map(|items| items.iter().copied().collect());
            match (other, set) {
                // What was added or removed next to each other is a conflict of lines, and none of items.
                (None, _) => Some("items of a list do not touch each other"),
                // Both added it, in two places: two lines, and one item.
                (Some(other), Some(set)) if set.len() < other.len() => Some("an item is in a list once"),
                // To move a line is to remove and to add it: it comes back although the other side removed it.
                (_, Some(set)) if set != items(is).iter().map(String::as_str).collect() => {
                    Some("to move an item is not to add it")
                }
                // The same items in another order, which in a set means nothing.
                _ => spec.refers_to.is_none().then_some("a set has no order"),
            }
        }
        // Both moved what was there: text may take both moves, and come to an order that neither has seen.
        (Policy::Union, None, _) if spec.refers_to.is_some() => {
            let [was, of_mine, of_theirs] = [seen, mine, theirs].map(|list| place.order(list));
            (of_mine != was && of_theirs != was && of_mine != of_theirs).then_some("two orders are asked about")
        }
        _ => None,
    }
}

/// Ours: the record that comes of saving `mine` over `theirs`, from a form that saw `seen`.
fn ours(collection: &Collection, seen: &Fields, mine: &Fields, theirs: &Fields, apart_ms: i64) -> View {
    let written = difference(seen, mine);
    let saw: Fields = written.keys().map(|name| (name.clone(), field(seen, name).clone())).collect();
    let change = serde_json::from_value(json!({
        "row": uuid(2), "collection": "c", "record": uuid(1), "action": "update", "seen": {"version": 1, "fields": saw},
        "written": written, "schema": 1, "saved_at": NOW, "clock_offset_ms": 0,
    }))
    .unwrap();
    let mut here = Base { version: Version(2), ..base(RecordId(uuid(1)), theirs.clone()) };
    let at = Millis(NOW + apart_ms);
    here.changed = theirs.keys().map(|name| (name.clone(), Changed { at, by: By { name: "A".into(), ..by() } })).collect();
    here.at = at;
    view(collection, Some(&here), &[&change])
}

/// Where the two differ in one triple: place, and why, or all there is to say of it.
fn compare(
    collection: &Collection,
    seen: &Fields,
    mine: &Fields,
    theirs: &Fields,
    apart_ms: i64,
) -> Vec<Result<&'static str, String>> {
    let ours = ours(collection, seen, mine, theirs, apart_ms);
    let merged = diffy::merge(&text(collection, seen), &text(collection, mine), &text(collection, theirs));
    let sections = sections(&merged.unwrap_or_else(|conflicts| conflicts));
    let asked: BTreeSet<&str> =
        ours.conflict.iter().flat_map(|conflict| &conflict.fields).map(|asked| asked.field.as_str()).collect();
    let shown = ours.fields.clone().unwrap_or_default();
    let mut differences = Vec::new();
    for (name, other) in &sections {
        let at = |fields| fieldsync::core::record::at(fields, name);
        let spec = &collection.fields[fieldsync::core::record::field_of(name)];
        let place = Place {
            spec,
            seen: at(seen),
            mine: at(mine),
            theirs: at(theirs),
            ours: (!asked.contains(name.as_str())).then_some(at(&shown)),
            is_set_aside: ours.set_aside.iter().any(|lost| lost.field == *name),
            other: other.as_ref(),
        };
        let is_same = match (place.ours, other) {
            (None, None) => true,
            (Some(value), Some(other)) => lines(name, value) == *other,
            _ => false,
        };
        if !is_same || place.is_set_aside {
            let all = || {
                format!(
                    "{name}: seen {} mine {} theirs {}: ours {:?}, theirs {other:?}",
                    place.seen, place.mine, place.theirs, place.ours
                )
            };
            differences.push(explain(&place).ok_or_else(all));
        }
    }
    differences
}

#[test]
fn an_independent_merge_comes_to_the_same_or_the_difference_has_a_reason() {
    let collection = declared();
    assert!(collection.fields.values().any(|spec| spec.kind == Kind::Object && spec.by_member));
    assert_eq!(collection.fields["phone"].normalise, Some(NormaliseRule::Phone));
    let mut draw = Draw(0);
    let (mut reasons, mut places): (BTreeMap<&str, usize>, usize) = (BTreeMap::new(), 0);
    for triple in 0..TRIPLES {
        let seen = draw.record(&collection, None);
        let (mine, theirs) = (draw.record(&collection, Some(&seen)), draw.record(&collection, Some(&seen)));
        let apart_ms = i64::try_from(draw.below(20)).unwrap() * 1_000 - 10_000;
        places += collection.fields.len() + MEMBERS.len() - 1;
        for difference in compare(&collection, &seen, &mine, &theirs, apart_ms) {
            let reason = difference.unwrap_or_else(|all| panic!("no reason, triple {triple}: {all}"));
            *reasons.entry(reason).or_default() += 1;
        }
    }
    println!("{places} places of {TRIPLES} triples");
    reasons.iter().for_each(|(reason, count)| println!("  {count:>6} {reason}"));
    // A reason that never occurs explains nothing.
    assert_eq!(reasons.len(), 11, "{reasons:?}");
}
