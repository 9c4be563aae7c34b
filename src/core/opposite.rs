//! Taking back what was applied: undo of what was sent is a new change.

use super::backoff::bits;
use super::finish::Work;
use super::outbox::{Change, Seen};
use super::parcel::Parcel;
use super::protocol::{Action, AppliedItem, Item};
use super::record::{Fields, GroupId, RowId};
use super::schema::Mode;
use super::view::patched;

impl Work<'_, '_> {
    /// Too late to take back; undo of what was sent is a new change. What was made last goes first, and what was applied
    /// together goes together.
    pub(super) fn take_back(&mut self, parcel: &Parcel, items: &[(&Item, Option<&AppliedItem>)], index: u64) {
        let chance = |place: u64| bits(self.input.seed, 1_000 + index * 128 + place);
        let group = (items.len() > 1).then(|| GroupId::new(self.input.now, [chance(126), chance(127)]));
        let mut undo = Vec::new();
        for (place, (item, answer)) in items.iter().rev().enumerate().filter(|(_, (item, _))| !is_empty(item)) {
            let row = RowId::new(self.input.now, [chance(place as u64 * 2), chance(place as u64 * 2 + 1)]);
            undo.push(Change { group, ..self.opposite(parcel, item, *answer, row) });
        }
        self.finished.append.extend(undo);
    }

    /// The change that takes an applied item back: seen is what I wrote, written what it replaced.
    fn opposite(&self, parcel: &Parcel, item: &Item, answer: Option<&AppliedItem>, row: RowId) -> Change {
        let version = answer.map_or(item.base_version, |answer| answer.version);
        // As the server keeps it: that is what is there now.
        let kept = answer.map_or_else(|| item.patch.clone(), |answer| patched(&item.patch, &answer.normalised));
        let (action, seen, written) = match item.action {
            Action::Create => (Action::Delete, kept, Fields::new()),
            Action::Update => (Action::Update, kept, item.seen.clone()),
            Action::Delete => (Action::Create, Fields::new(), item.seen.clone()),
        };
        Change {
            client_seq: 0,
            row,
            collection: item.collection.clone(),
            record: item.id,
            action,
            seen: Seen { version, fields: seen },
            written,
            group: None,
            schema: parcel.schema,
            saved_at: self.input.now,
            clock_offset_ms: None,
            hold_until: None,
            mode: if parcel.online { Mode::Online } else { Mode::Optimistic },
        }
    }
}

/// Whether an item wrote nothing: it only told what was set aside.
fn is_empty(item: &Item) -> bool {
    item.action == Action::Update && item.patch.is_empty()
}
