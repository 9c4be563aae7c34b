//! The faults stop. Within five cycles each, all devices and the server must agree; what needs a person gets one, and then
//! five more.

use std::collections::BTreeMap;

use fieldsync::core::machine::Reason;
use fieldsync::core::record::{Fields, RecordId, Version, field};
use fieldsync::data::table::RecordStatus;
use fieldsync::ports::Read;

use crate::actions::LATER_PERCENT;
use crate::device::{CONTEXTS, Done};
use crate::network::Reply;
use crate::random::Random;
use crate::world::World;

/// Invariant I11.
const CYCLES_MAX: usize = 5;
/// Rounds of decisions: a decision may lead to another (a refusal, a new conflict).
const PEOPLE_ROUNDS_MAX: usize = 8;
/// Longer than every wait of the client.
const LATER_MS: i64 = 4_000_000;

impl World {
    /// Runs what is left to its end and checks that everybody agrees.
    pub fn settle(&mut self) {
        *self.sim.random.borrow_mut() = Random::new(self.seed, u64::MAX - 1);
        self.say(|_| "the faults stop".to_owned());
        self.sim.stops_percent.set(0);
        self.weather = crate::world::Weather::default();
        self.calm();
        for round in 0..PEOPLE_ROUNDS_MAX {
            let agreed = self.agree_within(CYCLES_MAX) && self.all_alone() && self.agree_within(CYCLES_MAX);
            if !agreed || !self.decide(round) {
                break;
            }
        }
        if self.violation().is_none() {
            self.check_agreement();
        }
    }

    /// Everything that was stopped goes on; what was under way gets its answer or none.
    fn calm(&mut self) {
        let waiting: Vec<u64> = {
            let network = self.sim.network.borrow();
            network.packets.iter().filter(|packet| !packet.is_abandoned).map(|packet| packet.id).collect()
        };
        // What nobody waits for any more still arrives.
        let ghosts: Vec<_> = {
            let mut network = self.sim.network.borrow_mut();
            let (ghosts, rest) = std::mem::take(&mut network.packets).into_iter().partition(|packet| packet.is_abandoned);
            network.packets = rest;
            ghosts
        };
        let mut random = Random::new(self.seed, 77);
        let late = std::mem::take(&mut self.script.late);
        ghosts.into_iter().chain(late).for_each(|ghost| self.late(ghost, &mut random));
        waiting.into_iter().for_each(|id| self.sim.network.borrow_mut().answer(id, Reply::Nothing));
        self.sim.network.borrow_mut().packets.clear();
        for device in 0..self.devices.len() {
            let of = &mut self.devices[device];
            of.drift = 0;
            of.store.forget_faults();
            self.sign_in(device);
            for context in 0..CONTEXTS {
                self.devices[device].tabs[context].is_frozen = false;
                self.finish_tasks(device, context);
            }
            self.open(device, 0);
            self.finish_tasks(device, 0);
            self.pause((device, 0), false);
            self.finish_tasks(device, 0);
        }
    }

    /// Cycles until nothing moves, at most so many a device.
    fn agree_within(&mut self, cycles: usize) -> bool {
        for _ in 0..cycles {
            for device in 0..self.devices.len() {
                self.sim.now.set(self.sim.now.get() + LATER_MS);
                self.start_cycle(device, 0, Reason::User);
                self.finish_tasks(device, 0);
                if self.violation().is_some() {
                    return false;
                }
            }
            if (0..self.devices.len()).all(|device| self.is_at_rest(device)) {
                return true;
            }
        }
        let restless: Vec<usize> = (0..self.devices.len()).filter(|device| !self.is_at_rest(*device)).collect();
        for device in restless {
            let why = self.restless(device);
            self.fail("I11 agreement within five cycles", format!("device {device} {why}"));
        }
        false
    }

    fn all_alone(&mut self) -> bool {
        (0..self.devices.len()).for_each(|device| self.check_alone(device));
        self.violation().is_none()
    }

    /// Nothing is left that a cycle could move: only what a person must decide, and what the server cannot swallow.
    fn is_at_rest(&self, device: usize) -> bool {
        let Some(client) = self.client(device, 0) else { return false };
        let report = self.devices[device].tabs[0].report;
        let poisoned = || client.outbox().iter().any(|entry| self.is_poisoned(device, entry.rows()));
        // What waits for a decision is not stuck.
        let undecided =
            || client.outbox().iter().any(|entry| matches!(entry.status(), RecordStatus::Conflict | RecordStatus::Failed));
        (!report.unsent || poisoned() || undecided()) && self.agrees(device, false).is_none()
    }

    pub fn restless(&self, device: usize) -> String {
        let Some(client) = self.client(device, 0) else { return "cannot be opened".to_owned() };
        let outbox: Vec<String> = client
            .outbox()
            .iter()
            .map(|entry| {
                let value = serde_json::to_value(entry).unwrap_or_default();
                let short = |name: &str| value[name].as_str().map_or_else(String::new, |text| text.chars().take(13).collect());
                let actions = value["changes"].as_array().map(|changes| changes.len()).unwrap_or(0);
                let code = value["problem"]["code"].as_str().unwrap_or("").to_owned();
                format!(
                    "{}/{} {} {} changes {actions} blocked by {} {code} then {}",
                    short("collection"),
                    value["id"],
                    short("status"),
                    short("action"),
                    value["blockedBy"],
                    value["then"]
                )
            })
            .collect();
        let rows = self.devices[device].store.peek(&[Read::Parcels, Read::Meta]);
        let report = self.devices[device].tabs[0].report;
        let agrees = self.agrees(device, false);
        let parcels: Vec<String> = rows
            .parcels
            .iter()
            .map(|parcel| {
                let items: Vec<String> =
                    parcel.items.iter().map(|item| format!("{} {:?} {}", item.collection, item.action, item.id)).collect();
                format!(
                    "{:?} open {} blocked by {:?} next {:?} then {:?} {items:?}",
                    parcel.op_id,
                    parcel.is_open(),
                    parcel.blocked_by,
                    parcel.next_attempt_at,
                    parcel.then
                )
            })
            .collect();
        let state = rows.meta.get("engine").map(|engine| engine["state"].clone());
        let changes: Vec<String> = self.devices[device]
            .store
            .peek(&[Read::Outbox])
            .outbox
            .iter()
            .map(|change| {
                let (at, group) = (change.client_seq, change.group);
                format!("{at} {:?} {} {} {:?} in {group:?}", change.action, change.collection, change.record, change.written)
            })
            .collect();
        format!(
            "unsent {}; {state:?}\n  differs: {agrees:?}\n  outbox {outbox:#?}\n  changes {changes:#?}\n  parcels {parcels:#?}",
            report.unsent
        )
    }

    fn is_poisoned(&self, device: usize, mut rows: impl Iterator<Item = fieldsync::core::record::RowId>) -> bool {
        let outbox = self.devices[device].store.peek(&[Read::Outbox]).outbox;
        rows.any(|row| {
            let change = outbox.iter().find(|change| change.row == row);
            change.is_some_and(|change| {
                change.written.values().any(|value| value.as_str().is_some_and(|text| text.contains("__poison")))
            })
        })
    }

    /// A person decides every conflict and takes back what cannot be sent. Whether there was anything to decide.
    fn decide(&mut self, round: usize) -> bool {
        let mut random = Random::new(self.seed, 1_000 + round as u64);
        let mut decided = false;
        // Who puts off in every round is waited for by nobody.
        let later_percent = if round < PEOPLE_ROUNDS_MAX / 2 { LATER_PERCENT } else { 0 };
        for device in 0..self.devices.len() {
            let Some(client) = self.client(device, 0) else { continue };
            decided |= random.percent(50) && self.acknowledge((device, 0));
            self.finish_tasks(device, 0);
            for _ in 0..client.conflicts().len() {
                decided |= self.resolve((device, 0), &mut random, later_percent);
                self.finish_tasks(device, 0);
            }
            let stuck: Vec<_> = client
                .outbox()
                .iter()
                .filter(|entry| entry.status() != RecordStatus::Conflict)
                .flat_map(|entry| entry.rows().next())
                .collect();
            for row in stuck {
                decided = true;
                let client = client.clone();
                self.spawn(device, 0, "discard", async move {
                    let _ = client.discard(row).await;
                    Done::Other
                });
                self.finish_tasks(device, 0);
            }
        }
        decided
    }

    fn check_agreement(&mut self) {
        for device in 0..self.devices.len() {
            self.check_unshown((device, 0));
            let left = self.sim.oracle.borrow().unsent(device);
            let outbox = self.devices[device].store.peek(&[Read::Outbox, Read::Parcels]);
            self.sim.oracle.borrow_mut().check_disk(device, &outbox.outbox);
            if left > 0 || !outbox.outbox.is_empty() || !outbox.parcels.is_empty() {
                self.fail("I11 agreement within five cycles", format!("device {device} keeps {outbox:?}"));
            }
            self.check_restored(device);
            self.check_complete(device);
            self.check_losses(device);
            if let Some(why) = self.agrees(device, true) {
                self.fail("I11 agreement within five cycles", format!("device {device}: {why}"));
            }
        }
    }

    /// What was confirmed and a backup took away must be there again, or have been written over since, or deleted.
    fn check_restored(&self, device: usize) {
        let lost = self.sim.oracle.borrow().lost_by_restore(device);
        for change in lost {
            let is = self.server.record(&change.collection, change.record);
            let has = |record: &fieldsync_server::db::Stored| {
                let is = |name: &String| crate::overwrite::spelling(field(&record.fields, name));
                change
                    .written
                    .iter()
                    .all(|(name, value)| !crate::overwrite::is_token(value) || is(name) == crate::overwrite::spelling(value))
            };
            let is_there = is.as_ref().is_some_and(|record| record.deleted || has(record));
            if !is_there {
                self.fail("I8 a restored server gets back what it had", {
                    let history = self.devices[device].store.peek(&[Read::HistoryAfter(0)]).history;
                    let of = history.iter().filter(|row| row.ended.iter().any(|ended| ended.row == change.row));
                    format!("device {device}: {change:?}; there is {is:?}; history {:?}", of.collect::<Vec<_>>())
                });
            }
        }
    }

    /// How what a device shows differs from what the server has for its user; records with unsent changes aside, unless
    /// there must be none.
    fn agrees(&self, device: usize, strict: bool) -> Option<String> {
        let client = self.client(device, 0)?;
        for collection in ["customers", "pipelines", "activities", "zones"] {
            let truth = match self.wanted(device, collection) {
                Ok(truth) => truth,
                Err(why) => return Some(why),
            };
            let truth: BTreeMap<RecordId, (Version, &Fields)> =
                truth.iter().map(|record| (record.id, (record.version, &record.fields))).collect();
            let shown = self.shown((device, 0), collection, true);
            let unsent = |id: &RecordId| {
                !strict
                    && client
                        .get(collection, *id)
                        .is_none_or(|shown| shown.pending.is_some() || shown.status != RecordStatus::Synced)
            };
            for record in shown.iter().filter(|record| !unsent(&record.id)) {
                match truth.get(&record.id) {
                    _ if is_poison(&record.fields) => {}
                    Some((_, fields)) if is_poison(fields) => {}
                    Some((version, fields)) if *version == record.version && **fields == *record.fields => {}
                    Some(other) => {
                        return Some(format!(
                            "{collection}/{}: {:?} {:?} here, {other:?} there",
                            record.id, record.version, record.fields
                        ));
                    }
                    None => return Some(format!("{collection}/{} is here and not there: {:?}", record.id, record.fields)),
                }
            }
            let here: BTreeMap<RecordId, ()> = shown.iter().map(|record| (record.id, ())).collect();
            let missing = truth
                .iter()
                .find(|(id, (_, fields))| !here.contains_key(id) && !is_poison(fields) && (strict || self.is_free(device, **id)));
            if let Some((id, _)) = missing {
                return Some(format!("{collection}/{id} is there and not here"));
            }
        }
        None
    }

    /// No unsent change of the device speaks of this record.
    fn is_free(&self, device: usize, id: RecordId) -> bool {
        !self.devices[device].store.peek(&[Read::Outbox]).outbox.iter().any(|change| change.record == id)
    }
}

/// Goes out as an entry that no client can read, or hangs on a record that does.
pub fn is_poison(fields: &Fields) -> bool {
    fields.values().any(|value| value.as_str().is_some_and(|text| text.contains("__poison_entry__")))
}
