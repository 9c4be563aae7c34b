//! The cases about values: what is written comes back as it was.

use fieldsync::core::outbox::Change;
use fieldsync::core::parcel::Parcel;
use fieldsync::core::record::{Fields, RowId, same, same_fields};
use fieldsync::ports::{Read, Store, Write};
use serde_json::json;

use super::Disk;
use super::rows::{change, draft, fields, full_change, history, parcel, refused, uuid};
use super::store_cases::{put, read};

async fn round_trip(store: &impl Store, row: u64, written: Fields) -> Fields {
    let number = put(store, vec![Write::Append(Change { written, ..change(row, 1) })]).await[0];
    let rows = read(store, Read::OutboxAfter(number - 1)).await;
    rows.outbox[0].written.clone()
}

pub async fn values_come_back_as_they_were(disk: impl Disk) {
    let store = disk.open();
    let written = fields(json!({
        "null": null, "yes": true, "no": false, "empty": "", "list": [], "object": {}, "nested": {"a": {"b": [{"c": null}, [[]]]}},
        "mixed": [1, "1", null, true, {"x": []}], "1": "a name like a number", "": "no name", "a.b": "dots", "length": 3,
        "id": 5, "client_seq": 9, "constructor": "words of the platform",
    }));
    assert_eq!(round_trip(&store, 1, written.clone()).await, written);
    assert_eq!(round_trip(&store, 2, Fields::new()).await, Fields::new());
}

pub async fn numbers_keep_their_value(disk: impl Disk) {
    let store = disk.open();
    let written = fields(json!({
        "zero": 0, "minus": -1, "max": 9_007_199_254_740_991_i64, "min": -9_007_199_254_740_991_i64,
        "two_53": 9_007_199_254_740_992_i64, "float": 0.1, "small": 5e-324, "big": 1.797_693_134_862_315_7e308,
        "whole_float": 3.0, "minus_zero": -0.0, "rounded": 1_234_567.890_625, "millions": [12_500_000, -12_500_000.5],
    }));
    let returned = round_trip(&store, 1, written.clone()).await;
    assert!(same_fields(&written, &returned), "{returned:?}");
    for name in ["zero", "minus", "max", "min"] {
        assert!(returned[name].is_i64(), "{name} stays an integer: {returned:?}");
    }
    // Beyond what JavaScript has: the nearest that it has, never a failure.
    let huge = fields(json!({"u64": u64::MAX, "i64": i64::MIN, "odd": 9_007_199_254_740_993_i64}));
    let returned = round_trip(&store, 2, huge.clone()).await;
    for (name, value) in &huge {
        assert!(same(value, &returned[name]), "{name}: {returned:?}");
    }
}

pub async fn text_of_all_scripts_comes_back(disk: impl Disk) {
    let store = disk.open();
    let written = fields(json!({
        "names": ["Nguyễn", "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}", "𝔘𝔫𝔦", "日本語", "مرحبا"],
        "odd": ["\u{0}\u{1}\n\r\t\"\\", "\u{2028}\u{FEFF}"],
        "kunci·ключ·🔑": "e\u{301} is not é",
    }));
    assert_eq!(round_trip(&store, 1, written.clone()).await, written);
    put(&store, vec![Write::Draft(draft("borang 🔑", "x"))]).await;
    assert_eq!(read(&store, Read::Draft("borang 🔑".into())).await.drafts, [draft("borang 🔑", "x")]);
}

pub async fn big_values_come_back(disk: impl Disk) {
    let store = disk.open();
    let written = fields(json!({"note": "ä".repeat(300_000), "list": vec![1; 20_000]}));
    assert_eq!(round_trip(&store, 1, written.clone()).await, written);
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    put(&store, vec![Write::Derived("search".into(), bytes.clone())]).await;
    assert!(read(&store, Read::Derived("search".into())).await.derived["search"] == bytes);
    let changes: Vec<Write> = (10..510).map(|row| Write::Append(change(row, row))).collect();
    assert_eq!(put(&store, changes).await.len(), 500);
    let rows = (10..510).map(|row| RowId(uuid(row))).collect();
    assert_eq!(read(&store, Read::OutboxRows(rows)).await.outbox.len(), 500);
}

pub async fn whole_rows_come_back_as_they_were(disk: impl Disk) {
    let store = disk.open();
    let plain = Parcel { items: [].into(), rows: vec![], ..parcel(40, 4) };
    put(&store, vec![Write::Append(full_change(1, 1)), Write::Append(change(2, 1))]).await;
    put(&store, vec![Write::Parcel(refused(10, 1)), Write::Parcel(plain.clone()), Write::History(history(7))]).await;
    let rows = store.read(vec![Read::Outbox, Read::Parcels, Read::HistoryLast(1)]).await.expect("a read");
    let numbered = |number, change| Change { client_seq: number, ..change };
    assert_eq!(*rows.outbox, [numbered(1, full_change(1, 1)), numbered(2, change(2, 1))]);
    assert_eq!(rows.parcels, [refused(10, 1), plain]);
    let mut expected = history(7);
    expected.key = 1;
    assert_eq!(rows.history, [expected]);
}
