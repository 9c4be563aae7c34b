//! Whether what a schedule is about came about: it does not count because its moves were made, but because what it is named
//! after was there to be seen on the phone and the server, between them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use fieldsync::core::outbox::Change;
use fieldsync::core::parcel::Parcel;
use fieldsync::core::protocol::{Outcome, Request};
use fieldsync::core::record::{Base, OpId, RecordId, RowId, Seq};
use fieldsync::core::rows::End;
use fieldsync::data::page::decode;
use fieldsync::data::table::RecordView;
use fieldsync::ports::Read;

use crate::actions::writes;
use crate::device::Done;
use crate::liveness::is_poison;
use crate::random::Random;
use crate::scripts::ME;
use crate::sights::{
    back_in_scope, came_into_scope, conflict_moved, conflict_over, deal_in_conflict, dependants_ended, discarded_on_the_way,
    discarded_unheard, edited_behind, frozen_unheard, given_back, granted_again, has_access_again, heard_now, joined_conflict,
    kept_from_another, later_undone, left_scope, left_unsent, old_form_saved, on_two_disks, open_of_old_app, refresh_lost,
    refused_with_dependants, revoked_unsent, saved_by_new_app, saved_later_than_now, saved_once, sent_by_another, sent_in_vain,
    server_fails, spelled_otherwise, taken_by_backup, thawed_too_late, two_apps, unheard_answer, unheard_elsewhere,
    unreadable_passed,
};
use crate::world::{Fate, World};

/// What a schedule must have shown, one after the other: before a move, after it, and the world.
type Sight = fn(&Moment, &Moment) -> bool;

/// The schedules, each with its sights.
const SIGHTS: &[(&str, &[Sight])] = &[
    ("form open while a pull changes the field", &[old_form_saved]),
    ("undo of the later of two edits", &[later_undone]),
    ("retry after an unseen commit", &[unheard_answer, heard_now]),
    ("save pressed twice", &[saved_once]),
    ("answer lost and then edited", &[edited_behind]),
    ("answer lost and then discarded", &[discarded_unheard, heard_now]),
    ("answer lost and then exported", &[unheard_elsewhere]),
    ("proxy's 403 for a batch", &[sent_in_vain, heard_now]),
    ("a poison change", &[server_fails]),
    ("a poison feed entry", &[unreadable_passed]),
    ("another user's worker", &[kept_from_another]),
    ("an import while the original lives", &[on_two_disks, sent_by_another]),
    ("a thawed tab with an old answer", &[frozen_unheard, thawed_too_late]),
    ("revoked and granted again", &[revoked_unsent, granted_again]),
    ("a narrowed scope", &[left_unsent, back_in_scope]),
    ("a scope that widens and narrows while it comes", &[came_into_scope, left_scope]),
    ("a conflict whose theirs moves", &[conflict_moved, conflict_over]),
    ("a change behind a conflict", &[joined_conflict, conflict_over]),
    ("the server normalising what I wrote", &[spelled_otherwise]),
    ("a rejected create with dependants", &[refused_with_dependants, dependants_ended]),
    ("restore from backup", &[taken_by_backup, given_back]),
    ("a migration with an open parcel", &[open_of_old_app, heard_now]),
    ("two versions of the app", &[two_apps, saved_by_new_app]),
    ("a clock set back", &[saved_later_than_now]),
    ("a lost refresh answer", &[refresh_lost, has_access_again]),
    ("a stage and a reference that both move", &[deal_in_conflict, conflict_over]),
    ("a cloned device", &[on_two_disks, sent_by_another]),
    ("sent late and discarded before", &[discarded_on_the_way, heard_now]),
];

/// How it stands on the first phone, between two moves.
#[derive(Clone, Default)]
pub struct Moment {
    pub outbox: Rc<Vec<Change>>,
    pub parcels: Vec<Parcel>,
    pub bases: BTreeMap<RecordId, Base>,
    pub conflicts: BTreeSet<RecordId>,
    pub form: Option<RecordView>,
    pub ends: BTreeMap<RowId, End>,
    pub cursor: Option<Seq>,
    /// Parcels with a final answer, those that were applied, and those that our server had trouble with.
    pub finals: BTreeSet<OpId>,
    pub applied: BTreeSet<OpId>,
    pub troubled: BTreeSet<OpId>,
    /// Changes that the server has; and those that it had.
    pub there: BTreeSet<RowId>,
    pub ever: BTreeSet<RowId>,
    /// Where what no client can read stands in the feed.
    pub unreadable: Vec<Seq>,
    /// What is unsent on the other phones of the same user.
    pub elsewhere: BTreeSet<RowId>,
    /// Parcels of pushes that nobody waits for.
    pub on_the_way: BTreeSet<OpId>,
    pub is_frozen: bool,
    pub at_rest: bool,
    pub is_another_user: bool,
    pub has_worker: bool,
    pub has_access: bool,
    pub refreshes_lost: u64,
    pub apps: [Option<u32>; 2],
    pub now: i64,
}

impl World {
    /// How it stands; nothing, if nobody asks any more.
    pub fn moment(&self) -> Moment {
        if self.script.seen == sights(self.script.name).len() {
            return Moment::default();
        }
        let device = &self.devices[0];
        let rows = device.store.peek(&[Read::Outbox, Read::Parcels, Read::Conflicts, Read::PagesSince(0)]);
        let oracle = self.sim.oracle.borrow();
        let (server, disk) = (&oracle.server, &oracle.disks[0]);
        let others = (1..self.devices.len()).filter(|other| self.devices[*other].user == device.user);
        let elsewhere = others.flat_map(|other| self.devices[other].store.peek(&[Read::Outbox]).outbox.to_vec());
        let pushes = |request: &Request| if let Request::Push(push) = request { push.parcels.clone() } else { vec![] };
        let network = self.sim.network.borrow();
        let abandoned = network.packets.iter().filter(|packet| packet.is_abandoned);
        let customers = self.server.truth(device.user, "customers");
        let app = |context: usize| device.tabs[context].client.as_ref().map(|_| device.tabs[context].app);
        Moment {
            outbox: rows.outbox,
            parcels: rows.parcels,
            bases: rows
                .pages
                .iter()
                .flat_map(|page| decode(&page.bytes).unwrap_or_default())
                .map(|base| (base.id, base))
                .collect(),
            conflicts: rows.conflicts.iter().map(|row| row.id).collect(),
            form: device.tabs[0].form.clone(),
            ends: disk.rows.iter().filter_map(|(row, of)| Some((*row, of.end?))).collect(),
            cursor: disk.cursor,
            finals: server.finals.keys().copied().collect(),
            applied: server
                .finals
                .iter()
                .filter(|(_, is)| matches!(is, Outcome::Applied { .. }))
                .map(|(op_id, _)| *op_id)
                .collect(),
            troubled: server.troubled.keys().copied().collect(),
            there: server.applied.keys().copied().collect(),
            ever: server.ever.clone(),
            unreadable: customers.iter().filter(|record| is_poison(&record.fields)).map(|record| record.seq).collect(),
            elsewhere: elsewhere.map(|change| change.row).collect(),
            on_the_way: abandoned
                .chain(&self.script.late)
                .flat_map(|packet| pushes(&packet.request))
                .map(|parcel| parcel.op_id)
                .collect(),
            is_frozen: device.tabs[0].is_frozen,
            at_rest: !self.tasks.iter().any(|task| (task.device, task.context) == (0, 0)),
            is_another_user: device.other_user.is_some(),
            has_worker: device.tabs[crate::device::WORKER].client.is_some(),
            has_access: device.has_access,
            refreshes_lost: self.sim.coverage.borrow().of("fault", "refresh answer lost"),
            apps: [app(0), app(1)],
            now: self.sim.now.get() + device.offset_ms.get(),
        }
    }

    /// Saves what is held back for Undo.
    pub fn save_held(&mut self, change: fieldsync::client::NewChange) {
        let Some(client) = self.client(0, 0) else { return };
        self.spawn(0, 0, "save", async move {
            let rows = writes(&change).then_some(change.row).into_iter().collect();
            Done::Saved { rows, result: client.save(vec![change], 6_000).await.map(drop) }
        });
        self.finish_tasks(0, 0);
    }

    /// After a move of the schedule: what was there to be seen. The schedule counts when all of it was.
    pub fn notice(&mut self, before: &Moment) {
        let (all, after) = (sights(self.script.name), self.moment());
        let seen = self.script.seen;
        while all.get(self.script.seen).is_some_and(|sight| sight(before, &after)) {
            self.script.seen += 1;
        }
        if seen < all.len() && self.script.seen == all.len() {
            self.sim.count("schedule", self.script.name);
        }
    }
}

fn sights(name: &str) -> &'static [Sight] {
    SIGHTS.iter().find(|(of, _)| *of == name).map_or(&[], |(_, sights)| sights)
}

/// The manager gives the record that it is about to somebody else, or back.
pub fn revoke(world: &mut World, random: &mut Random) {
    let about = world.script.about.or_else(|| world.shown(ME, "customers", false).first().map(|shown| shown.id));
    let there = about.and_then(|id| world.server.record("customers", id)).filter(|record| !record.deleted);
    if let Some(customer) = there {
        world.script.about = about;
        world.give_away(&customer, random);
    }
}

/// An edit that is on the phone while its scope is narrowed.
pub fn edit_child_held(world: &mut World, random: &mut Random) {
    let Some(shown) = world.shown(ME, "activities", false).into_iter().next() else { return };
    let change = world.edit_of(ME, &shown, random);
    world.save_held(change);
}

/// The push stays on its way, and nobody waits for it.
pub fn send_late(world: &mut World, _: &mut Random) {
    world.next_push = Fate::Late;
    world.sync(ME);
}

/// What was sent long ago arrives.
pub fn let_arrive(world: &mut World, random: &mut Random) {
    let late = std::mem::take(&mut world.script.late);
    late.into_iter().for_each(|packet| world.late(packet, random));
}
