//! A phone: one disk, two tabs and a worker, each with the shipped client; and what runs in them.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use fieldsync::client::{Client, CycleReport, Decided, NewChange, SaveError, SettleError, Settled};
use fieldsync::core::record::{RowId, UserId};
use fieldsync::data::table::RecordView;
use fieldsync::memory::MemoryStore;
use fieldsync::ports::StoreError;
use serde_json::Value;

use crate::actions::writes;
use crate::deciding::Chosen;
use crate::ports::{Sim, SimHost, SimStore, SimTransport, Wait};

pub type Driver = Client<SimStore, SimTransport, SimHost>;

/// Contexts of a device: two tabs and the worker.
pub const CONTEXTS: usize = 3;
/// The worker's place among them.
pub const WORKER: usize = 2;

/// How a task ended.
pub enum Done {
    Opened(Box<Result<Driver, StoreError>>),
    Loaded(Result<(), StoreError>),
    Saved { rows: Vec<RowId>, result: Result<(), SaveError> },
    Online { change: NewChange, result: Result<(), SaveError> },
    Cycled(CycleReport),
    Settled(Result<Settled, SettleError>),
    Decided { chosen: Vec<Chosen>, result: Result<Decided, SettleError> },
    Other,
}

/// Something that runs in a context.
pub struct Task {
    pub device: usize,
    pub context: usize,
    pub name: &'static str,
    pub wait: Wait,
    /// How often the device's clock had been set when it began.
    pub jumps: u32,
    pub future: Pin<Box<dyn Future<Output = Done>>>,
}

/// A tab or the worker.
#[derive(Default)]
pub struct Tab {
    pub client: Option<Rc<Driver>>,
    pub is_opening: bool,
    /// Not running: its tasks stay where they are.
    pub is_frozen: bool,
    pub is_cycling: bool,
    /// Another context said that something was committed.
    pub is_woken: bool,
    /// A form that is open, as it was filled.
    pub form: Option<RecordView>,
    /// What can be undone.
    pub undo: Vec<Settled>,
    /// What the last cycle came to.
    pub report: CycleReport,
    /// The schema number of the app that runs here.
    pub app: u32,
}

/// A phone.
pub struct Device {
    pub store: MemoryStore,
    pub user: UserId,
    pub offset_ms: Rc<Cell<i64>>,
    /// How often its clock was set.
    pub jumps: u32,
    /// Milliseconds that its clock gains in a second.
    pub drift: i64,
    pub tabs: [Tab; CONTEXTS],
    /// The refresh token; none: nobody is signed in.
    pub token: Option<String>,
    /// The access token is still good.
    pub has_access: bool,
    /// The cookie is another user's: who is signed in now.
    pub other_user: Option<UserId>,
    /// The version of the app that opens next.
    pub app: u32,
}

impl Device {
    pub fn new(store: MemoryStore, user: UserId) -> Self {
        Self {
            store,
            user,
            offset_ms: Rc::default(),
            jumps: 0,
            drift: 0,
            tabs: Default::default(),
            token: None,
            has_access: false,
            other_user: None,
            app: 1,
        }
    }
}

/// Saves; what that says of the record is what is read right after.
pub async fn saved(sim: &Sim, client: &Driver, changes: Vec<NewChange>, hold_ms: i64) -> Result<(), SaveError> {
    let record = changes.iter().find(|change| writes(change)).map(|change| (change.collection.clone(), change.record));
    let said = client.save(changes, hold_ms).await?;
    if let (Some(said), Some((collection, id))) = (said, record) {
        // A hold ends with the time, and clocks jump here.
        let without_hold = |mut record: Value| record.as_object_mut().map(|fields| fields.remove("held")).map(|_| record);
        let said = serde_json::from_str(&said).ok().and_then(without_hold);
        let read = client.get(&collection, id).and_then(|record| serde_json::to_value(&record).ok()).and_then(without_hold);
        sim.count("save", "foreseen");
        if said.is_none() || read != said {
            sim.oracle.borrow_mut().fail("I7 a save says what is read", format!("{said:?}, and read is {read:?}"));
        }
    }
    Ok(())
}
