//! Whether unsent work is stuck: it could go, the server answers, and it does not go. What waits for a person, for another
//! record or for its time is not stuck; `data::waits` tells those apart.

use serde::Serialize;

use super::machine::State;
use super::record::Millis;
use super::status::Engine;

/// What could have gone for this long, although the server answers, is stuck.
pub const STUCK_MS: i64 = 15 * 60_000;
/// The server answers, if it did within this time: a timer, also one that saves data, and a bit.
pub const ANSWERED_MS_MAX: i64 = 20 * 60_000;
/// A context repairs itself at most so often.
pub const REPAIR_EVERY_MS: i64 = 10 * 60_000;
/// A context that did not look for longer was asleep, and starts anew: nothing could go meanwhile.
pub const LOOK_GAP_MS_MAX: i64 = 3 * 60_000;

/// Work that is stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stuck {
    /// So many records.
    pub records: usize,
    /// When the oldest was saved.
    pub since: Millis,
}

/// How long a context has been awake, and when it last repaired itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    awake_since: Option<Millis>,
    looked_at: Millis,
    repaired_at: Option<Millis>,
}

impl Watch {
    /// To be called about once a minute while the context is awake.
    pub fn look(&mut self, now: Millis) {
        let slept = !(0..=LOOK_GAP_MS_MAX).contains(&now.since(self.looked_at));
        self.awake_since = self.awake_since.filter(|_| !slept).or(Some(now));
        self.looked_at = now;
    }

    /// Whether work that could go since then is stuck. Older work is at least as stuck.
    #[must_use]
    pub fn is_stuck(&self, since: Millis, engine: &Engine, now: Millis) -> bool {
        // A server that fails must have answered just now; where nothing is tried any more, about when the work was saved.
        let must_answer_by = match engine.machine.state {
            State::Idle | State::Pushing { attempt: 0, .. } | State::Pulling { attempt: 0, .. } => since,
            State::Waiting { ours: true, floor: None, .. } => now,
            State::Waiting { .. }
            | State::Pushing { .. }
            | State::Pulling { .. }
            | State::SignedOut
            | State::Outdated
            | State::Misconfigured { .. }
            | State::OtherServer { .. } => return false,
        };
        let answers = engine.answered_at.is_some_and(|at| at.plus(ANSWERED_MS_MAX) >= must_answer_by);
        answers && self.awake_since.is_some_and(|awake| now.since(since.max(awake)) > STUCK_MS)
    }

    /// Whether to repair now.
    #[must_use]
    pub fn may_repair(&self, now: Millis) -> bool {
        self.repaired_at.is_none_or(|at| at.plus(REPAIR_EVERY_MS).has_come(now, REPAIR_EVERY_MS))
    }

    /// It is being repaired.
    pub fn repaired(&mut self, now: Millis) {
        self.repaired_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::super::machine::Machine;
    use super::*;

    const SAVED: Millis = Millis(10_000_000);
    const OLD: Millis = Millis(SAVED.0 + STUCK_MS + 1);

    fn engine(state: State, answered_at: Option<Millis>) -> Engine {
        Engine { machine: Machine { state }, answered_at, ..Engine::default() }
    }

    fn awake(from: Millis, to: Millis) -> Watch {
        let mut watch = Watch::default();
        (from.0..=to.0).step_by(60_000).for_each(|now| watch.look(Millis(now)));
        watch
    }

    #[test]
    fn old_work_is_stuck_where_the_server_answers() {
        let watch = awake(Millis(0), OLD);
        let waiting = |ours, floor| State::Waiting { until: OLD, attempt: 2, floor, ours };
        let pushing = |attempt| State::Pushing { since: SAVED, attempt, again: false, limit_ms: 30_000 };
        let (long_ago, just_now) = (SAVED.plus(-ANSWERED_MS_MAX - 1), OLD.plus(-1));
        let cases = [
            (State::Idle, Some(just_now), true),
            (State::Idle, Some(SAVED.plus(-1)), true), // Nothing was tried since: a hung cycle.
            (State::Idle, Some(long_ago), false),
            (State::Idle, None, false),
            (pushing(0), Some(just_now), true),
            (pushing(1), Some(just_now), false),
            (waiting(true, None), Some(just_now), true),
            (waiting(true, None), Some(OLD.plus(-ANSWERED_MS_MAX - 1)), false),
            (waiting(true, Some(OLD)), Some(just_now), false),
            (waiting(false, None), Some(just_now), false),
            (State::SignedOut, Some(just_now), false),
            (State::Outdated, Some(just_now), false),
            (State::Misconfigured { until: OLD }, Some(just_now), false),
        ];
        for (state, answered_at, expected) in cases {
            assert_eq!(watch.is_stuck(SAVED, &engine(state, answered_at), OLD), expected, "{state:?} {answered_at:?}");
        }
        assert!(!watch.is_stuck(SAVED.plus(2), &engine(State::Idle, Some(just_now)), OLD), "not old yet");
        assert!(!watch.is_stuck(OLD.plus(60_000), &engine(State::Idle, Some(just_now)), OLD), "a clock that was set back");
    }

    #[test]
    fn a_context_that_slept_starts_anew() {
        let idle = engine(State::Idle, Some(SAVED));
        assert!(!Watch::default().is_stuck(SAVED, &idle, OLD), "it never looked");
        let mut watch = awake(SAVED, SAVED.plus(120_000));
        watch.look(OLD);
        assert!(!watch.is_stuck(SAVED, &idle, OLD));
        (1..=16).for_each(|minute| watch.look(OLD.plus(minute * 60_000)));
        assert!(watch.is_stuck(SAVED, &idle, OLD.plus(16 * 60_000)));
    }

    #[test]
    fn repair_has_its_pace() {
        let mut watch = Watch::default();
        assert!(watch.may_repair(OLD));
        watch.repaired(OLD);
        assert!(!watch.may_repair(OLD.plus(REPAIR_EVERY_MS - 1)));
        assert!(watch.may_repair(OLD.plus(REPAIR_EVERY_MS)));
        assert!(watch.may_repair(OLD.plus(-1)), "under another clock");
    }
}
