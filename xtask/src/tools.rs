//! Finds the tools that a step needs, installs those that it can, and names the command for the rest.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, command, output, run};
use crate::workspace;

/// The version of wasm-pack that runs the browser tests.
const WASM_PACK_VERSION: &str = "0.15.1";
/// The oldest Node that the shell's tools run on.
const NODE_MAJOR_MIN: u32 = 20;

/// What building needs.
pub fn for_build() -> Result<()> {
    c_compiler()?;
    node()?;
    wasm_target()?;
    wasm_bindgen()
}

/// A browser, and its driver if there is one: without, wasm-pack fetches one that matches.
pub struct Browser {
    /// Chromium or Chrome.
    pub chromium: PathBuf,
    /// Its WebDriver.
    pub driver: Option<PathBuf>,
}

/// A C compiler, for the bundled SQLite.
fn c_compiler() -> Result<()> {
    let named = std::env::var("CC").ok();
    if named.iter().map(String::as_str).chain(["cc", "gcc", "clang"]).any(|name| found(name).is_some()) {
        return Ok(());
    }
    bail!("No C compiler found; SQLite needs one. Install it with:\n    {}", hint("build-essential", "xcode-select --install"))
}

fn node() -> Result<()> {
    let version = output(command("node").arg("--version")).unwrap_or_default();
    let major = version.trim_start_matches('v').split('.').next().and_then(|number| number.parse::<u32>().ok());
    if major.is_some_and(|major| major >= NODE_MAJOR_MIN) && found("npm").is_some() {
        return Ok(());
    }
    let has = if version.is_empty() { "none is installed".to_owned() } else { format!("this is {version}") };
    bail!(
        "Node {NODE_MAJOR_MIN} or newer and npm are needed; {has}. Install it from https://nodejs.org, or with:\n    {}",
        hint("nodejs npm", "brew install node")
    )
}

fn wasm_target() -> Result<()> {
    let installed = output(command("rustup").args(["target", "list", "--installed"]));
    // Without rustup the toolchain came some other way, and cargo's own message says what is missing.
    if installed.is_none_or(|list| list.lines().any(|line| line == "wasm32-unknown-unknown")) {
        return Ok(());
    }
    run(command("rustup").args(["target", "add", "wasm32-unknown-unknown"]))
}

/// wasm-bindgen's command must be of exactly the version of its crate.
fn wasm_bindgen() -> Result<()> {
    let lock = std::fs::read_to_string(workspace::root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let version = locked(&lock, "wasm-bindgen").context("Cargo.lock does not name wasm-bindgen")?;
    install("wasm-bindgen", "wasm-bindgen-cli", version)
}

/// What runs the store's tests in a browser.
pub fn wasm_pack() -> Result<()> {
    install("wasm-pack", "wasm-pack", WASM_PACK_VERSION)
}

fn install(program: &str, package: &str, version: &str) -> Result<()> {
    let has = |text: &str| text.split_whitespace().any(|word| word == version);
    if output(command(program).arg("--version")).is_some_and(|text| has(&text)) {
        return Ok(());
    }
    println!("      Installing {package} {version} into target/tools, once; this takes two to four minutes.");
    // Not `--locked`: its lock file can name a version that a mirror of the registry lacks.
    let mut install = cargo();
    install.args(["install", package, "--version", version, "--force", "--quiet", "--root"]).arg(workspace::tools());
    // Kept apart: the profile and the lock of this workspace's builds are none of its business.
    let build = workspace::tools().join("build");
    run(install.env("CARGO_TARGET_DIR", &build))?;
    // Hundreds of megabytes that nothing needs again.
    std::fs::remove_dir_all(&build).with_context(|| format!("cannot delete {}", build.display()))
}

/// The version of a package in Cargo.lock.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split('"').next()
}

/// The browser for tests: found, or installed where that needs no questions.
pub fn browser() -> Result<Browser> {
    if chromium().is_none() || (cfg!(target_os = "linux") && driver().is_none()) {
        install_browser()?;
    }
    let Some(chromium) = chromium() else {
        bail!(
            "Chromium is needed for the tests in a browser. Install it with:\n    {}\nor name one in the variable CHROMIUM.",
            hint("chromium chromium-driver", "brew install --cask google-chrome")
        )
    };
    Ok(Browser { chromium, driver: driver() })
}

fn chromium() -> Option<PathBuf> {
    let named = ["CHROMIUM", "CHROME"].into_iter().filter_map(|name| std::env::var_os(name).map(PathBuf::from));
    let on_path = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].into_iter().filter_map(found);
    let on_mac =
        ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"];
    named.chain(on_path).chain(on_mac.into_iter().map(PathBuf::from)).find(|path| path.is_file())
}

fn driver() -> Option<PathBuf> {
    std::env::var_os("CHROMEDRIVER").map(PathBuf::from).or_else(|| found("chromedriver"))
}

/// Debian's packages, if we may: as root, where apt is. Anyone else is told the command.
fn install_browser() -> Result<()> {
    let root = output(command("id").arg("-u")).is_some_and(|id| id == "0");
    if !root || found("apt-get").is_none() {
        return Ok(());
    }
    println!("      Installing Chromium and its driver with apt-get, once.");
    run(command("apt-get").args(["update", "-q"]))?;
    run(command("apt-get").args(["install", "-q", "-y", "chromium", "chromium-driver"]).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// A program on PATH.
fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| executable(file))
}

fn executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// The command that installs something here.
fn hint(debian: &str, mac: &str) -> String {
    if cfg!(target_os = "macos") { mac.to_owned() } else { format!("sudo apt-get update && sudo apt-get install -y {debian}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_that_of_the_package_itself() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.80\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"x\"\n";
        assert_eq!(locked(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked(lock, "rexie"), None);
    }

    #[test]
    fn a_shell_is_found_and_nonsense_is_not() {
        assert!(found("sh").is_some());
        assert!(found("no-such-program-anywhere").is_none());
    }
}
