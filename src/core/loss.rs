//! Loss accounting: what was open in a store that never came back. A browser may clear its storage, and then nothing on
//! the device knows what was in it; but the server heard of it with the last push, and tells the store that came after.
//!
//! All of it is "at least": what was saved after the last push nobody knows, and what was answered may have ended.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::outbox::Change;
use super::protocol::{PushAnswer, PushRequest, PushResult};
use super::record::{Epoch, Millis};
use crate::mutation::{self, Mutation};

/// Unsent work, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsent {
    /// Changes.
    pub changes: u64,
    /// Of at least so many records.
    pub records: u64,
}

/// A store that is gone, with what was open in it when it last pushed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LostEpoch {
    /// Which.
    pub epoch: Epoch,
    /// At least so many changes.
    pub changes: u64,
    /// Of at least so many records.
    pub records: u64,
    /// When it last pushed, by the server's clock.
    pub seen_at: Millis,
}

impl PushRequest {
    /// What of the open changes is surely not ended by these answers: those that are in no parcel with a final one.
    #[must_use]
    pub fn unsent_after(&self, results: &[PushResult]) -> Unsent {
        let answered: BTreeSet<_> =
            results.iter().filter(|result| result.outcome.is_final()).map(|result| result.op_id).collect();
        let parcels = self.parcels.iter().filter(|parcel| answered.contains(&parcel.op_id));
        let ended: u64 = parcels.clone().map(|parcel| parcel.changes.len() as u64).sum();
        let ended_records: BTreeSet<_> =
            parcels.flat_map(|parcel| parcel.items.iter().map(|item| (item.collection.as_str(), item.id))).collect();
        let length = |from: u64, to: u64| to.checked_sub(from).map_or(0, |length| length.saturating_add(1));
        let open = self.open.iter().fold(0_u64, |sum, range| sum.saturating_add(length(range.0, range.1)));
        let changes = open.saturating_sub(ended);
        let records = self.open_records.saturating_sub(ended_records.len() as u64);
        // A record that was answered may have newer changes: a change that is left is of one record at least.
        Unsent { changes, records: records.clamp(changes.min(1), changes) }
    }
}

/// What is in an outbox.
#[must_use]
pub fn unsent(outbox: &[&Change]) -> Unsent {
    let mut records: Vec<_> = outbox.iter().map(|change| (change.record, change.collection.as_str())).collect();
    records.sort_unstable();
    records.dedup();
    Unsent { changes: outbox.len() as u64, records: records.len() as u64 }
}

/// A lost store, as this one remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// What the server says of it.
    #[serde(flatten)]
    pub lost: LostEpoch,
    /// Whether the user was told, and said so.
    #[serde(default)]
    pub acknowledged: bool,
}

/// What the bar says of losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// At least so many changes.
    pub changes: u64,
    /// Of at least so many records.
    pub records: u64,
    /// When they were last heard of.
    pub at: Millis,
}

/// What a store knows of losses, and what the server knows of it: one row of `meta`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Whether the server was asked: a new store pushes once although it has nothing to send.
    #[serde(default)]
    pub asked: bool,
    /// What the server takes to be open here.
    #[serde(default)]
    pub told: Unsent,
    /// Of how many conflicts the server knows that this store has put them to its user.
    #[serde(default)]
    pub told_conflicts: u64,
    /// Other stores that are gone.
    #[serde(default)]
    pub gone: Vec<Loss>,
}

impl Losses {
    /// Whether the server is to be told although there is nothing to send: it was never asked; or it takes more to be open
    /// here than is, and would call that lost; or it does not know what the user knows, or was asked.
    #[must_use]
    pub fn must_tell(&self, open: Unsent, conflicts: u64) -> bool {
        let is_less = self.told.changes > open.changes || self.told.records > open.records;
        !self.asked || is_less || conflicts > self.told_conflicts || self.gone.iter().any(|loss| loss.acknowledged)
    }

    /// After an answer. The server's list is the whole truth: a store that came back is not in it any more.
    #[must_use]
    pub fn learn(&self, request: &PushRequest, answer: &PushAnswer) -> Self {
        let known = |lost: &LostEpoch| self.gone.iter().any(|loss| loss.lost.epoch == lost.epoch && loss.acknowledged);
        let heard = if mutation::is(Mutation::LossUnheard) { &[] } else { &answer.lost[..] };
        let gone = heard.iter().map(|lost| Loss { lost: lost.clone(), acknowledged: known(lost) }).collect();
        Self { asked: true, told: request.unsent_after(&answer.results), told_conflicts: request.conflicts, gone }
    }

    /// The user knows.
    #[must_use]
    pub fn acknowledge(&self) -> Self {
        let gone = self.gone.iter().map(|loss| Loss { acknowledged: true, ..loss.clone() });
        Self { gone: gone.collect(), ..self.clone() }
    }

    /// What the server need not tell again.
    #[must_use]
    pub fn acknowledged(&self) -> Vec<Epoch> {
        self.gone.iter().filter(|loss| loss.acknowledged).map(|loss| loss.lost.epoch).collect()
    }

    /// What the user is to be told. Two stores may have held changes of the same records, so those are not added.
    #[must_use]
    pub fn lost(&self) -> Option<Lost> {
        let open = self.gone.iter().filter(|loss| !loss.acknowledged).map(|loss| &loss.lost);
        open.fold(None, |sum: Option<Lost>, next| {
            let sum = sum.unwrap_or(Lost { changes: 0, records: 0, at: next.seen_at });
            let changes = sum.changes.saturating_add(next.changes);
            Some(Lost { changes, records: sum.records.max(next.records), at: sum.at.max(next.seen_at) })
        })
    }
}

#[cfg(test)]
#[path = "loss_tests.rs"]
mod tests;
