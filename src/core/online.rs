//! Changes of mode `online`: done with an answer of the server, or not at all. Such a change has its own parcel from the
//! transaction that saves it, frozen against the base alone; no view has it. It is sent by itself, by who waits for it; without an
//! answer it stays open, and is asked for under the same op_id.
//!
//! What is refused while somebody waits ends at once; what is refused later is kept with its reason, so that they hear of it.

use super::backoff::{PARCEL_DELAY_MS_MAX, bits, delay_ms};
use super::bases::Bases;
use super::finish::Work;
use super::freeze::seen_before;
use super::number::spell_fields;
use super::outbox::Change;
use super::parcel::{Parcel, ParcelState, Then};
use super::protocol::{Action, Item, Outcome, Problem, ProblemCode};
use super::record::{Base, Fields, Millis, OpId, RecordId, RowId, Tombstone, Version, field, same};
use super::rows::End;

/// What an online change comes to over a base.
#[derive(Clone, Debug, PartialEq)]
pub enum Frozen {
    /// This is sent.
    Parcel(Box<Parcel>),
    /// The base has it already.
    Nothing,
    /// The base is not what was seen: what it writes would go over what nobody looked at. The field, if it is one.
    Moved(Option<String>),
}

/// Freezes an online change over the base as it is.
#[must_use]
pub fn freeze(change: &Change, base: Option<&Base>, op_id: OpId) -> Frozen {
    // What is set adrift a restored server may not have.
    let is_lost = |base: &Base| base.is_adrift() || base.tombstone == Some(Tombstone::Revoked);
    if base.is_some_and(is_lost) {
        return Frozen::Moved(None);
    }
    let present = base.filter(|base| base.is_present()).map(|base| &base.fields);
    let differs = |fields: &Fields, seen: &Fields, name: &String| !same(field(fields, name), field(seen, name));
    let (patch, seen) = match (change.action, present) {
        (Action::Update, Some(fields)) => {
            let patch: Fields = change.written.clone().into_iter().filter(|(name, to)| !same(to, field(fields, name))).collect();
            if let Some(moved) = patch.keys().find(|name| differs(fields, &change.seen.fields, name)) {
                return Frozen::Moved(Some(moved.clone()));
            }
            let seen: Fields = patch.keys().map(|name| (name.clone(), field(fields, name).clone())).collect();
            if patch.is_empty() {
                return Frozen::Nothing;
            }
            (patch, seen)
        }
        (Action::Delete, Some(fields)) => {
            let mut names = fields.keys().chain(change.seen.fields.keys());
            if let Some(moved) = names.find(|name| differs(fields, &change.seen.fields, name)) {
                return Frozen::Moved(Some(moved.clone()));
            }
            (Fields::new(), fields.clone())
        }
        (Action::Create, None) => (change.written.clone(), Fields::new()),
        // The same again: Save was pressed twice. What the server added (the owner) nobody wrote.
        (Action::Create, Some(fields)) => {
            let other = change.written.keys().find(|name| differs(fields, &change.written, name));
            return other.map_or(Frozen::Nothing, |name| Frozen::Moved(Some(name.clone())));
        }
        (Action::Delete, None) if base.is_some() => return Frozen::Nothing,
        (Action::Update | Action::Delete, None) => return Frozen::Moved(None),
    };
    let base_version = base.map_or(Version(0), |base| base.version);
    Frozen::Parcel(Box::new(parcel(change, op_id, base_version, patch, seen, ParcelState::Open)))
}

/// An online change that waits for a person and nothing else, with the reason.
#[must_use]
pub fn refused(change: &Change, op_id: OpId, problem: Problem) -> Parcel {
    let (patch, seen) = (change.written.clone(), change.seen.fields.clone());
    parcel(change, op_id, change.seen.version, patch, seen, ParcelState::Refused { problem })
}

/// Why an online change is not sent as it is.
#[must_use]
pub fn moved(collection: &str, id: RecordId, field: Option<&str>) -> Problem {
    let problem = Problem::new(ProblemCode::Conflict, "").of_record(collection, id);
    field.map_or_else(|| problem.clone(), |field| problem.clone().in_field(field))
}

/// The next online parcel whose outcome is to be asked for. `is_waited_for` says whether somebody is asking already.
pub fn due(parcels: &[Parcel], now: Millis, is_waited_for: impl Fn(&RowId) -> bool) -> Option<&Parcel> {
    let is_due = |parcel: &&Parcel| {
        parcel.online
            && parcel.is_open()
            && parcel.then.is_none()
            && !parcel.waits(now)
            && !parcel.rows.iter().any(&is_waited_for)
    };
    parcels.iter().filter(is_due).min_by_key(|parcel| parcel.op_id)
}

fn parcel(change: &Change, op_id: OpId, base_version: Version, patch: Fields, seen: Fields, state: ParcelState) -> Parcel {
    let item = Item {
        collection: change.collection.clone(),
        id: change.record,
        action: change.action,
        base_version,
        patch: spell_fields(patch),
        seen: spell_fields(seen),
        seen_version: seen_before(&[change], base_version).filter(|_| change.action == Action::Update),
        set_aside: Vec::new(),
        edited_at: change.edited_at(),
    };
    Parcel {
        op_id,
        rows: vec![change.row],
        items: [item].into(),
        schema: change.schema,
        // None yet in the transaction that saves it. It goes alone, so its place among others is nobody's concern.
        first_seq: change.client_seq,
        state,
        attempts: 0,
        next_attempt_at: None,
        blocked_by: None,
        then: None,
        online: true,
    }
}

impl Work<'_, '_> {
    /// What an answer means for an online parcel. Whether it is another thing than for others.
    pub(super) fn take_online<B: Bases>(&mut self, parcel: &Parcel, outcome: &Outcome, bases: &mut B, index: u64) -> bool {
        let is_taken_back = parcel.then == Some(Then::Discard);
        let before = self.finished.append.len();
        match outcome {
            Outcome::Applied { seq, items } if is_taken_back => {
                self.applied(parcel, *seq, items, bases, index);
                self.open_opposite(before, Some(bases), index);
            }
            Outcome::Known { rows } if is_taken_back => {
                self.known(parcel, rows, index);
                self.open_opposite(before, None::<&B>, index);
            }
            Outcome::Applied { .. } | Outcome::Known { .. } | Outcome::Retry { .. } => return false,
            Outcome::Conflict { theirs } => {
                self.take_theirs(theirs, bases);
                self.try_again(parcel, bases, index);
            }
            Outcome::Voided => self.try_again(parcel, bases, index),
            Outcome::Rejected { .. } if is_taken_back => self.discard(parcel),
            Outcome::Rejected { problem } => self.refuse(parcel, problem.clone()),
            Outcome::Blocked { by } => {
                let attempts = parcel.attempts + 1;
                let delay = delay_ms(attempts, bits(self.input.seed, index), PARCEL_DELAY_MS_MAX);
                let next_attempt_at = Some(self.input.now.plus(delay));
                self.finished.put.push(Parcel { attempts, next_attempt_at, blocked_by: Some(*by), ..parcel.clone() });
                self.finished.later += 1;
            }
        }
        true
    }

    /// What somebody waits for and another context has heard to be refused: it need not be kept for them.
    pub(super) fn hear_refused(&mut self) {
        let waits = self.input.waits;
        let is_waited_for = |parcel: &&Parcel| parcel.online && waits.is_some_and(|row| parcel.rows.contains(&row));
        for parcel in self.input.parcels.iter().filter(is_waited_for) {
            if let ParcelState::Refused { problem } = &parcel.state {
                self.discard(parcel);
                self.finished.refusal = Some(problem.clone());
            }
        }
    }

    /// The server's word for good. Who waits is told, and the change is over; else it is kept until somebody hears of it.
    fn refuse(&mut self, parcel: &Parcel, problem: Problem) {
        self.finished.refused += 1;
        if self.input.waits.is_some_and(|row| parcel.rows.contains(&row)) {
            self.discard(parcel);
            self.finished.refusal = Some(problem);
            return;
        }
        let state = ParcelState::Refused { problem };
        self.finished.put.push(Parcel { state, blocked_by: None, next_attempt_at: None, ..parcel.clone() });
    }

    /// It was not applied, and is not refused: theirs moved, or a discard was thought better of. Over what the server has now
    /// it goes again under a new op_id, if that is still what was seen of the fields that it writes.
    fn try_again(&mut self, parcel: &Parcel, bases: &impl Bases, index: u64) {
        if parcel.then == Some(Then::Discard) {
            return self.discard(parcel);
        }
        let Some(change) = parcel.rows.first().and_then(|row| self.by_row.get(row)).copied() else { return self.gone(parcel) };
        let op_id = self.op_id(index);
        match freeze(change, bases.get(&change.collection, change.record), op_id) {
            Frozen::Parcel(again) => {
                self.finished.removed.push(parcel.op_id);
                self.finished.put.push(*again);
            }
            // Without its parcel: it was not that which brought it about.
            Frozen::Nothing => {
                self.finished.removed.push(parcel.op_id);
                self.end(&parcel.rows, End::Confirmed);
                self.finished.confirmed += 1;
            }
            Frozen::Moved(field) => self.refuse(parcel, moved(&change.collection, change.record, field.as_deref())),
        }
    }

    /// The opposites of what was applied are done the same way. Without bases nobody knows what is there now: a person looks.
    fn open_opposite(&mut self, before: usize, bases: Option<&impl Bases>, index: u64) {
        for change in self.finished.append.split_off(before) {
            let (op_id, name, id) = (self.op_id(index), change.collection.as_str(), change.record);
            let parcel = match bases.map(|bases| freeze(&change, bases.get(name, id), op_id)) {
                Some(Frozen::Parcel(parcel)) => *parcel,
                Some(Frozen::Nothing) => continue,
                Some(Frozen::Moved(field)) => refused(&change, op_id, moved(name, id, field.as_deref())),
                None => refused(&change, op_id, moved(name, id, None)),
            };
            self.finished.put.push(parcel);
            self.finished.append.push(change);
        }
    }

    fn op_id(&self, index: u64) -> OpId {
        let place = u64::MAX - index * 2;
        OpId::new(self.input.now, [bits(self.input.seed, place), bits(self.input.seed, place - 1)])
    }
}
