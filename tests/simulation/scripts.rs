//! The schedules that lose work in a naive design, by name. Each seed has one: its moves are made in order, in the middle of
//! everything else that happens.

use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::Action;
use fieldsync::core::record::RecordId;
use fieldsync::data::table::RecordView;
use serde_json::json;

use crate::actions::{LATER_PERCENT, writes};
use crate::clocks::{clock_back, clock_on, edit_city, other_city};
use crate::deals::{deals, move_mine, move_others};
use crate::device::Done;
use crate::happened::{edit_child_held, let_arrive, revoke, send_late};
use crate::late::{hold_answer, lose_answer, portal, thaw};
use crate::network::Packet;
use crate::random::Random;
use crate::selecting::{last_days, narrow, narrow_second, widen};
use crate::world::World;

type Move = fn(&mut World, &mut Random);

/// A schedule under way.
pub struct Script {
    pub name: &'static str,
    moves: &'static [Move],
    next: usize,
    /// How much of what it is about was seen: see `happened.rs`.
    pub seen: usize,
    /// The record that it is about, once it is one.
    pub about: Option<RecordId>,
    /// The deals that it is about.
    pub deals: Vec<RecordId>,
    /// Requests that arrive when the schedule says so.
    pub late: Vec<Packet>,
}

const SCRIPTS: &[(&str, &[Move])] = &[
    ("form open while a pull changes the field", &[have, open_form, other_edits, sync_mine, save_form, sync_mine]),
    ("undo of the later of two edits", &[have, edit, edit, undo_last, sync_mine]),
    ("retry after an unseen commit", &[have, edit, lose_answer, sync_mine]),
    ("save pressed twice", &[have, save_twice, sync_mine, save_twice, sync_mine]),
    ("answer lost and then edited", &[have, edit, lose_answer, edit, sync_mine]),
    ("answer lost and then discarded", &[have, edit, lose_answer, undo_last, sync_mine]),
    ("sent late and discarded before", &[have, edit, send_late, undo_last, sync_mine, let_arrive, sync_mine]),
    ("answer lost and then exported", &[have, edit, lose_answer, export, import, sync_other, sync_mine]),
    ("proxy's 403 for a batch", &[have, edit, portal, sync_mine]),
    ("a poison change", &[have, poison_change, edit, sync_mine, sync_mine]),
    ("a poison feed entry", &[have, poison_entry, sync_mine, edit, sync_other, sync_mine]),
    ("another user's worker", &[have, edit, other_signs_in, sync_worker, sign_in, sync_mine]),
    ("an import while the original lives", &[have, edit, import, sync_other, edit, sync_mine, sync_other]),
    ("a thawed tab with an old answer", &[have, edit, hold_answer, sync_second, edit, thaw, sync_mine]),
    ("revoked and granted again", &[have, revoke, edit, sync_mine, edit, revoke, sync_mine]),
    (
        "a narrowed scope",
        &[
            have,
            child,
            child,
            child,
            sync_mine,
            edit_child_held,
            narrow,
            sync_mine,
            widen,
            sync_mine,
            edit_child,
            narrow_second,
            edit_child,
            widen,
            sync_mine,
        ],
    ),
    (
        "a scope that widens and narrows while it comes",
        &[have, child, last_days, sync_mine, edit_child, widen, sync_mine, narrow, sync_mine],
    ),
    (
        "a conflict whose theirs moves",
        &[have, edit_phone, other_edits, sync_mine, other_edits, sync_second, decide, sync_mine, decide],
    ),
    ("a change behind a conflict", &[have, edit_phone, other_edits, sync_mine, edit, child, sync_mine, decide, sync_mine]),
    ("the server normalising what I wrote", &[have, spaces, lose_answer, edit, sync_mine, spaces, edit, sync_mine]),
    ("a rejected create with dependants", &[have, taken_code, child_of_last, sync_mine, sync_mine, discard_first]),
    ("restore from backup", &[have, backup, edit, sync_mine, restore, other_edits, edit, sync_mine]),
    ("a migration with an open parcel", &[have, edit, lose_answer, upgrade, restart, edit, sync_mine]),
    ("two versions of the app", &[have, edit, upgrade, open_second, edit, sync_second, edit_second, sync_mine]),
    (
        "a clock set back",
        &[have, edit_held, lose_answer, clock_back, edit, sync_mine, clock_on, edit_city, other_city, sync_mine],
    ),
    ("a lost refresh answer", &[have, expire, edit, sync_mine, expire, sync_mine]),
    (
        "a stage and a reference that both move",
        &[have, deals, move_mine, move_others, sync_mine, decide, sync_mine, decide, sync_mine],
    ),
    ("a cloned device", &[have, edit, clone, sync_clone, edit, sync_mine, sync_clone]),
];

/// Every schedule, for the count.
pub const NAMES: &[&str] = &{
    let mut names = [""; SCRIPTS.len()];
    let mut index = 0;
    while index < SCRIPTS.len() {
        names[index] = SCRIPTS[index].0;
        index += 1;
    }
    names
};

impl Script {
    pub fn of_seed(seed: u64) -> Self {
        let (name, moves) = SCRIPTS[(seed % SCRIPTS.len() as u64) as usize];
        Self { name, moves, next: 0, seen: 0, about: None, deals: Vec::new(), late: Vec::new() }
    }
}

pub const ME: (usize, usize) = (0, 0);
pub const SECOND: (usize, usize) = (0, 1);
pub const OTHER: (usize, usize) = (1, 0);

impl World {
    pub fn script_step(&mut self, random: &mut Random) -> bool {
        let Some(next) = self.script.moves.get(self.script.next) else { return false };
        self.script.next += 1;
        let before = self.moment();
        next(self, random);
        self.notice(&before);
        true
    }

    /// Opens a tab if need be, and lets it come to rest.
    pub fn ready(&mut self, (device, context): (usize, usize)) {
        self.devices[device].tabs[context].is_frozen = false;
        self.devices[device].store.forget_faults();
        self.finish_tasks(device, context);
        self.open(device, context);
        self.finish_tasks(device, context);
    }

    pub fn sync(&mut self, at: (usize, usize)) {
        self.ready(at);
        if self.client(at.0, at.1).is_some() {
            self.start_cycle(at.0, at.1, Reason::User);
            self.finish_tasks(at.0, at.1);
        }
    }

    /// The customer that the schedule is about, as a tab shows it: the first that both can have.
    fn subject(&mut self, at: (usize, usize)) -> Option<RecordView> {
        self.ready(at);
        self.shown(at, "customers", false).into_iter().next()
    }

    pub fn save_now(&mut self, at: (usize, usize), change: fieldsync::client::NewChange, random: &mut Random) {
        self.save(at, vec![change], random);
        self.finish_tasks(at.0, at.1);
    }

    pub fn write(&mut self, at: (usize, usize), name: &str, value: serde_json::Value, random: &mut Random) {
        let Some(shown) = self.subject(at) else { return };
        let mut patch = json!({});
        patch[name] = value;
        let change = self.change(at.0, "customers", shown.id, Action::Update, Some(&shown), patch);
        self.save_now(at, change, random);
    }
}

/// There is a customer that both phones of the user know.
fn have(world: &mut World, random: &mut Random) {
    world.sync(ME);
    if world.subject(ME).is_none() {
        let id = fieldsync::core::record::RecordId::new(fieldsync::core::record::Millis(1), [random.bits(), random.bits()]);
        let change = world.change(0, "customers", id, Action::Create, None, world.customer(random));
        world.save_now(ME, change, random);
    }
    world.sync(ME);
    world.sync(OTHER);
}

fn open_form(world: &mut World, _: &mut Random) {
    world.devices[0].tabs[0].form = world.subject(ME);
}

fn save_form(world: &mut World, random: &mut Random) {
    if let Some(shown) = world.devices[0].tabs[0].form.take() {
        let patch = json!({"phone": world.token(), "name": world.token()});
        let change = world.change(0, &shown.collection, shown.id, Action::Update, Some(&shown), patch);
        world.save_now(ME, change, random);
    }
}

pub fn edit(world: &mut World, random: &mut Random) {
    if let Some(shown) = world.subject(ME) {
        let change = world.edit_of(ME, &shown, random);
        world.save_now(ME, change, random);
    }
}

fn edit_phone(world: &mut World, random: &mut Random) {
    let value = json!(world.token());
    world.write(ME, "phone", value, random);
}

fn edit_second(world: &mut World, random: &mut Random) {
    let value = json!(world.token());
    world.write(SECOND, "phone", value, random);
}

fn spaces(world: &mut World, random: &mut Random) {
    let value = json!(format!("  {}  ", world.token()));
    world.write(ME, "name", value, random);
}

fn edit_held(world: &mut World, random: &mut Random) {
    if let Some(shown) = world.subject(ME) {
        let change = world.edit_of(ME, &shown, random);
        world.save_held(change);
    }
}

fn other_edits(world: &mut World, random: &mut Random) {
    world.sync(OTHER);
    let value = json!(world.token());
    world.write(OTHER, "phone", value, random);
    world.sync(OTHER);
}

fn save_twice(world: &mut World, random: &mut Random) {
    let (Some(shown), Some(client)) = (world.subject(ME), world.client(0, 0)) else { return };
    let change = world.edit_of(ME, &shown, random);
    for _ in 0..2 {
        let (client, change) = (client.clone(), change.clone());
        world.spawn(0, 0, "save", async move {
            let rows = writes(&change).then_some(change.row).into_iter().collect();
            Done::Saved { rows, result: client.save(vec![change], 0).await.map(drop) }
        });
        if random.percent(50) {
            world.sync(ME);
        }
    }
    world.finish_tasks(0, 0);
}

pub fn undo_last(world: &mut World, _: &mut Random) {
    world.ready(ME);
    let Some(client) = world.client(0, 0) else { return };
    let last = client.outbox().iter().flat_map(|entry| entry.rows()).last();
    if let Some(row) = last {
        world.spawn(0, 0, "discard", async move { Done::Settled(client.discard(row).await) });
        world.finish_tasks(0, 0);
    }
}

fn discard_first(world: &mut World, _: &mut Random) {
    world.ready(ME);
    let Some(client) = world.client(0, 0) else { return };
    let first = client.outbox().iter().flat_map(|entry| entry.rows()).next();
    if let Some(row) = first {
        world.spawn(0, 0, "discard", async move { Done::Settled(client.discard(row).await) });
        world.finish_tasks(0, 0);
    }
}

fn sync_mine(world: &mut World, _: &mut Random) {
    world.sync(ME);
}

fn sync_second(world: &mut World, _: &mut Random) {
    world.sync(SECOND);
}

fn sync_worker(world: &mut World, _: &mut Random) {
    world.sync((0, crate::device::WORKER));
}

fn sync_other(world: &mut World, _: &mut Random) {
    world.sync(OTHER);
}

fn sync_clone(world: &mut World, _: &mut Random) {
    let last = world.devices.len() - 1;
    world.sync((last, 0));
}

fn export(world: &mut World, _: &mut Random) {
    world.ready(ME);
    if let Some(client) = world.client(0, 0) {
        world.spawn(0, 0, "export", async move {
            let _ = client.export_unsent().await;
            Done::Other
        });
        world.finish_tasks(0, 0);
    }
}

fn import(world: &mut World, random: &mut Random) {
    world.import(0, random);
}

fn poison_change(world: &mut World, random: &mut Random) {
    let mark = if random.percent(50) { "__poison_panic__" } else { "__poison_500__" };
    let value = json!(format!("{} {mark}", world.token()));
    world.write(ME, "name", value, random);
}

fn poison_entry(world: &mut World, random: &mut Random) {
    let value = json!(format!("{} __poison_entry__", world.token()));
    world.write(OTHER, "name", value, random);
    world.sync(OTHER);
}

fn other_signs_in(world: &mut World, _: &mut Random) {
    world.devices[0].other_user = Some(crate::server::SARI);
}

fn sign_in(world: &mut World, _: &mut Random) {
    world.sign_in(0);
}

fn expire(world: &mut World, random: &mut Random) {
    world.devices[0].has_access = false;
    world.weather.network = world.weather.network.max(if random.percent(50) { 40 } else { 0 });
}

fn child(world: &mut World, random: &mut Random) {
    if let Some(shown) = world.subject(ME) {
        let change = world.child(ME, shown.id, random);
        world.save_now(ME, change, random);
    }
}

fn child_of_last(world: &mut World, random: &mut Random) {
    world.ready(ME);
    if let Some(shown) = world.shown(ME, "customers", false).pop() {
        let change = world.child(ME, shown.id, random);
        world.save_now(ME, change, random);
    }
}

fn edit_child(world: &mut World, random: &mut Random) {
    world.ready(ME);
    if let Some(shown) = world.shown(ME, "activities", false).into_iter().next() {
        let change = world.edit_of(ME, &shown, random);
        world.save_now(ME, change, random);
    }
}

fn taken_code(world: &mut World, random: &mut Random) {
    for at in [OTHER, ME] {
        world.ready(at);
        let mut fields = world.customer(random);
        fields["code"] = json!("c1");
        let id = fieldsync::core::record::RecordId::new(fieldsync::core::record::Millis(1), [random.bits(), random.bits()]);
        let change = world.change(at.0, "customers", id, Action::Create, None, fields);
        world.save_now(at, change, random);
        if at == OTHER {
            world.sync(OTHER);
        }
    }
}

fn decide(world: &mut World, random: &mut Random) {
    world.ready(ME);
    world.resolve(ME, random, LATER_PERCENT);
    world.finish_tasks(0, 0);
}

fn backup(world: &mut World, _: &mut Random) {
    world.backup();
}

fn restore(world: &mut World, _: &mut Random) {
    world.restore();
}

fn upgrade(world: &mut World, _: &mut Random) {
    world.upgrade(0);
}

fn restart(world: &mut World, _: &mut Random) {
    world.crash_device(0);
    world.ready(ME);
}

fn open_second(world: &mut World, _: &mut Random) {
    world.crash(SECOND.0, SECOND.1);
    world.ready(SECOND);
}

fn clone(world: &mut World, _: &mut Random) {
    world.clone_device(0);
}
