//! What a phone downloads, and the budget that it must keep.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Most that wasm and glue may weigh, brotli.
const CORE_BYTES_MAX: usize = 150 * 1024;
/// Most that the rest of the shell may weigh, brotli.
const SHELL_BYTES_MAX: usize = 40 * 1024;

/// Bytes: as they are, gzip, brotli.
#[derive(Clone, Copy, Default)]
struct Weight {
    raw: usize,
    gzip: usize,
    brotli: usize,
}

impl Weight {
    fn of(bytes: &[u8]) -> Result<Self> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(bytes)?;
        let mut packed = Vec::new();
        // Quality 11 and a window of 4 MiB: what a server that compresses ahead sends.
        let options = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
        brotli::BrotliCompress(&mut &bytes[..], &mut packed, &options)?;
        Ok(Self { raw: bytes.len(), gzip: gzip.finish()?.len(), brotli: packed.len() })
    }

    fn add(self, other: Self) -> Self {
        Self { raw: self.raw + other.raw, gzip: self.gzip + other.gzip, brotli: self.brotli + other.brotli }
    }
}

/// Which budget a file of the app belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Budget {
    /// The wasm, and the glue around it.
    Core,
    /// What a first visit loads beside it.
    Shell,
    /// Loaded by few or on demand: icons, screenshots, examples, the library on its own, source maps.
    Beside,
}

fn budget(path: &str) -> Budget {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit('.').next().unwrap_or_default();
    // The library for other apps is the same code once more, and `examples` and icons are not part of a first visit.
    if ["fieldsync/", "examples/", "icons/", "test-harness/"].iter().any(|folder| path.starts_with(folder)) {
        return Budget::Beside;
    }
    match extension {
        "wasm" => Budget::Core,
        "js" if name.contains("glue") => Budget::Core,
        "js" | "mjs" | "css" | "html" | "webmanifest" | "svg" => Budget::Shell,
        _ => Budget::Beside,
    }
}

/// Prints the table; whether the budgets are kept.
pub fn report(app: &Path) -> Result<bool> {
    let mut core = Weight::default();
    let mut shell = Weight::default();
    println!("\n{:>9} {:>9} {:>9}  file", "raw", "gzip", "brotli");
    for file in files(app)? {
        let path = file.strip_prefix(app).unwrap_or(&file).to_string_lossy().into_owned();
        let kind = budget(&path);
        if kind == Budget::Beside {
            continue;
        }
        let weight = Weight::of(&std::fs::read(&file).with_context(|| format!("cannot read {path}"))?)?;
        row(weight, &path);
        let sum = if kind == Budget::Core { &mut core } else { &mut shell };
        *sum = sum.add(weight);
    }
    if core.raw == 0 {
        bail!("there is no wasm in {}", app.display());
    }
    println!();
    row(core, &format!("wasm and glue; at most {CORE_BYTES_MAX} brotli"));
    row(shell, &format!("the shell beside it; at most {SHELL_BYTES_MAX} brotli"));
    let kept = core.brotli <= CORE_BYTES_MAX && shell.brotli <= SHELL_BYTES_MAX;
    println!("{}", if kept { "Within the budget." } else { "Over the budget." });
    Ok(kept)
}

fn row(weight: Weight, what: &str) {
    println!("{:>9} {:>9} {:>9}  {what}", weight.raw, weight.gzip, weight.brotli);
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(&path).with_context(|| format!("cannot list {}", path.display()))? {
            let entry = entry?.path();
            if entry.is_dir() { open.push(entry) } else { found.push(entry) }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_belong_to_their_budget() {
        assert_eq!(budget("fieldsync_bg.wasm"), Budget::Core);
        assert_eq!(budget("app.js"), Budget::Shell);
        assert_eq!(budget("icons/512.png"), Budget::Beside);
        assert_eq!(budget("fieldsync/fieldsync.js"), Budget::Beside);
        assert_eq!(budget("app.js.map"), Budget::Beside);
    }
}
