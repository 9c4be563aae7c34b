//! Every state with every event: what comes next, and what is done.

use super::*;

const NOW: Millis = Millis(1_000_000);
const LATER: Millis = Millis(1_010_000);
const OTHER: Epoch = Epoch(uuid::Uuid::from_u128(9));

fn idle() -> State {
    State::Idle
}

fn pushing(attempt: u32, again: bool) -> State {
    State::Pushing { since: NOW, attempt, again, limit_ms: CYCLE_MS_MAX }
}

fn pulling(attempt: u32, again: bool) -> State {
    State::Pulling { since: NOW, attempt, again, limit_ms: CYCLE_MS_MAX }
}

/// What a reason starts: the worker's cycles are longer.
fn begins(attempt: u32, reason: Reason) -> State {
    let is_workers = matches!(reason, Reason::Background | Reason::Periodic);
    let limit_ms = if is_workers { WORKER_CYCLE_MS_MAX } else { CYCLE_MS_MAX };
    State::Pushing { since: NOW, attempt, again: false, limit_ms }
}

fn waiting(floor: Option<Millis>) -> State {
    State::Waiting { until: LATER, attempt: 3, floor, ours: false }
}

fn requested(reason: Reason) -> Event {
    Event::Requested(reason)
}

const REASONS: [Reason; 10] = [
    Reason::Start,
    Reason::Online,
    Reason::Visible,
    Reason::Pageshow,
    Reason::Saved,
    Reason::Timer,
    Reason::User,
    Reason::Background,
    Reason::Periodic,
    Reason::SignedIn,
];

/// The place of a reason in [`REASONS`]: a new one does not compile until it has one.
fn place(reason: Reason) -> usize {
    match reason {
        Reason::Start => 0,
        Reason::Online => 1,
        Reason::Visible => 2,
        Reason::Pageshow => 3,
        Reason::Saved => 4,
        Reason::Timer => 5,
        Reason::User => 6,
        Reason::Background => 7,
        Reason::Periodic => 8,
        Reason::SignedIn => 9,
    }
}

/// One state of each kind, the resting ones first.
const STATES: [State; 8] = [
    State::Idle,
    State::Waiting { until: LATER, attempt: 3, floor: None, ours: false },
    State::SignedOut,
    State::Outdated,
    State::Misconfigured { until: LATER },
    State::OtherServer { until: LATER, epoch: OTHER },
    State::Pushing { since: NOW, attempt: 1, again: true, limit_ms: CYCLE_MS_MAX },
    State::Pulling { since: NOW, attempt: 1, again: true, limit_ms: CYCLE_MS_MAX },
];

/// The place of a state in [`STATES`].
fn kind(state: State) -> usize {
    match state {
        State::Idle => 0,
        State::Waiting { .. } => 1,
        State::SignedOut => 2,
        State::Outdated => 3,
        State::Misconfigured { .. } => 4,
        State::OtherServer { .. } => 5,
        State::Pushing { .. } => 6,
        State::Pulling { .. } => 7,
    }
}

#[test]
fn every_state_and_every_reason_is_gone_through() {
    assert!(REASONS.into_iter().map(place).eq(0..REASONS.len()));
    assert!(STATES.into_iter().map(kind).eq(0..STATES.len()));
}

/// Which reasons start a cycle in which state, when its wait is not over. The rest changes nothing, or is noted.
#[test]
fn every_reason_in_every_state() {
    use Reason::{Background, Online, Pageshow, SignedIn, Start, User, Visible};
    let stays = |state: State| vec![(state, vec![])];
    let wakes = |state: State| vec![(state, vec![Effect::WakeAt(LATER)])];
    let misconfigured = State::Misconfigured { until: LATER };
    let elsewhere = State::OtherServer { until: LATER, epoch: OTHER };
    let floor = waiting(Some(LATER));
    type Cell = (State, Vec<Effect>);
    // State, the reasons that start, the attempt they start with, and what any other reason comes to.
    let table: [(State, &[Reason], u32, Vec<Cell>); 9] = [
        (idle(), &REASONS, 0, vec![]),
        (waiting(None), &[Start, Online, Visible, Pageshow, User, Background, SignedIn], 2, wakes(waiting(None))),
        (floor, &[User, SignedIn], 2, wakes(floor)),
        (State::SignedOut, &[Start, Visible, User, Background, SignedIn], 0, stays(State::SignedOut)),
        (State::Outdated, &[Start, User, SignedIn], 0, stays(State::Outdated)),
        (misconfigured, &[Start, User, SignedIn], 0, wakes(misconfigured)),
        (elsewhere, &[Start, User, SignedIn], 0, wakes(elsewhere)),
        (pushing(2, false), &[], 0, stays(pushing(2, true))),
        (pulling(2, false), &[], 0, stays(pulling(2, true))),
    ];
    for (state, starting, attempt, otherwise) in table {
        for reason in REASONS {
            let got = step(state, NOW, 7, requested(reason));
            let expected = match starting.contains(&reason) {
                true => (begins(attempt, reason), vec![Effect::Push]),
                false => otherwise[0].clone(),
            };
            assert_eq!(got, expected, "{state:?} and {reason:?}");
        }
    }
}

/// A wait that is over, or was written under another clock, is ended by any reason; the server's own word by none but
/// the user until it is over.
#[test]
fn every_reason_ends_a_wait_that_is_over() {
    for (state, now) in [
        (waiting(None), LATER),
        (waiting(Some(LATER)), LATER),
        (waiting(None), Millis(LATER.0 - TIMER_MS - 1)),
        (State::Misconfigured { until: LATER }, LATER),
        (State::OtherServer { until: LATER, epoch: OTHER }, LATER),
    ] {
        for reason in REASONS {
            assert_eq!(step(state, now, 7, requested(reason)).1, [Effect::Push], "{state:?} and {reason:?} at {now:?}");
        }
    }
}

/// Each state with each way in which a half of a cycle can end.
#[test]
fn every_answer_in_every_state() {
    let more = Ok(Moved { more: true });
    let done = Ok(Moved { more: false });
    let late = Millis(NOW.0 + CYCLE_MS_MAX);
    let (push, pull, rest) = (vec![Effect::Push], vec![Effect::Pull], vec![Effect::Rest]);
    let yields = |now: Millis| (idle(), vec![Effect::Rest, Effect::WakeAt(now)]);
    let cells = [
        (pushing(2, false), NOW, Event::Pushed(more), (pushing(0, false), push.clone())),
        (pushing(2, true), NOW, Event::Pushed(more), (pushing(0, false), push.clone())),
        (pushing(2, false), late, Event::Pushed(more), yields(late)),
        (pushing(2, false), Millis(0), Event::Pushed(more), yields(Millis(0))),
        (pushing(2, false), NOW, Event::Pushed(done), (pulling(2, false), pull.clone())),
        (pushing(2, true), NOW, Event::Pushed(done), (pulling(2, true), pull.clone())),
        (pushing(2, false), late, Event::Pushed(done), (pulling(2, false), pull.clone())),
        (pulling(2, false), NOW, Event::Pulled(more), (pulling(0, false), pull.clone())),
        (pulling(2, true), NOW, Event::Pulled(more), (pulling(0, true), pull)),
        (pulling(2, false), late, Event::Pulled(more), yields(late)),
        (pulling(2, false), NOW, Event::Pulled(done), (idle(), rest.clone())),
        (pulling(2, true), NOW, Event::Pulled(done), (pushing(0, false), push)),
        (pulling(2, false), late, Event::Pulled(done), (idle(), rest)),
        (pulling(2, true), late, Event::Pulled(done), yields(late)),
    ];
    for (state, now, event, expected) in cells {
        assert_eq!(step(state, now, 7, event), expected, "{state:?} and {event:?} at {now:?}");
    }
}

/// The worker's cycle yields when its own time is up, in both halves, and keeps its limit from the one to the other.
#[test]
fn the_workers_cycle_has_its_own_limit() {
    let more = Ok(Moved { more: true });
    let (page, worker) = (Millis(NOW.0 + CYCLE_MS_MAX), Millis(NOW.0 + WORKER_CYCLE_MS_MAX));
    let (pushing, effects) = step(idle(), NOW, 7, requested(Reason::Background));
    assert_eq!(effects, [Effect::Push]);
    assert_eq!(step(pushing, page, 7, Event::Pushed(more)), (pushing, vec![Effect::Push]));
    assert_eq!(step(pushing, worker, 7, Event::Pushed(more)).0, idle());
    let (asked, _) = step(pushing, page, 7, requested(Reason::Saved));
    let (pulling, _) = step(asked, page, 7, Event::Pushed(Ok(Moved { more: false })));
    assert_eq!(pulling, State::Pulling { since: NOW, attempt: 0, again: true, limit_ms: WORKER_CYCLE_MS_MAX });
    assert_eq!(step(pulling, page, 7, Event::Pulled(more)), (pulling, vec![Effect::Pull]));
    assert_eq!(step(pulling, worker, 7, Event::Pulled(more)).0, idle());
    let kept: State = serde_json::from_str(r#"{"state":"pushing","since":1,"attempt":2}"#).unwrap();
    assert_eq!(kept, State::Pushing { since: Millis(1), attempt: 2, again: false, limit_ms: CYCLE_MS_MAX }, "a row of before");
}

#[test]
fn every_failure_in_every_state_that_works() {
    let after = |attempt: u32, retry_after_ms: Option<i64>| NOW.plus(cycle_delay_ms(attempt, 7, retry_after_ms));
    let storage = after(ATTEMPTS_MAX, None);
    let misconfigured = NOW.plus(TIMER_MS);
    let away = |retry_after_ms, ours| Failure::Away { retry_after_ms, ours };
    let waits = |until, attempt, floor, ours| State::Waiting { until, attempt, floor, ours };
    let rest = |until| vec![Effect::Rest, Effect::WakeAt(until)];
    let cells = [
        (away(None, false), waits(after(3, None), 3, None, false), rest(after(3, None))),
        (away(None, true), waits(after(3, None), 3, None, true), rest(after(3, None))),
        (away(Some(90_000), true), waits(NOW.plus(90_000), 3, Some(NOW.plus(90_000)), true), rest(NOW.plus(90_000))),
        (Failure::Storage, waits(storage, 2, None, true), rest(storage)),
        (Failure::SignedOut, State::SignedOut, vec![Effect::Rest, Effect::AskToSignIn]),
        (Failure::Outdated, State::Outdated, vec![Effect::Rest]),
        (Failure::Misconfigured, State::Misconfigured { until: misconfigured }, rest(misconfigured)),
        (Failure::OtherServer { epoch: OTHER }, State::OtherServer { until: misconfigured, epoch: OTHER }, rest(misconfigured)),
    ];
    for (failure, state, effects) in cells {
        for again in [false, true] {
            let expected = (state, effects.clone());
            assert_eq!(step(pushing(2, again), NOW, 7, Event::Pushed(Err(failure))), expected, "{failure:?}");
            assert_eq!(step(pulling(2, again), NOW, 7, Event::Pulled(Err(failure))), expected, "{failure:?}");
        }
    }
}

/// An answer that nobody waits for changes nothing, whatever it is.
#[test]
fn every_answer_that_nobody_waits_for() {
    let failures = [
        Failure::Away { retry_after_ms: None, ours: false },
        Failure::SignedOut,
        Failure::Outdated,
        Failure::Misconfigured,
        Failure::OtherServer { epoch: OTHER },
        Failure::Storage,
    ];
    let answers: Vec<Result<Moved, Failure>> =
        [true, false].map(|more| Ok(Moved { more })).into_iter().chain(failures.map(Err)).collect();
    for answer in answers {
        for state in STATES {
            let is_waited_for = (matches!(state, State::Pushing { .. }), matches!(state, State::Pulling { .. }));
            if !is_waited_for.0 {
                assert_eq!(step(state, NOW, 7, Event::Pushed(answer)), (state, vec![]), "{state:?}");
            }
            if !is_waited_for.1 {
                assert_eq!(step(state, NOW, 7, Event::Pulled(answer)), (state, vec![]), "{state:?}");
            }
        }
    }
}

/// An answer outside of a cycle ends a wait for a server that was away, and what only an answer can end.
#[test]
fn every_state_hears_of_an_answer() {
    let heard = |floor, until| State::Waiting { until, attempt: 3, floor, ours: true };
    let cells = [
        (idle(), idle()),
        (waiting(None), heard(None, NOW)),
        (waiting(Some(LATER)), heard(Some(LATER), LATER)),
        (State::SignedOut, idle()),
        (State::Outdated, idle()),
        (State::Misconfigured { until: LATER }, idle()),
        (State::OtherServer { until: LATER, epoch: OTHER }, idle()),
        (pushing(2, true), pushing(2, true)),
        (pulling(2, false), pulling(2, false)),
    ];
    for (state, expected) in cells {
        assert_eq!(step(state, NOW, 7, Event::Heard), (expected, vec![]), "{state:?}");
    }
}

#[test]
fn what_was_under_way_is_not_kept_as_under_way() {
    let kept = |state| Machine { state }.kept().state;
    assert_eq!((kept(pushing(0, true)), kept(pulling(0, false))), (idle(), idle()));
    assert_eq!(kept(pulling(2, true)), State::Waiting { until: NOW, attempt: 2, floor: None, ours: false });
    assert_eq!(kept(waiting(None)), waiting(None));
}
