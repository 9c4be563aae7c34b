//! The engine's state machine: what happened in, what to do out. It holds no clock: time and chance are arguments.
//!
//! Push, then pull, until neither has more or the time is up. A failure is an event like any other.
//!
//! ```
//! use fieldsync::core::machine::{Effect, Event, Machine, Reason, Moved};
//! use fieldsync::core::record::Millis;
//! let mut machine = Machine::default();
//! let mut step = |at, event| machine.handle(Millis(at), 7, event);
//! assert_eq!(step(0, Event::Requested(Reason::Start)), [Effect::Push]);
//! assert_eq!(step(90, Event::Pushed(Ok(Moved { more: false }))), [Effect::Pull]);
//! assert_eq!(step(180, Event::Pulled(Ok(Moved { more: false }))), [Effect::Rest]);
//! ```

use serde::{Deserialize, Serialize};

use super::backoff::{ATTEMPTS_MAX, DELAY_MS_MAX, RETRY_AFTER_MS_MAX, TIMER_MS, believed_ms, cycle_delay_ms};
use super::record::{Epoch, Millis};

/// A cycle yields after this long, in a page.
pub const CYCLE_MS_MAX: i64 = 30_000;
/// A cycle of the service worker yields after this long: nobody waits for it, and the browser does not come often.
pub const WORKER_CYCLE_MS_MAX: i64 = 120_000;

/// Why a cycle is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The app was opened.
    Start,
    /// The browser says that it is online.
    Online,
    /// The page became visible.
    Visible,
    /// The page came back from the browser's cache.
    Pageshow,
    /// A change was saved.
    Saved,
    /// The timer, or a wake-up that was asked for.
    Timer,
    /// The user.
    User,
    /// Background Sync.
    Background,
    /// Periodic Sync.
    Periodic,
    /// Somebody signed in.
    SignedIn,
}

/// How a half of a cycle went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Whether there is more to do in this direction, now.
    pub more: bool,
}

/// Why a half of a cycle failed, by what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The server is away: wait, at least as long as it says.
    Away {
        /// The server's own word.
        retry_after_ms: Option<i64>,
        /// Whether our server itself said so (else nobody answered, or somebody else did).
        ours: bool,
    },
    /// Nobody is signed in, or another.
    SignedOut,
    /// The app is too old.
    Outdated,
    /// The server does not understand this app.
    Misconfigured,
    /// Another server has this address now.
    OtherServer {
        /// Its lifetime.
        epoch: Epoch,
    },
    /// The local database failed.
    Storage,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A cycle is wanted.
    Requested(Reason),
    /// A push ended.
    Pushed(Result<Moved, Failure>),
    /// A pull ended.
    Pulled(Result<Moved, Failure>),
    /// Our server answered something that no cycle asked: it is there, for this user and this app.
    Heard,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Send a batch.
    Push,
    /// Fetch a page.
    Pull,
    /// The cycle is over: note the state, and say it.
    Rest,
    /// Come again then.
    WakeAt(Millis),
    /// Say that somebody must sign in.
    AskToSignIn,
}

/// Where the engine stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// Nothing under way; the last cycle ended well.
    #[default]
    Idle,
    /// A push is under way.
    Pushing {
        /// When this cycle began.
        since: Millis,
        /// Failures in a row before it.
        attempt: u32,
        /// Something was asked for meanwhile: push again before resting.
        #[serde(default)]
        again: bool,
        /// How long this cycle may take.
        #[serde(default = "cycle_ms_max")]
        limit_ms: i64,
    },
    /// A pull is under way.
    Pulling {
        /// See `Pushing`.
        since: Millis,
        /// See `Pushing`.
        attempt: u32,
        /// See `Pushing`.
        again: bool,
        /// See `Pushing`.
        #[serde(default = "cycle_ms_max")]
        limit_ms: i64,
    },
    /// After a failure.
    Waiting {
        /// Until then.
        until: Millis,
        /// Failures in a row.
        attempt: u32,
        /// The server asked to wait so long: only the user overrides it.
        floor: Option<Millis>,
        /// Whether our server answered.
        ours: bool,
    },
    /// Until somebody signs in.
    SignedOut,
    /// Until the app is newer.
    Outdated,
    /// Until then, or the user asks.
    Misconfigured {
        /// The timer.
        until: Millis,
    },
    /// Another server answers, for which another database is: until then, or the user asks.
    OtherServer {
        /// The timer.
        until: Millis,
        /// That server's lifetime.
        epoch: Epoch,
    },
}

/// The machine. [`State`] is all of it, and can be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Where it stands.
    pub state: State,
}

impl Machine {
    /// Moves one step. Never blocks, never fails.
    pub fn handle(&mut self, now: Millis, random: u64, event: Event) -> Vec<Effect> {
        #[cfg(feature = "simulation")]
        crate::mutation::watch(self.state, event);
        let (state, effects) = step(self.state, now, random, event);
        self.state = state;
        effects
    }

    /// Whether this reason would start a cycle now.
    #[must_use]
    pub fn wants(&self, now: Millis, reason: Reason) -> bool {
        matches!(step(self.state, now, 0, Event::Requested(reason)).1[..], [Effect::Push, ..])
    }

    /// The state as it may be kept: what was under way is not under way any more.
    #[must_use]
    pub fn kept(&self) -> Self {
        let state = match self.state {
            State::Pushing { attempt, since, .. } | State::Pulling { attempt, since, .. } if attempt > 0 => {
                State::Waiting { until: since, attempt, floor: None, ours: false }
            }
            State::Pushing { .. } | State::Pulling { .. } => State::Idle,
            other => other,
        };
        Self { state }
    }
}

fn step(state: State, now: Millis, random: u64, event: Event) -> (State, Vec<Effect>) {
    match (state, event) {
        (State::Idle, Event::Requested(reason)) => push(now, 0, reason),
        (State::Waiting { until, attempt, floor, .. }, Event::Requested(reason)) => {
            if ends_wait(reason, now, until, floor) {
                push(now, attempt_after(attempt, is_over(now, until, floor)), reason)
            } else {
                (state, vec![Effect::WakeAt(until)])
            }
        }
        (State::SignedOut, Event::Requested(reason)) => match reason {
            Reason::Start | Reason::Visible | Reason::User | Reason::SignedIn | Reason::Background => push(now, 0, reason),
            Reason::Online | Reason::Pageshow | Reason::Saved | Reason::Timer | Reason::Periodic => (state, vec![]),
        },
        (State::Outdated, Event::Requested(reason)) => {
            if is_asked_for(reason) {
                push(now, 0, reason)
            } else {
                (state, vec![])
            }
        }
        (State::Misconfigured { until } | State::OtherServer { until, .. }, Event::Requested(reason)) => {
            if until.has_come(now, TIMER_MS) || is_asked_for(reason) {
                push(now, 0, reason)
            } else {
                (state, vec![Effect::WakeAt(until)])
            }
        }
        (State::Pushing { since, attempt, limit_ms, .. }, Event::Requested(_)) => {
            (State::Pushing { since, attempt, again: true, limit_ms }, vec![])
        }
        (State::Pulling { since, attempt, limit_ms, .. }, Event::Requested(_)) => {
            (State::Pulling { since, attempt, again: true, limit_ms }, vec![])
        }
        (State::Pushing { since, attempt, again, limit_ms }, Event::Pushed(Ok(moved))) => {
            pushed(now, moved, since, attempt, again, limit_ms)
        }
        (State::Pulling { since, again, limit_ms, .. }, Event::Pulled(Ok(moved))) => {
            if (moved.more || again) && time_is_up(now, since, limit_ms) {
                yields(now)
            } else if moved.more {
                (State::Pulling { since, attempt: 0, again, limit_ms }, vec![Effect::Pull])
            } else if again {
                (State::Pushing { since, attempt: 0, again: false, limit_ms }, vec![Effect::Push])
            } else {
                (State::Idle, vec![Effect::Rest])
            }
        }
        (State::Pushing { attempt, .. }, Event::Pushed(Err(failure)))
        | (State::Pulling { attempt, .. }, Event::Pulled(Err(failure))) => fail(attempt, now, random, failure),
        (State::Waiting { until, attempt, floor, .. }, Event::Heard) => (heard(now, until, attempt, floor), vec![]),
        (State::SignedOut | State::Outdated | State::Misconfigured { .. } | State::OtherServer { .. }, Event::Heard) => {
            (State::Idle, vec![])
        }
        (State::Idle | State::Pushing { .. } | State::Pulling { .. }, Event::Heard) => (state, vec![]),
        // An answer that nobody waits for: a driver that was replaced. Its transaction has compared; there is nothing to do.
        (
            State::Idle
            | State::Waiting { .. }
            | State::SignedOut
            | State::Outdated
            | State::Misconfigured { .. }
            | State::OtherServer { .. },
            Event::Pushed(_) | Event::Pulled(_),
        )
        | (State::Pushing { .. }, Event::Pulled(_))
        | (State::Pulling { .. }, Event::Pushed(_)) => (state, vec![]),
    }
}

/// Somebody opened the app, or asks: what stops until something is another is looked at again.
fn is_asked_for(reason: Reason) -> bool {
    match reason {
        Reason::Start | Reason::User | Reason::SignedIn => true,
        Reason::Online
        | Reason::Visible
        | Reason::Pageshow
        | Reason::Saved
        | Reason::Timer
        | Reason::Background
        | Reason::Periodic => false,
    }
}

fn push(now: Millis, attempt: u32, reason: Reason) -> (State, Vec<Effect>) {
    (State::Pushing { since: now, attempt, again: false, limit_ms: limit_ms(reason) }, vec![Effect::Push])
}

fn pushed(now: Millis, moved: Moved, since: Millis, attempt: u32, again: bool, limit_ms: i64) -> (State, Vec<Effect>) {
    if moved.more && time_is_up(now, since, limit_ms) {
        yields(now)
    } else if moved.more {
        // This push reads the outbox anew: it sees what was asked for.
        (State::Pushing { since, attempt: 0, again: false, limit_ms }, vec![Effect::Push])
    } else {
        (State::Pulling { since, attempt, again, limit_ms }, vec![Effect::Pull])
    }
}

/// The time of a cycle is up: the next one goes on at once.
fn yields(now: Millis) -> (State, Vec<Effect>) {
    (State::Idle, vec![Effect::Rest, Effect::WakeAt(now)])
}

/// A wait that was ended early does not count: who opens the app ten times in a bad spot must not come to the five-minute
/// timer by it.
fn attempt_after(attempt: u32, is_over: bool) -> u32 {
    if is_over { attempt } else { attempt.saturating_sub(1).max(1) }
}

/// The wait was for a server that was away, and it is there. One that asked for time itself keeps it.
fn heard(now: Millis, until: Millis, attempt: u32, floor: Option<Millis>) -> State {
    let until = if floor.is_some() { until } else { until.min(now) };
    State::Waiting { until, attempt, floor, ours: true }
}

/// How long the cycle that this reason starts may take: only the worker is woken by the browser.
fn limit_ms(reason: Reason) -> i64 {
    match reason {
        Reason::Background | Reason::Periodic => WORKER_CYCLE_MS_MAX,
        Reason::Start
        | Reason::Online
        | Reason::Visible
        | Reason::Pageshow
        | Reason::Saved
        | Reason::Timer
        | Reason::User
        | Reason::SignedIn => cycle_ms_max(),
    }
}

fn cycle_ms_max() -> i64 {
    CYCLE_MS_MAX
}

/// A clock that was set back must not make a cycle endless: a beginning in the future is long ago.
fn time_is_up(now: Millis, since: Millis, limit_ms: i64) -> bool {
    since > now || now.since(since) >= limit_ms
}

fn ends_wait(reason: Reason, now: Millis, until: Millis, floor: Option<Millis>) -> bool {
    let floor_is_past = floor.is_none_or(|floor| floor.has_come(now, RETRY_AFTER_MS_MAX));
    match reason {
        Reason::User | Reason::SignedIn => true,
        Reason::Start | Reason::Online | Reason::Visible | Reason::Pageshow | Reason::Background => floor_is_past,
        Reason::Saved | Reason::Timer | Reason::Periodic => is_over(now, until, floor),
    }
}

/// Whether a wait has come to its end; one written under another clock has.
fn is_over(now: Millis, until: Millis, floor: Option<Millis>) -> bool {
    until.has_come(now, if floor.is_some() { RETRY_AFTER_MS_MAX } else { TIMER_MS.max(DELAY_MS_MAX) })
}

fn fail(attempt: u32, now: Millis, random: u64, failure: Failure) -> (State, Vec<Effect>) {
    match failure {
        Failure::Away { retry_after_ms, ours } => {
            let attempt = attempt.saturating_add(1);
            let until = now.plus(cycle_delay_ms(attempt, random, retry_after_ms));
            let floor = retry_after_ms.map(|after| now.plus(believed_ms(after)));
            (State::Waiting { until, attempt, floor, ours }, vec![Effect::Rest, Effect::WakeAt(until)])
        }
        Failure::Storage => {
            let until = now.plus(cycle_delay_ms(ATTEMPTS_MAX, random, None));
            (State::Waiting { until, attempt, floor: None, ours: true }, vec![Effect::Rest, Effect::WakeAt(until)])
        }
        Failure::SignedOut => (State::SignedOut, vec![Effect::Rest, Effect::AskToSignIn]),
        Failure::Outdated => (State::Outdated, vec![Effect::Rest]),
        Failure::Misconfigured => {
            let until = now.plus(TIMER_MS);
            (State::Misconfigured { until }, vec![Effect::Rest, Effect::WakeAt(until)])
        }
        Failure::OtherServer { epoch } => {
            let until = now.plus(TIMER_MS);
            (State::OtherServer { until, epoch }, vec![Effect::Rest, Effect::WakeAt(until)])
        }
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
