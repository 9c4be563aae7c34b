//! Where things are.

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> &'static Path {
    // xtask is a folder of the root; the manifest's folder is known when it is compiled.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Cargo's target folder. A relative one is read as cargo reads it where the commands run: from the root.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |given| root().join(given))
}

/// Tools that this project installs for itself. Not below a custom target folder: they outlive it.
pub fn tools() -> PathBuf {
    root().join("target").join("tools")
}

/// What wasm-bindgen makes.
pub fn bindings() -> PathBuf {
    target().join("wasm-bindgen")
}

/// The built app.
pub fn app() -> PathBuf {
    target().join("www")
}

/// Every file below these files and folders of the root, sorted. What is not there is left out.
pub fn files(paths: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = paths.iter().map(|path| root().join(path)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        } else if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
