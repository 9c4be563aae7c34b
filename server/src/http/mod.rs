//! HTTP: routes, and what every answer has in common.

pub mod envelope;
pub mod extract;
mod operations;
mod reports;
mod static_files;
mod sync;

use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, IF_NONE_MATCH, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use fieldsync::core::protocol::{BODY_BYTES_MAX, PATH, REPORTS_PATH, USER_HEADER};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa::OpenApi;

use crate::state::AppState;

/// How long a request may take, in seconds.
const REQUEST_SECS_MAX: u64 = 30;
/// How long a browser may remember what another origin may send, in seconds.
const PREFLIGHT_SECS: u64 = 3_600;

/// The description of the API, without its paths, which the routes add.
#[derive(OpenApi)]
#[openapi(
    info(title = "Fieldsync", description = "The wire protocol of Fieldsync, version 1."),
    components(schemas(fieldsync::core::protocol::Entry, fieldsync::core::protocol::Problem))
)]
struct Described;

/// The whole server as a router: a test calls it without a socket.
pub fn app(state: AppState) -> Router {
    let (sync, sync_doc) = sync::routes().split_for_parts();
    let (push, push_doc) = sync::push_routes().split_for_parts();
    // The answer to a push is ids and places, of which more work makes little less; and a queue waits for it.
    let sync = sync.merge(push.layer(CompressionLayer::new().quality(CompressionLevel::Fastest)));
    let (auth, auth_doc) = crate::auth::handlers::routes().split_for_parts();
    let (reports, reports_doc) = reports::routes().split_for_parts();
    let document = Described::openapi().nest(PATH, sync_doc).nest(PATH, push_doc).nest("/auth/v1", auth_doc);
    let document = document.nest(REPORTS_PATH, reports_doc);
    let document = serde_json::to_string(&document).unwrap_or_default();
    let mut router = Router::new()
        .nest(PATH, layered(sync).layer(cors(&state, false)))
        .nest(REPORTS_PATH, layered(reports).layer(cors(&state, false)))
        .nest("/auth/v1", layered(auth).layer(cors(&state, true)))
        .route("/healthz", get(operations::health))
        .route("/metrics", get(operations::metrics))
        .route("/openapi.json", get(move || operations::openapi(document)));
    if state.config().test_hooks {
        router = router.route("/test/pushes", get(operations::pushes));
    }
    router
        .fallback(static_files::serve)
        .layer(from_fn_with_state(state.clone(), envelope::envelope))
        .layer(CompressionLayer::new())
        .with_state(state)
}

fn layered(router: Router<AppState>) -> Router<AppState> {
    let timeout = TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(REQUEST_SECS_MAX));
    // The limit counts what comes out of the decompression, so a small body cannot become a large one.
    router
        .layer(RequestDecompressionLayer::new())
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CatchPanicLayer::new())
        .layer(timeout)
}

/// Pages of other origins: those that the operator named, with cookies only where a cookie is taken.
fn cors(state: &AppState, credentials: bool) -> CorsLayer {
    let origins: Vec<HeaderValue> = state.config().origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let headers = [ACCEPT, AUTHORIZATION, CONTENT_TYPE, CONTENT_ENCODING, IF_NONE_MATCH, HeaderName::from_static(USER_HEADER)];
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(headers)
        .expose_headers([RETRY_AFTER])
        .allow_credentials(credentials)
        .max_age(Duration::from_secs(PREFLIGHT_SECS))
}

/// Whether this address is the API's, where every answer is an envelope, and never the app's.
#[must_use]
pub fn is_api(path: &str) -> bool {
    ["/sync", "/auth", "/reports", "/test"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        || ["/openapi.json", "/metrics", "/healthz"].contains(&path)
}
