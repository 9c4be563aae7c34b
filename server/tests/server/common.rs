//! A small world: two teams, a server, and devices that push and pull.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use fieldsync::core::protocol::{
    Action, ChangesPage, Entry, Envelope, Item, Outcome, Problem, PushAnswer, PushParcel, PushRequest, PushResult, SnapshotPage,
    Told,
};
use fieldsync::core::record::{DeviceId, Epoch, Fields, Millis, OpId, RecordId, RowId, UserId, Version};
use fieldsync_server::auth::access_token::Bearer;
use fieldsync_server::db::memory::MemoryDb;
use fieldsync_server::db::sqlite::SqliteDb;
use fieldsync_server::db::{self, Db, DbError, Role, User};
use fieldsync_server::{AppState, Config, app};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

pub const START: Millis = Millis(1_790_000_000_000);
pub const PASSWORD: &str = "kopi-tubruk";
static HASH: LazyLock<String> = LazyLock::new(|| fieldsync_server::auth::password::hash(PASSWORD).unwrap());

/// Budi and Sari are reps of Jakarta, Ahmad is their manager; Dina is a rep of Bandung, Rudi her manager.
pub const BUDI: UserId = UserId(Uuid::from_u128(1));
pub const SARI: UserId = UserId(Uuid::from_u128(2));
pub const AHMAD: UserId = UserId(Uuid::from_u128(3));
pub const DINA: UserId = UserId(Uuid::from_u128(4));
pub const RUDI: UserId = UserId(Uuid::from_u128(5));

pub struct World {
    pub state: AppState,
    pub app: Router,
    pub db: Arc<dyn Db>,
    pub clock: Arc<AtomicI64>,
    next: AtomicU64,
}

pub fn user(id: UserId, username: &str, role: Role, team: &str) -> User {
    let (username, name) = (username.to_owned(), username.to_uppercase());
    User { id, username, name, role, team: Some(team.to_owned()), password_hash: HASH.clone() }
}

pub fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

impl World {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        Self::over(Arc::new(MemoryDb::new(7)), config)
    }

    /// One over each database.
    pub fn both() -> [Self; 2] {
        [Self::new(), Self::over(Arc::new(SqliteDb::in_memory(7).unwrap()), Config::default())]
    }

    pub fn over(db: Arc<dyn Db>, config: Config) -> Self {
        db::write(&*db, |tx| -> Result<(), DbError> {
            for (id, name, role, team) in [
                (BUDI, "budi", Role::Rep, "Jakarta"),
                (SARI, "sari", Role::Rep, "Jakarta"),
                (AHMAD, "ahmad", Role::Manager, "Jakarta"),
                (DINA, "dina", Role::Rep, "Bandung"),
                (RUDI, "rudi", Role::Manager, "Bandung"),
            ] {
                tx.put_user(&user(id, name, role, team))?;
            }
            Ok(())
        })
        .unwrap();
        let clock = Arc::new(AtomicI64::new(START.0));
        let hands = clock.clone();
        let state = AppState::new(db.clone(), config).unwrap();
        let state = state.with_clock(Arc::new(move || Millis(hands.load(Ordering::SeqCst))));
        Self { app: app(state.clone()), state, db, clock, next: AtomicU64::new(1) }
    }

    pub fn later(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    fn number(&self) -> u128 {
        u128::from(self.next.fetch_add(1, Ordering::SeqCst))
    }

    pub fn id(&self) -> RecordId {
        RecordId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + self.number()))
    }

    pub fn token(&self, user: UserId) -> String {
        self.state.signer().sign(Bearer { user, browser: None }, self.state.now().plus(60_000)).unwrap()
    }

    pub async fn call(&self, request: Request<Body>) -> Response<Body> {
        self.app.clone().oneshot(request).await.unwrap()
    }

    pub fn request(&self, user: UserId, method: Method, path: &str, body: Body) -> Request<Body> {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "crm.example")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token(user)))
            .header("fieldsync-user", user.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .unwrap()
    }

    pub async fn get<T: DeserializeOwned>(&self, user: UserId, path: &str) -> Result<T, Problem> {
        answer(self.call(self.request(user, Method::GET, path, Body::empty())).await).await
    }

    pub async fn post<T: DeserializeOwned>(&self, user: UserId, path: &str, body: &impl serde::Serialize) -> Result<T, Problem> {
        let body = Body::from(serde_json::to_vec(body).unwrap());
        answer(self.call(self.request(user, Method::POST, path, body)).await).await
    }

    /// What is counted, as text.
    pub async fn metrics(&self) -> String {
        let answer = self.call(Request::get("/metrics").body(Body::empty()).unwrap()).await;
        String::from_utf8(bytes(answer).await).unwrap()
    }

    pub fn parcel(&self, items: Vec<Item>) -> PushParcel {
        let changes = items.iter().map(|_| RowId(Uuid::from_u128(self.number()))).collect();
        PushParcel { op_id: OpId(Uuid::from_u128(self.number())), changes, schema: 1, items: items.into() }
    }

    pub async fn push(&self, user: UserId, parcels: Vec<PushParcel>) -> Vec<PushResult> {
        self.post::<PushAnswer>(user, "/sync/v1/push", &push_request(parcels)).await.unwrap().results
    }

    /// Pushes one parcel of these items.
    pub async fn send(&self, user: UserId, items: Vec<Item>) -> Outcome {
        let parcel = self.parcel(items);
        self.push(user, vec![parcel]).await.remove(0).outcome
    }

    pub async fn create(&self, user: UserId, collection: &str, value: Value) -> RecordId {
        let id = self.id();
        let outcome = self.send(user, vec![create(collection, id, value)]).await;
        assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:?}");
        id
    }

    /// Where the feed ends now, for this user.
    pub async fn cursor(&self, user: UserId) -> String {
        self.snapshot(user).await.1
    }

    /// The whole snapshot, in pages of two; and the cursor.
    pub async fn snapshot(&self, user: UserId) -> (Vec<Entry>, String) {
        let mut path =
            "/sync/v1/snapshot?collections=customers,pipelines,activities,preferences,settings&schema=1&limit=2".to_owned();
        let first = path.clone();
        let mut entries = Vec::new();
        loop {
            let page: SnapshotPage = self.get(user, &path).await.unwrap();
            entries.extend(page.records.into_iter().map(entry));
            match (page.next, page.cursor) {
                (Some(next), None) => path = format!("{first}&after={next}&watermark={}", page.watermark.0),
                (None, Some(cursor)) => return (entries, cursor.0),
                other => panic!("a page has either a next or a cursor: {other:?}"),
            }
        }
    }

    pub async fn changes(&self, user: UserId, cursor: &str, limit: u32) -> Result<ChangesPage, Problem> {
        self.get(user, &format!("/sync/v1/changes?cursor={cursor}&schema=1&limit={limit}")).await
    }

    /// Everything since the cursor.
    pub async fn news(&self, user: UserId, cursor: &str) -> Vec<Entry> {
        let page = self.changes(user, cursor, 1_000).await.unwrap();
        assert!(!page.has_more);
        page.changes.into_iter().map(entry).collect()
    }
}

/// An entry that must be readable.
pub fn entry(told: Told) -> Entry {
    match told {
        Told::Plain(plain) => plain.read(),
        Told::Entry(entry) => entry,
        Told::Unread(raw) => panic!("{raw} cannot be read"),
    }
}

pub fn push_request(parcels: Vec<PushParcel>) -> PushRequest {
    PushRequest {
        device: DeviceId(Uuid::from_u128(77)),
        epoch: Epoch(Uuid::from_u128(78)),
        allocated_seq: 9,
        open: Vec::new(),
        open_records: 0,
        conflicts: 0,
        goodbye: false,
        acknowledged: Vec::new(),
        server_epoch: None,
        cursor: None,
        mark: None,
        parcels,
    }
}

pub fn item(action: Action, collection: &str, id: RecordId, base_version: u64, patch: Value) -> Item {
    Item {
        collection: collection.to_owned(),
        id,
        action,
        base_version: Version(base_version),
        patch: fields(patch),
        seen: Fields::new(),
        seen_version: None,
        set_aside: Vec::new(),
        edited_at: START,
    }
}

pub fn create(collection: &str, id: RecordId, patch: Value) -> Item {
    item(Action::Create, collection, id, 0, patch)
}

pub fn update(collection: &str, id: RecordId, base_version: u64, patch: Value) -> Item {
    item(Action::Update, collection, id, base_version, patch)
}

pub fn delete(collection: &str, id: RecordId, base_version: u64) -> Item {
    item(Action::Delete, collection, id, base_version, serde_json::json!({}))
}

pub async fn bytes(response: Response<Body>) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

/// The body of an answer, or its problem. Either is an envelope, or the test fails.
pub async fn answer<T: DeserializeOwned>(response: Response<Body>) -> Result<T, Problem> {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
    assert_eq!(response.headers()[header::CACHE_CONTROL], "private, no-store");
    let text = bytes(response).await;
    let shown = String::from_utf8_lossy(&text).into_owned();
    if status == StatusCode::OK {
        serde_json::from_slice::<Envelope<serde_json::Value>>(&text).unwrap_or_else(|error| panic!("{error}: {shown}"));
        return Ok(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{error}: {shown}")));
    }
    assert_eq!(kind.as_deref(), Some("application/problem+json"), "{shown}");
    let problem = serde_json::from_slice::<Envelope<Problem>>(&text).unwrap_or_else(|error| panic!("{error}: {shown}")).body;
    assert_eq!(problem.status, status.as_u16());
    Err(problem)
}

pub fn code(outcome: &Outcome) -> fieldsync::core::protocol::ProblemCode {
    match outcome {
        Outcome::Rejected { problem } => problem.code,
        other => panic!("not rejected: {other:?}"),
    }
}

pub fn is_applied(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Applied { .. })
}
