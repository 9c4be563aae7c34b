//! Chance from a seed: SplitMix64, the same generator that the core spreads its seeds with.

use fieldsync::core::backoff::bits;

/// A stream of chance.
#[derive(Clone, Debug)]
pub struct Random {
    seed: u64,
    next: u64,
}

impl Random {
    pub fn new(seed: u64, stream: u64) -> Self {
        Self { seed: bits(seed, stream), next: 0 }
    }

    pub fn bits(&mut self) -> u64 {
        self.next += 1;
        bits(self.seed, self.next)
    }

    /// A number below `limit`; 0 if the limit is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.bits() % limit as u64) as usize }
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.bits() % (high - low + 1).unsigned_abs()) as i64
    }

    pub fn percent(&mut self, chance: u64) -> bool {
        self.bits() % 100 < chance
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// An index, by weight.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut at = self.bits() % weights.iter().sum::<u64>().max(1);
        for (index, weight) in weights.iter().enumerate() {
            if at < *weight {
                return index;
            }
            at -= weight;
        }
        0
    }
}
