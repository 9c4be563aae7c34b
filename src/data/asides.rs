//! What rules set aside, by record: shown while what won still stands, and as news until a person has looked at it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::table::Tables;
use super::unsent::Key;
use crate::core::history::theirs;
use crate::core::protocol::SetAside;
use crate::core::record::{Base, By, Changed, Fields, Millis, RecordId, at as place, same};
use crate::core::rows::{Aside, HistoryRow, Met};

/// A value that a rule set aside; `SetAside` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AsideView {
    /// The field and the value.
    #[serde(flatten)]
    pub lost: SetAside,
    /// What stands in its place.
    pub won: Value,
    /// When the one of the two that was not mine was written, as far as the server has said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Millis>,
    /// Who wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// Whether a person has looked at it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub seen: bool,
}

/// What is known of all records.
#[derive(Debug, Default)]
pub struct Asides {
    of: BTreeMap<Key, Vec<Kept>>,
    /// Looked at while the change was not sent yet: history will have it later.
    early: Vec<(Key, SetAside)>,
}

#[derive(Debug)]
struct Kept {
    lost: SetAside,
    met: Met,
    at: Millis,
    seen: bool,
}

impl Asides {
    /// Takes a row of history.
    pub(super) fn take(&mut self, row: &HistoryRow) {
        for Aside(collection, id, lost, met) in &row.set_aside {
            let key = (collection.clone(), *id);
            let early = self.early.iter().position(|(of, seen)| *of == key && seen == lost);
            let seen = early.map(|at| self.early.swap_remove(at)).is_some();
            let kept = Kept { lost: lost.clone(), met: met.clone(), at: row.at, seen };
            self.of.entry(key).or_default().push(kept);
        }
        for (collection, id, looked) in &row.looked {
            let key = (collection.clone(), *id);
            let mut found = false;
            for kept in self.of.get_mut(&key).into_iter().flatten().filter(|kept| kept.lost == *looked) {
                (found, kept.seen) = (true, true);
            }
            if !found && !self.early.iter().any(|(of, seen)| *of == key && seen == looked) {
                self.early.push((key, looked.clone()));
            }
        }
    }

    /// Whether nothing stands aside, of any record.
    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// What of a record still stands aside, the newest last. `shown` are its fields now, `unsent` what the merge of its unsent
    /// changes sets aside.
    pub(super) fn of(
        &self,
        collection: &str,
        id: RecordId,
        shown: &Fields,
        unsent: &[SetAside],
        base: Option<&Base>,
    ) -> Vec<AsideView> {
        if unsent.is_empty() && self.of.is_empty() {
            return Vec::new();
        }
        let key = (collection.to_owned(), id);
        let mut views: Vec<AsideView> = Vec::new();
        let mut put = |lost: &SetAside, won: &Value, theirs: Option<Changed>, seen: bool| {
            views.retain(|old| old.lost.field != lost.field || !same(&old.lost.value, &lost.value));
            // Put back, it is not aside any more.
            if !same(&lost.value, won) {
                let (at, by) = theirs.map(|changed| (changed.at, changed.by)).unzip();
                views.push(AsideView { lost: lost.clone(), won: won.clone(), at, by, seen });
            }
        };
        for Kept { lost, met, seen, .. } in self.of.get(&key).into_iter().flatten() {
            // Whoever wrote over it since has decided.
            if same(place(shown, &lost.field), &met.won) {
                put(lost, &met.won, met.theirs.clone(), *seen);
            }
        }
        for lost in unsent {
            let seen = self.early.iter().any(|(of, early)| *of == key && early == lost);
            put(lost, place(shown, &lost.field), base.and_then(|base| theirs(base, &lost.field)), seen);
        }
        views
    }

    /// When a rule last set something of this record aside in what was sent.
    fn last(&self, key: &Key) -> Option<Millis> {
        self.of.get(key)?.last().map(|kept| kept.at)
    }
}

/// A record of which something stands aside.
#[derive(Clone, Debug, PartialEq)]
pub struct MergedRecord {
    /// Which.
    pub key: Key,
    /// When it was merged; nothing while that is not sent.
    pub at: Option<Millis>,
    /// What.
    pub set_aside: Vec<AsideView>,
}

impl Tables {
    /// Records of which something stands aside: unsent ones first, then the newest.
    #[must_use]
    pub fn merged_records(&self, now: Millis) -> Vec<MergedRecord> {
        let mut keys: Vec<Key> = self.asides.of.keys().cloned().collect();
        keys.extend(self.unsent().into_iter().filter(|key| !self.asides.of.contains_key(key)));
        let found = keys.into_iter().filter_map(|key| {
            let record = self.record(&key.0, key.1, false, now)?;
            let at = self.asides.last(&key).filter(|_| record.pending.is_none());
            (!record.set_aside.is_empty()).then_some(MergedRecord { key, at, set_aside: record.set_aside })
        });
        let mut found: Vec<MergedRecord> = found.collect();
        found.sort_by_key(|record| (record.at.is_some(), std::cmp::Reverse(record.at)));
        found
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::finish::empty_history;

    const NAME: &str = "customers";

    fn id() -> RecordId {
        RecordId::new(Millis(1), [0, 0])
    }

    fn lost(value: Value) -> SetAside {
        SetAside { field: "segment".into(), value, mine: true }
    }

    fn merged(value: Value, won: Value) -> HistoryRow {
        let aside = Aside(NAME.into(), id(), lost(value), Met { won, theirs: None });
        HistoryRow { set_aside: vec![aside], ..empty_history(Millis(5)) }
    }

    fn looked(value: Value) -> HistoryRow {
        HistoryRow { looked: vec![(NAME.into(), id(), lost(value))], ..empty_history(Millis(6)) }
    }

    /// Value and whether it was seen, of what a record with this segment shows.
    fn shows(asides: &Asides, segment: Value, unsent: &[SetAside]) -> Vec<(Value, bool)> {
        let shown = Fields::from_iter([("segment".to_owned(), segment)]);
        let views = asides.of(NAME, id(), &shown, unsent, None);
        views.into_iter().map(|view| (view.lost.value, view.seen)).collect()
    }

    #[test]
    fn it_is_news_until_somebody_looks_and_a_line_while_what_won_stands() {
        let mut asides = Asides::default();
        asides.take(&merged(json!("retail"), json!("office")));
        assert_eq!(shows(&asides, json!("office"), &[]), [(json!("retail"), false)]);
        asides.take(&looked(json!("retail")));
        assert_eq!(shows(&asides, json!("office"), &[]), [(json!("retail"), true)], "looking does not take it away");
        assert_eq!(shows(&asides, json!("retail"), &[]), [], "put back");
        assert_eq!(shows(&asides, json!("horeca"), &[]), [], "somebody decided since");
        assert_eq!(shows(&asides, json!("office"), &[]), [(json!("retail"), true)], "the putting back was undone");
    }

    #[test]
    fn what_was_looked_at_before_it_was_sent_is_no_news_after_it() {
        let mut asides = Asides::default();
        let unsent = [lost(json!("retail"))];
        assert_eq!(shows(&asides, json!("office"), &unsent), [(json!("retail"), false)]);
        asides.take(&looked(json!("retail")));
        assert_eq!(shows(&asides, json!("office"), &unsent), [(json!("retail"), true)]);
        asides.take(&merged(json!("retail"), json!("office")));
        assert_eq!(shows(&asides, json!("office"), &[]), [(json!("retail"), true)]);
        asides.take(&merged(json!("retail"), json!("office")));
        assert_eq!(shows(&asides, json!("office"), &[]), [(json!("retail"), false)], "it happened again");
    }

    #[test]
    fn put_back_before_it_was_sent_it_is_not_aside() {
        let asides = Asides::default();
        assert_eq!(shows(&asides, json!("retail"), &[lost(json!("retail"))]), []);
        let mut asides = Asides::default();
        asides.take(&merged(json!("retail"), json!("retail")));
        assert_eq!(shows(&asides, json!("retail"), &[]), [], "nor after");
    }
}
