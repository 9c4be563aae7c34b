//! The cycle: the machine decides, this performs, until the machine rests.

use std::collections::{BTreeSet, VecDeque};

use serde::Serialize;

use crate::core::backoff::PARCEL_DELAY_MS_MAX;
use crate::core::clock::Contact;
use crate::core::history::{ROWS_READ_MAX, prunable};
use crate::core::machine::{Effect, Event, Failure, Reason, State};
use crate::core::outbox::Change;
use crate::core::protocol::{Answer, Envelope, Request};
use crate::core::push::{Begin, begin_within, waits_for_another, wanted_within};
use crate::core::record::Millis;
use crate::core::rows::meta;
use crate::core::trace::What;
use crate::core::window::window;
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

/// How often history is pruned.
const PRUNE_EVERY_MS: i64 = 24 * 60 * 60 * 1_000;

use super::restore::replay_of;
use super::{Client, Note, meta_write, pages};

/// What a cycle came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CycleReport {
    /// When to come again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Millis>,
    /// Something sendable remains.
    pub unsent: bool,
    /// When the earliest hold ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Millis>,
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Whether this reason leads to a cycle now.
    pub fn wants(&self, reason: Reason) -> bool {
        self.shared.borrow().engine.machine.wants(self.host.now(), reason)
    }

    /// Runs one cycle, if the reason leads to one. A failure is not an error: it is in the status, and in when to come
    /// again.
    pub async fn cycle(&self, reason: Reason) -> CycleReport {
        // Another context may have changed where the engine stands, and what there is to do: this one read tells.
        {
            let shared = &mut *self.shared.borrow_mut();
            (shared.in_step, shared.next, shared.ahead) = (false, None, None);
            (shared.sent, shared.on_the_way) = (None, BTreeSet::new());
        }
        if let Err(error) = self.refresh(None).await {
            self.note_store(&error);
        }
        let mut effects: VecDeque<Effect> = self.step(Event::Requested(reason)).into();
        let mut wake_at = None;
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Push => {
                    let moved = self.push().await;
                    effects.extend(self.step(Event::Pushed(moved)));
                }
                Effect::Pull => {
                    let moved = self.pull().await;
                    effects.extend(self.step(Event::Pulled(moved)));
                }
                Effect::Rest => self.rest().await,
                Effect::WakeAt(at) => wake_at = Some(at),
                Effect::AskToSignIn => self.note(Note::Status),
            }
        }
        self.write_long_trace().await;
        self.report(wake_at).await
    }

    pub(super) fn step(&self, event: Event) -> Vec<Effect> {
        // 53 bits: a trace keeps them as a number that every reader of JSON reads exactly.
        let (now, random) = (self.host.now(), self.host.random() >> 11);
        let mut shared = self.shared.borrow_mut();
        let effects = shared.engine.machine.handle(now, random, event);
        let state = shared.engine.machine.state;
        shared.trace.note(now, What::Step { random, event, effects: effects.clone(), state });
        effects
    }

    /// What every answer of this server tells: that it is there, and its clock.
    pub(super) fn note_answer<B>(&self, answer: &Envelope<B>) {
        let now = self.host.now();
        let mut shared = self.shared.borrow_mut();
        let (sent_at, unsent) = (shared.sent_at.unwrap_or(now), shared.edits());
        shared.engine.heard(sent_at, now, answer.server_time, unsent);
    }

    /// The last contact with the server.
    pub(super) fn contact(&self) -> Contact {
        self.shared.borrow().engine.contact(self.host.now())
    }

    /// Sends, and notes when: between that and the answer the server's clock is read. Of two requests at once the later one
    /// counts, and then an answer may take less time than none: an edit is asked about for nothing.
    pub(super) async fn send(&self, request: &Request) -> Result<Answer, TransportError> {
        self.shared.borrow_mut().sent_at = Some(self.host.now());
        self.transport.send(request).await
    }

    /// An answer that no cycle asked for: whoever waits for the server need not. Whether it is this database's server.
    pub(super) async fn heard<B>(&self, answer: &Envelope<B>) -> bool {
        if self.check_server(answer.server_epoch).await.is_err() {
            return false;
        }
        self.note_answer(answer);
        self.step(Event::Heard);
        if let Err(error) = self.write_trace(vec![self.engine_row()]).await {
            self.note_store(&error);
        }
        self.note(Note::Status);
        self.note(Note::Wake(None));
        true
    }

    /// Where the engine stands, for the other contexts and the next start.
    pub(super) fn engine_row(&self) -> Write {
        let mut engine = self.shared.borrow().engine.clone();
        engine.machine = engine.machine.kept();
        meta_write(meta::ENGINE, &engine)
    }

    /// Once a day, what is old goes from history.
    async fn prune(&self) -> Result<(), StoreError> {
        let now = self.host.now();
        let pruned_at = self.shared.borrow().engine.pruned_at;
        if pruned_at.is_some_and(|at| !at.plus(PRUNE_EVERY_MS).has_come(now, PRUNE_EVERY_MS)) {
            return Ok(());
        }
        self.shared.borrow_mut().engine.pruned_at = Some(now);
        let scope = Scope::relaxed(&[StoreName::History, StoreName::Meta], vec![Read::HistoryLast(ROWS_READ_MAX)]);
        let plan = |rows: &Rows| {
            let prunable = prunable(&rows.history, now);
            let writes = prunable.map(|key| vec![Write::PruneHistory(key), meta_write(meta::HISTORY_FLOOR, &key)]);
            Step::Write(writes.unwrap_or_default(), ())
        };
        self.store.update(scope, plan).await.map(drop)
    }

    /// Notes where the engine stands, for the other contexts and the next start.
    async fn rest(&self) {
        if let Err(error) = self.prune().await {
            self.note_store(&error);
        }
        let was_sending = {
            let mut shared = self.shared.borrow_mut();
            shared.sending.take().is_some() || shared.tables.as_ref().is_some_and(|tables| tables.is_sending)
        };
        if let Err(error) = self.write_trace(vec![self.engine_row()]).await {
            self.note_store(&error);
        }
        if was_sending && let Err(error) = self.refresh(Some(None)).await {
            self.note_store(&error);
        }
        self.keep_reserve().await;
        self.note(Note::Status);
        self.note(Note::Wake(None));
    }

    async fn report(&self, wake_at: Option<Millis>) -> CycleReport {
        if self.shared.borrow().is_empty() {
            return CycleReport { wake_at, unsent: false, held_until: None };
        }
        let Ok(rows) = self.store.read(vec![Read::Outbox, Read::Parcels, Read::Meta]).await else {
            return CycleReport { wake_at, unsent: true, held_until: None };
        };
        let now = self.host.now();
        // What is done only with an answer is no work for whoever comes when nobody is there.
        let open = rows.parcels.iter().filter(|parcel| parcel.is_open() && (!parcel.online || parcel.then.is_some()));
        let later = open.clone().filter_map(|parcel| parcel.next_attempt_at).filter(|at| !at.has_come(now, PARCEL_DELAY_MS_MAX));
        let held = rows.outbox.iter().filter(|change| change.is_held(now)).filter_map(|change| change.hold_until).min();
        let is_stopped = matches!(
            self.shared.borrow().engine.machine.state,
            State::Outdated | State::Misconfigured { .. } | State::OtherServer { .. }
        );
        let is_moving = open.clone().any(|parcel| !waits_for_another(parcel, &rows.outbox));
        let is_replaying = !matches!(replay_of(&rows), Ok(None));
        let unsent = !is_stopped && (is_replaying || is_moving || self.is_sendable(&rows).await);
        let wakes = [wake_at, later.min(), held];
        CycleReport { wake_at: wakes.into_iter().flatten().min(), unsent, held_until: held }
    }

    /// Whether a begin would find something.
    async fn is_sendable(&self, rows: &Rows) -> bool {
        let outbox: Vec<&Change> = rows.outbox.iter().collect();
        let parcels = &rows.parcels;
        let (sent, schema, now) = (BTreeSet::new(), &*self.schema, self.host.now());
        let input = Begin { schema, outbox: &outbox, parcels, sent: &sent, now, seed: 0, count_max: 1 };
        for window in (0..).map(|tries| window(input.count_max, tries)) {
            let wanted = wanted_within(&input, window).into_iter().map(|(collection, id)| (collection.to_owned(), id));
            let wanted: Vec<_> = wanted.collect();
            if wanted.is_empty() {
                break;
            }
            let Ok(rows) = self.store.read(vec![Read::PagesOf(wanted)]).await else { return true };
            let Ok(bases) = pages::read(&rows) else { return true };
            if let Some(begun) = begin_within(&input, &bases, window) {
                return !begun.send.is_empty();
            }
        }
        false
    }

    /// What a failed request means to the machine.
    pub(super) fn failure(&self, error: &TransportError) -> Failure {
        self.note_transport(error);
        match error {
            TransportError::Away { retry_after_ms, ours, .. } => Failure::Away { retry_after_ms: *retry_after_ms, ours: *ours },
            TransportError::SignedOut | TransportError::WrongUser => Failure::SignedOut,
            TransportError::Outdated => Failure::Outdated,
            TransportError::CursorUnknown { .. }
            | TransportError::TooLarge
            | TransportError::Unsupported
            | TransportError::Misconfigured { .. } => Failure::Misconfigured,
        }
    }

    pub(super) fn storage_failure(&self, error: &StoreError) -> Failure {
        self.note_store(error);
        Failure::Storage
    }
}
