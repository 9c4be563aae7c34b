//! A device without IO: outbox, parcels, bases and history in memory, driven by random steps through the core's own
//! functions; and what must hold after each.

use std::collections::{BTreeMap, BTreeSet};

use fieldsync::core::bases::{Bases, absorb};
use fieldsync::core::clock::Contact;
use fieldsync::core::discard::discard;
use fieldsync::core::finish::{Finish, finish};
use fieldsync::core::outbox::{Change, Seen};
use fieldsync::core::parcel::{Parcel, Then};
use fieldsync::core::protocol::{Action, AppliedItem, Entry, Outcome, Problem, ProblemCode, PushResult};
use fieldsync::core::push::{Begin, Begun, begin, begin_within, ended};
use fieldsync::core::record::{
    Base, DeviceId, Fields, GroupId, Millis, RecordId, RowId, Seq, Tombstone, UserId, Version, normalise,
};
use fieldsync::core::resolve::{Choice, Choices, Question, Stamp, WHOLE, resolve};
use fieldsync::core::rows::{End, Ended};
use fieldsync::core::schema::Mode;
use fieldsync::core::view::{ConflictKind, View, patched, view};

use super::draw::{NOW, Step, base, by, one, record, schema, uuid, whole};

#[derive(Clone, Default)]
pub struct Memory(pub BTreeMap<(String, RecordId), Base>);

impl Bases for Memory {
    fn get(&self, collection: &str, id: RecordId) -> Option<&Base> {
        self.0.get(&(collection.to_owned(), id))
    }
    fn put(&mut self, collection: &str, base: Base) {
        self.0.insert((collection.to_owned(), base.id), base);
    }
}

#[derive(Default)]
pub struct Device {
    pub outbox: Vec<Change>,
    pub parcels: Vec<Parcel>,
    pub bases: Memory,
    pub history: Vec<Ended>,
    pub saved: BTreeSet<RowId>,
    pub sent: BTreeMap<fieldsync::core::record::OpId, Parcel>,
    pub last_seq: u64,
    next: u64,
    at: i64,
}

impl Device {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next + 1_000
    }

    fn now(&self) -> Millis {
        Millis(NOW + self.at)
    }

    pub fn changes(&self, (collection, id): (&str, RecordId)) -> Vec<&Change> {
        self.outbox.iter().filter(|change| change.record == id && change.collection == collection).collect()
    }

    fn view(&self, key: (&str, RecordId)) -> View {
        view(schema().collection(key.0).unwrap(), self.bases.get(key.0, key.1), &self.changes(key))
    }

    fn append(&mut self, change: Change) {
        self.last_seq += 1;
        assert!(self.saved.insert(change.row), "a row id twice");
        self.outbox.push(Change { client_seq: self.last_seq, ..change });
    }

    /// A change of a record that makes sense there: nobody updates what is not shown, or makes what is.
    fn change(&mut self, number: u64, kind: u8, field: u8, value: u8, stale: bool) -> Option<Change> {
        let key = record(number);
        let base = self.bases.get(key.0, key.1).cloned();
        let shown = self.view(key).fields;
        let action = match (shown.is_some(), kind) {
            (true, 5) => Action::Delete,
            (true, _) => Action::Update,
            (false, 0..=3) => Action::Create,
            (false, _) => return None,
        };
        let old = if stale { base.as_ref().filter(|base| base.is_present()).map(|base| base.fields.clone()) } else { None };
        let seen = old.or(shown).unwrap_or_default();
        let written = match action {
            Action::Create => whole(key.0, value),
            Action::Update => one(key.0, field, value, &seen),
            Action::Delete => Fields::new(),
        };
        let named = written.get("customer").map(|_| record(u64::from(value) % 3));
        if named.is_some_and(|named| self.view(named).fields.is_none()) {
            return None;
        }
        let seen = match action {
            Action::Create => Fields::new(),
            Action::Update => seen.into_iter().filter(|(name, _)| written.contains_key(name)).collect(),
            Action::Delete => seen,
        };
        Some(Change {
            client_seq: 0,
            row: RowId(uuid(self.number())),
            collection: key.0.to_owned(),
            record: key.1,
            action,
            seen: Seen { version: base.map(|base| base.version).unwrap_or_default(), fields: seen },
            written,
            group: None,
            schema: 1,
            saved_at: self.now(),
            clock_offset_ms: Some(0),
            hold_until: None,
            mode: Mode::Optimistic,
        })
    }

    /// Saves as the step says, but from what is shown and at once.
    pub fn save_honestly(&mut self, step: &Step) {
        match step.clone() {
            Step::Save { record, kind, field, value, .. } => {
                self.step(&Step::Save { record, kind, field, value, stale: false, held: false });
            }
            step => self.step(&step),
        }
    }

    pub fn step(&mut self, step: &Step) {
        self.at += 3_000;
        match *step {
            Step::Save { record, kind, field, value, stale, held } => {
                if let Some(change) = self.change(record, kind, field, value, stale) {
                    let hold_until = held.then(|| self.now().plus(6_000));
                    self.append(Change { hold_until, ..change });
                }
            }
            Step::Group { first, second, kind, value } if record(first) != record(second) => {
                let group = Some(GroupId(uuid(self.number())));
                for number in [first, second] {
                    if let Some(change) = self.change(number, kind, 0, value, false) {
                        self.append(Change { group, ..change });
                    }
                }
            }
            Step::Group { .. } => {}
            Step::Begin { count_max, sent } => drop(self.begin_behind(count_max, usize::from(sent))),
            Step::Answer { which, outcome } => self.answer(which, outcome),
            Step::Discard { which } => self.discard(which),
            Step::Resolve { record, choice } => self.resolve(record, choice),
            Step::Pull { record, kind, field, value } => self.pull(record, kind, field, value),
            Step::Release => self.at += 4_000_000,
        }
    }

    fn end(&mut self, ends: Vec<Ended>) {
        let rows: BTreeSet<RowId> = ends.iter().map(|end| end.row).collect();
        let before = self.outbox.len();
        self.outbox.retain(|change| !rows.contains(&change.row));
        assert_eq!(self.outbox.len() + ends.len(), before, "a change ended that was not there, or twice: {ends:?}");
        self.history.extend(ends);
    }

    pub fn begin(&mut self, count_max: usize) -> Begun {
        self.begin_behind(count_max, 0)
    }

    /// While so many of the open parcels are on their way.
    fn begin_behind(&mut self, count_max: usize, sent: usize) -> Begun {
        let (all, parcels) = (self.outbox.clone(), self.parcels.clone());
        let sent: BTreeSet<_> = parcels.iter().filter(|parcel| parcel.is_open()).map(|parcel| parcel.op_id).take(sent).collect();
        let outbox: Vec<&Change> = all.iter().collect();
        let seed = self.number();
        let input = Begin { schema: schema(), outbox: &outbox, parcels: &parcels, sent: &sent, now: self.now(), seed, count_max };
        let begun = begin(&input, &self.bases);
        // Looking at less finds the same, or says that it was too little; in the end it is all. But for conflicts: those that
        // it did not look at are found when what is before them is gone.
        let found: Vec<Begun> =
            [1, 2, 3, 5, 8, usize::MAX].iter().filter_map(|size| begin_within(&input, &self.bases, *size)).collect();
        let is_same = |within: &Begun| {
            let of = within.conflicts.iter().all(|row| begun.conflicts.contains(row));
            of && Begun { conflicts: begun.conflicts.clone(), ..within.clone() } == begun
        };
        assert!(!found.is_empty() && found.iter().all(is_same), "{count_max} of {outbox:?}");
        assert!(begun.send.iter().all(|parcel| !sent.contains(&parcel.op_id)), "sent again while it is on its way");
        self.check_begun(&begun);
        self.check_chosen(&begun, &begin(&Begin { count_max: usize::MAX, ..input }, &self.bases), count_max);
        self.parcels.retain(|parcel| !begun.replaced.contains(&parcel.op_id));
        self.parcels.extend(begun.parcels.iter().cloned());
        self.end(begun.ended.clone());
        begun
    }

    fn entry(&self, base: &Base, collection: &str) -> Entry {
        let base = base.clone();
        Entry {
            collection: collection.to_owned(),
            id: base.id,
            version: base.version,
            seq: base.seq,
            at: base.at,
            by: base.by.unwrap_or_else(by),
            changed: base.changed,
            tombstone: base.tombstone,
            fields: base.fields,
        }
    }

    fn seq(&mut self) -> Seq {
        Seq(self.number())
    }

    /// What the server says of a parcel: what the outcome wishes, where that is possible.
    fn outcome(&mut self, parcel: &Parcel, outcome: u8) -> Outcome {
        let base = |item: &fieldsync::core::protocol::Item| self.bases.get(&item.collection, item.id);
        let moved = parcel.items.iter().any(|item| base(item).map(|base| base.version).unwrap_or_default() != item.base_version);
        match outcome {
            0..=3 if moved => Outcome::Conflict {
                theirs: parcel.items.iter().filter_map(|item| Some(self.entry(base(item)?, &item.collection))).collect(),
            },
            0..=3 => Outcome::Applied {
                seq: self.seq(),
                items: parcel
                    .items
                    .iter()
                    .map(|item| AppliedItem {
                        collection: item.collection.clone(),
                        id: item.id,
                        version: Version(item.base_version.0 + 1),
                        normalised: Fields::new(),
                    })
                    .collect(),
            },
            4 => Outcome::Rejected { problem: Problem::new(ProblemCode::Validation, "") },
            5 => Outcome::Retry { after: None },
            6 => Outcome::Blocked { by: record(u64::from(outcome)).1 },
            7 => Outcome::Voided,
            8 => Outcome::Known { rows: parcel.rows.iter().take(1).copied().collect() },
            _ => Outcome::Rejected { problem: Problem::new(ProblemCode::Forbidden, "") },
        }
    }

    fn answer(&mut self, which: u8, outcome: u8) {
        let open: Vec<Parcel> = self.parcels.iter().filter(|parcel| parcel.is_open()).cloned().collect();
        if open.is_empty() {
            return;
        }
        let parcel = open[usize::from(which) % open.len()].clone();
        let outcome = self.outcome(&parcel, outcome);
        self.finish(&[PushResult { op_id: parcel.op_id, mark: None, outcome }]);
    }

    /// Every open parcel is applied.
    pub fn apply_all(&mut self) {
        let open: Vec<Parcel> = self.parcels.iter().filter(|parcel| parcel.is_open()).cloned().collect();
        let results: Vec<PushResult> =
            open.iter().map(|parcel| PushResult { op_id: parcel.op_id, mark: None, outcome: self.outcome(parcel, 0) }).collect();
        self.finish(&results);
    }

    fn finish(&mut self, results: &[PushResult]) {
        let (outbox, parcels, seed) = (self.outbox.clone(), self.parcels.clone(), self.number());
        let input = Finish {
            schema: schema(),
            outbox: &outbox,
            parcels: &parcels,
            user: UserId(uuid(1)),
            device: DeviceId(uuid(2)),
            now: self.now(),
            server_time: self.now(),
            contact: Contact { now: self.now(), offset_ms: Some(0), doubted_to: 0 },
            seed,
            watermark_seq: Seq(0),
            waits: None,
        };
        // The store may do its work twice on what was written: the second time there is nothing left to do.
        let finished = finish(&input, results, &mut self.bases);
        self.parcels.retain(|parcel| !finished.removed.contains(&parcel.op_id));
        for put in finished.put {
            self.parcels.retain(|parcel| parcel.op_id != put.op_id);
            self.parcels.push(put);
        }
        self.end(finished.history.map(|history| history.ended).unwrap_or_default());
        finished.append.into_iter().for_each(|change| self.append(change));
    }

    fn discard(&mut self, which: u8) {
        if self.outbox.is_empty() {
            return;
        }
        let row = self.outbox[usize::from(which) % self.outbox.len()].row;
        let discarded = discard(&self.outbox, &self.parcels, row);
        let ends = self.outbox.iter().filter(|change| discarded.rows.contains(&change.row));
        let ends = ends.map(|change| ended(change, End::Discarded)).collect();
        self.parcels.retain(|parcel| !discarded.removed.contains(&parcel.op_id));
        for put in discarded.put {
            assert_eq!(put.then, Some(Then::Discard));
            self.parcels.retain(|parcel| parcel.op_id != put.op_id);
            self.parcels.push(put);
        }
        self.end(ends);
    }

    fn resolve(&mut self, number: u64, choice: u8) {
        let key = record(number);
        // Also one in which nothing of this record was left to send.
        let rows: Vec<RowId> = self.changes(key).iter().map(|change| change.row).collect();
        let in_flight = |parcel: &Parcel| parcel.is_open() && parcel.rows.iter().any(|row| rows.contains(row));
        let Some(conflict) = self.view(key).conflict.filter(|_| !self.parcels.iter().any(in_flight)) else { return };
        let pick = if choice == 0 { Choice::Mine } else { Choice::Theirs };
        let names = conflict.fields.iter().map(|field| field.field.clone()).chain([WHOLE.to_owned()]);
        let mut choices: Choices = names.map(|name| (name, pick.clone())).collect();
        let is_two = choice == 2 && conflict.made_twice && conflict.kind == ConflictKind::Fields;
        if is_two {
            choices.insert(WHOLE.to_owned(), Choice::Two);
        }
        let stamp = Stamp {
            row: RowId(uuid(self.number())),
            copy: RecordId(uuid(self.number())),
            now: self.now(),
            clock_offset_ms: Some(0),
            schema: 1,
        };
        let base = self.bases.get(key.0, key.1).cloned();
        let shown = base.as_ref().map(|base| base.version).unwrap_or_default();
        let collection = schema().collection(key.0).unwrap();
        let asked = Question { schema: schema(), collection, record: key.1, base: base.as_ref(), shown, outbox: &self.outbox };
        let resolved = resolve(&asked, &choices, stamp).unwrap();
        let gone: Vec<RowId> = resolved.ended.iter().map(|ended| ended.row).collect();
        if self.parcels.iter().any(|parcel| parcel.is_open() && parcel.rows.iter().any(|row| gone.contains(row))) {
            return; // What follows may be on its way: asked again, once that is known.
        }
        self.parcels.retain(|parcel| parcel.is_open() || !parcel.rows.iter().all(|row| gone.contains(row)));
        self.end(resolved.ended);
        resolved.append.into_iter().for_each(|change| self.append(change));
        assert_eq!(self.view(key).conflict, None, "decided, and still asked");
        let names = |change: &Change| {
            schema().collection(&change.collection).unwrap().references(&change.written).any(|its| its.2 == key.1)
        };
        assert!(!is_two || !self.outbox.iter().any(names), "these are two, and something names the one that is theirs");
    }

    /// Somebody else changed, made, deleted or took away a record.
    fn pull(&mut self, number: u64, kind: u8, field: u8, value: u8) {
        let key = record(number);
        let old = self.bases.get(key.0, key.1).cloned();
        let (seq, at) = (self.seq(), self.now());
        let mut base = old.clone().unwrap_or_else(|| base(key.1, whole(key.0, value)));
        (base.seq, base.at, base.by) = (seq, at, Some(by()));
        base.version = Version(old.as_ref().map_or(0, |old| old.version.0) + 1);
        base.tombstone = match (kind, &old) {
            (0, Some(_)) => Some(Tombstone::Deleted),
            (1, Some(_)) => Some(Tombstone::Revoked),
            _ => None,
        };
        let written = one(key.0, field, value, &base.fields);
        base.fields = if base.tombstone.is_some() { Fields::new() } else { normalise(patched(&base.fields, &written)) };
        let entry = self.entry(&base, key.0);
        let (outbox, now) = (self.outbox.clone(), self.now());
        let unsent: Vec<&Change> = outbox.iter().filter(|change| (change.collection.as_str(), change.record) == key).collect();
        absorb(&mut self.bases, key.0, entry, &unsent, Contact { now, offset_ms: Some(0), doubted_to: 0 });
    }
}
