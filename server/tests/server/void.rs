//! Void: a parcel has one end, whichever of push and void comes first.

use fieldsync::core::protocol::{Cursor, Outcome, ProblemCode, PushResult, VoidRequest};
use serde_json::json;

use crate::common::{BUDI, DINA, World, code, create, is_applied};

#[tokio::test]
async fn a_voided_parcel_is_never_applied_and_an_applied_one_never_voided() {
    for world in World::both() {
        let parcel = world.parcel(vec![create("customers", world.id(), json!({"name": "A"}))]);
        let request = VoidRequest { op_id: parcel.op_id, changes: parcel.changes.clone(), server_epoch: None, mark: None };
        let voided: PushResult = world.post(BUDI, "/sync/v1/void", &request).await.unwrap();
        assert_eq!(voided.outcome, Outcome::Voided);
        assert_eq!(world.push(BUDI, vec![parcel.clone()]).await[0].outcome, Outcome::Voided);
        assert_eq!(world.snapshot(BUDI).await.0, []);
        // Its changes are free: under a new op_id they can be applied.
        let again = fieldsync::core::protocol::PushParcel { op_id: world.parcel(vec![]).op_id, ..parcel };
        let applied = world.push(BUDI, vec![again.clone()]).await.remove(0);
        assert!(is_applied(&applied.outcome));
        let request = VoidRequest { op_id: again.op_id, changes: again.changes, server_epoch: None, mark: None };
        assert_eq!(world.post::<PushResult>(BUDI, "/sync/v1/void", &request).await.unwrap(), applied);
        // Another user learns nothing of it.
        let other: PushResult = world.post(DINA, "/sync/v1/void", &request).await.unwrap();
        assert_eq!(code(&other.outcome), ProblemCode::OpIdReused);
    }
}

#[tokio::test]
async fn changes_that_were_applied_under_another_op_id_are_not_voided() {
    let world = World::new();
    let parcel = world.parcel(vec![create("customers", world.id(), json!({"name": "A"}))]);
    world.push(BUDI, vec![parcel.clone()]).await;
    let request =
        VoidRequest { op_id: world.parcel(vec![]).op_id, changes: parcel.changes.clone(), server_epoch: None, mark: None };
    let answer: PushResult = world.post(BUDI, "/sync/v1/void", &request).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Known { rows: parcel.changes });
}

/// A server that was restored from a backup tells nothing about what it was sent after that.
#[tokio::test]
async fn a_void_that_shows_a_commit_that_is_not_here_tells_nothing() {
    let world = World::new();
    let parcel = world.parcel(vec![create("customers", world.id(), json!({"name": "A"}))]);
    let mark = Some(Cursor("x".into()));
    let request = VoidRequest { op_id: parcel.op_id, changes: parcel.changes.clone(), server_epoch: None, mark };
    let refused = world.post::<PushResult>(BUDI, "/sync/v1/void", &request).await.unwrap_err();
    assert_eq!(refused.code, ProblemCode::CursorUnknown);
    assert!(is_applied(&world.push(BUDI, vec![parcel]).await[0].outcome));
}
