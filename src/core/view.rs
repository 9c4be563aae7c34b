//! What the app shows: the base, then each change of the outbox in order, each a three-way merge of what the user saw,
//! what the user wrote, and what is there.
//!
//! A conflict is a state of this fold, never a stored fact: it keeps mine on screen until a person decides.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::merge::{Merged, Sides, merge};
use super::outbox::Change;
use super::protocol::{Action, SetAside};
use super::record::{Base, Fields, Millis, Tombstone, apply, field, same, same_fields, set};
use super::schema::Collection;

/// Why a record's merge needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictKind {
    /// Both sides changed a field.
    Fields,
    /// I changed what they deleted.
    DeletedByThem,
    /// They changed what I deleted.
    DeletedByMe,
}

/// One field that needs a choice.
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictField {
    /// Its name.
    pub field: String,
    /// What it was when I began.
    pub before: Value,
    /// Mine.
    pub mine: Value,
    /// Theirs.
    pub theirs: Value,
}

/// What needs a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Why.
    pub kind: ConflictKind,
    /// The fields; none if the whole record is in question.
    pub fields: Vec<ConflictField>,
    /// Fields of theirs that were taken without asking.
    pub merged: Vec<String>,
}

/// A record as the app shows it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct View {
    /// The fields; none if there is no record (any more).
    pub fields: Option<Fields>,
    /// Set if a person must decide. `fields` is mine then.
    pub conflict: Option<Conflict>,
    /// What rules set aside.
    pub set_aside: Vec<SetAside>,
}

/// The view of one record. `changes` are the record's, by `client_seq`.
#[must_use]
pub fn view(collection: &Collection, base: Option<&Base>, changes: &[&Change]) -> View {
    let mut fold = Fold::new(collection, base);
    for change in changes {
        match change.action {
            Action::Create => fold.create(change),
            Action::Update => fold.update(change),
            Action::Delete => fold.delete(change),
        }
    }
    fold.finish()
}

struct Fold<'a> {
    collection: &'a Collection,
    base: Option<&'a Base>,
    current: Option<Fields>,
    /// What was there before my own delete, for an update after it.
    before_delete: Fields,
    /// Fields that a change of mine has written.
    touched: BTreeSet<String>,
    whole: Option<ConflictKind>,
    fields: BTreeMap<String, Value>,
    merged: BTreeSet<String>,
    set_aside: Vec<SetAside>,
}

impl<'a> Fold<'a> {
    fn new(collection: &'a Collection, base: Option<&'a Base>) -> Self {
        // Revoked: the fields that an unsent change needs are shown, marked, until the base returns or the change ends.
        let shown = base.filter(|base| base.tombstone != Some(Tombstone::Deleted));
        Self {
            collection,
            base,
            current: shown
                .map(|base| base.fields.clone())
                .filter(|fields| base.is_some_and(Base::is_present) || !fields.is_empty()),
            before_delete: base.map(|base| base.fields.clone()).unwrap_or_default(),
            touched: BTreeSet::new(),
            whole: None,
            fields: BTreeMap::new(),
            merged: BTreeSet::new(),
            set_aside: Vec::new(),
        }
    }

    fn is_deleted_by_them(&self, change: &Change) -> bool {
        self.touched.is_empty()
            && self.whole.is_none()
            && self.base.is_some_and(|base| base.tombstone == Some(Tombstone::Deleted) && change.seen.version < base.version)
    }

    fn create(&mut self, change: &Change) {
        if self.current.is_some() {
            return self.write(change);
        }
        if self.is_deleted_by_them(change) {
            self.whole = Some(ConflictKind::DeletedByThem);
        }
        self.current = Some(super::record::normalise(&change.written));
        self.touched.extend(change.written.keys().cloned());
    }

    fn update(&mut self, change: &Change) {
        if self.current.is_none() {
            if self.is_deleted_by_them(change) {
                self.whole = Some(ConflictKind::DeletedByThem);
            }
            // After a delete an update restores. Without any base, what the user saw stands in for it.
            let mut restored = self.before_delete.clone();
            for (name, value) in &change.seen.fields {
                if !restored.contains_key(name) {
                    set(&mut restored, name, value.clone());
                }
            }
            self.current = Some(restored);
            if self.whole == Some(ConflictKind::DeletedByMe) {
                self.whole = None;
            }
        }
        self.write(change);
    }

    fn delete(&mut self, change: &Change) {
        let Some(current) = self.current.take() else { return };
        let moved = self.base.is_some_and(|base| base.is_present() && base.version > change.seen.version)
            && !same_fields(&self.as_seen(&current), &change.seen.fields);
        if self.whole == Some(ConflictKind::DeletedByThem) {
            self.whole = None;
        } else if moved && change.seen.version.0 > 0 {
            self.whole = Some(ConflictKind::DeletedByMe);
        }
        self.before_delete = current;
        self.fields.clear();
        self.touched.insert(String::new());
    }

    /// These fields with the server's spelling of my values turned back into mine, to compare with what a form saw.
    fn as_seen(&self, current: &Fields) -> Fields {
        let mut seen = current.clone();
        for (name, normalised) in self.base.iter().flat_map(|base| &base.normalised) {
            if same(field(current, name), &normalised.returned) {
                set(&mut seen, name, normalised.sent.clone());
            }
        }
        seen
    }

    /// What the user saw of a field, in the server's spelling if the base still holds that.
    fn seen_of<'b>(&'b self, change: &'b Change, name: &str) -> &'b Value {
        let seen = field(&change.seen.fields, name);
        match self.base.and_then(|base| base.normalised.get(name).map(|normalised| (base, normalised))) {
            Some((base, normalised)) if same(seen, &normalised.sent) && same(field(&base.fields, name), &normalised.returned) => {
                &normalised.returned
            }
            _ => seen,
        }
    }

    fn write(&mut self, change: &Change) {
        for (name, mine) in &change.written {
            let value = self.write_field(change, name, mine);
            if let Some(current) = &mut self.current {
                set(current, name, value);
            }
            self.touched.insert(name.clone());
        }
        if let Some(base) = self.base.filter(|base| base.version > change.seen.version) {
            let newer = base.changed.keys().filter(|name| !change.written.contains_key(*name));
            self.merged.extend(newer.cloned());
        }
    }

    fn write_field(&mut self, change: &Change, name: &str, mine: &Value) -> Value {
        let current = self.current.as_ref().map_or(&Value::Null, |fields| field(fields, name)).clone();
        let seen = self.seen_of(change, name).clone();
        let base_value =
            self.base.filter(|base| base.is_present()).map_or(&Value::Null, |base| field(&base.fields, name)).clone();
        let Some(spec) = self.collection.fields.get(name) else { return mine.clone() };
        let own = self.touched.contains(name);
        if own && same(&base_value, &seen) && !same(&current, &seen) && spec.policy != super::schema::Policy::Sum {
            // Only I have changed it since: two forms of mine. The later one stands, and the earlier is not lost in silence.
            if !same(&current, mine) {
                self.set_aside.push(SetAside { field: name.to_owned(), value: current, mine: true });
            }
            return mine.clone();
        }
        let changed_at = self.base.and_then(|base| base.changed.get(name).map(|changed| changed.at).or(Some(base.at)));
        let sides = Sides {
            seen: &seen,
            mine,
            theirs: &current,
            mine_at: change.clock_offset_ms.map(|_| change.edited_at()),
            theirs_at: changed_at.filter(|at| *at > Millis(0)),
        };
        match merge(name, spec, sides) {
            Merged::Clean(value) => value,
            Merged::Ruled(value, lost) => {
                self.set_aside.push(lost);
                value
            }
            Merged::Ask => {
                self.fields.entry(name.to_owned()).or_insert(seen);
                mine.clone()
            }
        }
    }

    fn finish(self) -> View {
        let mut fields = Vec::new();
        if let (Some(current), Some(base)) = (&self.current, self.base) {
            for (name, before) in self.fields {
                let (mine, theirs) = (field(current, &name), field(&base.fields, &name));
                if !same(mine, theirs) {
                    fields.push(ConflictField { field: name, before, mine: mine.clone(), theirs: theirs.clone() });
                }
            }
        }
        let kind = self.whole.or((!fields.is_empty()).then_some(ConflictKind::Fields));
        let merged = self.merged.into_iter().filter(|name| !fields.iter().any(|other| &other.field == name)).collect();
        View { fields: self.current, conflict: kind.map(|kind| Conflict { kind, fields, merged }), set_aside: self.set_aside }
    }
}

/// What must be written over the base to come to the view. Null clears a field.
#[must_use]
pub fn patch(base: Option<&Base>, view: &Fields) -> Fields {
    let empty = Fields::new();
    difference(base.filter(|base| base.is_present()).map_or(&empty, |base| &base.fields), view)
}

/// The patch that makes `after` of `before`. Null clears a field.
#[must_use]
pub fn difference(before: &Fields, after: &Fields) -> Fields {
    let changed = after.iter().filter(|(name, value)| !same(value, field(before, name)));
    let cleared = before.keys().filter(|name| !after.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    changed.map(|(name, value)| (name.clone(), value.clone())).chain(cleared).collect()
}

/// The fields with a patch over them.
#[must_use]
pub fn patched(fields: &Fields, patch: &Fields) -> Fields {
    let mut patched = fields.clone();
    apply(&mut patched, patch);
    patched
}
