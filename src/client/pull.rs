//! One page: ask, then write it if the state is still the one that was asked with (relaxed: it can be fetched again).

use serde_json::Value;

use crate::core::machine::{Event, Failure, Moved, Reason};
use crate::core::protocol::{Body, Range};
use crate::core::pull::{POISON_KEPT_MAX, PullState, Pulled, begin, finish_changes, finish_snapshot, records, sparing};
use crate::core::record::{CollectionName, Millis, RecordId};
use crate::core::rows::meta;
use crate::mutation::{self, Mutation};
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

use super::{Client, Note, meta_row, meta_write, pages};

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Whether to ask for little at once: the user or the network wants less traffic.
    pub fn spare(&self, data: bool) {
        self.shared.borrow_mut().spares_data = data;
    }

    /// Fetches a page and applies it.
    pub(super) async fn pull(&self) -> Result<Moved, Failure> {
        if !self.shared.borrow().in_step {
            self.refresh(None).await.map_err(|error| self.storage_failure(&error))?;
        }
        self.adjust().await.map_err(|error| self.storage_failure(&error))?;
        let asked = self.shared.borrow().pull.clone();
        // The user has stopped the first snapshot.
        let Some(request) = begin(&asked, &self.schema) else { return Ok(Moved { more: false }) };
        let request = if self.shared.borrow().spares_data { sparing(request) } else { request };
        let answer = match self.transport.send(&request).await {
            Ok(answer) => answer,
            Err(TransportError::CursorUnknown { server_epoch }) => {
                self.cursor_lost(|state| state.place() == asked.place(), server_epoch).await?;
                // What the server lacks goes up before what it has comes down.
                self.step(Event::Requested(Reason::Timer));
                return Ok(Moved { more: false });
            }
            Err(error) => return Err(self.failure(&error)),
        };
        self.take_answer(&answer).await?;
        let more = !asked.is_told_nothing(&answer.body)
            && self.apply(&asked, &answer.body).await.map_err(|error| self.storage_failure(&error))?;
        if !more {
            let pulled_at = Some(self.host.now());
            let mut shared = self.shared.borrow_mut();
            shared.engine.pulled_at = pulled_at;
            if let Some(tables) = &mut shared.tables {
                tables.pulled_at = pulled_at;
            }
        }
        if !asked.is_told_nothing(&answer.body) {
            self.refresh(None).await.map_err(|error| self.storage_failure(&error))?;
        }
        self.trace_pulled(&asked, &answer.body, more);
        self.note(Note::Wake(None));
        Ok(Moved { more })
    }

    async fn apply(&self, asked: &PullState, body: &Body) -> Result<bool, StoreError> {
        let now = self.host.now();
        let stores = [StoreName::Pages, StoreName::Outbox, StoreName::Conflicts, StoreName::Meta];
        let scope = Scope::relaxed(&stores, vec![Read::Outbox, Read::Conflicts, Read::Meta]);
        let pages_wanted = self.pages_of(asked, body);
        let uncompared = std::cell::Cell::new(mutation::is(Mutation::PageUncompared) || mutation::is(Mutation::OlderReplaces));
        let plan = |rows: &Rows| match meta_row::<PullState>(rows, meta::PULL) {
            Err(error) => Step::Write(vec![], Err(error)),
            // Another context was here first: its page stands, and the next pull goes on from there.
            Ok(state) if state.clone().unwrap_or_default() != *asked && !uncompared.get() => Step::Write(vec![], Ok(true)),
            Ok(_) if rows.stage == 0 => Step::Read(pages_wanted.clone()),
            Ok(_) => match self.plan_page(asked, body, rows, now) {
                Ok((writes, more)) => Step::Write(writes, Ok(more)),
                Err(error) => Step::Write(vec![], Err(error)),
            },
        };
        if mutation::is(Mutation::CursorFirst) {
            self.store.update(scope.clone(), |rows| cursor_alone(plan(rows))).await?.value?;
            uncompared.set(true);
        }
        self.store.update(scope, plan).await?.value
    }

    fn pages_of(&self, asked: &PullState, body: &Body) -> Vec<Read> {
        match body {
            Body::Changes(page) => vec![Read::PagesOf(records(&self.schema, asked, &page.changes))],
            Body::Snapshot(page) => {
                let ranges = page.ranges.iter().cloned().map(Read::PagesIn);
                let beside: Vec<(CollectionName, RecordId)> = records(&self.schema, asked, &page.records)
                    .into_iter()
                    .filter(|(name, id)| {
                        !page.ranges.iter().any(|range: &Range| range.collection == *name && range.contains(*id))
                    })
                    .collect();
                ranges.chain([Read::PagesOf(beside)]).collect()
            }
            Body::Push(_) | Body::Void(_) | Body::Report(_) | Body::Count(_) => vec![],
        }
    }

    fn plan_page(&self, asked: &PullState, body: &Body, rows: &Rows, now: Millis) -> Result<(Vec<Write>, bool), StoreError> {
        let mut set = pages::read(rows)?;
        let pulled = match body {
            Body::Changes(page) => finish_changes(&self.schema, asked, page, &rows.outbox, now, &mut set),
            Body::Snapshot(page) => finish_snapshot(&self.schema, asked, page, &rows.outbox, now, &mut set),
            // `classify` gives the body of what was asked.
            Body::Push(_) | Body::Void(_) | Body::Report(_) | Body::Count(_) => {
                Pulled { state: asked.clone(), ..Pulled::default() }
            }
        };
        let mut writes = pages::writes(set, rows)?;
        writes.push(meta_write(meta::PULL, &pulled.state));
        if !pulled.poison.is_empty() {
            let mut kept: Vec<Value> = meta_row(rows, meta::POISON)?.unwrap_or_default();
            kept.extend(pulled.poison);
            kept.truncate(POISON_KEPT_MAX);
            writes.push(meta_write(meta::POISON, &kept));
        }
        let is_new = |row: &crate::core::rows::ConflictRow| {
            !rows.conflicts.iter().any(|old| old.id == row.id && old.collection == row.collection)
        };
        writes.extend(pulled.conflicts.into_iter().filter(is_new).map(Write::Conflict));
        Ok((writes, pulled.more))
    }
}

/// The mutation alone: what of a page's writes is the cursor.
fn cursor_alone<T>(step: Step<T>) -> Step<T> {
    match step {
        Step::Write(writes, value) => {
            Step::Write(writes.into_iter().filter(|write| matches!(write, Write::Meta(meta::PULL, _))).collect(), value)
        }
        read @ Step::Read(_) => read,
    }
}
