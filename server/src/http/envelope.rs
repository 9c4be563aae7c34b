//! What every answer of the API carries, also one that no handler made: the server's time and epoch, and the user. A
//! client takes nothing else for ours.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fieldsync::core::protocol::Problem;
use fieldsync::core::record::UserId;

use super::is_api;
use crate::auth::access_token::Bearer;
use crate::error::problem_of;
use crate::metrics::Counter;
use crate::state::AppState;

/// What the token says that came with the request, if any did that is good.
#[derive(Clone, Copy, Debug)]
pub struct Caller(pub Option<Bearer>);

/// Finds out who calls, and makes an envelope of every failure.
pub async fn envelope(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let api = is_api(request.uri().path());
    let caller = Caller(bearer(&state, request.headers()));
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    state.metrics().add(Counter::Answers, response.status().as_str(), 1);
    if !api {
        return response;
    }
    if !response.status().is_success() && response.status() != StatusCode::NOT_MODIFIED {
        response = wrapped(&state, caller.0.map(|caller| caller.user), response);
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

fn bearer(state: &AppState, headers: &HeaderMap) -> Option<Bearer> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { state.signer().read(token.trim(), state.now()) } else { None }
}

fn wrapped(state: &AppState, user: Option<UserId>, response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    let problem = parts.extensions.remove::<Problem>().unwrap_or_else(|| problem_of(parts.status));
    let retry_after = problem.retry_after;
    let mut wrapped = Json(state.envelope(user, problem)).into_response();
    *wrapped.status_mut() = parts.status;
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = retry_after {
        parts.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    *wrapped.headers_mut() = parts.headers;
    wrapped
}
