//! How far a snapshot is, and how long the rest will take.

use serde::Serialize;

/// The first sync needs so long before its pace says when it will be done.
const PACE_MS_MIN: i64 = 1_000;

/// How long the rest will take, at the pace of `elapsed_ms` for what came since `from` records were here.
#[must_use]
pub fn left_ms(elapsed_ms: i64, from: u64, done: u64, total: u64) -> Option<u64> {
    let elapsed_ms = u64::try_from(elapsed_ms).ok().filter(|elapsed_ms| *elapsed_ms >= PACE_MS_MIN.unsigned_abs())?;
    let came = done.checked_sub(from).filter(|came| *came > 0)?;
    Some(total.saturating_sub(done).saturating_mul(elapsed_ms) / came)
}

/// Of the first sync, or of what was added to the selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Records so far.
    pub done: u64,
    /// Of so many.
    pub total: u64,
    /// Bytes so far.
    pub bytes: u64,
    /// How long the rest will take, as far as that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_ms: Option<u64>,
    /// The user has stopped it for now.
    pub paused: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_as_its_pace_says() {
        assert_eq!(left_ms(2_000, 1_000, 3_000, 10_000), Some(7_000));
        assert_eq!(left_ms(2_000, 3_000, 3_000, 10_000), None, "nothing came yet");
        assert_eq!(left_ms(999, 0, 3_000, 10_000), None, "too early to tell");
        assert_eq!(left_ms(-5, 0, 3_000, 10_000), None, "a clock that was set back");
        assert_eq!(left_ms(2_000, 0, 12_000, 10_000), Some(0));
    }
}
