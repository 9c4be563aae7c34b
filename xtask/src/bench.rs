//! Measures the figures side by side with other libraries, prints the table and writes it to `docs/performance.md`.

use anyhow::Result;
use clap::ValueEnum;

use crate::command::{command, tee};
use crate::{BenchArguments, build, size, tools, workspace};

/// Where the table goes, from the root.
const REPORT: &str = "docs/performance.md";

/// Whether every bar is met, as far as the run's own noise lets one say. A run of a part leaves the document alone.
pub fn bench(arguments: &BenchArguments) -> Result<bool> {
    let browser = tools::browser()?;
    let server = build::everything(build::Server::Release)?;
    let mut run = command("node");
    run.arg("benches/run.mjs").arg("--rounds").arg(arguments.rounds.to_string());
    run.arg("--server").arg(server).arg("--app").arg(workspace::app());
    run.arg("--chromium").arg(browser.chromium).arg("--out").arg(workspace::target().join("bench"));
    for part in &arguments.only {
        run.arg("--only").arg(part.name());
    }
    if arguments.only.is_empty() || arguments.only.contains(&Part::Download) {
        let (core, shell) = size::downloads(&workspace::app())?;
        run.arg("--core-bytes").arg(core.to_string()).arg("--shell-bytes").arg(shell.to_string());
    }
    if arguments.only.is_empty() {
        run.arg("--report").arg(REPORT);
    }
    println!("\nMeasuring; leave the machine alone meanwhile.");
    tee(&mut run).map(|(succeeded, _)| succeeded)
}

/// One part of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// A first sync of 10,000 and of 100,000, from text to rows that can be asked
    FirstSync,
    /// Saving on the device
    Save,
    /// Saving while a first sync of 100,000 runs
    Busy,
    /// Lists and search
    Read,
    /// Opening, to the first 50 rows
    Open,
    /// Pulling, and sending what was queued
    Send,
    /// What 100,000 records take in memory
    Memory,
    /// The longest task of a first sync on a slow phone
    MainThread,
    /// First sync, delta and drain over 3G on a slow phone
    Slow,
    /// What a phone downloads
    Download,
    /// Syncing, opening and listing, from 1,000 to 100,000 records: for the chart
    Growth,
}

impl Part {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}
