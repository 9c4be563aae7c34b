//! The moves of a schedule about a device whose clock is set.

use serde_json::json;

use crate::random::Random;
use crate::scripts::{ME, OTHER};
use crate::world::World;

pub fn edit_city(world: &mut World, random: &mut Random) {
    let value = json!(world.token());
    world.write(ME, "city", value, random);
}

/// Minutes later.
pub fn other_city(world: &mut World, random: &mut Random) {
    world.sim.now.set(world.sim.now.get() + random.between(120_000, 600_000));
    world.sync(OTHER);
    let value = json!(world.token());
    world.write(OTHER, "city", value, random);
    world.sync(OTHER);
}

pub fn clock_back(world: &mut World, random: &mut Random) {
    world.sim.count("fault", "clock jump");
    world.devices[0].jumps += 1;
    world.devices[0].offset_ms.set(-random.between(1, 100_000_000));
}

/// Set forward: what is written now is later than it was.
pub fn clock_on(world: &mut World, random: &mut Random) {
    world.sync(ME);
    world.sim.count("fault", "clock jump");
    let ahead = world.devices[0].offset_ms.get();
    world.devices[0].jumps += 1;
    world.devices[0].offset_ms.set(ahead + random.between(1, 100_000_000));
}
