//! One batch: begin (strict), send, finish (strict). No transaction is open while the network is asked.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::core::bases::Bases;
use crate::core::finish::{Finish, Finished, finish};
use crate::core::loss::{Unsent, unsent};
use crate::core::machine::{Failure, Moved};
use crate::core::outbox::{Change, ranges};
use crate::core::parcel::Parcel;
use crate::core::protocol::{Answer, Body, Cursor, Outcome, PushAnswer, PushParcel, PushRequest, PushResult};
use crate::core::pull_state::PullState;
use crate::core::push::{Begin, begin_within, must_be_asked, wanted_within};
use crate::core::record::{Millis, OpId, RowId};
use crate::core::rows::{HistoryRow, meta};
use crate::core::status::Sending;
use crate::core::trace::What;
use crate::core::window::window;
use crate::data::page_set::{PageSet, Put};
use crate::mutation::{self, Mutation};
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, Write};

use super::ahead::Batch;
use super::asked::{begun_writes, conflict_writes, conflicts_after, is_ended, over};
use super::loss::learned;
use super::marked::{is_overtaken, marked};
use super::{Client, Note, meta_row, meta_write, pages};

/// What a push's transactions touch.
pub(super) const STORES: &[StoreName] =
    &[StoreName::Pages, StoreName::Outbox, StoreName::Parcels, StoreName::Conflicts, StoreName::History, StoreName::Meta];

/// Who waits for an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// A cycle, which sends what is next.
    Cycle,
    /// Who wrote this online change.
    For(RowId),
    /// Nobody.
    Nobody,
}

impl Waits {
    fn row(self) -> Option<RowId> {
        if let Self::For(row) = self { Some(row) } else { None }
    }
}

/// A begin's writes, and what it is.
pub(super) type Planned = (Vec<Write>, Batch);

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Asks for what is to be voided, then sends a batch.
    pub(super) async fn push(&self) -> Result<Moved, Failure> {
        if !self.shared.borrow().in_step {
            self.refresh(None).await.map_err(|error| self.storage_failure(&error))?;
        }
        let (replay, backlog, is_empty, mut next, sent) = {
            let shared = &mut *self.shared.borrow_mut();
            let sent = shared.sent.take();
            let next = if sent.is_none() { shared.next.take() } else { None };
            (shared.replay.clone(), shared.backlog(), shared.is_empty(), next, sent)
        };
        // What a restored server lacks goes first: what was saved later builds on it.
        if let Some(replay) = replay {
            return self.push_again(&replay).await;
        }
        if let Some(sent) = sent {
            self.note_sent(sent.request(), backlog.changes);
            return self.take_sent(sent).await;
        }
        if is_empty && !self.must_tell(Unsent::default()) {
            self.shared.borrow_mut().engine.batch.emptied();
            return Ok(Moved { more: false });
        }
        for parcel in backlog.parcels.iter().filter(|parcel| must_be_asked(parcel, &backlog.parcels)) {
            next = None;
            if !self.void(parcel).await? {
                return Ok(Moved { more: true });
            }
        }
        let is_answered = next.is_some();
        let (begun, request) = match next {
            Some(next) => next,
            None => self.begin_push(&BTreeSet::new()).await.map_err(|error| self.storage_failure(&error))?,
        };
        let sends = !request.parcels.is_empty();
        let must_tell = begun.ended.is_empty() && self.must_tell(request.unsent_after(&[]));
        // Nothing else can go, and it may be these that it waits for.
        if !sends && begun.ended.is_empty() && !begun.in_vain.is_empty() {
            return self.void_all(&begun.in_vain).await;
        }
        if !sends && begun.ended.is_empty() {
            let online = self.push_online().await?;
            if online.more || !must_tell {
                return Ok(online);
            }
        }
        if !sends && !must_tell {
            return Ok(Moved { more: true });
        }
        if !sends {
            return self.tell(&request).await;
        }
        self.note_sent(&request, backlog.changes);
        let batch = (begun, request);
        let sent = if is_answered { self.send_next(batch).await } else { self.send_batch(batch).await };
        self.take_sent(sent).await
    }

    fn note_sent(&self, request: &PushRequest, unsent: usize) {
        self.trace(What::Sent(request.parcels.iter().map(|parcel| parcel.op_id).collect()));
        self.show_sending(request, unsent);
    }

    pub(super) async fn take_results(&self, answer: &Answer, request: &PushRequest) -> Result<Moved, Failure> {
        let Body::Push(told @ PushAnswer { results, .. }) = &answer.body else { return Err(Failure::Misconfigured) };
        let finished = self.finish_push(answer, results, request.mark.as_ref(), Some((request, told)), Waits::Cycle).await;
        match finished.map_err(|error| self.storage_failure(&error))? {
            // What could not go for now holds up nobody who was promised an answer, nor what had no room beside it: it is not due
            // again at once, so this ends.
            Some(Finished { confirmed: 0, refused: 0, conflicted: 0, stale: false, .. }) => {
                let is_later = |result: &PushResult| matches!(result.outcome, Outcome::Retry { .. });
                let more = self.push_online().await?.more || results.iter().any(is_later);
                Ok(Moved { more })
            }
            finished => Ok(Moved { more: finished.is_none_or(|finished| !finished.stale) }),
        }
    }

    /// Begins a batch; of open parcels that are on their way, nothing.
    pub(super) async fn begin_push(&self, sent: &BTreeSet<OpId>) -> Result<Batch, StoreError> {
        let (stood, reads) = self.reads();
        let scope = Scope::strict(STORES, reads);
        let plan = |rows: &Rows| {
            // Other ids each time: what a run has begun whose commit went unseen may be on its way under its own.
            let chance = (self.host.now(), self.host.random());
            let outbox: Vec<&Change> = rows.outbox.iter().collect();
            let input = self.begin_input(&outbox, &rows.parcels, sent, chance);
            let look = || {
                let wanted = wanted_within(&input, window(input.count_max, rows.stage)).into_iter();
                Step::Read(vec![Read::PagesOf(wanted.map(|(collection, id)| (collection.to_owned(), id)).collect())])
            };
            let planned = match (self.known(rows), rows.stage.checked_sub(1)) {
                (Some(known), _) => self.plan_begin_known(&input, rows, &*known),
                (None, None) => return look(),
                (None, Some(tries)) => {
                    pages::read(rows).and_then(|bases| self.plan_begin(&input, window(input.count_max, tries), rows, &bases))
                }
            };
            match planned {
                Ok(Some((writes, planned))) => Step::Write(writes, Ok(planned)),
                Ok(None) => look(),
                Err(error) => Step::Write(vec![], Err(error)),
            }
        };
        let (planned, committed) = self.update_in_need(scope, plan).await?.split();
        let (begun, request) = planned?;
        self.trace_begun(&begun);
        self.take_own(stood, committed, None).await?;
        if !begun.parcels.is_empty() || !begun.ended.is_empty() {
            self.note(Note::Wake(None));
        }
        Ok((begun, request))
    }

    pub(super) fn begin_input<'a>(
        &'a self,
        outbox: &'a [&'a Change],
        parcels: &'a [Parcel],
        sent: &'a BTreeSet<OpId>,
        (now, seed): (Millis, u64),
    ) -> Begin<'a> {
        let count_max = self.shared.borrow().engine.batch.count_max;
        Begin { schema: &self.schema, outbox, parcels, sent, now, seed, count_max }
    }

    /// Over bases that are all known.
    pub(super) fn plan_begin_known(
        &self,
        input: &Begin<'_>,
        rows: &Rows,
        bases: &impl Bases,
    ) -> Result<Option<Planned>, StoreError> {
        let at = |tries| self.plan_begin(input, window(input.count_max, tries), rows, bases);
        // Over all there is always an answer.
        (0..).map(at).find(|planned| !matches!(planned, Ok(None))).unwrap_or(Ok(None))
    }

    fn plan_begin(
        &self,
        input: &Begin<'_>,
        window: usize,
        rows: &Rows,
        bases: &impl Bases,
    ) -> Result<Option<Planned>, StoreError> {
        let Some(mut begun) = begin_within(input, bases, window) else { return Ok(None) };
        let mut writes: Vec<Write> = begun.parcels.iter().cloned().map(Write::Parcel).collect();
        writes.extend(begun.replaced.iter().copied().map(Write::RemoveParcel));
        if !begun.ended.is_empty() {
            writes.extend(begun.ended.iter().map(|ended| Write::RemoveChange(ended.client_seq)));
            writes
                .push(Write::History(HistoryRow { ended: begun.ended.clone(), ..crate::core::finish::empty_history(input.now) }));
        }
        writes.extend(begun_writes(&begun, rows)?);
        let request = self.push_request(rows, input.outbox, std::mem::take(&mut begun.send))?;
        let request = PushRequest { conflicts: conflicts_after(rows, &begun.conflicts)?, ..request };
        if Some(request.allocated_seq) > meta_row(rows, meta::ALLOCATED)? {
            writes.push(meta_write(meta::ALLOCATED, &request.allocated_seq));
        }
        Ok(Some((writes, (begun, request))))
    }

    /// These parcels, and how it stands here: `rows` has the rows of meta.
    pub(super) fn push_request(
        &self,
        rows: &Rows,
        outbox: &[&Change],
        parcels: Vec<PushParcel>,
    ) -> Result<PushRequest, StoreError> {
        let noted: u64 = meta_row(rows, meta::ALLOCATED)?.unwrap_or(0);
        let pull: Option<PullState> = meta_row(rows, meta::PULL)?;
        Ok(PushRequest {
            device: self.device,
            epoch: self.epoch,
            allocated_seq: outbox.last().map_or(noted, |change| change.client_seq.max(noted)),
            open: if mutation::is(Mutation::OpenUntold) { vec![] } else { ranges(outbox.iter().map(|change| change.client_seq)) },
            open_records: unsent(outbox).records,
            conflicts: conflicts_after(rows, &[])?,
            goodbye: false,
            acknowledged: self.shared.borrow().losses.acknowledged(),
            server_epoch: meta_row(rows, meta::SERVER_EPOCH)?,
            cursor: pull.as_ref().and_then(|pull| pull.cursor.clone()),
            mark: pull.and_then(|pull| pull.mark),
            parcels,
        })
    }

    /// `shown` is the mark that was shown, and nothing is written if there is another by now: see [`is_overtaken`]. `told`, of
    /// a push, is also what the server says of losses.
    pub(super) async fn finish_push(
        &self,
        answer: &Answer,
        results: &[PushResult],
        shown: Option<&Cursor>,
        told: Option<(&PushRequest, &PushAnswer)>,
        waits: Waits,
    ) -> Result<Option<Finished>, StoreError> {
        let (contact, server_time) = (self.contact(), answer.server_time);
        let asked: BTreeSet<OpId> = results.iter().map(|result| result.op_id).collect();
        let on_the_way = self.shared.borrow().on_the_way.clone();
        let (stood, reads) = self.reads();
        let scope = answer_scope(reads);
        let plan = |rows: &Rows| {
            let (seed, chance) = (self.host.random(), (waits == Waits::Cycle).then(|| (contact.now, self.host.random())));
            let remembered = self.remembered(rows);
            let rows = remembered.as_ref().unwrap_or(rows);
            let sent = || rows.parcels.iter().filter(|parcel| asked.contains(&parcel.op_id));
            let known = self.known(rows).filter(|_| rows.stage == 0).map(|known| {
                known.page_set(sent().flat_map(|parcel| parcel.items.iter()).map(|item| (item.collection.as_str(), item.id)), &[])
            });
            if rows.stage == 0 && known.is_none() {
                return Step::Read(vec![Read::PagesOf(sent().flat_map(Parcel::records).collect())]);
            }
            let input = Finish {
                schema: &self.schema,
                outbox: &rows.outbox,
                parcels: &rows.parcels,
                user: self.user,
                device: self.device,
                now: contact.now,
                server_time,
                contact,
                seed,
                // A row that cannot be read is reported by who needs it whole.
                watermark_seq: meta_row::<PullState>(rows, meta::PULL).ok().flatten().unwrap_or_default().watermark_seq,
                waits: waits.row(),
            };
            let planned = is_overtaken(results, shown, rows).and_then(|is_overtaken| {
                if is_overtaken {
                    return Ok((vec![], (None, None, None)));
                }
                let is_known = known.is_some();
                let set = known.map_or_else(|| pages::read(rows), Ok)?;
                let (mut writes, finished, put) = plan_finish(&input, results, rows, told, set)?;
                let put = is_known.then_some(put);
                let next = match (chance, &put) {
                    (Some(chance), Some(put)) => self.plan_next(rows, &finished, &mut writes, put, (&on_the_way, chance))?,
                    _ => None,
                };
                Ok((writes, (Some(finished), put, next)))
            });
            match planned {
                Ok((writes, planned)) => Step::Write(writes, Ok(planned)),
                Err(error) => Step::Write(vec![], Err(error)),
            }
        };
        let (planned, committed) = self.update_in_need(scope, plan).await?.split();
        let (finished, put, next) = planned?;
        if let Some(finished) = &finished {
            self.count_answered(results, finished, waits);
        }
        if let Some((begun, _)) = &next {
            self.trace_begun(begun);
        }
        self.shared.borrow_mut().next = next;
        self.take_own(stood, committed, put).await?;
        self.note(Note::Wake(self.shared.borrow().sending.clone()));
        Ok(finished)
    }

    /// The mutation alone: the outbox and the parcels as memory has them.
    fn remembered(&self, rows: &Rows) -> Option<Rows> {
        let shared = self.shared.borrow();
        let tables = shared.tables.as_ref().filter(|_| mutation::is(Mutation::AloneAssumed))?;
        let (outbox, parcels) = (tables.outbox().cloned().collect(), tables.parcels().to_vec());
        Some(Rows { outbox: Rc::new(outbox), parcels, ..rows.clone() })
    }

    fn count_answered(&self, results: &[PushResult], finished: &Finished, waits: Waits) {
        // What is waited for is no part of a cycle: the trace has its save, and its end is in history.
        if waits.row().is_none() {
            self.trace_answered(results, finished);
        }
        let now = self.host.now();
        let mut shared = self.shared.borrow_mut();
        shared.engine.count_sent(now, finished.confirmed);
        if let Some(sending) = shared.sending.as_mut().filter(|_| waits.row().is_none()) {
            sending.done += results.len();
        }
    }

    pub(super) fn show_sending(&self, request: &PushRequest, unsent: usize) {
        let mut shared = self.shared.borrow_mut();
        let first = request.parcels.first().and_then(|parcel| parcel.items.first());
        let title = first.and_then(|item| shared.tables.as_ref().map(|tables| tables.title(&item.collection, item.id)));
        let done = shared.sending.as_ref().map_or(0, |sending| sending.done);
        let total = done + request.parcels.len().max(unsent.min(request.parcels.len()));
        let sending = Sending { done, total, name: title.unwrap_or_default() };
        shared.sending = Some(sending.clone());
        let items = request.parcels.iter().flat_map(|parcel| parcel.items.iter());
        let names: BTreeSet<String> = items.map(|item| item.collection.clone()).collect();
        if let Some(tables) = &mut shared.tables {
            tables.is_sending = true;
        }
        drop(shared);
        self.note(Note::Changed(names.into_iter().collect()));
        self.note(Note::Status);
        self.note(Note::Wake(Some(sending)));
    }
}

/// An answer waits for the disk.
fn answer_scope(reads: Vec<Read>) -> Scope {
    if mutation::is(Mutation::RelaxedAnswer) { Scope::relaxed(STORES, reads) } else { Scope::strict(STORES, reads) }
}

fn plan_finish(
    input: &Finish<'_>,
    results: &[PushResult],
    rows: &Rows,
    told: Option<(&PushRequest, &PushAnswer)>,
    mut set: PageSet,
) -> Result<(Vec<Write>, Finished, Put), StoreError> {
    let mut finished = finish(input, results, &mut set);
    pages::leave_out(&mut set, rows)?;
    let put = set.changes().clone();
    let mut writes = pages::writes(set, rows)?;
    writes.extend(finished.removed.iter().copied().map(Write::RemoveParcel));
    writes.extend(finished.append.iter().cloned().map(Write::Append));
    writes.extend(finished.put.iter().cloned().map(Write::Parcel));
    if let Some(history) = finished.history.take() {
        if !mutation::is(Mutation::ChangeStays) {
            writes.extend(history.ended.iter().map(|ended| Write::RemoveChange(ended.client_seq)));
        }
        writes.extend(over(rows, |row| is_ended(row, &history.ended), &finished.conflicts));
        writes.push(Write::History(history));
    }
    writes.extend(conflict_writes(finished.conflicts.clone(), rows)?);
    writes.extend(marked(results, rows)?);
    if let Some((request, answer)) = told {
        writes.extend(learned(request, answer, rows)?);
    }
    Ok((writes, finished, put))
}
