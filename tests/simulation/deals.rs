//! The moves of a schedule about what hangs on a customer: a stage and a reference that both sides move.

use fieldsync::core::protocol::Action;
use fieldsync::core::record::RecordId;
use serde_json::{Value, json};

use crate::random::Random;
use crate::scripts::{ME, OTHER};
use crate::world::World;

/// There are two deals, and a visit about the first; both phones know them.
pub fn deals(world: &mut World, random: &mut Random) {
    let Some(customer) = world.shown(ME, "customers", false).first().map(|shown| shown.id) else { return };
    let mut made = Vec::new();
    for _ in 0..2 {
        let fields = json!({"customer": customer, "title": world.token(), "stage": "proposal"});
        made.push(make(world, "pipelines", fields, random));
    }
    let fields = json!({"customer": customer, "subject": world.token(), "pipeline": made[0]});
    make(world, "activities", fields, random);
    world.script.deals = made;
    world.sync(ME);
    world.sync(OTHER);
}

fn make(world: &mut World, collection: &str, fields: Value, random: &mut Random) -> RecordId {
    let id = RecordId(world.row(0).0);
    let change = world.change(0, collection, id, Action::Create, None, fields);
    world.save_now(ME, change, random);
    id
}

pub fn move_mine(world: &mut World, random: &mut Random) {
    let second = world.script.deals.get(1).copied();
    move_them(world, ME, "won", json!(second), random);
}

pub fn move_others(world: &mut World, random: &mut Random) {
    move_them(world, OTHER, "lead", Value::Null, random);
    world.sync(OTHER);
}

/// The first deal to this stage, and the visit to that deal.
fn move_them(world: &mut World, at: (usize, usize), stage: &str, deal: Value, random: &mut Random) {
    let Some(first) = world.script.deals.first().copied() else { return };
    let shown = world.shown(at, "pipelines", false).into_iter().find(|shown| shown.id == first);
    if let Some(shown) = shown {
        let change = world.change(at.0, "pipelines", first, Action::Update, Some(&shown), json!({"stage": stage}));
        world.save_now(at, change, random);
    }
    let is_about = |value: Option<&Value>| value == Some(&json!(first));
    let visits = world.shown(at, "activities", false);
    if let Some(shown) = visits.into_iter().find(|shown| is_about(shown.fields.get("pipeline"))) {
        let change = world.change(at.0, "activities", shown.id, Action::Update, Some(&shown), json!({"pipeline": deal}));
        world.save_now(at, change, random);
    }
}
