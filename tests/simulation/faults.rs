//! What breaks devices and servers: crashes, power cuts, clocks, full disks, dead connections, frozen tabs, lost rights,
//! backups, cloned phones.

use fieldsync::core::parcel::Parcel;
use fieldsync::core::protocol::{Action, Item, PushParcel, PushRequest, Request};
use fieldsync::core::record::{DeviceId, Epoch, Fields, Millis, OpId};
use fieldsync::memory::{Fault, MemoryStore};
use fieldsync::ports::{Read, Scope, Step, Store, StoreError, StoreName, Write};
use fieldsync_server::db::Stored;
use serde_json::json;

use crate::device::CONTEXTS;
use crate::random::Random;
use crate::server::{AHMAD, BUDI, SARI};
use crate::world::World;

/// No world has more phones.
const DEVICES_MAX: usize = 5;

impl World {
    pub fn fault_step(&mut self, random: &mut Random) -> bool {
        let device = random.below(self.devices.len());
        let context = random.below(CONTEXTS);
        match random.weighted(&[10, 5, 4, 3, 6, 6, 6, 5, 8, 4, 5, 3, 2, 2, 1, 1]) {
            0 => self.crash_context(device, context),
            1 => self.power_cut(device),
            2 => self.jump_clock(device, random),
            3 => self.drift_clock(device, random),
            4 => self.store_fault(device, "quota", Fault::Before(StoreError::Full), if random.percent(50) { 3 } else { 6 }),
            5 => self.store_fault(device, "closed connection", Fault::Before(StoreError::Closed), 2),
            6 => self.store_fault(device, "commit unseen", Fault::After(StoreError::Closed), 1),
            7 => self.store_fault(device, "work repeated", Fault::LostAnswer, 1),
            8 => self.freeze_or_thaw(device, context),
            9 => self.sign_in_or_out(device, random),
            10 => self.move_customer(random),
            11 => self.backup_or_restore(random),
            12 => self.clone_device(device),
            13 => self.import(device, random),
            14 => self.upgrade(device),
            _ => self.clear_storage(device),
        }
    }

    fn crash_context(&mut self, device: usize, context: usize) -> bool {
        self.sim.count("fault", "crash");
        self.say(|_| format!("device {device}.{context}: killed"));
        self.crash(device, context);
        true
    }

    pub fn power_cut(&mut self, device: usize) -> bool {
        self.sim.count("fault", "power cut");
        self.say(|_| format!("device {device}: the power goes"));
        self.crash_device(device);
        self.devices[device].store.power_cut();
        let outbox = self.devices[device].store.peek(&[Read::Outbox]).outbox;
        self.sim.oracle.borrow_mut().check_disk(device, &outbox);
        true
    }

    fn jump_clock(&mut self, device: usize, random: &mut Random) -> bool {
        self.sim.count("fault", "clock jump");
        let jump = random.between(-100_000_000, 100_000_000);
        self.say(|_| format!("device {device}: its clock jumps by {jump} ms"));
        self.devices[device].offset_ms.set(jump);
        self.devices[device].jumps += 1;
        true
    }

    fn drift_clock(&mut self, device: usize, random: &mut Random) -> bool {
        self.sim.count("fault", "clock drift");
        self.devices[device].drift = random.between(-50, 50);
        true
    }

    fn store_fault(&mut self, device: usize, name: &'static str, fault: Fault, times: usize) -> bool {
        self.sim.count("fault", name);
        self.say(|_| format!("device {device}: {name}"));
        (0..times).for_each(|_| self.devices[device].store.fail_next(fault.clone()));
        true
    }

    pub fn freeze_or_thaw(&mut self, device: usize, context: usize) -> bool {
        let tab = &mut self.devices[device].tabs[context];
        tab.is_frozen = !tab.is_frozen;
        let name = if tab.is_frozen { "freeze" } else { "thaw" };
        self.sim.count("fault", name);
        self.say(|_| format!("device {device}.{context}: {name}"));
        true
    }

    fn sign_in_or_out(&mut self, device: usize, random: &mut Random) -> bool {
        let of = &mut self.devices[device];
        match random.below(3) {
            // The short access token has run out.
            0 if of.token.is_some() => of.has_access = false,
            1 if of.token.is_some() => {
                // Signed out, or another user is signed in while this one's worker still runs.
                let other = if of.user == SARI { BUDI } else { SARI };
                of.other_user = random.percent(50).then_some(other);
                if of.other_user.is_none() {
                    (of.token, of.has_access) = (None, false);
                }
                self.sim.count("fault", "signed out");
            }
            _ => {
                self.sim.count("fault", "signed in");
                self.sign_in(device);
            }
        }
        true
    }

    /// The manager gives a customer to the other rep: one loses it and all that hangs on it, one gets it.
    pub fn move_customer(&mut self, random: &mut Random) -> bool {
        let customers = self.server.truth(AHMAD, "customers");
        let Some(customer) = random.pick(&customers) else { return false };
        self.give_away(customer, random)
    }

    /// The same, of this one.
    pub fn give_away(&mut self, customer: &Stored, random: &mut Random) -> bool {
        let owner = if customer.owner == Some(BUDI) { SARI } else { BUDI };
        self.sim.count("fault", if owner == BUDI { "access granted" } else { "access lost" });
        self.say(|_| format!("server: customers/{} goes to {owner:?}", customer.id));
        let mut patch = Fields::new();
        patch.insert("owner".to_owned(), json!(owner));
        let seen = customer.fields.iter().filter(|(name, _)| *name == "owner").map(|(name, value)| (name.clone(), value.clone()));
        let item = Item {
            collection: "customers".to_owned(),
            id: customer.id,
            action: Action::Update,
            base_version: customer.version,
            patch,
            seen: seen.collect(),
            seen_version: None,
            set_aside: vec![],
            edited_at: Millis(0),
        };
        self.push_as_manager(vec![item], random);
        true
    }

    fn push_as_manager(&mut self, items: Vec<Item>, random: &mut Random) {
        let now = self.sim.now.get();
        let op_id = OpId::new(Millis(now), [random.bits(), random.bits()]);
        let parcel = PushParcel { op_id, changes: vec![self.row(0)], schema: 1, items: items.into() };
        let request = Request::Push(PushRequest {
            device: DeviceId::new(Millis(1), [1, 1]),
            epoch: Epoch::new(Millis(1), [1, 1]),
            allocated_seq: 0,
            open: vec![],
            open_records: 0,
            conflicts: 0,
            goodbye: false,
            acknowledged: vec![],
            server_epoch: None,
            cursor: None,
            mark: None,
            parcels: vec![parcel],
        });
        let mut oracle = self.sim.oracle.borrow_mut();
        let (_, pushed) = self.server.handle((AHMAD, None), &request, now, random, &mut oracle.server);
        pushed.iter().for_each(|pushed| oracle.pushed(pushed));
    }

    pub fn backup_or_restore(&mut self, random: &mut Random) -> bool {
        if random.percent(50) { self.backup() } else { self.restore() }
    }

    pub fn backup(&mut self) -> bool {
        self.sim.count("fault", "backup");
        self.say(|_| "server: backed up".to_owned());
        let oracle = self.sim.oracle.borrow();
        self.server.backup(&oracle.server);
        true
    }

    pub fn restore(&mut self) -> bool {
        let done = self.server.restore(&mut self.sim.oracle.borrow_mut().server);
        if done {
            self.sim.count("fault", "restore");
            self.say(|_| "server: restored".to_owned());
            // Whoever had a request under way gets no answer: the server was down.
            let waiting: Vec<u64> = {
                let network = self.sim.network.borrow();
                network.packets.iter().filter(|packet| !packet.is_abandoned).map(|packet| packet.id).collect()
            };
            let mut network = self.sim.network.borrow_mut();
            network.packets.clear();
            waiting.into_iter().for_each(|id| network.answer(id, crate::network::Reply::Nothing));
            drop(network);
            // Sessions that began after the backup are not known any more.
            (0..self.devices.len())
                .filter(|device| self.devices[*device].token.is_some())
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|device| self.sign_in(device));
        }
        done
    }

    /// A second phone with the same disk: same device id, same row ids.
    pub fn clone_device(&mut self, of: usize) -> bool {
        if self.devices.len() >= DEVICES_MAX {
            return false;
        }
        self.sim.count("fault", "device cloned");
        let store = self.devices[of].store.cloned_disk();
        let device = self.add_device(self.devices[of].user, store, Some(of));
        self.say(|_| format!("device {device}: a clone of device {of}"));
        self.sign_in(device);
        self.open(device, 0);
        true
    }

    /// What a phone exported is put into another of the same user, while the original lives on. Row ids stay, and of open
    /// parcels the op_ids.
    pub fn import(&mut self, from: usize, random: &mut Random) -> bool {
        let user = self.devices[from].user;
        let others: Vec<usize> =
            (0..self.devices.len()).filter(|other| *other != from && self.devices[*other].user == user).collect();
        let Some(to) = random.pick(&others).copied() else { return false };
        let exported = self.devices[from].store.peek(&[Read::Outbox, Read::Parcels]);
        let here = self.devices[to].store.clone();
        let known = here.peek(&[Read::Outbox, Read::Parcels]);
        let is_new = |row| !known.outbox.iter().any(|old| old.row == row) && !self.sim.oracle.borrow().is_over(to, row);
        let changes: Vec<_> = exported.outbox.iter().filter(|change| is_new(change.row)).cloned().collect();
        if changes.is_empty() {
            return false;
        }
        self.sim.count("fault", "import");
        self.say(|_| format!("device {to}: imports {} changes of device {from}", changes.len()));
        changes.iter().for_each(|change| self.sim.oracle.borrow_mut().share(change.row));
        let scope = Scope::strict(&[StoreName::Outbox], vec![]);
        let writes: Vec<Write> = changes.into_iter().map(Write::Append).collect();
        commit(&here, scope, writes);
        let now = here.peek(&[Read::Outbox]).outbox;
        let seq = |parcel: &Parcel| now.iter().find(|change| parcel.rows.contains(&change.row)).map(|change| change.client_seq);
        let whole = |parcel: &&Parcel| parcel.rows.iter().all(|row| now.iter().any(|change| change.row == *row));
        let free = |parcel: &&Parcel| {
            !known
                .parcels
                .iter()
                .any(|other| other.rows.iter().any(|row| parcel.rows.contains(row)) || shares_record(other, parcel))
        };
        let is_spent = |parcel: &&Parcel| self.sim.oracle.borrow().is_spent(to, parcel.op_id);
        let parcels = exported.parcels.iter().filter(|parcel| parcel.is_open() && !is_spent(parcel)).filter(whole).filter(free);
        let writes =
            parcels.map(|parcel| Write::Parcel(Parcel { first_seq: seq(parcel).unwrap_or(0), then: None, ..parcel.clone() }));
        commit(&here, Scope::strict(&[StoreName::Parcels], vec![]), writes.collect());
        (0..CONTEXTS).for_each(|context| self.crash(to, context));
        true
    }

    /// The next tab that opens runs the next version of the app, beside the old one.
    pub fn upgrade(&mut self, device: usize) -> bool {
        if self.devices[device].app == 2 {
            return false;
        }
        self.sim.count("fault", "app upgraded");
        self.devices[device].app = 2;
        true
    }

    /// The browser takes the phone's storage away: what was unsent is lost, and that is all that may be.
    pub fn clear_storage(&mut self, device: usize) -> bool {
        self.sim.count("fault", "storage cleared");
        self.say(|_| format!("device {device}: its storage is cleared"));
        self.crash_device(device);
        let store = MemoryStore::new();
        self.watch(&store, device);
        self.devices[device].store = store;
        self.sim.oracle.borrow_mut().disks[device] = crate::oracle::Disk::default();
        true
    }
}

fn shares_record(a: &Parcel, b: &Parcel) -> bool {
    a.items.iter().any(|item| b.carries(&item.collection, item.id))
}

/// Writes without a client.
fn commit(store: &MemoryStore, scope: Scope, writes: Vec<Write>) {
    let mut work = Box::pin(store.update(scope, |_| Step::Write(writes.clone(), ())));
    let _ = work.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
}
