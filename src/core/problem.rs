//! Errors on the wire: RFC 9457, with what a client must know to act.

use serde::{Deserialize, Serialize};

use super::record::{CollectionName, RecordId};

/// An error as RFC 9457 has it, with what a client must know to act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// A URI that names the kind; `/problems/` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind, for machines.
    pub code: ProblemCode,
    /// The kind, in words.
    pub title: String,
    /// The HTTP status that it has, or would have.
    pub status: u16,
    /// This case, in words. Never holds another user's data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Whether the same request can succeed later.
    pub retryable: bool,
    /// Seconds to wait before that; also in the header, which a page of another origin cannot read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// The record concerned, by collection and id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<(CollectionName, RecordId)>,
    /// The field concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// The kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProblemCode {
    /// 400: not a request of this protocol.
    Malformed,
    /// 401: no token, an expired one, a wrong password.
    SignedOut,
    /// 401: the token is another user's than the request names.
    WrongUser,
    /// 403: this user may not do this.
    Forbidden,
    /// 404: no such address.
    NotFound,
    /// 409: the record is another by now. Made on a device, of what was to be done only with an answer.
    Conflict,
    /// 410: this server does not know the cursor.
    CursorUnknown,
    /// 413: the request, or a record, is too large.
    TooLarge,
    /// 415: cannot read this encoding or type.
    Unsupported,
    /// 422: breaks a rule of the schema.
    Validation,
    /// 422: a value that must be unique is taken.
    Taken,
    /// 422: this op_id came before with other contents or from another user.
    OpIdReused,
    /// 426: the client's schema or protocol is too old.
    Outdated,
    /// 429: too many requests.
    TooMany,
    /// 500: our mistake.
    Internal,
    /// 503: not now.
    Unavailable,
    /// A code that this client does not know.
    #[serde(other)]
    Other,
}

impl ProblemCode {
    /// Its HTTP status and its title.
    #[must_use]
    pub fn describe(self) -> (u16, &'static str) {
        match self {
            Self::Malformed => (400, "The request is malformed"),
            Self::SignedOut => (401, "Sign in first"),
            Self::WrongUser => (401, "The token belongs to another user"),
            Self::Forbidden => (403, "Not allowed"),
            Self::NotFound => (404, "No such address"),
            Self::Conflict => (409, "It was changed meanwhile"),
            Self::CursorUnknown => (410, "The cursor is not known here"),
            Self::TooLarge => (413, "Too large"),
            Self::Unsupported => (415, "This encoding or type is not supported"),
            Self::Validation => (422, "A rule does not allow this"),
            Self::Taken => (422, "This value is taken"),
            Self::OpIdReused => (422, "This op_id was used before"),
            Self::Outdated => (426, "Update the app"),
            Self::TooMany => (429, "Too many requests"),
            Self::Internal | Self::Other => (500, "The server made a mistake"),
            Self::Unavailable => (503, "The server is not available"),
        }
    }
}

impl Problem {
    /// A problem of this kind.
    #[must_use]
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let (status, title) = code.describe();
        // Serialising a unit variant gives its kebab-case name; `Other` is never sent.
        let name = serde_json::to_value(code).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        Self {
            kind: format!("/problems/{name}"),
            code,
            title: title.to_owned(),
            status,
            detail: detail.into(),
            retryable: matches!(status, 401 | 429 | 500 | 503),
            retry_after: None,
            record: None,
            field: None,
        }
    }

    /// With the field concerned.
    #[must_use]
    pub fn in_field(mut self, field: &str) -> Self {
        self.field = Some(field.to_owned());
        self
    }

    /// With the record concerned.
    #[must_use]
    pub fn of_record(mut self, collection: &str, id: RecordId) -> Self {
        self.record = Some((collection.to_owned(), id));
        self
    }

    /// With the seconds to wait.
    #[must_use]
    pub fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}
