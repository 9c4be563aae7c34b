//! Requests as HTTP, and what an HTTP answer means. Only our server speaks: an answer counts only if it parses, names the
//! server's lifetime and the user, and fits what was asked. Anything else, whatever its status, is "the server is away":
//! a captive portal says 200, a proxy says 403, and neither may end a change.

use std::fmt::Formatter;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::backoff::believed_ms;
use super::protocol::{
    Answer, Body, ChangesPage, CountAnswer, CountRequest, Outcome, PATH, Problem, ProblemCode, PushAnswer, PushParcel,
    PushRequest, PushResult, REPORTS_PATH, ReportAnswer, Request, SnapshotPage, SnapshotRequest,
};
use super::record::{Epoch, Millis, UserId};
use crate::mutation::{self, Mutation};

/// Why there is no answer of our server, by what is done about it. Section 6 of the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// No answer of ours, or one that says "not now".
    Away {
        /// Wait at least so long: the server's own word.
        retry_after_ms: Option<i64>,
        /// Whether our server itself answered; else nobody did, or somebody else.
        ours: bool,
        /// What came instead, in a word, for support.
        name: &'static str,
        /// The same, in more words.
        message: String,
    },
    /// 401.
    SignedOut,
    /// The token is another user's.
    WrongUser,
    /// 410: the server does not know the cursor.
    CursorUnknown {
        /// The server's lifetime: whether it was restored, or is another one.
        server_epoch: Epoch,
    },
    /// 413: send less at once.
    TooLarge,
    /// 415: send uncompressed.
    Unsupported,
    /// 426: the app is too old.
    Outdated,
    /// Any other 4xx: the server does not understand this app.
    Misconfigured {
        /// The status.
        status: u16,
        /// For support.
        detail: String,
    },
}

/// What every answer of ours carries. `user` may be null in a problem, but it is there.
#[derive(Clone, Copy, Deserialize)]
struct Head {
    server_time: Millis,
    server_epoch: Epoch,
    #[serde(deserialize_with = "present")]
    user: Option<UserId>,
}

/// An optional value whose name must be there: derived code would take a missing one for none.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UserId>, D::Error> {
    Option::deserialize(deserializer)
}

/// The head of an answer in which it comes first, as in ours: the rest is not looked at, and need not be whole.
fn first_of(body: &[u8]) -> Option<Head> {
    struct First<'a>(&'a mut Option<Head>);
    impl<'de> Visitor<'de> for First<'_> {
        type Value = ();

        fn expecting(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an answer")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let (mut server_time, mut server_epoch, mut user) = (None, None, None);
            while let Some(name) = map.next_key::<String>()? {
                match name.as_str() {
                    "server_time" => server_time = Some(map.next_value()?),
                    "server_epoch" => server_epoch = Some(map.next_value()?),
                    "user" => user = Some(map.next_value()?),
                    _ => return Ok(()),
                }
                if let (Some(server_time), Some(server_epoch), Some(user)) = (server_time, server_epoch, user) {
                    *self.0 = Some(Head { server_time, server_epoch, user });
                    return Ok(());
                }
            }
            Ok(())
        }
    }
    let mut head = None;
    // What comes behind the head is an error here, and none of ours.
    let _ = serde_json::Deserializer::from_slice(body).deserialize_map(First(&mut head));
    head
}

/// The method of a request.
#[must_use]
pub fn method(request: &Request) -> &'static str {
    match request {
        Request::Changes(_) | Request::Snapshot(_) | Request::Report(_) | Request::Count(_) => "GET",
        Request::Push(_) | Request::Preview(_) | Request::Void(_) => "POST",
    }
}

/// The path and query of a request, below the server's address.
#[must_use]
pub fn path(request: &Request) -> String {
    match request {
        Request::Changes(query) => format!("{PATH}/changes?{}", query_string(query)),
        Request::Snapshot(query) => format!("{PATH}/snapshot?{}", query_string(query)),
        Request::Count(query) => format!("{PATH}/counts?{}", query_string(query)),
        Request::Push(_) => format!("{PATH}/push"),
        Request::Preview(_) => format!("{PATH}/preview"),
        Request::Void(_) => format!("{PATH}/void"),
        Request::Report(name) => {
            let mut path = format!("{REPORTS_PATH}/");
            encode(name, &mut path);
            path
        }
    }
}

/// The body of a request, as JSON; a GET has none.
#[must_use]
pub fn body(request: &Request) -> Option<Vec<u8>> {
    match request {
        Request::Changes(_) | Request::Snapshot(_) | Request::Report(_) | Request::Count(_) => None,
        // These types have string keys only, and nothing in them fails to serialise.
        Request::Push(body) | Request::Preview(body) => serde_json::to_vec(body).ok(),
        Request::Void(body) => serde_json::to_vec(body).ok(),
    }
}

/// What the HTTP answer to this request means. `retry_after` is the header, in seconds; a date in it is not read.
///
/// # Errors
/// By what the driver does about it.
pub fn classify(
    request: &Request,
    status: u16,
    retry_after: Option<&str>,
    body: &[u8],
    expect_user: UserId,
) -> Result<Answer, NoAnswer> {
    let header_s = retry_after.and_then(|seconds| seconds.trim().parse().ok());
    let Some(head) = first_of(body).or_else(|| parse::<Head>(body)) else {
        return refused_by_a_proxy(request, status, expect_user).ok_or_else(|| not_ours(status, header_s));
    };
    if (200..300).contains(&status) {
        if head.user != Some(expect_user) && !mutation::is(Mutation::AnyUser) {
            return Err(away(false, None, "AnotherUser", "the answer is for another user".to_owned()));
        }
        return answer(request, &head, body);
    }
    match parse::<Problem>(body) {
        Some(problem) => Err(refused(status, header_s, &head, problem, expect_user)),
        None => Err(not_ours(status, header_s)),
    }
}

fn answer(request: &Request, head: &Head, whole: &[u8]) -> Result<Answer, NoAnswer> {
    let body = match request {
        Request::Changes(_) => parse::<ChangesPage>(whole).map(Body::Changes),
        Request::Snapshot(asked) => parse::<SnapshotPage>(whole).filter(|page| fits_snapshot(asked, page)).map(Body::Snapshot),
        Request::Push(asked) | Request::Preview(asked) => {
            parse::<PushAnswer>(whole).filter(|answer| fits_push(asked, answer)).map(Body::Push)
        }
        Request::Report(asked) => parse::<ReportAnswer>(whole).filter(|report| report.name == *asked).map(Body::Report),
        Request::Count(asked) => parse::<CountAnswer>(whole).filter(|answer| fits_count(asked, answer)).map(Body::Count),
        Request::Void(asked) => parse::<PushResult>(whole).filter(|result| result.op_id == asked.op_id).map(Body::Void),
    };
    match body {
        Some(body) => Ok(Answer { server_time: head.server_time, server_epoch: head.server_epoch, user: head.user, body }),
        // It was cut on its way.
        None if parse::<Head>(whole).is_none() => Err(not_ours(200, None)),
        // Our server said it: what it cannot answer is to be found and put by, not waited for.
        None => Err(away(true, None, "Unfit", "the answer does not fit what was asked".to_owned())),
    }
}

/// One result a parcel, in order; of an applied one, one item an item, in order.
fn fits_push(asked: &PushRequest, answer: &PushAnswer) -> bool {
    asked.parcels.len() == answer.results.len()
        && asked.parcels.iter().zip(&answer.results).all(|(parcel, result)| {
            let fits = match &result.outcome {
                Outcome::Applied { items, .. } => {
                    items.len() == parcel.items.len()
                        && items.iter().zip(parcel.items.iter()).all(|(a, b)| a.id == b.id && a.collection == b.collection)
                }
                _ => true,
            };
            fits && result.op_id == parcel.op_id
        })
}

/// It speaks only for collections that were asked for: what a page speaks for and does not hold is removed.
fn fits_snapshot(asked: &SnapshotRequest, page: &SnapshotPage) -> bool {
    page.ranges.iter().all(|range| asked.collections.split(',').any(|name| name.trim() == range.collection))
}

/// It counts every collection that was asked for.
fn fits_count(asked: &CountRequest, answer: &CountAnswer) -> bool {
    asked.collections.split(',').all(|name| answer.counts.contains_key(name))
}

fn refused(status: u16, header_s: Option<i64>, head: &Head, problem: Problem, expect_user: UserId) -> NoAnswer {
    use ProblemCode::{CursorUnknown, Outdated, SignedOut, TooLarge, Unsupported, WrongUser};
    let retry_s = problem.retry_after.map(i64::from).or(header_s);
    match (status, problem.code) {
        // Names the token's user, or nobody: that it is not the expected one is what it says.
        (401, WrongUser) => NoAnswer::WrongUser,
        (429 | 500..=599, _) => away(true, retry_s, "ServerAway", format!("{status} {}", problem.title)),
        _ if head.user.is_some_and(|user| user != expect_user) => {
            away(false, None, "AnotherUser", "the answer is for another user".to_owned())
        }
        (401, SignedOut) => NoAnswer::SignedOut,
        (410, CursorUnknown) => NoAnswer::CursorUnknown { server_epoch: head.server_epoch },
        (413, TooLarge) => NoAnswer::TooLarge,
        (415, Unsupported) => NoAnswer::Unsupported,
        (426, Outdated) => NoAnswer::Outdated,
        (400..=499, _) => {
            let detail = if problem.detail.is_empty() { problem.title } else { problem.detail };
            NoAnswer::Misconfigured { status, detail }
        }
        // A problem with a status that is none.
        _ => not_ours(status, None),
    }
}

/// The mutation alone: somebody on the way said 403, and it counts as our server's refusal.
fn refused_by_a_proxy(request: &Request, status: u16, user: UserId) -> Option<Answer> {
    let (403, Request::Push(asked), true) = (status, request, mutation::is(Mutation::ProxyRefuses)) else { return None };
    let outcome = Outcome::Rejected { problem: Problem::new(ProblemCode::Forbidden, "") };
    let result = |parcel: &PushParcel| PushResult { op_id: parcel.op_id, mark: None, outcome: outcome.clone() };
    let results = asked.parcels.iter().map(result).collect();
    // Nothing that a proxy says has the server's time; that of the newest edit is near it.
    let server_time = asked.parcels.iter().flat_map(|parcel| parcel.items.iter()).map(|item| item.edited_at).max()?;
    let body = Body::Push(PushAnswer { results, lost: vec![] });
    Some(Answer { server_time, server_epoch: asked.server_epoch?, user: Some(user), body })
}

/// Not an answer of ours. A server or proxy in trouble may still say how long.
fn not_ours(status: u16, header_s: Option<i64>) -> NoAnswer {
    let retry_s = header_s.filter(|_| status == 429 || status >= 500);
    away(false, retry_s, "NotOurs", format!("an answer with status {status} that is not our server's"))
}

/// `ours` says whether it was our server that answered; see [`NoAnswer::Away`].
fn away(ours: bool, retry_after_s: Option<i64>, name: &'static str, message: String) -> NoAnswer {
    let retry_after_ms = retry_after_s.map(|seconds| believed_ms(seconds.saturating_mul(1000)));
    NoAnswer::Away { retry_after_ms, ours, name, message }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

/// The fields of a flat struct as a query; those that are none are left out.
fn query_string(query: &impl Serialize) -> String {
    let Ok(Value::Object(fields)) = serde_json::to_value(query) else {
        return String::new(); // The queries are structs.
    };
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&name);
        text.push('=');
        match value {
            Value::String(value) => encode(&value, &mut text),
            other => encode(&other.to_string(), &mut text),
        }
    }
    text
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(value: &str, text: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            text.push('%');
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
