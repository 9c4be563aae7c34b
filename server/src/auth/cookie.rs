//! The refresh cookie, and who may send it: only a page of a known origin, only to `/auth/v1`. And the device cookie, which
//! tells one browser from another and signs nobody in.

use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName};
use uuid::Uuid;

use super::refresh::REFRESH_MS_MAX;

/// The refresh cookie's name.
pub const NAME: &str = "fieldsync_refresh";
/// The device cookie's name.
pub const DEVICE_NAME: &str = "fieldsync_device";
/// How long a browser keeps its id after it last signed in or refreshed, in seconds: as long as browsers allow.
const DEVICE_SECS: i64 = 400 * 24 * 60 * 60;
/// The only path that they are sent to.
const PATH: &str = "/auth/v1";

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

/// The refresh cookie's value, if the request has it.
#[must_use]
pub fn read(headers: &HeaderMap) -> Option<String> {
    value_of(headers, NAME)
}

/// The browser's id, if it has one.
#[must_use]
pub fn read_device(headers: &HeaderMap) -> Option<Uuid> {
    value_of(headers, DEVICE_NAME)?.parse().ok()
}

fn value_of(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}

/// `Set-Cookie` with this token; an empty one clears it. A browser on a loopback host takes no `Secure` over http.
#[must_use]
pub fn write(headers: &HeaderMap, token: &str) -> String {
    let age = if token.is_empty() { 0 } else { REFRESH_MS_MAX / 1000 };
    set(headers, NAME, token, age)
}

/// `Set-Cookie` with this browser's id. A sign-out does not clear it: who signs in again is on the same device.
#[must_use]
pub fn write_device(headers: &HeaderMap, browser: Uuid) -> String {
    set(headers, DEVICE_NAME, &browser.to_string(), DEVICE_SECS)
}

fn set(headers: &HeaderMap, name: &str, value: &str, age: i64) -> String {
    let secure = if text(headers, HOST).is_some_and(is_loopback) { "" } else { "; Secure" };
    format!("{name}={value}; Path={PATH}; Max-Age={age}; HttpOnly; SameSite=Strict{secure}")
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
