//! The way to the server, over `fetch`. It moves bytes, keeps the token, compresses; what an answer means,
//! `core::answer` says.

use std::cell::{Cell, RefCell};
use std::pin::Pin;

use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, AbortSignal, Blob, Headers, RequestCache, RequestCredentials, RequestInit, RequestRedirect, Response, Url,
};

use super::bindings::{CompressionStream, PipeStream, cause_of, fetch};
use super::error::{Code, SyncError};
use super::host::within;
use crate::core::answer::{body, classify, method, path};
use crate::core::protocol::{Answer, Request, USER_HEADER};
use crate::core::record::UserId;
use crate::ports::{Cause, Transport, TransportError};

/// Longest wait for a whole answer.
const ANSWER_MS_MAX: u32 = 30_000;
/// Longest wait for a token: the app may have to ask its own server.
const TOKEN_MS_MAX: u32 = 30_000;
/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Bodies up to this size go as they are: gzip gains nothing on them.
const PLAIN_BYTES_MAX: usize = 1024;

/// Whether the server reads gzip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gzip {
    /// It has not said so.
    Unknown,
    /// It said so, or it is the server that the app came from.
    Taken,
    /// It refused it: never again.
    Refused,
}

/// One server, for one user.
#[derive(Debug)]
pub struct FetchTransport {
    server: String,
    user: UserId,
    get_access_token: Function,
    token: RefCell<Option<String>>,
    gzip: Cell<Gzip>,
}

/// What came back, before anybody knows what it means.
struct Raw {
    status: u16,
    retry_after: Option<String>,
    /// Whether it came from where it was asked for.
    is_direct: bool,
    takes_gzip: bool,
    body: Vec<u8>,
}

impl FetchTransport {
    /// `server` is its address, or a path of the app's own; `get_access_token(reason)` returns a promise of a token, or of
    /// nothing if nobody is signed in. `reason` is "first" or "expired".
    ///
    /// # Errors
    /// If `server` is no address.
    pub fn new(server: &str, user: UserId, get_access_token: Function) -> Result<Self, JsValue> {
        let here = Reflect::get(&js_sys::global(), &"location".into())
            .and_then(|location| Reflect::get(&location, &"href".into()))?
            .as_string()
            .unwrap_or_default();
        let invalid = |thrown: JsValue| SyncError::new(Code::Invalid, "the server's address is none", false).caused_by(thrown);
        let url = Url::new_with_base(server, &here).map_err(invalid)?;
        let is_own = Url::new(&here).is_ok_and(|here| here.origin() == url.origin());
        Ok(Self {
            server: url.href().trim_end_matches('/').to_owned(),
            user,
            get_access_token,
            token: RefCell::new(None),
            gzip: Cell::new(if is_own { Gzip::Taken } else { Gzip::Unknown }),
        })
    }

    /// Forgets the token: somebody signed in or out.
    pub fn forget_token(&self) {
        self.token.borrow_mut().take();
    }

    async fn token(&self, reason: &str) -> Result<String, TransportError> {
        if let Some(token) = self.token.borrow().clone() {
            return Ok(token);
        }
        let asked = async {
            let promise = self.get_access_token.call1(&JsValue::NULL, &reason.into())?;
            JsFuture::from(Promise::resolve(&promise)).await
        };
        match within(TOKEN_MS_MAX, asked).await {
            None => Err(timeout("no token in time")),
            // An outage must not sign anybody out: only the app's own word does.
            Some(Err(thrown)) => Err(if is_signed_out(&thrown) { TransportError::SignedOut } else { away(cause_of(&thrown)) }),
            Some(Ok(token)) => match token.as_string().filter(|token| !token.is_empty()) {
                Some(token) => {
                    *self.token.borrow_mut() = Some(token.clone());
                    Ok(token)
                }
                None => Err(TransportError::SignedOut),
            },
        }
    }

    async fn send_once(&self, request: &Request, reason: &str) -> Result<Answer, TransportError> {
        let token = self.token(reason).await?;
        let abort = AbortController::new().map_err(|thrown| away(cause_of(&thrown)))?;
        let signal = abort.signal();
        let exchange = self.exchange(request, &token, &signal);
        let raw = match within(ANSWER_MS_MAX, exchange).await {
            Some(raw) => raw.map_err(|thrown| away(cause_of(&thrown)))?,
            None => {
                abort.abort();
                return Err(timeout("no answer in time"));
            }
        };
        if !raw.is_direct {
            return Err(away(Cause { name: "Redirected".into(), message: "the answer came from another address".into() }));
        }
        let result =
            classify(request, raw.status, raw.retry_after.as_deref(), &raw.body, self.user).map_err(TransportError::from);
        match &result {
            Ok(_) if raw.takes_gzip && self.gzip.get() == Gzip::Unknown => self.gzip.set(Gzip::Taken),
            Err(TransportError::Unsupported) => self.gzip.set(Gzip::Refused),
            _ => {}
        }
        result
    }

    /// Asks, and reads the whole answer.
    async fn exchange(&self, request: &Request, token: &str, signal: &AbortSignal) -> Result<Raw, JsValue> {
        let headers = Headers::new()?;
        headers.set("accept", "application/json, application/problem+json")?;
        headers.set("authorization", &format!("Bearer {token}"))?;
        headers.set(USER_HEADER, &self.user.to_string())?;
        let init = RequestInit::new();
        init.set_method(method(request));
        init.set_cache(RequestCache::NoStore);
        init.set_credentials(RequestCredentials::Omit);
        init.set_redirect(RequestRedirect::Follow);
        init.set_signal(Some(signal));
        if let Some(body) = body(request) {
            headers.set("content-type", "application/json")?;
            let bytes = Uint8Array::from(body.as_slice());
            let zipped = if self.gzip.get() == Gzip::Taken && body.len() > PLAIN_BYTES_MAX { gzip(&bytes).await } else { None };
            if zipped.is_some() {
                headers.set("content-encoding", "gzip")?;
            }
            init.set_body(&zipped.unwrap_or(bytes));
        }
        init.set_headers(&headers);
        let asked = web_sys::Request::new_with_str_and_init(&format!("{}{}", self.server, path(request)), &init)?;
        let response: Response = JsFuture::from(fetch(&asked)).await?.dyn_into()?;
        let buffer = Uint8Array::new(&JsFuture::from(response.array_buffer()?).await?);
        if buffer.length() as usize > ANSWER_BYTES_MAX {
            return Err(js_sys::RangeError::new("the answer is too large").into());
        }
        let header = |name: &str| response.headers().get(name).ok().flatten();
        Ok(Raw {
            status: response.status(),
            retry_after: header("retry-after"),
            is_direct: !response.redirected(),
            takes_gzip: header("accept-encoding").is_some_and(|codings| codings.split(',').any(|coding| coding.trim() == "gzip")),
            body: buffer.to_vec(),
        })
    }
}

impl Transport for FetchTransport {
    // Behind a pointer: its future is large, and those who await it are many.
    async fn send(&self, request: &Request) -> Result<Answer, TransportError> {
        let sending: Pin<Box<dyn Future<Output = _>>> = Box::pin(self.send_with_token(request));
        sending.await
    }
}

impl FetchTransport {
    async fn send_with_token(&self, request: &Request) -> Result<Answer, TransportError> {
        match self.send_once(request, "first").await {
            // Without a token nobody is signed in. With one, it may have run out, even if the app gave it just now.
            Err(TransportError::SignedOut) if self.token.borrow().is_some() => {
                self.forget_token();
                let again = self.send_once(request, "expired").await;
                if again == Err(TransportError::SignedOut) || again == Err(TransportError::WrongUser) {
                    self.forget_token();
                }
                again
            }
            Err(TransportError::WrongUser) => {
                self.forget_token();
                Err(TransportError::WrongUser)
            }
            other => other,
        }
    }
}

/// The bytes, compressed; none where the browser cannot.
async fn gzip(bytes: &Uint8Array) -> Option<Uint8Array> {
    let parts = Array::of1(bytes);
    let stream = Blob::new_with_u8_array_sequence(&parts).ok()?.stream();
    let zip = CompressionStream::new("gzip").ok()?;
    let zipped = stream.unchecked_ref::<PipeStream>().pipe_through(&zip).ok()?;
    let whole = Response::new_with_opt_readable_stream(Some(&zipped)).ok()?;
    let buffer = JsFuture::from(whole.array_buffer().ok()?).await.ok()?;
    Some(Uint8Array::new(&buffer))
}

/// Whether the app says, in a `SyncError`, that nobody is signed in.
fn is_signed_out(thrown: &JsValue) -> bool {
    thrown.is_instance_of::<Object>()
        && Reflect::get(thrown, &"code".into()).is_ok_and(|code| code.as_string().as_deref() == Some("signed-out"))
}

fn timeout(message: &str) -> TransportError {
    away(Cause { name: "TimeoutError".into(), message: message.to_owned() })
}

fn away(cause: Cause) -> TransportError {
    TransportError::Away { retry_after_ms: None, ours: false, cause }
}
