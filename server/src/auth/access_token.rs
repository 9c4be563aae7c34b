//! Access tokens: short, signed, kept by the app in memory only.

use fieldsync::core::record::{Millis, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who bears a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The user.
    pub user: UserId,
    /// The browser that it was given to, if that has a device cookie.
    pub browser: Option<Uuid>,
}

/// Makes and checks tokens.
pub struct Signer {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    /// The browser's id, from the device cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dev: Option<Uuid>,
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

    /// A token of this user, in this browser.
    ///
    /// # Errors
    /// Never, with a key of the right kind.
    pub fn sign(&self, bearer: Bearer, expires_at: Millis) -> jsonwebtoken::errors::Result<String> {
        let claims = Claims { sub: bearer.user, dev: bearer.browser, exp: expires_at.0 };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
    }

    /// Whose token it is, if it is ours and not expired.
    #[must_use]
    pub fn read(&self, token: &str, now: Millis) -> Option<Bearer> {
        let claims = decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        (Millis(claims.exp) > now).then_some(Bearer { user: claims.sub, browser: claims.dev })
    }
}
