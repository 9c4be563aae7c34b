//! Generated triples: records of every policy, and two edits of each.

use fieldsync::core::backoff::bits;
use fieldsync::core::record::{Fields, field};
use fieldsync::core::schema::{Collection, Schema};
use serde_json::{Value, json};

const SEED: u64 = 20_261_130;
/// The members of an object.
pub const MEMBERS: [&str; 3] = ["x", "y", "z"];

pub fn declared() -> Collection {
    let schema = json!({"schema": 1, "collections": [{"name": "c", "title": "ask", "fields": {
        "ask": {"type": "string"},
        "phone": {"type": "string", "normalise": "phone"},
        "latest": {"type": "string", "policy": "latest"},
        "server": {"type": "string", "policy": "server"},
        "mine": {"type": "string", "policy": "mine"},
        "max": {"type": "number", "policy": "max"},
        "min": {"type": "number", "policy": "min"},
        "sum": {"type": "integer", "policy": "sum"},
        "union": {"type": "array", "policy": "union"},
        "ids": {"type": "array", "policy": "union", "refers_to": "c"},
        "append": {"type": "string", "policy": "append"},
        "forward": {"type": "enum", "policy": "forward", "values": ["s0", "s1", "s2", "s3"]},
        "whole": {"type": "object"},
        "members": {"type": "object", "by_member": true},
    }}]});
    Schema::parse(&schema.to_string()).unwrap().collections.remove(0)
}

/// A source of numbers that is the same everywhere.
pub struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 += 1;
        bits(SEED, self.0) % limit
    }

    fn object(&mut self) -> Value {
        let mut members = Fields::new();
        for member in MEMBERS {
            if self.below(3) > 0 {
                members.insert(member.to_owned(), json!(self.below(4)));
            }
        }
        Value::Object(members)
    }

    fn list(&mut self, from: &Value) -> Value {
        let mut items = from.as_array().cloned().unwrap_or_default();
        // A new one is long enough for two edits that do not touch.
        let edits = if items.is_empty() { self.below(12) } else { self.below(3) };
        for _ in 0..=edits {
            let at = usize::try_from(self.below(items.len() as u64 + 1)).unwrap();
            match self.below(4) {
                0 if at < items.len() => drop(items.remove(at)),
                1 if at < items.len() => items.swap(at.saturating_sub(1), at),
                _ => {
                    let item = json!(format!("i{}", self.below(9)));
                    if !items.contains(&item) {
                        items.insert(at, item);
                    }
                }
            }
        }
        Value::Array(items)
    }

    fn text(&mut self, from: &Value) -> Value {
        let mut lines: Vec<String> = from.as_str().unwrap_or_default().lines().map(str::to_owned).collect();
        let line = format!("l{}", self.below(9));
        if lines.is_empty() {
            return json!((0..=self.below(5)).map(|_| format!("l{}", self.below(9))).collect::<Vec<_>>().join("\n"));
        }
        match self.below(6) {
            0 => lines[0] = line,
            1 if lines.len() > 1 => drop(lines.pop()),
            _ => lines.push(line),
        }
        json!(lines.join("\n"))
    }

    /// Another value of a field.
    fn value(&mut self, name: &str, from: &Value) -> Value {
        if self.below(8) == 0 && !["union", "ids", "append", "members"].contains(&name) {
            return Value::Null;
        }
        match name {
            "max" | "min" | "sum" => {
                let number = self.below(9);
                // The same number is spelled in two ways.
                if name != "sum" && self.below(4) == 0 { json!(number as f64) } else { json!(number) }
            }
            "phone" => json!(format!("{}81{}", ["0", "+62"][usize::try_from(self.below(2)).unwrap()], self.below(4))),
            "forward" => json!(format!("s{}", self.below(4))),
            "union" | "ids" => self.list(from),
            "append" => self.text(from),
            "whole" | "members" => self.object(),
            _ => json!(format!("v{}", self.below(5))),
        }
    }

    /// A record; or one that is edited from another.
    pub fn record(&mut self, collection: &Collection, from: Option<&Fields>) -> Fields {
        let mut record = Fields::new();
        for name in collection.fields.keys() {
            let before = from.map_or(&Value::Null, |from| field(from, name));
            let changes = from.is_none() || self.below(100) < 45;
            record.insert(name.clone(), if changes { self.value(name, before) } else { before.clone() });
        }
        fieldsync::core::record::normalise(record)
    }
}
