//! How many parcels go at once: more while the server is quick, fewer while it struggles, one alone to find the change
//! that makes it fail.

use serde::{Deserialize, Serialize};

use super::push::{BATCH_PARCELS_MAX, BATCH_PARCELS_START};
use crate::mutation::{self, Mutation};

/// An answer quicker than this doubles the batch.
const QUICK_MS: i64 = 2_000;
/// One slower than this halves it.
const SLOW_MS: i64 = 8_000;
/// So many failures of a whole batch, while reads work, start the search for the one that makes it fail.
const FAILURES_MAX: u32 = 3;
/// The one is put by for this long.
pub const PUT_BY_MS: i64 = 3_600_000;

/// What to do after a whole batch failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// Back off: the server may be in trouble as a whole.
    Wait,
    /// Send less at once, now.
    Halve,
    /// The one parcel that was sent is the one: put it by, and go on.
    PutBy,
}

/// The size of a batch, and the search for a change that makes the server fail. Kept with the engine's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// How many parcels at most.
    pub count_max: usize,
    failures: u32,
}

impl Default for Batch {
    fn default() -> Self {
        Self { count_max: BATCH_PARCELS_START, failures: 0 }
    }
}

impl Batch {
    /// Whether it is looking for the one: then bodies go uncompressed.
    #[must_use]
    pub fn is_searching(&self) -> bool {
        self.failures >= FAILURES_MAX
    }

    /// The server answered a batch.
    pub fn answered(&mut self, took_ms: i64) {
        if self.is_searching() {
            return;
        }
        self.failures = 0;
        if took_ms < QUICK_MS {
            self.count_max = (self.count_max * 2).min(BATCH_PARCELS_MAX);
        } else if took_ms > SLOW_MS {
            self.count_max = (self.count_max / 2).max(1);
        }
    }

    /// No more than so many fitted a body: the next ones need not look at many more.
    pub fn filled(&mut self, sent: usize) {
        if !self.is_searching() {
            self.count_max = self.count_max.min(sent + sent / 8 + 1);
        }
    }

    /// Our server failed on a batch of so many, and reads work.
    pub fn failed(&mut self, sent: usize) -> AfterFailure {
        self.failures += 1;
        if !self.is_searching() || mutation::is(Mutation::NeverHalved) {
            return AfterFailure::Wait;
        }
        self.halve(sent)
    }

    /// The server found a batch of so many too large.
    pub fn too_large(&mut self, sent: usize) -> AfterFailure {
        self.halve(sent)
    }

    fn halve(&mut self, sent: usize) -> AfterFailure {
        if sent <= 1 {
            *self = Self::default();
            return AfterFailure::PutBy;
        }
        self.count_max = sent / 2;
        AfterFailure::Halve
    }

    /// Nothing is left to send: whatever was searched for is not there any more.
    pub fn emptied(&mut self) {
        self.failures = 0;
        self.count_max = self.count_max.max(BATCH_PARCELS_START);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Wherever one bad parcel stands among n, it is put by alone, and within a bounded number of requests.
        #[test]
        fn one_bad_parcel_is_found(n in 1usize..1_500, bad in 0usize..1_500) {
            let bad = bad % n;
            let mut left: Vec<usize> = (0..n).collect();
            let (mut batch, mut put_by, mut requests) = (Batch::default(), None, 0);
            while !left.is_empty() {
                requests += 1;
                prop_assert!(requests < 2_000, "never ends");
                let sent: Vec<usize> = left.iter().copied().take(batch.count_max).collect();
                if !sent.contains(&bad) {
                    left.drain(..sent.len());
                    batch.answered(100);
                } else if batch.failed(sent.len()) == AfterFailure::PutBy {
                    prop_assert_eq!(&sent, &vec![bad]);
                    put_by = Some(bad);
                    left.remove(0);
                }
            }
            prop_assert_eq!(put_by, Some(bad));
        }

        #[test]
        fn a_batch_stays_within_its_limits(times in proptest::collection::vec(0i64..20_000, 0..50)) {
            let mut batch = Batch::default();
            for took_ms in times {
                batch.answered(took_ms);
                prop_assert!((1..=BATCH_PARCELS_MAX).contains(&batch.count_max));
            }
        }
    }
}
