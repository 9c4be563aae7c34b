//! The first half of a push: freeze what is sendable into parcels, and pick what is sent now. See `finish` for the second.
//!
//! Laws (tests/properties.rs): a parcel's patch applied to the base gives the view; `begin` after an applied answer finds
//! nothing; an open parcel is never altered.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bases::Bases;
use super::choose::{ByRecord, Candidate, Key, candidates, key, made, mends};
use super::finish::conflict_row;
use super::fit::{fit, without_dependants};
use super::freeze::{Frozen, freeze};
use super::outbox::{Change, by_row};
use super::parcel::{Parcel, ParcelState};
use super::protocol::{Action, Item, ProblemCode, PushParcel};
use super::record::{Millis, OpId, RowId, Tombstone, size_bytes};
use super::rows::{ConflictRow, End, Ended};
use super::schema::Schema;
use super::window::{batch, look};
use crate::mutation::{self, Mutation};

/// The first batch of a cycle; doubled after an answer that came quickly. (In the simulation, where nobody saves hundreds, far less.)
pub const BATCH_PARCELS_START: usize = if cfg!(feature = "simulation") { 2 } else { 100 };
/// The largest batch.
pub const BATCH_PARCELS_MAX: usize = 1_000;
/// Largest body of a push, as JSON.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;

/// What `begin` plans from.
#[derive(Clone, Copy)]
pub struct Begin<'a> {
    /// The app's schema.
    pub schema: &'a Schema,
    /// Every change, by `client_seq`.
    pub outbox: &'a [&'a Change],
    /// Every parcel.
    pub parcels: &'a [Parcel],
    /// Open ones that are on their way to the server at this moment: these are not due.
    pub sent: &'a BTreeSet<OpId>,
    /// The device's clock.
    pub now: Millis,
    /// Where the op_ids' chance comes from.
    pub seed: u64,
    /// How many parcels at most.
    pub count_max: usize,
}

/// What `begin` came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Begun {
    /// New open parcels, to be written before the request.
    pub parcels: Vec<Parcel>,
    /// Refused parcels that these replace.
    pub replaced: Vec<OpId>,
    /// Changes that leave nothing to send.
    pub ended: Vec<Ended>,
    /// What is sent: these and the open ones from before, in order.
    pub send: Vec<PushParcel>,
    /// The body is as large as one may be: more could have gone but for that.
    pub is_full: bool,
    /// Open parcels that wait for a record which is yet to be made. If nothing else can go, that may wait for them (it names one of
    /// their records, or what mends it was saved together with one): then their outcome is to be asked for. What is not
    /// applied is begun again when its turn comes.
    pub in_vain: Vec<Parcel>,
    /// Records that were looked at and stay, as they are in conflict.
    pub conflicts: Vec<ConflictRow>,
}

/// What becomes of the open parcels.
#[derive(Default)]
struct Due<'a> {
    /// Those that go, in order.
    parcels: Vec<&'a Parcel>,
    /// The records that these will make.
    on_the_way: BTreeSet<Key<'a>>,
    /// Those that would go but for records that they name and that are to be made first: they wait for the parcel that makes
    /// them.
    behind: Vec<(&'a Parcel, BTreeSet<Key<'a>>)>,
}

impl<'a> Due<'a> {
    /// Those that wait for a record that is not there.
    fn in_vain(&self, bases: &impl Bases) -> Vec<Parcel> {
        let is_missing = |key: &Key<'_>| !is_there(bases, *key);
        self.behind.iter().filter(|(_, names)| names.iter().any(is_missing)).map(|(parcel, _)| (*parcel).clone()).collect()
    }

    /// With those whose records are there already, as far as is known here: the create that is unsent comes to an edit of
    /// them, and may itself have to wait for this very parcel (an import has brought both together).
    fn and_there(mut self, bases: &impl Bases) -> Vec<&'a Parcel> {
        let is_there = |key: &Key<'_>| is_there(bases, *key);
        self.parcels.extend(self.behind.iter().filter(|(_, names)| names.iter().all(is_there)).map(|(parcel, _)| *parcel));
        self.parcels.sort_by_key(|parcel| parcel.first_seq);
        self.parcels
    }
}

/// Whether a record is there, as far as is known here.
fn is_there(bases: &impl Bases, key: Key<'_>) -> bool {
    bases.get(key.0, key.1).is_some_and(|base| base.is_present() && !base.is_adrift())
}

/// Which of the open parcels are due.
fn due<'a>(input: &Begin<'a>) -> Due<'a> {
    if !input.parcels.iter().any(Parcel::is_open) {
        return Due::default();
    }
    let outbox = || input.outbox.iter().copied();
    let (made, mut due) = (made(outbox()), Due::default());
    let rows = std::cell::OnceCell::new();
    let mut made_at: BTreeMap<Key<'_>, u64> = BTreeMap::new();
    for create in outbox().filter(|change| change.action == Action::Create) {
        made_at.entry(key(create)).or_insert(create.client_seq);
    }
    let mut open: Vec<&Parcel> = input.parcels.iter().filter(|parcel| is_due(input, parcel, &made)).collect();
    open.sort_by_key(|parcel| parcel.first_seq);
    for parcel in open {
        let names = parcel.items.iter().flat_map(|item| {
            let collection = input.schema.collection(&item.collection);
            collection.into_iter().flat_map(|collection| collection.references(&item.patch)).map(|(_, target, id)| (target, id))
        });
        // A record that was made and deleted in this very parcel has no item, and nothing else will make it.
        let undone = |key: &Key<'_>| {
            let mut creates = outbox().filter(|change| change.action == Action::Create && self::key(change) == *key);
            creates.any(|create| parcel.rows.contains(&create.row))
        };
        // What was made again since its last change cannot be what it names: that was there before.
        let last = || {
            let rows = rows.get_or_init(|| by_row(outbox()));
            parcel.rows.iter().filter_map(|row| rows.get(row)).map(|change| change.client_seq).max().unwrap_or(u64::MAX)
        };
        let is_made = |key: &Key<'_>| made_at.get(key).is_none_or(|at| *at > last());
        let own = |key: &Key<'_>| parcel.carries(key.0, key.1);
        let comes = |key: &Key<'_>| own(key) || is_made(key) || due.on_the_way.contains(key) || undone(key);
        let missing: BTreeSet<Key<'_>> = names.filter(|key| !comes(key)).collect();
        if missing.is_empty() {
            let creates = parcel.items.iter().filter(|item| item.action == Action::Create);
            due.on_the_way.extend(creates.map(|item| (item.collection.as_str(), item.id)));
            due.parcels.push(parcel);
        } else {
            due.behind.push((parcel, missing));
        }
    }
    due
}

/// Whether an open parcel's outcome must be asked for before anything is sent: its user wants it back; or it waits for a
/// create that was refused, and stands in the way of what may mend that: voided, it is begun again when its turn comes.
#[must_use]
pub fn must_be_asked(parcel: &Parcel, parcels: &[Parcel]) -> bool {
    let is_refused = |record| {
        let mut refused = parcels.iter().filter(|other| !other.is_open()).flat_map(|other| other.items.iter());
        refused.any(|item| item.id == record && item.action == Action::Create)
    };
    parcel.is_open() && (parcel.then.is_some() || (!parcel.online && parcel.blocked_by.is_some_and(is_refused)))
}

/// Whether an open parcel can only wait: for a record that another change will make, or a person will give up.
#[must_use]
pub fn waits_for_another(parcel: &Parcel, outbox: &[Change]) -> bool {
    let is_made = |record| outbox.iter().any(|change| change.action == Action::Create && change.record == record);
    parcel.then.is_none() && parcel.blocked_by.is_some_and(is_made)
}

fn is_due(input: &Begin<'_>, parcel: &Parcel, made: &BTreeSet<Key<'_>>) -> bool {
    // What it waits for comes to be with its create; other changes of that record are no reason to wait.
    let waits_for = parcel.blocked_by.is_some_and(|record| made.iter().any(|key| key.1 == record));
    let is_sent = input.sent.contains(&parcel.op_id);
    parcel.is_open() && !is_sent && !parcel.online && parcel.then.is_none() && !parcel.waits(input.now) && !waits_for
}

/// The records whose bases `begin` must see.
#[must_use]
pub fn wanted<'a>(input: &Begin<'a>) -> Vec<Key<'a>> {
    wanted_within(input, usize::MAX)
}

/// The records whose bases [`begin_within`] must see.
#[must_use]
pub fn wanted_within<'a>(input: &Begin<'a>, window: usize) -> Vec<Key<'a>> {
    let due = due(input);
    let behind = due.behind.into_iter().flat_map(|(_, names)| names);
    let chosen = seen(input, due.on_the_way, window).candidates;
    let forbidden = input.parcels.iter().filter(|parcel| is_forbidden(parcel)).flat_map(|parcel| parcel.items.iter());
    let forbidden = forbidden.map(|item| (item.collection.as_str(), item.id));
    let open = input.parcels.iter().filter(|_| mutation::is(Mutation::OpenParcelAltered)).flat_map(|parcel| parcel.items.iter());
    let open = open.map(|item| (item.collection.as_str(), item.id));
    chosen.into_iter().flat_map(|candidate| candidate.records).chain(behind).chain(forbidden).chain(open).collect()
}

fn is_forbidden(parcel: &Parcel) -> bool {
    !parcel.online && matches!(&parcel.state, ParcelState::Refused { problem } if problem.code == ProblemCode::Forbidden)
}

/// Parcels that were refused because the record was not ours any more. Once the base says so too, that is enough: its
/// changes are in quarantine, and sendable again when it returns.
fn quarantined(input: &Begin<'_>, bases: &impl Bases) -> Vec<OpId> {
    let is_revoked =
        |item: &Item| bases.get(&item.collection, item.id).is_some_and(|base| base.tombstone == Some(Tombstone::Revoked));
    let gone = input.parcels.iter().filter(|parcel| is_forbidden(parcel) && parcel.items.iter().any(is_revoked));
    gone.map(|parcel| parcel.op_id).collect()
}

/// What a window shows of the outbox.
struct Seen<'a> {
    /// In their order.
    candidates: Vec<Candidate<'a>>,
    by_record: ByRecord<'a>,
    /// Whether all is looked at.
    is_whole: bool,
}

fn seen<'a>(input: &Begin<'a>, on_the_way: BTreeSet<Key<'a>>, size: usize) -> Seen<'a> {
    let look = look(input, size);
    let (mut candidates, by_record) = candidates(input.schema, &look.changes, input.parcels, on_the_way, input.now);
    look.mark(&mut candidates);
    Seen { candidates, by_record, is_whole: look.is_whole() }
}

/// Freezes what may be sent now. `bases` has the bases of what is [`wanted`].
pub fn begin(input: &Begin<'_>, bases: &impl Bases) -> Begun {
    // Over all there is always an answer.
    begin_within(input, bases, usize::MAX).unwrap_or_default()
}

/// The same, looking at no more of a long outbox than what may be chosen. Nothing if that was too little: then more must be
/// looked at, for what was is in conflict, or waits.
pub fn begin_within(input: &Begin<'_>, bases: &impl Bases, window: usize) -> Option<Begun> {
    let mut begun = Begun { replaced: quarantined(input, bases), ..Begun::default() };
    let mut bytes = 0;
    let due = due(input);
    let on_the_way = due.on_the_way.clone();
    begun.in_vain = due.in_vain(bases);
    for parcel in due.and_there(bases) {
        let parcel = mutated(input, parcel, bases, &mut begun);
        if !push_wire(&mut begun.send, &mut bytes, parcel.to_wire(), input.count_max) {
            begun.is_full = begun.send.len() < input.count_max;
            return Some(begun);
        }
    }
    let room = input.count_max.saturating_sub(begun.send.len());
    if room == 0 {
        return Some(begun);
    }
    let refused = Refused::new(input.parcels);
    let seen = seen(input, on_the_way, window);
    let is_whole = seen.is_whole;
    let (ready, conflicts) = ready(input, seen, &refused, bases);
    begun.conflicts = conflicts;
    for mut candidate in batch(ready, room, is_whole)? {
        match freeze(input, &mut candidate, bases) {
            Frozen::Nothing(ended) => {
                begun.ended.extend(ended);
                begun.replaced.extend(refused.of(&candidate.changes).map(|old| old.op_id));
            }
            Frozen::Parcel(parcel) => {
                if !push_wire(&mut begun.send, &mut bytes, parcel.to_wire(), input.count_max) {
                    begun.is_full = begun.send.len() < input.count_max;
                    break;
                }
                begun.replaced.extend(refused.of(&candidate.changes).map(|old| old.op_id));
                if mutation::is(Mutation::EndAtBegin) {
                    begun.ended.extend(candidate.changes.iter().map(|change| ended(change, End::Confirmed)));
                }
                begun.parcels.push(*parcel);
            }
        }
    }
    begun.replaced.sort_unstable();
    begun.replaced.dedup();
    Some(begun)
}

/// An open parcel as it is sent again: as it is, but for the mutations.
fn mutated<'a>(input: &Begin<'_>, parcel: &'a Parcel, bases: &impl Bases, begun: &mut Begun) -> Cow<'a, Parcel> {
    let mut other = parcel.clone();
    if mutation::is(Mutation::NewOpIdForOpen) {
        other.op_id = OpId::new(input.now, [input.seed, begun.send.len() as u64]);
        begun.replaced.push(parcel.op_id);
    } else if mutation::is(Mutation::OpenParcelAltered) {
        for item in Arc::make_mut(&mut other.items) {
            item.base_version = bases.get(&item.collection, item.id).map_or(item.base_version, |base| base.version);
        }
    } else {
        return Cow::Borrowed(parcel);
    }
    begun.parcels.push(other.clone());
    Cow::Owned(other)
}

/// What can be frozen as it is: without conflicts, by the rules, and not waiting for what is not. And the conflicts.
fn ready<'a>(
    input: &Begin<'a>,
    seen: Seen<'a>,
    refused: &Refused<'a>,
    bases: &impl Bases,
) -> (Vec<Candidate<'a>>, Vec<ConflictRow>) {
    let (mut ready, mut stopped, mut stays) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for candidate in seen.candidates {
        let (mut fit, mut left) = fit(input, candidate, &seen.by_record, bases);
        // What mends a refused parcel did not come along: the same again would be refused again.
        if refused.of(&fit.changes).any(|parcel| !fit.changes.iter().any(|change| mends(parcel, change))) {
            left.append(&mut fit.changes);
        }
        stays.extend(left.iter().copied().map(key));
        stopped.extend(left.into_iter().filter(|change| change.action == Action::Create).map(key));
        ready.push(fit);
    }
    let conflict = |key: &Key<'a>| {
        let base = bases.get(key.0, key.1).filter(|base| !base.is_adrift())?;
        let changes = seen.by_record.get(key).map_or(&[][..], Vec::as_slice);
        conflict_row(input.schema, key.0, key.1, Some(base), changes, input.now)
    };
    (without_dependants(ready, stopped), stays.iter().filter_map(conflict).collect())
}

/// The records of which something could be sent now: in a parcel that is due, or ready to be frozen.
#[must_use]
pub fn sendable<'a>(input: &Begin<'a>, bases: &impl Bases) -> BTreeSet<Key<'a>> {
    let due = due(input);
    let on_the_way = due.on_the_way.clone();
    let of_open =
        due.and_there(bases).into_iter().flat_map(|parcel| parcel.items.iter().map(|item| (item.collection.as_str(), item.id)));
    let all = seen(input, on_the_way, usize::MAX);
    let ready = ready(input, all, &Refused::new(input.parcels), bases);
    of_open.chain(ready.0.into_iter().flat_map(|candidate| candidate.records)).collect()
}

/// Refused parcels by the rows of their changes.
struct Refused<'a>(BTreeMap<RowId, &'a Parcel>);

impl<'a> Refused<'a> {
    fn new(parcels: &'a [Parcel]) -> Self {
        let refused = parcels.iter().filter(|parcel| !parcel.is_open());
        Self(refused.flat_map(|parcel| parcel.rows.iter().map(move |row| (*row, parcel))).collect())
    }

    /// The refused parcels that carried any of these changes; one may come several times.
    fn of<'b>(&'b self, changes: &'b [&Change]) -> impl Iterator<Item = &'a Parcel> + 'b {
        changes.iter().filter_map(|change| self.0.get(&change.row).copied())
    }
}

/// Adds a parcel, if the batch has room for it.
pub(super) fn push_wire(send: &mut Vec<PushParcel>, bytes: &mut usize, parcel: PushParcel, count_max: usize) -> bool {
    let size = size_bytes(&parcel);
    // One parcel always goes, whatever its size: its records have their own limit.
    let fits = send.is_empty() || (send.len() < count_max && *bytes + size <= BATCH_BYTES_MAX);
    if fits {
        *bytes += size;
        send.push(parcel);
    }
    fits
}

/// A change with its end.
#[must_use]
pub fn ended(change: &Change, end: End) -> Ended {
    Ended {
        client_seq: change.client_seq,
        row: change.row,
        collection: change.collection.clone(),
        record: change.record,
        action: change.action,
        seen: change.seen.clone(),
        written: change.written.clone(),
        group: change.group,
        saved_at: change.saved_at,
        mode: change.mode,
        end,
    }
}
