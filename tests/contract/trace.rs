//! What happened can be read, and played again, from what a phone exports.

use fieldsync::core::machine::Reason;
use fieldsync::core::trace::{SEGMENT_ENTRIES, TRACE_EVENTS_MAX, What, replay};
use serde_json::json;

use super::world::{BUDI, Device, Fault, World};

async fn names(phone: &Device) -> Vec<String> {
    let named = |what: &What| {
        let json = serde_json::to_value(what).unwrap();
        json.as_str().map(str::to_owned).or_else(|| json.as_object()?.keys().next().cloned()).unwrap()
    };
    phone.trace().await.entries.iter().map(|entry| named(&entry.2)).collect()
}

#[tokio::test]
async fn a_trace_tells_what_happened_and_no_value() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    phone.sync().await;
    let id = phone.create("customers", json!({"name": "PT Rahasia", "phone": "0812999"})).await;
    phone.fail(&[Fault::Refuse]);
    phone.sync().await;
    phone.sync().await;
    let (trace, names) = (phone.trace().await, names(&phone).await);
    let text = serde_json::to_string(&trace).unwrap();
    assert!(!text.contains("Rahasia") && !text.contains("812999") && text.contains("phone"), "{text}");
    assert!(text.contains(&id.to_string()));
    let facts: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != "step").collect();
    assert_eq!(facts, ["took", "pulled", "pulled", "saved", "begun", "sent", "network", "sent", "answered", "pulled"]);
}

/// What a tab noted is there after it is gone, and what two tabs noted is one trace.
#[tokio::test]
async fn two_contexts_write_one_trace_that_outlives_them() {
    let world = World::new();
    let one = world.device(BUDI).await;
    let two = world.context(BUDI, one.store.clone()).await;
    for turn in 0..4 {
        one.create("customers", json!({"name": format!("PT {turn}")})).await;
        world.later(1);
        two.create("customers", json!({"name": format!("CV {turn}")})).await;
        world.later(1);
        two.fail(&[Fault::LoseAnswer]);
        two.sync().await;
        one.sync().await;
        world.later(1);
        two.sync().await;
    }
    drop((one.client, two.client));
    let later = world.context(BUDI, one.store.clone()).await;
    let trace = later.trace().await;
    let mut contexts: Vec<u32> = trace.entries.iter().map(|entry| entry.1).collect();
    contexts.sort_unstable();
    contexts.dedup();
    assert_eq!((contexts.len(), trace.dropped), (3, 0));
    assert_eq!(replay(&trace), Ok(()));
}

#[tokio::test]
async fn the_ring_keeps_the_newest_and_counts_the_rest() {
    let world = World::new();
    let phone = world.device(BUDI).await;
    let mut last = 0;
    for _ in 0..900 {
        phone.client.cycle(Reason::User).await;
        world.later(60_000);
        last = phone.world.now().0;
    }
    let trace = phone.trace().await;
    assert!(trace.entries.len() <= TRACE_EVENTS_MAX && trace.entries.len() > TRACE_EVENTS_MAX - SEGMENT_ENTRIES as usize);
    assert_eq!(trace.entries.last().unwrap().0.0, last - 60_000);
    assert!(trace.dropped > 1_000, "{}", trace.dropped);
    assert_eq!(replay(&trace), Ok(()), "it starts in the middle");
}
