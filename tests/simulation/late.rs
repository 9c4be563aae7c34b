//! Moves of a schedule about what comes late: answers that are lost or held, requests that arrive when nobody waits any more.

use crate::random::Random;
use crate::scripts::ME;
use crate::world::{Fate, World};

pub fn lose_answer(world: &mut World, _: &mut Random) {
    world.next_push = Fate::AnswerLost;
    world.sync(ME);
}

pub fn portal(world: &mut World, _: &mut Random) {
    world.next_push = Fate::Portal;
    world.sync(ME);
}

/// The server has done it; the tab that waits for the answer is frozen.
pub fn hold_answer(world: &mut World, _: &mut Random) {
    world.next_push = Fate::Held;
    world.sync(ME);
    world.next_push = Fate::Answered;
    world.devices[0].tabs[0].is_frozen = true;
}

pub fn thaw(world: &mut World, _: &mut Random) {
    world.devices[0].tabs[0].is_frozen = false;
    world.finish_tasks(0, 0);
}
