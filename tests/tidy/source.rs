//! Reads the sources, and what the rules need to know of them.

use std::fmt;
use std::path::{Path, PathBuf};

use regex_lite::Regex;

/// A file of the repository.
pub struct Source {
    /// From the root, with slashes.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// Where a rule is broken.
#[derive(PartialEq, Eq)]
pub struct Finding {
    path: String,
    line: usize,
    why: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.why)
    }
}

impl Source {
    /// A made-up one, for a rule's own test.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether it is this file, or below this folder.
    pub fn within(&self, place: &str) -> bool {
        self.path == place || self.path.starts_with(&format!("{place}/"))
    }

    /// Whether it is a module of this name at the top of `src`: a file or a folder.
    pub fn module(&self, name: &str) -> bool {
        self.path == format!("src/{name}.rs") || self.within(&format!("src/{name}"))
    }

    pub fn rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub fn javascript(&self) -> bool {
        self.path.ends_with(".js") || self.path.ends_with(".mjs")
    }

    /// These rules name what they ban.
    pub fn tidy(&self) -> bool {
        self.path == "tests/tidy.rs" || self.within("tests/tidy")
    }

    /// Its lines, numbered from 1, without comments: words about a thing are not the thing.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, uncommented(line)))
    }

    pub fn finding(&self, line: usize, why: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, why: why.into() }
    }

    /// Each line of code that matches.
    pub fn matches(&self, pattern: &str, why: &str) -> Vec<Finding> {
        let pattern = regex(pattern);
        let hits = self.code().filter_map(|(line, code)| pattern.find(code).map(|hit| (line, hit.as_str())));
        hits.map(|(line, hit)| self.finding(line, format!("`{hit}`: {why}"))).collect()
    }
}

pub fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns of these rules are literals")
}

/// A line before its comment. A URL's slashes follow a colon.
fn uncommented(line: &str) -> &str {
    let trimmed = line.trim_start();
    if trimmed.starts_with("/*") || trimmed.starts_with("* ") || trimmed == "*" || trimmed.starts_with("*/") {
        return "";
    }
    let mut from = 0;
    while let Some(found) = line[from..].find("//") {
        let at = from + found;
        if !line[..at].ends_with(':') {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All that people write here; not what tools make.
pub fn all() -> Vec<Source> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root().to_owned()];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).expect("a folder of the repository can be listed");
        for path in entries.map(|entry| entry.expect("an entry can be read").path()) {
            let name = path.strip_prefix(root()).expect("it is below the root").to_string_lossy().replace('\\', "/");
            if path.is_dir() && !made(&name) {
                open.push(path);
            } else if path.is_file() && written(&name) {
                // Others may be writing: a file that is gone again breaks no rule.
                if let Ok(text) = std::fs::read_to_string(&path) {
                    found.push(Source { path: name, text });
                }
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn made(folder: &str) -> bool {
    let name = folder.rsplit('/').next().unwrap_or(folder);
    ["target", "node_modules", ".git", "pkg"].contains(&name) || folder == "data"
}

fn written(file: &str) -> bool {
    let endings = ["rs", "js", "mjs", "ts", "json", "toml", "html", "css", "md", "webmanifest", "yml", "yaml", "sh"];
    let ending = file.rsplit('.').next().unwrap_or_default();
    file == ".ci/run" || file == ".npmrc" || endings.contains(&ending)
}

/// The functions of a file that are longer than `lines_max`: (first line, length). Formatted code ends a function where a line
/// of the same indentation starts with a brace.
pub fn long_functions(source: &Source, lines_max: usize) -> Vec<(usize, usize)> {
    let rust = regex(r"^\s*(pub(\([a-z ]+\))? )?(const )?(async )?(unsafe )?fn [a-z_]");
    let script = regex(r"^\s*(export )?(default )?(static )?(async )?(function\b|(get |set )?#?[\w$]+\(.*\) \{$|.*=> \{$)");
    let keyword = regex(r"^\s*(\} )?(if|else|for|while|switch|catch|with)\b");
    let lines: Vec<&str> = source.text.lines().collect();
    let mut long = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let begins = if source.rust() { rust.is_match(line) } else { script.is_match(line) && !keyword.is_match(line) };
        if !begins || line.ends_with('}') || line.ends_with(';') {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let ends = |line: &&str| line.strip_prefix(indent).is_some_and(|rest| rest.starts_with('}'));
        let length = lines[start + 1..].iter().position(ends).map_or(lines.len() - start, |after| after + 2);
        if length > lines_max {
            long.push((start + 1, length));
        }
    }
    long
}
