//! Taking back what has not been sent. A change in an open parcel has an unknown outcome: then the intent is noted on the
//! parcel, and the server is asked first.

use std::collections::BTreeSet;

use super::outbox::Change;
use super::parcel::{Parcel, Then};
use super::protocol::Action;
use super::record::{OpId, RecordId, RowId};

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
    let mut rows = BTreeSet::from([row]);
    loop {
        let before = rows.len();
        for change in outbox {
            let goes = outbox.iter().filter(|gone| rows.contains(&gone.row)).any(|gone| goes_with(change, gone));
            let of_parcel = parcels
                .iter()
                .any(|parcel| parcel.rows.contains(&change.row) && parcel.rows.iter().any(|row| rows.contains(row)));
            if goes || of_parcel {
                rows.insert(change.row);
            }
        }
        if rows.len() == before {
            break;
        }
    }
    rows.retain(|row| outbox.iter().any(|change| change.row == *row));
    let mut discarded = Discarded::default();
    for parcel in parcels {
        if !parcel.rows.iter().any(|row| rows.contains(row)) {
            continue;
        }
        if parcel.is_open() {
            discarded.put.push(Parcel { then: Some(Then::Discard), ..parcel.clone() });
            rows.retain(|row| !parcel.rows.contains(row));
        } else {
            discarded.removed.push(parcel.op_id);
        }
    }
    discarded.rows = rows;
    discarded
}

fn goes_with(change: &Change, gone: &Change) -> bool {
    let same_record = change.record == gone.record && change.collection == gone.collection;
    let same_group = change.group.is_some() && change.group == gone.group;
    let later = same_record && change.client_seq > gone.client_seq;
    let overwrites =
        later && (gone.action != Action::Update || change.written.keys().any(|name| gone.written.contains_key(name)));
    same_group || overwrites || (gone.action == Action::Create && names(change, gone.record))
}

fn names(change: &Change, record: RecordId) -> bool {
    let text = record.to_string();
    change.written.values().any(|value| value.as_str() == Some(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::record::{GroupId, Millis};
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
