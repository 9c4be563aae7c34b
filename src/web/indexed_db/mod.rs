//! The store over IndexedDB: one connection, reopened when it dies, given up when another tab needs a newer version.

mod asks;
mod json;
mod packs;
mod reads;
mod writes;

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::{Rc, Weak};

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{Event, IdbDatabase, IdbVersionChangeEvent};

use super::schema;
use super::transaction::{Fault, Mode, Transaction};
use crate::core::record::RowId;
use crate::data::kept::Kept;
use crate::ports::{Cause, Committed, REOPEN_TRIES_MAX, Read, Rows, Scope, Step, Store, StoreError, StoreName, Write};
use reads::Found;

pub use super::schema::delete as delete_database;

/// A plan without its own result.
type Plan<'a> = dyn Fn(&Rows) -> Step<()> + 'a;
/// A transaction under way.
type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + 'a>>;

/// Most stages of reading in one transaction: a plan that asks for more is mistaken.
const STAGES_MAX: u32 = 16;

/// The database of one server and user. Clones share the connection.
#[derive(Clone)]
pub struct IndexedDbStore(Rc<Inner>);

struct Inner {
    name: String,
    version: u32,
    state: RefCell<State>,
    on_reload: RefCell<Option<Rc<dyn Fn()>>>,
    #[cfg(feature = "browser-tests")]
    hooks: hooks::Hooks,
}

/// Where the connection stands. There is never more than one.
enum State {
    /// None yet, or the last one died.
    Closed,
    /// On its way; whoever needs it waits for the same.
    Opening(Promise, Rc<RefCell<Option<Fault>>>),
    /// In use.
    Open(Rc<Connection>),
    /// Given up for good, and why.
    Ended(StoreError),
}

struct Connection {
    database: IdbDatabase,
    kept: Kept,
    _on_close: Closure<dyn FnMut(Event)>,
    _on_version_change: Closure<dyn FnMut(IdbVersionChangeEvent)>,
}

impl Connection {
    /// Whether transactions can still begin. A connection that the browser closed throws.
    fn is_alive(&self) -> bool {
        Transaction::begin(&self.database, &[StoreName::Meta], Mode::Read).is_ok()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onclose(None);
        self.database.set_onversionchange(None);
        // Waits for the transactions that are under way.
        self.database.close();
    }
}

impl IndexedDbStore {
    /// The database of this name. It is opened, and made if there is none, when it is first used.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self::of_version(name, schema::VERSION)
    }

    fn of_version(name: impl Into<String>, version: u32) -> Self {
        Self(Rc::new(Inner {
            name: name.into(),
            version,
            state: RefCell::new(State::Closed),
            on_reload: RefCell::new(None),
            #[cfg(feature = "browser-tests")]
            hooks: hooks::Hooks::default(),
        }))
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Opens it now.
    ///
    /// # Errors
    /// Why it cannot be opened; `Newer` and `Blocked` are worth telling at once.
    pub async fn open(&self) -> Result<(), StoreError> {
        self.0.connection().await.map(drop).map_err(Fault::into_error)
    }

    /// Lets the connection go, whatever it is doing, and opens another. One that was closed for good stays closed.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn reopen(&self) -> Result<(), StoreError> {
        let is_ended = matches!(&*self.0.state.borrow(), State::Ended(_));
        if !is_ended {
            let before = self.0.state.replace(State::Closed);
            if let State::Open(connection) = before {
                connection.database.close();
            }
        }
        self.open().await
    }

    /// Called once when this context has to be reloaded: another one upgrades or deletes the database.
    pub fn on_reload(&self, callback: impl Fn() + 'static) {
        *self.0.on_reload.borrow_mut() = Some(Rc::new(callback));
    }

    /// Closes it for good: what is asked of it later is `Closed`. Transactions under way are finished.
    pub fn close(&self) {
        self.0.end(StoreError::Closed);
    }
}

impl Inner {
    /// The connection; opens it if there is none.
    async fn connection(self: &Rc<Self>) -> Result<Rc<Connection>, Fault> {
        loop {
            let opening = match &*self.state.borrow() {
                State::Open(connection) => return Ok(Rc::clone(connection)),
                State::Ended(error) => return Err(Fault::Final(error.clone())),
                State::Opening(promise, fault) => Some((promise.clone(), Rc::clone(fault))),
                State::Closed => None,
            };
            let (promise, fault) = opening.unwrap_or_else(|| self.begin_opening());
            // It never rejects: what went wrong is in `fault`.
            let _ = JsFuture::from(promise).await;
            if let Some(fault) = &*fault.borrow() {
                return Err(fault.clone());
            }
        }
    }

    /// Opens apart from who asked: dropping the caller's future leaves no half-open connection.
    fn begin_opening(self: &Rc<Self>) -> (Promise, Rc<RefCell<Option<Fault>>>) {
        let fault = Rc::new(RefCell::new(None));
        let (inner, failed) = (Rc::clone(self), Rc::clone(&fault));
        let promise = future_to_promise(async move {
            let opened = schema::open(&inner.name, inner.version).await;
            let mut state = inner.state.borrow_mut();
            match (&*state, opened) {
                (State::Opening(..), Ok(database)) => *state = State::Open(inner.attach(database)),
                (State::Opening(..), Err(fault)) => {
                    *state = match &fault {
                        Fault::Final(StoreError::Newer) => State::Ended(StoreError::Newer),
                        _ => State::Closed,
                    };
                    *failed.borrow_mut() = Some(fault);
                }
                // Closed for good meanwhile.
                (_, Ok(database)) => database.close(),
                (_, Err(_)) => {}
            }
            Ok(JsValue::UNDEFINED)
        });
        *self.state.borrow_mut() = State::Opening(promise.clone(), Rc::clone(&fault));
        (promise, fault)
    }

    /// Listens to the two things that happen to a connection by itself.
    fn attach(self: &Rc<Self>, database: IdbDatabase) -> Rc<Connection> {
        let on_close = {
            let (inner, closed) = (Rc::downgrade(self), database.clone());
            Closure::<dyn FnMut(Event)>::new(move |_| with(&inner, |inner| inner.forget(&closed)))
        };
        let on_version_change = {
            let inner = Rc::downgrade(self);
            Closure::<dyn FnMut(IdbVersionChangeEvent)>::new(move |event: IdbVersionChangeEvent| {
                with(&inner, |inner| {
                    // A deletion has no new version.
                    inner.end(if event.new_version().is_some() { StoreError::Newer } else { StoreError::Closed });
                    let callback = inner.on_reload.borrow().clone();
                    if let Some(callback) = callback {
                        callback();
                    }
                });
            })
        };
        database.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        database.set_onversionchange(Some(on_version_change.as_ref().unchecked_ref()));
        Rc::new(Connection { database, kept: Kept::default(), _on_close: on_close, _on_version_change: on_version_change })
    }

    /// Gives up for good.
    fn end(&self, why: StoreError) {
        let before = self.state.replace(State::Ended(why));
        if let State::Open(connection) = before {
            // Others may hold it for a transaction; closing lets those finish and no other begin.
            connection.database.close();
        }
    }

    /// Drops this connection, unless another one is in use already.
    fn forget(&self, dead: &IdbDatabase) {
        let is_it = matches!(&*self.state.borrow(), State::Open(connection) if &connection.database == dead);
        if is_it {
            let before = self.state.replace(State::Closed);
            dead.close();
            drop(before);
        }
    }

    fn begin(&self, database: &IdbDatabase, scope: &Scope) -> Result<Transaction, Fault> {
        let transaction = Transaction::begin(database, &scope.stores, Mode::Write(scope.durability))?;
        #[cfg(feature = "browser-tests")]
        self.hooks.began(&transaction, scope);
        Ok(transaction)
    }

    fn request(&self, transaction: &Transaction, writes: Vec<writes::Encoded>) -> Result<writes::Adds, Fault> {
        let adds = writes::request(transaction, writes)?;
        #[cfg(feature = "browser-tests")]
        self.hooks.requested(transaction);
        Ok(adds)
    }

    /// Plans as if none of the rows asked for were there, and writes at once: a save waits once, not twice. Only if it
    /// appends them all: then the outbox's unique index refuses a guess that was wrong, everything is taken back, and the
    /// answer is none.
    async fn guess(&self, database: &IdbDatabase, scope: &Scope, plan: &Plan<'_>) -> Result<Option<Committed<()>>, Fault> {
        let Some(asked) = asks::only_rows(&scope.read) else { return Ok(None) };
        let Step::Write(writes, ()) = plan(&Rows::default()) else { return Ok(None) };
        let is_appended = |row: &RowId| writes.iter().any(|write| matches!(write, Write::Append(change) if change.row == *row));
        if !asked.into_iter().all(is_appended) {
            return Ok(None);
        }
        let encoded = writes::encode(&writes).map_err(Fault::Final)?;
        let transaction = self.begin(database, scope)?;
        let adds = self.request(&transaction, encoded)?;
        match transaction.complete().await {
            Err(fault) if fault.is_constraint() => Ok(None),
            Err(fault) => Err(fault),
            Ok(()) => adds.committed(Rows::default(), writes).map(Some),
        }
    }

    /// Runs `work` on a connection; does it again on a new one as long as connections die.
    async fn repeat<T>(self: &Rc<Self>, work: impl AsyncFn(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        for _ in 0..=REOPEN_TRIES_MAX {
            match self.once(&work).await {
                Ok(value) => return Ok(value),
                Err(Fault::Connection(_)) => {}
                Err(fault) => return Err(fault.into_error()),
            }
        }
        Err(StoreError::Closed)
    }

    async fn once<T>(self: &Rc<Self>, work: &impl AsyncFn(&Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let connection = self.connection().await?;
        match work(&connection).await {
            Err(Fault::Aborted(cause)) if connection.is_alive() => Err(Fault::Final(StoreError::Unknown(cause))),
            Err(Fault::Aborted(cause) | Fault::Connection(cause)) => {
                self.forget(&connection.database);
                Err(Fault::Connection(cause))
            }
            other => other,
        }
    }
}

fn with(inner: &Weak<Inner>, work: impl FnOnce(&Inner)) {
    if let Some(inner) = inner.upgrade() {
        work(&inner);
    }
}

impl Inner {
    /// [`Store::update`], but for the plan's own result. One function for all plans, and its future is behind a pointer: once
    /// more for each caller, a transaction was a tenth of the download.
    fn update<'a>(self: &'a Rc<Self>, scope: &'a Scope, plan: &'a Plan<'a>) -> Work<'a, Committed<()>> {
        Box::pin(self.repeat(async move |connection: &Connection| {
            if let Some(committed) = self.guess(&connection.database, scope, plan).await? {
                return Ok(committed);
            }
            let transaction = self.begin(&connection.database, scope)?;
            let Planned { writes, found } = plan_writes(&transaction, &connection.kept, &scope.read, plan).await?;
            // Encoded before the first put, so that what cannot be encoded leaves nothing behind.
            let mut encoded = writes::encode(&writes).map_err(Fault::Final)?;
            let repacked = packs::repack(&writes, found.packs.as_deref().unwrap_or_default()).map_err(Fault::Final)?;
            encoded.extend(repacked.encoded);
            let adds = self.request(&transaction, encoded)?;
            transaction.complete().await?;
            connection.kept.keep_also(repacked.packs);
            adds.committed(found.rows, writes)
        }))
    }

    /// [`Store::read`], once for all callers.
    fn read<'a>(self: &'a Rc<Self>, read: &'a [Read], stores: &'a [StoreName]) -> Work<'a, Rows> {
        Box::pin(self.repeat(async move |connection: &Connection| {
            let transaction = Transaction::begin(&connection.database, stores, Mode::Read)?;
            let mut found = Found::default();
            reads::stage(&transaction, &connection.kept, read, &mut found).await?;
            Ok(found.rows)
        }))
    }
}

impl Store for IndexedDbStore {
    async fn update<T>(&self, scope: Scope, plan: impl Fn(&Rows) -> Step<T>) -> Result<Committed<T>, StoreError> {
        let planned = RefCell::new(None);
        let plan = |rows: &Rows| match plan(rows) {
            Step::Read(more) => Step::Read(more),
            Step::Write(writes, value) => {
                // What an earlier try planned is not what is committed.
                *planned.borrow_mut() = Some(value);
                Step::Write(writes, ())
            }
        };
        let Committed { value: (), appended, history, rows, writes } = self.0.update(&scope, &plan).await?;
        match planned.take() {
            Some(value) => Ok(Committed { value, appended, history, rows, writes }),
            // Nothing is committed that was not planned.
            None => Err(StoreError::Closed),
        }
    }

    async fn read(&self, read: Vec<Read>) -> Result<Rows, StoreError> {
        let stores = asks::stores(&read);
        if stores.is_empty() {
            return Ok(Rows::default());
        }
        self.0.read(&read, &stores).await
    }
}

/// A transaction before it writes.
struct Planned {
    writes: Vec<Write>,
    found: Found,
}

/// Reads and plans, stage by stage, until the plan wants to write. Whoever writes parcels has read their rows.
async fn plan_writes(transaction: &Transaction, kept: &Kept, first: &[Read], plan: &Plan<'_>) -> Result<Planned, Fault> {
    let mut found = Found::default();
    reads::stage(transaction, kept, first, &mut found).await?;
    while found.rows.stage < STAGES_MAX {
        match plan(&found.rows) {
            Step::Write(writes, ()) => {
                if found.packs.is_none() && packs::touches(&writes) {
                    reads::stage(transaction, kept, &[Read::ParcelsOf(vec![])], &mut found).await?;
                }
                return Ok(Planned { writes, found });
            }
            Step::Read(more) => {
                reads::stage(transaction, kept, &more, &mut found).await?;
                found.rows.stage += 1;
            }
        }
    }
    let message = format!("the plan read {STAGES_MAX} times and wrote nothing");
    Err(Fault::Final(StoreError::Unknown(Cause { name: "PlanError".into(), message })))
}

#[cfg(feature = "browser-tests")]
pub mod hooks;
