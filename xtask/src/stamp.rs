//! Skips a step whose inputs are the same as when it last succeeded.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::workspace;

/// What the inputs of a step were.
pub struct Stamp {
    file: PathBuf,
    now: String,
}

impl Stamp {
    /// Reads the inputs. By contents, not by time: a fresh clone or a change of branch touches times only.
    pub fn of(step: &str, inputs: &[PathBuf]) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        for input in inputs {
            input.hash(&mut hasher);
            std::fs::read(input).with_context(|| format!("cannot read {}", input.display()))?.hash(&mut hasher);
        }
        let file = workspace::target().join("xtask").join(format!("{step}.stamp"));
        Ok(Self { file, now: format!("{:016x}", hasher.finish()) })
    }

    /// Whether the step may be skipped: the inputs are the same, and what it made is still there.
    pub fn fresh(&self, made: &Path) -> bool {
        made.exists() && std::fs::read_to_string(&self.file).is_ok_and(|then| then == self.now)
    }

    /// Remembers that the step succeeded with these inputs.
    pub fn keep(&self) -> Result<()> {
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.file, &self.now).with_context(|| format!("cannot write {}", self.file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_fresh_until_an_input_changes_or_its_result_is_gone() {
        let folder = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (input, made) = (folder.join("input"), folder.join("made"));
        std::fs::write(&input, "1").unwrap();
        std::fs::write(&made, "").unwrap();
        let stamp = || Stamp { file: folder.join("stamp"), ..Stamp::of("unused", std::slice::from_ref(&input)).unwrap() };

        assert!(!stamp().fresh(&made), "never run");
        stamp().keep().unwrap();
        assert!(stamp().fresh(&made));
        std::fs::write(&input, "2").unwrap();
        assert!(!stamp().fresh(&made), "another input");
        stamp().keep().unwrap();
        std::fs::remove_file(&made).unwrap();
        assert!(!stamp().fresh(&made), "no result");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
