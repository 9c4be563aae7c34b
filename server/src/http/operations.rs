//! What operators and tests ask.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use crate::db::DbError;
use crate::error::AppError;
use crate::metrics::Counter;
use crate::state::{Access, AppState};

/// Whether the server can do its work: it reads its database to know.
pub async fn health(State(state): State<AppState>) -> Result<Json<Value>, AppError> {
    let head = state.with_db(Access::Read, |tx| -> Result<_, DbError> { tx.head() }).await?;
    Ok(Json(json!({ "status": "ok", "seq": head })))
}

/// What was counted.
pub async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], state.metrics().render())
}

/// The description of the API.
pub async fn openapi(document: String) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], document)
}

/// For tests: how many pushes came, and how many parcels in them were answered.
pub async fn pushes(State(state): State<AppState>) -> Json<Value> {
    let outcomes = ["applied", "known", "conflict", "rejected", "retry", "blocked", "voided"];
    let parcels: u64 = outcomes.iter().map(|outcome| state.metrics().get(Counter::Parcels, outcome)).sum();
    Json(json!({ "pushes": state.metrics().get(Counter::Pushes, ""), "parcels": parcels }))
}
