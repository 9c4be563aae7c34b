//! `cargo xtask`: what a person and CI run. `start` tries Fieldsync out, `test` proves it, `simulate` looks for what breaks
//! it, `bench` says how fast it is, `build` and `size` are parts of all.

mod bench;
mod build;
mod command;
mod counts;
mod parts;
mod plug;
mod simulate;
mod size;
mod stamp;
mod start;
mod test;
mod tools;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Fieldsync's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything and serve the demo on this machine. Type `u` and Enter to unplug and replug its network.
    Start(StartArguments),
    /// Run everything that must hold: format, lints, native and browser tests, types, stories. Ends with one line of totals.
    Test(TestArguments),
    /// Build the wasm, the app and the server, and start nothing.
    Build,
    /// Measure the figures beside IndexedDB by hand, Dexie, PouchDB, RxDB and MiniSearch, and fail if a bar is missed. Takes
    /// up to twelve minutes.
    Bench(BenchArguments),
    /// Run the simulation over many seeds, or replay one and shrink it to what matters.
    Simulate(SimulateArguments),
    /// Say what a phone downloads, raw, gzip and brotli, and fail over the budget.
    Size,
}

/// Options of `start`.
#[derive(clap::Args)]
pub struct StartArguments {
    /// The port on which the app is served.
    #[arg(long, default_value_t = 8787)]
    pub port: u16,
    /// The folder that holds the database; made if it does not exist. Default: `data` in the repository.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Make an empty database, without demo data, and say how to add a user.
    #[arg(long)]
    pub empty: bool,
    /// Delete the database first.
    #[arg(long)]
    pub reset: bool,
}

/// Options of `bench`.
#[derive(clap::Args)]
pub struct BenchArguments {
    /// How often everything has its turn. Each more takes five minutes.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..))]
    pub rounds: u8,
    /// Only this part, and no new `docs/performance.md`; may be given more than once.
    #[arg(long, value_enum)]
    pub only: Vec<bench::Part>,
}

/// Options of `simulate`.
#[derive(clap::Args)]
pub struct SimulateArguments {
    /// How many seeds.
    #[arg(long, default_value_t = 10_000)]
    pub seeds: u64,
    /// The first.
    #[arg(long, default_value_t = 0)]
    pub from: u64,
    /// Steps of a seed, before the faults stop.
    #[arg(long, default_value_t = 200)]
    pub steps: u64,
    /// Replay this one, with a log, and shrink it if it fails.
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Options of `test`.
#[derive(clap::Args)]
pub struct TestArguments {
    /// Only this part; may be given more than once.
    #[arg(long, value_enum)]
    pub only: Vec<parts::Part>,
    /// Only this story of the part `stories`; may be given more than once. Implies `--only stories`.
    #[arg(long)]
    pub story: Vec<String>,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Start(arguments) => start::start(&arguments).map(|()| true),
        Command::Test(arguments) => test::test(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
        Command::Build => build::everything(build::Server::Release).map(|_| true),
        Command::Size => build::app().and_then(|app| size::report(&app)),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}
