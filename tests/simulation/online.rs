//! What is done only with an answer: people ask for it in any tab, and nobody sees it, sends it along, or does it for them before.

use fieldsync::client::{NewChange, SaveError};
use fieldsync::core::protocol::{Action, PushParcel};
use fieldsync::core::record::RecordId;
use fieldsync::data::table::RecordView;
use serde_json::json;

use crate::device::{Done, WORKER};
use crate::oracle::{Oracle, Row};
use crate::overwrite::{is_token, spelling};
use crate::random::Random;
use crate::world::World;

/// Fields and collections that are written only with an answer: see `schema.json`.
const FIELD: &str = "territory";
const COLLECTION: &str = "zones";

impl World {
    /// Somebody asks for something and waits.
    pub fn write_online(&mut self, tab: (usize, usize), random: &mut Random) -> bool {
        self.check_unshown(tab);
        let pick = |random: &mut Random, shown: Vec<RecordView>| random.pick(&shown).cloned();
        let zone = pick(random, self.shown(tab, COLLECTION, false));
        let customer = pick(random, self.shown(tab, "customers", false));
        let (written, name) = (json!({FIELD: self.token()}), json!({"name": self.token()}));
        let change = match (random.below(10), customer, zone) {
            (0..6, Some(shown), _) => self.change(tab.0, "customers", shown.id, Action::Update, Some(&shown), written),
            (6..8, _, Some(shown)) => self.change(tab.0, COLLECTION, shown.id, Action::Update, Some(&shown), name),
            (8, _, Some(shown)) => self.change(tab.0, COLLECTION, shown.id, Action::Delete, Some(&shown), json!({})),
            _ => self.change(tab.0, COLLECTION, RecordId(self.row(tab.0).0), Action::Create, None, name),
        };
        self.ask_online(tab, change)
    }

    /// Asks for this.
    pub fn ask_online(&mut self, (device, context): (usize, usize), change: NewChange) -> bool {
        let Some(client) = self.client(device, context) else { return false };
        self.say(|_| format!("device {device}.{context}: asks for {}", crate::looks::describe(std::slice::from_ref(&change))[0]));
        self.sim.oracle.borrow_mut().pressed(std::slice::from_ref(&change));
        self.spawn(device, context, "online", async move {
            let result = client.save(vec![change.clone()], 0).await.map(drop);
            Done::Online { change, result }
        });
        true
    }

    /// Who was told that it is done sees it done.
    pub fn done_online(&mut self, change: &NewChange, result: &Result<(), SaveError>) {
        self.sim.count("online", told(result));
        let oracle = self.sim.oracle.borrow();
        let had = |(name, value): (&String, &serde_json::Value)| {
            !is_token(value) || oracle.server.values.contains(&(change.record, name.clone(), spelling(value)))
        };
        let is_done = change.written.iter().all(had);
        drop(oracle);
        if result.is_ok() && !is_done {
            self.fail("I14 done means done", format!("{change:?} was said to be done and the server never had it"));
        }
    }

    /// A tab shows nothing of it that the server never had.
    pub fn check_unshown(&self, tab: (usize, usize)) {
        let fields = [("customers", FIELD), (COLLECTION, "name")];
        let shown = fields.into_iter().flat_map(|(collection, name)| {
            self.shown(tab, collection, true)
                .into_iter()
                .filter_map(move |shown| Some((shown.id, name, shown.fields.get(name)?.clone())))
        });
        let oracle = self.sim.oracle.borrow();
        let had = |(id, name, value): &(RecordId, &str, serde_json::Value)| {
            oracle.server.values.contains(&(*id, (*name).to_owned(), spelling(value)))
        };
        let early = shown.into_iter().find(|shown| !had(shown));
        drop(oracle);
        if let Some(early) = early {
            self.fail("I14 shown after its answer", format!("{tab:?} shows {early:?}, which the server never had"));
        }
    }
}

impl Oracle {
    /// A push is on its way: what is done only with an answer is in none of the worker's, and in one of its own. (What a restored
    /// server gets again was done once.)
    pub fn sent(&mut self, disk: usize, context: usize, parcels: &[PushParcel]) {
        let is_online = |parcel: &&PushParcel| {
            let row = |row| self.disks[disk].rows.get(row).is_some_and(|row: &Row| row.change.is_online() && row.end.is_none());
            parcel.changes.iter().any(row)
        };
        let Some(online) = parcels.iter().find(is_online).map(|parcel| parcel.op_id) else { return };
        if context == WORKER {
            self.fail("I14 never by the worker", format!("the worker of device {disk} sends {online:?}"));
        } else if parcels.len() > 1 {
            self.fail("I14 in a request of its own", format!("device {disk} sends {online:?} with others"));
        }
    }
}

fn told(result: &Result<(), SaveError>) -> &'static str {
    match result {
        Ok(()) => "done",
        Err(SaveError::Refused(_)) => "refused",
        Err(SaveError::NotKnownYet) => "not known yet",
        Err(SaveError::TakenBack) => "taken back",
        Err(SaveError::Away(_)) => "nobody would answer",
        Err(_) => "not written",
    }
}
