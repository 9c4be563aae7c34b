//! What goes, with what, and in which order.

use fieldsync::core::clock::Contact;
use fieldsync::core::finish::Finished;
use fieldsync::core::outbox::Change;
use fieldsync::core::parcel::{Parcel, ParcelState, Then};
use fieldsync::core::protocol::{Action, Outcome, Problem, ProblemCode, SnapshotPage};
use fieldsync::core::pull::finish_snapshot;
use fieldsync::core::pull_state::PullState;
use fieldsync::core::record::{Seq, Tombstone, Version};
use fieldsync::core::rows::End;
use fieldsync::core::schema::Mode;
use fieldsync::core::told::Sorted;
use fieldsync::data::page_set::PageSet;
use serde_json::json;

use super::world::{
    Memory, NOW, applied, base, bases, begin_all, begin_some, begun_seqs, change_in, create, entry, fields, finish_after,
    finish_one, gone, group, id, row, schema, seen_as, seqs, update, visit,
};

fn many(count: u64) -> (Vec<Change>, Memory) {
    let here = bases((1..=count).map(|number| base(number, 1, json!({"name": "A"}))));
    ((1..=count).map(|number| update(number, number, (1, json!({"name": "A"})), json!({"name": "B"}))).collect(), here)
}

fn refused(parcel: &Parcel, code: ProblemCode) -> Parcel {
    Parcel { state: ParcelState::Refused { problem: Problem::new(code, "") }, ..parcel.clone() }
}

fn edit(seq: u64, number: u64, name: &str) -> Change {
    update(seq, number, (1, json!({"name": "A"})), json!({"name": name}))
}

#[test]
fn priorities_choose_and_take_along_what_they_name() {
    let (mut outbox, here) = many(6);
    outbox.push(create(7, 50, json!({"name": "N"})));
    outbox.push(visit(8, 60, 50));
    outbox.push(visit(9, 61, 1));
    let begun = begin_some(&outbox, &[], &here, 4);
    assert_eq!(begun_seqs(&begun, &outbox), [vec![1], vec![7], vec![8], vec![9]], "the oldest; activities; what they name");
}

#[test]
fn a_record_is_made_before_what_names_it_within_a_group_too() {
    let mut outbox = [visit(1, 60, 50), create(2, 50, json!({"name": "N"}))];
    outbox.iter_mut().for_each(|change| change.group = group(1));
    let begun = begin_all(&outbox, &[], &bases([]));
    assert_eq!(begun.parcels[0].items.iter().map(|item| item.id).collect::<Vec<_>>(), [id(50), id(60)]);
}

#[test]
fn a_group_takes_along_what_is_before_it_up_to_fifty_records() {
    let (mut outbox, here) = many(60);
    for (number, change) in (0..).zip(outbox.iter_mut()) {
        change.group = group(number / 30);
    }
    let link = [(61, 1), (62, 31)].map(|(seq, number)| Change { group: group(9), ..edit(seq, number, "C") });
    outbox.extend(link);
    let begun = begin_all(&outbox, &[], &here);
    assert_eq!(begun.parcels.iter().map(|parcel| parcel.items.len()).collect::<Vec<_>>(), [30, 30], "sixty do not go at once");
    assert!(begun.parcels.iter().all(|parcel| !parcel.rows.contains(&row(61))), "what links them waits");
}

/// Of two groups that share a record, one names what the other makes, and the other's change of that record comes after its
/// own: each waits for the other, so they go together. (A resolution appends what it stands for, in the groups that were.)
#[test]
fn groups_that_wait_for_each_other_go_together() {
    let here = bases([base(1, 1, json!({"name": "A"}))]);
    let of = |number, change| Change { group: group(number), ..change };
    let mut outbox =
        vec![of(1, edit(1, 1, "B")), of(2, edit(2, 1, "C")), of(2, create(3, 50, json!({"name": "N"}))), of(1, visit(4, 60, 50))];
    assert_eq!(begun_seqs(&begin_all(&outbox, &[], &here), &outbox), [[1, 2, 3, 4]]);
    // If what is named cannot go, nothing goes that names it; what has nothing to do with it does.
    outbox[2].hold_until = Some(NOW.plus(5_000));
    outbox.push(create(5, 51, json!({"name": "M"})));
    assert_eq!(begun_seqs(&begin_all(&outbox, &[], &here), &outbox), [[5]]);
    // A create that is in no such group goes alone if all together would be too many.
    let mut outbox = vec![of(1, edit(1, 1, "B"))];
    outbox.push(create(2, 50, json!({"name": "N"})));
    outbox.extend((3..53).map(|seq| of(1, visit(seq, 100 + seq, 50))));
    let begun = begin_all(&outbox, &[], &here);
    assert_eq!(begun_seqs(&begun, &outbox), [[2]], "51 records do not go at once");
}

/// It has its own parcel, whatever lies around it.
#[test]
fn an_online_change_is_not_taken_along_by_a_group_that_it_lies_in() {
    let (mut outbox, here) = many(2);
    outbox.push(Change { mode: Mode::Online, ..edit(3, 1, "C") });
    outbox.push(edit(4, 1, "D"));
    outbox[1].group = group(1);
    outbox[3].group = group(1);
    assert_eq!(begun_seqs(&begin_all(&outbox, &[], &here), &outbox), [[1, 2, 4]]);
}

#[test]
fn a_held_change_closes_its_record_and_its_group_and_an_online_one_nothing() {
    let (mut outbox, here) = many(3);
    outbox[1].hold_until = Some(NOW.plus(5_000));
    outbox.push(edit(4, 2, "C"));
    outbox[0].group = group(1);
    outbox[1].group = group(1);
    assert_eq!(begun_seqs(&begin_all(&outbox, &[], &here), &outbox), [[3]]);
    let (mut outbox, here) = many(2);
    outbox[0].mode = Mode::Online;
    outbox.push(edit(3, 1, "C"));
    assert_eq!(begun_seqs(&begin_all(&outbox, &[], &here), &outbox), [[2], [3]]);
}

#[test]
fn a_refused_parcel_goes_again_only_with_what_mends_it() {
    let here = bases([base(1, 1, json!({"name": "A"}))]);
    let mut outbox = vec![update(1, 1, (1, json!({})), json!({"code": "AB-123"}))];
    let parcel = begin_all(&outbox, &[], &here).parcels[0].clone();
    let old = [refused(&parcel, ProblemCode::Taken)];
    assert_eq!(begin_all(&outbox, &old, &here).send, []);
    // What cannot go itself mends nothing: the same would be refused for ever.
    outbox.push(update(2, 1, (1, json!({"code": "AB-123"})), json!({"code": "not a code"})));
    assert_eq!(begin_all(&outbox, &old, &here).send, [], "breaks a rule");
    outbox[1] = Change { mode: Mode::Online, ..edit(2, 1, "C") };
    assert_eq!(begin_all(&outbox, &old, &here).send, [], "goes alone");
    outbox[1] = Change { hold_until: Some(NOW.plus(5_000)), ..edit(2, 1, "C") };
    assert_eq!(begin_all(&outbox, &old, &here).send, [], "is held");
    outbox[1] = update(2, 1, (1, json!({"code": "AB-123"})), json!({"code": "AB-124"}));
    let begun = begin_all(&outbox, &old, &here);
    assert_eq!(
        (begun.replaced, begun.parcels[0].items[0].patch.clone()),
        (vec![parcel.op_id], fields(json!({"code": "AB-124"})))
    );
}

#[test]
fn forbidden_is_quarantine_once_the_base_is_revoked() {
    let (outbox, here) = many(1);
    let parcel = begin_all(&outbox, &[], &here).parcels[0].clone();
    let old = [refused(&parcel, ProblemCode::Forbidden)];
    let revoked = bases([gone(base(1, 1, json!({"name": "A"})), Tombstone::Revoked)]);
    let begun = begin_all(&outbox, &old, &revoked);
    assert_eq!((begun.replaced, begun.send.len(), begun.ended.len()), (vec![parcel.op_id], 0, 0));
    assert_eq!(begin_all(&outbox, &[], &here).send.len(), 1, "sendable again when it returns");
    let rejected = Outcome::Rejected { problem: Problem::new(ProblemCode::Forbidden, "") };
    let finished = finish_one(&outbox, &parcel, rejected, &mut revoked.clone());
    assert_eq!((finished.removed, finished.put, finished.history), (vec![parcel.op_id], vec![], None));
}

#[test]
fn a_blocked_parcel_waits_for_the_create_and_for_nothing_else() {
    let here = bases([base(1, 1, json!({"name": "A"}))]);
    let outbox = [visit(1, 60, 1), create(2, 50, json!({"name": "N"})), edit(3, 1, "B")];
    let open = begin_all(&outbox[..1], &[], &here).parcels[0].clone();
    let blocked = |number| [Parcel { blocked_by: Some(id(number)), ..open.clone() }];
    let sends = |parcels: &[Parcel]| begin_all(&outbox, parcels, &here).send.iter().any(|sent| sent.changes == open.rows);
    assert!(!sends(&blocked(50)), "its create has not ended");
    assert!(sends(&blocked(1)), "other changes of what is there are no reason to wait");
}

/// An import brings an open parcel, and what was saved with its record; here somebody makes again the customer that it names.
#[test]
fn an_open_parcel_does_not_wait_for_a_create_of_what_is_there() {
    let here = bases([base(1, 1, json!({"name": "A"}))]);
    let outbox = [create(1, 1, json!({"name": "N"})), visit(2, 60, 1)];
    let open = [begin_all(&outbox[1..], &[], &here).parcels[0].clone()];
    let sends = |here: &Memory| begin_all(&outbox, &open, here).send.iter().any(|sent| sent.op_id == open[0].op_id);
    assert!(sends(&here), "the create is an edit of it, and may wait for this very parcel");
    assert!(!sends(&bases([gone(base(1, 1, json!({"name": "A"})), Tombstone::Deleted)])), "it is to be made first");
}

/// The ledger answers what it answered then, and the record may be somebody else's by now.
#[test]
fn theirs_of_an_old_answer_is_listed_nowhere_if_a_snapshot_since_did_not_have_it() {
    let outbox = [edit(1, 1, "B")];
    let theirs = base(1, 2, json!({"name": "theirs"}));
    let shown = |watermark: u64, mut here: Memory| {
        let parcel = begin_all(&outbox, &[], &here).parcels[0].clone();
        let outcome = Outcome::Conflict { theirs: vec![entry(&theirs)] };
        assert_eq!(finish_after(Seq(watermark), &outbox, &parcel, outcome, &mut here).removed, [parcel.op_id]);
        let base = here.0.values().next().unwrap().clone();
        (base.tombstone, seen_as(Some(&base), &outbox).conflict.is_some())
    };
    assert_eq!(shown(20, bases([])), (Some(Tombstone::Left), true), "what is unsent is still put to the person");
    assert_eq!(shown(19, bases([])), (None, true), "newer than the snapshot");
    assert_eq!(shown(20, bases([base(1, 1, json!({"name": "A"}))])), (None, true), "it is here");
    let left = bases([gone(base(1, 1, json!({"name": "A"})), Tombstone::Left)]);
    assert_eq!(shown(19, left), (Some(Tombstone::Left), true), "out of the chosen scope it stays out of it");
}

/// A restored server does not have it, for it was given to somebody before its snapshot was taken.
#[test]
fn an_older_answer_brings_nothing_back_that_a_restored_server_did_not_have() {
    let outbox = [edit(1, 1, "B"), update(2, 1, (2, json!({"city": "X"})), json!({"city": "Y"}))];
    let before = base(1, 1, json!({"name": "A", "city": "X"}));
    let parcel = begin_all(&outbox[..1], &[], &bases([before.clone()])).parcels[0].clone();
    let mut set = PageSet::read(&[]).unwrap();
    set.put("customers", before);
    set.set_adrift(|_| true);
    let page = json!({"records": [], "ranges": [{"collection": "customers"}], "watermark": "w", "watermark_seq": 40, "total": 0});
    let page: SnapshotPage = serde_json::from_value(page).unwrap();
    finish_snapshot(
        &schema(),
        &PullState::default(),
        &page,
        Sorted::default(),
        &outbox,
        Contact { now: NOW, offset_ms: Some(0), doubted_to: 0 },
        &mut set,
    );
    finish_after(Seq(40), &outbox, &parcel, applied(&parcel, 30, json!({})), &mut set);
    assert_eq!(set.get("customers", id(1)).unwrap().tombstone, Some(Tombstone::Revoked), "its changes are in quarantine");
}

#[test]
fn a_conflict_stops_its_record_and_group_and_not_what_was_before() {
    let here = bases([base(1, 2, json!({"name": "theirs"})), base(2, 1, json!({"name": "A"})), base(3, 1, json!({"name": "A"}))]);
    let mut outbox = vec![edit(1, 2, "B"), edit(2, 1, "mine"), edit(3, 2, "C"), edit(4, 3, "B")];
    outbox[1].group = group(1);
    outbox[2].group = group(1);
    outbox[2].seen.fields = fields(json!({"name": "B"}));
    assert_eq!(begun_seqs(&begin_all(&outbox, &[], &here), &outbox), [[1], [4]]);
}

#[test]
fn a_group_is_whole_although_a_decision_stands_for_a_part_of_it() {
    let here = bases([base(1, 1, json!({"name": "A"})), base(2, 1, json!({"name": "A"}))]);
    // 1 and 4 are one group: 4 stands for what was decided. 2 and 3 are other changes of its records.
    let mut outbox = vec![edit(1, 1, "B"), update(2, 1, (1, json!({})), json!({"city": "X"})), edit(4, 2, "B")];
    outbox[0].group = group(1);
    outbox[2].group = group(1);
    assert_eq!(begun_seqs(&begin_all(&outbox, &[], &here), &outbox), [[1, 2, 4]]);
    outbox[2].hold_until = Some(NOW.plus(5_000));
    assert_eq!(begin_all(&outbox, &[], &here).send, [], "the rest waits for it");
}

fn take_back(outbox: &[Change], outcome: impl Fn(&Parcel) -> Outcome, here: &mut Memory) -> Finished {
    let parcel = begin_all(outbox, &[], here).parcels[0].clone();
    assert_eq!(seqs(&parcel, outbox).len(), outbox.len());
    let parcel = Parcel { then: Some(Then::Discard), ..parcel };
    finish_one(outbox, &parcel, outcome(&parcel), here)
}

#[test]
fn undo_of_what_was_applied_sees_the_server_s_spelling() {
    let mut here = bases([base(1, 1, json!({"name": "A", "phone": "+6211111"}))]);
    let outbox = [update(1, 1, (1, json!({"phone": "+6211111"})), json!({"phone": "0811 11"}))];
    let finished = take_back(&outbox, |parcel| applied(parcel, 20, json!({"phone": "+6281111"})), &mut here);
    let undo = Change { client_seq: 2, ..finished.append[0].clone() };
    let begun = begin_all(&[undo], &[], &here);
    assert_eq!(begun.parcels[0].items[0].patch, fields(json!({"phone": "+6211111"})), "no conflict with myself");
}

#[test]
fn undo_of_a_group_that_was_applied_is_a_group_and_goes_backwards() {
    let mut outbox = [create(1, 50, json!({"name": "N"})), visit(2, 60, 50)];
    outbox.iter_mut().for_each(|change| change.group = group(1));
    let finished = take_back(&outbox, |parcel| applied(parcel, 20, json!({})), &mut bases([]));
    let undo: Vec<_> = finished.append.iter().map(|change| (change.record, change.action)).collect();
    assert_eq!(undo, [(id(60), Action::Delete), (id(50), Action::Delete)]);
    assert!(finished.append[0].group.is_some() && finished.append[0].group == finished.append[1].group);
}

#[test]
fn what_is_known_elsewhere_is_taken_back_and_the_rest_discarded() {
    let (mut outbox, mut here) = many(2);
    outbox.iter_mut().for_each(|change| change.group = group(1));
    let finished = take_back(&outbox, |parcel| Outcome::Known { rows: vec![parcel.rows[0]] }, &mut here);
    let mut ends: Vec<_> = finished.history.unwrap().ended.iter().map(|ended| (ended.client_seq, ended.end)).collect();
    ends.sort_by_key(|end| end.0);
    assert_eq!(ends, [(1, End::Confirmed), (2, End::Discarded)]);
    assert_eq!(finished.append.iter().map(|change| change.record).collect::<Vec<_>>(), [id(1)]);
}

#[test]
fn an_answer_that_tells_nothing_ends_nothing() {
    let (outbox, mut here) = many(1);
    let parcel = begin_all(&outbox, &[], &here).parcels[0].clone();
    let finished = finish_one(&outbox, &parcel, Outcome::Known { rows: vec![] }, &mut here);
    assert!(finished.stale && finished.removed.is_empty() && finished.history.is_none());
}

#[test]
fn what_is_out_of_scope_stays_out_of_lists_when_its_change_is_applied() {
    let mut here = bases([gone(base(1, 1, json!({"name": "A"})), Tombstone::Left)]);
    let outbox = [edit(1, 1, "B")];
    let parcel = begin_all(&outbox, &[], &here).parcels[0].clone();
    finish_one(&outbox, &parcel, applied(&parcel, 20, json!({})), &mut here);
    let after = here.0.values().next().unwrap();
    assert_eq!(
        (after.tombstone, after.version, &after.fields),
        (Some(Tombstone::Left), Version(2), &fields(json!({"name": "B"})))
    );
}

/// As the server: a create names no field, an update then every field.
#[test]
fn each_field_keeps_its_own_time() {
    let mut here = bases([]);
    let outbox = [create(1, 1, json!({"name": "A", "city": "X"})), update(2, 1, (1, json!({"city": "X"})), json!({"city": "Y"}))];
    let first = begin_all(&outbox[..1], &[], &here).parcels[0].clone();
    finish_one(&outbox[..1], &first, applied(&first, 10, json!({})), &mut here);
    assert!(here.0.values().next().unwrap().changed.is_empty());
    let second = begin_all(&outbox[1..], &[], &here).parcels[0].clone();
    finish_one(&outbox[1..], &second, applied(&second, 20, json!({})), &mut here);
    let after = here.0.values().next().unwrap();
    assert_eq!(after.changed.keys().collect::<Vec<_>>(), ["city", "name"]);
}

/// The store has doubles alone, and writes 5.0 as 5: what it gives back to be sent again must be what was sent.
#[test]
fn a_parcel_is_spelled_as_it_comes_back_from_the_store() {
    let here = bases([base(1, 1, json!({"name": "A", "visits": 5.0, "contact": 9_007_199_254_740_993_i64}))]);
    let seen = json!({"visits": 4, "contact": 9_007_199_254_740_993_i64});
    let outbox = [update(1, 1, (1, seen), json!({"visits": 5, "contact": "Ibu Sari", "tags": [1e3]}))];
    let parcel = begin_all(&outbox, &[], &here).parcels.remove(0);
    let item = &parcel.items[0];
    let spelled = r#"{"contact":"Ibu Sari","tags":[1000],"visits":6}"#;
    assert_eq!(serde_json::to_string(&item.patch).unwrap(), spelled, "theirs and the one that I added");
    assert_eq!(serde_json::to_string(&item.seen).unwrap(), r#"{"contact":9007199254740992.0,"tags":null,"visits":5}"#);
}

/// A visit whose parcel is open names a customer that is imported, made again, and was refused; what mends the customer was saved
/// together with an edit of the visit. Each waits for the other, until the visit's outcome is asked for.
#[test]
fn an_open_parcel_that_what_could_go_waits_for_is_asked_for() {
    let (imported, made) = (edit(1, 1, "B"), create(2, 1, json!({"name": "C"})));
    let mut outbox = vec![imported, made, visit(3, 60, 1)];
    let here = bases([]);
    let sent = begin_all(&outbox, &[], &here).parcels;
    assert_eq!(sent.iter().map(|parcel| seqs(parcel, &outbox)).collect::<Vec<_>>(), [vec![1, 2], vec![3]]);
    assert_eq!(sent[0].items[0].action, Action::Update, "what the import saw is taken to be there");
    let parcels = [refused(&sent[0], ProblemCode::Forbidden), sent[1].clone()];
    assert_eq!(begin_all(&outbox, &parcels, &here).in_vain, [sent[1].clone()]);
    let edits =
        [edit(4, 1, "D"), change_in("activities", 5, 60, "update", (0, json!({"subject": "x"})), json!({"subject": "y"}))];
    outbox.extend(edits.map(|change| Change { group: group(1), ..change }));
    let begun = begin_all(&outbox, &parcels, &here);
    assert_eq!((begun.send.len(), begun.in_vain), (0, vec![sent[1].clone()]));
    let begun = begin_all(&outbox, &parcels[..1], &here);
    assert_eq!(
        (begun_seqs(&begun, &outbox), begun.in_vain.len()),
        (vec![vec![1, 2, 3, 4, 5]], 0),
        "voided, all of it goes as one"
    );
    let there = bases([base(1, 1, json!({"name": "A"}))]);
    assert_eq!(begin_all(&outbox, &parcels, &there).in_vain, [], "what is there is not waited for");
}
