//! The app's declaration: collections, their fields, policies, priorities, write modes and rules.
//!
//! One file (`schema.json`) is read by the client, the server and the tests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::CollectionName;

/// The whole declaration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Schema {
    /// Its number: on each change and in each request. Raised when a field changes its meaning.
    pub schema: u32,
    /// Collections in the order of the first sync: parents first.
    pub collections: Vec<Collection>,
}

/// A kind of record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Collection {
    /// Its name in code, on the wire and in stores.
    pub name: CollectionName,
    /// When the outbox exceeds a batch, lower goes first.
    #[serde(default = "priority_default")]
    pub priority: u8,
    /// How it is written.
    #[serde(default)]
    pub mode: Mode,
    /// The field that names a record to a person ("PT Askrindo").
    pub title: String,
    /// Who may see a record.
    #[serde(default)]
    pub access: Access,
    /// The field of type `time` that says of which day a record is: "the last N days" can be selected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dated_by: Option<String>,
    /// Fields that lists sort by; each gets an index in memory.
    #[serde(default)]
    pub indexes: Vec<String>,
    /// Fields, by name. A field that is not here is refused.
    pub fields: BTreeMap<String, FieldSpec>,
}

fn priority_default() -> u8 {
    5
}

/// Who may see and change a record. Managers see what their team owns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Access {
    /// The user that this field names; a create without it is the creator's.
    Owner {
        /// The field that holds the owner's user id.
        field: String,
    },
    /// Whoever may see the record that this field refers to.
    Via {
        /// The reference.
        field: String,
    },
    /// Everyone signed in may read; only managers may write.
    #[default]
    Everyone,
}

/// How a collection, or one field of it, is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Saved here first; one that fails a rule is kept, marked, and not sent until mended.
    #[default]
    Optimistic,
    /// Saved here first; one that fails a rule is refused at save.
    Validated,
    /// Only with an answer of the server.
    Online,
    /// Never written by the app; fetched.
    Remote,
}

/// What to do when both sides changed a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// A person decides.
    #[default]
    Ask,
    /// The later edit, if both times can be trusted; else ask.
    Latest,
    /// The server's.
    Server,
    /// Mine.
    Mine,
    /// The greater.
    Max,
    /// The lesser.
    Min,
    /// The server's plus what I added.
    Sum,
    /// The items of both: of a list as a set; of a list of ids ([`FieldSpec::refers_to`]) in their order, too.
    Union,
    /// Both texts, if each only added to the end.
    Append,
    /// The further of two ordered stages.
    Forward,
}

/// What values a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Text.
    String,
    /// A whole number within ±2^53.
    Integer,
    /// Any finite number.
    Number,
    /// True or false.
    Boolean,
    /// Milliseconds since 1970.
    Time,
    /// `YYYY-MM-DD`.
    Date,
    /// A record's id; see [`FieldSpec::refers_to`].
    Reference,
    /// A user's id.
    User,
    /// One of [`FieldSpec::values`].
    Enum,
    /// A list: whole, or a set, or a list of ids; see [`Policy::Union`].
    Array,
    /// An object: whole, as fields that mean something only together; or see [`FieldSpec::by_member`].
    Object,
}

/// One field: its type, its rules, its policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldSpec {
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whether a record must have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// What to do when both sides changed it.
    #[serde(default)]
    pub policy: Policy,
    /// Of an object: each member is merged for itself, as if it were a field, by the policy `ask`, `mine` or `server`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_member: bool,
    /// Narrows the collection's mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Only the server writes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// Least number, or time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Greatest number, or time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Longest text, in characters; longest list, in items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_max: Option<usize>,
    /// A regular expression that the whole text matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The values of an enum, in order (`forward` takes the later one).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Of an enum: from each value, which may follow. Absent: any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub transitions: BTreeMap<String, Vec<String>>,
    /// Of a reference, or of the items of a list: the collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refers_to: Option<CollectionName>,
    /// No two records have the same value: the server refuses the second, with this field.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// What the server does to a value before it keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalise: Option<NormaliseRule>,
}

/// What the server does to a text before it keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NormaliseRule {
    /// Without spaces at the ends; runs of spaces become one.
    Trim,
    /// An Indonesian phone number as +62…
    Phone,
    /// Trimmed, lower case.
    Lower,
    /// Trimmed, upper case.
    Upper,
}

/// What is wrong with a schema file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaError {
    /// Not JSON of the schema's form; serde's message says where.
    Malformed(String),
    /// Two collections of one name.
    Twice(CollectionName),
    /// A name that is used and not declared: collection, then name.
    Undeclared(CollectionName, String),
    /// A pattern that is no regular expression: collection, then field.
    Pattern(CollectionName, String),
    /// A policy that means nothing for values of the field's type: collection, then field.
    Policy(CollectionName, String),
    /// What dates records is no time: collection, then field.
    Date(CollectionName, String),
    /// A field with a dot, which stands between a field and its member: collection, then field.
    Dot(CollectionName, String),
    /// A field of a name that means something else in a query (`and`, `or`, `not`): collection, then field.
    Reserved(CollectionName, String),
}

impl std::fmt::Display for SchemaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(why) => write!(f, "the schema is malformed: {why}"),
            Self::Twice(name) => write!(f, "the schema declares the collection {name} twice"),
            Self::Undeclared(collection, name) => {
                write!(f, "the schema's collection {collection} names {name}, which is not declared")
            }
            Self::Pattern(collection, name) => write!(f, "the pattern of {collection}.{name} is not a regular expression"),
            Self::Policy(collection, name) => {
                write!(f, "{collection}.{name} cannot be merged as it says: its type has no such policy")
            }
            Self::Date(collection, name) => write!(f, "{collection} is dated by {name}, which is no time"),
            Self::Dot(collection, name) => write!(f, "the name {name} in {collection} has a dot, which only members have"),
            Self::Reserved(collection, name) => write!(f, "{collection} has a field {name}, which no query could name"),
        }
    }
}

impl std::error::Error for SchemaError {}

impl Schema {
    /// Reads and checks a schema file.
    ///
    /// # Errors
    /// Says what is wrong with the file; see [`SchemaError`].
    pub fn parse(json: &str) -> Result<Self, SchemaError> {
        let schema: Self = serde_json::from_str(json).map_err(|error| SchemaError::Malformed(error.to_string()))?;
        for (index, collection) in schema.collections.iter().enumerate() {
            if schema.collections[..index].iter().any(|other| other.name == collection.name) {
                return Err(SchemaError::Twice(collection.name.clone()));
            }
            schema.check(collection)?;
        }
        Ok(schema)
    }

    fn check(&self, collection: &Collection) -> Result<(), SchemaError> {
        let access = match &collection.access {
            Access::Owner { field } | Access::Via { field } => Some(field),
            Access::Everyone => None,
        };
        for name in std::iter::once(&collection.title).chain(&collection.indexes).chain(access) {
            if !collection.fields.contains_key(name) {
                return Err(SchemaError::Undeclared(collection.name.clone(), name.clone()));
            }
        }
        if let Some(name) = &collection.dated_by
            && collection.fields.get(name).is_none_or(|spec| spec.kind != Kind::Time)
        {
            return Err(SchemaError::Date(collection.name.clone(), name.clone()));
        }
        for (name, spec) in &collection.fields {
            if spec.pattern.as_deref().is_some_and(|pattern| regex_lite::Regex::new(pattern).is_err()) {
                return Err(SchemaError::Pattern(collection.name.clone(), name.clone()));
            }
            if spec.refers_to.as_ref().is_some_and(|other| self.collection(other).is_none()) {
                return Err(SchemaError::Undeclared(collection.name.clone(), name.clone()));
            }
            if !spec.fits() {
                return Err(SchemaError::Policy(collection.name.clone(), name.clone()));
            }
            if name.contains('.') {
                return Err(SchemaError::Dot(collection.name.clone(), name.clone()));
            }
            if ["and", "or", "not"].contains(&name.as_str()) {
                return Err(SchemaError::Reserved(collection.name.clone(), name.clone()));
            }
        }
        Ok(())
    }

    /// Whether somebody owns the records of a collection, or the records that they are seen by way of.
    #[must_use]
    pub fn is_owned(&self, collection: &Collection) -> bool {
        let mut collection = collection;
        // As many steps as there are collections lead to the end of any way that has one.
        for _ in 0..=self.collections.len() {
            match &collection.access {
                Access::Everyone => return false,
                Access::Owner { .. } => return true,
                Access::Via { field } => {
                    let target = collection.fields.get(field).and_then(|spec| spec.refers_to.as_deref());
                    let Some(target) = target.and_then(|name| self.collection(name)) else { return true };
                    collection = target;
                }
            }
        }
        true
    }

    /// The collection of this name.
    #[must_use]
    pub fn collection(&self, name: &str) -> Option<&Collection> {
        self.collections.iter().find(|collection| collection.name == name)
    }
}

impl FieldSpec {
    /// Whether values of this type can be merged by this policy. Members have no types, and the server notes no times of
    /// them.
    fn fits(&self) -> bool {
        let is_one_of = |kinds: &[Kind]| kinds.contains(&self.kind);
        let policy = match self.policy {
            Policy::Ask | Policy::Server | Policy::Mine => true,
            Policy::Latest => !self.by_member,
            Policy::Max | Policy::Min => is_one_of(&[Kind::Integer, Kind::Number, Kind::Time, Kind::Date]),
            Policy::Sum => is_one_of(&[Kind::Integer, Kind::Number]),
            Policy::Union => self.kind == Kind::Array,
            Policy::Append => self.kind == Kind::String,
            Policy::Forward => self.kind == Kind::Enum && !self.values.is_empty(),
        };
        policy && (!self.by_member || self.kind == Kind::Object)
    }
}

impl Collection {
    /// The mode in which these fields are written: the strictest of theirs.
    #[must_use]
    pub fn mode_of<'a>(&self, names: impl Iterator<Item = &'a String>) -> Mode {
        names.map(|name| self.fields.get(name).and_then(|spec| spec.mode).unwrap_or(self.mode)).fold(
            self.mode,
            |strictest, mode| {
                if (mode as u8) > (strictest as u8) { mode } else { strictest }
            },
        )
    }

    /// The mode in which this field is written.
    #[must_use]
    pub fn mode_of_field(&self, name: &String) -> Mode {
        self.mode_of(std::iter::once(name))
    }

    /// What refers to other records: field, collection, id.
    pub fn references<'a>(
        &'a self,
        fields: &'a super::record::Fields,
    ) -> impl Iterator<Item = (&'a str, &'a str, super::record::RecordId)> {
        let of_field = |(name, value): (&'a String, &'a Value)| {
            let target = self.fields.get(name)?.refers_to.as_deref()?;
            Some(ids(value).map(move |id| (name.as_str(), target, id)))
        };
        fields.iter().filter_map(of_field).flatten()
    }
}

/// The ids that a value is, or has as a list.
pub fn ids(value: &Value) -> impl Iterator<Item = super::record::RecordId> {
    let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    items.iter().filter_map(|item| item.as_str()?.parse().ok())
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
