//! What a phone downloads, and the budget that it must keep.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

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

/// The wasm, and the glue that loads it.
const CORE: [&str; 2] = ["fieldsync/wasm/fieldsync_bg.wasm", "fieldsync/wasm/fieldsync.js"];
/// What a first visit loads beside it. The worker holds the glue once more.
const SHELL: [&str; 6] = ["index.html", "manifest.webmanifest", "app.css", "app.js", "fieldsync/fieldsync.js", "sw.js"];

/// Bytes of wasm and glue, and of the shell beside them, brotli.
pub fn downloads(app: &Path) -> Result<(usize, usize)> {
    let weigh =
        |files: &[&str]| files.iter().try_fold(0, |sum, file| weight_of(&app.join(file)).map(|weight| sum + weight.brotli));
    Ok((weigh(&CORE)?, weigh(&SHELL)?))
}

/// Prints the table; whether the budgets are kept.
pub fn report(app: &Path) -> Result<bool> {
    println!("\n{:>9} {:>9} {:>9}", "raw", "gzip", "brotli");
    let core = sum(&CORE.map(|file| app.join(file)))?;
    let shell = sum(&SHELL.map(|file| app.join(file)))?;
    println!();
    row(core, &format!("wasm and glue; at most {CORE_BYTES_MAX} brotli"));
    row(shell, &format!("the shell beside it; at most {SHELL_BYTES_MAX} brotli"));
    let kept = core.brotli <= CORE_BYTES_MAX && shell.brotli <= SHELL_BYTES_MAX;
    println!("{}", if kept { "Within the budget." } else { "Over the budget." });
    Ok(kept)
}

/// Weighs and prints each file.
fn sum(files: &[PathBuf]) -> Result<Weight> {
    let mut sum = Weight::default();
    for file in files {
        let weight = weight_of(file)?;
        row(weight, &file.file_name().unwrap_or_default().to_string_lossy());
        sum = sum.add(weight);
    }
    Ok(sum)
}

fn weight_of(file: &Path) -> Result<Weight> {
    Weight::of(&std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?)
}

fn row(weight: Weight, what: &str) {
    println!("{:>9} {:>9} {:>9}  {what}", weight.raw, weight.gzip, weight.brotli);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_weighs_less_packed() {
        let weight = Weight::of(&b"fieldsync ".repeat(1000)).unwrap();
        assert_eq!(weight.raw, 10_000);
        assert!(weight.gzip < 200 && weight.brotli < weight.gzip);
        assert_eq!(weight.add(weight).raw, 20_000);
    }
}
