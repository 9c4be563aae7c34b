//! The rules: each takes sources and gives back where it is broken.

use super::source::{Finding, Source, long_functions, regex};

/// Lines that a file of code may have.
pub const FILE_LINES_MAX: usize = 400;
/// Lines that a function may have.
pub const FUNCTION_LINES_MAX: usize = 70;
/// Lines that the list of modules may have.
pub const LIB_LINES_MAX: usize = 40;
/// The crates that the owner named: they carry shipped code.
pub const OWNERS_CRATES: [&str; 8] =
    ["wasm-bindgen", "web-sys", "js-sys", "serde", "serde-wasm-bindgen", "rexie", "gloo-timers", "uuid"];

/// Which modules of the crate a module may not name: those to its right.
const OUTWARD: [(&str, &str); 5] = [
    ("core", "data|ports|client|memory|web"),
    ("data", "ports|client|memory|web"),
    ("ports", "data|client|memory|web"),
    ("client", "memory|web"),
    ("memory", "client|web"),
];

/// The arrow between the modules of the crate.
pub fn arrow(source: &Source) -> Vec<Finding> {
    let outward = OUTWARD.iter().filter(|(module, _)| source.module(module));
    outward.flat_map(|(_, names)| source.matches(&format!(r"\bcrate::({names})\b"), "the arrow points the other way")).collect()
}

/// The server shares nouns, schema, rules and wire with the client, and nothing else.
pub fn server_arrow(source: &Source) -> Vec<Finding> {
    if !source.within("server/src") {
        return Vec::new();
    }
    let mut found = source.matches(r"\bfieldsync::(data|ports|client|memory|web)\b", "a server names only core of the client");
    for (at, _) in source.text.match_indices("fieldsync::core::") {
        let rest = &source.text[at + "fieldsync::core::".len()..];
        let line = source.text[..at].lines().count().max(1);
        let others = first_names(rest)
            .into_iter()
            .filter(|name| !["record", "number", "schema", "rules", "selection", "protocol"].contains(name));
        found.extend(others.map(|name| source.finding(line, format!("a server does not name core::{name}"))));
    }
    found
}

/// Of a path's end, `a::b` or `{a::b, c::{d, e}}`, the names of the first level.
fn first_names(path: &str) -> Vec<&str> {
    let word = regex(r"^\s*([A-Za-z_]+)");
    let Some(group) = path.strip_prefix('{') else {
        return word.captures(path).and_then(|found| found.get(1)).map(|found| found.as_str()).into_iter().collect();
    };
    let (mut names, mut depth, mut start) = (Vec::new(), 0_usize, true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            _ if start && !letter.is_whitespace() => {
                start = false;
                names.extend(word.captures(&group[at..]).and_then(|found| found.get(1)).map(|found| found.as_str()));
            }
            _ => {}
        }
    }
    names
}

/// Only `web` knows a browser.
pub fn browser_crates(source: &Source) -> Vec<Finding> {
    if !source.within("src") || source.within("src/web") {
        return Vec::new();
    }
    let names = r"\b(wasm_bindgen|wasm_bindgen_futures|web_sys|js_sys|serde_wasm_bindgen|rexie|idb|gloo_timers)::";
    source.matches(names, "only src/web names a browser's crate")
}

/// Only three files know what IndexedDB is bound with.
pub fn database_crates(source: &Source) -> Vec<Finding> {
    let may = ["indexed_db", "schema", "transaction"].map(|name| format!("src/web/{name}.rs"));
    if !source.within("src") || may.contains(&source.path) {
        return Vec::new();
    }
    source.matches(r"\b(rexie|idb)::|\buse (rexie|idb)\b", "only web/{indexed_db,schema,transaction}.rs name it")
}

/// `lib.rs` alone decides what is compiled for a browser.
pub fn target_arch(source: &Source) -> Vec<Finding> {
    if !source.within("src") || source.within("src/web") || source.path == "src/lib.rs" {
        return Vec::new();
    }
    source.matches(r"\btarget_arch\b|\btarget_family\b", "only lib.rs and src/web know the target")
}

/// Core and data decide and answer: no clock, chance, IO, log, browser or waiting.
pub fn pure(source: &Source) -> Vec<Finding> {
    if !source.module("core") && !source.module("data") {
        return Vec::new();
    }
    let banned = r"\bSystemTime\b|\bInstant\b|\brand::|\bDate::now|\bjs_sys\b|\bweb_sys\b|\basync\b|\.await\b|\bstd::(fs|net|thread|env|process)\b|\be?print(ln)?!|\bdbg!|\bnow_v[47]\(|\bnew_v4\(";
    source.matches(banned, "core and data have no IO, clock, chance or log")
}

/// Files that a reader can hold in mind.
pub fn file_length(source: &Source) -> Vec<Finding> {
    let lines_max = if source.path == "src/lib.rs" { LIB_LINES_MAX } else { FILE_LINES_MAX };
    let lines = source.text.lines().count();
    if !(source.rust() || source.javascript()) || lines <= lines_max {
        return Vec::new();
    }
    vec![source.finding(lines, format!("{lines} lines; at most {lines_max}"))]
}

/// Functions that fit a screen.
pub fn function_length(source: &Source) -> Vec<Finding> {
    if !(source.rust() || source.javascript()) {
        return Vec::new();
    }
    let long = long_functions(source, FUNCTION_LINES_MAX);
    long.into_iter()
        .map(|(line, length)| source.finding(line, format!("a function of {length} lines; at most {FUNCTION_LINES_MAX}")))
        .collect()
}

/// Every Rust file says what it is for.
pub fn module_docs(source: &Source) -> Vec<Finding> {
    if !source.rust() || source.text.starts_with("//!") {
        return Vec::new();
    }
    vec![source.finding(1, "does not start with //!")]
}

/// Names of object stores are written in one place.
pub fn store_names(source: &Source) -> Vec<Finding> {
    let elsewhere = source.within("src/web") && source.path != "src/web/schema.rs";
    let names = "(pages|outbox|parcels|conflicts|history|drafts|blobs|derived|meta)";
    let why = "names of stores are in web/schema.rs alone";
    if source.javascript() && (source.within("www/fieldsync") || source.within("service-worker")) {
        return source.matches(&format!(r#"\b(objectStore|transaction)\(\[?["']{names}["']"#), why);
    }
    if elsewhere { source.matches(&format!(r#""{names}""#), why) } else { Vec::new() }
}

/// Records are shown as text, always.
pub fn markup(source: &Source) -> Vec<Finding> {
    if !(source.within("www") || source.within("service-worker")) || !(source.javascript() || source.path.ends_with(".html")) {
        return Vec::new();
    }
    let banned = r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|setHTMLUnsafe)\b|\beval\(|\bnew Function\(|\son[a-z]+=";
    source.matches(banned, "text becomes markup or code here")
}

/// Nothing is left for later, and no test is left out.
pub fn unfinished(source: &Source) -> Vec<Finding> {
    if source.tidy() || !(source.rust() || source.javascript() || source.path.ends_with(".ts")) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let words = regex(r"\b(TODO|FIXME|XXX|HACK)\b");
    // In comments, too: that is where they are.
    for (index, line) in source.text.lines().enumerate().filter(|(_, line)| words.is_match(line)) {
        found.push(source.finding(index + 1, format!("left for later: {}", line.trim())));
    }
    found.extend(source.matches(r"\b(unimplemented|todo)!|#\[ignore\b", "unfinished, or a test left out"));
    if source.javascript() {
        found.extend(source.matches(r"\b(test|it|describe|story)\.(skip|only|todo)\(", "a test left out"));
    }
    found
}

/// A version that is not exact is another program tomorrow.
pub fn pinned(source: &Source) -> Vec<Finding> {
    if source.path == "package.json" {
        return source.matches(r#"^\s*"[^"]+": "([\^~><*]|latest|\d+(\.\d+)?"|\d+\.x)"#, "not an exact version");
    }
    if !source.path.ends_with("Cargo.toml") {
        return Vec::new();
    }
    let versions = regex(r#"^[a-zA-Z0-9_-]+\s*=\s*("[^=]|\{.*\bversion\s*=\s*"[^=])"#);
    let mut dependencies = false;
    let mut found = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        if line.starts_with('[') {
            dependencies = line.contains("dependencies");
        } else if dependencies
            && versions.is_match(line)
            && !regex(r"^(features|path|optional|package|default-features)\b").is_match(line)
        {
            found.push(source.finding(index + 1, format!("not an exact version: {line}")));
        }
    }
    found
}

/// Builds anywhere: no folder of one machine, no address of one registry.
pub fn portable(source: &Source) -> Vec<Finding> {
    if source.tidy() {
        return Vec::new();
    }
    let pattern = regex(r#"(^|[\s"'`(=])(/(home|Users|root|work|tmp)/[A-Za-z0-9_.])|[A-Z]:\\|"resolved": "https?:"#);
    let lines = source.text.lines().enumerate().filter(|(_, line)| pattern.is_match(line));
    lines.map(|(index, line)| source.finding(index + 1, format!("of one machine: {}", line.trim()))).collect()
}

/// Which of the owner's crates are not declared, or not named in `src`.
pub fn owners_crates(manifest: &str, sources: &[Source]) -> Vec<String> {
    let declared = |name: &str| regex(&format!(r"(?m)^{name}(\.workspace)?\s*=")).is_match(manifest);
    let named = |name: &str| {
        let name = regex(&format!(r"\b{}::", name.replace('-', "_")));
        sources.iter().filter(|source| source.within("src")).any(|source| source.code().any(|(_, code)| name.is_match(code)))
    };
    let missing = OWNERS_CRATES.iter().filter(|name| !declared(name) || !named(name));
    missing.map(|name| format!("{name} is not declared, or carries nothing in src/")).collect()
}
