//! The refresh cookie, and who may send it: only a page of a known origin, only to `/auth/v1`.

use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName};

use super::refresh::REFRESH_MS_MAX;

/// The cookie's name.
pub const NAME: &str = "fieldsync_refresh";
/// The only path that it is sent to.
const PATH: &str = "/auth/v1";

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The cookie's value, if the request has it.
#[must_use]
pub fn read(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, value)| value.to_owned())
}

/// `Set-Cookie` with this token; an empty one clears it. A browser on a loopback host takes no `Secure` over http.
#[must_use]
pub fn write(headers: &HeaderMap, token: &str) -> String {
    let age = if token.is_empty() { 0 } else { REFRESH_MS_MAX / 1000 };
    let secure = if text(headers, HOST).is_some_and(is_loopback) { "" } else { "; Secure" };
    format!("{NAME}={token}; Path={PATH}; Max-Age={age}; HttpOnly; SameSite=Strict{secure}")
}

fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.ends_with(".localhost") || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// Our own pages, or those of an origin that the operator named.
    Known,
    /// Another origin's.
    Unknown,
    /// Not a page, as it does not say.
    Nowhere,
}

/// Where this request comes from.
#[must_use]
pub fn origin(headers: &HeaderMap, origins: &[String]) -> From {
    let Some(origin) = text(headers, ORIGIN) else { return From::Nowhere };
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let own = authority.is_some() && authority == text(headers, HOST);
    if own || origins.iter().any(|known| known == origin) { From::Known } else { From::Unknown }
}
