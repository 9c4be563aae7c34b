//! The next delay from the attempt, chance and Retry-After. A pure function; every limit has a name.

use crate::mutation::{self, Mutation};

/// The first delay.
pub const DELAY_MS_MIN: i64 = 1_000;
/// No delay of the cycle is longer, jitter included.
pub const DELAY_MS_MAX: i64 = 60_000;
/// No delay of a single parcel is longer.
pub const PARCEL_DELAY_MS_MAX: i64 = 3_600_000;
/// Of a server's own "wait so long", no more is believed.
pub const RETRY_AFTER_MS_MAX: i64 = 3_600_000;
/// After so many failures in a row the timer takes over.
pub const ATTEMPTS_MAX: u32 = 7;
/// The timer.
pub const TIMER_MS: i64 = 300_000;
/// Jitter is at most this part of the delay, either way.
const JITTER_PERCENT: i64 = 30;

/// How long to wait after the `attempt`-th failure in a row (1, 2, 3 …), with 64 random bits.
#[must_use]
pub fn delay_ms(attempt: u32, random: u64, cap_ms: i64) -> i64 {
    let doubled = DELAY_MS_MIN.saturating_mul(1_i64.checked_shl(attempt.saturating_sub(1).min(40)).unwrap_or(i64::MAX));
    let delay = doubled.min(cap_ms);
    let width = delay * JITTER_PERCENT / 100;
    // The bits are spread over -width ..= width; 2·width + 1 is at least 1 and fits.
    let offset = i64::try_from(random % (2 * width.unsigned_abs() + 1)).unwrap_or(0) - width;
    (delay + offset).clamp(DELAY_MS_MIN * (100 - JITTER_PERCENT) / 100, cap_ms)
}

/// The cycle's next delay: the backoff or the timer, and not before the server's own word.
#[must_use]
pub fn cycle_delay_ms(attempt: u32, random: u64, retry_after_ms: Option<i64>) -> i64 {
    let delay = if attempt > ATTEMPTS_MAX { TIMER_MS } else { delay_ms(attempt, random, DELAY_MS_MAX) };
    delay.max(believed_ms(retry_after_ms.unwrap_or(0)))
}

/// What is believed of a server's own "wait so long".
#[must_use]
pub fn believed_ms(retry_after_ms: i64) -> i64 {
    if mutation::is(Mutation::WaitBelieved) { retry_after_ms } else { retry_after_ms.clamp(0, RETRY_AFTER_MS_MAX) }
}

/// 64 more bits from a seed: SplitMix64 (Steele, Lea, Flood 2014).
#[must_use]
pub fn bits(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_delay_never_exceeds_its_cap_and_is_near_its_doubling(attempt in 1u32..200, random: u64) {
            let delay = delay_ms(attempt, random, DELAY_MS_MAX);
            let plain = (DELAY_MS_MIN << (attempt - 1).min(20)).min(DELAY_MS_MAX);
            prop_assert!(delay <= DELAY_MS_MAX);
            prop_assert!(delay * 100 >= plain * 70 - 100 && delay * 100 <= plain * 130);
        }

        #[test]
        fn the_server_s_word_is_kept_up_to_an_hour(attempt in 1u32..20, random: u64, after in -5i64..100_000_000) {
            let delay = cycle_delay_ms(attempt, random, Some(after));
            prop_assert!(delay >= after.min(RETRY_AFTER_MS_MAX));
            prop_assert!(delay <= RETRY_AFTER_MS_MAX);
        }
    }

    #[test]
    fn after_seven_failures_the_timer_takes_over() {
        assert!(cycle_delay_ms(7, 0, None) <= DELAY_MS_MAX);
        assert_eq!(cycle_delay_ms(8, 0, None), TIMER_MS);
    }

    #[test]
    fn jitter_spreads() {
        let delays: std::collections::BTreeSet<i64> = (0..50).map(|n| delay_ms(3, bits(7, n), DELAY_MS_MAX)).collect();
        assert!(delays.len() > 40);
    }
}
