//! Signing in, on the wire.

use serde::{Deserialize, Serialize};

use super::record::{Millis, UserId};

/// `POST /auth/v1/token`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "grant", rename_all = "kebab-case")]
pub enum TokenRequest {
    /// Signs in; sets the refresh cookie.
    Password {
        /// The name to sign in with.
        username: String,
        /// The password.
        password: String,
    },
    /// Uses the refresh cookie and replaces it.
    Refresh,
}

/// The answer to [`TokenRequest`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenAnswer {
    /// For the `Authorization` header. Kept in memory only.
    pub access_token: String,
    /// When it stops being taken.
    pub expires_at: Millis,
    /// Who signed in.
    pub profile: Profile,
}

/// A user, as the app shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Profile {
    /// The user's id.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// The name to show.
    pub name: String,
    /// `rep` or `manager`.
    pub role: String,
    /// The team, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}
