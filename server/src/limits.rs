//! Who asks too often. Keys that nobody uses any more are forgotten, so that made-up names cannot fill the memory.

use std::hash::Hash;
use std::num::NonZeroU32;

use fieldsync::core::protocol::{Problem, ProblemCode};
use fieldsync::core::record::UserId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::Config;
use crate::error::AppError;

/// Keys that are remembered before unused ones are swept.
const KEYS_MAX: usize = 10_000;
/// Longest part of a name that is a key, in characters.
const NAME_CHARS_MAX: usize = 64;
/// Which part of a minute's requests may come at once.
const BURST_PART: u32 = 10;

/// The server's rate limits.
pub struct Limits {
    requests: DefaultKeyedRateLimiter<UserId>,
    sign_ins: DefaultKeyedRateLimiter<String>,
}

impl Limits {
    /// As the operator decided.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let requests = at_least_one(config.requests_per_minute);
        let burst = at_least_one(config.requests_per_minute / BURST_PART);
        let sign_ins = at_least_one(config.sign_ins_per_minute);
        Self {
            requests: RateLimiter::keyed(Quota::per_minute(requests).allow_burst(burst)),
            sign_ins: RateLimiter::keyed(Quota::per_minute(sign_ins)),
        }
    }

    /// Counts a request of this user.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn check_request(&self, user: UserId) -> Result<(), AppError> {
        check(&self.requests, &user)
    }

    /// Counts an attempt to sign in with this name.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn check_sign_in(&self, username: &str) -> Result<(), AppError> {
        check(&self.sign_ins, &username.trim().to_lowercase().chars().take(NAME_CHARS_MAX).collect())
    }
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

fn check<K: Hash + Eq + Clone>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), AppError> {
    if limiter.len() > KEYS_MAX {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now());
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        AppError::Problem(Box::new(Problem::new(ProblemCode::TooMany, "").after(seconds)))
    })
}
