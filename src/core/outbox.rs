//! Changes: what the user saw and wrote, one immutable row a save; what of them may be sent, in which order; undo.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::protocol::{Action, SeqRange};
use super::record::{CollectionName, Fields, GroupId, Millis, RecordId, RowId, Version};
use super::schema::Mode;

/// Longest hold of a change for Undo.
pub const HOLD_MS_MAX: i64 = 6_000;

/// What the user saw when writing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The base's version; 0 where there was none.
    pub version: Version,
    /// For an update, the values of the fields that it writes (absent is null); for a delete, all; for a create, none.
    #[serde(default)]
    pub fields: Fields,
}

/// One save of one record: an outbox row. Never altered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Its number, from the store's key generator; 0 until it has one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub client_seq: u64,
    /// Its own id, made when the form opened.
    pub row: RowId,
    /// The record's collection.
    pub collection: CollectionName,
    /// The record.
    pub record: RecordId,
    /// What it does.
    pub action: Action,
    /// What the user saw.
    #[serde(default)]
    pub seen: Seen,
    /// What the user wrote; null clears a field.
    #[serde(default)]
    pub written: Fields,
    /// Shared by changes saved together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// The schema's number.
    pub schema: u32,
    /// When, by the device's clock.
    pub saved_at: Millis,
    /// The server's clock minus the device's at the last contact, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
    /// Not to be sent before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_until: Option<Millis>,
    /// How it was written.
    #[serde(default)]
    pub mode: Mode,
}

// serde hands a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Change {
    /// The record it belongs to.
    #[must_use]
    pub fn key(&self) -> (CollectionName, RecordId) {
        (self.collection.clone(), self.record)
    }

    /// Whether it is only done with an answer of the server: no view has it before, and it goes another way than the others.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.mode == Mode::Online
    }

    /// Whether it is kept back now.
    #[must_use]
    pub fn is_held(&self, now: Millis) -> bool {
        self.hold_until.is_some_and(|until| !until.has_come(now, HOLD_MS_MAX))
    }

    /// When it was made by the server's clock, as far as the device knew.
    #[must_use]
    pub fn edited_at(&self) -> Millis {
        self.saved_at.plus(self.clock_offset_ms.unwrap_or(0))
    }
}

/// The changes by row id.
#[must_use]
pub fn by_row<'a>(outbox: impl IntoIterator<Item = &'a Change>) -> BTreeMap<RowId, &'a Change> {
    outbox.into_iter().map(|change| (change.row, change)).collect()
}

/// The changes of each record, by `client_seq`.
#[must_use]
pub fn by_record<'a>(outbox: impl IntoIterator<Item = &'a Change>) -> BTreeMap<(&'a str, RecordId), Vec<&'a Change>> {
    let mut by_record: BTreeMap<(&str, RecordId), Vec<&Change>> = BTreeMap::new();
    for change in outbox {
        by_record.entry((change.collection.as_str(), change.record)).or_default().push(change);
    }
    by_record
}

/// These numbers, ascending, as ranges.
#[must_use]
pub fn ranges(numbers: impl Iterator<Item = u64>) -> Vec<SeqRange> {
    let mut ranges: Vec<SeqRange> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(last) if last.1 + 1 == number => last.1 = number,
            _ => ranges.push(SeqRange(number, number)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_ranges() {
        assert_eq!(ranges([1, 2, 3, 7, 9, 10].into_iter()), [SeqRange(1, 3), SeqRange(7, 7), SeqRange(9, 10)]);
        assert_eq!(ranges(std::iter::empty()), []);
    }
}
