//! Two batches at once: the next one goes while the answer to the one before is written.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use fieldsync::core::machine::Reason;
use fieldsync::core::protocol::{PushRequest, Request};
use fieldsync::core::push::BATCH_PARCELS_START;
use fieldsync::core::record::{OpId, RecordId};
use fieldsync::ports::Read;
use serde_json::json;

use super::crashes::Dying;
use super::world::{AHMAD, BUDI, Device, Fault, World};

/// The first batch goes alone, and each other while the answer to the one before is written.
const BATCHES: usize = 4;
const CHANGES: usize = 6 * BATCH_PARCELS_START + 50;

/// So many customers that nobody has sent.
async fn full(world: &World) -> (Device, Vec<RecordId>) {
    let phone = world.device(BUDI).await;
    phone.sync().await;
    let mut ids = Vec::new();
    for n in 0..CHANGES {
        ids.push(phone.create("customers", json!({"name": format!("Toko {n}")})).await);
    }
    (phone, ids)
}

fn pushes(device: &Device) -> Vec<PushRequest> {
    let seen = device.wire.seen.borrow();
    let push = |request: &Request| if let Request::Push(push) = request { Some(push.clone()) } else { None };
    seen.iter().filter_map(push).filter(|push| !push.parcels.is_empty()).collect()
}

fn open(push: &PushRequest) -> usize {
    push.open.iter().map(|range| usize::try_from(range.1 - range.0).unwrap() + 1).sum()
}

/// What was applied, and how often it was confirmed.
async fn assert_whole(world: &World, phone: &Device) {
    assert_eq!(world.server(AHMAD, "customers").await.len(), CHANGES);
    let history = phone.store.peek(&[Read::HistoryFrom(0, u32::MAX)]).history;
    let ended: Vec<_> = history.iter().flat_map(|row| &row.ended).map(|ended| ended.row).collect();
    assert_eq!((ended.len(), ended.iter().collect::<BTreeSet<_>>().len()), (CHANGES, CHANGES));
    assert!(phone.store.peek(&[Read::Outbox]).outbox.is_empty() && phone.store.peek(&[Read::Parcels]).parcels.is_empty());
}

/// It was begun before that answer, and yet says what has been true since: what is open, and the newest commit.
#[tokio::test]
async fn a_batch_that_goes_ahead_says_what_the_answer_before_it_changed() {
    let world = World::new();
    let (phone, _) = full(&world).await;
    phone.sync().await;
    let pushes = pushes(&phone);
    assert_eq!(pushes.len(), BATCHES);
    let mut left = CHANGES;
    let mut marks = BTreeSet::new();
    for push in &pushes {
        assert_eq!((open(push), push.open_records), (left, left as u64));
        left -= push.parcels.len();
        marks.extend(push.mark.as_ref().map(|mark| mark.0.clone()));
    }
    assert_eq!((left, marks.len()), (0, pushes.len() - 1), "each but the first shows another commit");
    assert_whole(&world, &phone).await;
}

#[tokio::test]
async fn whatever_the_network_does_to_a_batch_that_went_ahead_it_is_applied_once() {
    let all = [Fault::Refuse, Fault::LoseAnswer, Fault::CutBody, Fault::Portal(200), Fault::Ours(503, "unavailable")];
    for (at, fault) in (0..BATCHES).flat_map(|at| all.clone().map(|fault| (at, fault))) {
        let world = World::new();
        let (phone, _) = full(&world).await;
        phone.fail(&vec![Fault::Pass; at]);
        phone.fail(std::slice::from_ref(&fault));
        for _ in 0..3 {
            phone.sync().await;
            world.later(120_000);
        }
        assert_whole(&world, &phone).await;
    }
}

/// A conflict in a batch: what was begun behind it goes after its answer is written, and nothing else is asked.
#[tokio::test]
async fn nothing_goes_ahead_of_an_answer_that_did_not_confirm_everything() {
    let world = World::new();
    let (phone, ids) = full(&world).await;
    phone.sync().await;
    let office = world.device(AHMAD).await;
    office.sync().await;
    office.update("customers", ids[7], json!({"phone": "+62899"})).await;
    office.sync().await;
    let before = pushes(&phone).len();
    for id in &ids {
        phone.update("customers", *id, json!({"phone": "+62811"})).await;
    }
    phone.sync().await;
    let sent = pushes(&phone).split_off(before);
    let parcels: Vec<OpId> = sent.iter().flat_map(|push| &push.parcels).map(|parcel| parcel.op_id).collect();
    assert_eq!((parcels.len(), parcels.iter().collect::<BTreeSet<_>>().len()), (CHANGES, CHANGES), "each once");
    // The one in conflict stays open; of the others, what was answered is not.
    let answered: Vec<usize> =
        sent.iter().scan(0, |done, push| Some(std::mem::replace(done, *done + push.parcels.len()))).collect();
    for (push, answered) in sent.iter().zip(answered) {
        assert_eq!(open(push), CHANGES - answered + usize::from(answered > 0));
    }
    let status = phone.client.status();
    assert_eq!((status.pending, status.conflicts), (1, 1));
}

/// The phone dies between any two transactions, each seen or not; another run of the app ends it.
#[tokio::test]
async fn a_kill_between_any_two_transactions_of_it_loses_and_doubles_nothing() {
    for (steps, commits) in (1..14).flat_map(|steps| [(steps, false), (steps, true)]) {
        let world = World::new();
        let (phone, _) = full(&world).await;
        let left = Rc::new(Cell::new(u32::MAX));
        let store = Dying { store: phone.store.clone(), left: Rc::clone(&left), commits };
        let (dying, _) = world.client(BUDI, store, None).await.unwrap();
        left.set(steps);
        dying.cycle(Reason::User).await;
        drop(dying);
        let again = world.context(BUDI, phone.store.clone()).await;
        again.sync().await;
        assert_whole(&world, &again).await;
    }
}

/// What is begun can be taken back only by asking: so of what nobody could send yet no more is begun than one batch, however often it
/// is tried.
#[tokio::test]
async fn without_a_server_no_more_than_one_batch_is_begun() {
    let world = World::new();
    let (phone, _) = full(&world).await;
    for _ in 0..5 {
        phone.fail(&[Fault::Refuse]);
        phone.sync().await;
        world.later(600_000);
    }
    assert_eq!(phone.store.peek(&[Read::Parcels]).parcels.len(), BATCH_PARCELS_START);
}
