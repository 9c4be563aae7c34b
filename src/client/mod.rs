//! The driver: the only loop, and the only place that awaits both the store and the network. It plans with `core`, stores
//! and sends through the ports, and keeps `data::table` in step with the store.
//!
//! One client is one context (a tab or the worker). Any number of them may share a store: every transaction compares what
//! it expects, so correctness does not depend on who runs a cycle.

mod ahead;
mod asked;
mod blame;
mod conflicts;
mod cycle;
mod damaged;
mod decide;
mod heads;
mod load;
mod loss;
mod marked;
mod next;
mod online;
mod own;
mod pages;
mod pull;
mod push;
mod read;
mod refresh;
mod reports;
mod restore;
mod room;
mod save;
mod search;
mod select;
mod server;
mod settle;
mod stuck;
mod trace;
mod views;
mod void;

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::core::clock::Edits;
use crate::core::loss::Losses;
use crate::core::parcel::Parcel;
use crate::core::protocol::{Answer, Request};
use crate::core::pull::PAGE_LIMIT_MIN;
use crate::core::pull_state::PullState;
use crate::core::record::{CollectionName, DeviceId, Epoch, Millis, OpId, RowId, UserId};
use crate::core::restore::Replay;
use crate::core::schema::Schema;
use crate::core::status::{Engine, Sending};
use crate::core::stuck::{Stuck, Watch};
use crate::core::trace::{Recorder, What};
use crate::data::table::Tables;
use crate::ports::{Host, Rows, Store, StoreError, StoreName, Transport, TransportError, Write};

use ahead::{Batch, Sent};
pub use conflicts::ConflictView;
use heads::Heads;
use load::Loading;

pub use cycle::CycleReport;
pub use decide::{Decided, Decision};
use load::{introduce, opened_before};

pub use load::first_reads;

pub use reports::{KEPT_MS_MAX, Report, ReportError};
pub use save::{NewChange, SaveError};
pub use select::{Here, PreviewPart, SelectError, Selected, SelectionPreview};
pub use settle::{SettleError, Settled};

/// What the shell is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// Records of these collections may read otherwise now.
    Changed(Vec<String>),
    /// The status may be another.
    Status,
    /// What was changed meanwhile is in the search index now.
    Searchable,
    /// Something was committed: wake the other contexts.
    Wake(Option<Sending>),
}

/// One context's client.
pub struct Client<S, T, H> {
    store: S,
    transport: T,
    host: H,
    schema: Rc<Schema>,
    user: UserId,
    device: DeviceId,
    epoch: Epoch,
    shared: RefCell<Shared>,
    notes: RefCell<Vec<Note>>,
}

/// What a context remembers between calls. Never borrowed across an await.
struct Shared {
    /// None in the worker.
    tables: Option<Tables>,
    /// Until all pages are read.
    loading: Option<Loading>,
    heads: Heads,
    engine: Engine,
    pull: PullState,
    /// What is pushed again to a restored server.
    replay: Option<Replay>,
    /// The server that this database is for.
    server_epoch: Option<Epoch>,
    /// What a context without tables has read of what is unsent.
    backlog: Backlog,
    /// This is as the store was when the cycle began, or after its last write: it need not be read again.
    in_step: bool,
    losses: Losses,
    /// How many conflicts this store has put to its user in all.
    conflicts: u64,
    sending: Option<Sending>,
    /// What was begun behind the last batch, to be sent in the same cycle. If it is not, it is due like any open parcel.
    next: Option<Batch>,
    /// The batch that went while the answer to the one before was written, and what came of it.
    sent: Option<Sent>,
    /// Its parcels, while it is on its way.
    on_the_way: BTreeSet<OpId>,
    /// The page that was asked for while the one before it was written.
    ahead: Option<(Request, Result<Answer, TransportError>)>,
    /// When something was last sent.
    sent_at: Option<Millis>,
    /// How far the tables are in step: page stamp, `client_seq`, history key.
    marks: Marks,
    /// Refreshes, numbered as they begin.
    turns: Turns,
    /// 410 in a row.
    lost_cursors: u32,
    /// The server refused a compressed body once.
    plain: bool,
    full: bool,
    /// Room is kept for a full disk, as far as this context knows.
    has_reserve: bool,
    /// What is not in the stored trace yet.
    trace: Recorder,
    /// Row ids that this context saved, the newest last.
    saved: VecDeque<RowId>,
    /// Online changes whose answers somebody waits for.
    waited_for: BTreeSet<RowId>,
    /// How long this context has been awake.
    watch: Watch,
    /// What was found stuck when it was last looked: while something is on its way, that is about once a minute.
    stuck: Option<Stuck>,
    /// The user or the network wants less traffic.
    spares_data: bool,
    /// So many entries of a page this device takes in at one go.
    page_limit: u32,
    /// Since when, and from how many records on, the snapshot under way is seen to come.
    pace: Option<(Millis, u64)>,
}

/// What is unsent, as far as a cycle asks before it begins something.
#[derive(Clone, Default)]
struct Backlog {
    /// How many changes.
    changes: usize,
    /// Their times.
    edits: Edits,
    /// Open and refused.
    parcels: Vec<Parcel>,
}

impl Shared {
    fn new(tables: Option<Tables>, context: u32) -> Self {
        Self {
            tables,
            loading: None,
            heads: Heads::default(),
            engine: Engine::default(),
            pull: PullState::default(),
            replay: None,
            server_epoch: None,
            backlog: Backlog::default(),
            in_step: false,
            losses: Losses::default(),
            conflicts: 0,
            sending: None,
            next: None,
            sent: None,
            on_the_way: BTreeSet::new(),
            ahead: None,
            sent_at: None,
            marks: Marks::default(),
            turns: Turns::default(),
            lost_cursors: 0,
            plain: false,
            full: false,
            has_reserve: false,
            trace: Recorder::new(context),
            saved: VecDeque::new(),
            waited_for: BTreeSet::new(),
            watch: Watch::default(),
            stuck: None,
            spares_data: false,
            page_limit: PAGE_LIMIT_MIN,
            pace: None,
        }
    }

    fn backlog(&self) -> Backlog {
        self.tables.as_ref().map_or_else(
            || self.backlog.clone(),
            |tables| Backlog {
                changes: tables.count_changes(),
                edits: Edits::of(tables.outbox()),
                parcels: tables.parcels().to_vec(),
            },
        )
    }

    /// The collections that are here whole, and in memory.
    fn complete(&self) -> &BTreeSet<CollectionName> {
        const NONE: &BTreeSet<CollectionName> = &BTreeSet::new();
        if self.loading.is_some() { NONE } else { &self.pull.complete }
    }

    /// The times of what is unsent.
    fn edits(&self) -> Edits {
        self.tables.as_ref().map_or(self.backlog.edits, |tables| Edits::of(tables.outbox()))
    }

    /// Whether nothing is to be sent, for all that is known; and that is all there is.
    fn is_empty(&self) -> bool {
        let (changes, parcels) = self.tables.as_ref().map_or_else(
            || (self.backlog.changes, self.backlog.parcels.len()),
            |tables| (tables.count_changes(), tables.parcels().len()),
        );
        self.in_step && self.replay.is_none() && changes == 0 && parcels == 0
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Turns {
    begun: u64,
    taken: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    stamp: u64,
    client_seq: u64,
    history: u64,
}

/// Reads a row of `meta`.
fn meta_row<T: DeserializeOwned>(rows: &Rows, name: &str) -> Result<Option<T>, StoreError> {
    let Some(value) = rows.meta.get(name) else { return Ok(None) };
    T::deserialize(value).map(Some).map_err(|error| StoreError::Corrupt(StoreName::Meta, format!("{name}: {error}")))
}

/// A row of `meta` to write.
fn meta_write<T: serde::Serialize>(name: &'static str, value: &T) -> Write {
    // Every row of meta is a plain struct with string keys: it always serialises.
    Write::Meta(name, serde_json::to_value(value).unwrap_or(Value::Null))
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Opens a context over a store, and reads all that is in it if it is to have tables: [`Client::start`] and [`Client::load`].
    ///
    /// # Errors
    /// Why the store cannot be used.
    pub async fn open(
        store: S,
        transport: T,
        host: H,
        schema: Rc<Schema>,
        user: UserId,
        tables: bool,
    ) -> Result<Self, StoreError> {
        let client = Self::start(store, transport, host, schema, user, tables, None).await?;
        client.load().await?;
        Ok(client)
    }

    /// Opens a context over a store: gives the store its device id and epoch if it is new, and reads what is unsent. Of bases the
    /// tables have what the last session's lists began with, until they are loaded. Whoever has read [`first_reads`] already gives
    /// what there was; it must be of a moment ago.
    ///
    /// # Errors
    /// Why the store cannot be used.
    pub async fn start(
        store: S,
        transport: T,
        host: H,
        schema: Rc<Schema>,
        user: UserId,
        tables: bool,
        read: Option<Rows>,
    ) -> Result<Self, StoreError> {
        let mut rows = match read {
            Some(rows) => rows,
            None => store.read(first_reads(tables)).await?,
        };
        let opened = match opened_before(&rows, &schema)? {
            Some(opened) => opened,
            None => {
                let opened = introduce(&store, &host, &schema).await?;
                rows = store.read(first_reads(tables)).await?;
                opened
            }
        };
        let (device, epoch) = opened;
        // Tells contexts apart in a trace: 32 bits of chance are enough for that.
        #[allow(clippy::cast_possible_truncation)]
        let context = host.random() as u32;
        let shared = Shared::new(tables.then(|| Tables::new(schema.clone())), context);
        let client = Self {
            store,
            transport,
            host,
            schema,
            user,
            device,
            epoch,
            shared: RefCell::new(shared),
            notes: RefCell::new(Vec::new()),
        };
        client.begin_load(&rows).await?;
        let state = client.shared.borrow().engine.machine.state;
        client.trace(What::Took { state });
        Ok(client)
    }

    /// What the shell is to be told since the last call.
    pub fn take_notes(&self) -> Vec<Note> {
        std::mem::take(&mut self.notes.borrow_mut())
    }

    /// The app's schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The device's clock.
    pub fn now(&self) -> Millis {
        self.host.now()
    }

    /// 128 random bits, for an id.
    pub fn random(&self) -> [u64; 2] {
        [self.host.random(), self.host.random()]
    }

    /// The store, for tests and for the shell's own needs.
    pub fn store(&self) -> &S {
        &self.store
    }

    fn note(&self, note: Note) {
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    fn note_error(&self, code: &str, detail: String) {
        let now = self.host.now();
        self.shared.borrow_mut().engine.note(now, code, detail);
    }

    fn note_store(&self, error: &StoreError) {
        self.trace(What::Store(trace::store_name(error).into()));
        self.note_error("storage", error.to_string());
    }

    fn note_transport(&self, error: &TransportError) {
        self.trace(What::Network(trace::network_name(error).into()));
        let code = match error {
            TransportError::Away { .. } => "offline",
            TransportError::SignedOut => "signed-out",
            TransportError::WrongUser => "wrong-user",
            TransportError::Outdated => "outdated",
            TransportError::CursorUnknown { .. } | TransportError::TooLarge | TransportError::Unsupported => "server",
            TransportError::Misconfigured { .. } => "misconfigured",
        };
        self.note_error(code, error.to_string());
    }
}
