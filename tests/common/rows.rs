//! Rows for tests, made of small numbers: the same number is the same row.

use fieldsync::core::outbox::{Change, Seen};
use fieldsync::core::parcel::{Parcel, ParcelState, Then};
use fieldsync::core::protocol::{Action, Item, Problem, ProblemCode, SetAside};
use fieldsync::core::record::{By, Changed, Fields, GroupId, Millis, OpId, RecordId, RowId, Seq, UserId, Version};
use fieldsync::core::rows::{Aside, ConflictRow, DraftRow, End, Ended, HistoryRow, Met};
use fieldsync::core::schema::Mode;
use fieldsync::ports::PageRow;
use serde_json::{Value, json};
use uuid::Uuid;

/// An id; ids sort as their numbers.
pub fn id(number: u64) -> RecordId {
    RecordId(uuid(number))
}

/// A UUID; they sort as their numbers.
pub fn uuid(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number) << 64 | 0x8000_0000_0000_0000)
}

/// Fields from JSON.
pub fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        other => panic!("not an object: {other}"),
    }
}

/// A change of customer `record`, saved under row id `row`.
pub fn change(row: u64, record: u64) -> Change {
    Change {
        client_seq: 0,
        row: RowId(uuid(row)),
        collection: "customers".into(),
        record: id(record),
        action: Action::Update,
        seen: Seen { version: Version(3), fields: fields(json!({"name": "PT ABC", "phone": null})) },
        written: fields(json!({"name": "PT ABC Jaya", "phone": "+62 812 000"})),
        group: None,
        schema: 1,
        saved_at: Millis(1_700_000_000_000),
        clock_offset_ms: None,
        hold_until: None,
        mode: Mode::default(),
    }
}

/// A change with every field in use.
pub fn full_change(row: u64, record: u64) -> Change {
    Change {
        action: Action::Create,
        group: Some(GroupId(uuid(900))),
        clock_offset_ms: Some(-1_234),
        hold_until: Some(Millis(1_700_000_006_000)),
        mode: Mode::Online,
        ..change(row, record)
    }
}

/// An open parcel with a change of one record.
pub fn parcel(op: u64, record: u64) -> Parcel {
    Parcel {
        op_id: OpId(uuid(op)),
        rows: vec![RowId(uuid(op + 1)), RowId(uuid(op + 2))],
        items: [Item {
            collection: "customers".into(),
            id: id(record),
            action: Action::Update,
            base_version: Version(3),
            patch: fields(json!({"name": "PT ABC Jaya", "phone": null})),
            seen: fields(json!({"name": "PT ABC"})),
            seen_version: Some(Version(2)),
            set_aside: vec![SetAside { field: "city".into(), value: json!("Bogor"), mine: true }],
            edited_at: Millis(1_700_000_000_000),
        }]
        .into(),
        schema: 1,
        first_seq: 7,
        state: ParcelState::Open,
        attempts: 2,
        next_attempt_at: Some(Millis(1_700_000_060_000)),
        blocked_by: None,
        then: None,
        online: false,
    }
}

/// A refused parcel with every field in use.
pub fn refused(op: u64, record: u64) -> Parcel {
    let problem = Problem::new(ProblemCode::Validation, "no such stage").in_field("stage").of_record("customers", id(record));
    Parcel {
        state: ParcelState::Refused { problem: problem.after(30) },
        blocked_by: Some(id(record + 1)),
        then: Some(Then::Discard),
        online: true,
        ..parcel(op, record)
    }
}

/// What is kept of a conflict.
pub fn conflict(record: u64, put_off: bool) -> ConflictRow {
    ConflictRow { collection: "customers".into(), id: id(record), found_at: Millis(5), version: Version(4), put_off }
}

fn aside(value: Value) -> SetAside {
    SetAside { field: "city".into(), value, mine: false }
}

fn met() -> Met {
    let by = By { id: UserId(uuid(600)), name: "Ahmad".into(), role: "manager".into(), device: None };
    Met { won: json!("Bandung"), theirs: Some(Changed { at: Millis(4), by }) }
}

/// A row of history at this time.
pub fn history(at: i64) -> HistoryRow {
    HistoryRow {
        key: 0,
        at: Millis(at),
        parcels: vec![refused(500, 5)],
        ended: vec![Ended {
            client_seq: 7,
            row: RowId(uuid(501)),
            collection: "customers".into(),
            record: id(5),
            action: Action::Update,
            seen: Seen::default(),
            written: fields(json!({"name": "PT ABC"})),
            group: Some(GroupId(uuid(503))),
            saved_at: Millis(1),
            mode: Mode::Validated,
            end: End::Confirmed,
        }],
        set_aside: vec![Aside("customers".into(), id(5), aside(Value::Null), met())],
        looked: vec![("customers".into(), id(5), aside(json!("Bogor")))],
        seq: Some(Seq(99)),
        voided: vec![OpId(uuid(502))],
        returned: vec![Change { client_seq: 3, ..full_change(504, 6) }],
    }
}

/// A draft.
pub fn draft(form: &str, name: &str) -> DraftRow {
    DraftRow { form: form.into(), value: fields(json!({"name": name, "tags": ["a", null]})), at: Millis(9) }
}

/// A page that begins at this id; 0 is the first page of the collection.
pub fn page(collection: &str, first: u64, stamp: u64) -> PageRow {
    let bytes = format!("{collection}/{first}").into_bytes();
    PageRow { collection: collection.into(), first: first_of(first), stamp, bytes }
}

/// The key of such a page.
pub fn first_of(first: u64) -> String {
    if first == 0 { String::new() } else { id(first).to_string() }
}

/// Somebody.
pub fn somebody(number: u64) -> By {
    By { id: UserId(uuid(number)), name: "Ahmad".into(), role: "manager".into(), device: None }
}
