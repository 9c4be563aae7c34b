//! Signing in and out over HTTP: who may, from where, and how often.

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use fieldsync::core::protocol::{ProblemCode, SnapshotPage, TokenAnswer};
use fieldsync_server::Config;
use fieldsync_server::auth::handlers::{DemoUsers, SignedOut};
use fieldsync_server::db;
use serde_json::{Value, json};

use crate::common::{BUDI, PASSWORD, SARI, START, World, answer};

const OWN: &str = "https://crm.example";

fn token_request(method: Method, origin: Option<&str>, cookie: &str, body: Value) -> Request<Body> {
    let mut request = Request::builder().method(method).uri("/auth/v1/token").header(header::HOST, "crm.example");
    if let Some(origin) = origin {
        request = request.header(header::ORIGIN, origin);
    }
    let request = request.header(header::COOKIE, format!("a=b; fieldsync_refresh={cookie}"));
    request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
}

fn password(username: &str, password: &str) -> Request<Body> {
    token_request(Method::POST, Some(OWN), "", json!({"grant": "password", "username": username, "password": password}))
}

fn refresh(cookie: &str) -> Request<Body> {
    token_request(Method::POST, Some(OWN), cookie, json!({"grant": "refresh"}))
}

fn cookie_of(response: &Response<Body>) -> String {
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    cookie.strip_prefix("fieldsync_refresh=").unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn who_knows_the_password_gets_a_token_and_a_cookie() {
    for world in World::both() {
        let response = world.call(password(" Budi ", PASSWORD)).await;
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
        for part in ["; Path=/auth/v1;", "; Max-Age=7776000;", "; HttpOnly", "; SameSite=Strict", "; Secure"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let signed_in: TokenAnswer = answer(response).await.unwrap();
        assert_eq!((signed_in.profile.id, signed_in.profile.username.as_str()), (BUDI, "budi"));
        assert_eq!(world.state.signer().read(&signed_in.access_token, START).map(|bearer| bearer.user), Some(BUDI));
        assert_eq!(world.state.signer().read(&signed_in.access_token, signed_in.expires_at), None);
    }
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_look_the_same() {
    let world = World::new();
    let mut problems = Vec::new();
    for (name, word) in [("budi", "wrong"), ("nobody", PASSWORD)] {
        problems.push(answer::<TokenAnswer>(world.call(password(name, word)).await).await.unwrap_err());
    }
    assert_eq!((problems[0].code, &problems[0]), (ProblemCode::SignedOut, &problems[1]));
}

#[tokio::test]
async fn the_cookie_is_secure_except_on_this_machine() {
    let world = World::new();
    for (host, secure) in
        [("localhost:8787", false), ("127.0.0.1:1", false), ("[::1]:8787", false), ("localhost.evil.example", true)]
    {
        let mut request = password("budi", PASSWORD);
        request.headers_mut().insert(header::HOST, host.parse().unwrap());
        request.headers_mut().insert(header::ORIGIN, format!("http://{host}").parse().unwrap());
        let cookie = world.call(request).await.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
        assert_eq!(cookie.contains("Secure"), secure, "{host}");
    }
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_can_be_asked_again() {
    for world in World::both() {
        let first = cookie_of(&world.call(password("budi", PASSWORD)).await);
        assert_eq!(world.call(refresh(&first)).await.status(), StatusCode::OK);
        let response = world.call(refresh(&first)).await;
        let second = cookie_of(&response);
        assert_eq!(answer::<TokenAnswer>(response).await.unwrap().profile.id, BUDI);
        assert_eq!(world.call(refresh(&second)).await.status(), StatusCode::OK);
        assert_eq!(answer::<TokenAnswer>(world.call(refresh(&first)).await).await.unwrap_err().code, ProblemCode::SignedOut);
    }
}

#[tokio::test]
async fn the_cookie_is_taken_from_known_origins_with_a_json_body_only() {
    let config = Config { origins: vec!["https://app.example".into()], ..Config::default() };
    let world = World::with(config);
    let cookie = cookie_of(&world.call(password("budi", PASSWORD)).await);
    let body = || json!({"grant": "refresh"});
    for (origin, status) in
        [(None, 403), (Some("https://evil.example"), 403), (Some("null"), 403), (Some("https://app.example"), 200)]
    {
        let response = world.call(token_request(Method::POST, origin, &cookie, body())).await;
        assert_eq!(response.status().as_u16(), status, "{origin:?}");
    }
    let mut form = refresh(&cookie);
    form.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    assert_eq!(answer::<TokenAnswer>(world.call(form).await).await.unwrap_err().code, ProblemCode::Unsupported);
    assert_eq!(world.call(token_request(Method::DELETE, None, &cookie, json!({}))).await.status(), StatusCode::FORBIDDEN);
    // And by no other path.
    let request =
        Request::get("/sync/v1/changes").header(header::COOKIE, format!("fieldsync_refresh={cookie}")).body(Body::empty());
    assert_eq!(world.call(request.unwrap()).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_cookie() {
    let world = World::new();
    let cookie = cookie_of(&world.call(password("budi", PASSWORD)).await);
    let response = world.call(token_request(Method::DELETE, Some(OWN), &cookie, json!({}))).await;
    assert!(response.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert!(answer::<SignedOut>(response).await.unwrap().signed_out);
    assert_eq!(world.call(refresh(&cookie)).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_request_names_its_user_and_a_token_runs_out() {
    let world = World::new();
    let get = |token: String, user: Option<String>| {
        let mut request = Request::get("/sync/v1/snapshot?collections=customers&schema=1&limit=9");
        if let Some(user) = user {
            request = request.header("fieldsync-user", user);
        }
        world.call(request.header(header::AUTHORIZATION, token).body(Body::empty()).unwrap())
    };
    let good = format!("Bearer {}", world.token(BUDI));
    let code = async |response| answer::<SnapshotPage>(response).await.map(|_| ()).map_err(|problem| problem.code);
    assert_eq!(code(get(good.clone(), Some(BUDI.to_string())).await).await, Ok(()));
    assert_eq!(code(get(good.clone(), Some(SARI.to_string())).await).await, Err(ProblemCode::WrongUser));
    assert_eq!(code(get(good.clone(), None).await).await, Err(ProblemCode::WrongUser));
    assert_eq!(code(get("Bearer nonsense".into(), Some(BUDI.to_string())).await).await, Err(ProblemCode::SignedOut));
    world.later(60_000);
    assert_eq!(code(get(good, Some(BUDI.to_string())).await).await, Err(ProblemCode::SignedOut));
}

#[tokio::test]
async fn a_restart_signs_nobody_out() {
    let world = World::new();
    let token = world.token(BUDI);
    let again = fieldsync_server::AppState::new(world.db.clone(), Config::default()).unwrap();
    assert_eq!(again.signer().read(&token, START).map(|bearer| bearer.user), Some(BUDI));
    assert_eq!(again.envelope(None, ()).server_epoch, world.state.envelope(None, ()).server_epoch);
    assert_eq!(World::new().state.signer().read(&token, START), None);
}

#[tokio::test]
async fn guessing_is_slowed_down_for_each_name() {
    let world = World::with(Config { sign_ins_per_minute: 2, ..Config::default() });
    for _ in 0..2 {
        assert_eq!(world.call(password("budi", "wrong")).await.status(), StatusCode::UNAUTHORIZED);
    }
    let response = world.call(password("BUDI", PASSWORD)).await;
    let header: u32 = response.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    let problem = answer::<TokenAnswer>(response).await.unwrap_err();
    assert_eq!((problem.code, problem.retry_after), (ProblemCode::TooMany, Some(header)));
    assert!((1..=60).contains(&header));
    assert_eq!(world.call(password("sari", PASSWORD)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn only_a_demo_server_says_who_can_sign_in() {
    let world = World::new();
    let get = || Request::get("/auth/v1/demo").body(Body::empty()).unwrap();
    assert_eq!(answer::<DemoUsers>(world.call(get()).await).await.unwrap_err().code, ProblemCode::NotFound);
    db::write(&*world.db, |tx| tx.put_meta(fieldsync_server::demo::META, "1")).unwrap();
    let users = answer::<DemoUsers>(world.call(get()).await).await.unwrap().users;
    assert_eq!(users.iter().map(|user| user.username.as_str()).collect::<Vec<_>>(), ["budi", "sari", "ahmad"]);
}
