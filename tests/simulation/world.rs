//! The world: devices, network, server, and one step of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

use fieldsync::client::{Client, Note, SaveError, SettleError};
use fieldsync::core::record::{Millis, RowId, UserId};
use fieldsync::core::schema::Schema;
use fieldsync::memory::MemoryStore;
use fieldsync::ports::{StoreError, Write};

use crate::coverage::Coverage;
use crate::device::{CONTEXTS, Device, Done, Driver, Tab, Task, WORKER};
use crate::oracle::{Disk, Oracle, Violation};
use crate::ports::{Shared, Sim, SimHost, SimStore, SimTransport, Wait};
use crate::random::Random;
use crate::scripts::Script;
use crate::server::{BUDI, SARI, Server};

/// How rough a world is, in percent of what could go wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    pub network: u64,
    pub faults: u64,
    pub stops: u64,
    pub poison: bool,
}

/// What a script wants to become of a push.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    #[default]
    Answered,
    /// The server does it, and nobody hears.
    AnswerLost,
    /// Somebody on the way says 403.
    Portal,
    /// The server does it, and the answer stays on its way.
    Held,
    /// Nobody waits for it any more when it arrives.
    Late,
}

/// Everything.
pub struct World {
    pub sim: Sim,
    pub seed: u64,
    pub weather: Weather,
    pub server: Server,
    pub devices: Vec<Device>,
    pub tasks: Vec<Task>,
    pub script: Script,
    /// What becomes of the next push that is delivered at once.
    pub next_push: Fate,
    pub log: Option<Vec<String>>,
    schemas: [Rc<Schema>; 2],
}

thread_local! {
    static SCHEMAS: [Rc<Schema>; 2] = {
        let first = Schema::parse(include_str!("schema.json")).expect("the simulation's own schema");
        let mut second = first.clone();
        second.schema = 2;
        [Rc::new(first), Rc::new(second)]
    };
}

impl World {
    pub fn new(seed: u64, log: bool) -> Self {
        let mut random = Random::new(seed, u64::MAX);
        let weather = Weather {
            network: [0, 5, 15, 40][random.below(4)],
            faults: [0, 4, 10][random.below(3)],
            stops: [0, 10, 40][random.below(3)],
            poison: random.percent(20),
        };
        let sim = Rc::new(Shared {
            now: Cell::new(1_790_000_000_000),
            random: RefCell::new(random.clone()),
            stops_percent: Cell::new(weather.stops),
            wait: Cell::new(Wait::Turn),
            doing: Cell::new(""),
            network: RefCell::default(),
            oracle: RefCell::new(Oracle::default()),
            coverage: RefCell::new(Coverage::default()),
        });
        let schemas = SCHEMAS.with(Clone::clone);
        let server = Server::new(seed, schemas[1].clone());
        let script = Script::of_seed(seed);
        let mut world = Self {
            sim,
            seed,
            weather,
            server,
            devices: Vec::new(),
            tasks: Vec::new(),
            script,
            next_push: Fate::Answered,
            log: log.then(Vec::new),
            schemas,
        };
        for user in [BUDI, BUDI, SARI] {
            let device = world.add_device(user, MemoryStore::new(), None);
            world.sign_in(device);
            world.open(device, 0);
        }
        world
    }

    pub fn say(&mut self, what: impl FnOnce(&Self) -> String) {
        if self.log.is_some() {
            let at = self.sim.now.get() - 1_790_000_000_000;
            let line = format!("{at:>9} ms  {}", what(self));
            self.log.get_or_insert_default().push(line);
        }
    }

    pub fn fail(&self, invariant: &'static str, what: String) {
        self.sim.oracle.borrow_mut().fail(invariant, what);
    }

    pub fn violation(&self) -> Option<Violation> {
        self.sim.oracle.borrow().violation.clone()
    }

    /// A device over this disk; a copy of another's contents, if one is named.
    pub fn add_device(&mut self, user: UserId, store: MemoryStore, copy_of: Option<usize>) -> usize {
        let index = self.devices.len();
        match copy_of {
            Some(of) => self.sim.oracle.borrow_mut().cloned(of),
            None => self.sim.oracle.borrow_mut().disks.push(Disk::default()),
        }
        self.watch(&store, index);
        self.devices.push(Device::new(store, user));
        index
    }

    pub fn watch(&self, store: &MemoryStore, device: usize) {
        let sim = Rc::downgrade(&self.sim);
        store.observe(move |writes, appended| {
            if let Some(sim) = sim.upgrade() {
                let saved =
                    writes.iter().filter_map(|write| if let Write::Append(change) = write { Some(change.row) } else { None });
                let now = Millis(sim.now.get());
                // What is imported or given back was saved before.
                for row in saved {
                    sim.oracle.borrow_mut().saved_at.entry(row).or_insert(now);
                }
                sim.oracle.borrow_mut().check_writer(device, sim.doing.get(), writes);
                sim.oracle.borrow_mut().committed(device, writes, appended);
            }
        });
    }

    pub fn sign_in(&mut self, device: usize) {
        let (user, now) = (self.devices[device].user, self.sim.now.get());
        let token = self.server.begin_session(user, now, &mut self.sim.random.borrow_mut());
        let device = &mut self.devices[device];
        (device.token, device.has_access, device.other_user) = (Some(token), true, None);
    }

    /// Opens a context, if it is not open.
    pub fn open(&mut self, device: usize, context: usize) {
        let app = self.devices[device].app;
        let tab = &mut self.devices[device].tabs[context];
        if tab.client.is_some() || tab.is_opening {
            return;
        }
        (tab.is_opening, tab.app) = (true, app);
        let schema = self.schemas[app as usize - 1].clone();
        let of = &self.devices[device];
        let store = SimStore { inner: of.store.clone(), sim: self.sim.clone() };
        let transport = SimTransport { sim: self.sim.clone(), device, context, user: of.user };
        let host = SimHost { sim: self.sim.clone(), offset_ms: of.offset_ms.clone() };
        let user = of.user;
        self.spawn(device, context, "open", async move {
            Done::Opened(Box::new(Client::start(store, transport, host, schema, user, context != WORKER, None).await))
        });
    }

    /// Reads its pages, beside whatever else goes on there.
    fn load(&mut self, device: usize, context: usize) {
        let Some(client) = self.client(device, context).filter(|client| !client.is_loaded()) else { return };
        self.spawn(device, context, "load", async move { Done::Loaded(client.load().await) });
    }

    pub fn spawn(&mut self, device: usize, context: usize, name: &'static str, work: impl Future<Output = Done> + 'static) {
        let jumps = self.devices[device].jumps;
        self.tasks.push(Task { device, context, name, wait: Wait::Turn, jumps, future: Box::pin(work) });
    }

    pub fn client(&self, device: usize, context: usize) -> Option<Rc<Driver>> {
        self.devices[device].tabs[context].client.clone()
    }

    /// Kills a context in whatever it does.
    pub fn crash(&mut self, device: usize, context: usize) {
        self.tasks.retain(|task| (task.device, task.context) != (device, context));
        self.devices[device].tabs[context] = Tab::default();
    }

    pub fn crash_device(&mut self, device: usize) {
        (0..CONTEXTS).for_each(|context| self.crash(device, context));
    }

    /// Whether a task could go on now.
    pub fn is_runnable(&self, task: &Task) -> bool {
        let tab = &self.devices[task.device].tabs[task.context];
        !tab.is_frozen
            && match task.wait {
                Wait::Turn => true,
                Wait::Packet(id) => self.sim.network.borrow().answers.contains_key(&id),
                Wait::Until(at) => self.sim.now.get() >= at,
            }
    }

    /// Lets a task go on until it stops again. Whether it ended.
    pub fn poll(&mut self, index: usize) -> bool {
        let task = &mut self.tasks[index];
        let (device, context, name) = (task.device, task.context, task.name);
        self.sim.doing.set(name);
        let polled = task.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        self.sim.doing.set("");
        let done = match polled {
            std::task::Poll::Pending => {
                self.tasks[index].wait = self.sim.wait.get();
                self.say(|world| format!("device {device}.{context}: {name} waits for {:?}", world.sim.wait.get()));
                self.listen(device, context);
                return false;
            }
            std::task::Poll::Ready(done) => done,
        };
        let task = self.tasks.remove(index);
        if let Done::Cycled(report) = &done {
            self.check_wake(&task, report);
        }
        drop(task);
        self.say(|_| format!("device {device}.{context}: {name} is done"));
        self.done(device, context, done);
        self.listen(device, context);
        true
    }

    fn done(&mut self, device: usize, context: usize, done: Done) {
        let tab = &mut self.devices[device].tabs[context];
        match done {
            Done::Opened(opened) => {
                tab.is_opening = false;
                match *opened {
                    Ok(client) => {
                        tab.client = Some(Rc::new(client));
                        self.load(device, context);
                    }
                    Err(StoreError::Corrupt(store, what)) => {
                        self.fail("I4 what is written can be read", format!("{store:?}: {what}"));
                    }
                    Err(_) => {}
                }
            }
            Done::Loaded(Ok(())) => {}
            Done::Loaded(Err(StoreError::Corrupt(store, what))) => {
                self.fail("I4 what is written can be read", format!("{store:?}: {what}"));
            }
            // As the shell does, which waits a while.
            Done::Loaded(Err(_)) => self.load(device, context),
            Done::Saved { rows, result } => match result {
                Ok(()) => self.sim.oracle.borrow_mut().promised(device, &rows),
                Err(SaveError::Store(StoreError::Corrupt(store, what))) => {
                    self.fail("I4 what is written can be read", format!("{store:?}: {what}"));
                }
                Err(_) => {}
            },
            Done::Online { change, result } => self.done_online(&change, &result),
            Done::Cycled(report) => (tab.is_cycling, tab.report) = (false, report),
            Done::Decided { chosen, result } => self.decided((device, context), &chosen, result),
            Done::Settled(Ok(settled)) => tab.undo.push(settled),
            Done::Settled(Err(SettleError::Store(StoreError::Corrupt(store, what)))) => {
                self.fail("I4 what is written can be read", format!("{store:?}: {what}"));
            }
            Done::Settled(Err(_)) | Done::Other => {}
        }
    }

    /// A context says that it committed: the others of its device may hear it.
    fn listen(&mut self, device: usize, context: usize) {
        let Some(client) = self.client(device, context) else { return };
        let woke = client.take_notes().iter().any(|note| matches!(note, Note::Wake(_)));
        if woke {
            for (other, tab) in self.devices[device].tabs.iter_mut().enumerate() {
                tab.is_woken |= other != context;
            }
        }
    }

    /// One step: everything that happens follows from the seed, the number of the step and what is there.
    pub fn step(&mut self, number: u64) {
        *self.sim.random.borrow_mut() = Random::new(self.seed, number);
        let mut random = Random::new(self.seed ^ 0x5157_4550, number);
        self.pass_time(&mut random);
        let weights = [40, 34, 14, 9, 4, 2 + self.weather.faults];
        for turn in 0..4 {
            let done = match random.weighted(&weights) {
                0 => self.run_some(&mut random),
                1 => self.network_step(&mut random),
                2 => self.user_step(&mut random),
                3 => self.cycle_step(&mut random),
                4 => self.script_step(&mut random),
                _ => turn == 0 && self.fault_step(&mut random),
            };
            if done {
                return;
            }
        }
    }

    fn pass_time(&mut self, random: &mut Random) {
        let passed = match random.below(100) {
            0 => random.between(60_000, 1_200_000),
            1..10 => random.between(1_000, 30_000),
            _ => random.between(1, 300),
        };
        self.sim.now.set(self.sim.now.get() + passed);
        for device in &self.devices {
            device.offset_ms.set(device.offset_ms.get() + device.drift * passed / 1_000);
        }
    }

    fn run_some(&mut self, random: &mut Random) -> bool {
        let runnable: Vec<usize> = (0..self.tasks.len()).filter(|index| self.is_runnable(&self.tasks[*index])).collect();
        match random.pick(&runnable) {
            Some(index) => {
                self.poll(*index);
                true
            }
            None => false,
        }
    }

    /// Runs this context's tasks to their ends, with a network that works.
    pub fn finish_tasks(&mut self, device: usize, context: usize) {
        for _ in 0..10_000 {
            let Some(index) = self.tasks.iter().position(|task| (task.device, task.context) == (device, context)) else { return };
            match self.tasks[index].wait {
                Wait::Packet(id) => {
                    if self.deliver_now(id) == Fate::Held {
                        return;
                    }
                }
                Wait::Until(at) => self.sim.now.set(self.sim.now.get().max(at)),
                Wait::Turn => {}
            }
            self.poll(index);
            if self.violation().is_some() {
                return;
            }
        }
        self.fail("I11 a cycle ends", format!("device {device}.{context} never comes to rest"));
    }

    /// The rows of a save as the promise names them.
    pub fn row(&self, device: usize) -> RowId {
        let now = self.sim.now.get() + self.devices[device].offset_ms.get();
        let mut random = self.sim.random.borrow_mut();
        RowId::new(fieldsync::core::record::Millis(now.max(0)), [random.bits(), random.bits()])
    }
}
