//! What occurred, and how often: a thing that never occurred was not tested, and fails the run.

use std::collections::BTreeMap;

use fieldsync::core::protocol::Action;

/// In a run of 10,000 seeds: a schedule whose moves do nothing is seen some times all the same, as faults do the like.
const SEEN_MIN: u64 = 15;

/// Counts by (kind, name).
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

/// Everything that must occur in a run of the whole.
pub const WANTED: &[(&str, &[&str])] = &[
    ("fault", FAULTS),
    ("class", CLASSES),
    ("decision", crate::deciding::DECISIONS),
    ("asked", crate::deciding::ASKED),
    ("loss", crate::losses::LOSSES),
    (
        "pair",
        &[
            "create, create",
            "create, update",
            "create, delete",
            "update, create",
            "update, update",
            "update, delete",
            "delete, create",
            "delete, update",
            "delete, delete",
        ],
    ),
    ("selection", &["dropped", "days", "mine", "whole", "refused", "previewed", "stopped", "resumed"]),
    ("online", &["done", "refused", "not known yet", "taken back", "nobody would answer"]),
    ("schedule", crate::scripts::NAMES),
    ("cell", crate::machine_cells::POSSIBLE),
];

/// What is done to devices, network and server.
pub const FAULTS: &[&str] = &[
    "request lost",
    "answer lost",
    "answer cut",
    "request twice",
    "request late",
    "portal 200",
    "portal 302",
    "portal 401",
    "portal 403",
    "portal 404",
    "portal 410",
    "portal 413",
    "portal 429",
    "portal 500",
    "portal 503",
    "ours 400",
    "ours 401",
    "ours 403",
    "ours 404",
    "ours 413",
    "ours 415",
    "ours 422",
    "ours 426",
    "ours 429",
    "ours 500",
    "ours 503",
    "retry-after",
    "another user",
    "another server",
    "crash",
    "power cut",
    "clock jump",
    "clock drift",
    "quota",
    "closed connection",
    "commit unseen",
    "work repeated",
    "freeze",
    "thaw",
    "access lost",
    "access granted",
    "backup",
    "restore",
    "device cloned",
    "import",
    "app upgraded",
    "signed out",
    "signed in",
    "refresh answer lost",
    "poison panic",
    "poison 500",
    "poison entry",
    "storage cleared",
];

/// The classes of section 6 of the specification.
pub const CLASSES: &[&str] = &[
    "away",
    "retry",
    "rejected",
    "forbidden",
    "conflict",
    "blocked",
    "signed out",
    "cursor unknown",
    "too large",
    "unsupported",
    "outdated",
    "misconfigured",
    "applied",
    "known",
    "voided",
    "storage full",
    "storage closed",
];

impl Coverage {
    pub fn count(&mut self, kind: &'static str, name: &'static str) {
        *self.counts.entry((kind, name)).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (key, count) in &other.counts {
            *self.counts.entry(*key).or_default() += count;
        }
    }

    pub fn of(&self, kind: &'static str, name: &'static str) -> u64 {
        self.counts.get(&(kind, name)).copied().unwrap_or(0)
    }

    /// The names that are wanted and have no count; and schedules of which so little was seen that it may have been chance.
    pub fn missing(&self) -> Vec<String> {
        let all = WANTED.iter().flat_map(|(kind, names)| names.iter().map(move |name| (*kind, *name)));
        all.filter(|(kind, name)| self.of(kind, name) < if *kind == "schedule" { SEEN_MIN } else { 1 })
            .map(|(kind, name)| format!("{kind}: {name}"))
            .collect()
    }

    pub fn print(&self) {
        for (kind, names) in WANTED {
            let of = |name: &&'static str| format!("{name} {}", self.counts.get(&(*kind, *name)).copied().unwrap_or(0));
            println!("  {kind}: {}", names.iter().map(of).collect::<Vec<_>>().join(" · "));
        }
        let others = self.counts.iter().filter(|((kind, name), _)| !WANTED.iter().any(|(k, n)| k == kind && n.contains(name)));
        let others: Vec<String> = others.map(|((kind, name), count)| format!("{kind} {name} {count}")).collect();
        println!("  besides: {}", others.join(" · "));
    }
}

/// The name of two actions in a row on one record.
pub fn pair(first: Action, second: Action) -> &'static str {
    match (first, second) {
        (Action::Create, Action::Create) => "create, create",
        (Action::Create, Action::Update) => "create, update",
        (Action::Create, Action::Delete) => "create, delete",
        (Action::Update, Action::Create) => "update, create",
        (Action::Update, Action::Update) => "update, update",
        (Action::Update, Action::Delete) => "update, delete",
        (Action::Delete, Action::Create) => "delete, create",
        (Action::Delete, Action::Update) => "delete, update",
        (Action::Delete, Action::Delete) => "delete, delete",
    }
}
