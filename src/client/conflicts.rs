//! Conflicts as the shell shows them, alone and by cause; `www/fieldsync/types.d.ts` has the same shapes.

use serde::Serialize;
use serde_json::Value;

use crate::core::history::theirs;
use crate::core::outbox::Change;
use crate::core::protocol::Action;
use crate::core::record::{
    Base, By, Changed, CollectionName, DeviceId, Fields, Millis, RecordId, Version, at, field, field_of, same,
};
use crate::core::view::{Conflict, ConflictField, ConflictKind};
use crate::data::asides::AsideView;
use crate::data::causes::{Cause, Deed, grouped};
use crate::data::table::{RecordStatus, RecordView, Tables};
use crate::ports::{Host, Store, Transport};

use super::Client;

/// `Conflict` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConflictView {
    collection: CollectionName,
    id: RecordId,
    kind: ConflictKind,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    made_twice: bool,
    title: String,
    version: Version,
    fields: Vec<FieldView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<FieldView>,
    merged_fields: Vec<MergedField>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set_aside: Vec<AsideView>,
    #[serde(flatten)]
    theirs_was: Whose,
    saved_at: Millis,
    put_off: bool,
    mine: Option<Fields>,
    theirs: Option<Fields>,
    #[serde(skip)]
    cause: Cause,
}

/// `ConflictGroup` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConflictGroup {
    key: String,
    collection: CollectionName,
    kind: ConflictKind,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    made_twice: bool,
    fields: Vec<String>,
    #[serde(flatten)]
    cause: Whose,
    conflicts: Vec<ConflictView>,
}

/// Who did something, and when.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Whose {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<By>,
    /// It was this very device.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    here: bool,
}

impl Whose {
    pub(super) fn new(changed: Option<Changed>, device: DeviceId) -> Self {
        let (at, by) = changed.map(|Changed { at, by }| (at, by)).unzip();
        Self { at, here: by.as_ref().is_some_and(|by: &By| by.device == Some(device)), by }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct FieldView {
    field: String,
    before: Value,
    mine: Value,
    theirs: Value,
    #[serde(flatten)]
    theirs_was: Whose,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct MergedField {
    field: String,
    value: Value,
    #[serde(flatten)]
    theirs_was: Whose,
}

impl ConflictView {
    /// The record, and the version that it was shown with: what a decision names.
    #[must_use]
    pub fn key(&self) -> (CollectionName, RecordId, Version) {
        (self.collection.clone(), self.id, self.version)
    }

    /// Why it needs a person.
    #[must_use]
    pub fn kind(&self) -> ConflictKind {
        self.kind
    }

    /// Whether these may be two records: mine is a create of an id that was there.
    #[must_use]
    pub fn is_made_twice(&self) -> bool {
        self.made_twice
    }

    /// The fields that need a choice.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.field.as_str())
    }

    /// Mine and theirs of each of them.
    pub fn field_sides(&self) -> impl Iterator<Item = (&str, &Value, &Value)> {
        self.fields.iter().map(|field| (field.field.as_str(), &field.mine, &field.theirs))
    }
}

impl ConflictGroup {
    /// What is in it.
    #[must_use]
    pub fn conflicts(&self) -> &[ConflictView] {
        &self.conflicts
    }
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Every conflict that a person can decide now.
    pub fn conflicts(&self) -> Vec<ConflictView> {
        let now = self.host.now();
        let list = |tables: &Tables| {
            let of = |(collection, id): (CollectionName, RecordId)| {
                let record = tables.record(&collection, id, true, now)?;
                if record.status == RecordStatus::Conflict { conflict(tables, record, self.device) } else { None }
            };
            tables.unsent().into_iter().filter_map(of).collect()
        };
        self.tables(list).unwrap_or_default()
    }

    /// The same, by what brought them about.
    pub fn conflict_groups(&self) -> Vec<ConflictGroup> {
        let mut conflicts: Vec<Option<ConflictView>> = self.conflicts().into_iter().map(Some).collect();
        let causes: Vec<Cause> = conflicts.iter().flatten().map(|conflict| conflict.cause.clone()).collect();
        let mut take = |places: Vec<usize>| -> Vec<ConflictView> {
            places.into_iter().filter_map(|place| conflicts.get_mut(place).and_then(Option::take)).collect()
        };
        grouped(&causes).into_iter().filter_map(|places| group(take(places))).collect()
    }
}

fn group(conflicts: Vec<ConflictView>) -> Option<ConflictGroup> {
    let (first, last) = (conflicts.first()?, conflicts.last()?);
    let (kind, Cause { collection, made_twice, fields, .. }) = (first.kind, first.cause.clone());
    let newest = last.fields.iter().max_by_key(|field| field.theirs_was.at).map(|field| &field.theirs_was);
    Some(ConflictGroup {
        // The same while its oldest is undecided, whatever else comes to it.
        key: format!("{collection}/{}", first.id),
        cause: newest.filter(|whose| whose.by.is_some()).unwrap_or(&last.theirs_was).clone(),
        collection,
        kind,
        made_twice,
        fields,
        conflicts,
    })
}

fn conflict(tables: &Tables, record: RecordView, device: DeviceId) -> Option<ConflictView> {
    let RecordView { collection, id, put_off, set_aside, .. } = record;
    let (_, view) = tables.merged(&collection, id)?;
    let Conflict { kind, fields, merged, made_twice } = view.conflict?;
    let base = tables.base(&collection, id)?;
    let changes = tables.changes_of(&collection, id);
    let whose = |name: &str| Whose::new(base.changed.get(field_of(name)).cloned(), device);
    let show = |ConflictField { field, before, mine, theirs }: ConflictField| FieldView {
        theirs_was: whose(&field),
        field,
        before,
        mine,
        theirs,
    };
    let shown = view.fields.clone().unwrap_or_default();
    let merged = merged.into_iter().map(|name| MergedField {
        theirs_was: Whose::new(theirs(base, &name), device),
        value: at(&shown, &name).clone(),
        field: name,
    });
    let made_twice = made_twice && kind == ConflictKind::Fields;
    Some(ConflictView {
        kind,
        made_twice,
        title: tables.title(&collection, id),
        version: base.version,
        cause: cause(&collection, kind, made_twice, &fields, base),
        changed: changed(kind, &changes, base, &shown).into_iter().map(show).collect(),
        fields: fields.into_iter().map(show).collect(),
        merged_fields: merged.collect(),
        set_aside,
        theirs_was: Whose::new(base.by.clone().map(|by| Changed { at: base.at, by }), device),
        saved_at: changes.last().map(|change| change.saved_at).unwrap_or_default(),
        put_off,
        mine: view.fields,
        theirs: base.is_present().then(|| base.fields.clone()),
        collection,
        id,
    })
}

/// What brought it about: for fields, the newest change of theirs among them.
fn cause(collection: &str, kind: ConflictKind, made_twice: bool, fields: &[ConflictField], base: &Base) -> Cause {
    let mut names: Vec<String> = fields.iter().map(|field| field.field.clone()).collect();
    names.sort_unstable();
    let newest = names.iter().filter_map(|name| theirs(base, name)).max_by_key(|changed| changed.at);
    let whole = || base.by.clone().map(|by| Changed { at: base.at, by });
    let (at, by) = newest.or_else(whole).map(|changed| (changed.at, changed.by.id)).unzip();
    let seq = Some(base.seq).filter(|_| at.is_none_or(|at| at == base.at));
    Cause { collection: collection.to_owned(), deed: Deed::Conflict(kind), made_twice, fields: names, by, at, seq }
}

/// Of a record that one side deleted, what the other one has changed.
fn changed(kind: ConflictKind, changes: &[&Change], base: &Base, shown: &Fields) -> Vec<ConflictField> {
    let one = |name: &String, before: &Value, mine: &Value, theirs: &Value| ConflictField {
        field: name.clone(),
        before: before.clone(),
        mine: mine.clone(),
        theirs: theirs.clone(),
    };
    let mut found: Vec<ConflictField> = Vec::new();
    match kind {
        ConflictKind::Fields => {}
        ConflictKind::DeletedByThem => {
            for change in changes.iter().filter(|change| change.action != Action::Delete) {
                for name in change.written.keys() {
                    let (before, mine) = (field(&change.seen.fields, name), field(shown, name));
                    if !found.iter().any(|old| old.field == *name) && !same(before, mine) {
                        found.push(one(name, before, mine, &Value::Null));
                    }
                }
            }
        }
        ConflictKind::DeletedByMe => {
            let deleted = changes.iter().rev().find(|change| change.action == Action::Delete);
            let saw = deleted.map(|change| change.seen.fields.clone()).unwrap_or_default();
            let gone = saw.keys().filter(|name| !base.fields.contains_key(*name));
            for name in base.fields.keys().chain(gone) {
                let (before, is) = (field(&saw, name), field(&base.fields, name));
                if !same(before, is) {
                    found.push(one(name, before, &Value::Null, is));
                }
            }
        }
    }
    found
}
