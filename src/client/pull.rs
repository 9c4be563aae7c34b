//! One page: ask, then write it if the state is still the one that was asked with (relaxed: it can be fetched again).

use std::cell::{Cell, RefCell};

use serde_json::Value;

use crate::core::clock::Contact;
use crate::core::machine::{Event, Failure, Moved, Reason};
use crate::core::protocol::{Answer, Body, Range, Request, Sorted};
use crate::core::pull::{
    PAGE_LIMIT_MIN, POISON_KEPT_MAX, Pulled, SPARING_LIMIT, after_page, begin, finish_changes, finish_snapshot, limited,
    page_limit,
};
use crate::core::pull_state::PullState;
use crate::core::record::{CollectionName, RecordId};
use crate::core::rows::meta;
use crate::core::schema::Schema;
use crate::data::page_set::{PageSet, Put};
use crate::data::table::Tables;
use crate::mutation::{self, Mutation};
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

use super::ahead::both;
use super::asked::new_conflict_writes;
use super::{Client, Note, meta_row, meta_write, pages};

/// What a page's transaction touches; and what else there may be that memory lacks.
const STORES: &[StoreName] =
    &[StoreName::Pages, StoreName::Outbox, StoreName::Parcels, StoreName::Conflicts, StoreName::History, StoreName::Meta];

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
        let Some(request) = self.next_request(&asked) else { return Ok(Moved { more: false }) };
        let answer = match self.take_ahead(&request) {
            Some(answer) => answer,
            None => self.send(&request).await,
        };
        let answer = match answer {
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
        let is_told_nothing = asked.is_told_nothing(&answer.body);
        let begun = self.host.now();
        let page = Page::of(&self.schema, asked, answer.body);
        page.worked_ms.set(self.host.now().since(begun));
        let more = !is_told_nothing && {
            let next = page.next().and_then(|state| self.next_request(&state));
            let (applied, ahead) = both(self.apply(&page), self.send_ahead(next.as_ref())).await;
            let mut shared = self.shared.borrow_mut();
            shared.ahead = next.zip(ahead);
            // The last page of all has few, and tells little.
            if page.entries >= PAGE_LIMIT_MIN as usize {
                shared.page_limit = page_limit(page.entries, page.worked_ms.get());
            }
            drop(shared);
            applied.map_err(|error| self.storage_failure(&error))?
        };
        if !more {
            let pulled_at = Some(self.host.now());
            let mut shared = self.shared.borrow_mut();
            shared.engine.pulled_at = pulled_at;
            if let Some(tables) = &mut shared.tables {
                tables.pulled_at = pulled_at;
            }
        }
        self.trace_pulled(&page.asked, page.entries, more);
        self.note(Note::Wake(None));
        Ok(Moved { more })
    }

    /// None if the user has stopped the first snapshot.
    fn next_request(&self, state: &PullState) -> Option<Request> {
        let shared = self.shared.borrow();
        Some(limited(begin(state, &self.schema)?, if shared.spares_data { SPARING_LIMIT } else { shared.page_limit }))
    }

    /// Asks for a page while the one before it is written.
    async fn send_ahead(&self, request: Option<&Request>) -> Option<Result<Answer, TransportError>> {
        Some(self.send(request?).await)
    }

    /// What was asked for ahead, if it is what is wanted now, however much of it.
    fn take_ahead(&self, request: &Request) -> Option<Result<Answer, TransportError>> {
        let ahead = self.shared.borrow_mut().ahead.take();
        let any = |request: &Request| limited(request.clone(), 0);
        ahead.filter(|(asked, _)| any(asked) == any(request)).map(|(_, answer)| answer)
    }

    async fn apply(&self, page: &Page) -> Result<bool, StoreError> {
        let contact = self.contact();
        let (stood, reads) = self.reads();
        let scope = Scope::relaxed(STORES, reads);
        let uncompared = Cell::new(mutation::is(Mutation::PageUncompared) || mutation::is(Mutation::OlderReplaces));
        let plan = |rows: &Rows| {
            let begun = self.host.now();
            let known = self.known(rows).filter(|_| rows.stage == 0);
            let planned = match meta_row::<PullState>(rows, meta::PULL) {
                Err(error) => Err(error),
                // Another context was here first: its page stands, and the next pull goes on from there.
                Ok(state) if state.clone().unwrap_or_default() != page.asked && !uncompared.get() => Ok((vec![], (true, None))),
                Ok(_) => match known {
                    Some(known) => self.plan_page(page, rows, page.known(&known), contact),
                    None if rows.stage == 0 => return Step::Read(page.pages()),
                    None => pages::read(rows)
                        .and_then(|set| self.plan_page(page, rows, set, contact))
                        .map(|(writes, (more, _))| (writes, (more, None))),
                },
            };
            page.worked_ms.set(page.worked_ms.get() + self.host.now().since(begun));
            match planned {
                Ok((writes, planned)) => Step::Write(writes, Ok(planned)),
                Err(error) => Step::Write(vec![], Err(error)),
            }
        };
        if mutation::is(Mutation::CursorFirst) {
            self.store.update(scope.clone(), |rows| cursor_alone(plan(rows))).await?.value?;
            uncompared.set(true);
        }
        let (planned, committed) = self.store.update(scope, plan).await?.split();
        let (more, put) = planned?;
        self.take_own(stood, committed, put).await?;
        Ok(more)
    }

    fn plan_page(&self, page: &Page, rows: &Rows, mut set: PageSet, contact: Contact) -> Result<Planned, StoreError> {
        // The connection died, and it is not known what was written: it is compared, and if need be asked for again.
        let Some(told) = page.told.take() else { return Ok((vec![], (true, None))) };
        let pulled = match &page.body {
            Body::Changes(body) => finish_changes(&self.schema, &page.asked, body, told, &rows.outbox, contact, &mut set),
            Body::Snapshot(body) => finish_snapshot(&self.schema, &page.asked, body, told, &rows.outbox, contact, &mut set),
            // `classify` gives the body of what was asked.
            Body::Push(_) | Body::Void(_) | Body::Report(_) | Body::Count(_) => {
                Pulled { state: page.asked.clone(), ..Pulled::default() }
            }
        };
        let put = set.changes().clone();
        let mut writes = pages::writes(set, rows)?;
        writes.push(meta_write(meta::PULL, &pulled.state));
        if !pulled.poison.is_empty() {
            let mut kept: Vec<Value> = meta_row(rows, meta::POISON)?.unwrap_or_default();
            kept.extend(pulled.poison);
            kept.truncate(POISON_KEPT_MAX);
            writes.push(meta_write(meta::POISON, &kept));
        }
        writes.extend(new_conflict_writes(pulled.conflicts, rows)?);
        Ok((writes, (pulled.more, Some(put))))
    }
}

/// A page's writes, whether there is more, and what was put into pages.
type Planned = (Vec<Write>, (bool, Option<Put>));

/// A page as it came.
struct Page {
    /// What it was asked with.
    asked: PullState,
    /// The page without its entries.
    body: Body,
    /// Its entries, for who applies them.
    told: RefCell<Option<Sorted>>,
    /// How many entries.
    entries: usize,
    /// Milliseconds of work that it was so far.
    worked_ms: Cell<i64>,
    /// The records whose pages must be read.
    records: Vec<(CollectionName, RecordId)>,
}

impl Page {
    fn of(schema: &Schema, asked: PullState, mut body: Body) -> Self {
        let told = match &mut body {
            Body::Changes(page) => std::mem::take(&mut page.changes),
            Body::Snapshot(page) => std::mem::take(&mut page.records),
            Body::Push(_) | Body::Void(_) | Body::Report(_) | Body::Count(_) => Vec::new(),
        };
        let entries = told.len();
        let told = Sorted::of(schema, &asked, told);
        let is_spoken_for = |(name, id): &(CollectionName, RecordId)| match &body {
            Body::Snapshot(page) => page.ranges.iter().any(|range| range.collection == *name && range.contains(*id)),
            _ => false,
        };
        let records = told.records().filter(|record| !is_spoken_for(record)).collect();
        Self { asked, body, told: RefCell::new(Some(told)), entries, worked_ms: Cell::new(0), records }
    }

    fn ranges(&self) -> &[Range] {
        if let Body::Snapshot(page) = &self.body { &page.ranges } else { &[] }
    }

    /// The pages of the database that it touches.
    fn pages(&self) -> Vec<Read> {
        let ranges = self.ranges().iter().cloned().map(Read::PagesIn);
        ranges.chain([Read::PagesOf(self.records.clone())]).collect()
    }

    /// The same, from memory.
    fn known(&self, tables: &Tables) -> PageSet {
        tables.page_set(self.records.iter().map(|(name, id)| (name.as_str(), *id)), self.ranges())
    }

    /// Where it leads, as far as that can be told before it is applied: to a snapshot's next page.
    fn next(&self) -> Option<PullState> {
        let Body::Snapshot(page) = &self.body else { return None };
        page.next.as_ref().map(|_| after_page(&self.asked, page, self.entries as u64))
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
