//! The snapshot: complete in pages of any size, and exact about what each page speaks for.

use fieldsync::core::protocol::{ProblemCode, Range, SnapshotPage};
use fieldsync::core::record::RecordId;
use serde_json::json;

use crate::common::{BUDI, World, entry, update};

const ALL: &str = "/sync/v1/snapshot?collections=activities,customers,preferences,pipelines&schema=1";

fn ids(page: &SnapshotPage) -> Vec<RecordId> {
    page.records.iter().cloned().map(|told| entry(told).id).collect()
}

#[tokio::test]
async fn pages_of_any_size_make_the_same_whole_and_speak_for_every_id_once() {
    for world in World::both() {
        let mut customers = Vec::new();
        for _ in 0..4 {
            customers.push(world.create(BUDI, "customers", json!({"name": "A"})).await);
        }
        let mut visits = Vec::new();
        for _ in 0..3 {
            visits.push(
                world
                    .create(BUDI, "activities", json!({"customer": customers[0], "kind": "visit", "subject": "S", "at": 1}))
                    .await,
            );
        }
        for limit in 1..=8 {
            let (mut seen, mut ranges) = (Vec::new(), Vec::<Range>::new());
            let mut path = format!("{ALL}&limit={limit}");
            let mut watermark = None;
            loop {
                let page: SnapshotPage = world.get(BUDI, &path).await.unwrap();
                assert_eq!(page.total, 7);
                assert_eq!(*watermark.get_or_insert(page.watermark.clone()), page.watermark);
                for id in ids(&page) {
                    assert!(page.ranges.iter().any(|range| range.contains(id)), "a record outside of the page's ranges");
                }
                seen.extend(ids(&page));
                ranges.extend(page.ranges);
                let Some(next) = page.next else { break };
                path = format!("{ALL}&limit={limit}&after={next}&watermark={}", page.watermark.0);
            }
            let expected: Vec<_> = customers.iter().chain(&visits).copied().collect();
            assert_eq!(seen, expected, "limit {limit}");
            // In the schema's order whatever the request's; without gaps; empty collections, too.
            for name in ["customers", "pipelines", "activities", "preferences"] {
                let of: Vec<_> = ranges.iter().filter(|range| range.collection == name).collect();
                assert_eq!((of[0].after, of[of.len() - 1].upto), (None, None), "{name}, limit {limit}");
                assert!(
                    of.windows(2).all(|pair| pair[0].upto.is_some() && pair[0].upto == pair[1].after),
                    "{name}, limit {limit}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_changes_while_the_snapshot_runs_is_in_the_feed_from_its_watermark() {
    let world = World::new();
    let (a, b) = (
        world.create(BUDI, "customers", json!({"name": "A"})).await,
        world.create(BUDI, "customers", json!({"name": "B"})).await,
    );
    let first: SnapshotPage = world.get(BUDI, &format!("{ALL}&limit=1")).await.unwrap();
    assert_eq!(ids(&first), [a]);
    world.send(BUDI, vec![update("customers", a, 1, json!({"name": "changed"}))]).await;
    let path = format!("{ALL}&limit=9&after={}&watermark={}", first.next.unwrap(), first.watermark.0);
    let last: SnapshotPage = world.get(BUDI, &path).await.unwrap();
    assert_eq!(ids(&last), [b]);
    assert_eq!(last.watermark_seq, first.watermark_seq);
    let news = world.news(BUDI, &last.cursor.unwrap().0).await;
    assert_eq!((news.len(), news[0].id, &news[0].fields["name"]), (1, a, &json!("changed")));
}

#[tokio::test]
async fn a_range_is_mended_by_after_and_before() {
    let world = World::new();
    let mut customers = Vec::new();
    for _ in 0..5 {
        customers.push(world.create(BUDI, "customers", json!({"name": "A"})).await);
    }
    let path = format!("{ALL}&limit=9&after=customers/{}&before=customers/{}", customers[0], customers[3]);
    let page: SnapshotPage = world.get(BUDI, &path).await.unwrap();
    assert_eq!(ids(&page), customers[1..3]);
    assert!(page.next.is_none() && page.cursor.is_some());
    let [range] = &page.ranges[..] else { panic!("{:?}", page.ranges) };
    assert!(range.contains(customers[2]) && !range.contains(customers[3]) && !range.contains(customers[0]));
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused() {
    let world = World::new();
    for (query, code) in [
        ("collections=moons&schema=1&limit=9", ProblemCode::Malformed),
        ("collections=&schema=1&limit=9", ProblemCode::Malformed),
        ("collections=customers&schema=one&limit=9", ProblemCode::Malformed),
        ("collections=customers&schema=1&limit=9&after=here", ProblemCode::Malformed),
        ("collections=customers&schema=1&limit=9&scope=moon", ProblemCode::Malformed),
        ("collections=customers&schema=1&limit=9&watermark=x", ProblemCode::CursorUnknown),
        ("collections=customers&schema=0&limit=9", ProblemCode::Outdated),
    ] {
        let refused = world.get::<SnapshotPage>(BUDI, &format!("/sync/v1/snapshot?{query}")).await.unwrap_err();
        assert_eq!(refused.code, code, "{query}");
    }
}

#[tokio::test]
async fn a_page_of_large_records_ends_early() {
    let world = World::new();
    let customer = world.create(BUDI, "customers", json!({"name": "A"})).await;
    for _ in 0..3 {
        let group = (0..40).map(|_| {
            let value = json!({"customer": customer, "title": "T", "stage": "lead", "value": {"x": "y".repeat(20_000)}});
            crate::common::create("pipelines", world.id(), value)
        });
        // 40 of 20 KB fit the body's limit.
        assert!(crate::common::is_applied(&world.send(BUDI, group.collect()).await));
    }
    let page: SnapshotPage = world.get(BUDI, &format!("{ALL}&limit=2000")).await.unwrap();
    assert!(page.records.len() < 121 && page.next.is_some());
    assert_eq!(world.snapshot(BUDI).await.0.len(), 121);
}
