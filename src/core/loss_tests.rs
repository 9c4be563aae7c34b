//! Counting what is left, and what a store remembers of it.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::core::protocol::{Outcome, Problem, ProblemCode};
use crate::core::record::Seq;

fn epoch(number: u128) -> Epoch {
    Epoch(Uuid::from_u128(number))
}

/// A push of parcels with so many changes of one record each, out of so many open numbers and records.
fn request(open: serde_json::Value, open_records: u64, parcels: &[usize]) -> PushRequest {
    let id = |number: usize| Uuid::from_u128(number as u128);
    let parcel = |(index, count): (usize, &usize)| {
        let changes: Vec<Uuid> = (0..*count).map(|change| id(index * 100 + change)).collect();
        let item = json!({"collection": "customers", "id": id(index), "action": "update", "base_version": 1, "edited_at": 0});
        json!({"op_id": id(index), "changes": changes, "schema": 1, "items": [item]})
    };
    let parcels: Vec<_> = parcels.iter().enumerate().map(parcel).collect();
    let whole = json!({"device": id(1), "epoch": id(2), "allocated_seq": 9, "open": open, "open_records": open_records,
        "parcels": parcels});
    serde_json::from_value(whole).unwrap()
}

fn results(request: &PushRequest, outcomes: &[Outcome]) -> Vec<PushResult> {
    let pairs = request.parcels.iter().zip(outcomes);
    pairs.map(|(parcel, outcome)| PushResult { op_id: parcel.op_id, mark: None, outcome: outcome.clone() }).collect()
}

fn unsent_of(changes: u64, records: u64) -> Unsent {
    Unsent { changes, records }
}

#[test]
fn what_has_a_final_answer_is_not_called_lost() {
    let applied = Outcome::Applied { seq: Seq(1), items: vec![] };
    let rejected = Outcome::Rejected { problem: Problem::new(ProblemCode::Validation, "") };
    let retry = Outcome::Retry { after: None };
    let asked = request(json!([[1, 4], [7, 7]]), 3, &[2, 1, 1]);
    let left = |outcomes: &[Outcome]| asked.unsent_after(&results(&asked, outcomes));
    assert_eq!(left(&[]), unsent_of(5, 3));
    assert_eq!(left(&[applied.clone(), rejected, retry.clone()]), unsent_of(2, 1));
    assert_eq!(left(&[retry.clone(), applied.clone(), retry]), unsent_of(4, 2));
    // All three records were answered, and one has a newer change.
    assert_eq!(left(&[applied.clone(), applied.clone(), applied]), unsent_of(1, 1));
}

#[test]
fn five_edits_of_one_record_are_one_record() {
    assert_eq!(request(json!([[1, 5]]), 1, &[]).unsent_after(&[]), unsent_of(5, 1));
    assert_eq!(request(json!([[1, 5]]), 0, &[]).unsent_after(&[]), unsent_of(5, 1));
    assert_eq!(request(json!([]), 0, &[]).unsent_after(&[]), unsent_of(0, 0));
}

#[test]
fn ranges_that_make_no_sense_do_no_harm() {
    let left = request(json!([[9, 3], [0, u64::MAX], [0, u64::MAX]]), u64::MAX, &[1]).unsent_after(&[]);
    assert_eq!(left, unsent_of(u64::MAX, u64::MAX));
    assert_eq!(request(json!([[9, 3]]), 4, &[1]).unsent_after(&[]), unsent_of(0, 0));
}

fn lost(number: u128, changes: u64, records: u64, at: i64) -> LostEpoch {
    LostEpoch { epoch: epoch(number), changes, records, seen_at: Millis(at) }
}

fn answer(lost: &[LostEpoch]) -> PushAnswer {
    PushAnswer { results: vec![], lost: lost.to_vec() }
}

#[test]
fn a_loss_is_told_until_it_is_acknowledged_or_the_store_came_back() {
    let asked = request(json!([]), 0, &[]);
    let new = Losses::default();
    assert!(new.must_tell(Unsent::default(), 0));
    let first = new.learn(&asked, &answer(&[lost(1, 3, 2, 10), lost(2, 1, 1, 20)]));
    assert!(!first.must_tell(Unsent::default(), 0));
    assert_eq!(first.lost(), Some(Lost { changes: 4, records: 2, at: Millis(20) }));
    // The second came back.
    let second = first.learn(&asked, &answer(&[lost(1, 3, 2, 10)]));
    assert_eq!(second.lost(), Some(Lost { changes: 3, records: 2, at: Millis(10) }));
    let known = second.acknowledge();
    assert_eq!((known.lost(), known.acknowledged()), (None, vec![epoch(1)]));
    assert!(known.must_tell(Unsent::default(), 0), "so that a store after this one is not told again");
    // A server that has not heard of that yet says it again; a third is news.
    let third = known.learn(&asked, &answer(&[lost(1, 3, 2, 10), lost(3, 1, 1, 30)]));
    assert_eq!(third.lost(), Some(Lost { changes: 1, records: 1, at: Millis(30) }));
    assert_eq!(third.learn(&asked, &answer(&[])), Losses { asked: true, ..Losses::default() });
}

#[test]
fn what_was_discarded_after_the_last_push_is_told() {
    let open = request(json!([[1, 2]]), 1, &[]);
    let told = Losses::default().learn(&open, &answer(&[]));
    assert_eq!(told.told, unsent_of(2, 1));
    assert!(!told.must_tell(unsent_of(2, 1), 0));
    assert!(!told.must_tell(unsent_of(3, 2), 0), "more is told with the next parcel");
    assert!(told.must_tell(unsent_of(1, 1), 0));
    assert!(!told.learn(&request(json!([]), 0, &[]), &answer(&[])).must_tell(Unsent::default(), 0));
}

#[test]
fn a_conflict_is_told_once() {
    let told = Losses::default().learn(&PushRequest { conflicts: 2, ..request(json!([]), 0, &[]) }, &answer(&[]));
    assert!(!told.must_tell(Unsent::default(), 2));
    assert!(told.must_tell(Unsent::default(), 3));
    let old: Losses = serde_json::from_value(json!({"asked": true})).unwrap();
    assert!(!old.must_tell(Unsent::default(), 0) && old.must_tell(Unsent::default(), 1));
}
