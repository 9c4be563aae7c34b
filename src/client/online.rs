//! What is done only with an answer of the server: written down with its parcel in one transaction, sent at once by itself,
//! and waited for. See `core::online`.

use std::cell::RefCell;

use crate::core::bases::Bases;
use crate::core::machine::{Event, Failure, Moved, State};
use crate::core::online::{Frozen, due, freeze, moved};
use crate::core::outbox::Change;
use crate::core::parcel::Parcel;
use crate::core::protocol::{Answer, Body, Outcome, Problem, PushAnswer, PushParcel, PushRequest, Request, SeqRange};
use crate::core::record::{Base, OpId, RowId};
use crate::core::rows::End;
use crate::core::trace::What;
use crate::mutation::{self, Mutation};
use crate::ports::{Cause, Host, Read, Rows, Scope, Step, Store, StoreError, Transport, TransportError, Write};

use super::push::{STORES, Waits};
use super::save::SaveError;
use super::{Client, Note, Shared, pages};

/// So often it is frozen anew while somebody waits, when others move the record meanwhile.
const TRIES_MAX: u32 = 3;

/// An end that another context has just written is among so many.
const ENDS_READ: u32 = 20;

/// What the transaction came to.
enum Begun {
    /// Its parcel is written, or was: to be sent.
    Open(Box<PushRequest>),
    /// The base has it already.
    Done,
    /// Not as it was seen.
    Refused(Problem),
}

/// Somebody waits for the answer to this change: no cycle of this context asks for it meanwhile.
struct Waiting<'a>(&'a RefCell<Shared>, RowId);

impl<'a> Waiting<'a> {
    fn new(shared: &'a RefCell<Shared>, row: RowId) -> Self {
        shared.borrow_mut().waited_for.insert(row);
        Self(shared, row)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().waited_for.remove(&self.1);
    }
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Does a change of mode `online`. Comes back with the answer, or with [`SaveError::NotKnownYet`]: then it is asked for again by
    /// later cycles.
    pub(super) async fn write_online(&self, mut change: Change) -> Result<(), SaveError> {
        self.check_reachable()?;
        // A form that is used again: what it said before has its end.
        let (now, is_spent) = (self.host.now(), self.shared.borrow().saved.contains(&change.row));
        if is_spent {
            change.row = RowId::new(now, self.random());
        }
        let row = change.row;
        let _waiting = Waiting::new(&self.shared, row);
        let mut request = match self.begin_online(&change).await? {
            Begun::Open(request) => *request,
            Begun::Done => return Ok(()),
            Begun::Refused(problem) => return Err(SaveError::Refused(Box::new(problem))),
        };
        for _ in 0..TRIES_MAX {
            let asked = Request::Push(request);
            let answer = self.send(&asked).await;
            let Request::Push(sent) = asked else { return Err(SaveError::NotKnownYet) };
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => return Err(self.unanswered(&error, &sent).await),
            };
            if let Some(result) = self.take_awaited(&answer, &sent, row).await {
                return result;
            }
            let Some(parcel) = self.open_parcel(row) else { break };
            request = self.ask_about(&parcel).await?;
        }
        Err(SaveError::NotKnownYet)
    }

    /// Nothing is written if it is known that nobody would answer.
    fn check_reachable(&self) -> Result<(), SaveError> {
        let shared = self.shared.borrow();
        let away = |ours| TransportError::Away { retry_after_ms: None, ours, cause: Cause::default() };
        let error = match shared.engine.machine.state {
            State::Waiting { ours: false, .. } => away(false),
            State::Waiting { floor: Some(_), .. } => away(true),
            // What a restored server lacks goes first.
            _ if shared.replay.is_some() => away(true),
            State::SignedOut => TransportError::SignedOut,
            State::Outdated => TransportError::Outdated,
            State::Misconfigured { .. } | State::OtherServer { .. } => {
                TransportError::Misconfigured { status: 0, detail: "the server does not understand this app".to_owned() }
            }
            State::Waiting { .. } | State::Idle | State::Pushing { .. } | State::Pulling { .. } => return Ok(()),
        };
        Err(SaveError::Away(error))
    }

    /// Writes the change and its parcel, in one transaction that waits for the disk.
    async fn begin_online(&self, change: &Change) -> Result<Begun, StoreError> {
        let op_id = OpId::new(self.host.now(), self.random());
        let key = (change.collection.clone(), change.record);
        let (stood, reads) = self.reads();
        let plan = |rows: &Rows| {
            let known = self.known(rows);
            if known.is_none() && rows.stage == 0 {
                return Step::Read(vec![Read::PagesOf(vec![key.clone()])]);
            }
            let planned = match known {
                Some(tables) => self.plan_online(rows, change, tables.base(&key.0, key.1), op_id),
                None => pages::read(rows).and_then(|set| self.plan_online(rows, change, Bases::get(&set, &key.0, key.1), op_id)),
            };
            match planned {
                Ok((writes, begun)) => Step::Write(writes, Ok(begun)),
                Err(error) => Step::Write(vec![], Err(error)),
            }
        };
        let (planned, committed) = self.update_in_need(Scope::strict(STORES, reads), plan).await?.split();
        let mut begun = planned?;
        if let (Begun::Open(request), Some(seq)) = (&mut begun, committed.appended.first()) {
            // Its number is known only now.
            request.allocated_seq = request.allocated_seq.max(*seq);
            request.open.push(SeqRange(*seq, *seq));
            request.open_records += 1;
            self.trace(What::Saved([change].into_iter().map(Into::into).collect()));
        }
        self.take_own(stood, committed, None).await?;
        self.note(Note::Changed(vec![key.0]));
        self.note(Note::Wake(None));
        Ok(begun)
    }

    fn plan_online(
        &self,
        rows: &Rows,
        change: &Change,
        base: Option<&Base>,
        op_id: OpId,
    ) -> Result<(Vec<Write>, Begun), StoreError> {
        let open = |parcel: PushParcel| {
            Ok::<_, StoreError>(Begun::Open(Box::new(self.push_request(
                rows,
                &rows.outbox.iter().collect::<Vec<_>>(),
                vec![parcel],
            )?)))
        };
        // The transaction ran twice, or Save was pressed twice.
        if let Some(parcel) = rows.parcels.iter().find(|parcel| parcel.is_open() && parcel.rows.contains(&change.row)) {
            return Ok((vec![], open(parcel.to_wire())?));
        }
        Ok(match freeze(change, base, op_id) {
            Frozen::Parcel(parcel) => {
                let begun = open(parcel.to_wire())?;
                (vec![Write::Append(change.clone()), Write::Parcel(*parcel)], begun)
            }
            Frozen::Nothing => (vec![], Begun::Done),
            Frozen::Moved(field) => (vec![], Begun::Refused(moved(&change.collection, change.record, field.as_deref()))),
        })
    }

    /// Takes the answer that somebody waits for: what they are told, or nothing if it is to be asked again.
    async fn take_awaited(&self, answer: &Answer, sent: &PushRequest, row: RowId) -> Option<Result<(), SaveError>> {
        if self.take_answer(answer).await.is_err() {
            return Some(Err(SaveError::NotKnownYet));
        }
        self.step(Event::Heard);
        let Body::Push(told @ PushAnswer { results, .. }) = &answer.body else { return Some(Err(SaveError::NotKnownYet)) };
        let finished = match self.finish_push(answer, results, sent.mark.as_ref(), Some((sent, told)), Waits::For(row)).await {
            Ok(finished) => finished,
            Err(error) => {
                self.note_store(&error);
                return Some(Err(SaveError::NotKnownYet));
            }
        };
        if let Some(problem) = finished.as_ref().and_then(|finished| finished.refusal.clone()) {
            self.remember(row);
            return Some(Err(SaveError::Refused(Box::new(problem))));
        }
        let outcome = results.first().map(|result| &result.outcome);
        if self.open_parcel(row).is_some() {
            let is_later = matches!(outcome, Some(Outcome::Retry { .. } | Outcome::Blocked { .. }) | None);
            return is_later.then_some(Err(SaveError::NotKnownYet));
        }
        self.remember(row);
        Some(match outcome {
            Some(Outcome::Applied { .. } | Outcome::Known { .. }) => Ok(()),
            Some(Outcome::Rejected { problem }) => Err(SaveError::Refused(Box::new(problem.clone()))),
            // Theirs is what was wanted; or somebody took it back while it was waited for.
            _ => match self.end_of(row).await {
                Some(End::Confirmed) => Ok(()),
                Some(End::Discarded | End::Resolved) => Err(SaveError::TakenBack),
                None => Err(SaveError::NotKnownYet),
            },
        })
    }

    /// How a change ended just now, if it did.
    async fn end_of(&self, row: RowId) -> Option<End> {
        let rows = self.store.read(vec![Read::HistoryLast(ENDS_READ)]).await.ok()?;
        rows.history.iter().rev().flat_map(|of| &of.ended).find(|ended| ended.row == row).map(|ended| ended.end)
    }

    /// There is no answer: whether it was done is not known.
    async fn unanswered(&self, error: &TransportError, sent: &PushRequest) -> SaveError {
        self.note_transport(error);
        if let TransportError::CursorUnknown { server_epoch } = error {
            // Whatever comes of it, the parcel stays as it is, and a cycle asks again.
            let _ = self.cursor_lost(|state| state.is_shown_by(sent), *server_epoch).await;
        }
        self.note(Note::Status);
        SaveError::NotKnownYet
    }

    /// The open parcel of this change, as memory has it.
    fn open_parcel(&self, row: RowId) -> Option<Parcel> {
        let shared = self.shared.borrow();
        let mut parcels = shared.tables.as_ref()?.parcels().iter();
        parcels.find(|parcel| parcel.is_open() && parcel.rows.contains(&row)).cloned()
    }

    async fn ask_about(&self, parcel: &Parcel) -> Result<PushRequest, StoreError> {
        let rows = self.store.read(vec![Read::Outbox, Read::Meta]).await?;
        self.push_request(&rows, &rows.outbox.iter().collect::<Vec<_>>(), vec![parcel.to_wire()])
    }

    /// Asks, in a cycle, what became of one online change that nobody waits for any more; in a request of its own. Never where
    /// no person is: a context without tables.
    pub(super) async fn push_online(&self) -> Result<Moved, Failure> {
        let parcel = {
            let shared = self.shared.borrow();
            let is_page = shared.tables.is_some() || mutation::is(Mutation::OnlineByWorker);
            let backlog = shared.backlog();
            let is_waited_for = |row: &RowId| shared.waited_for.contains(row);
            due(&backlog.parcels, self.host.now(), is_waited_for).filter(|_| is_page).cloned()
        };
        let Some(parcel) = parcel else { return Ok(Moved { more: false }) };
        let request = self.ask_about(&parcel).await.map_err(|error| self.storage_failure(&error))?;
        self.trace(What::Sent([parcel.op_id].into_iter().collect()));
        self.show_sending(&request, 1);
        match self.send(&Request::Push(request.clone())).await {
            Ok(answer) => {
                self.take_answer(&answer).await?;
                let Body::Push(told) = &answer.body else { return Err(Failure::Misconfigured) };
                let finished =
                    self.finish_push(&answer, &told.results, request.mark.as_ref(), Some((&request, told)), Waits::Nobody).await;
                let finished = finished.map_err(|error| self.storage_failure(&error))?;
                Ok(Moved { more: finished.is_none_or(|finished| !finished.stale) })
            }
            Err(error) => self.push_failed(&error, &request).await,
        }
    }
}
