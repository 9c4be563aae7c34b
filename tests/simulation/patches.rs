//! What a person writes into a form: for every policy of the schema, also what its rule cannot join.

use fieldsync::core::record::Fields;
use fieldsync::data::table::RecordView;
use serde_json::{Value, json};

use crate::random::Random;
use crate::world::World;

impl World {
    /// New values for some fields of a record that is shown.
    pub fn patch(&self, tab: (usize, usize), shown: &RecordView, random: &mut Random) -> Value {
        let number = |name: &str| shown.fields.get(name).and_then(Value::as_i64).unwrap_or(0);
        let text = |name: &str| shown.fields.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        let mut patch = json!({});
        for _ in 0..=random.below(3) {
            // Along with whatever else is written: only where both sides write the same field has its rule anything to do.
            if shown.collection == "customers" && random.percent(35) {
                patch["grade"] = json!(["a", "b", "c", "d"][random.below(4)]);
            }
            if shown.collection == "customers" && random.percent(20) {
                patch["tags"] = list(shown, "tags", json!(self.token()), random);
            }
            if shown.collection == "pipelines" && random.percent(30) {
                patch["stage"] = json!(next_stage(&text("stage"), random));
            }
            if shown.collection == "activities" && random.percent(50) {
                patch["pipeline"] = self.some_id(tab, "pipelines", random).unwrap_or(Value::Null);
            }
            if shown.collection != "customers"
                && random.percent(30)
                && let Some(customer) = self.some_id(tab, "customers", random)
            {
                patch["customer"] = customer;
            }
            match (shown.collection.as_str(), random.below(13)) {
                ("customers", 0..3) => patch["name"] = json!(self.token()),
                ("customers", 3..5) => patch["phone"] = json!(self.token()),
                ("customers", 5) => patch["city"] = json!(self.token()),
                ("customers", 6) => (patch["source"], patch["nick"]) = (json!(self.token()), json!(self.token())),
                ("customers", 7) => patch["tags"] = list(shown, "tags", json!(self.token()), random),
                ("customers", 8) => patch["visits"] = json!(number("visits") + random.between(1, 9)),
                ("customers", 9) => {
                    (patch["last_visit"], patch["discount"]) = (json!(random.below(100)), json!(random.below(100)));
                }
                ("customers", 10) => patch["notes"] = self.note(&text("notes"), random),
                ("customers", _) => patch["terms"] = self.terms(shown, random),
                ("pipelines", 0..5) => patch["stage"] = json!(next_stage(&text("stage"), random)),
                ("pipelines", _) => patch["title"] = json!(self.token()),
                (_, 0..5) => patch["note"] = self.note(&text("note"), random),
                (_, 5..8) => {
                    let Some(pipeline) = self.some_id(tab, "pipelines", random) else { continue };
                    patch["others"] = list(shown, "others", pipeline, random);
                }
                (_, 8) => patch["at"] = json!(self.day(random)),
                _ => patch["subject"] = json!(self.token()),
            }
        }
        patch
    }

    /// A record to refer to.
    pub fn some_id(&self, tab: (usize, usize), collection: &str, random: &mut Random) -> Option<Value> {
        random.pick(&self.shown(tab, collection, false)).map(|shown| json!(shown.id))
    }

    /// Mostly added to, sometimes written anew.
    fn note(&self, before: &str, random: &mut Random) -> Value {
        if random.percent(15) { json!(self.token()) } else { json!(format!("{before}|{}", self.token())) }
    }

    /// With one member set or taken out.
    fn terms(&self, shown: &RecordView, random: &mut Random) -> Value {
        let mut terms: Fields = shown.fields.get("terms").and_then(Value::as_object).cloned().unwrap_or_default();
        let member = ["x", "y", "z"][random.below(3)];
        if terms.contains_key(member) && random.percent(15) {
            terms.remove(member);
        } else {
            terms.insert(member.to_owned(), json!(self.token()));
        }
        json!(terms)
    }
}

/// A stage that this one may be followed by.
fn next_stage(stage: &str, random: &mut Random) -> &'static str {
    if stage == "proposal" { ["won", "lead"][random.below(2)] } else { "proposal" }
}

/// With one item more or less, or in another order; never as it was.
fn list(shown: &RecordView, name: &str, item: Value, random: &mut Random) -> Value {
    let mut items = shown.fields.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    match random.below(10) {
        0..3 if !items.is_empty() => drop(items.remove(random.below(items.len()))),
        3 if items.len() > 1 => items.swap(0, 1),
        _ if !items.contains(&item) => items.insert(random.below(items.len() + 1), item),
        _ => items.retain(|other| *other != item),
    }
    json!(items)
}
