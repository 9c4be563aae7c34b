//! What the bar says, computed from facts: the oldest unsent change, the last answer, the machine's state. Never from an
//! event or a socket.

use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::loss::Lost;
use super::machine::{Machine, State};
use super::record::{Epoch, Millis};
use super::stuck::Stuck;

/// Errors kept for support.
pub const ERRORS_KEPT_MAX: usize = 20;

/// The engine's lasting state: one row of `meta`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Engine {
    /// Where it stands.
    #[serde(flatten)]
    pub machine: Machine,
    /// The server's clock minus the device's at the last contact.
    #[serde(default)]
    pub clock_offset_ms: Option<i64>,
    /// The last answer of our server.
    #[serde(default)]
    pub answered_at: Option<Millis>,
    /// Changes up to this number were unsent when the device's clock was found to have been set: their times tell nothing.
    #[serde(default)]
    pub doubted_to: u64,
    /// When the feed was last read to its end: a page that brings nothing is noted nowhere else.
    #[serde(default)]
    pub pulled_at: Option<Millis>,
    /// The day of `sent`, in days since 1970 by the device's clock.
    #[serde(default)]
    pub sent_day: i64,
    /// Parcels confirmed on that day.
    #[serde(default)]
    pub sent: u32,
    /// When history was last pruned.
    #[serde(default)]
    pub pruned_at: Option<Millis>,
    /// How many parcels go at once: each run of the worker is a new context, and goes on with a search.
    #[serde(default)]
    pub batch: Batch,
    /// The last errors.
    #[serde(default)]
    pub errors: Vec<ErrorNote>,
}

/// An error, for support.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorNote {
    /// When.
    pub at: Millis,
    /// Its code.
    pub code: String,
    /// In words; no field values.
    pub detail: String,
    /// How often in a row; `at` and `detail` are the last one's.
    #[serde(default = "once")]
    pub count: u32,
}

fn once() -> u32 {
    1
}

impl Engine {
    /// The server's clock minus the device's, for what is saved now. Not known if the device's clock is before the last answer:
    /// it was set back since.
    #[must_use]
    pub fn clock_offset_ms(&self, now: Millis) -> Option<i64> {
        self.clock_offset_ms.filter(|_| self.answered_at.is_none_or(|at| at <= now))
    }

    /// Notes an error. The same one again in a row is counted, so that it does not push out the others.
    pub fn note(&mut self, at: Millis, code: &str, detail: String) {
        let before = self.errors.pop_if(|last| last.code == code).map_or(0, |last| last.count);
        self.errors.push(ErrorNote { at, code: code.to_owned(), detail, count: before.saturating_add(1) });
        let surplus = self.errors.len().saturating_sub(ERRORS_KEPT_MAX);
        self.errors.drain(..surplus);
    }

    /// Counts confirmations.
    pub fn count_sent(&mut self, now: Millis, count: u32) {
        let day = now.0.div_euclid(86_400_000);
        if self.sent_day != day {
            (self.sent_day, self.sent) = (day, 0);
        }
        self.sent += count;
    }
}

/// What leads the bar's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncState {
    /// Somebody must sign in.
    SignedOut,
    /// The app is too old.
    Outdated,
    /// The server does not understand the app, or is another one.
    Misconfigured,
    /// The disk is full.
    Full,
    /// The server cannot be reached.
    Offline,
    /// Parcels are on their way.
    Sending,
    /// The first snapshot is coming, or to come.
    FirstSync,
    /// Unsent work went with a cleared storage, and the user has not said that they know.
    Lost,
    /// Something was refused.
    Failed,
    /// Something needs a choice.
    Conflict,
    /// Something is unsent for long, although the server answers.
    Stuck,
    /// Something is unsent.
    Waiting,
    /// Everything is here and there.
    Synced,
}

/// A push under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// Records answered in this cycle.
    pub done: usize,
    /// Of so many.
    pub total: usize,
    /// One of those under way.
    pub name: String,
}

/// Of the first sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Records so far.
    pub done: u64,
    /// Of so many.
    pub total: u64,
    /// Bytes so far.
    pub bytes: u64,
}

/// What the status is computed from.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The engine.
    pub engine: Engine,
    /// The push under way, here or in another context.
    pub sending: Option<Sending>,
    /// Records with unsent changes.
    pub pending: usize,
    /// Of those, records that could not be sent.
    pub failed: usize,
    /// Of those, records in conflict; `put_off` among them.
    pub conflicts: usize,
    /// Conflicts put off.
    pub put_off: usize,
    /// Of the pending, records of which all that is unsent was sent, is done only with an answer, and has none.
    pub unknown: usize,
    /// The first snapshot, while it comes.
    pub progress: Option<(u64, u64)>,
    /// When the feed was last read to its end.
    pub pulled_at: Option<Millis>,
    /// When the oldest unsent change was saved.
    pub oldest_unsent_at: Option<Millis>,
    /// What could have gone for long, although the server answers.
    pub stuck: Option<Stuck>,
    /// The last save found the disk full.
    pub full: bool,
    /// What went with a cleared storage, until the user knows.
    pub lost: Option<Lost>,
    /// The server that this database is for.
    pub server_epoch: Option<Epoch>,
    /// Records that the server sent and that cannot be read here, since everything was last asked for.
    pub unread: u64,
    /// The device's clock.
    pub now: Millis,
}

/// `SyncStatus` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncStatus {
    /// What leads.
    pub state: SyncState,
    /// See [`Facts`].
    pub pending: usize,
    /// See [`Facts`].
    pub sending: Sending,
    /// See [`Facts`].
    pub failed: usize,
    /// See [`Facts`].
    pub conflicts: usize,
    /// See [`Facts`].
    pub put_off: usize,
    /// See [`Facts`].
    pub unknown: usize,
    /// See [`Facts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Parcels confirmed today.
    pub sent_today: u32,
    /// See [`Facts::pulled_at`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_synced_at: Option<Millis>,
    /// When the engine tries next by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Millis>,
    /// See [`Facts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_unsent_at: Option<Millis>,
    /// See [`Facts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck: Option<Stuck>,
    /// See [`Facts`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<Lost>,
    /// The server that this database is for, once it has answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_epoch: Option<Epoch>,
    /// Another server answers: that one's lifetime. Another database is for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_server: Option<Epoch>,
    /// See [`Facts`].
    #[serde(skip_serializing_if = "is_none")]
    pub unread: u64,
    /// The last errors.
    pub errors: Vec<ErrorNote>,
    /// Whether the browser sends with the app closed; the shell knows, and sets it.
    pub background: bool,
}

// serde gives a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// The status.
#[must_use]
pub fn status(facts: &Facts) -> SyncStatus {
    let next_attempt_at = match facts.engine.machine.state {
        State::Waiting { until, .. } | State::Misconfigured { until } | State::OtherServer { until, .. } => Some(until),
        _ => None,
    };
    let other_server = match facts.engine.machine.state {
        State::OtherServer { epoch, .. } => Some(epoch),
        _ => None,
    };
    let today = facts.engine.sent_day == facts.now.0.div_euclid(86_400_000);
    SyncStatus {
        state: lead(facts),
        pending: facts.pending,
        sending: facts.sending.clone().unwrap_or_default(),
        failed: facts.failed,
        conflicts: facts.conflicts,
        put_off: facts.put_off,
        unknown: facts.unknown,
        progress: facts.progress.map(|(done, total)| Progress { done, total, bytes: 0 }),
        sent_today: if today { facts.engine.sent } else { 0 },
        last_synced_at: facts.pulled_at,
        next_attempt_at,
        oldest_unsent_at: facts.oldest_unsent_at,
        stuck: facts.stuck,
        lost: facts.lost,
        server_epoch: facts.server_epoch,
        unread: facts.unread,
        other_server,
        errors: facts.engine.errors.clone(),
        background: true,
    }
}

/// The connection is always said: losses, failures and conflicts lead only while online and not sending.
fn lead(facts: &Facts) -> SyncState {
    match facts.engine.machine.state {
        _ if facts.full => return SyncState::Full,
        State::SignedOut => return SyncState::SignedOut,
        State::Outdated => return SyncState::Outdated,
        State::Misconfigured { .. } | State::OtherServer { .. } => return SyncState::Misconfigured,
        State::Waiting { ours: false, .. } | State::Pushing { attempt: 1.., .. } | State::Pulling { attempt: 1.., .. } => {
            return SyncState::Offline;
        }
        State::Idle | State::Pushing { .. } | State::Pulling { .. } | State::Waiting { .. } => {}
    }
    let only_stopped = facts.pending <= facts.failed + facts.conflicts;
    // Our server says "not now": what is unsent waits for it, and what is shown is as old as the last answer.
    let is_put_off = matches!(facts.engine.machine.state, State::Waiting { ours: true, attempt: 1.., .. });
    if facts.sending.as_ref().is_some_and(|sending| sending.total > 0) {
        SyncState::Sending
    } else if !is_put_off && (facts.progress.is_some() || facts.pulled_at.is_none()) {
        SyncState::FirstSync
    } else if facts.lost.is_some() {
        SyncState::Lost
    } else if facts.failed > 0 {
        SyncState::Failed
    } else if facts.conflicts > facts.put_off {
        SyncState::Conflict
    } else if only_stopped && is_put_off {
        SyncState::Offline
    } else if only_stopped {
        SyncState::Synced
    } else if facts.stuck.is_some() {
        SyncState::Stuck
    } else {
        SyncState::Waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(ours: bool) -> Machine {
        Machine { state: State::Waiting { until: Millis(50_000), attempt: 3, floor: None, ours } }
    }

    #[test]
    fn the_same_trouble_in_a_row_is_one_note() {
        let mut engine = Engine::default();
        for at in 0..50 {
            engine.note(Millis(at), "signed-out", format!("the {at}th"));
        }
        engine.note(Millis(50), "offline", String::new());
        engine.note(Millis(51), "signed-out", String::new());
        let notes: Vec<_> = engine.errors.iter().map(|note| (note.at.0, note.code.as_str(), note.count)).collect();
        assert_eq!(notes, [(49, "signed-out", 50), (50, "offline", 1), (51, "signed-out", 1)]);
        assert_eq!(engine.errors[0].detail, "the 49th");
        let old: ErrorNote = serde_json::from_str(r#"{"at":1,"code":"x","detail":"y"}"#).unwrap();
        assert_eq!(old.count, 1, "a row of before");
    }

    /// Else `latest` would take the edit for an older one than it is, and set it aside.
    #[test]
    fn a_clock_that_was_set_back_is_not_known() {
        let engine = Engine { clock_offset_ms: Some(5), answered_at: Some(Millis(1_000)), ..Engine::default() };
        assert_eq!([999, 1_000, 2_000].map(|now| engine.clock_offset_ms(Millis(now))), [None, Some(5), Some(5)]);
        assert_eq!(Engine::default().clock_offset_ms(Millis(1)), None);
    }

    #[test]
    fn the_first_that_matters_leads() {
        let base = Facts { now: Millis(1_000_000), pulled_at: Some(Millis(900_000)), ..Facts::default() };
        let with = |change: &dyn Fn(&mut Facts)| {
            let mut facts = base.clone();
            change(&mut facts);
            status(&facts).state
        };
        assert_eq!(with(&|_| {}), SyncState::Synced);
        assert_eq!(with(&|facts| facts.pending = 2), SyncState::Waiting);
        assert_eq!(with(&|facts| (facts.pending, facts.conflicts) = (1, 1)), SyncState::Conflict);
        assert_eq!(with(&|facts| (facts.pending, facts.conflicts, facts.put_off) = (1, 1, 1)), SyncState::Synced);
        assert_eq!(with(&|facts| (facts.pending, facts.failed, facts.conflicts) = (2, 1, 1)), SyncState::Failed);
        assert_eq!(with(&|facts| (facts.failed, facts.engine.machine) = (1, waiting(false))), SyncState::Offline);
        assert_eq!(with(&|facts| (facts.pending, facts.engine.machine) = (1, waiting(true))), SyncState::Waiting);
        assert_eq!(with(&|facts| facts.engine.machine = waiting(true)), SyncState::Offline);
        let full_disk = State::Waiting { until: Millis(2_000_000), attempt: 0, floor: None, ours: true };
        assert_eq!(with(&|facts| facts.engine.machine.state = full_disk), SyncState::Synced, "a store that failed is no server");
        assert_eq!(
            with(&|facts| (facts.pending, facts.stuck) = (1, Some(Stuck { records: 1, since: Millis(0) }))),
            SyncState::Stuck
        );
        let sending = Sending { done: 0, total: 3, name: String::new() };
        assert_eq!(with(&|facts| (facts.failed, facts.sending) = (1, Some(sending.clone()))), SyncState::Sending);
        assert_eq!(with(&|facts| facts.engine.machine.state = State::SignedOut), SyncState::SignedOut);
        let lost = Some(Lost { changes: 2, records: 1, at: Millis(0) });
        assert_eq!(with(&|facts| (facts.failed, facts.lost) = (1, lost)), SyncState::Lost);
        assert_eq!(with(&|facts| (facts.lost, facts.engine.machine) = (lost, waiting(false))), SyncState::Offline);
        assert_eq!(with(&|facts| (facts.lost, facts.progress) = (lost, Some((1, 2)))), SyncState::FirstSync);
    }

    #[test]
    fn nothing_is_up_to_date_before_the_first_pull_is_complete() {
        let new = |pending, machine| {
            status(&Facts { pending, engine: Engine { machine, ..Engine::default() }, ..Facts::default() }).state
        };
        let under_way = Machine { state: State::Pulling { since: Millis(0), attempt: 0, again: false, limit_ms: 1 } };
        assert_eq!(new(0, Machine::default()), SyncState::FirstSync);
        assert_eq!(new(2, under_way), SyncState::FirstSync);
        assert_eq!(new(0, waiting(false)), SyncState::Offline);
        assert_eq!(new(0, waiting(true)), SyncState::Offline);
        assert_eq!(new(2, waiting(true)), SyncState::Waiting);
        assert_eq!(new(0, Machine { state: State::SignedOut }), SyncState::SignedOut);
    }
}
