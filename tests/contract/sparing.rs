//! Where the user or the network wants less traffic, pages are small.

use fieldsync::core::protocol::Request;
use fieldsync::core::pull::SPARING_LIMIT;

use super::world::{BUDI, World};

#[tokio::test]
async fn who_saves_data_gets_small_pages() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let limits = || -> Vec<u32> {
        let limit = |request: Request| match request {
            Request::Changes(asked) => Some(asked.limit),
            Request::Snapshot(asked) => Some(asked.limit),
            Request::Push(_) | Request::Preview(_) | Request::Void(_) | Request::Report(_) | Request::Count(_) => None,
        };
        phone.wire.seen.borrow_mut().drain(..).filter_map(limit).collect()
    };
    phone.client.spare(true);
    phone.sync().await;
    phone.sync().await;
    let sparing = limits();
    assert!(sparing.len() >= 2 && sparing.iter().all(|limit| *limit == SPARING_LIMIT), "{sparing:?}");
    phone.client.spare(false);
    phone.sync().await;
    assert!(limits().iter().all(|limit| *limit > SPARING_LIMIT));
}
