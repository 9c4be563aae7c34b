//! How long history is kept: 500 confirmations or 30 days of them, whichever is more; what was discarded, resolved or set
//! aside, 90 days.

use super::record::Millis;
use super::rows::{End, HistoryRow};

/// So many rows are kept, whatever their age.
pub const ROWS_KEPT_MIN: usize = 500;
/// Confirmations are kept this long.
pub const CONFIRMED_MS: i64 = 30 * DAY_MS;
/// What a person may want back is kept this long.
pub const WANTED_MS: i64 = 90 * DAY_MS;
/// At most so many rows are looked at in one go.
pub const ROWS_READ_MAX: u32 = 5_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The highest key that may go, if any. `rows` are all that is left, ascending. Only a beginning goes: the floor is one key.
#[must_use]
pub fn prunable(rows: &[HistoryRow], now: Millis) -> Option<u64> {
    let spare = rows.len().saturating_sub(ROWS_KEPT_MIN);
    let old = rows[..spare].iter().take_while(|row| {
        let wanted = !row.set_aside.is_empty() || row.ended.iter().any(|ended| ended.end != End::Confirmed);
        now.since(row.at) > if wanted { WANTED_MS } else { CONFIRMED_MS }
    });
    old.last().map(|row| row.key)
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
        rows[9].set_aside.push((
            "customers".into(),
            super::super::record::RecordId::new(Millis(1), [0, 0]),
            crate::core::protocol::SetAside { field: "phone".into(), value: serde_json::Value::Null, mine: true },
        ));
        assert_eq!(prunable(&rows, Millis(100 * DAY_MS)), Some(9));
        assert_eq!(prunable(&rows, Millis(151 * DAY_MS)), Some(100));
    }
}
