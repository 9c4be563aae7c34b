//! Passwords, with Argon2's recommended parameters.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};

/// Longest password that is looked at, in bytes.
const PASSWORD_BYTES_MAX: usize = 1024;

/// What an unknown user's password is compared with, so that it takes as long as a known one's.
static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody has this password").unwrap_or_default());

/// The hash to keep. Slow on purpose.
///
/// # Errors
/// If the machine gives no random salt.
pub fn hash(password: &str) -> Result<String, argon2::password_hash::Error> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

/// Whether it is the password of this hash; `None` takes as long, and is no. Slow on purpose.
#[must_use]
pub fn verify(password: &str, hash: Option<&str>) -> bool {
    let known = hash.is_some();
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(&NOBODY)) else { return false };
    let right = password.len() <= PASSWORD_BYTES_MAX && Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    known && right
}
