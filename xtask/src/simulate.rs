//! `cargo xtask simulate`: the simulation of tests/simulation, over as many seeds as there is time for.

use anyhow::Result;

use crate::SimulateArguments;
use crate::command::{cargo, tee};
use crate::counts::Counts;

/// The test, built to be quick, with the switch of its mutations.
fn test() -> std::process::Command {
    let mut test = cargo();
    test.args(["test", "--profile", "simulation", "--features", "simulation", "--test", "simulation", "--"]);
    test
}

/// Runs it. Whether every invariant held.
pub fn simulate(arguments: &SimulateArguments) -> Result<bool> {
    let mut test = test();
    test.arg("--steps").arg(arguments.steps.to_string());
    match arguments.seed {
        Some(seed) => test.arg("--seed").arg(seed.to_string()),
        None => test.arg("--from").arg(arguments.from.to_string()).arg("--seeds").arg(arguments.seeds.to_string()),
    };
    Ok(tee(&mut test)?.0)
}

/// As a part of `cargo xtask test`: the first seeds, and the mutations.
pub fn part() -> Result<Counts> {
    let (succeeded, text) = tee(&mut test())?;
    Ok(Counts::from_cargo(&text).unless(!succeeded))
}
