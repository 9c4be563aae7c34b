//! One error for all handlers. What the client may know is a problem; the cause is logged and never shown.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use fieldsync::core::protocol::{Problem, ProblemCode};

use crate::db::DbError;
use crate::sync::SyncError;

/// Why there is no good answer.
#[derive(Debug)]
pub enum AppError {
    /// Something that the client can act on.
    Problem(Box<Problem>),
    /// The rules refused the request as a whole, or could not run.
    Sync(SyncError),
    /// The database failed.
    Db(DbError),
    /// Our own mistake.
    Internal(String),
}

impl AppError {
    /// A problem of this kind.
    #[must_use]
    pub fn of(code: ProblemCode, detail: &str) -> Self {
        Self::Problem(Box::new(Problem::new(code, detail)))
    }

    /// 401: no token, an expired one, a wrong password; one answer for all.
    #[must_use]
    pub fn signed_out() -> Self {
        Self::of(ProblemCode::SignedOut, "")
    }

    fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => *problem,
            Self::Sync(error) => {
                let problem = error.problem();
                if problem.code == ProblemCode::Internal {
                    tracing::error!(%error, "the request failed");
                }
                problem
            }
            Self::Db(error) => {
                tracing::error!(%error, "the database failed");
                Problem::new(ProblemCode::Internal, "")
            }
            Self::Internal(error) => {
                tracing::error!(%error, "the request failed");
                Problem::new(ProblemCode::Internal, "")
            }
        }
    }
}

impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<SyncError> for AppError {
    fn from(error: SyncError) -> Self {
        Self::Sync(error)
    }
}

impl IntoResponse for AppError {
    /// The status, and the problem as an extension: [`crate::http::envelope`] writes the body, as it knows the user.
    fn into_response(self) -> Response {
        let problem = self.into_problem();
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        response.extensions_mut().insert(problem);
        response
    }
}

/// The problem that a bare status stands for, when a layer and not a handler answered.
#[must_use]
pub fn problem_of(status: StatusCode) -> Problem {
    let code = match status.as_u16() {
        401 => ProblemCode::SignedOut,
        403 => ProblemCode::Forbidden,
        404 => ProblemCode::NotFound,
        408 | 503 => ProblemCode::Unavailable,
        413 => ProblemCode::TooLarge,
        415 => ProblemCode::Unsupported,
        429 => ProblemCode::TooMany,
        500.. => ProblemCode::Internal,
        _ => ProblemCode::Malformed,
    };
    Problem { status: status.as_u16(), ..Problem::new(code, "") }
}
