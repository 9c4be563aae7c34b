//! Taking back what has not been sent. A change in an open parcel has an unknown outcome: then the intent is noted on the
//! parcel, and the server is asked first.

use std::collections::{BTreeMap, BTreeSet};

use super::outbox::{Change, by_record, by_row};
use super::parcel::{Parcel, Then};
use super::protocol::Action;
use super::record::{GroupId, OpId, RecordId, RowId};
use super::schema::ids;
use crate::mutation::{self, Mutation};

/// What a discard comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Discarded {
    /// The changes that end.
    pub rows: BTreeSet<RowId>,
    /// Refused parcels that go with them.
    pub removed: Vec<OpId>,
    /// Open parcels, with what to do once their outcome is known.
    pub put: Vec<Parcel>,
}

/// Plans the end of a change, and of what cannot be without it: the rest of its group, the parcel that was refused, later
/// changes that wrote the same fields, and after a create whatever names its record. Nothing if the row is not there.
#[must_use]
pub fn discard(outbox: &[Change], parcels: &[Parcel], row: RowId) -> Discarded {
    let together = Together::new(outbox, parcels);
    let (mut rows, mut open) = (BTreeSet::new(), vec![row]);
    while let Some(gone) = open.pop().and_then(|row| together.by_row.get(&row)) {
        if rows.insert(gone.row) {
            open.extend(together.of(gone).filter(|row| !rows.contains(row) && together.by_row.contains_key(row)));
        }
    }
    let mut discarded = Discarded::default();
    for parcel in parcels {
        if !parcel.rows.iter().any(|row| rows.contains(row)) {
            continue;
        }
        if parcel.is_open() && !mutation::is(Mutation::DiscardedUnasked) {
            discarded.put.push(Parcel { then: Some(Then::Discard), ..parcel.clone() });
            rows.retain(|row| !parcel.rows.contains(row));
        } else {
            discarded.removed.push(parcel.op_id);
        }
    }
    discarded.rows = rows;
    discarded
}

/// What holds changes together.
struct Together<'a> {
    by_row: BTreeMap<RowId, &'a Change>,
    by_record: BTreeMap<(&'a str, RecordId), Vec<&'a Change>>,
    groups: BTreeMap<GroupId, Vec<RowId>>,
    /// By the record that they name.
    names: BTreeMap<RecordId, Vec<RowId>>,
    parcels: BTreeMap<RowId, Vec<&'a Parcel>>,
}

impl<'a> Together<'a> {
    fn new(outbox: &'a [Change], parcels: &'a [Parcel]) -> Self {
        let (mut groups, mut names): (BTreeMap<_, Vec<_>>, BTreeMap<_, Vec<_>>) = (BTreeMap::new(), BTreeMap::new());
        for change in outbox {
            if let Some(group) = change.group {
                groups.entry(group).or_default().push(change.row);
            }
            for named in change.written.values().flat_map(ids) {
                names.entry(named).or_default().push(change.row);
            }
        }
        let mut of_parcels: BTreeMap<RowId, Vec<&Parcel>> = BTreeMap::new();
        for parcel in parcels {
            parcel.rows.iter().for_each(|row| of_parcels.entry(*row).or_default().push(parcel));
        }
        Self { by_row: by_row(outbox), by_record: by_record(outbox), groups, names, parcels: of_parcels }
    }

    /// What cannot be without this change.
    fn of<'b>(&'b self, gone: &'b Change) -> impl Iterator<Item = RowId> + 'b {
        let of_record = self.by_record.get(&(gone.collection.as_str(), gone.record)).into_iter().flatten();
        // What waits for an answer builds on nothing unsent, and nothing on it.
        let is_beside = |change: &Change| change.is_online() || gone.is_online();
        let later =
            of_record.filter(move |change| change.client_seq > gone.client_seq && !is_beside(change) && overwrites(change, gone));
        let of_group = gone.group.and_then(|group| self.groups.get(&group)).into_iter().flatten();
        let names = self.names.get(&gone.record).filter(|_| gone.action == Action::Create).into_iter().flatten();
        let of_parcel = self.parcels.get(&gone.row).into_iter().flatten().flat_map(|parcel| &parcel.rows);
        later.map(|change| change.row).chain(of_group.chain(names).chain(of_parcel).copied())
    }
}

fn overwrites(change: &Change, gone: &Change) -> bool {
    // A create or a delete writes every field.
    gone.action != Action::Update
        || change.action != Action::Update
        || change.written.keys().any(|name| gone.written.contains_key(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::record::Millis;
    use serde_json::json;

    fn change(seq: u64, record: i64, action: &str, written: serde_json::Value, group: Option<i64>) -> Change {
        serde_json::from_value(json!({
            "client_seq": seq, "row": RowId::new(Millis(1_000 + seq as i64), [0, 0]), "collection": "customers",
            "record": RecordId::new(Millis(record), [0, 0]), "action": action, "written": written, "schema": 1, "saved_at": 0,
            "group": group.map(|n| GroupId::new(Millis(n), [0, 0])),
        }))
        .unwrap()
    }

    fn gone(outbox: &[Change], seq: u64) -> Vec<u64> {
        let row = outbox.iter().find(|change| change.client_seq == seq).unwrap().row;
        let discarded = discard(outbox, &[], row);
        outbox.iter().filter(|change| discarded.rows.contains(&change.row)).map(|change| change.client_seq).collect()
    }

    #[test]
    fn what_cannot_be_without_it_goes_too_and_nothing_else() {
        let customer = RecordId::new(Millis(1), [0, 0]).to_string();
        let outbox = [
            change(1, 1, "create", json!({"name": "A"}), None),
            change(2, 1, "update", json!({"phone": "1"}), None),
            change(3, 2, "create", json!({"customer": customer}), Some(7)),
            change(4, 3, "update", json!({"city": "x"}), Some(7)),
            change(5, 4, "update", json!({"city": "y"}), None),
            change(6, 4, "update", json!({"phone": "z"}), None),
            change(7, 4, "update", json!({"city": "w"}), None),
        ];
        assert_eq!(gone(&outbox, 1), [1, 2, 3, 4], "a create, its record's changes, what names it, and that one's group");
        assert_eq!(gone(&outbox, 2), [2]);
        assert_eq!(gone(&outbox, 4), [3, 4], "a group goes whole");
        assert_eq!(gone(&outbox, 5), [5, 7], "only later changes of the same field");
        assert_eq!(gone(&outbox, 7), [7]);
    }
}
