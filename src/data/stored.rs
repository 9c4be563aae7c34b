//! A base as memory and pages keep it: what every planner asks first in the open, and the rest packed as text, unpacked when
//! somebody looks at the record. A map of values takes five times the room of its text, and a page is rewritten without
//! reading what it says.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::value::{RawValue, to_raw_value};

use crate::core::record::{Base, By, Changed, Fields, Millis, Normalised, RecordId, Seq, Tombstone, Version};

use super::pick::{Pick, pick};

/// A base, packed or unpacked or both.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The record.
    pub id: RecordId,
    /// Its version.
    pub version: Version,
    /// Its place in the feed.
    pub seq: Seq,
    /// When it last changed.
    pub at: Millis,
    /// Why there is no record, if there is none.
    pub tombstone: Option<Tombstone>,
    /// Who changed it.
    pub by: Option<Rc<By>>,
    /// At least one of the two is there.
    packed: OnceCell<Packed>,
    base: OnceCell<Box<Base>>,
}

/// The rest of a base, as text.
#[derive(Clone, Debug)]
pub struct Packed {
    /// Its fields: a JSON object.
    pub fields: Box<RawValue>,
    /// When the fields were changed that the server named.
    pub changed: Box<[Moment]>,
    /// What few bases have.
    pub rest: Option<Box<Rest>>,
}

/// A moment at which fields were changed.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When.
    pub at: Millis,
    /// By whom.
    pub by: Rc<By>,
    /// Which: a JSON array of names. Most records of a page have the same.
    pub names: Rc<str>,
}

/// See [`Base::normalised`] and [`Base::doubted`].
#[derive(Clone, Debug, Default)]
pub struct Rest {
    /// By field.
    pub normalised: BTreeMap<String, Normalised>,
    /// Numbers of changes.
    pub doubted: Vec<u64>,
}

impl From<Base> for Stored {
    fn from(base: Base) -> Self {
        Self {
            id: base.id,
            version: base.version,
            seq: base.seq,
            at: base.at,
            tombstone: base.tombstone,
            by: base.by.clone().map(Rc::new),
            packed: OnceCell::new(),
            base: OnceCell::from(Box::new(base)),
        }
    }
}

impl PartialEq for Stored {
    fn eq(&self, other: &Self) -> bool {
        self.unpack() == other.unpack()
    }
}

impl Stored {
    /// A packed one.
    #[must_use]
    pub fn new(head: Head, packed: Packed) -> Self {
        let Head { id, version, seq, at, tombstone, by } = head;
        Self { id, version, seq, at, tombstone, by, packed: OnceCell::from(packed), base: OnceCell::new() }
    }

    /// The base. It stays unpacked until [`pack`](Self::pack).
    #[must_use]
    pub fn base(&self) -> &Base {
        self.base.get_or_init(|| Box::new(self.unpack()))
    }

    /// Whether the base is there unpacked.
    #[must_use]
    pub fn is_unpacked(&self) -> bool {
        self.base.get().is_some()
    }

    /// Gives up the room of the unpacked base.
    pub fn pack(&mut self) {
        self.packed();
        self.base.take();
    }

    /// Whether lists show it; see [`Base::is_listed`].
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.tombstone.is_none()
    }

    /// The lifetime of the server in which it had its place in the feed is over.
    pub fn set_adrift(&mut self) {
        self.seq = Seq(0);
        if let Some(base) = self.base.get_mut() {
            base.seq = Seq(0);
        }
    }

    /// Those of these fields that it has, and perhaps others: read from the text, which is not unpacked for it.
    #[must_use]
    pub fn some_fields(&self, names: &[&str]) -> Cow<'_, Fields> {
        match (self.base.get(), self.packed.get()) {
            (Some(base), _) => Cow::Borrowed(&base.fields),
            (None, Some(packed)) if !names.is_empty() => Cow::Owned(pick(packed.fields.get(), Pick::These(names))),
            (None, _) => Cow::Owned(Fields::new()),
        }
    }

    /// All its fields, likewise.
    #[must_use]
    pub fn fields(&self) -> Cow<'_, Fields> {
        match (self.base.get(), self.packed.get()) {
            (Some(base), _) => Cow::Borrowed(&base.fields),
            (None, Some(packed)) => Cow::Owned(pick(packed.fields.get(), Pick::All)),
            (None, None) => Cow::Owned(Fields::new()),
        }
    }

    /// The size of its fields as JSON, in bytes.
    #[must_use]
    pub fn fields_bytes(&self) -> usize {
        self.packed().fields.get().len()
    }

    /// The text.
    pub fn packed(&self) -> &Packed {
        self.packed.get_or_init(|| self.base.get().map_or_else(Packed::empty, |base| Packed::of(base)))
    }

    fn unpack(&self) -> Base {
        let Packed { fields, changed, rest } = match (self.base.get(), self.packed.get()) {
            (Some(base), _) => return (**base).clone(),
            (None, Some(packed)) => packed,
            (None, None) => &Packed::empty(),
        };
        let of_moment = |moment: &Moment| {
            // It is written below, or was read as an array of texts.
            let names: Vec<String> = serde_json::from_str(&moment.names).unwrap_or_default();
            let changed = Changed { at: moment.at, by: (*moment.by).clone() };
            names.into_iter().map(move |name| (name, changed.clone()))
        };
        let rest = rest.as_deref().cloned().unwrap_or_default();
        Base {
            id: self.id,
            version: self.version,
            seq: self.seq,
            at: self.at,
            by: self.by.as_deref().cloned(),
            changed: changed.iter().flat_map(of_moment).collect(),
            tombstone: self.tombstone,
            fields: pick(fields.get(), Pick::All),
            normalised: rest.normalised,
            doubted: rest.doubted,
        }
    }
}

/// What of a base lies open.
#[derive(Debug)]
pub struct Head {
    /// See [`Stored`], as for the others.
    pub id: RecordId,
    /// Its version.
    pub version: Version,
    /// Its place in the feed.
    pub seq: Seq,
    /// When it last changed.
    pub at: Millis,
    /// Why there is no record.
    pub tombstone: Option<Tombstone>,
    /// Who changed it.
    pub by: Option<Rc<By>>,
}

impl Packed {
    fn empty() -> Self {
        Self { fields: text(&Fields::new()), changed: Box::default(), rest: None }
    }

    fn of(base: &Base) -> Self {
        let mut groups: Vec<(&Changed, Vec<&str>)> = Vec::new();
        for (name, change) in &base.changed {
            match groups.iter_mut().find(|(known, _)| *known == change) {
                Some((_, names)) => names.push(name),
                None => groups.push((change, vec![name])),
            }
        }
        // One who changed several fields at several times is there once.
        let mut people: Vec<Rc<By>> = Vec::new();
        let mut person = |by: &By| {
            let known = people.iter().find(|known| known.as_ref() == by).cloned();
            known.unwrap_or_else(|| {
                people.push(Rc::new(by.clone()));
                people[people.len() - 1].clone()
            })
        };
        let moment = |(change, names): (&Changed, Vec<&str>)| Moment {
            at: change.at,
            by: person(&change.by),
            names: serde_json::to_string(&names).unwrap_or_default().into(),
        };
        let changed = groups.into_iter().map(moment).collect();
        let is_plain = base.normalised.is_empty() && base.doubted.is_empty();
        let rest = || Box::new(Rest { normalised: base.normalised.clone(), doubted: base.doubted.clone() });
        Self { fields: text(&base.fields), changed, rest: (!is_plain).then(rest) }
    }
}

/// Fields serialise always: their maps have string keys.
fn text(fields: &Fields) -> Box<RawValue> {
    to_raw_value(fields).unwrap_or_default()
}
