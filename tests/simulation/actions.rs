//! What people do: forms, saves, undo, decisions, in any tab, on what that tab shows.

use fieldsync::client::NewChange;
use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::Action;
use fieldsync::core::record::{Millis, RecordId, RowId, Version, field, same};
use fieldsync::data::query::Query;
use fieldsync::data::table::RecordView;
use serde_json::{Value, json};

use crate::device::{Done, WORKER, saved};
use crate::looks::describe;
use crate::random::Random;
use crate::world::World;

/// How many of a hundred conflicts a person puts off.
pub const LATER_PERCENT: u64 = 15;

const REASONS: &[Reason] = &[
    Reason::Start,
    Reason::Online,
    Reason::Visible,
    Reason::Pageshow,
    Reason::Saved,
    Reason::Timer,
    Reason::User,
    Reason::Background,
    Reason::Periodic,
    Reason::SignedIn,
];

impl World {
    /// A text that is made once.
    pub fn token(&self) -> String {
        format!("tk{:x}", self.sim.random.borrow_mut().bits() >> 16)
    }

    fn id(&self) -> RecordId {
        let mut random = self.sim.random.borrow_mut();
        RecordId::new(Millis(self.sim.now.get()), [random.bits(), random.bits()])
    }

    /// An open, running tab.
    fn some_tab(&self, random: &mut Random) -> Option<(usize, usize)> {
        let device = random.below(self.devices.len());
        let context = random.below(WORKER);
        let tab = &self.devices[device].tabs[context];
        (tab.client.is_some() && !tab.is_frozen).then_some((device, context))
    }

    /// The records of a collection as a tab shows them.
    pub fn shown(&self, (device, context): (usize, usize), collection: &str, with_deleted: bool) -> Vec<RecordView> {
        let Some(client) = self.client(device, context) else { return Vec::new() };
        client.list(collection, &Query { with_deleted, ..Query::default() }).0
    }

    pub fn cycle_step(&mut self, random: &mut Random) -> bool {
        let (device, context) = match self.loading().filter(|_| random.percent(50)) {
            // What is written while pages are read is what a load must not miss.
            Some((device, context)) => (device, (context + 1 + random.below(2)) % 3),
            None => (random.below(self.devices.len()), random.below(3)),
        };
        let tab = &self.devices[device].tabs[context];
        // Who asks again while a cycle runs is heard by that one.
        if tab.is_frozen || (tab.is_cycling && random.percent(90)) {
            return false;
        }
        let Some(client) = tab.client.clone() else {
            self.open(device, context);
            return true;
        };
        if std::mem::take(&mut self.devices[device].tabs[context].is_woken) && random.percent(70) {
            self.spawn(device, context, "refresh", async move {
                let _ = client.refresh(None).await;
                Done::Other
            });
            return true;
        }
        let reason = REASONS[random.below(REASONS.len())];
        self.start_cycle(device, context, reason);
        true
    }

    /// A context that reads its pages.
    fn loading(&self) -> Option<(usize, usize)> {
        let tabs = |device: usize| (0..3).map(move |context| (device, context));
        let is_loading = |(device, context): &(usize, usize)| {
            self.devices[*device].tabs[*context].client.as_ref().is_some_and(|client| !client.is_loaded())
        };
        (0..self.devices.len()).flat_map(tabs).find(is_loading)
    }

    pub fn start_cycle(&mut self, device: usize, context: usize, reason: Reason) {
        let Some(client) = self.client(device, context) else { return };
        self.devices[device].tabs[context].is_cycling = true;
        self.say(|_| format!("device {device}.{context}: cycle for {reason:?}"));
        self.spawn(device, context, "cycle", async move { Done::Cycled(client.cycle(reason).await) });
    }

    pub fn user_step(&mut self, random: &mut Random) -> bool {
        let Some(tab) = self.some_tab(random) else { return false };
        // What somebody waits for is taken back now and then, before it is known.
        let takes_back = self.is_waiting(tab.0) && random.percent(8);
        match if takes_back { 8 } else { random.weighted(&[16, 8, 30, 8, 5, 6, 6, 8, 6, 3, 3, 4, 4, 2, 7, 5]) } {
            0 => self.create_customer(tab, random),
            1 => self.create_child(tab, random),
            2 => self.edit(tab, random),
            3 => self.open_form(tab, random),
            4 => self.save_form(tab, random),
            5 => self.remove(tab, random),
            6 => self.make_again(tab, random),
            7 => self.save_group(tab, random),
            8 => self.undo(tab, random),
            9 => self.undo_undo(tab, random),
            10 => self.retry(tab, random),
            11 => self.resolve(tab, random, LATER_PERCENT),
            12 => self.look(tab, random),
            13 => self.create_bad(tab, random),
            14 => self.write_online(tab, random),
            _ => self.choose(tab, random),
        }
    }

    /// Saves; sometimes the button is pressed twice, sometimes the change is held for Undo.
    pub fn save(&mut self, (device, context): (usize, usize), changes: Vec<NewChange>, random: &mut Random) -> bool {
        let Some(client) = self.client(device, context) else { return false };
        // Held for longer than a change may be, it is held for as long as it may.
        let hold_ms = if random.percent(10) { [6_000, 600_000][random.below(2)] } else { 0 };
        self.sim.oracle.borrow_mut().pressed(&changes);
        for _ in 0..if random.percent(6) { 2 } else { 1 } {
            let (sim, client, changes) = (self.sim.clone(), client.clone(), changes.clone());
            self.say(|_| {
                format!("device {device}.{context}: saves {}", serde_json::to_string(&describe(&changes)).unwrap_or_default())
            });
            self.spawn(device, context, "save", async move {
                let rows = changes.iter().filter(|change| writes(change)).map(|change| change.row).collect();
                Done::Saved { rows, result: saved(&sim, &client, changes, hold_ms).await }
            });
            // A click is handled at once: its transaction is queued before anything else happens.
            self.poll(self.tasks.len() - 1);
        }
        true
    }

    pub fn change(
        &self,
        device: usize,
        collection: &str,
        record: RecordId,
        action: Action,
        shown: Option<&RecordView>,
        written: Value,
    ) -> NewChange {
        NewChange {
            row: self.row(device),
            collection: collection.to_owned(),
            record,
            action,
            version: shown.map_or(Version(0), |shown| shown.version),
            seen: shown.map(|shown| shown.fields.clone().into_fields()).unwrap_or_default(),
            written: written.as_object().cloned().unwrap_or_default(),
        }
    }

    pub fn customer(&self, random: &mut Random) -> Value {
        let mut fields = json!({
            "name": if random.percent(30) { format!("  {} ", self.token()) } else { self.token() }, "phone": self.token(),
            "city": self.token(), "source": self.token(), "nick": self.token(), "tags": [self.token()], "visits": random.below(5),
            "last_visit": random.below(50), "discount": random.below(50), "grade": "a", "notes": self.token(),
            "terms": {"x": self.token(), "y": self.token()},
        });
        if random.percent(15) {
            fields["code"] = json!(format!("c{}", random.below(3)));
        }
        fields
    }

    fn create_customer(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let change = self.change(tab.0, "customers", self.id(), Action::Create, None, self.customer(random));
        self.save(tab, vec![change], random)
    }

    /// A pipeline or an activity of some customer.
    pub fn child(&self, tab: (usize, usize), customer: RecordId, random: &mut Random) -> NewChange {
        if random.percent(40) {
            let fields = json!({"customer": customer, "title": self.token(), "stage": "lead"});
            return self.change(tab.0, "pipelines", self.id(), Action::Create, None, fields);
        }
        let mut fields = json!({"customer": customer, "subject": self.token(), "note": self.token()});
        if random.percent(90) {
            fields["at"] = json!(self.day(random));
        }
        if let Some(pipeline) = random.pick(&self.shown(tab, "pipelines", false)) {
            fields["pipeline"] = json!(pipeline.id);
        }
        self.change(tab.0, "activities", self.id(), Action::Create, None, fields)
    }

    /// Some day of the last week.
    pub fn day(&self, random: &mut Random) -> i64 {
        self.sim.now.get() - random.between(0, 7 * 24 * 60 * 60 * 1_000)
    }

    fn create_child(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let Some(customer) = random.pick(&self.shown(tab, "customers", false)).map(|shown| shown.id) else { return false };
        let change = self.child(tab, customer, random);
        self.save(tab, vec![change], random)
    }

    fn some_shown(&self, tab: (usize, usize), random: &mut Random, with_deleted: bool) -> Option<RecordView> {
        let collection = ["customers", "customers", "pipelines", "activities"][random.below(4)];
        random.pick(&self.shown(tab, collection, with_deleted)).cloned()
    }

    pub fn edit_of(&self, tab: (usize, usize), shown: &RecordView, random: &mut Random) -> NewChange {
        self.change(tab.0, &shown.collection, shown.id, Action::Update, Some(shown), self.patch(tab, shown, random))
    }

    fn edit(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let Some(shown) = self.some_shown(tab, random, true) else { return false };
        let change = self.edit_of(tab, &shown, random);
        self.save(tab, vec![change], random)
    }

    fn open_form(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let form = self.some_shown(tab, random, false);
        self.devices[tab.0].tabs[tab.1].form = form;
        true
    }

    /// Saves the form as it was filled, whatever came meanwhile.
    fn save_form(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let Some(shown) = self.devices[tab.0].tabs[tab.1].form.take() else { return false };
        let change = self.edit_of(tab, &shown, random);
        self.save(tab, vec![change], random)
    }

    fn remove(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let Some(shown) = self.some_shown(tab, random, true) else { return false };
        let change = self.change(tab.0, &shown.collection, shown.id, Action::Delete, Some(&shown), json!({}));
        self.save(tab, vec![change], random)
    }

    /// A create of an id that is, or was, there.
    fn make_again(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let shown = self.shown(tab, "customers", true);
        let gone: Vec<&RecordView> = shown.iter().filter(|shown| shown.pending == Some(Action::Delete)).collect();
        let id = random.pick(&gone).map(|shown| shown.id).or_else(|| random.pick(&shown).map(|shown| shown.id));
        let Some(id) = id else { return false };
        let change = self.change(tab.0, "customers", id, Action::Create, None, self.customer(random));
        self.save(tab, vec![change], random)
    }

    fn save_group(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let mut changes = Vec::new();
        let customer = random.pick(&self.shown(tab, "customers", false)).cloned();
        let id = match customer {
            Some(shown) => {
                changes.push(self.edit_of(tab, &shown, random));
                shown.id
            }
            None => {
                let id = self.id();
                changes.push(self.change(tab.0, "customers", id, Action::Create, None, self.customer(random)));
                id
            }
        };
        changes.push(self.child(tab, id, random));
        if let Some(deal) = random.pick(&self.shown(tab, "pipelines", false)).cloned() {
            changes.push(self.edit_of(tab, &deal, random));
        }
        self.save(tab, changes, random)
    }

    /// A change that the server will refuse, or that makes it fail.
    fn create_bad(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let mut fields = self.customer(random);
        match random.below(5) {
            0 => fields["name"] = Value::Null,
            1 => {
                let nowhere = json!({"customer": self.id(), "subject": self.token()});
                let change = self.change(tab.0, "activities", self.id(), Action::Create, None, nowhere);
                return self.save(tab, vec![change], random);
            }
            2 => fields["code"] = json!(format!("c{}", random.below(3))),
            _ if self.weather.poison => {
                let (mark, name) = [
                    ("__poison_panic__", "poison panic"),
                    ("__poison_500__", "poison 500"),
                    ("__poison_entry__", "poison entry"),
                ][random.below(3)];
                self.sim.count("fault", name);
                fields["name"] = json!(format!("{} {mark}", self.token()));
            }
            _ => return false,
        }
        let change = self.change(tab.0, "customers", self.id(), Action::Create, None, fields);
        self.save(tab, vec![change], random)
    }

    /// Whether what is done only with an answer has none yet.
    fn is_waiting(&self, device: usize) -> bool {
        self.tasks.iter().any(|task| task.device == device && task.name == "online")
    }

    /// Takes back some unsent change.
    fn undo(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let Some(client) = self.client(tab.0, tab.1) else { return false };
        let rows: Vec<_> = client.outbox().iter().flat_map(|entry| entry.rows()).collect();
        // Also what somebody waits for, while it is on its way.
        let is_waited_for = |row: &&RowId| {
            self.sim.oracle.borrow().disks[tab.0].rows.get(row).is_some_and(|of| of.change.is_online() && of.end.is_none())
        };
        let waited_for = rows.iter().find(is_waited_for).copied().filter(|_| random.percent(50));
        let Some(row) = waited_for.or_else(|| random.pick(&rows).copied()) else { return false };
        self.say(|_| format!("device {}.{}: takes back {row:?}", tab.0, tab.1));
        self.spawn(tab.0, tab.1, "discard", async move { Done::Settled(client.discard(row).await) });
        true
    }

    fn undo_undo(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let Some(client) = self.client(tab.0, tab.1) else { return false };
        let undo = &mut self.devices[tab.0].tabs[tab.1].undo;
        if undo.is_empty() {
            return false;
        }
        let settled = undo.swap_remove(random.below(undo.len()));
        self.say(|_| format!("device {}.{}: puts back {settled:?}", tab.0, tab.1));
        self.spawn(tab.0, tab.1, "restore", async move {
            let _ = client.restore(&settled).await;
            Done::Other
        });
        true
    }

    fn retry(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        let Some(client) = self.client(tab.0, tab.1) else { return false };
        let rows: Vec<_> = client.outbox().iter().flat_map(|entry| entry.rows()).collect();
        let Some(row) = random.pick(&rows).copied() else { return false };
        self.say(|_| format!("device {}.{}: tries {row:?} again", tab.0, tab.1));
        self.spawn(tab.0, tab.1, "retry", async move {
            let _ = client.retry(row).await;
            Done::Other
        });
        true
    }
}

/// An update that writes what is there saves nothing.
pub fn writes(change: &NewChange) -> bool {
    let mut written = change.written.iter();
    change.action != Action::Update || written.any(|(name, value)| !same(value, field(&change.seen, name)))
}
