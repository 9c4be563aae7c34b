//! A small world for cases: customer 1 as the server has it, and changes to it.

use std::collections::{BTreeMap, BTreeSet};

use fieldsync::core::bases::Bases;
use fieldsync::core::clock::Contact;
use fieldsync::core::finish::{Finish, Finished, finish};
use fieldsync::core::outbox::Change;
use fieldsync::core::parcel::Parcel;
use fieldsync::core::protocol::{AppliedItem, Entry, Outcome, PushResult};
use fieldsync::core::push::{Begin, Begun, begin};
use fieldsync::core::record::{
    Base, By, Changed, DeviceId, Fields, GroupId, Millis, RecordId, RowId, Seq, Tombstone, UserId, Version,
};
use fieldsync::core::schema::Schema;
use fieldsync::core::view::{View, view};
use serde_json::{Value, json};
use uuid::Uuid;

pub const NOW: Millis = Millis(1_790_000_000_000);

pub fn schema() -> Schema {
    Schema::parse(include_str!("../../www/schema.json")).unwrap()
}

pub fn uuid(number: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(number))
}

pub fn id(number: u64) -> RecordId {
    RecordId(uuid(number))
}

pub fn row(seq: u64) -> RowId {
    RowId(uuid(1_000 + seq))
}

pub fn group(number: u64) -> Option<GroupId> {
    Some(GroupId(uuid(5_000 + number)))
}

pub fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

pub fn by(number: u64) -> By {
    By { id: UserId(uuid(9_000 + number)), name: "Ahmad".into(), role: "manager".into(), device: None }
}

/// A customer's base.
pub fn base(number: u64, version: u64, value: Value) -> Base {
    Base {
        id: id(number),
        version: Version(version),
        seq: Seq(version * 10),
        at: Millis(NOW.0 - 60_000 + i64::try_from(version).unwrap() * 1_000),
        by: Some(by(1)),
        changed: BTreeMap::new(),
        tombstone: None,
        fields: fields(value),
        normalised: BTreeMap::new(),
        doubted: Vec::new(),
    }
}

pub fn gone(base: Base, tombstone: Tombstone) -> Base {
    Base { tombstone: Some(tombstone), ..base }
}

/// What the server says of a record that it has like this.
pub fn entry(base: &Base) -> Entry {
    Entry {
        collection: "customers".into(),
        id: base.id,
        version: base.version,
        seq: base.seq,
        at: base.at,
        by: base.by.clone().unwrap(),
        changed: base.changed.clone(),
        tombstone: base.tombstone,
        fields: base.fields.clone(),
    }
}

/// The version at which each field last changed, as the server tells it.
pub fn changed_at(mut base: Base, versions: &[(&str, u64)]) -> Base {
    for (name, version) in versions {
        let at = Millis(NOW.0 - 60_000 + i64::try_from(*version).unwrap() * 1_000);
        base.changed.insert((*name).to_owned(), Changed { at, by: by(1) });
    }
    base
}

/// A change: its number, record, action, the version and the fields seen, and what was written.
pub fn change(seq: u64, number: u64, action: &str, (version, seen): (u64, Value), written: Value) -> Change {
    change_in("customers", seq, number, action, (version, seen), written)
}

pub fn change_in(collection: &str, seq: u64, number: u64, action: &str, (version, seen): (u64, Value), written: Value) -> Change {
    serde_json::from_value(json!({
        "client_seq": seq, "row": row(seq), "collection": collection, "record": id(number), "action": action,
        "seen": {"version": version, "fields": seen}, "written": written, "schema": 1, "saved_at": NOW, "clock_offset_ms": 0,
    }))
    .unwrap()
}

pub fn create(seq: u64, number: u64, written: Value) -> Change {
    change(seq, number, "create", (0, json!({})), written)
}

pub fn update(seq: u64, number: u64, seen: (u64, Value), written: Value) -> Change {
    change(seq, number, "update", seen, written)
}

pub fn delete(seq: u64, number: u64, seen: (u64, Value)) -> Change {
    change(seq, number, "delete", seen, json!({}))
}

/// An activity that names a customer.
pub fn visit(seq: u64, number: u64, customer: u64) -> Change {
    let written = json!({"customer": id(customer), "kind": "visit", "subject": "x", "at": 1});
    change_in("activities", seq, number, "create", (0, json!({})), written)
}

/// The view of the customer that these changes are of.
pub fn seen_as(base: Option<&Base>, changes: &[Change]) -> View {
    let changes: Vec<&Change> = changes.iter().collect();
    view(schema().collection("customers").unwrap(), base, &changes)
}

#[derive(Clone, Default)]
pub struct Memory(pub BTreeMap<(String, RecordId), Base>);

impl Bases for Memory {
    fn get(&self, collection: &str, id: RecordId) -> Option<&Base> {
        self.0.get(&(collection.to_owned(), id))
    }
    fn put(&mut self, collection: &str, base: Base) {
        self.0.insert((collection.to_owned(), base.id), base);
    }
}

/// Customers' bases.
pub fn bases(all: impl IntoIterator<Item = Base>) -> Memory {
    let mut memory = Memory::default();
    all.into_iter().for_each(|base| memory.put("customers", base));
    memory
}

pub fn begin_all(outbox: &[Change], parcels: &[Parcel], bases: &Memory) -> Begun {
    begin_some(outbox, parcels, bases, 100)
}

pub fn begin_some(outbox: &[Change], parcels: &[Parcel], bases: &Memory, count_max: usize) -> Begun {
    let schema = schema();
    let outbox: Vec<&Change> = outbox.iter().collect();
    begin(&Begin { schema: &schema, outbox: &outbox, parcels, sent: &BTreeSet::new(), now: NOW, seed: 7, count_max }, bases)
}

pub fn finish_one(outbox: &[Change], parcel: &Parcel, outcome: Outcome, bases: &mut Memory) -> Finished {
    finish_after(Seq(0), outbox, parcel, outcome, bases)
}

/// The same, where a snapshot has looked at everything up to this place.
pub fn finish_after(
    watermark_seq: Seq,
    outbox: &[Change],
    parcel: &Parcel,
    outcome: Outcome,
    bases: &mut impl Bases,
) -> Finished {
    let schema = schema();
    let input = Finish {
        schema: &schema,
        outbox,
        parcels: std::slice::from_ref(parcel),
        user: UserId(uuid(1)),
        device: DeviceId(uuid(2)),
        now: NOW,
        server_time: NOW,
        contact: Contact { now: NOW, offset_ms: Some(0), doubted_to: 0 },
        seed: 7,
        watermark_seq,
        waits: None,
    };
    finish(&input, &[PushResult { op_id: parcel.op_id, mark: None, outcome }], bases)
}

/// Applied as the next version of each item, with these fields kept otherwise.
pub fn applied(parcel: &Parcel, seq: u64, normalised: Value) -> Outcome {
    let item = |item: &fieldsync::core::protocol::Item| AppliedItem {
        collection: item.collection.clone(),
        id: item.id,
        version: Version(item.base_version.0 + 1),
        normalised: fields(normalised.clone()),
    };
    Outcome::Applied { seq: Seq(seq), items: parcel.items.iter().map(item).collect() }
}

/// The numbers of a parcel's changes.
pub fn seqs(parcel: &Parcel, outbox: &[Change]) -> Vec<u64> {
    outbox.iter().filter(|change| parcel.rows.contains(&change.row)).map(|change| change.client_seq).collect()
}

/// The numbers of the changes of each parcel that was begun.
pub fn begun_seqs(begun: &Begun, outbox: &[Change]) -> Vec<Vec<u64>> {
    begun.parcels.iter().map(|parcel| seqs(parcel, outbox)).collect()
}
