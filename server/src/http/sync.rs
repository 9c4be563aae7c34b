//! `/sync/v1`: each handler runs one rule of [`crate::sync`] in one transaction.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use fieldsync::core::protocol::{
    ChangesPage, ChangesRequest, CountAnswer, CountRequest, Envelope, Outcome, Problem, PushAnswer, PushRequest, PushResult,
    SnapshotPage, SnapshotRequest, VoidRequest,
};
use fieldsync::core::record::{Epoch, UserId};
use fieldsync::core::schema::Schema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{ApiJson, ApiQuery, Browser, SignedIn};
use crate::db::Tx;
use crate::error::AppError;
use crate::metrics::{Counter, Metrics};
use crate::state::{Access, AppState};
use crate::sync::push::{Apart, Pushed, push as push_in};
use crate::sync::{self, Sender, SyncError};

/// The routes below `/sync/v1`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(snapshot))
        .routes(routes!(changes))
        .routes(routes!(counts))
        .routes(routes!(void))
        .routes(routes!(schema))
}

/// And those of them that take parcels.
pub fn push_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(push)).routes(routes!(preview))
}

type Answer<T> = Result<Json<Envelope<T>>, AppError>;

/// A page of what the user may see.
#[utoipa::path(get, path = "/snapshot", tag = "sync",
    params(
        ("fieldsync-user" = String, Header, description = "The user's id"),
        ("collections" = String, Query, description = "Wanted collections, separated by commas"),
        ("schema" = u32, Query, description = "The client's schema number"),
        ("limit" = u32, Query, description = "Most entries wanted"),
        ("after" = Option<String>, Query, description = "The last record already had: collection/id"),
        ("before" = Option<String>, Query, description = "Stop before this record: collection/id"),
        ("watermark" = Option<String>, Query, description = "The watermark of the first page"),
        ("mark" = Option<String>, Query, description = "The newest commit that a page had, if it is behind the watermark"),
        ("scope" = Option<String>, Query, description = "Absent or `all`: everything this user may see; else `activities:since=1790000000000;customers:mine`"),
    ),
    responses(
        (status = 200, body = Envelope<SnapshotPage>),
        (status = 400, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 401, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 410, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 426, body = Envelope<Problem>, content_type = "application/problem+json"),
    ))]
async fn snapshot(
    State(state): State<AppState>,
    SignedIn(user): SignedIn,
    ApiQuery(request): ApiQuery<SnapshotRequest>,
) -> Answer<SnapshotPage> {
    state.metrics().add(Counter::Snapshots, "", 1);
    let page = state
        .with_rules(Access::Read, user, Sender::default(), move |tx, context| sync::snapshot::snapshot(tx, context, &request));
    let page = page.await?;
    Ok(Json(state.envelope(Some(user), page)))
}

/// What changed since a cursor.
#[utoipa::path(get, path = "/changes", tag = "sync",
    params(
        ("fieldsync-user" = String, Header, description = "The user's id"),
        ("cursor" = String, Query, description = "From where"),
        ("schema" = u32, Query, description = "The client's schema number"),
        ("limit" = u32, Query, description = "Most entries wanted; a commit is never cut"),
        ("mark" = Option<String>, Query, description = "The newest commit that answered a push, if the cursor may be before it"),
        ("collections" = Option<String>, Query, description = "Of the cursor's collections those that are still wanted; absent: all"),
        ("scope" = Option<String>, Query, description = "What of them, if it is less than the cursor has"),
    ),
    responses(
        (status = 200, body = Envelope<ChangesPage>),
        (status = 400, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 401, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 410, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 426, body = Envelope<Problem>, content_type = "application/problem+json"),
    ))]
async fn changes(
    State(state): State<AppState>,
    SignedIn(user): SignedIn,
    ApiQuery(request): ApiQuery<ChangesRequest>,
) -> Answer<ChangesPage> {
    state.metrics().add(Counter::Pulls, "", 1);
    let page =
        state.with_rules(Access::Read, user, Sender::default(), move |tx, context| sync::feed::changes(tx, context, &request));
    let page = page.await?;
    state.metrics().add(Counter::Syncs, "", u64::from(!page.has_more));
    Ok(Json(state.envelope(Some(user), page)))
}

/// How much a selection would be.
#[utoipa::path(get, path = "/counts", tag = "sync",
    params(
        ("fieldsync-user" = String, Header, description = "The user's id"),
        ("collections" = String, Query, description = "Collections, separated by commas"),
        ("schema" = u32, Query, description = "The client's schema number"),
        ("scope" = Option<String>, Query, description = "What of them; absent: everything this user may see"),
    ),
    responses(
        (status = 200, body = Envelope<CountAnswer>),
        (status = 400, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 401, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 426, body = Envelope<Problem>, content_type = "application/problem+json"),
    ))]
async fn counts(
    State(state): State<AppState>,
    SignedIn(user): SignedIn,
    ApiQuery(request): ApiQuery<CountRequest>,
) -> Answer<CountAnswer> {
    let rule = move |tx: &mut dyn Tx, context: &sync::Context<'_>| sync::snapshot::counts(tx, context, &request);
    let answer = state.with_rules(Access::Read, user, Sender::default(), rule).await?;
    Ok(Json(state.envelope(Some(user), answer)))
}

/// Applies parcels, each once for ever.
#[utoipa::path(post, path = "/push", tag = "sync", request_body = PushRequest,
    params(("fieldsync-user" = String, Header, description = "The user's id")),
    responses(
        (status = 200, body = Envelope<PushAnswer>),
        (status = 400, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 401, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 410, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 413, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 415, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 426, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 429, body = Envelope<Problem>, content_type = "application/problem+json"),
    ))]
async fn push(
    State(state): State<AppState>,
    SignedIn(user): SignedIn,
    Browser(sender): Browser,
    ApiJson(request): ApiJson<PushRequest>,
) -> Answer<PushAnswer> {
    let (device, parcels) = (request.device, request.parcels.len());
    let set_aside = request.parcels.iter().flat_map(|parcel| parcel.items.iter()).map(|item| item.set_aside.len() as u64).sum();
    state.metrics().add(Counter::Pushes, "", 1);
    let Pushed { answer, conflicts, merges } = run_push(&state, Access::Write, user, sender, request).await?;
    state.metrics().add(Counter::SetAside, "", set_aside);
    state.metrics().add(Counter::PutToAPerson, "", conflicts);
    state.metrics().add(Counter::Merged, "", merges);
    let outcomes = count(state.metrics(), &answer);
    let lost: u64 = answer.lost.iter().map(|lost| lost.changes).sum();
    tracing::info!(%user, %device, parcels, outcomes, lost, "push");
    Ok(Json(state.envelope(Some(user), answer)))
}

/// What a push would do now. Nothing is kept.
#[utoipa::path(post, path = "/preview", tag = "sync", request_body = PushRequest,
    params(("fieldsync-user" = String, Header, description = "The user's id")),
    responses(
        (status = 200, body = Envelope<PushAnswer>),
        (status = 401, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 410, body = Envelope<Problem>, content_type = "application/problem+json"),
    ))]
async fn preview(
    State(state): State<AppState>,
    SignedIn(user): SignedIn,
    Browser(sender): Browser,
    ApiJson(request): ApiJson<PushRequest>,
) -> Answer<PushAnswer> {
    let Pushed { answer, .. } = run_push(&state, Access::Preview, user, sender, request).await?;
    Ok(Json(state.envelope(Some(user), answer)))
}

async fn run_push(
    state: &AppState,
    access: Access,
    user: UserId,
    sender: Sender,
    request: PushRequest,
) -> Result<Pushed, AppError> {
    is_for_us(state, request.server_epoch)?;
    let sender = Sender { device: Some(request.device), ..sender };
    let request = Arc::new(request);
    match push_apart(state, access, user, sender.clone(), request.clone(), Apart::Groups).await {
        // Nothing of it was kept. One bad parcel is not to touch the others, so it is found by doing all of it again.
        Err(AppError::Sync(SyncError::Torn)) => push_apart(state, access, user, sender, request, Apart::Each).await,
        done => done,
    }
}

async fn push_apart(
    state: &AppState,
    access: Access,
    user: UserId,
    sender: Sender,
    request: Arc<PushRequest>,
    apart: Apart,
) -> Result<Pushed, AppError> {
    let rule = move |tx: &mut dyn Tx, context: &sync::Context<'_>| push_in(tx, context, &mut rand::random, apart, &request);
    state.with_rules(access, user, sender, rule).await
}

/// Refuses what is meant for the server that had this address before.
fn is_for_us(state: &AppState, server_epoch: Option<Epoch>) -> Result<(), AppError> {
    if server_epoch.is_some_and(|epoch| epoch != state.epoch()) {
        return Err(SyncError::CursorUnknown.into());
    }
    Ok(())
}

/// Counts the outcomes, and says them in one line.
fn count(metrics: &Metrics, answer: &PushAnswer) -> String {
    let mut counts = std::collections::BTreeMap::new();
    for result in &answer.results {
        let name = match &result.outcome {
            Outcome::Applied { .. } => "applied",
            Outcome::Known { .. } => "known",
            Outcome::Conflict { theirs } => {
                metrics.add(Counter::Conflicts, "", theirs.len() as u64);
                "conflict"
            }
            Outcome::Rejected { .. } => "rejected",
            Outcome::Retry { .. } => "retry",
            Outcome::Blocked { .. } => "blocked",
            Outcome::Voided => "voided",
        };
        metrics.add(Counter::Parcels, name, 1);
        *counts.entry(name).or_insert(0) += 1;
    }
    counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}

/// A parcel is not to be applied, unless it was.
#[utoipa::path(post, path = "/void", tag = "sync", request_body = VoidRequest,
    params(("fieldsync-user" = String, Header, description = "The user's id")),
    responses(
        (status = 200, body = Envelope<PushResult>),
        (status = 401, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 410, body = Envelope<Problem>, content_type = "application/problem+json"),
    ))]
async fn void(
    State(state): State<AppState>,
    SignedIn(user): SignedIn,
    ApiJson(request): ApiJson<VoidRequest>,
) -> Answer<PushResult> {
    is_for_us(&state, request.server_epoch)?;
    let result =
        state.with_rules(Access::Write, user, Sender::default(), move |tx, context| sync::void::void(tx, context, &request));
    let result = result.await?;
    Ok(Json(state.envelope(Some(user), result)))
}

/// Collections, fields, policies, priorities and rules. Holds nobody's data, and is wanted before anybody signs in.
#[utoipa::path(get, path = "/schema", tag = "sync",
    responses(
        (status = 200, body = Envelope<Schema>),
        (status = 304, description = "As the ETag says"),
    ))]
async fn schema(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let etag = [(ETAG, state.schema_etag().to_owned())];
    if headers.get(IF_NONE_MATCH).is_some_and(|sent| sent.as_bytes() == state.schema_etag().as_bytes()) {
        return (StatusCode::NOT_MODIFIED, etag).into_response();
    }
    (etag, Json(state.envelope(None, state.schema()))).into_response()
}
