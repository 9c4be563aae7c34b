//! A trace, played again: every effect and state must come out as it did, and the driver's facts must keep the invariants
//! that can be seen without values. The trace may start in the middle, and a context may have died before it wrote its last.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::{Effect, Machine, State};
use super::record::{Millis, OpId, RowId};
use super::trace::{Answered, Begun, Entry, Trace, What};

/// Where a trace parts from what must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// The entry, from 0.
    pub entry: usize,
    /// What is wrong with it.
    pub what: Broken,
}

impl std::fmt::Display for Divergence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "entry {}: {:?}", self.entry, self.what)
    }
}

impl std::error::Error for Divergence {}

/// What does not hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Broken {
    /// The machine does something else.
    Effects(Vec<Effect>),
    /// The machine comes to stand elsewhere.
    State(State),
    /// A state was taken over while a cycle ran.
    TakenWhileRunning,
    /// This happens only while the machine pushes.
    NotPushing(State),
    /// This happens only while the machine pulls or pushes.
    NotPulling(State),
    /// A parcel was begun twice under one key.
    BegunTwice(OpId),
    /// A change that the server has was put into a parcel again.
    SentAgain(RowId),
    /// A change is in two parcels of unknown outcome, begun by one context.
    InTwo(RowId),
    /// A change ended while its parcel's outcome was unknown.
    EndedUnknown(RowId),
    /// A parcel was answered for good twice.
    EndedTwice(OpId),
    /// An answer to what this context did not ask.
    NotAsked(OpId),
    /// A change that is said to be known is not of its parcel.
    NotOfParcel(RowId),
}

#[derive(Default)]
struct Context {
    machine: Option<Machine>,
    /// What it sent or asked for last; none if the trace starts after that.
    asked: Option<BTreeSet<OpId>>,
    /// More was sent than was named.
    asked_more: bool,
}

#[derive(Default)]
struct Player {
    contexts: BTreeMap<u32, Context>,
    begun: BTreeMap<OpId, Vec<RowId>>,
    /// Answered for good, and whether that was "applied".
    ended: BTreeMap<OpId, bool>,
    /// Changes in parcels of unknown outcome, and who began those: what another context was told, and died, is not here.
    open: BTreeMap<RowId, (OpId, u32)>,
    /// Changes that the server has.
    confirmed: BTreeSet<RowId>,
}

/// Plays a trace again.
///
/// # Errors
/// The first entry that does not come out as it did.
pub fn replay(trace: &Trace) -> Result<(), Divergence> {
    let mut player = Player::default();
    for entry in in_time(&trace.entries) {
        player.play(&trace.entries[entry]).map_err(|what| Divergence { entry, what })?;
    }
    Ok(())
}

/// Each context writes what it noted when it rests: the order is by time, and within a context as it was noted, whatever
/// its clock did meanwhile.
fn in_time(entries: &[Entry]) -> Vec<usize> {
    let mut latest: BTreeMap<u32, Millis> = BTreeMap::new();
    let mut timed: Vec<(Millis, usize)> = Vec::new();
    for (index, Entry(at, context, _)) in entries.iter().enumerate() {
        let latest = latest.entry(*context).or_insert(*at);
        *latest = (*at).max(*latest);
        timed.push((*latest, index));
    }
    timed.sort_unstable();
    timed.into_iter().map(|(_, index)| index).collect()
}

impl Player {
    fn play(&mut self, Entry(at, context, what): &Entry) -> Result<(), Broken> {
        let known = self.contexts.entry(*context).or_default();
        let state = known.machine.map(|machine| machine.state);
        match what {
            What::Took { state: taken } => {
                let machine = Machine { state: *taken };
                let runs = known.machine.is_some_and(|machine| machine != machine.kept());
                (known.machine, known.asked) = (Some(machine), Some(BTreeSet::new()));
                if runs { Err(Broken::TakenWhileRunning) } else { Ok(()) }
            }
            What::Step { random, event, effects, state } => {
                // What came before this context's first entry is not known: its state is taken as it says.
                let Some(machine) = &mut known.machine else {
                    known.machine = Some(Machine { state: *state });
                    return Ok(());
                };
                let done = machine.handle(*at, *random, *event);
                match (done == *effects, machine.state == *state) {
                    (false, _) => Err(Broken::Effects(done)),
                    (true, false) => Err(Broken::State(machine.state)),
                    (true, true) => Ok(()),
                }
            }
            What::Begun(listed) => {
                is_pushing(state)?;
                listed.list.iter().try_for_each(|begun| self.begin(*context, begun))
            }
            What::Sent(listed) => {
                known.asked = Some(listed.list.iter().copied().collect());
                known.asked_more = listed.more > 0;
                is_pushing(state)
            }
            What::Asked(op_id) => {
                known.asked = Some(BTreeSet::from([*op_id]));
                is_pushing(state)
            }
            What::Answered(listed) => {
                is_pushing(state)?;
                listed.list.iter().try_for_each(|answered| self.answer(*context, answered))?;
                if listed.more > 0 {
                    self.open.clear(); // Which of them ended is not said.
                }
                Ok(())
            }
            What::Pulled { .. } => match state {
                // A push that makes the server fail asks whether pages still come.
                Some(state) if !matches!(state, State::Pulling { .. } | State::Pushing { .. }) => Err(Broken::NotPulling(state)),
                _ => Ok(()),
            },
            What::Restarted => {
                // A server that was restored is told again what it had.
                (self.ended, self.confirmed) = Default::default();
                Ok(())
            }
            What::Ended(listed) => {
                let unknown = listed.list.iter().find(|row| self.open.get(row).is_some_and(|(_, by)| by == context));
                unknown.map_or(Ok(()), |row| Err(Broken::EndedUnknown(*row)))
            }
            What::Repaired => {
                // A cycle that hung is given up.
                known.machine = known.machine.map(|machine| machine.kept());
                Ok(())
            }
            What::Saved(_) | What::Network(_) | What::Store(_) => Ok(()),
        }
    }

    fn begin(&mut self, context: u32, begun: &Begun) -> Result<(), Broken> {
        if self.begun.insert(begun.op_id, begun.rows.clone()).is_some() {
            return Err(Broken::BegunTwice(begun.op_id));
        }
        // Within one millisecond another context may have been told of the end before this one told of the beginning.
        if let Some(applied) = self.ended.get(&begun.op_id) {
            self.confirmed.extend(begun.rows.iter().filter(|_| *applied));
            return Ok(());
        }
        for row in &begun.rows {
            if self.confirmed.contains(row) {
                return Err(Broken::SentAgain(*row));
            }
            if self.open.insert(*row, (begun.op_id, context)).is_some_and(|(_, by)| by == context) {
                return Err(Broken::InTwo(*row));
            }
        }
        Ok(())
    }

    fn answer(&mut self, context: u32, answered: &Answered) -> Result<(), Broken> {
        let Answered { op_id, outcome, rows } = answered;
        let of_context = self.contexts.get(&context).filter(|context| !context.asked_more);
        let was_asked = of_context.and_then(|context| context.asked.as_ref()).is_none_or(|asked| asked.contains(op_id));
        if !was_asked {
            return Err(Broken::NotAsked(*op_id));
        }
        if matches!(outcome.as_ref(), "retry" | "blocked") {
            return Ok(());
        }
        if self.ended.insert(*op_id, outcome == "applied").is_some() {
            return Err(Broken::EndedTwice(*op_id));
        }
        let own = self.begun.get(op_id);
        if let Some(row) = own.and_then(|own| rows.iter().find(|row| !own.contains(row))) {
            return Err(Broken::NotOfParcel(*row));
        }
        self.open.retain(|_, (of, _)| of != op_id);
        match outcome.as_ref() {
            "applied" => self.confirmed.extend(own.into_iter().flatten()),
            _ => self.confirmed.extend(rows),
        }
        Ok(())
    }
}

fn is_pushing(state: Option<State>) -> Result<(), Broken> {
    match state {
        Some(state) if !matches!(state, State::Pushing { .. }) => Err(Broken::NotPushing(state)),
        _ => Ok(()),
    }
}
