//! How much is asked for at once: little where the user or the network wants less traffic, much where the device is quick.

use fieldsync::core::protocol::Request;
use fieldsync::core::pull::{PAGE_LIMIT_MAX, PAGE_LIMIT_MIN, SPARING_LIMIT, page_limit};
use serde_json::json;

use super::world::{BUDI, Device, World};

/// The limits of the pages that were asked for.
fn limits(phone: &Device) -> Vec<u32> {
    let limit = |request: Request| match request {
        Request::Changes(asked) => Some(asked.limit),
        Request::Snapshot(asked) => Some(asked.limit),
        Request::Push(_) | Request::Preview(_) | Request::Void(_) | Request::Report(_) | Request::Count(_) => None,
    };
    phone.wire.seen.borrow_mut().drain(..).filter_map(limit).collect()
}

#[tokio::test]
async fn who_saves_data_gets_small_pages() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.client.spare(true);
    phone.sync().await;
    phone.sync().await;
    let sparing = limits(&phone);
    assert!(sparing.len() >= 2 && sparing.iter().all(|limit| *limit == SPARING_LIMIT), "{sparing:?}");
    phone.client.spare(false);
    phone.sync().await;
    assert!(limits(&phone).iter().all(|limit| *limit > SPARING_LIMIT));
}

#[tokio::test]
async fn a_quick_device_asks_for_more_at_once() {
    let world = World::new();
    let office = world.device(BUDI).await;
    for n in 0..1_900 {
        office.create("customers", json!({"name": format!("Toko {n}")})).await;
    }
    office.sync().await;
    let phone = world.device(BUDI).await;
    phone.sync().await;
    let (least, most) = (PAGE_LIMIT_MIN, PAGE_LIMIT_MAX);
    // The second one is asked for while the first is taken in. What came of it is used, although more would be asked for by then.
    assert_eq!(limits(&phone)[..4], [least, least, most, most]);
    assert_eq!(phone.client.status().last_synced_at, Some(world.now()));
}

#[test]
fn a_page_is_as_long_as_its_work_allows() {
    assert_eq!([0, 1, 3, 4, 6, 60].map(|ms| page_limit(250, ms)), [500, 500, 500, 375, 250, 250]);
    assert_eq!([2, 6, 8, 12, 24].map(|ms| page_limit(500, ms)), [500, 500, 375, 250, 250]);
    assert_eq!([-5, i64::MIN, i64::MAX].map(|ms| page_limit(500, ms)), [500, 500, 250], "whatever the clock says");
}
