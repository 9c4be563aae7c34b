//! What history keeps, and how long: 500 confirmations or 30 days of them, whichever is more; what was discarded or resolved,
//! 90 days; what a rule set aside, 90 days and until somebody has looked at it, but no longer than a year.

use std::collections::BTreeSet;

use super::protocol::Item;
use super::record::{Base, Changed, Millis, RecordId, at, field_of};
use super::rows::{Aside, End, HistoryRow, Met};

/// So many rows are kept, whatever their age.
pub const ROWS_KEPT_MIN: usize = 500;
/// Confirmations are kept this long.
pub const CONFIRMED_MS: i64 = 30 * DAY_MS;
/// What a person may want back is kept this long.
pub const WANTED_MS: i64 = 90 * DAY_MS;
/// What was set aside and never looked at does not keep what came after it for ever.
pub const UNSEEN_MS_MAX: i64 = 365 * DAY_MS;
/// At most so many rows are looked at in one go.
pub const ROWS_READ_MAX: u32 = 5_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The highest key that may go, if any. `rows` are all that is left, ascending. Only a beginning goes: the floor is one key.
#[must_use]
pub fn prunable(rows: &[HistoryRow], now: Millis) -> Option<u64> {
    let spare = rows.len().saturating_sub(ROWS_KEPT_MIN);
    let looked: BTreeSet<(&str, RecordId)> =
        rows.iter().flat_map(|row| &row.looked).map(|(collection, id, _)| (collection.as_str(), *id)).collect();
    let old = rows[..spare].iter().take_while(|row| {
        let unseen = row.set_aside.iter().any(|Aside(collection, id, ..)| !looked.contains(&(collection.as_str(), *id)));
        let wanted = !row.set_aside.is_empty() || row.ended.iter().any(|ended| ended.end != End::Confirmed);
        let kept_ms = match (unseen, wanted) {
            (true, _) => UNSEEN_MS_MAX,
            (false, true) => WANTED_MS,
            (false, false) => CONFIRMED_MS,
        };
        now.since(row.at) > kept_ms
    });
    old.last().map(|row| row.key)
}

/// What was set aside on the way to this item, now that the server has applied it: with what stands in its place.
pub fn asides<'a>(item: &'a Item, before: Option<&'a Base>, after: Option<&'a Base>) -> impl Iterator<Item = Aside> + use<'a> {
    item.set_aside.iter().map(move |lost| {
        let there = after.or(before).map(|base| at(&base.fields, &lost.field));
        let won = there.unwrap_or_else(|| at(&item.patch, &lost.field)).clone();
        let theirs = before.and_then(|base| theirs(base, &lost.field));
        Aside(item.collection.clone(), item.id, lost.clone(), Met { won, theirs })
    })
}

/// Who wrote a field as the server has it, and when.
#[must_use]
pub fn theirs(base: &Base, name: &str) -> Option<Changed> {
    let newest = || base.by.clone().map(|by| Changed { at: base.at, by });
    base.changed.get(field_of(name)).cloned().or_else(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::finish::empty_history;

    fn rows(count: u64, at: impl Fn(u64) -> i64) -> Vec<HistoryRow> {
        (1..=count).map(|key| HistoryRow { key, ..empty_history(Millis(at(key) * DAY_MS)) }).collect()
    }

    #[test]
    fn the_newest_five_hundred_stay_and_so_does_a_month() {
        let now = Millis(100 * DAY_MS);
        assert_eq!(prunable(&rows(500, |_| 0), now), None, "old, but few");
        assert_eq!(prunable(&rows(600, |_| 0), now), Some(100));
        assert_eq!(prunable(&rows(600, |_| 80), now), None, "many, but young");
        assert_eq!(prunable(&rows(600, |key| if key <= 40 { 60 } else { 80 }), now), Some(40));
    }

    #[test]
    fn what_a_person_may_want_back_stays_for_three_months() {
        let mut rows = rows(600, |_| 60);
        let id = RecordId::new(Millis(1), [0, 0]);
        let lost = crate::core::protocol::SetAside { field: "phone".into(), value: serde_json::Value::Null, mine: true };
        rows[9].set_aside.push(Aside("customers".into(), id, lost.clone(), Met::default()));
        assert_eq!(prunable(&rows, Millis(100 * DAY_MS)), Some(9));
        assert_eq!(prunable(&rows, Millis(151 * DAY_MS)), Some(9), "nobody has looked at it");
        rows[20].looked.push(("customers".into(), id, lost));
        assert_eq!(prunable(&rows, Millis(149 * DAY_MS)), Some(9), "looked at, and young");
        assert_eq!(prunable(&rows, Millis(151 * DAY_MS)), Some(100));
        rows[20].looked.clear();
        assert_eq!(prunable(&rows, Millis(430 * DAY_MS)), Some(100), "not for ever");
    }

    #[test]
    fn a_row_of_before_what_was_met_was_kept_is_read() {
        let row = r#"{"at": 1, "ended": [], "set_aside": [["customers", "019a0b7f-1000-7000-8000-000000000001",
            {"field": "city", "value": "Bogor", "mine": true}]]}"#;
        let row: HistoryRow = serde_json::from_str(row).unwrap();
        assert_eq!((row.set_aside[0].2.field.as_str(), &row.set_aside[0].3), ("city", &Met::default()));
    }
}
