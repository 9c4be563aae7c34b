//! `/auth/v1`: the only path that takes a cookie.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse};
use fieldsync::core::protocol::{Envelope, Problem, ProblemCode, Profile, TokenAnswer, TokenRequest};
use fieldsync::core::record::UserId;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::access_token::Bearer;
use super::{cookie, password, refresh};
use crate::db::{DbError, User};
use crate::error::AppError;
use crate::http::extract::ApiJson;
use crate::metrics::Counter;
use crate::state::{Access, AppState};
use crate::sync::access::Directory;

/// The routes below `/auth/v1`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(token, sign_out)).routes(routes!(demo))
}

/// Signs in, or uses the refresh cookie and replaces it.
#[utoipa::path(post, path = "/token", tag = "auth", request_body = TokenRequest, responses(
    (status = 200, body = Envelope<TokenAnswer>, description = "Signed in; sets the refresh cookie and the device cookie"),
    (status = 401, body = Envelope<Problem>, content_type = "application/problem+json"),
    (status = 403, body = Envelope<Problem>, content_type = "application/problem+json"),
    (status = 429, body = Envelope<Problem>, content_type = "application/problem+json"),
))]
async fn token(
    State(state): State<AppState>,
    headers: HeaderMap,
    ApiJson(request): ApiJson<TokenRequest>,
) -> Result<impl IntoResponse, AppError> {
    let from = cookie::origin(&headers, &state.config().origins);
    let (user, refresh_token) = match request {
        TokenRequest::Password { username, password } => {
            if from == cookie::From::Unknown {
                return Err(AppError::of(ProblemCode::Forbidden, "This origin may not sign in here."));
            }
            sign_in(&state, &username, password).await?
        }
        TokenRequest::Refresh => {
            if from != cookie::From::Known {
                return Err(AppError::of(ProblemCode::Forbidden, "Only a page of a known origin may refresh."));
            }
            let sent = cookie::read(&headers).ok_or_else(AppError::signed_out)?;
            use_cookie(&state, sent).await?
        }
    };
    let browser = cookie::read_device(&headers).unwrap_or_else(|| Uuid::from_bytes(rand::random()));
    let id = user.id;
    let answer = state.envelope(Some(id), answer(&state, user, browser)?);
    // The device cookie is the same for as long as there is one; writing it again makes it last.
    let cookies = [cookie::write(&headers, &refresh_token), cookie::write_device(&headers, browser)];
    Ok((AppendHeaders(cookies.map(|cookie| (SET_COOKIE, cookie))), Json(answer)))
}

fn answer(state: &AppState, user: User, browser: Uuid) -> Result<TokenAnswer, AppError> {
    let expires_at = state.now().plus(i64::from(state.config().access_token_secs) * 1000);
    let bearer = Bearer { user: user.id, browser: Some(browser) };
    let access_token = state.signer().sign(bearer, expires_at).map_err(|error| AppError::Internal(error.to_string()))?;
    Ok(TokenAnswer { access_token, expires_at, profile: profile(user) })
}

fn profile(user: User) -> Profile {
    let User { id, username, name, role, team, .. } = user;
    Profile { id, username, name, role: role.name().to_owned(), team }
}

async fn sign_in(state: &AppState, username: &str, password: String) -> Result<(User, String), AppError> {
    state.limits().check_sign_in(username)?;
    let name = username.to_owned();
    let found = move |tx: &mut dyn crate::db::Tx| Ok::<_, DbError>(Directory::new(tx.users()?).by_username(&name).cloned());
    let user = state.with_db(Access::Read, found).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let right = tokio::task::spawn_blocking(move || password::verify(&password, hash.as_deref()));
    let right = right.await.map_err(|error| AppError::Internal(error.to_string()))?;
    let Some(user) = user.filter(|_| right) else {
        state.metrics().add(Counter::SignIns, "refused", 1);
        return Err(AppError::signed_out());
    };
    state.metrics().add(Counter::SignIns, "ok", 1);
    tracing::info!(user = %user.id, "signed in");
    let (id, now) = (user.id, state.now());
    let begin = move |tx: &mut dyn crate::db::Tx| refresh::begin(tx, id, now, rand::random(), Uuid::from_bytes(rand::random()));
    let refresh_token = state.with_db(Access::Write, begin).await?;
    Ok((user, refresh_token))
}

async fn use_cookie(state: &AppState, sent: String) -> Result<(User, String), AppError> {
    let now = state.now();
    let used = state.with_db(Access::Write, move |tx| -> Result<_, DbError> {
        let Some((id, successor)) = refresh::use_token(tx, &sent, now, rand::random())? else { return Ok(None) };
        Ok(Directory::new(tx.users()?).user(id).cloned().map(|user| (user, successor)))
    });
    used.await?.ok_or_else(AppError::signed_out)
}

/// Signs out: forgets the family of the refresh cookie, and clears the cookie.
#[utoipa::path(delete, path = "/token", tag = "auth", responses(
    (status = 200, body = Envelope<SignedOut>),
    (status = 403, body = Envelope<Problem>, content_type = "application/problem+json"),
))]
async fn sign_out(State(state): State<AppState>, headers: HeaderMap) -> Result<impl IntoResponse, AppError> {
    if cookie::origin(&headers, &state.config().origins) != cookie::From::Known {
        return Err(AppError::of(ProblemCode::Forbidden, "Only a page of a known origin may sign out."));
    }
    let mut user = None;
    if let Some(sent) = cookie::read(&headers) {
        user = state.with_db(Access::Write, move |tx| refresh::end(tx, &sent)).await?;
    }
    let answer = state.envelope(user, SignedOut { signed_out: true });
    Ok((AppendHeaders([(SET_COOKIE, cookie::write(&headers, ""))]), Json(answer)))
}

/// The answer to signing out.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignedOut {
    /// Always true: whoever had no session is signed out, too.
    pub signed_out: bool,
}

/// A user of a demo server, with the password: the page that signs in shows them.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DemoUser {
    /// The id.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// The name to show.
    pub name: String,
    /// `rep` or `manager`.
    pub role: String,
    /// The password.
    pub password: String,
}

/// The users of a demo server.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DemoUsers {
    /// Reps first.
    pub users: Vec<DemoUser>,
}

/// Who can sign in here, on a server that was made with demo data; any other answers 404.
#[utoipa::path(get, path = "/demo", tag = "auth", responses(
    (status = 200, body = Envelope<DemoUsers>),
    (status = 404, body = Envelope<Problem>, content_type = "application/problem+json"),
))]
async fn demo(State(state): State<AppState>) -> Result<Json<Envelope<DemoUsers>>, AppError> {
    let found = state.with_db(Access::Read, |tx| -> Result<_, DbError> {
        Ok(if tx.meta(crate::demo::META)?.is_some() { Some(tx.users()?) } else { None })
    });
    let users = found.await?.ok_or_else(|| AppError::of(ProblemCode::NotFound, ""))?;
    let users = crate::demo::people().into_iter().filter_map(|person| {
        let user = users.iter().find(|user| user.username == person.username)?;
        Some(DemoUser {
            id: user.id,
            username: user.username.clone(),
            name: user.name.clone(),
            role: user.role.name().to_owned(),
            password: crate::demo::PASSWORD.to_owned(),
        })
    });
    Ok(Json(state.envelope(None, DemoUsers { users: users.collect() })))
}
