//! Reports: new where the server answers, else the last ones with their age.

use fieldsync::client::{KEPT_MS_MAX, ReportError};
use fieldsync::ports::{Read, TransportError};
use serde_json::json;

use super::world::{AHMAD, BUDI, Fault, World};

#[tokio::test]
async fn a_report_is_fetched_kept_and_given_with_its_age_when_nobody_answers() {
    let world = World::new();
    let office = world.device(AHMAD).await;
    let id = office.create("customers", json!({"name": "PT ABC"})).await;
    office.create("pipelines", json!({"customer": id, "title": "T", "stage": "lead"})).await;
    office.sync().await;
    office.fail(&[Fault::Refuse]);
    let none = office.client.fetch_report("pipeline").await;
    assert!(matches!(none, Err(ReportError::Transport(TransportError::Away { ours: false, .. }))), "{none:?}");
    let fresh = office.client.fetch_report("pipeline").await.unwrap();
    assert_eq!((&fresh.data["stages"][0]["deals"], fresh.at, fresh.error), (&json!(1), world.now(), None));
    world.later(7_200_000);
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Portal(200), Fault::Ours(503, "unavailable")] {
        office.fail(&[fault]);
        let kept = office.client.fetch_report("pipeline").await.unwrap();
        assert_eq!((&kept.data, world.now().since(kept.at), kept.error.is_some()), (&fresh.data, 7_200_000, true));
    }
    // After a restart, too; and what another user may not read is kept for nobody.
    let again = world.context(AHMAD, office.store.clone()).await;
    again.fail(&[Fault::Refuse]);
    assert_eq!(again.client.fetch_report("pipeline").await.unwrap().data, fresh.data);
    let phone = world.device(BUDI).await;
    assert!(matches!(
        phone.client.fetch_report("merges").await,
        Err(ReportError::Transport(TransportError::Misconfigured { status: 403, .. }))
    ));
    assert!(again.client.fetch_report("merges").await.is_ok());
}

#[tokio::test]
async fn who_leaves_leaves_no_report_behind() {
    let world = World::new();
    let office = world.device(AHMAD).await;
    for name in ["pipeline", "team"] {
        office.client.fetch_report(name).await.unwrap();
    }
    let nobody = || office.fail(&[Fault::Refuse]);
    nobody();
    assert!(office.client.fetch_report("team").await.is_ok(), "both are kept");
    office.client.forget_reports().await.unwrap();
    for name in ["pipeline", "team"] {
        nobody();
        let gone = office.client.fetch_report(name).await;
        assert!(matches!(gone, Err(ReportError::Transport(TransportError::Away { .. }))), "{name}: {gone:?}");
    }
    let kept = office.store.peek(&[Read::Derived("reports".into())]);
    assert_eq!(kept.derived.values().map(|bytes| bytes.as_slice()).collect::<Vec<_>>(), [b"{}"], "nor anything of them");
    office.client.fetch_report("team").await.unwrap();
    nobody();
    assert!(office.client.fetch_report("team").await.is_ok(), "the next user's are kept again");
}

#[tokio::test]
async fn a_kept_report_has_its_day_and_then_says_that_it_is_too_old() {
    let world = World::new();
    let office = world.device(AHMAD).await;
    let fresh = office.client.fetch_report("team").await.unwrap();
    world.later(KEPT_MS_MAX);
    office.fail(&[Fault::Refuse]);
    assert_eq!(office.client.fetch_report("team").await.unwrap().data, fresh.data, "on its last day");
    world.later(1);
    office.fail(&[Fault::Refuse]);
    assert_eq!(office.client.fetch_report("team").await, Err(ReportError::TooOld(fresh.at)));
    assert_eq!(office.client.fetch_report("team").await.unwrap().error, None, "the server's is new");
}
