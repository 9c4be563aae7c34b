//! What handlers take out of a request, and the errors if it is not there.

use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ORIGIN};
use axum::http::request::Parts;
use axum::response::IntoResponse;
use fieldsync::core::protocol::{ProblemCode, USER_HEADER};
use fieldsync::core::record::UserId;
use serde::de::DeserializeOwned;

use super::envelope::Caller;
use crate::error::AppError;
use crate::state::AppState;
use crate::sync::Sender;

/// A body of JSON.
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for ApiJson<T> {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, AppError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(AppError::of(ProblemCode::Unsupported, "Send application/json."));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            match rejection.into_response().status() {
                StatusCode::PAYLOAD_TOO_LARGE => AppError::of(ProblemCode::TooLarge, "The request is too large."),
                // A body that ends early or is no gzip.
                _ => AppError::of(ProblemCode::Malformed, "The body cannot be read."),
            }
        })?;
        let parsed = serde_json::from_slice(&bytes);
        parsed.map(Self).map_err(|error| AppError::of(ProblemCode::Malformed, &format!("The body is not as expected: {error}")))
    }
}

/// Parameters of the address.
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<AppState> for ApiQuery<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, AppError> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|error| AppError::of(ProblemCode::Malformed, &error.body_text()))
    }
}

/// Who calls: the token's user, whom the request names, too. A worker of another user on the same phone is told apart
/// by that.
pub struct SignedIn(pub UserId);

impl FromRequestParts<AppState> for SignedIn {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, AppError> {
        let caller = parts.extensions.get::<Caller>().and_then(|caller| caller.0);
        let user = caller.map(|caller| caller.user).ok_or_else(AppError::signed_out)?;
        let named = parts.headers.get(USER_HEADER).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
        if named != Some(user) {
            return Err(AppError::of(ProblemCode::WrongUser, ""));
        }
        state.limits().check_request(user)?;
        Ok(Self(user))
    }
}

/// The browser that a request comes from: by its access token, and by the origin that it says.
pub struct Browser(pub Sender);

impl FromRequestParts<AppState> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        let browser = parts.extensions.get::<Caller>().and_then(|caller| caller.0).and_then(|caller| caller.browser);
        let origin = parts.headers.get(ORIGIN).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Self(Sender { device: None, browser, origin }))
    }
}
