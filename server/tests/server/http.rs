//! What every answer has in common, and the limits of every request.

use std::io::Write;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use fieldsync::core::protocol::{BODY_BYTES_MAX, ProblemCode, PushAnswer, SnapshotPage};
use fieldsync::core::schema::Schema;
use fieldsync_server::Config;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::common::{BUDI, World, answer, bytes, create, is_applied, push_request};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn post(world: &World, encoding: Option<&str>, body: Vec<u8>) -> Request<Body> {
    let mut request = world.request(BUDI, Method::POST, "/sync/v1/push", Body::from(body));
    if let Some(encoding) = encoding {
        request.headers_mut().insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn every_failure_is_an_envelope() {
    let world = World::new();
    let code = async |request| answer::<Value>(world.call(request).await).await.unwrap_err().code;
    let get = |path: &str| world.request(BUDI, Method::GET, path, Body::empty());
    assert_eq!(code(get("/sync/v1/nothing")).await, ProblemCode::NotFound);
    assert_eq!(code(get("/sync")).await, ProblemCode::NotFound);
    assert_eq!(code(get("/auth/v2/token")).await, ProblemCode::NotFound);
    assert_eq!(code(get("/test/pushes")).await, ProblemCode::NotFound);
    assert_eq!(code(get("/sync/v1/push")).await, ProblemCode::Malformed);
    assert_eq!(code(get("/sync/v1/changes")).await, ProblemCode::Malformed);
    assert_eq!(code(post(&world, None, b"{\"device\":".to_vec())).await, ProblemCode::Malformed);
    assert_eq!(code(post(&world, Some("gzip"), b"not gzip".to_vec())).await, ProblemCode::Malformed);
    assert_eq!(code(post(&world, Some("br"), b"x".to_vec())).await, ProblemCode::Unsupported);
    let mut text = post(&world, None, b"{}".to_vec());
    text.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    assert_eq!(code(text).await, ProblemCode::Unsupported);
}

#[tokio::test]
async fn a_body_is_limited_by_what_comes_out_of_it() {
    let world = World::new();
    let large = vec![b' '; BODY_BYTES_MAX + 1];
    let bomb = gzip(&large);
    assert!(bomb.len() < 10_000);
    for request in [post(&world, None, large), post(&world, Some("gzip"), bomb)] {
        let problem = answer::<PushAnswer>(world.call(request).await).await.unwrap_err();
        assert_eq!((problem.code, problem.status), (ProblemCode::TooLarge, 413));
    }
}

#[tokio::test]
async fn bodies_are_gzipped_both_ways() {
    let world = World::new();
    let parcels = (0..20).map(|_| world.parcel(vec![create("customers", world.id(), json!({"name": "A"}))])).collect();
    let body = gzip(&serde_json::to_vec(&push_request(parcels)).unwrap());
    let pushed: PushAnswer = answer(world.call(post(&world, Some("gzip"), body)).await).await.unwrap();
    assert!(pushed.results.iter().all(|result| is_applied(&result.outcome)));
    let mut request =
        world.request(BUDI, Method::GET, "/sync/v1/snapshot?collections=customers&schema=1&limit=99", Body::empty());
    request.headers_mut().insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
    let response = world.call(request).await;
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
    assert_eq!(response.headers()[header::ACCEPT_ENCODING], "gzip");
    let zipped = bytes(response).await;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&zipped[..]), &mut text).unwrap();
    assert_eq!(serde_json::from_str::<SnapshotPage>(&text).unwrap().records.len(), 20);
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_again() {
    let world = World::with(Config { requests_per_minute: 30, ..Config::default() });
    let path = "/sync/v1/snapshot?collections=settings&schema=1&limit=1";
    let get = || world.call(world.request(BUDI, Method::GET, path, Body::empty()));
    for _ in 0..3 {
        assert_eq!(get().await.status(), StatusCode::OK);
    }
    let response = get().await;
    let wait = response.headers()[header::RETRY_AFTER].to_str().unwrap().to_owned();
    let problem = answer::<Value>(response).await.unwrap_err();
    assert_eq!((problem.code, problem.retryable, problem.retry_after), (ProblemCode::TooMany, true, wait.parse().ok()));
}

#[tokio::test]
async fn the_schema_is_sent_once() {
    let world = World::new();
    let response = world.call(world.request(BUDI, Method::GET, "/sync/v1/schema", Body::empty())).await;
    let etag = response.headers()[header::ETAG].clone();
    let schema: Schema = answer(response).await.unwrap();
    assert_eq!(&schema, world.state.schema());
    let mut again = world.request(BUDI, Method::GET, "/sync/v1/schema", Body::empty());
    again.headers_mut().insert(header::IF_NONE_MATCH, etag);
    assert_eq!(world.call(again).await.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn other_origins_call_only_if_the_operator_named_them() {
    let world = World::with(Config { origins: vec!["https://app.example".into()], ..Config::default() });
    for (origin, path, allowed, credentials) in [
        ("https://app.example", "/sync/v1/push", true, false),
        ("https://app.example", "/auth/v1/token", true, true),
        ("https://evil.example", "/sync/v1/push", false, false),
        ("https://evil.example", "/auth/v1/token", false, true),
    ] {
        let request = Request::options(path)
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type,content-encoding,fieldsync-user");
        let response = world.call(request.body(Body::empty()).unwrap()).await;
        let headers = response.headers();
        assert_eq!(headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_some(), allowed, "{origin} {path}");
        assert_eq!(headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), credentials, "{origin} {path}");
        let named = headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str().unwrap();
        assert!(named.contains("fieldsync-user") && named.contains("content-encoding"), "{named}");
    }
    let mut request = world.request(BUDI, Method::GET, "/sync/v1/schema", Body::empty());
    request.headers_mut().insert(header::ORIGIN, "https://app.example".parse().unwrap());
    let response = world.call(request).await;
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example");
    assert_eq!(response.headers()[header::ACCESS_CONTROL_EXPOSE_HEADERS], "retry-after");
}

#[tokio::test]
async fn the_description_names_every_path() {
    let world = World::new();
    let response = world.call(Request::get("/openapi.json").body(Body::empty()).unwrap()).await;
    let document: Value = serde_json::from_slice(&bytes(response).await).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "/auth/v1/demo",
        "/auth/v1/token",
        "/reports/v1/{name}",
        "/sync/v1/changes",
        "/sync/v1/counts",
        "/sync/v1/preview",
        "/sync/v1/push",
        "/sync/v1/schema",
        "/sync/v1/snapshot",
        "/sync/v1/void",
    ];
    assert_eq!(paths, expected);
    let push = &document["components"]["schemas"]["PushRequest"]["properties"];
    for name in ["open", "open_records", "goodbye", "acknowledged"] {
        assert!(push.get(name).is_some(), "{name}");
    }
    assert!(document["components"]["schemas"]["LostEpoch"]["properties"].get("records").is_some());
    let text = document.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name} is named and not described");
    }
}

#[tokio::test]
async fn what_happens_is_counted() {
    let world = World::with(Config { test_hooks: true, ..Config::default() });
    world.create(BUDI, "customers", json!({"name": "A"})).await;
    let text = world.metrics().await;
    for line in [
        "fieldsync_pushes_total 1",
        "fieldsync_parcels_total{outcome=\"applied\"} 1",
        "fieldsync_http_answers_total{status=\"200\"} 1",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
    }
    let pushes = bytes(world.call(Request::get("/test/pushes").body(Body::empty()).unwrap()).await).await;
    assert_eq!(serde_json::from_slice::<Value>(&pushes).unwrap(), json!({"pushes": 1, "parcels": 1}));
    assert_eq!(world.call(Request::get("/healthz").body(Body::empty()).unwrap()).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_app_is_served_under_its_policy() {
    let root = std::env::temp_dir().join(format!("fieldsync-app-{}", std::process::id()));
    std::fs::create_dir_all(root.join("assets")).unwrap();
    for (name, text) in [("index.html", "<!doctype html>"), ("sw.js", "1"), ("assets/a.wasm", "\0asm"), ("m.webmanifest", "{}")] {
        std::fs::write(root.join(name), text).unwrap();
    }
    let world = World::with(Config { app: Some(root.clone()), ..Config::default() });
    let get = |path: &str| world.call(Request::get(path).body(Body::empty()).unwrap());
    for (path, status, kind) in [
        ("/", 200, "text/html; charset=utf-8"),
        ("/customers/0190", 200, "text/html; charset=utf-8"),
        ("/sw.js", 200, "text/javascript; charset=utf-8"),
        ("/assets/a.wasm", 200, "application/wasm"),
        ("/m.webmanifest", 200, "application/manifest+json"),
        ("/gone.js", 404, ""),
        ("/..%2findex.html", 404, ""),
        ("/assets/../../etc/passwd", 404, ""),
        ("//etc/passwd", 200, "text/html; charset=utf-8"),
    ] {
        let response = get(path).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        let headers = response.headers();
        let policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], policy, "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        if status == 200 {
            assert_eq!(
                (&headers[header::CONTENT_TYPE], &headers[header::CACHE_CONTROL]),
                (&kind.parse().unwrap(), &"no-cache".parse().unwrap()),
                "{path}"
            );
        }
    }
    let etag = get("/sw.js").await.headers()[header::ETAG].clone();
    let again = Request::get("/sw.js").header(header::IF_NONE_MATCH, etag).body(Body::empty()).unwrap();
    let response = world.call(again).await;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert!(response.headers().contains_key(header::CONTENT_SECURITY_POLICY));
    std::fs::remove_dir_all(root).unwrap();
}

#[tokio::test]
async fn a_file_that_the_build_compressed_is_sent_so_to_who_takes_it() {
    let root = std::env::temp_dir().join(format!("fieldsync-packed-{}", std::process::id()));
    std::fs::create_dir_all(&root).unwrap();
    for (name, text) in
        [("index.html", "<!doctype html>"), ("index.html.br", "packed page"), ("a.js", "1"), ("a.js.br", "packed")]
    {
        std::fs::write(root.join(name), text).unwrap();
    }
    std::fs::write(root.join("b.js"), "2").unwrap();
    let world = World::with(Config { app: Some(root.clone()), ..Config::default() });
    for (path, takes, encoding, text) in [
        ("/a.js", "gzip, deflate, br", Some("br"), "packed"),
        ("/customers/0190", "br;q=0.5", Some("br"), "packed page"),
        ("/a.js", "br;q=0, identity", None, "1"),
        ("/a.js", "identity", None, "1"),
        ("/b.js", "br", None, "2"),
    ] {
        let asked = || Request::get(path).header(header::ACCEPT_ENCODING, takes);
        let response = world.call(asked().body(Body::empty()).unwrap()).await;
        let headers = response.headers().clone();
        assert_eq!(headers.get(header::CONTENT_ENCODING).map(|name| name.to_str().unwrap()), encoding, "{path} {takes}");
        let vary =
            headers.get_all(header::VARY).iter().any(|name| name.to_str().unwrap().eq_ignore_ascii_case("accept-encoding"));
        assert!(vary, "a cache keeps one for each");
        assert!(!headers[header::CONTENT_TYPE].to_str().unwrap().contains("octet"), "the kind is that of the file");
        assert_eq!(bytes(response).await, text.as_bytes(), "{path} {takes}");
        let again = asked().header(header::IF_NONE_MATCH, &headers[header::ETAG]).body(Body::empty()).unwrap();
        assert_eq!(world.call(again).await.status(), StatusCode::NOT_MODIFIED);
    }
    let [packed, plain] = ["br", "identity"]
        .map(|takes| world.call(Request::get("/a.js").header(header::ACCEPT_ENCODING, takes).body(Body::empty()).unwrap()));
    assert_ne!(packed.await.headers()[header::ETAG], plain.await.headers()[header::ETAG], "they are not the same bytes");
    std::fs::remove_dir_all(root).unwrap();
}
