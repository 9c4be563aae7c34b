//! The transport in a browser, against a `fetch` that answers from a script.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::expect_used, clippy::panic)] // That is how a test fails; clippy.toml's leave covers `#[test]` functions only.

use fieldsync::core::protocol::{ChangesRequest, Cursor, PushRequest, Request};
use fieldsync::core::record::{DeviceId, Epoch, UserId};
use fieldsync::ports::{Transport, TransportError};
use fieldsync::web::fetch::FetchTransport;
use js_sys::{Array, Function, Reflect};
use serde_json::{Value, json};
use uuid::Uuid;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const ME: UserId = UserId(Uuid::from_u128(1));

fn changes() -> Request {
    Request::Changes(ChangesRequest {
        cursor: Cursor("c".into()),
        schema: 1,
        limit: 10,
        mark: None,
        collections: None,
        scope: None,
    })
}

/// A push without parcels, but long enough to be worth compressing.
fn push() -> Request {
    Request::Push(PushRequest {
        device: DeviceId(Uuid::from_u128(2)),
        epoch: Epoch(Uuid::from_u128(3)),
        allocated_seq: 1,
        open: vec![],
        open_records: 0,
        conflicts: 0,
        goodbye: false,
        acknowledged: vec![],
        server_epoch: None,
        cursor: Some(Cursor("long ".repeat(1_000))),
        mark: None,
        parcels: vec![],
    })
}

fn ours(body: &Value) -> Value {
    let mut whole = json!({"server_time": 5, "server_epoch": Uuid::from_u128(3), "user": ME});
    let fields = body.as_object().expect("an object").clone();
    whole.as_object_mut().expect("an object").extend(fields);
    whole
}

fn page() -> Value {
    ours(&json!({"changes": [], "cursor": "d", "has_more": false}))
}

fn problem(code: &str, status: u16) -> Value {
    ours(&json!({"type": "x", "code": code, "title": "t", "status": status, "retryable": false}))
}

/// Tokens "t1", "t2" …; the reasons that they were asked with are in the global `reasons`.
fn tokens() -> Function {
    run("globalThis.reasons = []");
    Function::new_with_args("reason", "reasons.push(reason); return Promise.resolve('t' + reasons.length)")
}

fn run(script: &str) {
    Function::new_no_args(script).call0(&JsValue::NULL).expect("a script");
}

fn global(name: &str) -> Vec<String> {
    let list = Reflect::get(&js_sys::global(), &name.into()).expect("a global");
    Array::from(&list).iter().map(|item| item.as_string().unwrap_or_default()).collect()
}

/// From now on `fetch` gives these answers (status, body, headers), in turn; what it was asked is in the global `asked`.
fn answers(answers: &Value) {
    run(&format!(
        "const answers = {answers};
         globalThis.asked = [];
         globalThis.bodies = [];
         globalThis.fetch = async (request) => {{
           const header = (name) => request.headers.get(name) ?? '';
           asked.push([request.method, request.url, header('authorization'), header('fieldsync-user'),
             header('content-encoding'), request.cache, request.credentials].join(' '));
           bodies.push(await request.arrayBuffer());
           const [status, body, headers] = answers.shift();
           if (status === 0) throw new TypeError('Failed to fetch');
           return new Response(typeof body === 'string' ? body : JSON.stringify(body), {{ status, headers }});
         }}"
    ));
}

fn transport(server: &str) -> FetchTransport {
    FetchTransport::new(server, ME, tokens()).expect("an address")
}

#[wasm_bindgen_test]
async fn a_request_names_its_user_and_carries_its_token() {
    answers(&json!([[200, page()], [200, page()]]));
    let transport = transport("https://crm.example/api/");
    transport.send(&changes()).await.expect("an answer");
    transport.send(&changes()).await.expect("an answer");
    let expected =
        format!("GET https://crm.example/api/sync/v1/changes?cursor=c&limit=10&schema=1 Bearer t1 {ME}  no-store omit");
    assert_eq!(global("asked"), [expected.clone(), expected]);
    assert_eq!(global("reasons"), ["first"]);
}

#[wasm_bindgen_test]
async fn an_expired_token_is_asked_for_anew_once() {
    answers(&json!([[401, problem("signed-out", 401)], [200, page()]]));
    let one = transport("https://crm.example");
    assert!(one.send(&changes()).await.is_ok());
    assert_eq!(global("reasons"), ["first", "expired"]);
    answers(&json!([[401, problem("signed-out", 401)], [401, problem("signed-out", 401)]]));
    let two = transport("https://crm.example");
    assert_eq!(two.send(&changes()).await, Err(TransportError::SignedOut));
    assert_eq!(global("asked").len(), 2);
    answers(&json!([[401, problem("wrong-user", 401)]]));
    assert_eq!(transport("https://crm.example").send(&changes()).await, Err(TransportError::WrongUser));
}

#[wasm_bindgen_test]
async fn without_a_token_nobody_is_signed_in_and_an_outage_signs_nobody_out() {
    answers(&json!([]));
    let with = |script: &str| FetchTransport::new("/", ME, Function::new_with_args("reason", script)).expect("an address");
    let none = with("return Promise.resolve(null)").send(&changes()).await;
    assert_eq!(none, Err(TransportError::SignedOut));
    let said = with("return Promise.reject(Object.assign(new Error(), { code: 'signed-out' }))").send(&changes()).await;
    assert_eq!(said, Err(TransportError::SignedOut));
    for outage in ["return Promise.reject(new TypeError('Failed to fetch'))", "throw new Error('no network')"] {
        let away = with(outage).send(&changes()).await;
        assert!(matches!(away, Err(TransportError::Away { ours: false, .. })), "{away:?}");
    }
}

#[wasm_bindgen_test]
async fn no_network_and_no_server_of_ours_are_away() {
    answers(&json!([[0, ""], [200, "<html>hotel</html>"], [503, "", {"retry-after": "7"}]]));
    let transport = transport("https://crm.example");
    for wait_ms in [None, None, Some(7_000)] {
        match transport.send(&changes()).await {
            Err(TransportError::Away { retry_after_ms, ours: false, .. }) => assert_eq!(retry_after_ms, wait_ms),
            other => panic!("{other:?}"),
        }
    }
}

#[wasm_bindgen_test]
async fn an_answer_from_another_address_is_not_ours() {
    let body = page();
    run(&format!(
        "globalThis.fetch = async () => Object.defineProperty(new Response(JSON.stringify({body})), 'redirected', {{ value: true }})"
    ));
    let away = transport("https://crm.example").send(&changes()).await;
    assert!(matches!(away, Err(TransportError::Away { ours: false, .. })), "{away:?}");
}

#[wasm_bindgen_test]
async fn a_large_body_is_compressed_for_our_own_server_until_it_refuses() {
    let results = ours(&json!({"results": []}));
    answers(&json!([[200, results], [415, problem("unsupported", 415)], [200, results]]));
    let transport = transport("/");
    transport.send(&push()).await.expect("an answer");
    assert!(global("asked")[0].contains(" gzip "));
    run("globalThis.unzipped = new Response(new Blob([bodies[0]]).stream().pipeThrough(new DecompressionStream('gzip'))).text()");
    let unzipped = Reflect::get(&js_sys::global(), &"unzipped".into()).expect("a promise");
    let text = JsFuture::from(js_sys::Promise::from(unzipped)).await.expect("text").as_string().expect("text");
    let Request::Push(sent) = push() else { unreachable!("a push") };
    assert_eq!(serde_json::from_str::<PushRequest>(&text).expect("JSON"), sent);
    assert_eq!(transport.send(&push()).await, Err(TransportError::Unsupported));
    transport.send(&push()).await.expect("an answer");
    assert!(!global("asked")[2].contains("gzip"));
}

#[wasm_bindgen_test]
async fn another_origin_gets_gzip_only_after_it_said_so() {
    let results = ours(&json!({"results": []}));
    answers(&json!([[200, results], [200, results, {"accept-encoding": "br, gzip"}], [200, results]]));
    let transport = transport("https://crm.example");
    for _ in 0..3 {
        transport.send(&push()).await.expect("an answer");
    }
    let zipped: Vec<bool> = global("asked").iter().map(|asked| asked.contains(" gzip ")).collect();
    assert_eq!(zipped, [false, false, true]);
}
