//! Errors as JavaScript sees them: a real `Error` with a code from a closed list; see www/fieldsync/types.d.ts.

use js_sys::{Array, Error, Object, Reflect};
use wasm_bindgen::prelude::*;

use super::boundary::to_js;
use crate::client::{ReportError, SaveError, SettleError};
use crate::core::protocol::{Problem, ProblemCode};
use crate::core::rules::Violation;
use crate::data::unfit::Unfit;
use crate::ports::{Retry, StoreError, TransportError};

/// The codes. A new one is a new line in types.d.ts too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The disk is full.
    StorageFull,
    /// Another tab keeps an older version open.
    StorageBlocked,
    /// The database is gone.
    StorageClosed,
    /// A row cannot be read.
    StorageCorrupt,
    /// Reload.
    StorageNewer,
    /// The database failed otherwise.
    StorageUnknown,
    /// Breaks a rule, or is not what it should be.
    Invalid,
    /// A record or a group over its limit.
    TooLarge,
    /// Theirs has moved: look again.
    Conflict,
    /// Its outcome is being asked for.
    InFlight,
    /// Needs a connection.
    Offline,
    /// No answer in time.
    Timeout,
    /// The server is away.
    Server,
    /// The server does not understand this app.
    Misconfigured,
    /// Sign in first.
    SignedOut,
    /// The token is another user's.
    WrongUser,
    /// Update the app.
    Outdated,
    /// The server refused it.
    Rejected,
    /// This user may not change the record any more.
    Forbidden,
    /// No such record, change or conflict.
    NotFound,
    /// Whether it was done is not known yet: it is asked for again.
    NotKnownYet,
    /// What is kept is too old to be shown.
    TooOld,
}

impl Code {
    /// As JavaScript has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StorageFull => "storage-full",
            Self::StorageBlocked => "storage-blocked",
            Self::StorageClosed => "storage-closed",
            Self::StorageCorrupt => "storage-corrupt",
            Self::StorageNewer => "storage-newer",
            Self::StorageUnknown => "storage-unknown",
            Self::Invalid => "invalid",
            Self::TooLarge => "too-large",
            Self::Conflict => "conflict",
            Self::InFlight => "in-flight",
            Self::Offline => "offline",
            Self::Timeout => "timeout",
            Self::Server => "server",
            Self::Misconfigured => "misconfigured",
            Self::SignedOut => "signed-out",
            Self::WrongUser => "wrong-user",
            Self::Outdated => "outdated",
            Self::Rejected => "rejected",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::NotKnownYet => "not-known-yet",
            Self::TooOld => "too-old",
        }
    }
}

/// An error on its way to JavaScript.
#[derive(Clone, Debug)]
pub struct SyncError {
    code: Code,
    message: String,
    retryable: bool,
    field: Option<String>,
    violations: Vec<(String, String)>,
    problem: Option<Problem>,
    cause: Option<JsValue>,
}

impl SyncError {
    /// With this code.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, retryable: bool) -> Self {
        Self { code, message: message.into(), retryable, field: None, violations: Vec::new(), problem: None, cause: None }
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code.as_str()
    }

    /// With the field concerned.
    #[must_use]
    pub fn in_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// That the server refused what somebody waited for, or that the record is another by now.
    fn refused(problem: Problem) -> Self {
        let code = if problem.code == ProblemCode::Conflict { Code::Conflict } else { Code::Rejected };
        let words = if problem.detail.is_empty() { problem.title.clone() } else { problem.detail.clone() };
        Self { field: problem.field.clone(), problem: Some(problem), ..Self::new(code, format!("not done: {words}"), false) }
    }

    /// That these rules are broken, each with its field.
    fn broken(what: &str, violations: &[Violation]) -> Self {
        let rule = |violation: &Violation| {
            let name = serde_json::to_value(violation.rule).ok().and_then(|name| name.as_str().map(str::to_owned));
            (violation.field.clone(), name.unwrap_or_default())
        };
        let pairs: Vec<_> = violations.iter().map(rule).collect();
        let words: Vec<_> = pairs.iter().map(|(field, rule)| format!("{field:.60}: {rule}")).collect();
        Self::new(Code::Invalid, format!("{what}: {}", words.join(", ")), false).violating(pairs)
    }

    /// With the rules that it breaks: field and rule. The first one's field is the error's, if it has none yet.
    #[must_use]
    pub fn violating(mut self, violations: Vec<(String, String)>) -> Self {
        self.field = self.field.or_else(|| violations.first().map(|(field, _)| field.clone()));
        self.violations = violations;
        self
    }

    /// With what was thrown.
    #[must_use]
    pub fn caused_by(mut self, cause: JsValue) -> Self {
        self.cause = Some(cause);
        self
    }

    /// The `Error`.
    #[must_use]
    pub fn into_js(self) -> JsValue {
        let error = Error::new(&self.message);
        error.set_name("SyncError");
        set(&error, "code", &self.code.as_str().into());
        set(&error, "retryable", &self.retryable.into());
        if let Some(field) = self.field {
            set(&error, "field", &field.into());
        }
        if !self.violations.is_empty() {
            let violations: Array = self.violations.iter().map(|(field, rule)| violation(field, rule)).collect();
            set(&error, "violations", &violations);
        }
        // Plain data: it always crosses.
        if let Some(Ok(problem)) = self.problem.map(|problem| to_js(&problem)) {
            set(&error, "problem", &problem);
        }
        if let Some(cause) = self.cause {
            set(&error, "cause", &cause);
        }
        error.into()
    }
}

fn violation(field: &str, rule: &str) -> JsValue {
    let violation = Object::new();
    set(&violation, "field", &field.into());
    set(&violation, "rule", &rule.into());
    violation.into()
}

fn set(object: &JsValue, name: &str, value: &JsValue) {
    // An object just made takes any property.
    let _ = Reflect::set(object, &name.into(), value);
}

/// An error with this code and nothing more.
#[must_use]
pub fn sync_error(code: Code, message: &str, retryable: bool) -> JsValue {
    SyncError::new(code, message, retryable).into_js()
}

impl From<SyncError> for JsValue {
    fn from(error: SyncError) -> Self {
        error.into_js()
    }
}

impl From<StoreError> for SyncError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Full => Code::StorageFull,
            StoreError::Blocked => Code::StorageBlocked,
            StoreError::Closed => Code::StorageClosed,
            StoreError::Newer => Code::StorageNewer,
            StoreError::Corrupt(..) => Code::StorageCorrupt,
            StoreError::Unknown(_) => Code::StorageUnknown,
        };
        Self::new(code, error.to_string(), error.retry() != Retry::Never)
    }
}

impl From<TransportError> for SyncError {
    fn from(error: TransportError) -> Self {
        let code = match &error {
            // Somebody was reached, who did not have an answer; or nobody was.
            TransportError::Away { ours: true, .. } => Code::Server,
            TransportError::Away { ours: false, .. } => Code::Offline,
            TransportError::SignedOut => Code::SignedOut,
            TransportError::WrongUser => Code::WrongUser,
            TransportError::CursorUnknown { .. } | TransportError::Unsupported => Code::Server,
            TransportError::TooLarge => Code::TooLarge,
            TransportError::Outdated => Code::Outdated,
            TransportError::Misconfigured { .. } => Code::Misconfigured,
        };
        Self::new(code, error.to_string(), error.retry() != Retry::Never)
    }
}

impl From<SaveError> for SyncError {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Store(error) => error.into(),
            SaveError::UnknownCollection(name) => {
                Self::new(Code::Invalid, format!("the schema has no collection {name:.60}"), false)
            }
            SaveError::Invalid(violations) => Self::broken("not saved", &violations),
            SaveError::TooLarge => Self::new(Code::TooLarge, "not saved: a record holds at most 24 KiB", false),
            SaveError::TooMany => Self::new(Code::TooLarge, "not saved: at most 50 changes go together", false),
            SaveError::ReadOnly(name) => Self::new(Code::Invalid, format!("not saved: {name:.60} is only read"), false),
            SaveError::Mixed(field) => {
                let words = format!("not saved: {field:.60} is written by itself, with an answer of the server");
                Self::new(Code::Invalid, words, false).in_field(field)
            }
            SaveError::Away(error) => error.into(),
            SaveError::Refused(problem) => Self::refused(*problem),
            SaveError::TakenBack => Self::new(Code::NotFound, "it was taken back before it was done", false),
            SaveError::NotKnownYet => Self::new(Code::NotKnownYet, "there is no answer yet: it is asked for again", false),
        }
    }
}

impl From<ReportError> for SyncError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Transport(error) => error.into(),
            ReportError::TooOld(_) => Self::new(Code::TooOld, "nobody answers, and the report that is kept is too old", true),
            ReportError::Store(error) => error.into(),
        }
    }
}

impl From<SettleError> for SyncError {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Store(error) => error.into(),
            SettleError::NotFound => Self::new(Code::NotFound, "it has ended already", false),
            SettleError::Moved => Self::new(Code::Conflict, "it has changed since it was shown: look again", true),
            SettleError::Unfit(Unfit::Broken(violation)) => Self::broken("not sent", &[violation]),
            SettleError::Unfit(Unfit::Revoked) => {
                Self::new(Code::Forbidden, "not sent: you may not change this record any more", false)
            }
            SettleError::Invalid(violations) => Self::broken("not decided", &violations),
            SettleError::Incomplete => Self::new(Code::Invalid, "a field that needs a choice has none", false),
        }
    }
}
