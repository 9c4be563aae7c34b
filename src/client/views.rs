//! Conflicts, unsent work and ends as the shell shows them; `www/fieldsync/types.d.ts` has the same shapes.

use serde::Serialize;
use serde_json::Value;

use crate::core::outbox::Change;
use crate::core::parcel::Then;
use crate::core::protocol::{Action, Problem, SetAside};
use crate::core::record::{By, CollectionName, Fields, GroupId, Millis, RecordId, RowId, Version, field_of};
use crate::core::rows::End;
use crate::core::rules::Violation;
use crate::core::view::{Conflict, ConflictField, ConflictKind};
use crate::data::table::{RecordStatus, Tables};
use crate::data::waits::{Sendable, Wait};

/// `Conflict` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConflictView {
    pub(super) collection: CollectionName,
    pub(super) id: RecordId,
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) version: Version,
    fields: Vec<ConflictFieldView>,
    pub(super) merged_fields: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<By>,
    pub(super) saved_at: Millis,
    pub(super) put_off: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) made_twice: bool,
    pub(super) mine: Option<Fields>,
    pub(super) theirs: Option<Fields>,
}

impl ConflictView {
    /// The record, and the version that it was shown with: what a decision names.
    #[must_use]
    pub fn key(&self) -> (CollectionName, RecordId, Version) {
        (self.collection.clone(), self.id, self.version)
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
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct ConflictFieldView {
    pub(super) field: String,
    pub(super) before: Value,
    pub(super) mine: Value,
    pub(super) theirs: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<By>,
}

/// `OutboxEntry` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEntry {
    pub(super) collection: CollectionName,
    pub(super) id: RecordId,
    pub(super) title: String,
    pub(super) status: RecordStatus,
    pub(super) action: Action,
    pub(super) changes: Vec<ChangeView>,
    pub(super) waits: Wait,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<Violation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<Problem>,
    pub(super) attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_attempt_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) blocked_by: Option<RecordId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) then: Option<Then>,
}

impl OutboxEntry {
    /// Where its record stands.
    #[must_use]
    pub fn status(&self) -> RecordStatus {
        self.status
    }

    /// Which record it is.
    #[must_use]
    pub fn record(&self) -> RecordId {
        self.id
    }

    /// The row ids of its changes, oldest first.
    pub fn rows(&self) -> impl Iterator<Item = RowId> {
        self.changes.iter().map(|change| change.row)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeView {
    pub(super) row: RowId,
    pub(super) saved_at: Millis,
    pub(super) action: Action,
    pub(super) written: Fields,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<GroupId>,
    pub(super) held: bool,
}

/// `HistoryEntry` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    pub(super) at: Millis,
    pub(super) end: End,
    pub(super) collection: CollectionName,
    pub(super) id: RecordId,
    pub(super) title: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) set_aside: Vec<SetAside>,
}

/// What would become of a parcel if it were sent now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PreviewEntry {
    pub(super) collection: CollectionName,
    pub(super) id: RecordId,
    pub(super) title: String,
    pub(super) outcome: &'static str,
}

pub(super) fn conflict(tables: &Tables, collection: CollectionName, id: RecordId) -> Option<ConflictView> {
    let (_, view) = tables.merged(&collection, id)?;
    let Conflict { kind, fields, merged, made_twice } = view.conflict?;
    let base = tables.base(&collection, id)?;
    let field = |field: ConflictField| {
        let changed = base.changed.get(field_of(&field.field));
        ConflictFieldView {
            at: changed.map(|changed| changed.at),
            by: changed.map(|changed| changed.by.clone()),
            field: field.field,
            before: field.before,
            mine: field.mine,
            theirs: field.theirs,
        }
    };
    let row = tables.conflicts.get(&(collection.clone(), id));
    Some(ConflictView {
        kind: match kind {
            ConflictKind::Fields => "fields",
            ConflictKind::DeletedByThem => "deleted-by-them",
            ConflictKind::DeletedByMe => "deleted-by-me",
        },
        title: tables.title(&collection, id),
        version: base.version,
        fields: fields.into_iter().map(field).collect(),
        merged_fields: merged,
        at: Some(base.at),
        by: base.by.clone(),
        saved_at: tables.changes_of(&collection, id).last().map(|change| change.saved_at).unwrap_or_default(),
        // Putting off names what was shown: when theirs moves again, the question is a new one.
        put_off: row.is_some_and(|row| row.put_off && row.version == base.version),
        made_twice,
        mine: view.fields,
        theirs: base.is_present().then(|| base.fields.clone()),
        collection,
        id,
    })
}

pub(super) fn entry(
    tables: &Tables,
    collection: CollectionName,
    id: RecordId,
    sendable: &Sendable,
    now: Millis,
) -> Option<OutboxEntry> {
    let changes = tables.changes_of(&collection, id);
    let parcel = tables.parcels_of(&changes).next();
    let record = tables.record(&collection, id, true, now);
    let view = |change: &&Change| ChangeView {
        row: change.row,
        saved_at: change.saved_at,
        action: change.action,
        written: change.written.clone(),
        group: change.group,
        held: change.is_held(now),
    };
    let action = record.as_ref().and_then(|record| record.pending).or(changes.last().map(|change| change.action))?;
    Some(OutboxEntry {
        title: tables.title(&collection, id),
        status: record.as_ref().map_or(RecordStatus::Pending, |record| record.status),
        action,
        changes: changes.iter().map(view).collect(),
        warnings: Vec::new(),
        waits: record.as_ref().map_or(Wait::Turn, |record| tables.waits_for(record, sendable, now)),
        problem: record.and_then(|record| record.problem),
        attempts: parcel.map_or(0, |parcel| parcel.attempts),
        next_attempt_at: parcel.and_then(|parcel| parcel.next_attempt_at),
        blocked_by: parcel.and_then(|parcel| parcel.blocked_by),
        then: parcel.and_then(|parcel| parcel.then),
        collection,
        id,
    })
}
