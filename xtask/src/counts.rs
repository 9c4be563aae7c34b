//! Reads how many tests passed and failed from what a part printed.

use std::ops::AddAssign;

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Held.
    pub passed: u64,
    /// Did not.
    pub failed: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Counts {
    /// A part that is one test by itself.
    pub fn one(passed: bool) -> Self {
        Self { passed: u64::from(passed), failed: u64::from(!passed) }
    }

    /// A program that fails without a failed test (it did not compile, it crashed) is one failure.
    pub fn unless(mut self, failed: bool) -> Self {
        if failed && self.failed == 0 {
            self.failed = 1;
        }
        self
    }

    /// Sums cargo's lines `test result: ok. 3 passed; 1 failed; …`, which wasm-bindgen's runner and the stories print, too.
    pub fn from_cargo(text: &str) -> Self {
        let mut counts = Self::default();
        for line in text.lines() {
            let Some((_, results)) = line.split_once("test result: ") else { continue };
            for part in results.split(['.', ';']) {
                let mut words = part.split_whitespace();
                let (Some(number), Some(what)) = (words.next().and_then(|word| word.parse::<u64>().ok()), words.next()) else {
                    continue;
                };
                match what {
                    "passed" => counts.passed += number,
                    "failed" => counts.failed += number,
                    _ => {}
                }
            }
        }
        counts
    }

    /// Sums the lines `# pass 3` and `# fail 1` of `node --test --test-reporter=tap`.
    pub fn from_tap(text: &str) -> Self {
        let sum = |prefix: &str| text.lines().filter_map(|line| line.strip_prefix(prefix)?.trim().parse::<u64>().ok()).sum();
        Self { passed: sum("# pass "), failed: sum("# fail ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_s_lines_are_summed() {
        let text = "running 2 tests\ntest a ... ok\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; \
                    finished in 0.01s\n\ntest result: FAILED. 40 passed; 3 failed; 0 ignored\n";
        assert_eq!(Counts::from_cargo(text), Counts { passed: 42, failed: 3 });
        assert_eq!(Counts::from_cargo("nothing"), Counts::default());
    }

    #[test]
    fn tap_is_summed() {
        assert_eq!(Counts::from_tap("ok 1\n# tests 4\n# pass 3\n# fail 1\n"), Counts { passed: 3, failed: 1 });
    }

    #[test]
    fn a_crash_without_a_failed_test_is_a_failure() {
        assert_eq!(Counts { passed: 3, failed: 0 }.unless(true), Counts { passed: 3, failed: 1 });
        assert_eq!(Counts { passed: 3, failed: 2 }.unless(true), Counts { passed: 3, failed: 2 });
        assert_eq!(Counts { passed: 3, failed: 0 }.unless(false), Counts { passed: 3, failed: 0 });
    }
}
