//! Measures the figures side by side with other libraries, prints the table and writes it to `docs/performance.md`.

use anyhow::Result;

use crate::command::{command, tee};
use crate::{BenchArguments, build, tools, workspace};

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
    if arguments.only.is_empty() {
        run.arg("--report").arg(REPORT);
    }
    println!("\nMeasuring; leave the machine alone meanwhile.");
    tee(&mut run).map(|(succeeded, _)| succeeded)
}

/// One part of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Saving on the device
    Save,
    /// Lists and search
    Read,
    /// Pulling, and sending what was queued
    Send,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Save => "save",
            Self::Read => "read",
            Self::Send => "send",
        }
    }
}
