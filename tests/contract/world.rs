//! The real client over the memory store, and the real router, in one process. Between them a network that does as told.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{Request as HttpRequest, header};
use fieldsync::client::{Client, NewChange};
use fieldsync::core::answer::{body, classify, method, path};
use fieldsync::core::backoff::bits;
use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::{Action, Answer, Entry, Request};
use fieldsync::core::record::{Epoch, Fields, Millis, RecordId, RowId, UserId, Version};
use fieldsync::core::schema::Schema;
use fieldsync::core::trace::{Trace, replay};
use fieldsync::data::table::RecordView;
use fieldsync::memory::MemoryStore;
use fieldsync::ports::{Cause, Host, Store, StoreError, Transport, TransportError};
use fieldsync_server::auth::access_token::Bearer;
use fieldsync_server::db::memory::MemoryDb;
use fieldsync_server::db::{self, Db, DbError, Role, User};
use fieldsync_server::{AppState, Config, app};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

pub const BUDI: UserId = UserId(Uuid::from_u128(1));
pub const SARI: UserId = UserId(Uuid::from_u128(2));
pub const AHMAD: UserId = UserId(Uuid::from_u128(3));

/// What the network does to one exchange.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing: it is a later one that has the fault.
    Pass,
    /// Nobody answers; the server never sees the request.
    Refuse,
    /// The server sees it, and its answer is lost.
    LoseAnswer,
    /// Half of the answer comes.
    CutBody,
    /// Somebody else answers.
    Portal(u16),
    /// Our server answers with this status, in its own words.
    Ours(u16, &'static str),
}

#[derive(Clone)]
pub struct World {
    pub state: AppState,
    pub app: Router,
    /// The server's database, for backups.
    pub db: Arc<MemoryDb>,
    clock: Arc<AtomicI64>,
    /// How far the devices' clocks are ahead of the server's.
    pub ahead_ms: Rc<Cell<i64>>,
    next: Rc<Cell<u64>>,
}

impl World {
    pub fn new() -> Self {
        let memory = Arc::new(MemoryDb::new(7));
        let db: Arc<dyn Db> = memory.clone();
        db::write(&*db, |tx| -> Result<(), DbError> {
            for (id, name, role) in [(BUDI, "budi", Role::Rep), (SARI, "sari", Role::Rep), (AHMAD, "ahmad", Role::Manager)] {
                let (username, name) = (name.to_owned(), name.to_uppercase());
                tx.put_user(&User { id, username, name, role, team: Some("Jakarta".into()), password_hash: String::new() })?;
            }
            Ok(())
        })
        .unwrap();
        let clock = Arc::new(AtomicI64::new(1_790_000_000_000));
        let hands = clock.clone();
        let config = Config { test_hooks: true, ..Config::default() };
        let state = AppState::new(db, config).unwrap().with_clock(Arc::new(move || Millis(hands.load(Ordering::SeqCst))));
        Self { app: app(state.clone()), state, db: memory, clock, ahead_ms: Rc::default(), next: Rc::new(Cell::new(1)) }
    }

    pub fn later(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn now(&self) -> Millis {
        Millis(self.clock.load(Ordering::SeqCst))
    }

    /// The lifetime of the server's database.
    pub fn server_epoch(&self) -> Epoch {
        self.state.envelope(None, ()).server_epoch
    }

    fn random(&self) -> u64 {
        self.next.set(self.next.get() + 1);
        bits(11, self.next.get())
    }

    /// A context of a user on a new device.
    pub async fn device(&self, user: UserId) -> Device {
        self.context(user, MemoryStore::new()).await
    }

    /// A context of a user on a new store in this browser: a first visit, or one after the storage was cleared.
    pub async fn cleared(&self, user: UserId, browser: u128) -> Device {
        self.context_in(user, MemoryStore::new(), Some(Uuid::from_u128(browser))).await
    }

    /// Another context on the same store: a second tab, or the app after a restart.
    pub async fn context(&self, user: UserId, store: MemoryStore) -> Device {
        self.context_in(user, store, None).await
    }

    async fn context_in(&self, user: UserId, store: MemoryStore, browser: Option<Uuid>) -> Device {
        let (client, wire) = self.client(user, store.clone(), browser).await.unwrap();
        Device { world: self.clone(), client, store, wire }
    }

    /// A client of a user over any store.
    pub async fn client<S: Store>(
        &self,
        user: UserId,
        store: S,
        browser: Option<Uuid>,
    ) -> Result<(Client<S, Wire, TestHost>, Wire), StoreError> {
        let wire = self.wire(user, browser);
        Ok((self.open(user, store, wire.clone(), true).await?, wire))
    }

    /// The way to the server for a user.
    pub fn wire(&self, user: UserId, browser: Option<Uuid>) -> Wire {
        Wire { world: self.clone(), bearer: Bearer { user, browser }, faults: Rc::default(), seen: Rc::default() }
    }

    /// A client of a user over any store and any way to the server.
    pub async fn open<S: Store, T: Transport>(
        &self,
        user: UserId,
        store: S,
        transport: T,
        tables: bool,
    ) -> Result<Client<S, T, TestHost>, StoreError> {
        let host = TestHost { world: self.clone() };
        let schema = Rc::new(Schema::parse(include_str!("../../www/schema.json")).unwrap());
        Client::open(store, transport, host, schema, user, tables).await
    }

    /// A context that has read no page yet.
    pub async fn start<S: Store>(&self, user: UserId, store: S) -> Result<Client<S, Wire, TestHost>, StoreError> {
        let host = TestHost { world: self.clone() };
        let schema = Rc::new(Schema::parse(include_str!("../../www/schema.json")).unwrap());
        Client::start(store, self.wire(user, None), host, schema, user, true, None).await
    }

    /// The worker of a device: a context without tables.
    pub async fn worker(&self, user: UserId, store: MemoryStore) -> Device {
        let wire = self.wire(user, None);
        let client = self.open(user, store.clone(), wire.clone(), false).await.unwrap();
        Device { world: self.clone(), client, store, wire }
    }

    /// The manager gives a customer, and all that hangs on it, to another.
    pub async fn give(&self, customer: RecordId, owner: UserId) {
        let office = self.device(AHMAD).await;
        office.sync().await;
        let shown = office.get("customers", customer).unwrap();
        let (row, collection) = (office.row(), "customers".to_owned());
        let (record, action, version, seen) = (customer, Action::Update, shown.version, shown.fields.into_fields());
        let written = fields(serde_json::json!({"owner": owner}));
        office.client.save(vec![NewChange { row, collection, record, action, version, seen, written }], 0).await.unwrap();
    }

    /// What the server has, as this user sees it: every record of a collection.
    pub async fn server(&self, user: UserId, collection: &str) -> Vec<Entry> {
        let path = format!("/sync/v1/snapshot?collections={collection}&schema=1&limit=2000");
        let request = self.request(Bearer { user, browser: None }, "GET", &path, None);
        let bytes = self.app.clone().oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        serde_json::from_value(answer["records"].clone()).unwrap()
    }

    fn request(&self, bearer: Bearer, method: &str, path: &str, body: Option<Vec<u8>>) -> HttpRequest<Body> {
        let token = self.state.signer().sign(bearer, self.now().plus(60_000)).unwrap();
        HttpRequest::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "crm.example")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header("fieldsync-user", bearer.user.to_string())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body.map_or_else(Body::empty, Body::from))
            .unwrap()
    }
}

/// A transport that reaches the router through the faults queued for it.
#[derive(Clone)]
pub struct Wire {
    world: World,
    bearer: Bearer,
    pub faults: Rc<RefCell<VecDeque<Fault>>>,
    /// Every request that was made, by kind.
    pub seen: Rc<RefCell<Vec<Request>>>,
}

impl Transport for Wire {
    async fn send(&self, request: &Request) -> Result<Answer, TransportError> {
        self.seen.borrow_mut().push(request.clone());
        // Who does something meanwhile does it now.
        tokio::task::yield_now().await;
        let fault = self.faults.borrow_mut().pop_front();
        let away = || TransportError::Away { retry_after_ms: None, ours: false, cause: Cause::default() };
        if matches!(fault, Some(Fault::Refuse)) {
            return Err(away());
        }
        if let Some(Fault::Portal(status)) = fault {
            return Err(classify(request, status, None, b"<html>Please sign in to the network", self.bearer.user)
                .unwrap_err()
                .into());
        }
        if let Some(Fault::Ours(status, code)) = fault {
            let epoch = self.world.server_epoch();
            let problem = serde_json::json!({"server_time": 1, "server_epoch": epoch, "user": self.bearer.user, "type": "/problems/internal",
                "code": code, "title": "x", "status": status, "retryable": true});
            return Err(classify(request, status, None, problem.to_string().as_bytes(), self.bearer.user).unwrap_err().into());
        }
        let http = self.world.request(self.bearer, method(request), &path(request), body(request));
        let response = self.world.app.clone().oneshot(http).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        match fault {
            Some(Fault::LoseAnswer) => Err(away()),
            Some(Fault::CutBody) => Ok(classify(request, status, None, &bytes[..bytes.len() / 2], self.bearer.user)?),
            _ => Ok(classify(request, status, None, &bytes, self.bearer.user)?),
        }
    }
}

pub struct TestHost {
    world: World,
}

impl Host for TestHost {
    fn now(&self) -> Millis {
        self.world.now().plus(self.world.ahead_ms.get())
    }

    fn random(&self) -> u64 {
        self.world.random()
    }

    async fn sleep_until(&self, at: Millis) {
        self.world.later(at.since(self.now()).max(0));
    }
}

/// One context of one user.
pub struct Device {
    pub world: World,
    pub client: Client<MemoryStore, Wire, TestHost>,
    pub store: MemoryStore,
    pub wire: Wire,
}

pub fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

impl Device {
    pub fn row(&self) -> RowId {
        RowId::new(self.world.now(), [self.world.random(), self.world.random()])
    }

    pub async fn create(&self, collection: &str, value: Value) -> RecordId {
        let record = RecordId::new(self.world.now(), [self.world.random(), self.world.random()]);
        self.save(collection, record, Action::Create, Version(0), Fields::new(), fields(value)).await;
        record
    }

    /// An update, to save, of the record as a form has it.
    pub fn edit(&self, shown: &RecordView, written: Value) -> NewChange {
        let RecordView { id: record, version, fields, collection, .. } = shown.clone();
        let seen = fields.into_fields();
        NewChange { row: self.row(), collection, record, action: Action::Update, version, seen, written: self::fields(written) }
    }

    /// An update of the record as it is shown here.
    pub async fn update(&self, collection: &str, id: RecordId, patch: Value) {
        let shown = self.get(collection, id).unwrap();
        self.update_seen(&shown, patch).await;
    }

    /// An update of the record as a form has it.
    pub async fn update_seen(&self, shown: &RecordView, patch: Value) {
        self.client.save(vec![self.edit(shown, patch)], 0).await.unwrap();
    }

    pub async fn remove(&self, collection: &str, id: RecordId) {
        let shown = self.get(collection, id).unwrap();
        self.save(collection, id, Action::Delete, shown.version, shown.fields.into_fields(), Fields::new()).await;
    }

    async fn save(&self, collection: &str, record: RecordId, action: Action, version: Version, seen: Fields, written: Fields) {
        let (row, collection) = (self.row(), collection.to_owned());
        self.client.save(vec![NewChange { row, collection, record, action, version, seen, written }], 0).await.unwrap();
    }

    pub fn get(&self, collection: &str, id: RecordId) -> Option<RecordView> {
        self.client.get(collection, id)
    }

    pub fn value(&self, collection: &str, id: RecordId, name: &str) -> Value {
        self.get(collection, id).and_then(|record| record.fields.get(name).cloned()).unwrap_or(Value::Null)
    }

    pub fn fail(&self, faults: &[Fault]) {
        self.wire.faults.borrow_mut().extend(faults.iter().cloned());
    }

    pub async fn sync(&self) {
        self.client.cycle(Reason::User).await;
        assert_eq!(replay(&self.trace().await), Ok(()), "every trace of these tests replays");
    }

    /// The trace as support gets it.
    pub async fn trace(&self) -> Trace {
        serde_json::from_value(self.client.diagnostics().await.unwrap()["trace"].clone()).unwrap()
    }

    /// Parcels pushed so far, counted each time they were sent.
    pub fn parcels_sent(&self) -> usize {
        let seen = self.wire.seen.borrow();
        seen.iter().map(|request| if let Request::Push(push) = request { push.parcels.len() } else { 0 }).sum()
    }

    pub fn unsent(&self) -> usize {
        self.client.status().pending
    }
}
