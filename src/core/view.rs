//! What the app shows: the base, then each change of the outbox in order, each a three-way merge of what the user saw,
//! what the user wrote, and what is there.
//!
//! A conflict is a state of this fold, never a stored fact: it keeps mine on screen until a person decides.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::clock::edited_at;
use super::merge::{Merged, Sides, is_compared, joins, merge};
use super::outbox::{Change, Seen};
use super::protocol::{Action, SetAside};
use super::record::{Base, Fields, Millis, Tombstone, Version, apply, at, field, field_of, same, set};
use super::rules::normalise_value;
use super::schema::{Access, Collection, FieldSpec};
use crate::mutation::{self, Mutation};

/// Why a record's merge needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// Its name; of a field that is merged by member, the member's behind a dot: `hours.monday`.
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
    /// Whether mine is a create of an id that was there: these may be two records.
    pub made_twice: bool,
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
    // What waits for an answer is nobody's to show before that comes.
    for &change in changes.iter().filter(|change| !change.is_online() || mutation::is(Mutation::OnlineShown)) {
        match change.action {
            Action::Create => fold.create(change),
            Action::Update => fold.update(change),
            Action::Delete => fold.delete(change),
        }
        fold.saw_base |= base.is_some_and(|base| change.seen.version >= base.version);
    }
    fold.finish()
}

struct Fold<'a> {
    collection: &'a Collection,
    base: Option<&'a Base>,
    current: Option<Fields>,
    /// What was there before my own delete, for an update after it.
    before_delete: Option<Fields>,
    /// My own delete, for a create after it.
    deleted: Option<&'a Change>,
    /// A create of mine met a record of theirs.
    made_twice: bool,
    /// A change of mine had seen what is there, or that nothing is.
    saw_base: bool,
    /// A merge met a change of theirs that I had not seen.
    met_theirs: bool,
    /// Places that a change of mine has written: fields, and members of those that are merged by member.
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
            before_delete: None,
            deleted: None,
            made_twice: false,
            saw_base: false,
            met_theirs: false,
            touched: BTreeSet::new(),
            whole: None,
            fields: BTreeMap::new(),
            merged: BTreeSet::new(),
            set_aside: Vec::new(),
        }
    }

    fn is_deleted_by_them(&self, change: &Change) -> bool {
        !self.saw_base
            && !mutation::is(Mutation::EditOverDelete)
            && self.whole.is_none()
            && self.base.is_some_and(|base| base.tombstone == Some(Tombstone::Deleted) && change.seen.version < base.version)
    }

    fn create(&mut self, change: &Change) {
        if self.current.is_some() {
            self.made_twice |= self.base.is_some_and(Base::is_present);
            return self.write(change);
        }
        if let Some(deleted) = self.deleted.filter(|_| self.base.is_some_and(Base::is_present)) {
            return self.make_again(change, deleted);
        }
        if self.is_deleted_by_them(change) {
            self.whole = Some(ConflictKind::DeletedByThem);
        }
        self.current = Some(super::record::normalise(change.written.clone()));
        self.touched.extend(change.written.keys().cloned());
    }

    /// A create after my own delete of what the server still has: it writes every field over what the delete saw. Whose the
    /// record is stays, if the create does not say: cleared, it would be nobody's, and the server would refuse it.
    fn make_again(&mut self, change: &Change, deleted: &Change) {
        let mut written = change.written.clone();
        let is_cleared = |name: &&String| !change.written.contains_key(*name) && self.owner() != Some(*name);
        for name in deleted.seen.fields.keys().filter(is_cleared) {
            written.insert(name.clone(), Value::Null);
        }
        self.current = Some(self.before_delete());
        self.whole = None;
        self.write(&Change { seen: deleted.seen.clone(), written, ..change.clone() });
    }

    fn update(&mut self, change: &Change) {
        if self.current.is_none() {
            if self.is_deleted_by_them(change) {
                self.whole = Some(ConflictKind::DeletedByThem);
            }
            // After a delete an update restores. Without any base, what the user saw stands in for it.
            let mut restored = self.before_delete();
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

    /// What my own delete found; or, without one, what theirs took.
    fn before_delete(&self) -> Fields {
        let of_base = || self.base.map(|base| base.fields.clone()).unwrap_or_default();
        self.before_delete.clone().unwrap_or_else(of_base)
    }

    fn delete(&mut self, change: &'a Change) {
        let Some(current) = self.current.take() else { return };
        let moved = self.base.filter(|base| base.is_present()).is_some_and(|base| match base.version == change.seen.version {
            // A restored server may come to the same number with other contents; mine are not among those.
            true => {
                base.fields.iter().any(|(name, is)| !self.touched.contains(name) && !same(is, field(&change.seen.fields, name)))
            }
            false => self.met_theirs || !self.is_as_seen(&current, &change.seen),
        });
        if self.whole == Some(ConflictKind::DeletedByThem) {
            self.whole = None;
        } else if (moved || !self.asked(&current).is_empty()) && !mutation::is(Mutation::DeleteOverEdit) {
            self.whole = Some(ConflictKind::DeletedByMe);
        }
        self.before_delete = Some(current);
        self.deleted = Some(change);
        self.touched.insert(String::new());
    }

    /// Whether these fields are what a form saw: in the server's spelling, or in mine before it came. Whose a record is, the
    /// server writes at its creation: a form that was open then saw nobody.
    fn is_as_seen(&self, current: &Fields, saw: &Seen) -> bool {
        let owner = self.owner().filter(|_| saw.version == Version(0));
        let mut names = current.keys().chain(saw.fields.keys()).filter(|name| is_compared(self.collection.fields.get(*name)));
        names.all(|name| {
            let (is, was) = (field(current, name), field(&saw.fields, name));
            let normalised = self.base.and_then(|base| base.normalised.get(name));
            let is_mine = normalised.is_some_and(|of| same(is, &of.returned) && same(was, &of.sent));
            same(is, was) || is_mine || self.becomes(name, was, is) || (owner == Some(name) && was.is_null())
        })
    }

    /// The field that says whose the record is.
    fn owner(&self) -> Option<&'a String> {
        let Access::Owner { field } = &self.collection.access else { return None };
        Some(field)
    }

    /// Whether the server would keep the one value as the other: then they are one.
    fn becomes(&self, name: &str, mine: &Value, theirs: &Value) -> bool {
        let rule = self.collection.fields.get(name).and_then(|spec| spec.normalise);
        rule.is_some_and(|rule| same(&normalise_value(rule, mine), theirs))
    }

    /// What the user saw of a field, in the server's spelling if the base still holds that.
    fn seen_of<'b>(&'b self, change: &'b Change, name: &str) -> &'b Value {
        let seen = field(&change.seen.fields, name);
        match self.base.and_then(|base| base.normalised.get(name).map(|normalised| (base, normalised))) {
            Some((base, normalised)) if same(seen, &normalised.sent) && same(field(&base.fields, name), &normalised.returned) => {
                &normalised.returned
            }
            _ if self.base.is_some_and(|base| base.is_present() && self.becomes(name, seen, field(&base.fields, name))) => {
                self.base.map_or(seen, |base| field(&base.fields, name))
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
        if let Some(base) = self.base {
            self.merged.extend(changed_since(base, change.seen.version));
        }
    }

    fn write_field(&mut self, change: &Change, name: &str, mine: &Value) -> Value {
        let current = self.current.as_ref().map_or(&Value::Null, |fields| field(fields, name)).clone();
        let seen = self.seen_of(change, name).clone();
        let base = self.base.filter(|base| base.is_present()).map_or(&Value::Null, |base| field(&base.fields, name)).clone();
        let Some(spec) = self.collection.fields.get(name) else { return mine.clone() };
        if self.becomes(name, mine, &current) {
            return current;
        }
        if spec.by_member && mutation::is(Mutation::MembersAreWhole) {
            return mine.clone();
        }
        let values = [&seen, mine, &current, &base].map(|value| spec.by_member.then(|| members(value)).flatten());
        if let [Some(seen), Some(mine), Some(current), Some(base)] = values {
            return self.write_members(change, spec, name, [seen, mine, current, base]);
        }
        self.write_value(change, spec, name, [&seen, mine, &current, &base])
    }

    /// Each member as if it were a field.
    fn write_members(
        &mut self,
        change: &Change,
        spec: &FieldSpec,
        name: &str,
        [seen, mine, current, base]: [Fields; 4],
    ) -> Value {
        let names: BTreeSet<&String> = seen.keys().chain(mine.keys()).collect();
        let mut merged = current.clone();
        for member in names.into_iter().filter(|member| !same(field(&seen, member), field(&mine, member))) {
            let place = format!("{name}.{member}");
            let values = [&seen, &mine, &current, &base].map(|members| field(members, member));
            let value = self.write_value(change, spec, &place, values);
            set(&mut merged, member, value);
            self.touched.insert(place);
        }
        // Without a member it is what it was that had none.
        let empty = field(&change.written, name).as_object().map_or(Value::Null, |_| Value::Object(Fields::new()));
        if merged.is_empty() { empty } else { Value::Object(merged) }
    }

    fn write_value(&mut self, change: &Change, spec: &FieldSpec, place: &str, values: [&Value; 4]) -> Value {
        let [seen, mine, current, base] = values;
        // Another form of mine wrote it since.
        let over_mine = self.touched.contains(place) && !same(current, seen) && !same(current, base);
        let only_mine = over_mine && same(base, seen);
        self.met_theirs |= !same(base, seen) && !same(base, mine) && !self.touched.contains(place);
        let name = field_of(place);
        let changed_at = self.base.and_then(|base| base.changed.get(name).map(|changed| changed.at).or(Some(base.at)));
        let sides = Sides {
            seen,
            mine,
            theirs: current,
            mine_at: edited_at(change, self.base),
            theirs_at: changed_at.filter(|at| *at > Millis(0)),
        };
        let merged = match merge(place, spec, sides) {
            // Between two forms of mine there is nobody to ask and no server to prefer: the later one stands.
            _ if only_mine && !joins(spec.policy) => Merged::Ask,
            merged => merged,
        };
        match merged {
            Merged::Clean(value) => value,
            Merged::Ruled(value, lost) => {
                self.set_aside.push(SetAside { mine: lost.mine || only_mine, ..lost });
                value
            }
            Merged::Ask => {
                if over_mine && !same(current, mine) {
                    // The earlier one of two forms is not lost in silence.
                    self.set_aside.push(SetAside { field: place.to_owned(), value: current.clone(), mine: true });
                }
                if !only_mine {
                    self.fields.entry(place.to_owned()).or_insert_with(|| seen.clone());
                }
                mine.clone()
            }
        }
    }

    /// The fields that were asked about, and still differ.
    fn asked(&self, current: &Fields) -> Vec<ConflictField> {
        let Some(base) = self.base.filter(|base| base.is_present()) else { return Vec::new() };
        let asked = self.fields.iter().map(|(name, before)| ConflictField {
            field: name.clone(),
            before: before.clone(),
            mine: at(current, name).clone(),
            theirs: at(&base.fields, name).clone(),
        });
        asked.filter(|asked| !same(&asked.mine, &asked.theirs)).collect()
    }

    fn finish(self) -> View {
        let fields = self.current.as_ref().map(|current| self.asked(current)).unwrap_or_default();
        let kind = self.whole.or((!fields.is_empty()).then_some(ConflictKind::Fields));
        let merged = self.merged.into_iter().filter(|name| !self.touched.contains(name)).collect();
        let conflict = kind.map(|kind| Conflict { kind, fields, merged, made_twice: self.made_twice });
        View { fields: self.current, conflict, set_aside: self.set_aside }
    }
}

/// The members of an object; nothing, if it is none. An absent one has no members.
fn members(value: &Value) -> Option<Fields> {
    if value.is_null() { Some(Fields::new()) } else { value.as_object().cloned().map(super::record::normalise) }
}

/// The fields that the server changed after this version. A commit is one version and one time, so what came since is
/// among the newest times.
fn changed_since(base: &Base, seen: Version) -> Vec<String> {
    // Version 1 is the create: who saw version 0 made it.
    let since = base.version.0.saturating_sub(seen.0.max(1));
    let mut times: Vec<Millis> = base.changed.values().map(|changed| changed.at).collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    times.dedup();
    times.truncate(usize::try_from(since).unwrap_or(usize::MAX));
    base.changed.iter().filter(|(_, changed)| times.contains(&changed.at)).map(|(name, _)| name.clone()).collect()
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
