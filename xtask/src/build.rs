//! From sources to what is served: wasm, bindings, app, server. A step whose inputs have not changed is skipped.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::command::{cargo, command, run};
use crate::stamp::Stamp;
use crate::{tools, workspace};

/// Which server to build.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// As it is shipped.
    Release,
    /// As the tests have it: the native tests have compiled most of it already.
    Dev,
}

/// Says which step runs, and how long it took.
struct Steps {
    done: usize,
    of: usize,
}

impl Steps {
    fn step<T>(&mut self, title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.done += 1;
        println!("[{}/{}] {title} …", self.done, self.of);
        let begun = Instant::now();
        let made = work().with_context(|| format!("This step failed: {title}"))?;
        println!("      done in {:.1} s", begun.elapsed().as_secs_f64());
        Ok(made)
    }
}

/// Everything; gives back the server's program.
pub fn everything(server: Server) -> Result<PathBuf> {
    let mut steps = Steps { done: 0, of: 5 };
    shell(&mut steps)?;
    steps.step("Compiling the server", || compile_server(server))
}

/// The app alone; gives back its folder.
pub fn app() -> Result<PathBuf> {
    shell(&mut Steps { done: 0, of: 4 })?;
    Ok(workspace::app())
}

fn shell(steps: &mut Steps) -> Result<()> {
    steps.step("Looking for the tools", tools::for_build)?;
    steps.step("Fetching the JavaScript packages", packages)?;
    steps.step("Compiling the core to WebAssembly", core)?;
    steps.step("Building the app and its service worker", pages)
}

/// `npm ci`, if the lock file has changed.
pub fn packages() -> Result<()> {
    let stamp = Stamp::of("packages", &workspace::files(&["package-lock.json"])?)?;
    let made = workspace::root().join("node_modules");
    if stamp.fresh(&made) {
        return Ok(());
    }
    run(command("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    stamp.keep()
}

/// The library as wasm, and its bindings. No wasm-opt: measured, -Oz makes the module smaller (1.28 for 1.42 MB) and its brotli
/// larger (389 for 352 KB), after a download of 104 MB.
fn core() -> Result<()> {
    run(cargo().args(["build", "--profile", "wasm", "--target", "wasm32-unknown-unknown", "--lib", "--package", "fieldsync"]))?;
    let wasm = workspace::target().join("wasm32-unknown-unknown").join("wasm").join("fieldsync.wasm");
    let stamp = Stamp::of("bindings", &[wasm.clone(), workspace::root().join("Cargo.lock")])?;
    if stamp.fresh(&workspace::bindings().join("fieldsync_bg.wasm")) {
        return Ok(());
    }
    let mut bind = command("wasm-bindgen");
    // The names of functions are a third of the module, and nobody reads them on a phone.
    bind.args(["--remove-name-section", "--remove-producers-section"]);
    bind.args(["--target", "web", "--out-name", "fieldsync"]);
    bind.arg("--out-dir").arg(workspace::bindings()).arg(&wasm);
    run(&mut bind)?;
    stamp.keep()
}

/// The app: pages, library and worker.
fn pages() -> Result<()> {
    let mut inputs = workspace::files(&["www", "service-worker", "package.json", "package-lock.json"])?;
    inputs.extend(bound()?);
    let stamp = Stamp::of("app", &inputs)?;
    let out = workspace::app();
    if stamp.fresh(&out.join("index.html")) {
        return Ok(());
    }
    let mut build = command("node");
    build.args(["www/build.mjs", "--out"]).arg(&out).arg("--wasm").arg(workspace::bindings());
    run(&mut build)?;
    stamp.keep()
}

/// The bindings' files.
fn bound() -> Result<Vec<PathBuf>> {
    let folder = workspace::bindings();
    let files = ["fieldsync.js", "fieldsync_bg.wasm"].map(|name| folder.join(name));
    Ok(files.into_iter().filter(|file| file.exists()).collect())
}

/// Compiles the server; gives back its program.
pub fn compile_server(server: Server) -> Result<PathBuf> {
    let profile = match server {
        Server::Release => {
            run(cargo().args(["build", "--release", "--package", "fieldsync-server", "--bin", "fieldsync-server"]))?;
            "release"
        }
        Server::Dev => {
            // As `cargo test --workspace` compiles it: fewer packages would mean other features, and all of it once more.
            run(cargo().args(["build", "--workspace", "--bins", "--tests"]))?;
            "debug"
        }
    };
    Ok(workspace::target().join(profile).join("fieldsync-server"))
}
