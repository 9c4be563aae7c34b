//! Whether the time of an edit is to be believed. A device's clock is worth what the server's said of it before the edit and
//! after it: one that was set in between tells nothing, and then a person is asked.

use super::merge::LATEST_APART_MS_MIN;
use super::outbox::Change;
use super::record::{Base, Millis};
use super::status::Engine;
use crate::mutation::{self, Mutation};

/// An answer that took longer tells nothing of the clock: a tab was frozen meanwhile, or the device slept.
const ANSWER_MS_MAX: i64 = 30_000;

/// What is unsent, as far as a contact with the server says something of its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// The highest number that was given out.
    pub newest: u64,
    /// The latest time, by the device's clock.
    pub latest_at: Option<Millis>,
}

impl Edits {
    /// Of these changes.
    pub fn of<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Self {
        changes.into_iter().fold(Self::default(), |all, change| Self {
            newest: all.newest.max(change.client_seq),
            latest_at: all.latest_at.max(Some(change.saved_at)),
        })
    }
}

/// A contact with the server: what its answer tells of the device's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The device's clock when the answer came.
    pub now: Millis,
    /// The server's clock minus the device's.
    pub offset_ms: Option<i64>,
    /// Changes up to this number were unsent when the clock was found to have been set.
    pub doubted_to: u64,
}

impl Contact {
    /// Whether this change's time is nothing to compare with: the clock was set between the contact before it and this one, or
    /// it would have been made after it came here. A change without an offset is doubted anyway.
    #[must_use]
    pub fn doubts(&self, change: &Change) -> bool {
        let Some(offset_ms) = change.clock_offset_ms else { return false };
        let has_jumped = self.offset_ms.is_none_or(|now_ms| !are_near(now_ms, offset_ms));
        has_jumped || change.client_seq <= self.doubted_to || is_ahead(change.saved_at, self.now)
    }
}

/// When a change was made, by the server's clock; nothing if that cannot be compared with what is here.
#[must_use]
pub fn edited_at(change: &Change, base: Option<&Base>) -> Option<Millis> {
    let is_doubted = base.is_some_and(|base| base.doubted.contains(&change.client_seq)) && !mutation::is(Mutation::JumpBelieved);
    let is_known = change.clock_offset_ms.is_some() && !is_doubted;
    (is_known || mutation::is(Mutation::LatestTrustsAny)).then(|| change.edited_at())
}

impl Engine {
    /// An answer of our server came now, to what was sent then. The server's clock was read somewhere in between, so the offset
    /// lies in a range as wide as the way there and back: a slow answer is no clock that was set.
    pub fn heard(&mut self, sent_at: Millis, now: Millis, server_time: Millis, unsent: Edits) {
        let (least, most) = (server_time.since(now), server_time.since(sent_at.min(now)));
        let took_ms = now.since(sent_at);
        let steady = self.clock_offset_ms.map(|known| (known, known.clamp(least, most))).filter(|(known, nearest)| {
            // Set back while the answer was under way, or since an edit that the clock has not come to yet.
            let is_back = took_ms < 0 || unsent.latest_at.is_some_and(|at| is_ahead(at, now));
            are_near(*known, *nearest) && took_ms <= ANSWER_MS_MAX && !is_back
        });
        if steady.is_none() {
            self.doubted_to = self.doubted_to.max(unsent.newest);
        }
        // In the middle of a range that is wider it would be wrong by more than edits are apart.
        let middle = (took_ms <= 2 * LATEST_APART_MS_MIN).then(|| least.midpoint(most));
        self.clock_offset_ms = steady.map(|(_, nearest)| nearest).or(middle);
        self.answered_at = Some(now);
    }

    /// The last contact, as it is now.
    #[must_use]
    pub fn contact(&self, now: Millis) -> Contact {
        Contact { now, offset_ms: self.clock_offset_ms, doubted_to: self.doubted_to }
    }
}

fn are_near(a_ms: i64, b_ms: i64) -> bool {
    a_ms.abs_diff(b_ms) <= LATEST_APART_MS_MIN.unsigned_abs()
}

fn is_ahead(at: Millis, now: Millis) -> bool {
    at.since(now) > LATEST_APART_MS_MIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(client_seq: u64, saved_at: i64, clock_offset_ms: Option<i64>) -> Change {
        serde_json::from_value(json!({
            "client_seq": client_seq, "row": "01900000-0000-7000-8000-000000000001", "collection": "c",
            "record": "01900000-0000-7000-8000-000000000002", "action": "update", "schema": 1, "saved_at": saved_at,
            "clock_offset_ms": clock_offset_ms,
        }))
        .unwrap()
    }

    /// What was saved between two contacts, by the offset of each: the first is 0.
    fn is_doubted(saved_at: i64, then: &[(i64, i64)]) -> bool {
        let mut engine = Engine::default();
        engine.heard(Millis(0), Millis(0), Millis(0), Edits::default());
        let change = change(7, saved_at, engine.clock_offset_ms);
        for (now, offset_ms) in then {
            engine.heard(Millis(*now), Millis(*now), Millis(now + offset_ms), Edits::of([&change]));
        }
        engine.contact(Millis(then[then.len() - 1].0)).doubts(&change)
    }

    #[test]
    fn a_clock_that_was_set_about_an_edit_is_doubted_and_one_that_drifts_is_not() {
        const HOUR: i64 = 3_600_000;
        assert!(!is_doubted(10_000, &[(60_000, 2_000)]), "a clock drifts");
        assert!(is_doubted(10_000, &[(60_000, 2_001)]), "it was set back");
        assert!(is_doubted(HOUR + 10_000, &[(HOUR + 60_000, -HOUR)]), "it was set forward, and is so still");
        assert!(is_doubted(HOUR + 10_000, &[(60_000, 0)]), "set forward, and right again: the edit is yet to come");
        assert!(is_doubted(HOUR + 10_000, &[(60_000, 0), (2 * HOUR, 0)]), "that was seen at the first contact after it");
        assert!(is_doubted(10_000, &[(HOUR + 60_000, -HOUR), (120_000, 0), (2 * HOUR, 0)]), "nor is a jump forgotten");
    }

    #[test]
    fn what_is_saved_after_a_jump_was_noticed_is_believed() {
        let mut engine = Engine::default();
        for offset_ms in [0, -3_600_000] {
            engine.heard(Millis(0), Millis(0), Millis(offset_ms), Edits { newest: 7, latest_at: None });
        }
        let contact = engine.contact(Millis(50_000));
        assert!(contact.doubts(&change(7, 10_000, Some(-3_600_000))));
        assert!(!contact.doubts(&change(8, 10_000, Some(-3_600_000))));
        assert!(!contact.doubts(&change(7, 10_000, None)), "it has no time to doubt");
    }

    #[test]
    fn a_slow_answer_is_no_clock_that_was_set_but_one_that_took_for_ever_tells_nothing() {
        let mut engine = Engine::default();
        let mut hear = |sent_at: i64, now: i64, server_time: i64, newest| {
            engine.heard(Millis(sent_at), Millis(now), Millis(server_time), Edits { newest, latest_at: None });
            (engine.clock_offset_ms, engine.doubted_to)
        };
        assert_eq!(hear(0, 100, 50, 0), (Some(0), 0));
        assert_eq!(hear(1_000, 21_000, 1_000, 3), (Some(0), 0), "the server read its clock at once");
        assert_eq!(hear(30_000, 50_000, 50_000, 3), (Some(0), 0), "or at the end");
        assert_eq!(hear(60_000, 80_000, 57_000, 4), (None, 4), "but not before it was asked: the clock was set");
        assert_eq!(hear(90_000, 90_100, 87_050, 5), (Some(-3_000), 5));
        assert_eq!(hear(100_000, 200_000, 147_000, 6), (None, 6), "asleep for a minute and a half");
    }
}
