//! What people want on a phone: they choose collections, days and whose, stop the snapshot and go on; and what must be there then.

use fieldsync::client::Here;
use fieldsync::core::pull_state::PullState;
use fieldsync::core::record::field;
use fieldsync::core::rows::meta;
use fieldsync::core::selection::{Changes, Whose};
use fieldsync::ports::Read;
use fieldsync_server::db::Stored;
use serde_json::{Map, Value, json};

use crate::device::Done;
use crate::late::{hold_answer, thaw};
use crate::random::Random;
use crate::scripts::{ME, SECOND};
use crate::world::World;

/// Every collection of the schema.
const COLLECTIONS: [&str; 4] = ["customers", "pipelines", "activities", "zones"];

impl World {
    /// The user chooses something else, looks what it would come to, or stops and goes on.
    pub fn choose(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        match random.below(10) {
            0 => self.pause(tab, true),
            1 | 2 => self.pause(tab, false),
            3 => self.preview_selection(tab, random),
            _ => {
                let wish = self.wish(random);
                self.select(tab, wish)
            }
        }
    }

    fn wish(&self, random: &mut Random) -> Value {
        let mut wish = Map::new();
        for collection in COLLECTIONS {
            let part = match (random.below(10), collection) {
                (0..3, _) => continue,
                (3 | 4, _) => json!(false),
                (5, _) => json!({"whose": "mine"}),
                (6 | 7, "activities") => json!({"days": random.below(5) + 1}),
                _ => json!(true),
            };
            wish.insert(collection.to_owned(), part);
        }
        wish.into()
    }

    pub fn select(&mut self, (device, context): (usize, usize), wish: Value) -> bool {
        let (Some(client), Ok(changes)) = (self.client(device, context), serde_json::from_value::<Changes>(wish.clone())) else {
            return false;
        };
        for part in changes.0.values() {
            let name = match part {
                None => "dropped",
                Some(part) if part.days.is_some() => "days",
                Some(part) if part.whose == Whose::Mine => "mine",
                Some(_) => "whole",
            };
            self.sim.count("selection", name);
        }
        self.say(|_| format!("device {device}.{context}: selects {wish}"));
        let sim = self.sim.clone();
        self.spawn(device, context, "select", async move {
            if client.select(&changes).await.is_err() {
                sim.count("selection", "refused");
            }
            Done::Other
        });
        true
    }

    pub fn pause(&mut self, (device, context): (usize, usize), paused: bool) -> bool {
        let Some(client) = self.client(device, context) else { return false };
        self.sim.count("selection", if paused { "stopped" } else { "resumed" });
        self.say(|_| format!("device {device}.{context}: the snapshot stops: {paused}"));
        self.spawn(device, context, "pause", async move {
            let _ = client.pause(paused).await;
            Done::Other
        });
        true
    }

    fn preview_selection(&mut self, (device, context): (usize, usize), random: &mut Random) -> bool {
        let Some(client) = self.client(device, context) else { return false };
        let Ok(changes) = serde_json::from_value::<Changes>(self.wish(random)) else { return false };
        let sim = self.sim.clone();
        self.spawn(device, context, "preview", async move {
            if client.preview_selection(&changes).await.is_ok_and(|preview| preview.fetches.is_some()) {
                sim.count("selection", "previewed");
            }
            Done::Other
        });
        true
    }

    fn pull_state(&self, device: usize) -> PullState {
        let row = self.devices[device].store.peek(&[Read::Meta]).meta.remove(meta::PULL);
        row.and_then(|row| serde_json::from_value(row).ok()).unwrap_or_default()
    }

    /// What must be on a device of a collection, with nothing unsent; or why it is not known.
    pub fn wanted(&self, device: usize, collection: &str) -> Result<Vec<Stored>, String> {
        let (state, user) = (self.pull_state(device), self.devices[device].user);
        let Some(part) = state.selection.of(collection) else { return Ok(vec![]) };
        let held = state.covered.as_ref().and_then(|covered| covered.get(collection));
        let Some(held) = held.filter(|held| held.part == part) else {
            return Err(format!("{collection}: {part:?} is wanted, and {held:?} is here"));
        };
        let is_mine = |record: &Stored| part.whose != Whose::Mine || record.owner == Some(user);
        let at = |record: &Stored| field(&record.fields, "at").as_i64();
        let is_since = |record: &Stored| held.since.is_none_or(|since| at(record).is_none_or(|at| at >= since.0));
        let all = self.server.truth(user, collection).into_iter();
        Ok(all.filter(|record| is_mine(record) && is_since(record)).collect())
    }

    /// A list says that it is complete if, and only if, all that the user may see is in it.
    pub fn check_complete(&self, device: usize) {
        let Some(client) = self.client(device, 0) else { return };
        for (collection, selected) in client.selection() {
            let (_, is_complete) = client.list(&collection, &fieldsync::data::query::Query::default());
            if is_complete != (selected.here() == Here::Whole) || selected.here() == Here::Loading {
                self.fail("I15 the selection", format!("device {device}: {collection} is {selected:?}, complete {is_complete}"));
            }
        }
    }
}

pub fn narrow(world: &mut World, _: &mut Random) {
    choose(world, ME, json!({"activities": false}));
}

/// In another tab, while an answer is on its way to the first one: its memory is older than the store then.
pub fn narrow_second(world: &mut World, random: &mut Random) {
    hold_answer(world, random);
    world.ready(SECOND);
    choose(world, SECOND, json!({"activities": false}));
    thaw(world, random);
}

pub fn widen(world: &mut World, _: &mut Random) {
    choose(world, ME, json!({"activities": true}));
}

pub fn last_days(world: &mut World, _: &mut Random) {
    choose(world, ME, json!({"activities": {"days": 2}}));
}

fn choose(world: &mut World, at: (usize, usize), wish: Value) {
    world.select(at, wish);
    world.finish_tasks(at.0, at.1);
}
