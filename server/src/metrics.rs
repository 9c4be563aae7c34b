//! What is counted, in the text form that Prometheus reads.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

/// A counter: its name, what it counts, and the name of its label, if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Pushes.
    Pushes,
    /// Parcels, by outcome.
    Parcels,
    /// Pages of the feed.
    Pulls,
    /// Pages with which a feed was at its end: one a sync.
    Syncs,
    /// Pages of snapshots.
    Snapshots,
    /// Sign-ins, by result.
    SignIns,
    /// Answers, by status.
    Answers,
    /// Records that clients were shown as moved on.
    Conflicts,
    /// Values that a client's rule put aside.
    SetAside,
    /// Records that were merged about which nobody was asked.
    Merged,
    /// Conflicts that devices say they have put to their users, whoever found them.
    PutToAPerson,
}

impl Counter {
    const ALL: [Self; 11] = [
        Self::Pushes,
        Self::Parcels,
        Self::Pulls,
        Self::Syncs,
        Self::Snapshots,
        Self::SignIns,
        Self::Answers,
        Self::Conflicts,
        Self::SetAside,
        Self::Merged,
        Self::PutToAPerson,
    ];

    fn describe(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Self::Pushes => ("fieldsync_pushes_total", "Pushes.", None),
            Self::Parcels => ("fieldsync_parcels_total", "Parcels, by outcome.", Some("outcome")),
            Self::Pulls => ("fieldsync_pulls_total", "Pages of the feed.", None),
            Self::Syncs => ("fieldsync_syncs_total", "Syncs: pages with which a device was at the end of the feed.", None),
            Self::Snapshots => ("fieldsync_snapshots_total", "Pages of snapshots.", None),
            Self::SignIns => ("fieldsync_sign_ins_total", "Sign-ins, by result.", Some("result")),
            Self::Answers => ("fieldsync_http_answers_total", "Answers, by status.", Some("status")),
            Self::Conflicts => ("fieldsync_conflicts_total", "Records that had moved on.", None),
            Self::SetAside => ("fieldsync_set_aside_total", "Values that a rule put aside.", None),
            Self::Merged => (
                "fieldsync_automatic_merges_total",
                "Records in parcels that were applied over what another device had written since their changes were made: merged by \
                 rules, for a person's decision has seen what it is applied over.",
                None,
            ),
            Self::PutToAPerson => (
                "fieldsync_conflicts_put_to_a_person",
                "Conflicts that were put to a person, by what devices say: found by them in a pull, or by the server in a push.",
                None,
            ),
        }
    }
}

/// All counters.
#[derive(Debug, Default)]
pub struct Metrics {
    counts: Mutex<BTreeMap<(Counter, String), u64>>,
}

impl Metrics {
    /// Counts `n` more. `label` is one of few: a status, an outcome; empty for a counter without one.
    pub fn add(&self, counter: Counter, label: &str, n: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((counter, label.to_owned())).or_default();
        // A device may say any number.
        *count = count.saturating_add(n);
    }

    /// How much was counted under this label.
    #[must_use]
    pub fn get(&self, counter: Counter, label: &str) -> u64 {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&(counter, label.to_owned())).copied().unwrap_or_default()
    }

    /// How often records were merged by rules, and how often conflicts put to a person, since the server began.
    #[must_use]
    pub fn merges(&self) -> Value {
        json!({
            "syncs": self.get(Counter::Syncs, ""),
            "merged": self.get(Counter::Merged, ""),
            "put_to_a_person": self.get(Counter::PutToAPerson, ""),
            "set_aside": self.get(Counter::SetAside, ""),
        })
    }

    /// The text form.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for counter in Counter::ALL {
            let (name, help, label) = counter.describe();
            // Writing into a text never fails.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
            for ((_, value), count) in counts.iter().filter(|((one, _), _)| *one == counter) {
                let _ = match label {
                    Some(label) => writeln!(text, "{name}{{{label}=\"{value}\"}} {count}"),
                    None => writeln!(text, "{name} {count}"),
                };
            }
        }
        text
    }
}
