//! `/reports/v1`: what is counted when it is asked for.

use axum::Json;
use axum::extract::{Path, State};
use fieldsync::core::protocol::{Envelope, Problem, ProblemCode, ReportAnswer};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::SignedIn;
use crate::db::Role;
use crate::error::AppError;
use crate::state::{Access, AppState};
use crate::sync::{Sender, reports};

/// The routes below `/reports/v1`.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(report))
}

/// A report over what the user may see: `pipeline`, `visits`, `team`; and for managers `merges`.
#[utoipa::path(get, path = "/{name}", tag = "reports",
    params(
        ("fieldsync-user" = String, Header, description = "The user's id"),
        ("name" = String, Path, description = "pipeline, visits, team, or merges"),
    ),
    responses(
        (status = 200, body = Envelope<ReportAnswer>),
        (status = 401, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 403, body = Envelope<Problem>, content_type = "application/problem+json"),
        (status = 404, body = Envelope<Problem>, content_type = "application/problem+json"),
    ))]
async fn report(
    State(state): State<AppState>,
    SignedIn(user): SignedIn,
    Path(name): Path<String>,
) -> Result<Json<Envelope<ReportAnswer>>, AppError> {
    let (wanted, merges) = (name.clone(), state.metrics().merges());
    let rule = move |tx: &mut dyn crate::db::Tx, context: &crate::sync::Context<'_>| {
        Ok(match wanted.as_str() {
            "pipeline" => Ok(reports::pipeline(tx, context)?),
            "visits" => Ok(reports::visits(tx, context)?),
            "team" => Ok(reports::team(context)),
            "merges" if context.user.role == Role::Manager => Ok(merges),
            "merges" => Err(ProblemCode::Forbidden),
            _ => Err(ProblemCode::NotFound),
        })
    };
    let data: Result<Value, ProblemCode> = state.with_rules(Access::Read, user, Sender::default(), rule).await?;
    let data = data.map_err(|code| AppError::of(code, ""))?;
    Ok(Json(state.envelope(Some(user), ReportAnswer { name, data })))
}
