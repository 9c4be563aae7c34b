//! One seed, from its beginning to agreement; replayed, and shrunk when it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::coverage::Coverage;
use crate::machine_cells;
use crate::oracle::Violation;
use crate::world::World;

/// What a seed came to.
pub struct Outcome {
    pub violation: Option<Violation>,
    pub coverage: Coverage,
    pub log: Vec<String>,
}

/// Runs a seed. `skipped` steps are left out: what is left must still fail, when a failure is shrunk.
pub fn run(seed: u64, steps: u64, skipped: &[bool], log: bool) -> Outcome {
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, log);
        for step in 0..steps {
            if !skipped.get(step as usize).copied().unwrap_or(false) {
                world.step(step);
            }
            if world.violation().is_some() {
                break;
            }
        }
        if world.violation().is_none() {
            world.settle();
        }
        let mut violation = world.violation();
        if let Some(violation) = &mut violation {
            violation.what = format!("[{} restores] {}", world.server.restores, violation.what);
        }
        world.tasks.clear();
        let mut coverage = world.sim.coverage.borrow().clone();
        for (state, event) in fieldsync::mutation::watched() {
            coverage.count("cell", machine_cells::name(state, event).unwrap_or("impossible"));
        }
        coverage.add(&world.sim.oracle.borrow().coverage);
        Outcome { violation, coverage, log: world.log.take().unwrap_or_default() }
    }));
    ran.unwrap_or_else(|panic| {
        let what =
            panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let what = what.unwrap_or_default();
        Outcome { violation: Some(Violation { invariant: "panic", what }), coverage: Coverage::default(), log: Vec::new() }
    })
}

/// Fewer steps that break the same invariant: halves are left out, then quarters, down to single steps.
pub fn shrink(seed: u64, steps: u64, invariant: &'static str) -> Vec<bool> {
    let mut skipped = vec![false; steps as usize];
    let mut size = skipped.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < skipped.len() {
            let end = (at + size).min(skipped.len());
            let mut fewer = skipped.clone();
            fewer[at..end].fill(true);
            if fewer != skipped && run(seed, steps, &fewer, false).violation.is_some_and(|found| found.invariant == invariant) {
                skipped = fewer;
            }
            at = end;
        }
        size /= 2;
    }
    skipped
}
