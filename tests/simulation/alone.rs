//! One bad change is alone in its trouble: whatever the server cannot swallow, the rest of the outbox goes on.

use std::collections::BTreeSet;

use fieldsync::core::machine::Reason;
use fieldsync::core::outbox::Change;
use fieldsync::core::record::{GroupId, RecordId};
use fieldsync::core::schema::ids;
use fieldsync::data::table::RecordStatus;
use fieldsync::ports::Read;

use crate::liveness::is_poison;
use crate::world::World;

/// A bad change is found within so many cycles, and the next one after it.
const CYCLES_MAX: usize = 5;
/// What is put by must not come back meanwhile.
const APART_MS: i64 = 60_000;

impl World {
    /// While something cannot be sent, everything that has nothing to do with it is.
    pub fn check_alone(&mut self, device: usize) {
        let bad = self.devices[device].store.peek(&[Read::Outbox]).outbox.iter().filter(|change| is_poisoned(change)).count();
        for _ in 0..bad * CYCLES_MAX {
            if self.beside(device).is_none() {
                return;
            }
            self.sim.now.set(self.sim.now.get() + APART_MS);
            self.start_cycle(device, 0, Reason::User);
            self.finish_tasks(device, 0);
        }
        if let Some(change) = self.beside(device).filter(|_| bad > 0) {
            self.fail(
                "I12 one bad change is alone",
                format!("device {device} does not send {change:?}: {}", self.restless(device)),
            );
        }
    }

    /// An unsent change that could be sent, by what is known of the others.
    fn beside(&self, device: usize) -> Option<Change> {
        let client = self.client(device, 0)?;
        let outbox = self.devices[device].store.peek(&[Read::Outbox]).outbox;
        let mut bad: BTreeSet<RecordId> =
            outbox.iter().filter(|change| is_poisoned(change)).map(|change| change.record).collect();
        let waits = |change: &&Change| {
            let shown = client.get(&change.collection, change.record);
            shown.is_none_or(|shown| matches!(shown.status, RecordStatus::Conflict | RecordStatus::Failed))
        };
        bad.extend(outbox.iter().filter(waits).map(|change| change.record));
        // What a restored server has of such a record no client can read: nothing is built on what there was before.
        let is_restored = self.sim.oracle.borrow().server.restores > 0;
        let is_unread = |change: &&Change| {
            let there = self.server.record(&change.collection, change.record);
            is_restored && there.is_some_and(|record| is_poison(&record.fields))
        };
        bad.extend(outbox.iter().filter(is_unread).map(|change| change.record));
        loop {
            let groups: BTreeSet<GroupId> =
                outbox.iter().filter(|change| bad.contains(&change.record)).filter_map(|change| change.group).collect();
            let goes_along = |change: &&Change| {
                let mut names = change.written.values().flat_map(ids);
                change.group.is_some_and(|group| groups.contains(&group)) || names.any(|named| bad.contains(&named))
            };
            let more: BTreeSet<RecordId> = outbox.iter().filter(goes_along).map(|change| change.record).collect();
            let before = bad.len();
            bad.extend(more);
            if bad.len() == before {
                return outbox.iter().find(|change| !bad.contains(&change.record)).cloned();
            }
        }
    }
}

fn is_poisoned(change: &Change) -> bool {
    change.written.values().any(|value| value.as_str().is_some_and(|text| text.contains("__poison")))
}
