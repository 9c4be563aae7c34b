//! What came back → what it means, as tables.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::core::protocol::{Action, ChangesRequest, Cursor, Item, PushParcel, Told, VoidRequest};
use crate::core::record::{DeviceId, Fields, OpId, RecordId, Version};

const ME: UserId = UserId(Uuid::from_u128(1));
const EPOCH: Epoch = Epoch(Uuid::from_u128(3));

fn op(number: u128) -> OpId {
    OpId(Uuid::from_u128(number))
}

fn changes() -> Request {
    Request::Changes(ChangesRequest {
        cursor: Cursor("a b/ä".into()),
        schema: 1,
        limit: 100,
        mark: None,
        collections: None,
        scope: None,
    })
}

fn snapshot() -> Request {
    Request::Snapshot(SnapshotRequest {
        collections: "customers,activities".into(),
        schema: 1,
        limit: 100,
        after: Some("customers/".into()),
        before: None,
        watermark: None,
        mark: None,
        scope: None,
    })
}

fn push(ops: &[u128]) -> Request {
    let parcel = |number: &u128| PushParcel {
        op_id: op(*number),
        changes: vec![],
        schema: 1,
        items: [Item {
            collection: "customers".into(),
            id: RecordId(Uuid::from_u128(number + 100)),
            action: Action::Update,
            base_version: Version(1),
            patch: Fields::new(),
            seen: Fields::new(),
            seen_version: None,
            set_aside: vec![],
            edited_at: Millis(0),
        }]
        .into(),
    };
    Request::Push(PushRequest {
        device: DeviceId(Uuid::from_u128(8)),
        epoch: EPOCH,
        allocated_seq: 1,
        open: vec![],
        open_records: 0,
        conflicts: 0,
        goodbye: false,
        acknowledged: vec![],
        server_epoch: None,
        cursor: None,
        mark: None,
        parcels: ops.iter().map(parcel).collect(),
    })
}

fn void() -> Request {
    Request::Void(VoidRequest { op_id: op(11), changes: vec![], server_epoch: None, mark: None })
}

/// A body with the head of our server, for this user.
fn ours(user: &Value, body: Value) -> Vec<u8> {
    let mut whole = json!({"server_time": 5, "server_epoch": EPOCH, "user": user});
    if let (Value::Object(whole), Value::Object(body)) = (&mut whole, body) {
        whole.extend(body);
    }
    whole.to_string().into_bytes()
}

fn mine(body: Value) -> Vec<u8> {
    ours(&json!(ME), body)
}

fn problem(code: ProblemCode) -> Value {
    serde_json::to_value(Problem::new(code, "")).expect("a problem")
}

fn late(code: ProblemCode, seconds: u32) -> Value {
    serde_json::to_value(Problem::new(code, "").after(seconds)).expect("a problem")
}

fn page() -> Value {
    json!({"changes": [{"anything": 1}], "cursor": "c2", "has_more": false})
}

fn snapshot_page(collection: &str) -> Value {
    json!({"records": [], "ranges": [{"collection": collection}], "watermark": "w", "watermark_seq": 4, "total": 0})
}

fn results(ops: &[u128]) -> Value {
    let result = |number: &u128| {
        let item = json!({"collection": "customers", "id": Uuid::from_u128(number + 100), "version": 2});
        json!({"op_id": op(*number), "outcome": "applied", "seq": 9, "items": [item]})
    };
    json!({"results": ops.iter().map(result).collect::<Vec<_>>()})
}

fn retried(number: u128) -> Value {
    json!({"op_id": op(number), "outcome": "retry"})
}

/// What came out, in a word; of "away", who said it and for how long.
fn word(result: &Result<Answer, NoAnswer>) -> String {
    match result {
        Ok(answer) => match answer.body {
            Body::Changes(_) => "changes".into(),
            Body::Snapshot(_) => "snapshot".into(),
            Body::Push(_) => "push".into(),
            Body::Void(_) => "void".into(),
            Body::Report(_) => "report".into(),
            Body::Count(_) => "counts".into(),
        },
        Err(NoAnswer::Away { retry_after_ms, ours, .. }) => {
            let who = if *ours { "ours away" } else { "away" };
            retry_after_ms.map_or(who.into(), |wait_ms| format!("{who} {wait_ms}"))
        }
        Err(NoAnswer::CursorUnknown { server_epoch: EPOCH }) => "CursorUnknown".to_owned(),
        Err(NoAnswer::Misconfigured { status, .. }) => format!("misconfigured {status}"),
        Err(other) => format!("{other:?}"),
    }
}

type Case = (&'static str, Request, u16, Option<&'static str>, Vec<u8>, &'static str);

fn check(cases: Vec<Case>) {
    for (name, request, status, header, body, expected) in cases {
        assert_eq!(word(&classify(&request, status, header, &body, ME)), expected, "{name}");
    }
}

#[test]
fn an_answer_of_ours_that_fits_counts() {
    check(vec![
        ("a page of the feed", changes(), 200, None, mine(page()), "changes"),
        ("another 2xx", changes(), 203, None, mine(page()), "changes"),
        ("a page of a snapshot", snapshot(), 200, None, mine(snapshot_page("activities")), "snapshot"),
        ("results", push(&[11, 12]), 200, None, mine(results(&[11, 12])), "push"),
        ("an empty push", push(&[]), 200, None, mine(results(&[])), "push"),
        ("a result that is not final", push(&[11]), 200, None, mine(json!({"results": [retried(11)]})), "push"),
        ("voided", void(), 200, None, mine(json!({"op_id": op(11), "outcome": "voided"})), "void"),
        ("the answer that it had", void(), 200, None, mine(results(&[11])["results"][0].clone()), "void"),
    ]);
}

#[test]
fn what_is_not_our_servers_is_away() {
    let html = || b"<!doctype html><title>Sign in to the hotel</title>".to_vec();
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() - 3].to_vec();
    let headless = || page().to_string().into_bytes();
    let no_user = || json!({"server_time": 5, "server_epoch": EPOCH, "changes": [], "cursor": "c", "has_more": false});
    let no_epoch = || json!({"server_time": 5, "user": ME, "changes": [], "cursor": "c", "has_more": false});
    let bare = |code| problem(code).to_string().into_bytes();
    check(vec![
        ("a captive portal", changes(), 200, None, html(), "away"),
        ("a proxy", push(&[11]), 403, None, html(), "away"),
        ("a proxy's 401", changes(), 401, None, html(), "away"),
        ("a CDN's 410", changes(), 410, None, html(), "away"),
        ("a proxy's 413", push(&[11]), 413, None, html(), "away"),
        ("a proxy's 404", changes(), 404, Some("9"), html(), "away"),
        ("nothing", changes(), 200, None, vec![], "away"),
        ("no content", changes(), 204, None, vec![], "away"),
        ("not modified", changes(), 304, None, vec![], "away"),
        ("cut off", changes(), 200, None, cut(mine(page())), "away"),
        ("two in one", changes(), 200, None, [mine(page()), mine(page())].concat(), "away"),
        ("not even text", changes(), 200, None, vec![0xff, 0xfe, 0], "away"),
        ("no head", changes(), 200, None, headless(), "away"),
        ("no user", changes(), 200, None, no_user().to_string().into_bytes(), "away"),
        ("no epoch", changes(), 200, None, no_epoch().to_string().into_bytes(), "away"),
        ("another product's problem", changes(), 401, None, bare(ProblemCode::SignedOut), "away"),
        ("our head, no problem", changes(), 410, None, mine(json!({})), "away"),
        ("a problem with 200", changes(), 200, None, mine(problem(ProblemCode::CursorUnknown)), "ours away"),
        ("a problem with 302", changes(), 302, None, mine(problem(ProblemCode::CursorUnknown)), "away"),
    ]);
}

#[test]
fn an_answer_for_another_user_is_away() {
    let other = || json!(Uuid::from_u128(2));
    let reused = ProblemCode::CursorUnknown;
    check(vec![
        ("another's page", changes(), 200, None, ours(&other(), page()), "away"),
        ("nobody's page", changes(), 200, None, ours(&Value::Null, page()), "away"),
        ("a user that is none", changes(), 200, None, ours(&json!("me"), page()), "away"),
        ("another's results", push(&[11]), 200, None, ours(&other(), results(&[11])), "away"),
        ("another's cursor", changes(), 410, None, ours(&other(), problem(reused)), "away"),
        ("another's signing out", changes(), 401, None, ours(&other(), problem(ProblemCode::SignedOut)), "away"),
        ("but this says so", changes(), 401, None, ours(&other(), problem(ProblemCode::WrongUser)), "WrongUser"),
    ]);
}

#[test]
fn an_answer_that_does_not_fit_is_away() {
    let mut items = results(&[11]);
    items["results"][0]["items"] = json!([]);
    let mut elsewhere = results(&[11]);
    elsewhere["results"][0]["items"][0]["collection"] = json!("activities");
    let odd = json!({"results": [{"op_id": op(11), "outcome": "teapot"}]});
    check(vec![
        ("results for a page", changes(), 200, None, mine(results(&[11])), "ours away"),
        ("a page for a push", push(&[11]), 200, None, mine(page()), "ours away"),
        ("too few", push(&[11, 12]), 200, None, mine(results(&[11])), "ours away"),
        ("too many", push(&[11]), 200, None, mine(results(&[11, 12])), "ours away"),
        ("another order", push(&[11, 12]), 200, None, mine(results(&[12, 11])), "ours away"),
        ("another parcel", push(&[11]), 200, None, mine(results(&[12])), "ours away"),
        ("an item missing", push(&[11]), 200, None, mine(items), "ours away"),
        ("another record", push(&[11]), 200, None, mine(elsewhere), "ours away"),
        ("an outcome that is none", push(&[11]), 200, None, mine(odd), "ours away"),
        ("another void", void(), 200, None, mine(json!({"op_id": op(12), "outcome": "voided"})), "ours away"),
        ("a collection nobody asked for", snapshot(), 200, None, mine(snapshot_page("deals")), "ours away"),
    ]);
}

#[test]
fn a_server_in_trouble_says_how_long() {
    use ProblemCode::{Internal, TooMany, Unavailable};
    check(vec![
        ("ours", changes(), 503, None, mine(problem(Unavailable)), "ours away"),
        ("ours, with a wait", changes(), 503, None, mine(late(Unavailable, 7)), "ours away 7000"),
        ("the body before the header", changes(), 429, Some("3"), mine(late(TooMany, 7)), "ours away 7000"),
        ("the header", changes(), 429, Some(" 3 "), ours(&Value::Null, problem(TooMany)), "ours away 3000"),
        ("our mistake", push(&[11]), 500, None, mine(problem(Internal)), "ours away"),
        ("a proxy's", changes(), 502, Some("30"), b"bad gateway".to_vec(), "away 30000"),
        ("a proxy's 429", changes(), 429, Some("30"), b"slow down".to_vec(), "away 30000"),
        ("at most an hour", changes(), 503, Some("999999"), vec![], "away 3600000"),
        ("more than there is", changes(), 503, Some("9223372036854775807"), vec![], "away 3600000"),
        ("not negative", changes(), 503, Some("-5"), vec![], "away 0"),
        ("a date is not read", changes(), 503, Some("Wed, 21 Oct 2026 07:28:00 GMT"), vec![], "away"),
    ]);
}

#[test]
fn a_refusal_of_ours_is_told_apart_by_status_and_code() {
    use ProblemCode::{CursorUnknown, Forbidden, Malformed, Other, Outdated, SignedOut, TooLarge, Unsupported, WrongUser};
    let nobodys = |code| ours(&Value::Null, problem(code));
    check(vec![
        ("signed out", changes(), 401, None, nobodys(SignedOut), "SignedOut"),
        ("wrong user", changes(), 401, None, nobodys(WrongUser), "WrongUser"),
        ("cursor", changes(), 410, None, mine(problem(CursorUnknown)), "CursorUnknown"),
        ("too large", push(&[11]), 413, None, nobodys(TooLarge), "TooLarge"),
        ("unsupported", push(&[11]), 415, None, mine(problem(Unsupported)), "Unsupported"),
        ("outdated", changes(), 426, None, mine(problem(Outdated)), "Outdated"),
        ("forbidden as a whole", changes(), 403, None, mine(problem(Forbidden)), "misconfigured 403"),
        ("malformed", push(&[11]), 400, None, mine(problem(Malformed)), "misconfigured 400"),
        ("a code that we do not know", changes(), 418, None, mine(problem(Other)), "misconfigured 418"),
        ("a code of another status", changes(), 410, None, mine(problem(TooLarge)), "misconfigured 410"),
    ]);
}

#[test]
fn an_answer_keeps_what_it_carries() {
    let answer = classify(&changes(), 200, None, &mine(page()), ME).expect("an answer");
    assert_eq!((answer.server_time, answer.server_epoch, answer.user), (Millis(5), EPOCH, Some(ME)));
    let Body::Changes(page) = answer.body else { panic!("not a page") };
    assert_eq!((page.changes, page.cursor), (vec![Told::Unread(json!({"anything": 1}))], Cursor("c2".into())));
}

#[test]
fn requests_as_http() {
    assert_eq!((method(&changes()), method(&snapshot())), ("GET", "GET"));
    assert_eq!((method(&push(&[])), method(&void())), ("POST", "POST"));
    assert_eq!(path(&changes()), "/sync/v1/changes?cursor=a%20b%2F%C3%A4&limit=100&schema=1");
    assert_eq!(path(&snapshot()), "/sync/v1/snapshot?after=customers%2F&collections=customers%2Cactivities&limit=100&schema=1");
    assert_eq!((path(&push(&[])), path(&void())), ("/sync/v1/push".into(), "/sync/v1/void".into()));
    assert_eq!((body(&changes()), body(&snapshot())), (None, None));
    let Request::Push(pushed) = push(&[11]) else { panic!("not a push") };
    assert_eq!(path(&Request::Preview(pushed.clone())), "/sync/v1/preview");
    let sent = body(&Request::Push(pushed.clone())).expect("a body");
    assert_eq!(serde_json::from_slice::<PushRequest>(&sent).expect("JSON"), pushed);
}
