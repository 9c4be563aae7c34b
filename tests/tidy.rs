//! Checks the code itself: the dependency arrow, lengths, banned words. Each rule is also shown to fail, on a made-up snippet:
//! a rule that cannot fail guards nothing.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::expect_used, reason = "a repository that cannot be read fails the test, in words")]

#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/source.rs"]
mod source;

use source::{Finding, Source};

/// A rule over one file.
type Rule = fn(&Source) -> Vec<Finding>;

/// The rule holds everywhere.
fn holds(rule: Rule) {
    let sources = source::all();
    assert!(sources.iter().any(|source| source.path == "src/lib.rs"), "the sources were found");
    let found: Vec<String> = sources.iter().flat_map(rule).map(|finding| finding.to_string()).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// The rule finds fault with `bad` and none with `good`, both at `path`.
fn can_fail(rule: Rule, path: &str, bad: &str, good: &str) {
    assert!(!rule(&Source::new(path, bad)).is_empty(), "must be found in {path}: {bad}");
    let found: Vec<String> = rule(&Source::new(path, good)).iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "must not be found: {}", found.join("\n"));
}

/// A test over the repository, and a test over snippets: (path, what is wrong, what is right).
macro_rules! rules {
    ($($rule:ident: $(($path:expr, $bad:expr, $good:expr)),+ $(,)?;)+) => { $(
        mod $rule {
            #[test]
            fn holds() {
                super::holds(super::rules::$rule);
            }

            #[test]
            #[allow(unused_imports)] // only the rules about lengths need it
            fn can_fail() {
                use super::body;
                $(super::can_fail(super::rules::$rule, $path, $bad, $good);)+
            }
        }
    )+ };
}

rules! {
    arrow:
        ("src/core/view.rs", "use crate::ports::Store;", "use crate::core::record::Base; // not crate::ports"),
        ("src/data/table.rs", "use crate::client::Client;", "use crate::core::record::Base;"),
        ("src/ports.rs", "use crate::data::page::Page;", "use crate::core::rows::Row;"),
        ("src/client/cycle.rs", "crate::web::now()", "crate::ports::Host"),
        ("src/memory.rs", "use crate::client::Client;", "use crate::data::page::Page;");
    server_arrow:
        ("server/src/sync.rs", "use fieldsync::client::Client;", "use fieldsync::core::protocol::Entry;"),
        ("server/src/sync.rs", "use fieldsync::core::outbox::Change;", "use fieldsync::core::{protocol::{Cursor, Entry}, schema::Schema};"),
        ("server/src/sync.rs", "use fieldsync::core::{\n    record::Base,\n    view::View,\n};", "use fieldsync::core::rules;");
    browser_crates:
        ("src/client.rs", "let now = js_sys::Date::now();", "// js_sys::Date::now() would not do"),
        ("src/core/record.rs", "use serde_wasm_bindgen::to_value;", "use serde::Serialize;"),
        ("src/ports.rs", "use web_sys::Window;", "use std::future::Future;");
    database_crates:
        ("src/web/host.rs", "use idb::Database;", "use js_sys::Date;"),
        ("src/web/mod.rs", "rexie::Rexie::builder(name)", "indexed_db::open(name)");
    target_arch:
        ("src/ports.rs", "#[cfg(target_arch = \"wasm32\")]", "#[cfg(test)]");
    pure:
        ("src/core/backoff.rs", "let now = SystemTime::now();", "let delay = backoff(attempt, jitter);"),
        ("src/core/mod.rs", "pub async fn run() {}", "pub fn handle() {}"),
        ("src/data/search.rs", "println!(\"{rows}\");", "/// Like println!, but not."),
        ("src/core/record.rs", "Uuid::now_v7()", "Uuid::from_u128(chance)");
    file_length:
        ("src/lib.rs", &"pub mod core;\n".repeat(41), &"pub mod core;\n".repeat(40)),
        ("src/client.rs", &"// line\n".repeat(401), &"// line\n".repeat(400)),
        ("www/app/main.js", &"// line\n".repeat(401), &"// line\n".repeat(400));
    function_length:
        ("server/src/lib.rs", &body("    pub async fn long(&self) {", 69), &body("    pub async fn short(&self) {", 68)),
        ("server/src/lib.rs", &body("    fn long(\n        a: u8,\n    ) {", 67), &body("    fn short(\n        a: u8,\n    ) {", 66)),
        ("www/app/main.js", &body("export async function long() {", 69), &body("export function short() {", 68)),
        ("www/app/main.js", &body("  async #long(a, b) {", 69), &body("  if (long(a)) {", 69)),
        ("tests/e2e/run.mjs", &body("const long = async (a) => {", 69), &body("const short = () => {", 68));
    module_docs:
        ("xtask/src/main.rs", "fn main() {}", "//! Commands.\nfn main() {}");
    store_names:
        ("src/web/indexed_db.rs", "store(\"outbox\")", "store(OUTBOX)"),
        ("www/fieldsync/rescue.js", "db.transaction([\"outbox\"])", "sync.outbox.list()"),
        ("src/web/mod.rs", "let meta = \"meta\";", "let meta = row.meta;");
    markup:
        ("www/app/views/list.js", "cell.innerHTML = name;", "cell.textContent = name;"),
        ("www/fieldsync/elements/bar.js", "this.insertAdjacentHTML('beforeend', line)", "this.append(line)"),
        ("service-worker/sw.js", "eval(code)", "evaluate(code)"),
        ("www/index.html", "<body onload=\"go()\">", "<body class=\"app\">");
    unfinished:
        ("src/client.rs", "// TODO: later", "// A to-do list is a list."),
        ("server/src/lib.rs", "todo!()", "todo()"),
        ("tests/store.rs", "#[ignore]", "#[test]"),
        ("www/app/list.test.mjs", "test.skip('it')", "rows.skip(1)");
    pinned:
        ("Cargo.toml", "[dependencies]\nserde = \"1\"", "[package]\nversion = \"0.1.0\"\n[dependencies]\nserde = \"=1.0.229\""),
        ("server/Cargo.toml", "[dev-dependencies]\nserde = { version = \"1.0\" }", "[dependencies]\nserde = { workspace = true }"),
        ("package.json", "    \"esbuild\": \"^0.28.2\"", "    \"esbuild\": \"0.28.2\""),
        ("package.json", "    \"esbuild\": \"latest\"", "    \"version\": \"0.1.0\"");
    portable:
        ("README.md", "cd /home/someone/fieldsync", "cd fieldsync"),
        ("package-lock.json", "\"resolved\": \"https://mirror/esbuild.tgz\"", "\"version\": \"0.28.2\"");
}

/// A function of this first line and so many lines in it.
fn body(first: &str, lines: usize) -> String {
    let indent = &first[..first.len() - first.trim_start().len()];
    format!("{first}\n{}{indent}}}\n", format!("{indent}  work();\n").repeat(lines))
}

#[test]
fn the_owner_s_crates_carry_shipped_code() {
    let manifest = std::fs::read_to_string(source::root().join("Cargo.toml")).expect("the manifest can be read");
    let missing = rules::owners_crates(&manifest, &source::all());
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn a_crate_that_is_declared_and_unused_is_found() {
    let manifest = rules::OWNERS_CRATES.map(|name| format!("{name} = \"=1.0.0\"\n")).concat();
    let used = rules::OWNERS_CRATES.map(|name| format!("use {}::x;\n", name.replace('-', "_"))).concat();
    assert!(rules::owners_crates(&manifest, &[Source::new("src/web/mod.rs", &used)]).is_empty());
    let less = used.replace("use rexie::x;", "// rexie::x");
    assert_eq!(rules::owners_crates(&manifest, &[Source::new("src/web/mod.rs", &less)]).len(), 1);
    assert_eq!(rules::owners_crates(&manifest, &[Source::new("tests/store.rs", &used)]).len(), 8, "tests do not ship");
    let undeclared = manifest.replace("uuid =", "other =");
    assert_eq!(rules::owners_crates(&undeclared, &[Source::new("src/web/mod.rs", &used)]).len(), 1);
}
