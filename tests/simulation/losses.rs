//! What goes with a cleared storage: what the server says of it is what it knows, no more and no less, and the device that
//! comes after says so until its user knows.

use std::collections::BTreeMap;

use fieldsync::core::protocol::{PushAnswer, PushRequest};
use fieldsync::core::record::{DeviceId, Epoch, RowId, UserId};
use fieldsync::ports::Read;

use crate::device::Done;
use crate::oracle::Oracle;
use crate::server_side::ServerSide;
use crate::world::World;

/// What must have happened, in a run of the whole.
pub const LOSSES: &[&str] = &["told", "nothing open", "came back", "shown", "acknowledged"];

/// A store, as its last push left it.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    browser: usize,
    /// Changes that it said were open.
    open: u64,
    /// Changes of parcels that this push got a final answer for.
    answered: u64,
    is_gone: bool,
    /// How often the server had been restored when its user last said that they know. A server that was restored since may
    /// have forgotten that, and say once more what was lost.
    known: Option<u32>,
}

/// Every store that the server heard of.
pub type Stores = BTreeMap<(UserId, DeviceId, Epoch), Heard>;

impl ServerSide {
    /// A push of a store in this browser was answered. How what was said of others is wrong, if it is; and what it came to.
    pub fn accounted(
        &mut self,
        user: UserId,
        browser: usize,
        asked: &PushRequest,
        answer: &PushAnswer,
    ) -> (Option<String>, Vec<&'static str>) {
        let (mut seen, mut wrong) = (Vec::new(), None);
        let key = (user, asked.device, asked.epoch);
        let open = asked.open.iter().map(|range| range.1.saturating_sub(range.0) + 1).sum();
        let is_final = |op_id| answer.results.iter().any(|result| result.op_id == op_id && result.outcome.is_final());
        let answered =
            asked.parcels.iter().filter(|parcel| is_final(parcel.op_id)).map(|parcel| parcel.changes.len() as u64).sum();
        let before = self.stores.insert(key, Heard { browser, open, answered, is_gone: false, known: None });
        if before.is_some_and(|before| before.is_gone) {
            seen.push("came back");
        }
        let is_first = before.is_none_or(|before| before.browser != browser);
        let restores = self.restores;
        for (other, heard) in self.stores.iter_mut().filter(|(other, _)| other.0 == user && **other != key) {
            if heard.browser != browser || (other.1, other.2) == (asked.device, asked.epoch) {
                continue;
            }
            heard.is_gone |= is_first;
            if heard.is_gone && asked.acknowledged.contains(&other.2) {
                heard.known = Some(restores);
            }
            let said = answer.lost.iter().find(|lost| lost.epoch == other.2).map(|lost| lost.changes);
            let is_to_say = heard.is_gone && heard.known.is_none();
            let may_say = heard.is_gone && heard.known.is_none_or(|known| known < restores);
            let least = if is_to_say { heard.open.saturating_sub(heard.answered) } else { 0 };
            // A restored server is given again what was not open.
            let most = if restores > 0 && may_say { heard.open } else { least };
            if !(least..=most).contains(&said.unwrap_or(0)) {
                wrong = Some(format!("{said:?} of {other:?} were said to be lost, and it was {least} to {most}: {heard:?}"));
            }
            if heard.is_gone {
                seen.push(if said.is_some() { "told" } else { "nothing open" });
            }
        }
        let is_known = |epoch| self.stores.keys().any(|other| other.0 == user && other.2 == epoch);
        if let Some(lost) = answer.lost.iter().find(|lost| !is_known(lost.epoch)) {
            wrong = Some(format!("{lost:?} is said to be lost, and was never heard of"));
        }
        if let Some(lost) = answer.lost.iter().find(|lost| lost.records == 0 || lost.records > lost.changes) {
            wrong = Some(format!("{lost:?} is of no record, or of more than there are changes"));
        }
        (wrong, seen)
    }
}

impl Oracle {
    /// A push goes out: whatever was saved by then and has no end is said to be open, unless the server has it. What a restored
    /// server gives back meanwhile may be missing.
    pub fn check_open(&mut self, disk: usize, asked: &PushRequest) {
        let is_open = |seq: u64| asked.open.iter().any(|range| (range.0..=range.1).contains(&seq));
        let here = &self.disks[disk];
        let is_missed = |(seq, row): &(&u64, &RowId)| {
            **seq <= asked.allocated_seq && !is_open(**seq) && !self.server.applied.contains_key(*row)
        };
        let missed = here.by_seq.iter().find(is_missed).map(|(seq, _)| *seq).filter(|_| self.server.restores == 0);
        let most = here.rows.values().map(|row| row.change.client_seq).max().unwrap_or(0);
        let beyond = asked.open.iter().map(|range| range.1).find(|to| *to > most);
        if missed.is_some() || beyond.is_some() {
            let what = format!("device {disk} says open {:?}: without {missed:?}, with {beyond:?}", asked.open);
            self.fail("I8 what is lost is said", what);
        }
    }

    /// A device has this answer to a push.
    pub fn heard_losses(&mut self, disk: usize, epochs: Vec<(Epoch, u64)>) {
        self.disks[disk].told = epochs;
    }
}

impl World {
    /// A user who is told of a loss says that it is known.
    pub fn acknowledge(&mut self, (device, context): (usize, usize)) -> bool {
        let Some(client) = self.client(device, context).filter(|client| client.status().lost.is_some()) else { return false };
        self.sim.count("loss", "shown");
        let sim = self.sim.clone();
        self.say(|_| format!("device {device}.{context}: knows what was lost"));
        self.spawn(device, context, "acknowledge", async move {
            if client.acknowledge_loss().await.is_ok() {
                sim.count("loss", "acknowledged");
            }
            Done::Other
        });
        true
    }

    /// A device shows what the last answer told, unless its user knows.
    pub fn check_losses(&self, device: usize) {
        let Some(client) = self.client(device, 0) else { return };
        let noted = self.devices[device].store.peek(&[Read::Meta]).meta.remove(fieldsync::core::rows::meta::LOSSES);
        let noted: fieldsync::core::loss::Losses = noted.and_then(|noted| serde_json::from_value(noted).ok()).unwrap_or_default();
        let told = self.sim.oracle.borrow().disks[device].told.clone();
        let is_noted = |(epoch, changes): &&(Epoch, u64)| {
            noted.gone.iter().any(|loss| loss.lost.epoch == *epoch && loss.lost.changes == *changes)
        };
        let unnoted = told.iter().find(|told| !is_noted(told));
        let open: u64 = noted.gone.iter().filter(|loss| !loss.acknowledged).map(|loss| loss.lost.changes).sum();
        let shown = client.status().lost.map_or(0, |lost| lost.changes);
        if unnoted.is_some() || shown != open {
            self.fail(
                "I8 what is lost is said",
                format!("device {device} was told {told:?}, shows {shown}, and noted {noted:?}"),
            );
        }
    }
}
