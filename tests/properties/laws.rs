//! What must hold of a device, whatever happened.

use std::collections::BTreeSet;

use fieldsync::core::bases::{Bases, stand_in};
use fieldsync::core::choose::made;
use fieldsync::core::outbox::Change;
use fieldsync::core::parcel::{Parcel, ParcelState};
use fieldsync::core::protocol::{Action, Problem, ProblemCode};
use fieldsync::core::push::Begun;
use fieldsync::core::record::{RecordId, RowId, Seq, same_fields};
use fieldsync::core::view::{patched, view};
use serde_json::json;

use super::draw::{NOW, Step, base, schema, uuid};
use super::model::Device;

impl Device {
    /// What must hold of each `begin`.
    pub fn check_begun(&self, begun: &Begun) {
        for parcel in &begun.parcels {
            let own: Vec<&Change> = self.outbox.iter().filter(|change| parcel.rows.contains(&change.row)).collect();
            assert_eq!(own.len(), parcel.rows.len(), "a parcel of changes that are not there");
            for group in own.iter().filter_map(|change| change.group) {
                let whole = self.outbox.iter().filter(|change| change.group == Some(group));
                assert!(whole.clone().all(|change| parcel.rows.contains(&change.row)), "half a group: {parcel:?}");
            }
            for item in parcel.items.iter() {
                let changes: Vec<&Change> = own.iter().copied().filter(|change| change.record == item.id).collect();
                let all = self.changes((&item.collection, item.id));
                assert_eq!(changes[..], all[..changes.len()], "not a prefix");
                let stand = stand_in(&changes);
                let base = self.bases.get(&item.collection, item.id).or(stand.as_ref());
                let shown = view(schema().collection(&item.collection).unwrap(), base, &changes).fields;
                let before = base.filter(|base| base.is_present()).map(|base| base.fields.clone()).unwrap_or_default();
                match item.action {
                    Action::Delete => assert_eq!(shown, None),
                    _ => assert!(same_fields(&patched(&before, &item.patch), &shown.unwrap()), "patch over base is not the view"),
                }
            }
        }
        let (mut made, mut there) = (made(&self.outbox), BTreeSet::new());
        // Made and deleted again before it was sent: what names it is refused, and shown.
        let is_sent =
            |change: &Change| begun.send.iter().flat_map(|parcel| parcel.items.iter()).any(|item| item.id == change.record);
        let cancelled = |change: &&Change| {
            let carried = begun.parcels.iter().chain(&self.parcels).any(|parcel| parcel.rows.contains(&change.row));
            (carried && !is_sent(change)) || begun.ended.iter().any(|ended| ended.row == change.row)
        };
        for change in self.outbox.iter().filter(cancelled) {
            made.remove(&(change.collection.as_str(), change.record));
        }
        for parcel in &begun.send {
            // What is made again behind its last change is not what it names.
            let last =
                self.outbox.iter().filter(|change| parcel.changes.contains(&change.row)).map(|change| change.client_seq).max();
            let is_behind = |target: &str, id| {
                let mut creates = self.outbox.iter().filter(|change| change.action == Action::Create);
                creates.find(|create| create.record == id && create.collection == target).map(|create| create.client_seq) > last
            };
            for item in parcel.items.iter() {
                let collection = schema().collection(&item.collection).unwrap();
                for (_, target, id) in collection.references(&item.patch) {
                    let is_there = there.contains(&id) || self.bases.get(target, id).is_some() || is_behind(target, id);
                    assert!(!made.contains(&(target, id)) || is_there, "{item:?} names what is not there yet");
                }
                there.insert(item.id);
            }
        }
    }

    /// Which of all that could go goes: in the order of the changes, and the oldest always.
    pub fn check_chosen(&self, begun: &Begun, all: &Begun, count_max: usize) {
        let is_chosen = |parcel: &Parcel| begun.parcels.iter().any(|chosen| chosen.rows == parcel.rows);
        assert!(
            begun.parcels.iter().all(|chosen| all.parcels.iter().any(|parcel| chosen.rows == parcel.rows)),
            "made for lack of room"
        );
        // What is held, or asks, is left out of what it was saved with, and that keeps the place that it had.
        let goes = |change: &Change| all.parcels.iter().chain(&self.parcels).any(|parcel| parcel.rows.contains(&change.row));
        if !self.outbox.iter().all(goes) {
            return;
        }
        assert!(begun.parcels.is_sorted_by_key(|parcel| parcel.first_seq), "not in the order of their changes");
        // What came to nothing has taken its place of those that are chosen.
        if begun.send.len() - begun.parcels.len() >= count_max || begun.is_full || !begun.ended.is_empty() {
            return;
        }
        let oldest = all.parcels.first();
        assert!(oldest.is_none_or(is_chosen), "the oldest stays behind: {oldest:?} of {begun:?}");
    }

    /// What must hold after every step.
    pub fn check(&mut self, step: &Step) {
        let unended: BTreeSet<RowId> = self.outbox.iter().map(|change| change.row).collect();
        let over: BTreeSet<RowId> = self.history.iter().map(|ended| ended.row).collect();
        assert_eq!((unended.len(), over.len()), (self.outbox.len(), self.history.len()), "twice, after {step:?}");
        assert!(unended.is_disjoint(&over), "ended and not ended, after {step:?}");
        assert_eq!(unended.union(&over).copied().collect::<BTreeSet<_>>(), self.saved, "lost, after {step:?}");
        let open: Vec<&Parcel> = self.parcels.iter().filter(|parcel| parcel.is_open()).collect();
        let records: Vec<_> = open.iter().flat_map(|parcel| parcel.records()).collect();
        assert_eq!(records.iter().collect::<BTreeSet<_>>().len(), records.len(), "in two open parcels, after {step:?}");
        for parcel in &open {
            assert!(parcel.rows.iter().all(|row| unended.contains(row)), "open, and its change ended, after {step:?}");
        }
        for parcel in &self.parcels {
            let first = self.sent.entry(parcel.op_id).or_insert_with(|| parcel.clone());
            assert_eq!((&first.rows, &first.items), (&parcel.rows, &parcel.items), "altered, after {step:?}");
            assert!(first.is_open(), "began as refused");
        }
    }

    /// A device with so many unsent changes.
    pub fn full(count: u64, shape: &str) -> Self {
        let mut device = Self::default();
        device.last_seq = count;
        for number in 0..count {
            let id = RecordId(uuid(100_000 + if shape == "one record" { 0 } else { number }));
            let fields = json!({"name": "PT ABC", "phone": "021 555", "city": "Jakarta", "visits": number});
            let (mut at, before) = (base(id, fields.as_object().unwrap().clone()), json!({"phone": "021 555", "visits": number}));
            at.seq = Seq(1);
            device.bases.put("customers", at);
            let row = RowId(uuid(500_000 + number));
            let change = json!({"client_seq": number + 1, "row": row, "collection": "customers", "record": id, "action": "update",
                "seen": {"version": 1, "fields": before}, "written": {"phone": "021 556", "visits": number + 1}, "schema": 1, "saved_at": NOW});
            device.outbox.push(serde_json::from_value(change).unwrap());
        }
        if shape == "refused" || shape == "open" {
            let begun = device.begin(900);
            assert!(!begun.parcels.is_empty());
            if shape == "refused" {
                let state = ParcelState::Refused { problem: Problem::new(ProblemCode::Validation, "") };
                device.parcels.iter_mut().for_each(|parcel| parcel.state = state.clone());
            }
        }
        device.saved = device.outbox.iter().map(|change| change.row).collect();
        device
    }
}
