//! Another's record cannot be read, written or guessed; and what changes hands is in the feed of both.

use fieldsync::core::protocol::{Outcome, ProblemCode};
use fieldsync::core::record::{Millis, RecordId, Tombstone, Version};
use fieldsync_server::db::{self, Role};
use fieldsync_server::sync::people;
use serde_json::json;

use crate::common::{AHMAD, BUDI, DINA, RUDI, SARI, World, code, create, delete, is_applied, update, user};

fn brief(entries: &[fieldsync::core::protocol::Entry]) -> Vec<(RecordId, Option<Tombstone>)> {
    entries.iter().map(|entry| (entry.id, entry.tombstone)).collect()
}

#[tokio::test]
async fn another_s_record_cannot_be_read_written_or_guessed() {
    for world in World::both() {
        let sari = world.cursor(SARI).await;
        let id = world.create(BUDI, "customers", json!({"name": "Secret"})).await;
        assert_eq!(world.snapshot(SARI).await.0, []);
        assert_eq!(world.news(SARI, &sari).await, []);
        let mut answers = Vec::new();
        for target in [id, world.id()] {
            for item in [update("customers", target, 1, json!({"name": "X"})), delete("customers", target, 1)] {
                let outcome = world.send(SARI, vec![item]).await;
                let Outcome::Rejected { mut problem } = outcome else { panic!("{outcome:?}") };
                assert_eq!(problem.code, ProblemCode::Forbidden);
                problem.record = None;
                answers.push(problem);
            }
        }
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "one that is there and one that is not differ: {answers:?}");
        assert_eq!(code(&world.send(SARI, vec![create("customers", id, json!({"name": "X"}))]).await), ProblemCode::Forbidden);
        // Nor by way of a reference, which looks the same whether the customer is there or not.
        let visit =
            |customer| create("activities", world.id(), json!({"customer": customer, "kind": "visit", "subject": "S", "at": 1}));
        assert_eq!(code(&world.send(SARI, vec![visit(id)]).await), ProblemCode::Validation);
        assert_eq!(code(&world.send(SARI, vec![visit(world.id())]).await), ProblemCode::Validation);
        // The deleted one stays another's.
        world.send(BUDI, vec![delete("customers", id, 1)]).await;
        assert_eq!(world.news(SARI, &sari).await, []);
        assert_eq!(code(&world.send(SARI, vec![create("customers", id, json!({"name": "X"}))]).await), ProblemCode::Forbidden);
    }
}

#[tokio::test]
async fn a_manager_sees_the_team_and_no_other() {
    for world in World::both() {
        let budi = world.create(BUDI, "customers", json!({"name": "B"})).await;
        let sari = world.create(SARI, "customers", json!({"name": "S"})).await;
        let dina = world.create(DINA, "customers", json!({"name": "D"})).await;
        let ids = |entries: Vec<fieldsync::core::protocol::Entry>| entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!(ids(world.snapshot(AHMAD).await.0), [budi, sari]);
        assert_eq!(ids(world.snapshot(RUDI).await.0), [dina]);
        assert!(is_applied(&world.send(AHMAD, vec![update("customers", budi, 1, json!({"city": "Depok"}))]).await));
        assert_eq!(
            code(&world.send(AHMAD, vec![update("customers", dina, 1, json!({"city": "Depok"}))]).await),
            ProblemCode::Forbidden
        );
    }
}

#[tokio::test]
async fn only_a_manager_gives_a_customer_away_and_only_within_the_team() {
    let world = World::new();
    let id = world.create(BUDI, "customers", json!({"name": "B"})).await;
    for (who, to) in [(BUDI, SARI), (AHMAD, DINA)] {
        let outcome = world.send(who, vec![update("customers", id, 1, json!({"owner": to}))]).await;
        let Outcome::Rejected { problem } = outcome else { panic!("{outcome:?}") };
        assert_eq!((problem.code, problem.field.as_deref()), (ProblemCode::Forbidden, Some("owner")));
    }
    let nobody = json!({"owner": world.id()});
    assert_eq!(code(&world.send(AHMAD, vec![update("customers", id, 1, nobody)]).await), ProblemCode::Validation);
    let for_sari = create("customers", world.id(), json!({"name": "S", "owner": SARI}));
    assert_eq!(code(&world.send(BUDI, vec![for_sari]).await), ProblemCode::Forbidden);
    assert!(is_applied(&world.send(AHMAD, vec![update("customers", id, 1, json!({"owner": SARI}))]).await));
}

#[tokio::test]
async fn what_changes_hands_is_revoked_and_granted_with_all_that_belongs_to_it() {
    for world in World::both() {
        let customer = world.create(BUDI, "customers", json!({"name": "B"})).await;
        let deal = world.create(BUDI, "pipelines", json!({"customer": customer, "title": "T", "stage": "lead"})).await;
        let gone = world.create(BUDI, "pipelines", json!({"customer": customer, "title": "G", "stage": "lead"})).await;
        let (budi, sari) = (world.cursor(BUDI).await, world.cursor(SARI).await);
        world.send(BUDI, vec![delete("pipelines", gone, 1)]).await;
        let outcome = world.send(AHMAD, vec![update("customers", customer, 1, json!({"owner": SARI}))]).await;
        let Outcome::Applied { seq, .. } = outcome else { panic!("{outcome:?}") };

        let lost = world.news(BUDI, &budi).await;
        let revoked = Some(Tombstone::Revoked);
        assert_eq!(brief(&lost), [(gone, Some(Tombstone::Deleted)), (customer, revoked), (deal, revoked)]);
        assert!(lost[1..].iter().all(|entry| entry.fields.is_empty() && entry.by.id == AHMAD && entry.seq == seq));
        let granted = world.news(SARI, &sari).await;
        assert_eq!(brief(&granted), [(customer, None), (deal, None)]);
        // The deal has not changed: its version says so; its place in the feed is the grant's.
        assert_eq!((granted[1].version, granted[1].seq, &granted[1].fields["title"]), (Version(1), seq, &json!("T")));
        assert_eq!(brief(&world.snapshot(SARI).await.0), [(customer, None), (deal, None)]);
        assert_eq!(world.snapshot(BUDI).await.0, []);
        assert_eq!(
            code(&world.send(BUDI, vec![update("pipelines", deal, 1, json!({"title": "X"}))]).await),
            ProblemCode::Forbidden
        );

        // And back: who has it again finds it in the feed, once, and no revocation.
        world.send(AHMAD, vec![update("customers", customer, 2, json!({"owner": BUDI}))]).await;
        assert_eq!(brief(&world.news(BUDI, &budi).await), [(gone, Some(Tombstone::Deleted)), (customer, None), (deal, None)]);
        assert_eq!(brief(&world.news(SARI, &sari).await), [(customer, revoked), (deal, revoked)]);
        assert!(is_applied(&world.send(BUDI, vec![update("pipelines", deal, 1, json!({"title": "X"}))]).await));
    }
}

#[tokio::test]
async fn a_deal_that_moves_to_another_customer_moves_to_its_owner() {
    let world = World::new();
    let (budi, sari) = (
        world.create(BUDI, "customers", json!({"name": "B"})).await,
        world.create(SARI, "customers", json!({"name": "S"})).await,
    );
    let deal = world.create(BUDI, "pipelines", json!({"customer": budi, "title": "T", "stage": "lead"})).await;
    let (budi_at, sari_at) = (world.cursor(BUDI).await, world.cursor(SARI).await);
    assert!(is_applied(&world.send(AHMAD, vec![update("pipelines", deal, 1, json!({"customer": sari}))]).await));
    assert_eq!(brief(&world.news(BUDI, &budi_at).await), [(deal, Some(Tombstone::Revoked))]);
    assert_eq!(brief(&world.news(SARI, &sari_at).await), [(deal, None)]);
}

#[tokio::test]
async fn settings_are_everyone_s_to_read_and_a_manager_s_to_write() {
    let world = World::new();
    let refused = world.send(BUDI, vec![create("settings", world.id(), json!({"company": "X"}))]).await;
    assert_eq!(code(&refused), ProblemCode::Forbidden);
    let id = world.create(AHMAD, "settings", json!({"company": "PT Contoh"})).await;
    assert_eq!(brief(&world.snapshot(DINA).await.0), [(id, None)]);
}

#[tokio::test]
async fn preferences_are_the_creator_s_for_ever() {
    let world = World::new();
    let id = world.create(BUDI, "preferences", json!({"language": "id"})).await;
    let named = create("preferences", world.id(), json!({"owner": SARI, "language": "id"}));
    assert_eq!(code(&world.send(BUDI, vec![named]).await), ProblemCode::Validation);
    assert!(is_applied(&world.send(BUDI, vec![create("preferences", world.id(), json!({"owner": BUDI}))]).await));
    assert_eq!(
        code(&world.send(AHMAD, vec![update("preferences", id, 1, json!({"owner": SARI}))]).await),
        ProblemCode::Validation
    );
}

#[tokio::test]
async fn a_user_who_changes_team_takes_the_records_along() {
    for world in World::both() {
        let id = world.create(BUDI, "customers", json!({"name": "B"})).await;
        let (ahmad, rudi, budi) = (world.cursor(AHMAD).await, world.cursor(RUDI).await, world.cursor(BUDI).await);
        db::write(&*world.db, |tx| people::put_user(tx, &mut || 5, Millis(1), &user(BUDI, "budi", Role::Rep, "Bandung")))
            .unwrap();
        assert_eq!(brief(&world.news(AHMAD, &ahmad).await), [(id, Some(Tombstone::Revoked))]);
        assert_eq!(brief(&world.news(RUDI, &rudi).await), [(id, None)]);
        assert!(world.news(BUDI, &budi).await.iter().all(|entry| entry.tombstone.is_none()));
    }
}
