//! The parts of `cargo xtask test`, in the order in which they run: the quick ones first.

use std::path::Path;

use anyhow::Result;

use crate::build::{self, Server};
use crate::command::{cargo, command, tee};
use crate::counts::Counts;
use crate::{simulate, tools, workspace};

/// One part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// cargo fmt
    Format,
    /// clippy, native and wasm32, warnings denied
    Lints,
    /// cargo test, the whole workspace
    Native,
    /// The simulation and its mutations
    Simulation,
    /// wasm-pack test, in Chromium
    Browser,
    /// tsc over the JavaScript
    Types,
    /// node --test
    Node,
    /// The stories, in Chromium against the real server
    Stories,
}

impl Part {
    /// All, in order.
    pub const ALL: [Self; 8] =
        [Self::Format, Self::Lints, Self::Native, Self::Simulation, Self::Browser, Self::Types, Self::Node, Self::Stories];

    /// Its name in the summary.
    pub fn title(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Lints => "lints, native and wasm32",
            Self::Native => "native tests",
            Self::Simulation => "simulation",
            Self::Browser => "browser tests of the store",
            Self::Types => "types of the JavaScript",
            Self::Node => "tests in Node",
            Self::Stories => "stories in Chromium",
        }
    }

    /// Runs it.
    pub fn run(self, stories: &[String]) -> Result<Counts> {
        match self {
            Self::Format => check(cargo().args(["fmt", "--all", "--check"])),
            Self::Lints => lints(),
            Self::Native => native(),
            Self::Simulation => simulate::part(),
            Self::Browser => browser(),
            Self::Types => types(),
            Self::Node => node(),
            Self::Stories => run_stories(stories),
        }
    }
}

/// A command that is one test.
fn check(command: &mut std::process::Command) -> Result<Counts> {
    Ok(Counts::one(tee(command)?.0))
}

fn lints() -> Result<Counts> {
    let mut counts = check(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "fieldsync/simulation",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))?;
    counts += wasm_lints(&["--lib".to_owned()])?;
    // What does not compile is told now, not when a browser has started.
    let mut browser = browser_targets()?;
    browser.extend(["--features".to_owned(), "browser-tests".to_owned()]);
    counts += wasm_lints(&browser)?;
    Ok(counts)
}

fn wasm_lints(targets: &[String]) -> Result<Counts> {
    let mut wasm = cargo();
    wasm.args(["clippy", "--package", "fieldsync", "--target", "wasm32-unknown-unknown", "--quiet"]).args(targets);
    check(wasm.args(["--", "-D", "warnings"]))
}

fn native() -> Result<Counts> {
    let (succeeded, text) = tee(cargo().args(["test", "--workspace", "--no-fail-fast"]))?;
    Ok(Counts::from_cargo(&text).unless(!succeeded))
}

/// The tests that also run in a browser say so by naming wasm-bindgen's macro. The others need not compile for it.
fn browser() -> Result<Counts> {
    tools::for_build()?;
    tools::wasm_pack()?;
    let browser = tools::browser()?;
    let targets = browser_targets()?;
    if targets.is_empty() {
        println!("no test names wasm_bindgen_test");
        return Ok(Counts::one(false));
    }
    let mut test = command("wasm-pack");
    test.args(["test", "--headless", "--chrome"]);
    if let Some(driver) = &browser.driver {
        test.arg("--chromedriver").arg(driver);
    }
    // A suite in a cold browser on a small machine takes longer than the runner's 20 seconds.
    let (succeeded, text) =
        tee(test.arg(".").args(["--features", "browser-tests"]).args(targets).env("WASM_BINDGEN_TEST_TIMEOUT", "300"))?;
    Ok(Counts::from_cargo(&text).unless(!succeeded))
}

/// Cargo's arguments for the tests that run in a browser.
fn browser_targets() -> Result<Vec<String>> {
    let names = |path: &Path| std::fs::read_to_string(path).is_ok_and(|text| text.contains("wasm_bindgen_test"));
    let mut targets = Vec::new();
    if workspace::files(&["src"])?.iter().any(|path| names(path)) {
        targets.push("--lib".to_owned());
    }
    for path in workspace::files(&["tests"])? {
        let top = path.parent() == Some(&workspace::root().join("tests"));
        // tidy.rs names the macro in a rule.
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if top && path.extension().is_some_and(|ending| ending == "rs") && name != "tidy" && names(&path) {
            targets.extend(["--test".to_owned(), name]);
        }
    }
    Ok(targets)
}

fn types() -> Result<Counts> {
    build::packages()?;
    let mut counts = check(command("npx").args(["tsc", "--noEmit", "-p", "."]))?;
    let (succeeded, text) = tee(command("node").arg("tests/types/run.mjs"))?;
    counts += Counts::from_cargo(&text).unless(!succeeded);
    Ok(counts)
}

fn node() -> Result<Counts> {
    build::packages()?;
    let files = workspace::files(&["www", "service-worker", "tests", "benches"])?;
    let tests: Vec<_> = files.into_iter().filter(|file| file.to_string_lossy().ends_with(".test.mjs")).collect();
    if tests.is_empty() {
        return Ok(Counts::default());
    }
    let (succeeded, text) = tee(command("node").args(["--test", "--test-reporter=tap"]).args(tests))?;
    Ok(Counts::from_tap(&text).unless(!succeeded))
}

fn run_stories(stories: &[String]) -> Result<Counts> {
    let browser = tools::browser()?;
    let server = build::everything(Server::Dev)?;
    let mut run = command("node");
    run.arg("tests/e2e/run.mjs").arg("--server").arg(server).arg("--app").arg(workspace::app());
    run.arg("--chromium").arg(browser.chromium).arg("--out").arg(workspace::target().join("e2e"));
    for story in stories {
        run.arg("--story").arg(story);
    }
    let (succeeded, text) = tee(&mut run)?;
    Ok(Counts::from_cargo(&text).unless(!succeeded))
}
