//! When each field of a record last changed, and by whom. Most fields of a record changed together, so they are kept
//! together: spelled out, who made a record would stand beside each of its fields.

use std::collections::BTreeMap;
use std::fmt::Formatter;

use fieldsync::core::record::{By, Changed, Millis};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Of the fields that are named, when each last changed; each is named once.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Changes(Vec<Together>);

/// Fields that last changed together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Together {
    at: Millis,
    by: By,
    fields: Vec<String>,
}

impl Changes {
    /// Whether no field is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These fields changed now, whenever they did before.
    pub fn note<'n>(&mut self, names: impl Iterator<Item = &'n str>, at: Millis, by: &By) {
        let fields: Vec<String> = names.map(str::to_owned).collect();
        if fields.is_empty() {
            return;
        }
        for before in &mut self.0 {
            before.fields.retain(|name| !fields.contains(name));
        }
        self.0.retain(|before| !before.fields.is_empty());
        match self.0.iter_mut().find(|before| before.at == at && before.by == *by) {
            Some(same) => same.fields.extend(fields),
            None => self.0.push(Together { at, by: by.clone(), fields }),
        }
    }

    /// As the wire has it: field by field.
    #[must_use]
    pub fn into_map(self) -> BTreeMap<String, Changed> {
        let each = self
            .0
            .into_iter()
            .flat_map(|Together { at, by, fields }| fields.into_iter().map(move |name| (name, Changed { at, by: by.clone() })));
        each.collect()
    }
}

impl<'de> Deserialize<'de> for Changes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Spellings)
    }
}

/// Reads what is written today, and the field-by-field spelling of older database files.
struct Spellings;

impl<'de> Visitor<'de> for Spellings {
    type Value = Changes;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("when fields changed")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Changes, A::Error> {
        let mut changes = Vec::new();
        while let Some(together) = sequence.next_element()? {
            changes.push(together);
        }
        Ok(Changes(changes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Changes, A::Error> {
        let mut changes = Changes::default();
        while let Some((name, Changed { at, by })) = map.next_entry::<String, Changed>()? {
            changes.note(std::iter::once(name.as_str()), at, &by);
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use fieldsync::core::record::UserId;
    use serde_json::json;

    use super::*;

    fn by(name: &str) -> By {
        By { id: UserId(uuid::Uuid::nil()), name: name.to_owned(), role: "rep".to_owned(), device: None }
    }

    #[test]
    fn a_field_has_its_newest_change_and_stands_once() {
        let mut changes = Changes::default();
        changes.note(["city", "name", "phone"].into_iter(), Millis(1), &by("A"));
        changes.note(["city"].into_iter(), Millis(2), &by("B"));
        changes.note(["name"].into_iter(), Millis(2), &by("B"));
        changes.note([].into_iter(), Millis(3), &by("C"));
        assert_eq!(changes.0.len(), 2);
        let map = changes.clone().into_map();
        let changed = |at, name| Changed { at: Millis(at), by: by(name) };
        let wanted = [("city", changed(2, "B")), ("name", changed(2, "B")), ("phone", changed(1, "A"))];
        assert_eq!(map, wanted.map(|(name, changed)| (name.to_owned(), changed)).into());
        let text = serde_json::to_string(&changes).unwrap();
        assert_eq!(serde_json::from_str::<Changes>(&text).unwrap(), changes);
    }

    #[test]
    fn the_spelling_of_older_files_is_read() {
        let by_field =
            json!({"city": {"at": 2, "by": by("B")}, "name": {"at": 1, "by": by("A")}, "phone": {"at": 1, "by": by("A")}});
        let changes: Changes = serde_json::from_value(by_field.clone()).unwrap();
        assert_eq!(changes.0.len(), 2);
        assert_eq!(serde_json::to_value(changes.into_map()).unwrap(), by_field);
        assert!(serde_json::from_str::<Changes>("{}").unwrap().is_empty());
    }
}
