//! What the app reads: records, the status, conflicts, the sync centre's lists.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::core::outbox::Change;
use crate::core::parcel::{Parcel, ParcelState};
use crate::core::progress::{Progress, left_ms};
use crate::core::protocol::{Body, Outcome, PushRequest, Request};
use crate::core::pull_state::Snapshot;
use crate::core::push::{BATCH_PARCELS_MAX, Begin, begin, wanted};
use crate::core::record::{CollectionName, Fields, RecordId, Version};
use crate::core::rows::{Aside, DraftRow, meta};
use crate::core::status::{Facts, SyncStatus, status};
use crate::data::asides::MergedRecord;
use crate::data::query::Query;
use crate::data::standing::Standing;
use crate::data::table::{RecordView, Tables};
use crate::data::warnings::Surroundings;
use crate::ports::{Host, Read, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

use super::stuck::stuck;
use super::views::{HistoryEntry, MergedEntry, OutboxEntry, PreviewEntry, entry, tell_revoked};
use super::{Client, Shared, pages};

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    pub(super) fn tables<R>(&self, read: impl FnOnce(&Tables) -> R) -> Option<R> {
        self.shared.borrow().tables.as_ref().map(read)
    }

    /// A record as the app shows it, with what the server will probably refuse of its unsent changes.
    pub fn get(&self, collection: &str, id: RecordId) -> Option<RecordView> {
        let now = self.host.now();
        let shared = self.shared.borrow();
        let tables = shared.tables.as_ref()?;
        let record = tables.record(collection, id, true, now)?;
        Some(RecordView { warnings: Surroundings::new(tables, shared.complete()).warnings(collection, id), ..record })
    }

    /// The records of a query, and whether all that it is about was looked at: the collection, and those that it includes, are here
    /// whole, and words are looked for in every record.
    pub fn list(&self, collection: &str, query: &Query) -> (Vec<RecordView>, bool) {
        let now = self.host.now();
        let mut shared = self.shared.borrow_mut();
        let Shared { tables, pull, loading, .. } = &mut *shared;
        let declared = self.schema.collection(collection);
        let complete = loading.is_none()
            && declared.is_some_and(|declared| query.collections(declared).all(|name| pull.complete.contains(name)));
        let Some(tables) = tables else { return (Vec::new(), complete) };
        let mut found = tables.list(collection, query, now);
        if loading.is_some() {
            // Of what was edited and has no base here yet, nobody knows more than the edit.
            found.retain(|record| record.version == Version::default() || tables.base(collection, record.id).is_some());
        }
        (found, complete && (query.searched().is_none() || tables.search_pending() == 0))
    }

    /// How many records a query has.
    pub fn count(&self, collection: &str, query: &Query) -> usize {
        let mut shared = self.shared.borrow_mut();
        shared.tables.as_mut().map_or(0, |tables| tables.count(collection, query))
    }

    /// The status, from facts.
    pub fn status(&self) -> SyncStatus {
        let now = self.host.now();
        let mut shared = self.shared.borrow_mut();
        let shared = &mut *shared;
        let mut facts = Facts {
            engine: shared.engine.clone(),
            sending: shared.sending.clone(),
            pulled_at: shared.engine.pulled_at.or(shared.pull.pulled_at),
            full: shared.full,
            lost: shared.losses.lost(),
            server_epoch: shared.server_epoch,
            unread: shared.pull.poisoned,
            now,
            ..Facts::default()
        };
        if shared.pull.is_fetching() || (shared.pull.paused && facts.pulled_at.is_none()) {
            let snapshot = shared.pull.snapshot.clone().unwrap_or_default();
            let left_ms = shared.pace.and_then(|(since, from)| left_ms(now.since(since), from, snapshot.done, snapshot.total));
            let Snapshot { done, total, bytes, .. } = snapshot;
            facts.progress = Some(Progress { done, total, bytes, left_ms, paused: shared.pull.paused });
        }
        if let Some(tables) = &mut shared.tables {
            let Standing { pending, failed, conflicts, put_off, unknown } = tables.standing(now);
            (facts.pending, facts.failed, facts.conflicts, facts.put_off) = (pending, failed, conflicts, put_off);
            facts.unknown = unknown;
            facts.oldest_unsent_at = tables.outbox().next().map(|change| change.saved_at);
        }
        if shared.sending.is_none() {
            shared.stuck = stuck(shared, now);
        }
        facts.stuck = shared.stuck;
        status(&facts)
    }

    /// Records of which a rule set something aside that still stands so.
    pub fn merged(&self) -> Vec<MergedEntry> {
        let now = self.host.now();
        let list = |tables: &Tables| {
            let entry = |MergedRecord { key: (collection, id), at: merged_at, set_aside }| MergedEntry {
                title: tables.title(&collection, id),
                collection,
                id,
                merged_at,
                set_aside,
            };
            tables.merged_records(now).into_iter().map(entry).collect()
        };
        self.tables(list).unwrap_or_default()
    }

    /// Unsent work by record, oldest first.
    pub fn outbox(&self) -> Vec<OutboxEntry> {
        let now = self.host.now();
        let shared = self.shared.borrow();
        let Some(tables) = &shared.tables else { return Vec::new() };
        let (sendable, around) = (tables.sendable(now), Surroundings::new(tables, shared.complete()));
        let list = |(name, id): (CollectionName, RecordId)| {
            let warnings = around.warnings(&name, id);
            entry(tables, name, id, &sendable, now).map(|entry| OutboxEntry { warnings, ..entry })
        };
        let mut entries: Vec<OutboxEntry> = tables.unsent().into_iter().filter_map(list).collect();
        tell_revoked(tables, self.device, &mut entries);
        entries
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
                let of_record = row
                    .set_aside
                    .iter()
                    .filter(|Aside(collection, id, ..)| *id == ended.record && *collection == ended.collection);
                entries.push(HistoryEntry {
                    at: row.at,
                    end: ended.end,
                    collection: ended.collection.clone(),
                    id: ended.record,
                    title: title(&ended.collection, ended.record),
                    set_aside: of_record.map(|Aside(_, _, lost, _)| lost.clone()).collect(),
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
            "schema": self.schema.schema, "outbox": *rows.outbox, "parcels": parcels,
        }))
    }

    /// What would become of unsent work if it were sent now. No work is written, here or there.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub async fn preview(&self) -> Result<Vec<PreviewEntry>, TransportError> {
        let away = |error: StoreError| TransportError::Misconfigured { status: 0, detail: error.to_string() };
        let rows = self.store.read(vec![Read::Outbox, Read::Parcels, Read::Meta]).await.map_err(away)?;
        let outbox: Vec<&Change> = rows.outbox.iter().collect();
        let input = Begin {
            schema: &self.schema,
            outbox: &outbox,
            parcels: &rows.parcels,
            sent: &BTreeSet::new(),
            now: self.host.now(),
            seed: self.host.random(),
            count_max: BATCH_PARCELS_MAX,
        };
        let of = wanted(&input).into_iter().map(|(collection, id)| (collection.to_owned(), id)).collect();
        let bases = self.store.read(vec![Read::PagesOf(of)]).await.map_err(away)?;
        let begun = begin(&input, &pages::read(&bases).map_err(away)?);
        // Asked of whoever has this address, and whatever it knows of the feed: what it would make of the parcels themselves.
        let whole = self.push_request(&rows, &outbox, begun.send).map_err(away)?;
        let request = PushRequest { server_epoch: None, cursor: None, mark: None, ..whole };
        if request.parcels.is_empty() {
            return Ok(vec![]);
        }
        let answer = self.send(&Request::Preview(request.clone())).await?;
        if !self.heard(&answer).await {
            return Err(TransportError::Misconfigured { status: 0, detail: "another server has this address".to_owned() });
        }
        let Body::Push(results) = answer.body else { return Ok(vec![]) };
        let of_parcel = |(parcel, result): (&crate::core::protocol::PushParcel, &crate::core::protocol::PushResult)| {
            let outcome = result.outcome.name();
            let problem = if let Outcome::Rejected { problem } = &result.outcome { Some(problem) } else { None };
            let title = |collection: &str, id| self.tables(|tables| tables.title(collection, id)).unwrap_or_default();
            let item = |item: &crate::core::protocol::Item| PreviewEntry {
                collection: item.collection.clone(),
                id: item.id,
                title: title(&item.collection, item.id),
                outcome,
                problem: problem.cloned(),
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
        let trace = self.export_trace().await?;
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
            "trace": trace,
        }))
    }
}
