//! What of the data a user wants on this device: which collections, whose records, and of dated ones how many days. And the
//! same on a day, as the server is asked for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::record::{CollectionName, Fields, Millis, field};
use super::schema::{Collection, Schema};

/// Most days that a part may reach back: ten years.
pub const DAYS_MAX: u32 = 3_650;
/// A day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Whose records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// All that the user may see: a manager's team, a rep's own.
    #[default]
    Team,
    /// Only what the user owns.
    Mine,
}

/// What is wanted of a collection. The default is the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Whose records.
    #[serde(default)]
    pub whose: Whose,
    /// Only those of the last so many days; what has no date is always among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

impl Part {
    /// Whether it is all that the user may see.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self == Self::default()
    }

    /// From when on, on a day (in days since 1970).
    #[must_use]
    pub fn since(self, day: i64) -> Option<Millis> {
        self.days.map(|days| Millis((day - i64::from(days)) * DAY_MS))
    }
}

/// What to change of a selection: a part, or nothing of a collection. Collections that are not named stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(pub BTreeMap<CollectionName, Option<Part>>);

impl<'de> Deserialize<'de> for Changes {
    /// `true` is the whole of a collection, `false` nothing of it; or a part.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Wanted {
            Whether(bool),
            Part(Part),
        }
        let named = BTreeMap::<CollectionName, Wanted>::deserialize(deserializer)?;
        let part = |wanted| match wanted {
            Wanted::Whether(is_wanted) => is_wanted.then(Part::default),
            Wanted::Part(part) => Some(part),
        };
        Ok(Self(named.into_iter().map(|(name, wanted)| (name, part(wanted))).collect()))
    }
}

/// What a user wants on this device. What it says nothing of is wanted whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Selection(BTreeMap<CollectionName, Option<Part>>);

/// Why a selection cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectionError {
    /// The schema has no such collection.
    Unknown(CollectionName),
    /// Nothing in its records says of which day they are.
    Undated(CollectionName),
    /// Its days are none, or more than [`DAYS_MAX`].
    Days(CollectionName),
    /// Nobody owns its records.
    Unowned(CollectionName),
    /// No collection at all is left.
    Nothing,
}

impl std::fmt::Display for SelectionError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name) => write!(f, "the schema has no collection {name:.60}"),
            Self::Undated(name) => write!(f, "{name:.60} has no \"dated_by\" in the schema: it cannot be taken by days"),
            Self::Days(name) => write!(f, "{name:.60}: days are from 1 to {DAYS_MAX}"),
            Self::Unowned(name) => write!(f, "{name:.60} is everybody's: it has no part that is mine"),
            Self::Nothing => write!(f, "at least one collection must be selected"),
        }
    }
}

impl std::error::Error for SelectionError {}

impl Selection {
    /// What is wanted of a collection; none: nothing.
    #[must_use]
    pub fn of(&self, collection: &str) -> Option<Part> {
        self.0.get(collection).copied().unwrap_or(Some(Part::default()))
    }

    /// Whether anything is wanted of it.
    #[must_use]
    pub fn wants(&self, collection: &str) -> bool {
        self.of(collection).is_some()
    }

    /// Whether all of everything is wanted.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.0.is_empty()
    }

    /// The selection after these changes.
    ///
    /// # Errors
    /// If it cannot be.
    pub fn with(&self, schema: &Schema, changes: &Changes) -> Result<Self, SelectionError> {
        let mut selection = self.clone();
        for (name, part) in &changes.0 {
            let Some(collection) = schema.collection(name) else { return Err(SelectionError::Unknown(name.clone())) };
            if let Some(part) = part {
                part.check(schema, collection)?;
            }
            if part.is_some_and(Part::is_whole) {
                selection.0.remove(name);
            } else {
                selection.0.insert(name.clone(), *part);
            }
        }
        let is_any = schema.collections.iter().any(|collection| selection.wants(&collection.name));
        if is_any { Ok(selection) } else { Err(SelectionError::Nothing) }
    }
}

impl Part {
    fn check(self, schema: &Schema, collection: &Collection) -> Result<(), SelectionError> {
        let name = || collection.name.clone();
        match self.days {
            Some(_) if collection.dated_by.is_none() => return Err(SelectionError::Undated(name())),
            Some(days) if days == 0 || days > DAYS_MAX => return Err(SelectionError::Days(name())),
            _ => {}
        }
        if self.whose == Whose::Mine && !schema.is_owned(collection) {
            return Err(SelectionError::Unowned(name()));
        }
        Ok(())
    }
}

/// Which records of a collection, as the server is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Only what the user owns.
    #[serde(rename = "m", default, skip_serializing_if = "std::ops::Not::not")]
    pub mine: bool,
    /// Only what is of this time or later, or has no date.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
}

impl Bounds {
    /// What is within both.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        Self { mine: self.mine || other.mine, since: self.since.max(other.since) }
    }
}

/// Whether a record is of this time or later, or has no date.
#[must_use]
pub fn is_since(collection: &Collection, fields: &Fields, since: Option<Millis>) -> bool {
    let (Some(since), Some(name)) = (since, &collection.dated_by) else { return true };
    field(fields, name).as_f64().is_none_or(|at| {
        // Times are whole numbers far below 2^53.
        #[allow(clippy::cast_precision_loss)]
        let since = since.0 as f64;
        at >= since
    })
}

/// The bounds of several collections; those that are not named have none.
pub type Scope = BTreeMap<CollectionName, Bounds>;

/// The scope that means everything the user may see.
const SCOPE_ALL: &str = "all";

/// A scope as it travels: `activities:since=1790000000000;customers:mine`. None if nothing is bounded.
#[must_use]
pub fn scope_text<'a>(scope: impl Iterator<Item = (&'a CollectionName, Bounds)>) -> Option<String> {
    let one = |(name, bounds): (&CollectionName, Bounds)| {
        let since = bounds.since.map(|since| format!("since={}", since.0));
        let parts: Vec<String> = bounds.mine.then(|| "mine".to_owned()).into_iter().chain(since).collect();
        (!parts.is_empty()).then(|| format!("{name}:{}", parts.join(",")))
    };
    let text = scope.filter_map(one).collect::<Vec<_>>().join(";");
    (!text.is_empty()).then_some(text)
}

/// A scope that came; none if it is not one.
#[must_use]
pub fn parse_scope(text: Option<&str>) -> Option<Scope> {
    let text = text.filter(|text| *text != SCOPE_ALL).unwrap_or_default();
    let mut scope = Scope::new();
    for one in text.split(';').filter(|one| !one.is_empty()) {
        let (name, parts) = one.split_once(':')?;
        let mut bounds = Bounds::default();
        for part in parts.split(',') {
            match part.split_once('=') {
                None if part == "mine" => bounds.mine = true,
                Some(("since", at)) => bounds.since = Some(Millis(at.parse().ok()?)),
                _ => return None,
            }
        }
        scope.insert(name.to_owned(), bounds);
    }
    Some(scope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Schema {
        Schema::parse(include_str!("../../www/schema.json")).unwrap()
    }

    fn changes(value: serde_json::Value) -> Changes {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_not_named_stays_and_the_whole_is_no_exception() {
        let schema = schema();
        let first =
            Selection::default().with(&schema, &changes(json!({"pipelines": false, "activities": {"days": 30}}))).unwrap();
        let second = first.with(&schema, &changes(json!({"pipelines": true}))).unwrap();
        assert_eq!((first.of("pipelines"), second.of("pipelines")), (None, Some(Part::default())));
        assert_eq!(second.of("activities"), Some(Part { days: Some(30), whose: Whose::Team }));
        assert!(second.with(&schema, &changes(json!({"activities": {}}))).unwrap().is_whole());
        assert!(Selection::default().is_whole() && !first.is_whole());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let schema = schema();
        let refused = |value| Selection::default().with(&schema, &changes(value)).unwrap_err();
        assert_eq!(refused(json!({"nothing": true})), SelectionError::Unknown("nothing".into()));
        assert_eq!(refused(json!({"customers": {"days": 5}})), SelectionError::Undated("customers".into()));
        assert_eq!(refused(json!({"activities": {"days": 0}})), SelectionError::Days("activities".into()));
        assert_eq!(refused(json!({"settings": {"whose": "mine"}})), SelectionError::Unowned("settings".into()));
        let none: serde_json::Map<_, _> =
            schema.collections.iter().map(|collection| (collection.name.clone(), json!(false))).collect();
        assert_eq!(refused(none.into()), SelectionError::Nothing);
        assert!(serde_json::from_value::<Changes>(json!({"customers": {"whose": "his"}})).is_err());
    }

    #[test]
    fn a_scope_travels_as_it_is_and_nothing_else_is_taken_for_one() {
        let scope: Scope = [
            ("activities".to_owned(), Bounds { mine: true, since: Some(Millis(-5)) }),
            ("customers".to_owned(), Bounds { mine: true, since: None }),
            ("pipelines".to_owned(), Bounds::default()),
        ]
        .into();
        let text = scope_text(scope.iter().map(|(name, bounds)| (name, *bounds))).unwrap();
        assert_eq!(text, "activities:mine,since=-5;customers:mine");
        let bounded: Scope = scope.into_iter().filter(|(name, _)| name != "pipelines").collect();
        assert_eq!(parse_scope(Some(&text)), Some(bounded));
        assert_eq!([None, Some(""), Some("all")].map(parse_scope), [(); 3].map(|()| Some(Scope::new())));
        assert_eq!(["his", "a:his", "a:since=", "a:since=x", "a:"].map(|text| parse_scope(Some(text))), [(); 5].map(|()| None));
    }

    #[test]
    fn what_has_no_date_is_of_every_day() {
        let schema = schema();
        let activities = schema.collection("activities").unwrap();
        let is = |value: serde_json::Value| is_since(activities, value.as_object().unwrap(), Some(Millis(1_000)));
        assert_eq!([json!({"at": 999}), json!({"at": 1_000}), json!({}), json!({"at": null})].map(is), [false, true, true, true]);
        assert!(is_since(activities, json!({"at": 1}).as_object().unwrap(), None));
    }
}
