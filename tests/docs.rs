//! The documents say what is so: the examples of the HTTP API are asked of the server, the README's page is the example's,
//! and what the map names is there.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use fieldsync::core::record::{Epoch, Millis, UserId};
use fieldsync_server::db::memory::MemoryDb;
use fieldsync_server::db::sqlite::SqliteDb;
use fieldsync_server::db::{self, Db, DbError, Role, User};
use fieldsync_server::{AppState, Config, app, demo};
use http_body_util::BodyExt;
use regex_lite::Regex;
use serde_json::Value;
use tower::ServiceExt;

/// The clock of the examples, which stands still.
const NOW: Millis = Millis(1_790_000_000_000);
const EPOCH: &str = "019a0b7e-0000-7000-8000-00000000e001";
/// Who is there: name, id, role. All of one team, and with the demo's password.
const PEOPLE: [(&str, &str, &str, Role); 2] = [
    ("budi", "019a0b7e-0000-7000-8000-00000000b001", "Budi Santoso", Role::Rep),
    ("ahmad", "019a0b7e-0000-7000-8000-00000000a001", "Ahmad Hidayat", Role::Manager),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A fenced block: what stands behind its fence, its text, its line.
struct Block {
    info: String,
    text: String,
    line: usize,
}

fn blocks(path: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in read(path).lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some(Block { info: info.to_owned(), text: String::new(), line: index + 1 }),
            (None, None) => {}
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
        }
    }
    assert!(open.is_none(), "{path}: a block that does not end");
    found
}

/// A server without records.
fn server(db: Arc<dyn Db>) -> Router {
    let hash = demo::password_hash().unwrap();
    db::write(&*db, |tx| -> Result<(), DbError> {
        tx.put_meta("server_epoch", &EPOCH.parse::<Epoch>().unwrap().to_string())?;
        for (username, id, name, role) in PEOPLE {
            let (id, team) = (id.parse::<UserId>().unwrap(), Some("Jakarta".to_owned()));
            let (username, name) = (username.to_owned(), name.to_owned());
            tx.put_user(&User { id, username, name, role, team, password_hash: hash.clone() })?;
        }
        Ok(())
    })
    .unwrap();
    let config = Config { schema_min: 1, ..Config::default() };
    app(AppState::new(db, config).unwrap().with_clock(Arc::new(|| NOW)))
}

/// What the placeholders of a document stand for: `<name>` is whatever came first under that name, and from then on that.
#[derive(Default)]
struct Bound(BTreeMap<String, String>);

impl Bound {
    fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// What of the answer is not as the document has it.
    fn compare(&mut self, at: &str, said: &Value, is: &Value, wrong: &mut Vec<String>) {
        match (said, is) {
            (Value::String(name), Value::String(value)) if name.starts_with('<') && name.ends_with('>') => {
                let known = self.0.entry(name.clone()).or_insert_with(|| value.clone());
                if known != value {
                    wrong.push(format!("{at}: {name} was {known} and is {value}"));
                }
            }
            (Value::Object(said), Value::Object(is)) => {
                let more = said.contains_key("…");
                for (name, value) in said.iter().filter(|(name, _)| *name != "…") {
                    self.compare(&format!("{at}.{name}"), value, is.get(name).unwrap_or(&Value::Null), wrong);
                }
                let extra = is.keys().filter(|name| !more && !said.contains_key(*name));
                wrong.extend(extra.map(|name| format!("{at}.{name} is not in the document")));
            }
            (Value::Array(said), Value::Array(is)) if said.len() == is.len() => {
                for (index, (said, is)) in said.iter().zip(is).enumerate() {
                    self.compare(&format!("{at}[{index}]"), said, is, wrong);
                }
            }
            _ if said == is => {}
            _ => wrong.push(format!("{at}: the document has {said}, the server {is}")),
        }
    }
}

/// `POST /path`, headers, an empty line, a body.
fn request(text: &str) -> Request<Body> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, path) = lines.next().and_then(|line| line.split_once(' ')).expect("a method and a path");
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "crm.example");
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a header");
        request = request.header(name, value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

/// Asks everything that docs/api.md asks, in its order, and gives back what is not as it says.
async fn ask_everything(server: Router) -> Vec<String> {
    let blocks = blocks("docs/api.md");
    let (mut wrong, mut bound, mut asked) = (Vec::new(), Bound::default(), 0);
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.info == "http request") {
        let answer = &blocks[index + 1];
        assert_eq!(answer.info, "json answer", "docs/api.md:{}: a request without its answer", block.line);
        let said: Value =
            serde_json::from_str(&answer.text).unwrap_or_else(|error| panic!("docs/api.md:{}: {error}", answer.line));
        let response = server.clone().oneshot(request(&bound.fill(&block.text))).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let is: Value = serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into()));
        let mut differs = Vec::new();
        // A problem says its status itself.
        let wanted = said.get("status").and_then(Value::as_u64).unwrap_or(200);
        if wanted != u64::from(status) {
            differs.push(format!("the status is {status}"));
        }
        bound.compare("", &said, &is, &mut differs);
        if !differs.is_empty() {
            let all = serde_json::to_string_pretty(&is).unwrap();
            wrong.push(format!("docs/api.md:{}:\n{}\nThe whole answer:\n{all}", answer.line, differs.join("\n")));
        }
        asked += 1;
    }
    assert!(asked > 10, "the examples were found");
    wrong
}

#[tokio::test]
async fn the_server_answers_as_the_document_says_over_both_databases() {
    for db in [Arc::new(MemoryDb::new(7)) as Arc<dyn Db>, Arc::new(SqliteDb::in_memory(7).unwrap())] {
        let wrong = ask_everything(server(db)).await;
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
    }
}

#[tokio::test]
async fn an_example_that_is_not_so_is_found() {
    let mut bound = Bound::default();
    let mut wrong = Vec::new();
    let said = serde_json::json!({"a": 1, "b": "<x>", "c": ["<x>"], "d": {"…": "…"}});
    let is = serde_json::json!({"a": 2, "b": "one", "c": ["two"], "d": {"more": 1}, "e": 1});
    bound.compare("", &said, &is, &mut wrong);
    assert_eq!(wrong.len(), 3, "{wrong:?}");
}

#[test]
fn the_page_of_the_readme_is_the_example() {
    let script = read("www/examples/ten-lines.js");
    let shown = blocks("README.md").into_iter().filter(|block| block.info == "js").any(|block| block.text == script);
    assert!(shown, "a block of README.md is www/examples/ten-lines.js, letter by letter");
    assert!(read("www/examples/ten-lines.html").contains("src=\"ten-lines.js\""));
}

/// Every file that people write, from the root.
fn files() -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root().to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            let made = ["target", "node_modules", ".git", "data"].contains(&name.as_str()) && folder == root();
            if entry.is_dir() && !made {
                open.push(entry);
            } else if entry.is_file() {
                found.push(entry.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found
}

/// What stands between backticks outside of blocks.
fn quoted(path: &str) -> BTreeSet<String> {
    let text = read(path);
    let prose: String = text.split("```").step_by(2).collect();
    let quotes = Regex::new("`([^`\n]+)`").unwrap();
    quotes.captures_iter(&prose).map(|found| found[1].to_owned()).collect()
}

const DOCUMENTS: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "docs/offline-architecture.md",
    "docs/api.md",
    "docs/sync-recovery.md",
    "docs/failure-modes.md",
    "docs/simulation.md",
];

#[test]
fn every_file_that_a_document_names_is_there() {
    let files = files();
    let is_path = Regex::new(r"^[\w.-]+(/[\w.-]+)*(/|\.(rs|js|mjs|json|ts|toml|md|html))$").unwrap();
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        for name in quoted(document).into_iter().filter(|name| is_path.is_match(name)) {
            // `push.rs` under a heading of its folder is as good as the whole path.
            let there = files.iter().any(|file| {
                file.starts_with(&name)
                    || *file == name
                    || file.ends_with(&format!("/{name}"))
                    || file.contains(&format!("/{name}"))
            });
            if !there && !["fieldsync/", "target/www/"].contains(&name.as_str()) {
                missing.push(format!("{document}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_test_that_the_map_names_is_there() {
    let code: String = files().iter().filter(|file| file.ends_with(".rs")).map(|file| read(file)).collect();
    let is_test = Regex::new("^[a-z0-9]+(_[a-z0-9]+){3,}$").unwrap();
    let named: Vec<String> = quoted("ARCHITECTURE.md").into_iter().filter(|name| is_test.is_match(name)).collect();
    assert!(named.len() > 20, "the tests were found");
    let missing: Vec<&String> = named.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Whose children the map names, each.
const MAPPED: [&str; 10] = [
    "src",
    "src/core",
    "src/data",
    "src/client",
    "src/web",
    "server/src",
    "service-worker",
    "www/fieldsync",
    "xtask/src",
    "tests",
];

#[test]
fn the_map_names_every_module() {
    let quoted = quoted("ARCHITECTURE.md");
    let is_named = |child: &str, name: &str| {
        // The folder of a file that is named goes with it.
        let (whole, beside) = (format!("{child}/"), format!("{child}.rs"));
        name == "mod.rs"
            || quoted.contains(&beside)
            || quoted.contains(name)
            || quoted.contains(child)
            || quoted.iter().any(|quote| quote.starts_with(&whole))
    };
    let mut missing = BTreeSet::new();
    for folder in MAPPED {
        let below = format!("{folder}/");
        for file in files().iter().filter_map(|file| file.strip_prefix(&below)) {
            let name = file.split('/').next().unwrap_or(file);
            // Unit tests that outgrew their file stand beside it.
            let made = ["locales", "wasm"].contains(&name) || name.ends_with("_tests.rs");
            if !made && !is_named(&format!("{folder}/{name}"), name) {
                missing.insert(format!("{folder}/{name}"));
            }
        }
    }
    assert!(missing.is_empty(), "the codemap of ARCHITECTURE.md does not name {missing:?}");
}

/// What the first group of a pattern finds in a file.
fn found(path: &str, pattern: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(&read(path)).map(|found| found[1].to_owned()).collect()
}

/// The names of the first column of the table of checks: behind a dot the number stays.
fn checks_told() -> BTreeSet<String> {
    let rows = found("docs/simulation.md", r"(?m)^\| ([IS]\d+ [^|]+) \|");
    let names = |row: &String| {
        let number = row.split(' ').next().unwrap_or_default().to_owned();
        let whole = |name: &str| if name.starts_with(&number) { name.to_owned() } else { format!("{number} {name}") };
        row.split(" · ").map(whole).collect::<Vec<_>>()
    };
    rows.iter().flat_map(names).collect()
}

#[test]
fn the_document_of_the_simulation_has_every_check() {
    let files = files();
    let code = files.iter().filter(|file| file.starts_with("tests/simulation/") && file.ends_with(".rs"));
    let checks: BTreeSet<String> = code.flat_map(|file| found(file, r#""([IS]\d+ [a-z][^"\n]*)""#)).collect();
    assert!(checks.len() > 30, "the checks were found");
    assert_eq!(checks, checks_told(), "the code, and docs/simulation.md");
}

#[test]
fn the_document_of_the_simulation_names_every_mutation() {
    let mutations = found("src/mutation.rs", r"(?m)^    (\w+) => \[");
    let text = read("docs/simulation.md");
    let told = Regex::new(r"There are (\d+) of them").unwrap().captures(&text).expect("how many there are");
    assert_eq!(told[1], mutations.len().to_string());
    let of_them = text.split("There are ").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    let named: BTreeSet<String> =
        Regex::new(r"`(\w+)`").unwrap().captures_iter(of_them).map(|found| found[1].to_owned()).collect();
    assert_eq!(mutations, named, "the code, and docs/simulation.md");
}

#[test]
fn the_document_of_the_simulation_names_every_schedule() {
    let code = read("tests/simulation/scripts.rs");
    let table = code.split("const SCRIPTS").nth(1).and_then(|rest| rest.split("\n];").next()).unwrap_or_default();
    let name = Regex::new(r#"\(\s*"([^"]+)",\s*&\["#).unwrap();
    let schedules: BTreeSet<String> = name.captures_iter(table).map(|found| found[1].to_owned()).collect();
    let text = read("docs/simulation.md");
    let list = text.split("everything else:").nth(1).and_then(|rest| rest.split('.').next()).unwrap_or_default();
    let named: BTreeSet<String> = list.replace('\n', " ").split('·').map(|name| name.trim().to_owned()).collect();
    assert_eq!(schedules, named, "the code, and docs/simulation.md");
    assert!(text.contains(&format!("one of the {} of", schedules.len())), "there are {}", schedules.len());
}
