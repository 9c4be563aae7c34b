//! Unsent work and ends as the shell shows them (conflicts are in `conflicts.rs`); `www/fieldsync/types.d.ts` has the same shapes.

use serde::Serialize;

use super::conflicts::Whose;
use crate::core::outbox::Change;
use crate::core::parcel::Then;
use crate::core::protocol::{Action, Problem, SetAside};
use crate::core::record::{Base, Changed, CollectionName, DeviceId, Fields, GroupId, Millis, RecordId, RowId, Tombstone};
use crate::core::rows::End;
use crate::core::rules::Violation;
use crate::data::asides::AsideView;
use crate::data::causes::{Cause, Deed, grouped};
use crate::data::table::{RecordStatus, Tables};
use crate::data::waits::{Sendable, Wait};

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
    /// It is not this user's any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revoked: Option<Revoked>,
}

/// The deed by which a record was taken from this user.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Revoked {
    /// The same for all that the same deed took.
    pub(super) key: String,
    #[serde(flatten)]
    pub(super) whose: Whose,
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

    /// Which deed took it from this user, if one did.
    #[must_use]
    pub fn revoked(&self) -> Option<&str> {
        self.revoked.as_ref().map(|revoked| revoked.key.as_str())
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

/// A record of which a rule set something aside; `MergedEntry` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MergedEntry {
    pub(super) collection: CollectionName,
    pub(super) id: RecordId,
    pub(super) title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) merged_at: Option<Millis>,
    pub(super) set_aside: Vec<AsideView>,
}

/// What would become of a parcel if it were sent now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PreviewEntry {
    pub(super) collection: CollectionName,
    pub(super) id: RecordId,
    pub(super) title: String,
    pub(super) outcome: &'static str,
    /// Why it would be refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<Problem>,
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
        revoked: None,
        collection,
        id,
    })
}

/// Says of each record that was taken from this user which deed did it.
pub(super) fn tell_revoked(tables: &Tables, device: DeviceId, entries: &mut [OutboxEntry]) {
    let taken = |entry: &OutboxEntry| {
        let base = tables.base(&entry.collection, entry.id)?;
        (base.tombstone == Some(Tombstone::Revoked)).then(|| base.clone())
    };
    let (places, bases): (Vec<usize>, Vec<Base>) =
        entries.iter().enumerate().filter_map(|(place, entry)| Some((place, taken(entry)?))).unzip();
    let cause = |(place, base): (&usize, &Base)| Cause {
        collection: entries[*place].collection.clone(),
        deed: Deed::Revoked,
        made_twice: false,
        fields: vec![],
        by: base.by.as_ref().map(|by| by.id),
        at: Some(base.at),
        seq: Some(base.seq),
    };
    let causes: Vec<Cause> = places.iter().zip(&bases).map(cause).collect();
    for group in grouped(&causes) {
        let first = &entries[places[group[0]]]; // A group is never empty.
        let key = format!("{}/{}", first.collection, first.id);
        for of_group in group {
            let base = &bases[of_group];
            let changed = base.by.clone().map(|by| Changed { at: base.at, by });
            entries[places[of_group]].revoked = Some(Revoked { key: key.clone(), whose: Whose::new(changed, device) });
        }
    }
}
