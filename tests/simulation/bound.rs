//! How long the seeds took, beside how long they may take. A machine that does something else besides is slower: nothing fails.

use std::time::Duration;

/// The bound: so many seeds of so many steps, in so many seconds on so many cores.
const SEEDS: u64 = 10_000;
const STEPS: u64 = 200;
const SECONDS_MAX: f64 = 120.0;
const CORES: f64 = 2.0;
/// Ticks of a second in what Linux tells of a process.
const TICKS: f64 = 100.0;

/// Prints the time, as so many seeds and steps would have taken it, against the bound.
pub fn print(seeds: u64, steps: u64, took: Duration) {
    let part = (seeds * steps) as f64 / (SEEDS * STEPS) as f64;
    let wall_s = took.as_secs_f64() / part;
    let word = if wall_s <= SECONDS_MAX { "within" } else { "over" };
    println!("  time: {wall_s:.0} s for {SEEDS} seeds of {STEPS} steps, {word} the {SECONDS_MAX:.0} s that they may take");
    if let Some(cpu_s) = cpu_s() {
        let quiet_s = cpu_s / part / CORES;
        let word = if quiet_s <= SECONDS_MAX { "within" } else { "over" };
        println!("  of the processor: {cpu_s:.0} s, so {quiet_s:.0} s on {CORES:.0} quiet cores, {word} the bound");
    }
}

/// Seconds of the processor that this process has taken, where it can be read.
fn cpu_s() -> Option<f64> {
    let told = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Its name stands in brackets, and may have spaces; then come the state and ten numbers that are something else.
    let (_, numbers) = told.rsplit_once(')')?;
    let mut ticks = numbers.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) / TICKS)
}
