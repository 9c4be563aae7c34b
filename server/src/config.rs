//! What an operator decides. Everything else is a constant beside what it limits.

use std::path::PathBuf;

/// How long an access token is taken, in seconds.
pub const ACCESS_TOKEN_SECS: u32 = 600;
/// Requests that a user may make, a minute; a tenth of it at once.
pub const REQUESTS_PER_MINUTE: u32 = 3_000;
/// Sign-ins that may be tried with one name, a minute.
pub const SIGN_INS_PER_MINUTE: u32 = 30;

/// How this server behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The lowest schema number that is still taken.
    pub schema_min: u32,
    /// How long an access token is taken, in seconds.
    pub access_token_secs: u32,
    /// Requests that a user may make, a minute.
    pub requests_per_minute: u32,
    /// Sign-ins that may be tried with one name, a minute.
    pub sign_ins_per_minute: u32,
    /// Origins beside the server's own that may call it from a page.
    pub origins: Vec<String>,
    /// The folder of the built app, if the server serves it.
    pub app: Option<PathBuf>,
    /// Whether tests may make the server fail. Never on a server that people use.
    pub test_hooks: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            schema_min: 1,
            access_token_secs: ACCESS_TOKEN_SECS,
            requests_per_minute: REQUESTS_PER_MINUTE,
            sign_ins_per_minute: SIGN_INS_PER_MINUTE,
            origins: Vec::new(),
            app: None,
            test_hooks: false,
        }
    }
}
