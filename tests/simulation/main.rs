//! The simulation: see docs/simulation.md.
//!
//! `cargo xtask simulate --seeds N [--from S]` runs seeds; `--seed S` replays one with its log; a seed that fails is shrunk.

//! `--mutations` runs only what must fail: every deliberate fault of `src/mutation.rs`; `--mutation NAME` those that are named.
#![allow(clippy::expect_used, clippy::panic, reason = "what must be there fails the run if it is not")]

mod actions;
mod alone;
mod bound;
mod clocks;
mod coverage;
mod deals;
mod deciding;
mod device;
mod faults;
mod happened;
mod kept;
mod late;
mod liveness;
mod looks;
mod losses;
mod machine_cells;
mod mutations;
mod network;
mod online;
mod oracle;
mod overwrite;
mod patches;
mod ports;
mod random;
mod run;
mod scripts;
mod selecting;
mod server;
mod server_side;
mod sights;
mod unheard;
mod weather;
mod world;
mod writers;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use coverage::Coverage;
use oracle::Violation;

const SEEDS_DEFAULT: u64 = 10_000;
const STEPS_DEFAULT: u64 = 200;

struct Arguments {
    seeds: u64,
    from: u64,
    steps: u64,
    seed: Option<u64>,
    /// Whether the mutations run; and whether they alone do.
    mutations: (bool, bool),
    /// Which; all, if none is named.
    names: Vec<String>,
}

fn arguments() -> Arguments {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let named = given.windows(2).filter(|pair| pair[0] == "--mutation").map(|pair| pair[1].clone());
    let names: Vec<String> = named.collect();
    let alone = !names.is_empty() || given.iter().any(|argument| argument == "--mutations");
    let mutations = (alone || given.is_empty(), alone);
    let mut arguments = Arguments { seeds: SEEDS_DEFAULT, from: 0, steps: STEPS_DEFAULT, seed: None, mutations, names };
    for pair in given.windows(2) {
        let number = pair[1].replace('_', "").parse();
        match (pair[0].as_str(), number) {
            ("--seeds", Ok(number)) => arguments.seeds = number,
            ("--from", Ok(number)) => arguments.from = number,
            ("--steps", Ok(number)) => arguments.steps = number,
            ("--seed", Ok(number)) => arguments.seed = Some(number),
            _ => {}
        }
    }
    arguments
}

fn main() {
    // What the server catches on purpose is not news.
    std::panic::set_hook(Box::new(|_| {}));
    let arguments = arguments();
    if let Some(seed) = arguments.seed {
        replay(seed, arguments.steps);
        return;
    }
    let (mut passed, mut failed) = (0, 0);
    if !arguments.mutations.1 {
        *(if run_seeds(&arguments) { &mut passed } else { &mut failed }) += 1;
    }
    if arguments.mutations.0 {
        let (seen, unseen) = mutations::run_all(arguments.steps, &arguments.names);
        (passed, failed) = (passed + seen, failed + unseen);
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {word}. {passed} passed; {failed} failed; 0 ignored");
    if failed > 0 {
        std::process::exit(1);
    }
}

/// Runs the seeds as they are. Whether every invariant held, and everything that can go wrong did.
fn run_seeds(arguments: &Arguments) -> bool {
    let began = Instant::now();
    let (coverage, failed) = run_all(arguments);
    let took = began.elapsed();
    println!(
        "simulation: seeds {}..{} of {} steps in {:.1} s",
        arguments.from,
        arguments.from + arguments.seeds,
        arguments.steps,
        took.as_secs_f64()
    );
    bound::print(arguments.seeds, arguments.steps, took);
    coverage.print();
    for (seed, violation) in failed.iter().take(5) {
        println!("FAILED seed {seed}: {}: {}", violation.invariant, clipped(&violation.what));
        println!("  replay: cargo xtask simulate --seed {seed}");
    }
    let mut by_name: std::collections::BTreeMap<&str, Vec<String>> = std::collections::BTreeMap::new();
    for (seed, violation) in &failed {
        by_name.entry(violation.invariant).or_default().push(seed.to_string());
    }
    for (invariant, seeds) in &by_name {
        println!("  {invariant}: {} seeds: {}", seeds.len(), clipped(&seeds.join(" ")));
    }
    let missing = coverage.missing();
    let complete = missing.is_empty() || arguments.seeds < SEEDS_DEFAULT;
    if !missing.is_empty() {
        println!("never occurred: {}", missing.join(" · "));
    }
    failed.is_empty() && complete
}

fn clipped(what: &str) -> String {
    what.chars().take(1_500).collect()
}

fn run_all(arguments: &Arguments) -> (Coverage, Vec<(u64, Violation)>) {
    let next = AtomicU64::new(arguments.from);
    let all = Mutex::new((Coverage::default(), Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut coverage = Coverage::default();
                let mut failed = Vec::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= arguments.from + arguments.seeds {
                        break;
                    }
                    let outcome = run::run(seed, arguments.steps, &[], false);
                    coverage.add(&outcome.coverage);
                    failed.extend(outcome.violation.map(|violation| (seed, violation)));
                }
                let mut all = all.lock().expect("no thread panics with the lock");
                all.0.add(&coverage);
                all.1.extend(failed);
            });
        }
    });
    let (coverage, mut failed) = all.into_inner().expect("no thread panics with the lock");
    failed.sort_by_key(|(seed, _)| *seed);
    (coverage, failed)
}

fn replay(seed: u64, steps: u64) {
    let outcome = run::run(seed, steps, &[], false);
    let Some(violation) = outcome.violation else {
        println!("seed {seed}: every invariant holds");
        return;
    };
    println!("seed {seed} breaks {}: shrinking", violation.invariant);
    let skipped = run::shrink(seed, steps, violation.invariant);
    let outcome = run::run(seed, steps, &skipped, true);
    outcome.log.iter().for_each(|line| println!("{line}"));
    let kept = skipped.iter().filter(|skipped| !**skipped).count();
    if let Some(violation) = outcome.violation {
        println!("seed {seed}, {kept} steps of {steps}: {}: {}", violation.invariant, violation.what);
    }
    std::process::exit(1);
}
