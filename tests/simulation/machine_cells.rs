//! The cells of the machine's table, state × event, by name. Those that are not here are impossible: an answer that nobody
//! waits for, of a driver that was replaced.

use fieldsync::core::machine::{Event, Failure, Moved, State};

/// Every cell that can be reached.
pub const POSSIBLE: &[&str] = &[
    "idle, requested",
    "waiting, requested",
    "signed out, requested",
    "outdated, requested",
    "misconfigured, requested",
    "pushing, requested",
    "pulling, requested",
    "pushing, more",
    "pushing, done",
    "pushing, away",
    "pushing, signed out",
    "pushing, outdated",
    "pushing, misconfigured",
    "pushing, storage",
    "pulling, more",
    "pulling, done",
    "pulling, away",
    "pulling, signed out",
    "pulling, outdated",
    "pulling, misconfigured",
    "pulling, storage",
    "idle, heard",
    "waiting, heard",
    "other server, requested",
    "other server, heard",
    "pushing, other server",
    "pulling, other server",
    "signed out, heard",
    "outdated, heard",
    "misconfigured, heard",
    "pushing, heard",
    "pulling, heard",
];

/// The name of a cell; none if it is impossible.
pub fn name(state: State, event: Event) -> Option<&'static str> {
    let state = match state {
        State::Idle => "idle",
        State::Pushing { .. } => "pushing",
        State::Pulling { .. } => "pulling",
        State::Waiting { .. } => "waiting",
        State::SignedOut => "signed out",
        State::Outdated => "outdated",
        State::Misconfigured { .. } => "misconfigured",
        State::OtherServer { .. } => "other server",
    };
    let event = match event {
        Event::Requested(_) => "requested",
        Event::Heard => "heard",
        Event::Pushed(result) if state == "pushing" => ended(result),
        Event::Pulled(result) if state == "pulling" => ended(result),
        Event::Pushed(_) | Event::Pulled(_) => return None,
    };
    POSSIBLE.iter().copied().find(|name| name.split_once(", ") == Some((state, event)))
}

fn ended(result: Result<Moved, Failure>) -> &'static str {
    match result {
        Ok(Moved { more: true }) => "more",
        Ok(Moved { more: false }) => "done",
        Err(Failure::Away { .. }) => "away",
        Err(Failure::SignedOut) => "signed out",
        Err(Failure::Outdated) => "outdated",
        Err(Failure::Misconfigured) => "misconfigured",
        Err(Failure::Storage) => "storage",
        Err(Failure::OtherServer { .. }) => "other server",
    }
}
