//! Runs other programs: from the root, with this project's tools first on PATH.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A command that runs at the root.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root()).env("PATH", path());
    command
}

/// PATH with the tools that this project installed for itself in front.
fn path() -> OsString {
    let given = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(workspace::tools().join("bin")).chain(std::env::split_paths(&given));
    std::env::join_paths(folders).unwrap_or(given)
}

/// This cargo, or whichever is on PATH.
pub fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// How a command is shown to a person.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs it with its output shown; an error if it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// What it prints, trimmed; none if it cannot be started or fails.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs it with its output shown, and gives back whether it succeeded and what it printed.
pub fn tee(command: &mut Command) -> Result<(bool, String)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    let mut text = String::new();
    if let Some(stdout) = child.stdout.take() {
        // Bytes, not `lines()`: a test may print what is not UTF-8.
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            let words = String::from_utf8_lossy(&line);
            print!("{words}");
            text.push_str(&words);
            line.clear();
        }
    }
    let status = child.wait().with_context(|| format!("lost `{}`", shown(command)))?;
    Ok((status.success(), text))
}
