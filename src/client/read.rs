//! What the app reads: records, the status, conflicts, the sync centre's lists.

use serde::Serialize;
use serde_json::{Value, json};

use crate::core::bases::Bases;
use crate::core::outbox::Change;
use crate::core::parcel::{Parcel, ParcelState, Then};
use crate::core::protocol::{Action, Body, Outcome, Problem, PushRequest, Request, SetAside};
use crate::core::push::{BATCH_PARCELS_MAX, Begin, begin, wanted};
use crate::core::record::{By, CollectionName, Fields, GroupId, Millis, RecordId, RowId, Version};
use crate::core::rows::{DraftRow, End, meta};
use crate::core::status::{Facts, SyncStatus, status};
use crate::core::view::{Conflict, ConflictKind};
use crate::data::query::Query;
use crate::data::table::{RecordStatus, RecordView, Tables};
use crate::ports::{Host, Read, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

use super::{Client, pages};

/// `Conflict` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConflictView {
    collection: CollectionName,
    id: RecordId,
    kind: &'static str,
    title: String,
    version: Version,
    fields: Vec<ConflictFieldView>,
    merged_fields: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<By>,
    saved_at: Millis,
    put_off: bool,
    mine: Option<Fields>,
    theirs: Option<Fields>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct ConflictFieldView {
    field: String,
    before: Value,
    mine: Value,
    theirs: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<By>,
}

/// `OutboxEntry` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxEntry {
    collection: CollectionName,
    id: RecordId,
    title: String,
    status: RecordStatus,
    action: Action,
    changes: Vec<ChangeView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_by: Option<RecordId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<Then>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ChangeView {
    row: RowId,
    saved_at: Millis,
    action: Action,
    written: Fields,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupId>,
    held: bool,
}

/// `HistoryEntry` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    at: Millis,
    end: End,
    collection: CollectionName,
    id: RecordId,
    title: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set_aside: Vec<SetAside>,
}

/// What would become of a parcel if it were sent now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PreviewEntry {
    collection: CollectionName,
    id: RecordId,
    title: String,
    outcome: &'static str,
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    fn tables<R>(&self, read: impl FnOnce(&Tables) -> R) -> Option<R> {
        self.shared.borrow().tables.as_ref().map(read)
    }

    /// A record as the app shows it.
    pub fn get(&self, collection: &str, id: RecordId) -> Option<RecordView> {
        let now = self.host.now();
        self.tables(|tables| tables.record(collection, id, true, now))?
    }

    /// The records of a query, and whether the collection is here whole.
    pub fn list(&self, collection: &str, query: &Query) -> (Vec<RecordView>, bool) {
        let now = self.host.now();
        let complete = self.shared.borrow().pull.complete.contains(collection);
        (self.tables(|tables| tables.list(collection, query, now)).unwrap_or_default(), complete)
    }

    /// How many records a query has.
    pub fn count(&self, collection: &str, query: &Query) -> usize {
        let now = self.host.now();
        self.tables(|tables| tables.count(collection, query, now)).unwrap_or(0)
    }

    /// The status, from facts.
    pub fn status(&self) -> SyncStatus {
        let now = self.host.now();
        let shared = self.shared.borrow();
        let mut facts = Facts {
            engine: shared.engine.clone(),
            sending: shared.sending.clone(),
            pulled_at: shared.pull.pulled_at,
            full: shared.full,
            now,
            ..Facts::default()
        };
        if let Some(snapshot) = shared.pull.snapshot.as_ref().filter(|_| shared.pull.pulled_at.is_none()) {
            facts.progress = Some((snapshot.done, snapshot.total));
        }
        if let Some(tables) = &shared.tables {
            for (collection, id) in tables.unsent() {
                facts.pending += 1;
                match tables.record(&collection, id, true, now).map(|record| record.status) {
                    Some(RecordStatus::Failed) => facts.failed += 1,
                    Some(RecordStatus::Conflict) => {
                        facts.conflicts += 1;
                        facts.put_off += usize::from(tables.conflicts.get(&(collection, id)).is_some_and(|row| row.put_off));
                    }
                    _ => {}
                }
            }
            facts.oldest_unsent_at = tables.outbox().next().map(|change| change.saved_at);
        }
        status(&facts)
    }

    /// Every conflict that a person can decide now.
    pub fn conflicts(&self) -> Vec<ConflictView> {
        let now = self.host.now();
        let list = |tables: &Tables| {
            let unsent = tables.unsent().into_iter();
            unsent
                .filter(|(collection, id)| {
                    tables.record(collection, *id, true, now).is_some_and(|record| record.status == RecordStatus::Conflict)
                })
                .filter_map(|(collection, id)| conflict(tables, collection, id))
                .collect()
        };
        self.tables(list).unwrap_or_default()
    }

    /// Unsent work by record, oldest first.
    pub fn outbox(&self) -> Vec<OutboxEntry> {
        let now = self.host.now();
        let list = |tables: &Tables| tables.unsent().into_iter().filter_map(|(name, id)| entry(tables, name, id, now)).collect();
        self.tables(list).unwrap_or_default()
    }

    /// The newest ends.
    ///
    /// # Errors
    /// If history cannot be read.
    pub async fn history(&self, limit: u32) -> Result<Vec<HistoryEntry>, StoreError> {
        let rows = self.store.read(vec![Read::HistoryLast(limit)]).await?;
        let title = |collection: &str, id| self.tables(|tables| tables.title(collection, id)).unwrap_or_default();
        let mut entries = Vec::new();
        for row in rows.history.iter().rev() {
            for ended in &row.ended {
                let of_record =
                    row.set_aside.iter().filter(|(collection, id, _)| *id == ended.record && *collection == ended.collection);
                entries.push(HistoryEntry {
                    at: row.at,
                    end: ended.end,
                    collection: ended.collection.clone(),
                    id: ended.record,
                    title: title(&ended.collection, ended.record),
                    set_aside: of_record.map(|(.., lost)| lost.clone()).collect(),
                });
            }
        }
        entries.truncate(limit as usize);
        Ok(entries)
    }

    /// Unsent work as JSON: changes and parcels, whole. Exporting ends nothing.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn export_unsent(&self) -> Result<Value, StoreError> {
        let rows = self.store.read(vec![Read::Outbox, Read::Parcels, Read::Meta]).await?;
        let exported_at = self.host.now();
        let parcels = rows.parcels;
        Ok(json!({
            "fieldsync": 1, "user": self.user, "device": self.device, "exported_at": exported_at,
            "schema": self.schema.schema, "outbox": rows.outbox, "parcels": parcels,
        }))
    }

    /// What would become of unsent work if it were sent now. Nothing is written, here or there.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn preview(&self) -> Result<Vec<PreviewEntry>, TransportError> {
        let away = |error: StoreError| TransportError::Misconfigured { status: 0, detail: error.to_string() };
        let rows = self.store.read(vec![Read::Outbox, Read::Parcels, Read::Meta]).await.map_err(away)?;
        let (outbox, parcels) = (&rows.outbox, &rows.parcels);
        let input = Begin {
            schema: &self.schema,
            outbox,
            parcels,
            now: self.host.now(),
            seed: self.host.random(),
            count_max: BATCH_PARCELS_MAX,
        };
        let of = wanted(&input).into_iter().map(|(collection, id)| (collection.to_owned(), id)).collect();
        let bases = self.store.read(vec![Read::PagesOf(of)]).await.map_err(away)?;
        let begun = begin(&input, &pages::read(&bases).map_err(away)?);
        let (device, epoch) = (self.device, self.epoch);
        let request = PushRequest { device, epoch, allocated_seq: 0, open: vec![], cursor: None, parcels: begun.send };
        if request.parcels.is_empty() {
            return Ok(vec![]);
        }
        let answer = self.transport.send(&Request::Preview(request.clone())).await?;
        let Body::Push(results) = answer.body else { return Ok(vec![]) };
        let of_parcel = |(parcel, result): (&crate::core::protocol::PushParcel, &crate::core::protocol::PushResult)| {
            let outcome = outcome_name(&result.outcome);
            let title = |collection: &str, id| self.tables(|tables| tables.title(collection, id)).unwrap_or_default();
            let item = |item: &crate::core::protocol::Item| PreviewEntry {
                collection: item.collection.clone(),
                id: item.id,
                title: title(&item.collection, item.id),
                outcome,
            };
            parcel.items.iter().map(item).collect::<Vec<_>>()
        };
        Ok(request.parcels.iter().zip(&results.results).flat_map(of_parcel).collect())
    }

    /// A draft.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn draft(&self, form: &str) -> Result<Option<Fields>, StoreError> {
        let rows = self.store.read(vec![Read::Draft(form.to_owned())]).await?;
        Ok(rows.drafts.into_iter().next().map(|draft| draft.value))
    }

    /// Keeps a draft; none removes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn put_draft(&self, form: &str, value: Option<Fields>) -> Result<(), StoreError> {
        let at = self.host.now();
        let write = match value {
            Some(value) => Write::Draft(DraftRow { form: form.to_owned(), value, at }),
            None => Write::RemoveDraft(form.to_owned()),
        };
        let scope = Scope::relaxed(&[StoreName::Drafts], vec![]);
        self.store.update(scope, |_| Step::Write(vec![write.clone()], ())).await?;
        Ok(())
    }

    /// What support needs; no field values.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn diagnostics(&self) -> Result<Value, StoreError> {
        let rows = self.store.read(vec![Read::Outbox, Read::Parcels, Read::Conflicts, Read::Meta]).await?;
        let parcel = |parcel: &Parcel| {
            let refused = match &parcel.state {
                ParcelState::Open => None,
                ParcelState::Refused { problem } => Some((problem.code, problem.field.clone())),
            };
            json!({"op_id": parcel.op_id, "rows": parcel.rows.len(), "attempts": parcel.attempts, "next_attempt_at": parcel.next_attempt_at,
                "blocked_by": parcel.blocked_by, "refused": refused})
        };
        let change = |change: &Change| {
            let names: Vec<&String> = change.written.keys().collect();
            json!({"client_seq": change.client_seq, "row": change.row, "collection": change.collection, "record": change.record,
                "action": change.action, "fields": names, "saved_at": change.saved_at, "group": change.group})
        };
        Ok(json!({
            "device": self.device, "epoch": self.epoch, "user": self.user, "schema": self.schema.schema, "now": self.host.now(),
            "status": self.status(), "engine": rows.meta.get(meta::ENGINE), "pull": rows.meta.get(meta::PULL),
            "outbox": rows.outbox.iter().map(change).collect::<Vec<_>>(), "parcels": rows.parcels.iter().map(parcel).collect::<Vec<_>>(),
            "conflicts": rows.conflicts.len(), "records": self.tables(Tables::count_bases),
        }))
    }
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Applied { .. } => "applied",
        Outcome::Known { .. } => "known",
        Outcome::Conflict { .. } => "conflict",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Retry { .. } => "retry",
        Outcome::Blocked { .. } => "blocked",
        Outcome::Voided => "voided",
    }
}

fn conflict(tables: &Tables, collection: CollectionName, id: RecordId) -> Option<ConflictView> {
    let (_, view) = tables.merged(&collection, id)?;
    let Conflict { kind, fields, merged } = view.conflict?;
    let base = tables.base(&collection, id)?;
    let field = |field: crate::core::view::ConflictField| {
        let changed = base.changed.get(&field.field);
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
        mine: view.fields,
        theirs: base.is_present().then(|| base.fields.clone()),
        collection,
        id,
    })
}

fn entry(tables: &Tables, collection: CollectionName, id: RecordId, now: Millis) -> Option<OutboxEntry> {
    let changes = tables.changes_of(&collection, id);
    let parcel = tables.parcels.iter().find(|parcel| changes.iter().any(|change| parcel.rows.contains(&change.row)));
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
        problem: record.and_then(|record| record.problem),
        attempts: parcel.map_or(0, |parcel| parcel.attempts),
        next_attempt_at: parcel.and_then(|parcel| parcel.next_attempt_at),
        blocked_by: parcel.and_then(|parcel| parcel.blocked_by),
        then: parcel.and_then(|parcel| parcel.then),
        collection,
        id,
    })
}

/// The base, for tests.
impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Whether the store has a base of this record that is a record.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn has_base(&self, collection: &str, id: RecordId) -> Result<bool, StoreError> {
        let rows = self.store.read(vec![Read::PagesOf(vec![(collection.to_owned(), id)])]).await?;
        let set = pages::read(&rows)?;
        Ok(Bases::get(&set, collection, id).is_some_and(crate::core::record::Base::is_listed))
    }
}
