//! What is done only with an answer of the server: reassigning a customer, as its manager.

use std::cell::Cell;
use std::rc::Rc;

use fieldsync::client::{NewChange, SaveError, SettleError};
use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::{Action, Answer, ProblemCode, Request};
use fieldsync::core::record::{OpId, RecordId, RowId, UserId};
use fieldsync::core::rows::End;
use fieldsync::data::table::RecordStatus;
use fieldsync::ports::{Read, Transport, TransportError};
use serde_json::{Value, json};

use super::crashes::Dying;
use super::world::{AHMAD, BUDI, Device, Fault, SARI, Wire, World, fields};

/// A customer of budi's, known to budi's phone and to the manager's.
async fn customer(world: &World) -> (Device, Device, RecordId) {
    let (phone, office) = (world.device(BUDI).await, world.device(AHMAD).await);
    let id = phone.create("customers", json!({"name": "PT ABC", "phone": "02100"})).await;
    phone.sync().await;
    office.sync().await;
    (phone, office, id)
}

/// The manager assigns a customer as shown.
pub async fn assign(office: &Device, id: RecordId, to: UserId) -> Result<(), SaveError> {
    let shown = office.get("customers", id).unwrap();
    office.client.save(vec![office.edit(&shown, json!({"owner": to}))], 0).await.map(drop)
}

/// How each change ended that this device ever made, and how many have not.
fn ends(device: &Device) -> (Vec<(RowId, End)>, usize) {
    let rows = device.store.peek(&[Read::HistoryAfter(0), Read::Outbox]);
    let ended = rows.history.iter().flat_map(|row| &row.ended).map(|ended| (ended.row, ended.end)).collect();
    (ended, rows.outbox.len())
}

fn op_ids(device: &Device) -> Vec<OpId> {
    let seen = device.wire.seen.borrow();
    let parcels = seen.iter().filter_map(|request| if let Request::Push(push) = request { Some(&push.parcels) } else { None });
    parcels.flatten().map(|parcel| parcel.op_id).collect()
}

async fn owner(world: &World) -> Value {
    world.server(AHMAD, "customers").await[0].fields["owner"].clone()
}

#[tokio::test]
async fn an_online_write_comes_back_with_the_answer() {
    let world = World::new();
    let (phone, office, id) = customer(&world).await;
    let other = world.device(SARI).await;
    other.sync().await;
    assign(&office, id, SARI).await.unwrap();
    let shown = office.get("customers", id).unwrap();
    assert_eq!((shown.status, shown.unknown, &shown.fields["owner"]), (RecordStatus::Synced, false, &json!(SARI)));
    assert_eq!(owner(&world).await, json!(SARI));
    let (ended, left) = ends(&office);
    assert_eq!((ended.len(), ended[0].1, left), (1, End::Confirmed, 0));
    phone.sync().await;
    other.sync().await;
    assert_eq!((phone.get("customers", id).is_some(), other.get("customers", id).is_some()), (false, true));
    // The same again is done already: nothing is sent.
    let sent = op_ids(&office).len();
    assign(&office, id, SARI).await.unwrap();
    assert_eq!(op_ids(&office).len(), sent);
}

#[tokio::test]
async fn what_is_refused_while_somebody_waits_is_over_and_they_are_told() {
    let world = World::new();
    let (_, office, id) = customer(&world).await;
    let nobody = UserId(uuid::Uuid::from_u128(77));
    let Err(SaveError::Refused(problem)) = assign(&office, id, nobody).await else { panic!("there is no such user") };
    assert_eq!((problem.code, problem.field.as_deref()), (ProblemCode::Validation, Some("owner")));
    assert_eq!((ends(&office).0[0].1, office.unsent(), office.client.status().failed), (End::Discarded, 0, 0));
    assert_eq!(office.value("customers", id, "owner"), json!(BUDI));
    // Broken rules are found before anything is asked.
    let sent = op_ids(&office).len();
    let shown = office.get("customers", id).unwrap();
    let bad = office.client.save(vec![office.edit(&shown, json!({"owner": "sari"}))], 0).await;
    assert!(matches!(bad, Err(SaveError::Invalid(_))), "{bad:?}");
    assert_eq!(op_ids(&office).len(), sent);
}

#[tokio::test]
async fn another_s_change_of_the_field_is_told_and_one_of_other_fields_is_not() {
    let world = World::new();
    let (phone, office, id) = customer(&world).await;
    let desk = world.device(AHMAD).await;
    desk.sync().await;
    // Another field moved: it is frozen anew over what is there, and goes again at once.
    phone.update("customers", id, json!({"phone": "02111"})).await;
    phone.sync().await;
    assign(&office, id, SARI).await.unwrap();
    assert_eq!((office.value("customers", id, "phone"), owner(&world).await), (json!("+622111"), json!(SARI)));
    // The field itself moved.
    let Err(SaveError::Refused(problem)) = assign(&desk, id, AHMAD).await else { panic!("sari has it by now") };
    assert_eq!((problem.code, problem.field.as_deref()), (ProblemCode::Conflict, Some("owner")));
    assert_eq!((desk.value("customers", id, "owner"), owner(&world).await), (json!(SARI), json!(SARI)), "theirs is the base");
    assert_eq!((ends(&desk).0[0].1, desk.unsent(), desk.client.conflicts().len()), (End::Discarded, 0, 0));
    // And what a form saw before that: nothing is asked, and nothing written.
    let mut form = desk.get("customers", id).unwrap();
    let mut seen = form.fields.clone().into_fields();
    seen.insert("owner".into(), json!(BUDI));
    form.fields = seen.into();
    let sent = op_ids(&desk).len();
    let late = desk.client.save(vec![desk.edit(&form, json!({"owner": AHMAD}))], 0).await;
    assert!(matches!(late, Err(SaveError::Refused(_))), "{late:?}");
    assert_eq!((op_ids(&desk).len(), ends(&desk).0.len()), (sent, 1));
}

#[tokio::test]
async fn without_an_answer_it_is_not_known_yet_and_asked_again_with_the_same_op_id() {
    for fault in [Fault::LoseAnswer, Fault::Refuse, Fault::CutBody, Fault::Portal(403), Fault::Ours(503, "unavailable")] {
        let world = World::new();
        let (_, office, id) = customer(&world).await;
        office.fail(&[fault]);
        let before = op_ids(&office).len();
        assert_eq!(assign(&office, id, SARI).await, Err(SaveError::NotKnownYet));
        let shown = office.get("customers", id).unwrap();
        assert_eq!((shown.unknown, &shown.fields["owner"]), (true, &json!(BUDI)), "it is not shown before it is known");
        let counted = |device: &super::world::Device| (device.client.status().pending, device.client.status().unknown);
        assert_eq!(counted(&office), (1, 1), "nothing of it is only on this phone");
        office.sync().await;
        let asked = op_ids(&office).split_off(before);
        assert!(asked.len() == 2 && asked[0] == asked[1], "{asked:?}");
        let shown = office.get("customers", id).unwrap();
        assert_eq!((shown.unknown, shown.status, &shown.fields["owner"]), (false, RecordStatus::Synced, &json!(SARI)));
        assert_eq!(counted(&office), (0, 0));
        assert_eq!((ends(&office).0.len(), ends(&office).0[0].1, office.unsent()), (1, End::Confirmed, 0));
        assert_eq!(world.server(AHMAD, "customers").await[0].version.0, 2, "applied once");
    }
}

#[tokio::test]
async fn what_is_refused_when_nobody_waits_any_more_is_kept_with_its_reason() {
    let world = World::new();
    let (_, office, id) = customer(&world).await;
    let desk = world.device(AHMAD).await;
    desk.sync().await;
    desk.fail(&[Fault::Refuse]);
    assert_eq!(assign(&desk, id, SARI).await, Err(SaveError::NotKnownYet));
    assign(&office, id, AHMAD).await.unwrap();
    desk.sync().await;
    let shown = desk.get("customers", id).unwrap();
    let problem = shown.problem.unwrap();
    assert_eq!(
        (shown.status, problem.code, problem.field.as_deref()),
        (RecordStatus::Failed, ProblemCode::Conflict, Some("owner"))
    );
    assert_eq!((shown.unknown, desk.client.conflicts().len(), owner(&world).await), (false, 0, json!(AHMAD)));
    let row = desk.client.outbox()[0].rows().next().unwrap();
    assert_eq!(desk.client.retry(row).await, Err(SettleError::Moved), "it would go over what nobody has seen");
    // Other edits of the record go meanwhile.
    desk.update("customers", id, json!({"city": "Bogor"})).await;
    desk.sync().await;
    assert_eq!(world.server(AHMAD, "customers").await[0].fields["city"], "Bogor");
    assert_eq!((desk.get("customers", id).unwrap().status, ends(&desk).1), (RecordStatus::Failed, 1));
    // Given back, it is what was seen, and may be tried again.
    assign(&office, id, BUDI).await.unwrap();
    desk.sync().await;
    let before = op_ids(&desk).len();
    desk.client.retry(row).await.unwrap();
    desk.sync().await;
    assert_eq!((owner(&world).await, desk.unsent(), op_ids(&desk).len()), (json!(SARI), 0, before + 1));
}

#[tokio::test]
async fn a_refused_one_can_be_discarded_and_put_back() {
    let world = World::new();
    let (_, office, id) = customer(&world).await;
    let nobody = UserId(uuid::Uuid::from_u128(77));
    office.fail(&[Fault::Refuse]);
    assert_eq!(assign(&office, id, nobody).await, Err(SaveError::NotKnownYet));
    office.sync().await;
    assert_eq!(office.client.status().failed, 1);
    let row = office.client.outbox()[0].rows().next().unwrap();
    let undo = office.client.discard(row).await.unwrap();
    assert_eq!(office.unsent(), 0);
    office.client.restore(&undo).await.unwrap();
    let shown = office.get("customers", id).unwrap();
    assert_eq!((shown.status, &shown.fields["owner"]), (RecordStatus::Failed, &json!(BUDI)));
    let sent = op_ids(&office).len();
    office.sync().await;
    assert_eq!(op_ids(&office).len(), sent, "put back is not asked for");
}

#[tokio::test]
async fn taking_back_what_is_not_known_yet_asks_first_and_undoes_it_by_another_online_write() {
    for is_applied in [false, true] {
        let world = World::new();
        let (_, office, id) = customer(&world).await;
        office.fail(&[if is_applied { Fault::LoseAnswer } else { Fault::Refuse }]);
        assert_eq!(assign(&office, id, SARI).await, Err(SaveError::NotKnownYet));
        let row = office.client.outbox()[0].rows().next().unwrap();
        assert!(office.client.discard(row).await.unwrap().is_later());
        office.sync().await;
        assert_eq!((owner(&world).await, office.unsent()), (json!(BUDI), 0), "{is_applied}");
        let ended: Vec<End> = ends(&office).0.into_iter().map(|(_, end)| end).collect();
        let expected = if is_applied { vec![End::Confirmed, End::Confirmed] } else { vec![End::Discarded] };
        assert_eq!(ended, expected);
    }
}

#[tokio::test]
async fn offline_nothing_is_written_and_the_state_is_said() {
    let world = World::new();
    let (_, office, id) = customer(&world).await;
    office.fail(&[Fault::Refuse]);
    office.sync().await;
    let sent = op_ids(&office).len();
    let refused = assign(&office, id, SARI).await;
    assert!(matches!(refused, Err(SaveError::Away(TransportError::Away { ours: false, .. }))), "{refused:?}");
    assert_eq!((ends(&office), op_ids(&office).len()), ((vec![], 0), sent));
    office.fail(&[Fault::Ours(401, "signed-out")]);
    office.sync().await;
    assert_eq!(assign(&office, id, SARI).await, Err(SaveError::Away(TransportError::SignedOut)));
    office.sync().await;
    assign(&office, id, SARI).await.unwrap();
}

#[tokio::test]
async fn online_fields_are_written_by_themselves() {
    let world = World::new();
    let (_, office, id) = customer(&world).await;
    let shown = office.get("customers", id).unwrap();
    let mixed = office.client.save(vec![office.edit(&shown, json!({"owner": SARI, "city": "Bogor"}))], 0).await;
    assert_eq!(mixed, Err(SaveError::Mixed("owner".into())));
    let group = [json!({"owner": SARI}), json!({"city": "Bogor"})].map(|written| office.edit(&shown, written));
    assert_eq!(office.client.save(group.into(), 0).await, Err(SaveError::Mixed("owner".into())));
    assert_eq!(ends(&office), (vec![], 0));
}

#[tokio::test]
async fn only_a_manager_does_it() {
    let world = World::new();
    let (phone, office, id) = customer(&world).await;
    let Err(SaveError::Refused(problem)) = assign(&phone, id, SARI).await else { panic!("a rep gives nothing away") };
    assert_eq!((problem.code, problem.field.as_deref()), (ProblemCode::Forbidden, Some("owner")));
    let settings = |device: &Device| {
        let record = RecordId(device.row().0);
        let (row, collection, written) = (device.row(), "settings".to_owned(), fields(json!({"company": "PT Kita"})));
        let (action, version, seen) = (Action::Create, Default::default(), Default::default());
        NewChange { row, collection, record, action, version, seen, written }
    };
    let Err(SaveError::Refused(problem)) = phone.client.save(vec![settings(&phone)], 0).await else { panic!("nor sets rules") };
    assert_eq!(problem.code, ProblemCode::Forbidden);
    assert_eq!((phone.unsent(), phone.client.list("settings", &Default::default()).0.len()), (0, 0));
    office.client.save(vec![settings(&office)], 0).await.unwrap();
    assert_eq!(office.client.list("settings", &Default::default()).0[0].fields["company"], "PT Kita");
}

#[tokio::test]
async fn edits_before_beside_and_after_it_go_their_own_way() {
    let world = World::new();
    let (_, office, id) = customer(&world).await;
    office.update("customers", id, json!({"city": "Bogor"})).await;
    office.fail(&[Fault::Refuse]);
    assert_eq!(assign(&office, id, SARI).await, Err(SaveError::NotKnownYet));
    office.update("customers", id, json!({"phone": "02111"})).await;
    let shown = office.get("customers", id).unwrap();
    assert_eq!((&shown.fields["city"], &shown.fields["owner"], shown.unknown), (&json!("Bogor"), &json!(BUDI), true));
    assert_eq!(office.client.status().unknown, 0, "its phone number is only here");
    office.sync().await;
    let there = &world.server(AHMAD, "customers").await[0].fields;
    assert_eq!((&there["city"], &there["phone"], &there["owner"]), (&json!("Bogor"), &json!("+622111"), &json!(SARI)));
    assert_eq!((ends(&office).0.len(), office.unsent(), office.client.conflicts().len()), (3, 0, 0));
    // Beside an edit that is on its way: whichever comes first.
    let tab = world.context(AHMAD, office.store.clone()).await;
    office.update("customers", id, json!({"city": "Depok"})).await;
    tab.fail(&[Fault::LoseAnswer]);
    tab.client.cycle(Reason::User).await;
    assign(&office, id, BUDI).await.unwrap();
    assert_eq!((owner(&world).await, office.unsent()), (json!(BUDI), 1), "the edit's own outcome is not known yet");
    office.sync().await;
    let there = &world.server(AHMAD, "customers").await[0].fields;
    assert_eq!((&there["city"], &there["owner"], office.unsent()), (&json!("Depok"), &json!(BUDI), 0));
}

#[tokio::test]
async fn a_context_without_tables_never_sends_it() {
    let world = World::new();
    let (_, office, id) = customer(&world).await;
    office.fail(&[Fault::Refuse]);
    assert_eq!(assign(&office, id, SARI).await, Err(SaveError::NotKnownYet));
    let worker = world.worker(AHMAD, office.store.clone()).await;
    let report = worker.client.cycle(Reason::Background).await;
    assert_eq!((op_ids(&worker), report.unsent, owner(&world).await), (vec![], false, json!(BUDI)));
    // Another page does.
    let tab = world.context(AHMAD, office.store.clone()).await;
    tab.sync().await;
    assert_eq!((op_ids(&tab).len(), owner(&world).await), (1, json!(SARI)));
}

#[tokio::test]
async fn an_answer_that_another_tab_has_heard_is_the_same_for_who_waits() {
    let world = World::new();
    let (_, office, id) = customer(&world).await;
    let tab = world.context(AHMAD, office.store.clone()).await;
    let nobody = UserId(uuid::Uuid::from_u128(77));
    for (to, expected) in [(SARI, None), (nobody, Some(ProblemCode::Validation))] {
        let slow = Overtaken { wire: world.wire(AHMAD, None), tab: &tab };
        let slow = world.open(AHMAD, office.store.clone(), slow, true).await.unwrap();
        let shown = slow.get("customers", id).unwrap();
        let done = slow.save(vec![office.edit(&shown, json!({"owner": to}))], 0).await;
        let code = if let Err(SaveError::Refused(problem)) = &done { Some(problem.code) } else { None };
        assert_eq!((code, done.is_ok()), (expected, expected.is_none()), "{done:?}");
        tab.sync().await;
        assert_eq!((tab.unsent(), tab.client.status().failed), (0, 0));
    }
}

/// A network on which another tab of the device is faster with every push.
struct Overtaken<'a> {
    wire: Wire,
    tab: &'a Device,
}

impl Transport for Overtaken<'_> {
    async fn send(&self, request: &Request) -> Result<Answer, TransportError> {
        let answer = self.wire.send(request).await;
        if matches!(request, Request::Push(_)) {
            self.tab.sync().await;
        }
        answer
    }
}

/// Whatever was committed when it died: it is done once, or never was.
#[tokio::test]
async fn a_crash_between_any_two_steps_of_it_loses_and_doubles_nothing() {
    for commits in [false, true] {
        for steps in 1.. {
            let world = World::new();
            let (_, office, id) = customer(&world).await;
            let left = Rc::new(Cell::new(steps));
            let dying = Dying { store: office.store.clone(), left: left.clone(), commits };
            let mut was_told = false;
            if let Ok((client, _)) = world.client(AHMAD, dying, None).await {
                let shown = client.get("customers", id).unwrap();
                was_told = client.save(vec![office.edit(&shown, json!({"owner": SARI}))], 0).await.is_ok();
            }
            let is_whole = left.get() > 0;
            let again = world.context(AHMAD, office.store.clone()).await;
            again.sync().await;
            let (ended, unsent) = ends(&again);
            let expected = if ended.is_empty() { BUDI } else { SARI };
            assert_eq!((owner(&world).await, unsent), (json!(expected), 0), "{commits} {steps}");
            assert_eq!(again.value("customers", id, "owner"), json!(expected), "{commits} {steps}");
            assert!(!was_told || !ended.is_empty(), "{commits} {steps}: it was said to be done");
            assert_eq!(world.server(AHMAD, "customers").await[0].version.0, 1 + ended.len() as u64, "{commits} {steps}");
            if is_whole {
                assert!(steps > 2, "it takes more than {steps} steps");
                break;
            }
        }
    }
}

/// A restored server lacks a reassignment: it is done again, or said.
#[tokio::test]
async fn what_a_restored_server_lacks_is_done_again_unless_somebody_was_faster() {
    for is_taken in [false, true] {
        let world = World::new();
        let (_, office, id) = customer(&world).await;
        let backup = world.db.backup();
        assign(&office, id, SARI).await.unwrap();
        world.db.restore(backup);
        if is_taken {
            let desk = world.device(AHMAD).await;
            desk.sync().await;
            assign(&desk, id, AHMAD).await.unwrap();
        }
        office.sync().await;
        office.sync().await;
        let shown = office.get("customers", id).unwrap();
        let expected = if is_taken { (RecordStatus::Failed, AHMAD) } else { (RecordStatus::Synced, SARI) };
        assert_eq!((shown.status, &shown.fields["owner"]), (expected.0, &json!(expected.1)), "{is_taken}");
        assert_eq!((owner(&world).await, office.client.conflicts().len()), (json!(expected.1), 0));
    }
}
