//! What a save and a page put on a disk: what the form showed, as it showed it; and no base over a newer one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use fieldsync::client::NewChange;
use fieldsync::core::outbox::Change;
use fieldsync::core::protocol::{Action, Cursor};
use fieldsync::core::record::{Base, CollectionName, Fields, OpId, RecordId, RowId, Seq, Tombstone, field};
use fieldsync::core::rows::{End, Ended, PageRow, meta};
use fieldsync::core::selection::Selection;
use fieldsync::data::page::decode;
use fieldsync::ports::Write;
use fieldsync_server::sync::cursor::Place;
use serde::Deserialize;
use serde_json::Value;

use crate::oracle::{Disk, Oracle, Row};

/// The forms that were saved, by the row of the change.
pub type Forms = BTreeMap<RowId, NewChange>;
/// How far the bases of a disk are.
#[derive(Clone, Debug, Default)]
pub struct Places {
    of: BTreeMap<(CollectionName, RecordId), Seq>,
    /// Where its pages begin.
    firsts: BTreeSet<(CollectionName, String)>,
    /// Bases that a snapshot took out.
    gone: BTreeSet<(CollectionName, RecordId)>,
}

impl Places {
    /// These pages are written together; what one does not have of the ids that it owns is taken out. Gives what is taken out
    /// now, other than what is adrift.
    pub fn written<'a>(&mut self, pages: impl Iterator<Item = &'a PageRow> + Clone) -> Vec<(CollectionName, RecordId)> {
        let mut out = Vec::new();
        self.firsts.extend(pages.clone().map(|page| (page.collection.clone(), page.first.clone())));
        for page in pages {
            let Some(bases) = known(page) else { continue };
            let from = (page.collection.clone(), page.first.clone());
            let next = self.firsts.range((Bound::Excluded(&from), Bound::Unbounded)).next();
            let next = next.filter(|next| next.0 == page.collection).map(|next| next.1.clone());
            let owns = |id: &str| id >= page.first.as_str() && next.as_deref().is_none_or(|next| id < next);
            let is_out = |key: &&(CollectionName, RecordId)| {
                key.0 == page.collection && owns(&key.1.to_string()) && !bases.iter().any(|base| base.id == key.1)
            };
            let gone: Vec<_> = self.of.keys().filter(is_out).cloned().collect();
            out.extend(gone.iter().filter(|key| !self.gone.contains(*key) && self.of[*key] > Seq(0)).cloned());
            self.gone.extend(gone);
        }
        out
    }
}

/// The bases of a page, by the shipped code: a page that it cannot read is found by who opens it.
fn known(page: &PageRow) -> Option<Vec<Base>> {
    decode(&page.bytes).ok()
}

impl Disk {
    /// What did not wait for the disk may be gone.
    pub fn power_cut(&mut self) {
        (self.places, self.cursor, self.selection) = (Places::default(), None, None);
    }
}

impl Oracle {
    /// Save was pressed in this form.
    pub fn pressed(&mut self, changes: &[NewChange]) {
        self.forms.extend(changes.iter().map(|change| (change.row, change.clone())));
    }

    /// A change that came from a form says what the form showed.
    pub fn check_form(&mut self, change: &Change) {
        let Some(form) = self.forms.get(&change.row).filter(|_| change.action != Action::Create) else { return };
        let names = change.seen.fields.iter().chain(&change.written).map(|(name, _)| name);
        let of_form = |name: &&String| change.action == Action::Delete || change.written.contains_key(*name);
        let is_other = |name: &&String| field(&change.seen.fields, name) != field(&form.seen, name);
        let other = names.filter(of_form).find(is_other).cloned();
        if let Some(name) = other {
            let (seen, shown) = (field(&change.seen.fields, &name), field(&form.seen, &name));
            self.fail("I7 seen is what the form showed", format!("{:?} saw {name} = {seen}, and {shown} was shown", change.row));
        } else if change.seen.version != form.version {
            self.fail("I7 seen is what the form showed", format!("{:?} saw another version", change.row));
        }
    }

    /// A change that stands for a decision is on what the person was shown.
    pub fn check_decision(&mut self, change: &Change, ended: &[&Ended]) {
        let is_decision = ended.iter().any(|ended| ended.end == End::Resolved && ended.record == change.record);
        if is_decision && !self.decisions.contains(&(change.record, change.seen.version)) {
            self.fail("I7 a decision is on what was shown", format!("nobody was shown what {change:?} says it saw"));
        }
    }

    /// Where a person said that a record is two, all that named mine names the copy: nothing that names the old one is left, and
    /// what is appended for it is what ended, but for the name. Of several that are decided at once each has its copy, in their
    /// order. Whether there is one.
    pub fn check_two(&mut self, disk: usize, writes: &[Write], ended: &[&Ended]) -> bool {
        let appended = || writes.iter().filter_map(|write| if let Write::Append(change) = write { Some(change) } else { None });
        let is_new =
            |change: &&Change| change.action == Action::Create && !ended.iter().any(|ended| ended.record == change.record);
        let is_decided = ended.iter().any(|ended| ended.end == End::Resolved);
        let copies: Vec<&Change> = appended().filter(is_new).filter(|_| is_decided).collect();
        let mut olds: Vec<RecordId> = Vec::new();
        for ended in ended.iter().filter(|ended| self.twos.contains(&ended.record)) {
            if !olds.contains(&ended.record) && !appended().any(|change| change.record == ended.record) {
                olds.push(ended.record);
            }
        }
        if copies.is_empty() || copies.len() != olds.len() {
            return !copies.is_empty();
        }
        let olds: Vec<String> = olds.iter().map(ToString::to_string).collect();
        let said = |fields: &Fields| {
            let text = serde_json::to_string(fields).unwrap_or_default();
            olds.iter().zip(&copies).fold(text, |text, (old, copy)| text.replace(old, &copy.record.to_string()))
        };
        let is_left = |row: &&Row| {
            let is_ended = ended.iter().any(|ended| ended.row == row.change.row);
            let text = serde_json::to_string(&row.change.written).unwrap_or_default();
            row.end.is_none() && !is_ended && olds.iter().any(|old| text.contains(old))
        };
        let left = self.disks[disk].rows.values().find(is_left).map(|row| row.change.row);
        if let Some(row) = left {
            self.fail("I7 what names mine follows it", format!("{row:?} names one of {olds:?}, which are theirs now"));
        }
        // Another conflict that was decided along with it comes to what was chosen there. It may name the old one where theirs
        // does, and not where mine did.
        let named = |ended: &&&Ended| {
            let text = serde_json::to_string(&ended.written).unwrap_or_default();
            olds.iter().any(|old| text.contains(old))
        };
        let is_decided = |change: &Change| {
            let wrote = ended.iter().filter(named).any(|ended| ended.record == change.record);
            self.decisions.contains(&(change.record, change.seen.version)) && !wrote
        };
        let follows = |change: &Change| {
            is_decided(change)
                || ended.iter().any(|ended| {
                    ended.record == change.record
                        && ended.action == change.action
                        && said(&ended.written) == said(&change.written)
                })
        };
        let is_copy = |change: &Change| copies.iter().any(|copy| copy.record == change.record);
        if let Some(change) = appended().find(|change| !is_copy(change) && !follows(change)) {
            self.fail("I7 what names mine follows it", format!("{change:?} is none of what ended"));
        }
        true
    }

    /// A page that is written has no base that is older than what was there, unless it is set adrift. A restored server counts
    /// on from its backup. And what a snapshot took out may be built on again as the ledger once answered it: it is listed
    /// nowhere, or another snapshot is under way and will look at it; and the server says what is newer before anything is
    /// written over it.
    pub fn check_page(&mut self, disk: usize, page: &PageRow) {
        for Base { id, seq, tombstone, .. } in known(page).into_iter().flatten() {
            let key = (page.collection.clone(), id);
            let here = &mut self.disks[disk];
            let is_harmless = tombstone == Some(Tombstone::Left) || here.cursor.is_none();
            let is_back = here.places.gone.remove(&key) && is_harmless;
            let old = here.places.of.insert(key, seq);
            let is_older = old.is_some_and(|old| seq < old) && seq > Seq(0) && self.server.restores == 0;
            if is_older && !is_back {
                self.fail("I4 bases are ordered by seq", format!("{}/{id} goes back from {old:?} to {seq:?}", page.collection));
            }
        }
    }

    /// What unsent changes build on is not taken out, whatever is selected.
    pub fn check_evicted(&mut self, disk: usize, out: &[(CollectionName, RecordId)], gone: &BTreeSet<u64>, writes: &[Write]) {
        // On what is of a lifetime of the server that is over nothing is built: outside of the selection it goes.
        if writes.iter().any(|write| matches!(write, Write::Meta(meta::PULL, state) if state["cursor"].is_null())) {
            return;
        }
        for (collection, id) in out {
            let builds = |row: &&Row| {
                let change = &row.change;
                row.end.is_none()
                    && change.record == *id
                    && change.collection == *collection
                    && !gone.contains(&change.client_seq)
            };
            let row = self.disks[disk].rows.values().find(builds).map(|row| row.change.row);
            if let Some(row) = row {
                self.fail("I15 the selection", format!("the base of {collection}/{id} is taken out, and {row:?} builds on it"));
            }
        }
    }

    /// Nothing of a collection that is not selected is written as if a list were to show it.
    pub fn check_outside(&mut self, disk: usize, writes: &[Write]) {
        let selection = self.disks[disk].selection.clone().unwrap_or_default();
        let pages = writes.iter().filter_map(|write| if let Write::Page(page) = write { Some(page) } else { None });
        for page in pages.filter(|page| !selection.wants(&page.collection)) {
            if let Some(base) = known(page).into_iter().flatten().find(Base::is_listed) {
                self.fail("I15 the selection", format!("{}/{} is listed, and not selected", page.collection, base.id));
            }
        }
    }

    /// What this disk holds for confirmed, was applied once, and the server does not have now: a restore took it. Without
    /// what a later change of mine, confirmed too, wrote over: that one is looked for.
    pub fn lost_by_restore(&self, disk: usize) -> Vec<Change> {
        let rows = &self.disks[disk].rows;
        // What I deleted myself since needs nothing else of mine kept.
        let deleted = |record| rows.values().any(|row| row.change.record == record && row.change.action == Action::Delete);
        let is_lost = |row: &&Row| {
            let id = row.change.row;
            row.end == Some(End::Confirmed)
                && self.server.ever.contains(&id)
                && !self.server.applied.contains_key(&id)
                && !self.shared.contains(&id)
                && !deleted(row.change.record)
        };
        let is_over = |change: &Change, name: &String| {
            let mut later = rows.values().filter(|row| row.end == Some(End::Confirmed) && row.change.record == change.record);
            later.any(|row| row.change.client_seq > change.client_seq && row.change.written.contains_key(name))
        };
        let left = |row: &Row| {
            let mut change = row.change.clone();
            change.written.retain(|name, _| !is_over(&row.change, name));
            change
        };
        rows.values().filter(is_lost).map(left).collect()
    }

    /// The cursor goes forward, or the snapshot begins again.
    pub fn check_cursor(&mut self, disk: usize, state: &Value) {
        self.disks[disk].selection = Selection::deserialize(&state["selection"]).ok();
        let cursor = state["cursor"].as_str().and_then(|text| Place::parse(&Cursor(text.to_owned())));
        let now = cursor.map(|place| place.seq);
        let before = std::mem::replace(&mut self.disks[disk].cursor, now);
        if now.is_some() && now < before {
            self.fail("I4 the cursor goes forward", format!("the cursor goes back from {before:?} to {now:?}"));
        }
    }

    /// A disk with the same contents as another.
    pub fn cloned(&mut self, of: usize) {
        let disk = self.disks[of].clone();
        self.shared.extend(disk.rows.keys().copied());
        self.disks.push(disk);
    }

    /// What is written on the disk without its client: an import.
    pub fn share(&mut self, row: RowId) {
        self.shared.insert(row);
    }

    pub fn unsent(&self, disk: usize) -> usize {
        self.disks[disk].rows.values().filter(|row| row.end.is_none()).count()
    }

    pub fn is_spent(&self, disk: usize, op_id: OpId) -> bool {
        self.disks[disk].spent.contains(&op_id)
    }

    pub fn is_over(&self, disk: usize, row: RowId) -> bool {
        self.disks[disk].rows.get(&row).is_some_and(|row| row.end.is_some())
    }
}
