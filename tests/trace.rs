//! A trace that a real browser exported (`tests/e2e/stories/32-trace.mjs` makes one: an outage, a lost answer, a refusal, a
//! conflict) plays again natively, and any copy of it that was tampered with does not.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use fieldsync::core::machine::{Effect, State};
use fieldsync::core::record::{Millis, OpId, RowId};
use fieldsync::core::trace::{Broken, Entry, Trace, What, replay};

fn trace() -> Trace {
    serde_json::from_str(include_str!("traces/outage-refusal-conflict.json")).unwrap()
}

/// The first entry that is so.
fn first(trace: &Trace, is: impl Fn(&What) -> bool) -> usize {
    trace.entries.iter().position(|entry| is(&entry.2)).unwrap()
}

/// What a copy that was changed at its first such entry comes to.
fn mutated(is: impl Fn(&What) -> bool, mutate: impl Fn(&mut Vec<Entry>, usize)) -> Broken {
    let mut copy = trace();
    let at = first(&copy, is);
    mutate(&mut copy.entries, at);
    replay(&copy).unwrap_err().what
}

#[test]
fn a_trace_of_a_browser_plays_again() {
    let trace = trace();
    assert_eq!(replay(&trace), Ok(()));
    let count = |is: &dyn Fn(&What) -> bool| trace.entries.iter().filter(|entry| is(&entry.2)).count();
    assert!(count(&|what| matches!(what, What::Network(name) if name == "away")) > 0, "it met an outage");
    for outcome in ["applied", "rejected", "conflict"] {
        let has = |what: &What| matches!(what, What::Answered(listed) if listed.list.iter().any(|answered| answered.outcome == outcome));
        assert!(count(&has) > 0, "it has an answer {outcome}");
    }
}

#[test]
fn a_trace_may_start_anywhere() {
    for cut in 0..trace().entries.len() {
        let mut trace = trace();
        trace.entries.drain(..cut);
        assert_eq!(replay(&trace), Ok(()), "without its first {cut}");
    }
}

#[test]
fn what_the_machine_did_otherwise_is_found() {
    let is_step = |what: &What| matches!(what, What::Step { effects, .. } if effects.contains(&Effect::Pull));
    let effects = mutated(is_step, |entries, at| {
        let What::Step { effects, .. } = &mut entries[at].2 else { panic!() };
        effects.push(Effect::AskToSignIn);
    });
    assert_eq!(effects, Broken::Effects(vec![Effect::Pull]));
    let is_wait = |what: &What| matches!(what, What::Step { state: State::Waiting { .. }, effects, .. } if effects.len() == 2);
    let state = mutated(is_wait, |entries, at| {
        let What::Step { state: State::Waiting { attempt, .. }, .. } = &mut entries[at].2 else { panic!() };
        *attempt += 1;
    });
    assert!(matches!(state, Broken::State(State::Waiting { attempt: 1, .. })), "{state:?}");
    let chance = mutated(is_wait, |entries, at| {
        let What::Step { random, .. } = &mut entries[at].2 else { panic!() };
        *random += 1;
    });
    assert!(matches!(chance, Broken::Effects(_)), "the delay came from that chance: {chance:?}");
    let taken = mutated(is_step, |entries, at| {
        let Entry(time, context, _) = entries[at];
        entries.insert(at, Entry(time, context, What::Took { state: State::SignedOut }));
    });
    assert_eq!(taken, Broken::TakenWhileRunning);
}

#[test]
fn what_the_driver_may_not_do_is_found() {
    let is_begun = |what: &What| matches!(what, What::Begun(_));
    let is_answered = |what: &What| matches!(what, What::Answered(listed) if listed.list[0].outcome == "applied");
    let twice = |entries: &mut Vec<Entry>, at: usize| entries.insert(at + 1, entries[at].clone());
    assert!(matches!(mutated(is_begun, twice), Broken::BegunTwice(_)));
    assert!(matches!(mutated(is_answered, twice), Broken::EndedTwice(_)));
    let other_key = |entries: &mut Vec<Entry>, at: usize| {
        let mut again = entries[at].clone();
        let What::Begun(listed) = &mut again.2 else { panic!() };
        listed.list[0].op_id = OpId::new(Millis(1), [1, 1]);
        entries.insert(at + 1, again);
    };
    assert!(matches!(mutated(is_begun, other_key), Broken::InTwo(_)));
    let sent_again = mutated(is_answered, |entries, at| {
        let begun = first(&trace(), |what| matches!(what, What::Begun(_)));
        let mut again = entries[begun].clone();
        let What::Begun(listed) = &mut again.2 else { panic!() };
        listed.list[0].op_id = OpId::new(Millis(1), [1, 1]);
        entries.insert(at + 1, Entry(entries[at].0, entries[at].1, again.2));
    });
    assert!(matches!(sent_again, Broken::SentAgain(_)), "{sent_again:?}");
    let not_asked = mutated(is_answered, |entries, at| {
        let What::Answered(listed) = &mut entries[at].2 else { panic!() };
        listed.list[0].op_id = OpId::new(Millis(1), [1, 1]);
    });
    assert_eq!(not_asked, Broken::NotAsked(OpId::new(Millis(1), [1, 1])));
    let stranger = RowId::new(Millis(1), [1, 1]);
    let not_of_parcel = mutated(is_answered, |entries, at| {
        let What::Answered(listed) = &mut entries[at].2 else { panic!() };
        (listed.list[0].outcome, listed.list[0].rows) = ("known".into(), vec![stranger]);
    });
    assert_eq!(not_of_parcel, Broken::NotOfParcel(stranger));
    let early = |entries: &mut Vec<Entry>, at: usize| {
        let sent = entries[at].clone();
        let before = first(&trace(), |what| matches!(what, What::Took { .. }));
        entries.insert(before + 1, sent);
    };
    assert_eq!(mutated(|what| matches!(what, What::Sent(_)), early), Broken::NotPushing(State::Idle));
    assert_eq!(mutated(|what| matches!(what, What::Pulled { .. }), early), Broken::NotPulling(State::Idle));
}
