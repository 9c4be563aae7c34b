//! What must hold, and who watches it: each commit of a device's disk, each push that the server answers. Names are those
//! of ARCHITECTURE.md; the first thing that does not hold ends the run of a seed.

use std::collections::{BTreeMap, BTreeSet};

use fieldsync::core::outbox::Change;
use fieldsync::core::parcel::{Parcel, ParcelState};
use fieldsync::core::protocol::{Action, Item, Outcome};
use fieldsync::core::record::{Epoch, Millis, OpId, RecordId, RowId, Seq, Version};
use fieldsync::core::rows::{End, Ended, meta};
use fieldsync::core::selection::Selection;
use fieldsync::ports::Write;
use fieldsync_server::db::Stored;
use serde_json::Value;

use crate::coverage::{Coverage, pair};
use crate::kept::{Forms, Places};
use crate::overwrite;
pub use crate::server_side::{Applied, ServerSide};
use crate::unheard::unheard;

/// What was broken, and how it was seen.
#[derive(Clone, Debug)]
pub struct Violation {
    pub invariant: &'static str,
    pub what: String,
}

#[derive(Clone, Debug)]
pub struct Row {
    pub change: Change,
    pub end: Option<End>,
    is_promised: bool,
}

/// A device's disk as it must be.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub rows: BTreeMap<RowId, Row>,
    pub by_seq: BTreeMap<u64, RowId>,
    pub parcels: BTreeMap<OpId, Parcel>,
    pub spent: BTreeSet<OpId>,
    last: BTreeMap<RecordId, Action>,
    pub places: Places,
    pub cursor: Option<Seq>,
    /// As far as it was written since the power went.
    pub selection: Option<Selection>,
    /// What the last answer to a push said of losses.
    pub told: Vec<(Epoch, u64)>,
}

/// Everything that is watched.
#[derive(Default)]
pub struct Oracle {
    pub disks: Vec<Disk>,
    /// Every change that was ever saved, also on a disk that is gone.
    pub all: BTreeMap<RowId, Change>,
    pub server: ServerSide,
    /// Changes that are on two disks: each may end its own way.
    pub shared: BTreeSet<RowId>,
    pub violation: Option<Violation>,
    pub coverage: Coverage,
    pub forms: Forms,
    /// Conflicts that a person decided, by the version of theirs that was shown.
    pub decisions: BTreeSet<(RecordId, Version)>,
    /// Records of which a person last said that they are two.
    pub twos: BTreeSet<RecordId>,
    /// When each change was saved, by the true clock.
    pub saved_at: BTreeMap<RowId, Millis>,
}

impl Oracle {
    pub fn fail(&mut self, invariant: &'static str, what: String) {
        if self.violation.is_none() {
            self.violation = Some(Violation { invariant, what });
        }
    }

    fn require(&mut self, holds: bool, invariant: &'static str, what: impl FnOnce() -> String) {
        if !holds {
            self.fail(invariant, what());
        }
    }

    /// A commit of this disk.
    pub fn committed(&mut self, disk: usize, writes: &[Write], appended: &[u64]) {
        let ended: Vec<&Ended> = writes
            .iter()
            .filter_map(|write| if let Write::History(row) = write { Some(&row.ended) } else { None })
            .flatten()
            .collect();
        let gone: BTreeSet<u64> = ended.iter().map(|ended| ended.client_seq).collect();
        let pages = writes.iter().filter_map(|write| if let Write::Page(page) = write { Some(page) } else { None });
        let out = self.disks[disk].places.written(pages);
        self.check_evicted(disk, &out, &gone, writes);
        let has_copy = self.check_two(disk, writes, &ended);
        let mut numbers = appended.iter();
        for write in writes {
            match write {
                Write::Append(change) => {
                    if !has_copy {
                        self.check_decision(change, &ended);
                    }
                    let seq = numbers.next().copied().unwrap_or_default();
                    self.appended(disk, Change { client_seq: seq, ..change.clone() });
                }
                Write::PutBack(change) => self.put_back(disk, change, writes),
                Write::RemoveChange(seq) => {
                    self.require(gone.contains(seq), "I2 leaves with its end", || {
                        format!("change {seq} left the outbox without an end")
                    });
                    self.disks[disk].by_seq.remove(seq);
                }
                Write::Parcel(parcel) => self.parcel(disk, parcel),
                Write::RemoveParcel(op_id) => self.parcel_gone(disk, *op_id),
                Write::Page(page) => self.check_page(disk, page),
                Write::Meta(meta::PULL, state) => self.check_cursor(disk, state),
                _ => {}
            }
        }
        self.check_outside(disk, writes);
        for ended in ended {
            self.ended(disk, ended);
        }
    }

    fn appended(&mut self, disk: usize, change: Change) {
        self.check_form(&change);
        self.all.insert(change.row, change.clone());
        let here = &mut self.disks[disk];
        if let Some(before) = here.last.insert(change.record, change.action) {
            self.coverage.count("pair", pair(before, change.action));
        }
        let here = &mut self.disks[disk];
        here.by_seq.insert(change.client_seq, change.row);
        let old = here.rows.insert(change.row, Row { change: change.clone(), end: None, is_promised: false });
        let restores = self.server.restores;
        if let Some(Row { end: Some(end), .. }) = old {
            self.require(restores > 0, "I8 conservation", || {
                format!("{:?} had ended ({end:?}) and is appended again", change.row)
            });
        }
    }

    /// A restored server lacked it: its end goes, and it is what it was.
    fn put_back(&mut self, disk: usize, change: &Change, writes: &[Write]) {
        let amends = |write: &Write| matches!(write, Write::Amend(row) if row.ended.iter().all(|ended| ended.row != change.row));
        self.require(writes.iter().any(amends), "I8 conservation", || format!("{:?} is put back and its end stays", change.row));
        self.disks[disk].by_seq.insert(change.client_seq, change.row);
        let end = self.disks[disk].rows.get_mut(&change.row).and_then(|row| row.end.take());
        let restores = self.server.restores;
        self.require(end == Some(End::Confirmed) && restores > 0, "I8 conservation", || {
            format!("{:?} is put back, its end {end:?}", change.row)
        });
    }

    /// The app was told that these are saved.
    pub fn promised(&mut self, disk: usize, rows: &[RowId]) {
        for row in rows {
            match self.disks[disk].rows.get_mut(row) {
                Some(row) => row.is_promised = true,
                None => self.fail("I1 saved means durable", format!("{row:?} was promised and is not on the disk")),
            }
        }
    }

    fn ended(&mut self, disk: usize, ended: &Ended) {
        let is_shared = self.shared.contains(&ended.row);
        let Some(row) = self.disks[disk].rows.get_mut(&ended.row) else {
            return self.fail("I8 conservation", format!("{:?} ended and was never saved", ended.row));
        };
        if let Some(end) = row.end.replace(ended.end) {
            return self.fail("I8 conservation", format!("{:?} ended twice: {end:?}, {:?}", ended.row, ended.end));
        }
        let change = row.change.clone();
        let is_applied = self.server.applied.contains_key(&ended.row);
        let was_applied = is_applied || self.server.ever.contains(&ended.row);
        match ended.end {
            End::Confirmed if !was_applied && !is_shared => {
                let has_it = self.server_has(&change);
                self.require(has_it, "I8 confirmed means kept", || {
                    format!("{change:?} was confirmed and the server never had it")
                });
            }
            End::Discarded | End::Resolved if !is_shared => {
                self.require(!is_applied, "I8 discarded means not applied", || {
                    format!("{change:?} ended {:?} and is applied", ended.end)
                });
            }
            _ => {}
        }
    }

    /// Whether the record ever was, on the server, what this change made it.
    fn server_has(&self, change: &Change) -> bool {
        if self.server.deleted.contains(&change.record) && self.is_deleted_here(change.record) {
            return true;
        }
        if change.action == Action::Delete {
            // A later change of mine took the delete back.
            let mut rows = self.disks.iter().flat_map(|disk| disk.rows.values());
            return self.server.restores > 0
                || rows.any(|row| row.change.record == change.record && row.change.client_seq > change.client_seq);
        }
        // What a later change of mine wrote over went to the server as that.
        let is_over = |name: &String| {
            let mut rows = self.disks.iter().flat_map(|disk| disk.rows.values());
            rows.any(|row| {
                row.change.record == change.record
                    && row.change.client_seq > change.client_seq
                    && row.change.written.contains_key(name)
            })
        };
        let had = |(name, value): (&String, &Value)| {
            !overwrite::is_told_apart(name, value)
                || is_over(name)
                || self.server.values.contains(&(change.record, name.clone(), overwrite::spelling(value)))
        };
        change.written.iter().all(had)
    }

    /// What I deleted myself needs nothing else of mine kept.
    fn is_deleted_here(&self, record: RecordId) -> bool {
        let mut rows = self.disks.iter().flat_map(|disk| disk.rows.values());
        rows.any(|row| row.change.record == record && row.change.action == Action::Delete)
    }

    fn parcel(&mut self, disk: usize, parcel: &Parcel) {
        let restores = self.server.restores;
        let here = &self.disks[disk];
        match here.parcels.get(&parcel.op_id) {
            Some(old) => {
                let same = (&old.rows, &old.items, old.schema) == (&parcel.rows, &parcel.items, parcel.schema);
                let reopened = !old.is_open() && parcel.is_open();
                self.require(same, "I2 an open parcel never changes", || format!("{:?} was altered", parcel.op_id));
                self.require(!reopened, "I5 a final answer is final", || {
                    format!("{:?} was refused and is open again", parcel.op_id)
                });
            }
            None => {
                let spent = here.spent.contains(&parcel.op_id) && restores == 0;
                self.require(!spent, "I5 a new try takes a new op_id", || format!("{:?} is used again", parcel.op_id));
                self.new_parcel(disk, parcel);
            }
        }
        if let ParcelState::Refused { .. } = parcel.state {
            // What is done only with an answer also waits for a person if theirs moved, or if it was put back.
            let rejected = self.server.was_rejected.contains(&parcel.op_id);
            self.require(rejected || parcel.online, "I13 only our server speaks", || {
                format!("{:?} is refused and the server did not say so", parcel.op_id)
            });
        }
        let troubled = self.server.troubled.get(&parcel.op_id).copied().unwrap_or(0);
        self.require(parcel.attempts <= troubled, "S6 an outage uses up no attempts", || {
            format!("{:?} has {} attempts, and the server had trouble with it {troubled} times", parcel.op_id, parcel.attempts)
        });
        self.disks[disk].parcels.insert(parcel.op_id, parcel.clone());
    }

    fn new_parcel(&mut self, disk: usize, parcel: &Parcel) {
        let here = &self.disks[disk];
        let twice = here.parcels.values().find(|other| other.is_open() && other.rows.iter().any(|row| parcel.rows.contains(row)));
        let twice = twice.map(|other| other.op_id);
        let missing = parcel.rows.iter().find(|row| here.rows.get(row).is_none_or(|row| row.end.is_some())).copied();
        self.require(twice.is_none(), "I2 an open parcel never changes", || {
            format!("{:?} and {twice:?} hold one change", parcel.op_id)
        });
        self.require(missing.is_none(), "I8 conservation", || {
            format!("{:?} carries {missing:?}, which is not in the outbox", parcel.op_id)
        });
    }

    fn parcel_gone(&mut self, disk: usize, op_id: OpId) {
        let Some(parcel) = self.disks[disk].parcels.remove(&op_id) else { return };
        self.disks[disk].spent.insert(op_id);
        let has_answer = !parcel.is_open() || self.server.finals.contains_key(&op_id);
        self.require(has_answer, "I13 only our server speaks", || format!("{op_id:?} was open and left without an answer"));
    }

    /// A parcel that the server answered.
    pub fn pushed(&mut self, pushed: &Applied) {
        let moved = |(_, before, after): &&(Item, Option<Stored>, Option<Stored>)| before != after;
        let is_applied = matches!(pushed.outcome, Outcome::Applied { .. });
        if !(is_applied && pushed.is_fresh) {
            let touched = pushed.items.iter().find(moved);
            let what = if pushed.is_fresh { "I5 refused means untouched" } else { "I5 applied at most once" };
            self.require(touched.is_none(), what, || {
                format!("{:?} was answered {:?} and wrote {touched:?}", pushed.parcel.op_id, pushed.outcome)
            });
            return;
        }
        let still = pushed.items.iter().any(|item| !moved(&item));
        self.require(!still, "I5 a parcel is applied whole", || format!("{:?} was applied in part", pushed.parcel.op_id));
        let was_final = self.server.restores > 0 && self.server.was_refused.contains(&pushed.parcel.op_id);
        if was_final {
            // A backup forgot a refusal while the same request was still on its way: nobody can tell any more.
            self.shared.extend(pushed.parcel.changes.iter().copied());
        }
        for row in &pushed.parcel.changes {
            let before = self.server.applied.insert(*row, pushed.parcel.op_id);
            self.server.ever.insert(*row);
            self.require(before.is_none(), "I5 applied at most once", || format!("{row:?} was applied by {before:?} and again"));
            if !self.shared.contains(row) {
                let ends: Vec<End> = self.disks.iter().filter_map(|disk| disk.rows.get(row)?.end).collect();
                let over = ends.iter().any(|end| *end != End::Confirmed);
                self.require(!over, "I8 discarded means not applied", || format!("{row:?} ended {ends:?} and was applied"));
            }
        }
        self.whole_groups(pushed);
        for (item, before, after) in &pushed.items {
            self.wrote(item, after.as_ref());
            let changes = self.changes_of(pushed, item);
            let mine = |name: &str, value: &Value| self.is_mine(item.id, &changes, name, value);
            // An import was dated by a clock of which nobody here hears; what a restored server was given again it dates anew.
            let is_dated = self.server.restores == 0 && !changes.iter().any(|change| self.shared.contains(&change.row));
            let wrong = overwrite::by_a_wrong_clock(item, before.as_ref(), &changes, &self.saved_at, mine).filter(|_| is_dated);
            let over = overwrite::in_silence(item, before.as_ref(), after.as_ref(), &changes, mine);
            // What a backup took away comes again by itself.
            let had = |name: &str, value: &Value| {
                self.server.restores > 0 && self.server.values.contains(&(item.id, name.to_owned(), overwrite::spelling(value)))
            };
            let lost = || unheard(item, after.as_ref().filter(|_| before.is_some()), &changes, had);
            if let Some(why) = wrong.or(over).or_else(lost) {
                self.fail("I7 nothing is overwritten in silence", why);
            }
        }
    }

    /// Whether a disk that has these changes wrote this value.
    fn is_mine(&self, record: RecordId, changes: &[Change], name: &str, value: &Value) -> bool {
        let here = self.disks.iter().filter(|disk| changes.iter().any(|change| disk.rows.contains_key(&change.row)));
        let wrote = |row: &Row| {
            row.change.record == record
                && row.change.written.get(name).is_some_and(|written| overwrite::spelling(written) == overwrite::spelling(value))
        };
        here.flat_map(|disk| disk.rows.values()).any(wrote)
    }

    /// What was saved together is applied together.
    fn whole_groups(&mut self, pushed: &Applied) {
        for disk in 0..self.disks.len() {
            let rows = &self.disks[disk].rows;
            let groups: BTreeSet<_> = pushed.parcel.changes.iter().filter_map(|row| rows.get(row)?.change.group).collect();
            let is_shared = |row: &&Row| {
                self.shared.contains(&row.change.row) && row.change.group.is_some_and(|group| groups.contains(&group))
            };
            if groups.is_empty() || rows.values().find(is_shared).is_some() {
                continue;
            }
            let left = rows.values().find(|row| {
                row.end.is_none()
                    && row.change.group.is_some_and(|group| groups.contains(&group))
                    && !pushed.parcel.changes.contains(&row.change.row)
                    && !self.server.applied.contains_key(&row.change.row)
            });
            let left = left.map(|row| row.change.row);
            self.require(left.is_none(), "I5 a group goes whole", || format!("{left:?} stayed behind {:?}", pushed.parcel.op_id));
        }
    }

    fn wrote(&mut self, item: &Item, after: Option<&Stored>) {
        if item.action == Action::Delete {
            self.server.deleted.insert(item.id);
        }
        let aside = item.set_aside.iter().map(|aside| (&aside.field, &aside.value));
        let kept = after.into_iter().flat_map(|after| &after.fields);
        for (name, value) in item.patch.iter().chain(aside).chain(kept) {
            self.server.values.insert((item.id, name.clone(), overwrite::spelling(value)));
        }
    }

    /// The changes that a parcel carries of a record, in its order, whatever became of the disk: an import gives them other
    /// numbers elsewhere, and not all of them.
    fn changes_of(&self, pushed: &Applied, item: &Item) -> Vec<Change> {
        let carried = pushed.parcel.changes.iter().filter_map(|row| self.all.get(row));
        carried.filter(|change| change.record == item.id && change.collection == item.collection).cloned().collect()
    }

    /// The outbox of a disk against what was saved there. After a power cut, and at the end.
    pub fn check_disk(&mut self, disk: usize, outbox: &[Change]) {
        self.disks[disk].power_cut();
        let here: BTreeSet<RowId> = outbox.iter().map(|change| change.row).collect();
        let lost =
            self.disks[disk].rows.values().find(|row| row.end.is_none() && row.is_promised && !here.contains(&row.change.row));
        let lost = lost.map(|row| row.change.row);
        self.require(lost.is_none(), "I1 saved means durable", || format!("{lost:?} was promised and is gone"));
        let back = here.iter().find(|row| self.disks[disk].rows.get(row).is_some_and(|row| row.end.is_some())).copied();
        self.require(back.is_none(), "I8 conservation", || format!("{back:?} has ended and is in the outbox"));
    }
}
