//! The built app: its files, under a policy that lets nothing in from elsewhere. What lies beside a file as `.br` is that file,
//! compressed by the build as far as it goes.

use std::path::{Component, Path, PathBuf};

use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::is_api;
use crate::error::AppError;
use crate::state::{AppState, etag};

/// On every file, the worker's script too: a worker has the policy of its own script.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; \
    connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Served for addresses of the app that are no files.
const INDEX: &str = "index.html";

/// A file of the app, or its first page for a deep link.
pub async fn serve(State(state): State<AppState>, request: Request) -> Response {
    let path = request.uri().path();
    let mut response = match &state.config().app {
        _ if is_api(path) => AppError::of(fieldsync::core::protocol::ProblemCode::NotFound, "").into_response(),
        _ if request.method() != Method::GET && request.method() != Method::HEAD => {
            (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response()
        }
        Some(root) => file(root, path, request.headers()).await,
        None => StatusCode::NOT_FOUND.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

async fn file(root: &Path, path: &str, headers: &HeaderMap) -> Response {
    let Some(wanted) = inside(root, path) else { return StatusCode::NOT_FOUND.into_response() };
    let is_page = !path.rsplit('/').next().unwrap_or_default().contains('.');
    let wanted = if is_page && !is_file(&wanted).await { root.join(INDEX) } else { wanted };
    let Some((contents, encoding)) = read(&wanted, headers).await else { return StatusCode::NOT_FOUND.into_response() };
    let tag = etag(&contents);
    // Whatever can be old is asked about each time; what the ETag says is the same is not sent again.
    let common = [(ETAG, tag.clone()), (CACHE_CONTROL, "no-cache".to_owned()), (VARY, ACCEPT_ENCODING.to_string())];
    let had = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if had.split(',').any(|one| one.trim().trim_start_matches("W/") == tag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let encoding = encoding.map(|name| [(CONTENT_ENCODING, name)]);
    (common, encoding, [(CONTENT_TYPE, kind(&wanted))], contents).into_response()
}

/// The file's bytes: compressed, if the build did that and the browser takes it.
async fn read(path: &Path, headers: &HeaderMap) -> Option<(Vec<u8>, Option<&'static str>)> {
    let packed = path.with_added_extension("br");
    if takes_brotli(headers)
        && let Ok(contents) = tokio::fs::read(packed).await
    {
        return Some((contents, Some("br")));
    }
    Some((tokio::fs::read(path).await.ok()?, None))
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    let named =
        headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    named.map(|one| one.split_once(';').unwrap_or((one, ""))).any(|(name, weight)| {
        let is_refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()) == Some(0.0);
        name.trim().eq_ignore_ascii_case("br") && !is_refused
    })
}

async fn is_file(path: &Path) -> bool {
    tokio::fs::metadata(path).await.is_ok_and(|found| found.is_file())
}

fn kind(path: &Path) -> String {
    if path.extension().is_some_and(|extension| extension == "webmanifest") {
        return "application/manifest+json".to_owned();
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let is_text = kind.type_() == "text" || ["javascript", "json"].contains(&kind.subtype().as_str());
    if is_text { format!("{kind}; charset=utf-8") } else { kind.to_string() }
}

/// The file's place; `None` for a path that leads out of the folder.
fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let path = path.trim_start_matches('/');
    if path.contains('%') || path.contains('\\') {
        // No file of the app needs escaping.
        return None;
    }
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| root.join(path))
}
