//! `cargo xtask start`: builds, serves the demo, and lets a person pull its plug.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::build::Server;
use crate::command::command;
use crate::plug::{self, Cable};
use crate::{StartArguments, build, workspace};

/// How long the server may take to listen: at first it makes the demo data.
const LISTEN_SECONDS_MAX: u64 = 60;
/// How long it may take to finish what it does when asked to stop.
const STOP_SECONDS_MAX: u64 = 15;

/// Builds, starts, and stays until the person stops it.
pub fn start(arguments: &StartArguments) -> Result<()> {
    let program = build::everything(Server::Release)?;
    let data = std::path::absolute(arguments.data.clone().unwrap_or_else(|| workspace::root().join("data")))?;
    if arguments.reset {
        reset(&data)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(arguments, &program, &data))
}

async fn serve(arguments: &StartArguments, program: &Path, data: &Path) -> Result<()> {
    let public = SocketAddr::from((Ipv4Addr::LOCALHOST, arguments.port));
    // First the port: if it is taken, nothing else needs to start.
    let listener = plug::listen(public).await?;
    let (mut server, inner) = Running::start(arguments, program, data)?;
    let cable = plug::serve(listener, public, inner);
    welcome(arguments, program, data);
    listen_to_keys(cable);

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            () = tokio::time::sleep(Duration::from_millis(250)) => {
                if let Some(status) = server.child.try_wait()? {
                    bail!("The server ended by itself ({status}). Its last words:\n{}", server.last_words());
                }
            }
        }
    }
    println!("\nStopping …");
    server.stop()
}

/// The server while it runs; its log goes to a file, not between what the person reads.
struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Gives back its address, too.
    fn start(arguments: &StartArguments, program: &Path, data: &Path) -> Result<(Self, SocketAddr)> {
        use std::os::unix::process::CommandExt;
        let log = workspace::target().join("xtask").join("server.log");
        let mut serve = command(program);
        serve.arg("serve").arg("--data").arg(data).args(["--port", "0", "--app"]).arg(workspace::app());
        if !arguments.empty {
            serve.arg("--demo");
        }
        // A group of its own: Ctrl-C reaches us alone, and we ask it to stop, once.
        serve.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let child = serve.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let mut running = Self { child, log };
        let address = running.address()?;
        Ok((running, address))
    }

    /// Waits until it says where it listens.
    fn address(&mut self) -> Result<SocketAddr> {
        let stdout = self.child.stdout.take().context("the server has no output")?;
        let (said, hears) = std::sync::mpsc::channel();
        // Reads to the end: a server whose output nobody reads would stop at a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("listening on http://").and_then(|rest| rest.trim().parse().ok()) {
                    // Nobody hears the second time, and that is fine.
                    let _ = said.send(address);
                }
            }
        });
        let begun = Instant::now();
        loop {
            if let Ok(address) = hears.recv_timeout(Duration::from_millis(100)) {
                return Ok(address);
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || begun.elapsed().as_secs() >= LISTEN_SECONDS_MAX {
                let words = self.last_words();
                let _ = self.child.kill();
                bail!("The server did not start. Its last words:\n{words}");
            }
        }
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Asks it to finish what it does; ends it if that takes too long.
    fn stop(mut self) -> Result<()> {
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        let begun = Instant::now();
        while begun.elapsed().as_secs() < STOP_SECONDS_MAX {
            if self.child.try_wait()?.is_some() {
                println!("Stopped.");
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        self.child.kill()?;
        bail!("The server did not stop within {STOP_SECONDS_MAX} s and was ended; see {}", self.log.display());
    }
}

/// Deletes a database of ours. Anything else in the folder stays: the person may have named any folder.
fn reset(data: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(data) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && name.starts_with("fieldsync.") {
            std::fs::remove_file(&path).with_context(|| format!("cannot delete {}", path.display()))?;
        }
    }
    println!("Deleted the database in {}.", data.display());
    Ok(())
}

fn welcome(arguments: &StartArguments, program: &Path, data: &Path) {
    println!("\n  Fieldsync is at  http://127.0.0.1:{}\n", arguments.port);
    if arguments.empty {
        println!("  There is nobody in it yet. In another terminal, add a user:");
        let (program, data) = (program.display(), data.display());
        println!("    {program} user add --data {data} --username budi --role rep \"Budi Santoso\"\n");
    } else {
        println!("  Sign in as budi or sari (reps) or ahmad (their manager); the password is on the page.\n");
    }
    println!("  u + Enter   pull the plug: the server cannot be reached; again: plug it in");
    println!("  Ctrl-C      stop\n");
}

/// Reads lines of the terminal. Without one (CI, a service) the first read ends, and the plug stays in.
fn listen_to_keys(cable: Cable) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if line.trim().eq_ignore_ascii_case("u") {
                cable.send_modify(|plugged| *plugged = !*plugged);
                if *cable.borrow() {
                    println!("  Plugged in: the server can be reached again.");
                } else {
                    println!("  Unplugged: nothing gets through. Type u and Enter to plug it in.");
                }
            }
        }
        // The plug would fall out with its sender.
        loop {
            std::thread::park();
        }
    });
}
