//! Whatever is selected in whatever order, on whatever day, while pages come or do not: what is here and what is on its way are
//! what is wanted, and nothing that unsent changes build on goes.

use std::collections::BTreeSet;

use fieldsync::core::clock::Contact;
use fieldsync::core::extent::{Adjusted, adjust, sweep};
use fieldsync::core::outbox::Change;
use fieldsync::core::protocol::{ChangesPage, Cursor, Range, Request, SnapshotPage};
use fieldsync::core::pull::{after_page, begin, finish_changes, finish_snapshot};
use fieldsync::core::pull_state::{PullState, restart};
use fieldsync::core::record::{Base, Millis, RecordId, Seq, Tombstone};
use fieldsync::core::schema::Schema;
use fieldsync::core::selection::{Changes, DAY_MS, Part, Whose, parse_scope};
use fieldsync::core::told::Sorted;
use fieldsync::data::page_set::PageSet;
use proptest::prelude::*;
use serde_json::json;

const CONTACT: Contact = Contact { now: Millis(0), offset_ms: Some(0), doubted_to: 0 };

fn schema() -> Schema {
    Schema::parse(include_str!("../../www/schema.json")).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Select(usize, Option<Part>),
    Day(i64),
    /// So many collections end with the next page.
    Page(usize),
    Feed,
    Lost,
    Pause(bool),
}

fn part() -> impl Strategy<Value = Option<Part>> {
    let mine = any::<bool>().prop_map(|mine| if mine { Whose::Mine } else { Whose::Team });
    let part = (mine, prop_oneof![Just(None), (1u32..40).prop_map(Some)]).prop_map(|(whose, days)| Part { whose, days });
    prop_oneof![Just(None), Just(Some(Part::default())), part.prop_map(Some)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..5, part()).prop_map(|(collection, part)| Step::Select(collection, part)),
        2 => (-3i64..20).prop_map(Step::Day),
        4 => (0usize..4).prop_map(Step::Page),
        2 => Just(Step::Feed),
        1 => Just(Step::Lost),
        1 => any::<bool>().prop_map(Step::Pause),
    ]
}

/// What must be true once there is nothing to adjust.
fn check(state: &PullState, schema: &Schema, day: i64) {
    let covered = state.covered.clone().unwrap_or_default();
    let coming = state.snapshot.as_ref().map(|snapshot| snapshot.wanted.clone()).unwrap_or_default();
    assert!(state.cursor.is_some() || state.snapshot.is_some(), "there is somewhere to go on from");
    for collection in &schema.collections {
        let name = &collection.name;
        let (wanted, held) = (state.selection.of(name), covered.get(name).or_else(|| coming.get(name)));
        assert_eq!(held.map(|held| held.part), wanted, "{name} in {state:?}");
        let off = held.and_then(|held| held.since).zip(wanted.and_then(|part| part.since(day)));
        assert!(off.is_none_or(|(since, due)| (0..=DAY_MS).contains(&since.since(due))), "{name} on day {day}: {off:?}");
        assert!(!state.complete.contains(name) || wanted.is_some_and(Part::is_whole), "{name} says that it is complete");
    }
    let names = |text: &str| text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect::<BTreeSet<String>>();
    match begin(state, schema) {
        Some(Request::Changes(asked)) => {
            // Nothing is said if it is all; else just what is here.
            let of = asked.collections.as_deref().map(names);
            assert_eq!(
                of.unwrap_or_else(|| schema.collections.iter().map(|one| one.name.clone()).collect()),
                covered.keys().cloned().collect()
            );
            let scope = parse_scope(asked.scope.as_deref()).unwrap();
            assert!(covered.iter().all(|(name, held)| scope.get(name).copied().unwrap_or_default() == held.bounds()));
        }
        Some(Request::Snapshot(asked)) => {
            let of = names(&asked.collections);
            assert!(
                coming.keys().filter(|name| !covered.contains_key(*name)).all(|name| of.contains(name)),
                "what is missing is asked for"
            );
        }
        other => assert!(other.is_none() && state.paused && state.cursor.is_none(), "{state:?}"),
    }
}

/// The next page, if the next request is for one of a snapshot: so many collections end with it.
fn page(state: &PullState, schema: &Schema, ended: usize, number: u64) -> Option<SnapshotPage> {
    let Some(Request::Snapshot(asked)) = begin(state, schema) else { return None };
    let names: Vec<&str> = asked.collections.split(',').collect();
    let first = asked
        .after
        .as_deref()
        .and_then(|after| after.split_once('/'))
        .map_or(0, |(name, _)| names.iter().position(|one| *one == name).unwrap());
    let rest = &names[first..];
    let ended = ended.min(rest.len());
    let mut ranges: Vec<Range> =
        rest[..ended].iter().map(|name| Range { collection: (*name).to_owned(), after: None, upto: None }).collect();
    let cut = RecordId::new(Millis(i64::try_from(number).unwrap()), [1, 1]);
    let next = rest.get(ended).map(|name| {
        ranges.push(Range { collection: (*name).to_owned(), after: None, upto: Some(cut) });
        format!("{name}/{cut}")
    });
    let watermark = asked.watermark.unwrap_or_else(|| Cursor(format!("w{number}")));
    let cursor = next.is_none().then(|| watermark.clone());
    Some(SnapshotPage { records: vec![], ranges, watermark, watermark_seq: Seq(1), mark: None, next, cursor, total: 9, bytes: 0 })
}

#[test]
fn a_server_that_says_nothing_of_a_part_is_not_asked_for_it_for_ever() {
    let schema = schema();
    let state = adjust(&PullState::default(), &schema, 20_000).unwrap().state;
    let page = SnapshotPage { next: None, cursor: Some(Cursor("c".into())), ..page(&state, &schema, 1, 1).unwrap() };
    let page = SnapshotPage { ranges: page.ranges[..1].to_vec(), ..page };
    let state = after_page(&state, &page, 0);
    assert_eq!(adjust(&state, &schema, 20_000), None);
    assert!(matches!(begin(&state, &schema), Some(Request::Changes(_))), "{state:?}");
    assert_eq!(state.complete.into_iter().collect::<Vec<_>>(), ["customers"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_here_and_what_comes_is_what_is_wanted(steps in proptest::collection::vec(step(), 1..40)) {
        let schema = schema();
        let (mut state, mut day) = (PullState::default(), 20_000);
        for (number, step) in steps.into_iter().enumerate() {
            let (mut set, mut ahead) = (PageSet::default(), None);
            match step {
                Step::Select(collection, part) => {
                    let changes = Changes([(schema.collections[collection].name.clone(), part)].into());
                    if let Ok(selection) = state.selection.with(&schema, &changes) {
                        state.selection = selection;
                    }
                }
                Step::Day(days) => day += days,
                Step::Page(ended) => if let Some(page) = page(&state, &schema, ended, number as u64) {
                    ahead = page.next.as_ref().map(|_| begin(&after_page(&state, &page, 0), &schema));
                    state = finish_snapshot(&schema, &state, &page, Sorted::default(), &[], CONTACT, &mut set).state;
                },
                Step::Feed => if let Some(Request::Changes(_)) = begin(&state, &schema) {
                    let page = ChangesPage { changes: vec![], cursor: Cursor(format!("c{number}")), has_more: false };
                    state = finish_changes(&schema, &state, &page, Sorted::default(), &[], CONTACT, &mut set).state;
                },
                Step::Lost => state = restart(&state),
                Step::Pause(paused) => state.paused = paused,
            }
            if let Some(Adjusted { state: adjusted, .. }) = adjust(&state, &schema, day) {
                state = adjusted;
            }
            prop_assert_eq!(adjust(&state, &schema, day), None, "once is enough");
            check(&state, &schema, day);
            if let Some(ahead) = ahead {
                prop_assert_eq!(ahead, begin(&state, &schema), "what is asked for ahead is what is asked for next");
            }
        }
    }

    /// A sweep leaves what is within and what is needed, and nothing of it is listed that is outside.
    #[test]
    fn a_sweep_takes_what_is_outside_and_not_needed(
        records in proptest::collection::vec((0u8..60, any::<bool>(), 0u8..4), 1..40), days in 1u32..40, all in any::<bool>(),
    ) {
        let schema = schema();
        let mut state = PullState { cursor: Some(Cursor("c".into())), ..PullState::default() };
        state = adjust(&PullState { complete: schema.collections.iter().map(|one| one.name.clone()).collect(), ..state }, &schema, 20_000).map_or_else(|| panic!(), |adjusted| adjusted.state);
        let part = (!all).then_some(Part { days: Some(days), whose: Whose::Team });
        state.selection = state.selection.with(&schema, &Changes([("activities".to_owned(), part)].into())).unwrap();
        let Adjusted { sweeps, state } = adjust(&state, &schema, 20_000).unwrap();
        prop_assert!(state.snapshot.is_none(), "narrowing asks nobody");
        let (mut set, mut outbox) = (PageSet::default(), Vec::<Change>::new());
        let since = (20_000 - i64::from(days)) * DAY_MS;
        let mut due = Vec::new();
        for (n, (age, needed, kind)) in records.iter().enumerate() {
            let id = RecordId::new(Millis(i64::try_from(n).unwrap()), [0, 0]);
            let at = (20_000 - i64::from(*age)) * DAY_MS;
            let tombstone = [None, None, Some(Tombstone::Left), Some(Tombstone::Deleted)][usize::from(*kind)];
            let value = json!({"id": id, "version": 3, "seq": 5, "at": 0, "tombstone": tombstone, "fields": {"at": at}});
            let base: Base = serde_json::from_value(value).unwrap();
            set.put("activities", base.clone());
            if *needed {
                let change = json!({"client_seq": n + 1, "row": id, "collection": "activities", "record": id, "action": "update",
                    "seen": {"version": 3, "fields": {}}, "written": {"note": "x"}, "schema": 1, "saved_at": 0});
                outbox.push(serde_json::from_value(change).unwrap());
            }
            let is_out = all || tombstone == Some(Tombstone::Left) || (tombstone.is_none() && at < since);
            let after = match (is_out, *needed, tombstone) {
                (false, ..) => Some(base),
                (true, false, _) => None,
                (true, true, Some(_)) => Some(base),
                (true, true, None) => Some(Base { tombstone: Some(Tombstone::Left), ..base }),
            };
            due.extend(after);
        }
        sweep(&schema, &sweeps, &outbox, &mut set);
        let left: Vec<Base> = set.bases().map(|(_, base)| base.clone()).collect();
        prop_assert_eq!(left, due);
    }
}
