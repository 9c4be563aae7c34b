//! Access tokens: short, signed, kept by the app in memory only.

use fieldsync::core::record::{Millis, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

/// Makes and checks tokens.
pub struct Signer {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    /// Milliseconds, so that tests can have tokens of less than a second. Nobody else reads these tokens.
    exp: i64,
}

impl Signer {
    /// With this secret.
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // By the server's clock, which tests turn; see `read`.
        validation.validate_exp = false;
        Self { encoding: EncodingKey::from_secret(key), decoding: DecodingKey::from_secret(key), validation }
    }

    /// A token of this user.
    ///
    /// # Errors
    /// Never, with a key of the right kind.
    pub fn sign(&self, user: UserId, expires_at: Millis) -> jsonwebtoken::errors::Result<String> {
        encode(&Header::new(Algorithm::HS256), &Claims { sub: user, exp: expires_at.0 }, &self.encoding)
    }

    /// Whose token it is, if it is ours and not expired.
    #[must_use]
    pub fn read(&self, token: &str, now: Millis) -> Option<UserId> {
        let claims = decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        (Millis(claims.exp) > now).then_some(claims.sub)
    }
}
