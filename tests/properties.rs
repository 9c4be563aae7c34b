//! The laws of the core, over random saves, answers, pulls and decisions. What is drawn is in `properties/draw.rs`, and
//! what must hold in `properties/laws.rs`.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "properties/draw.rs"]
mod draw;
#[path = "properties/independent.rs"]
mod independent;
#[path = "properties/laws.rs"]
mod laws;
#[path = "properties/merging.rs"]
mod merging;
#[path = "properties/model.rs"]
mod model;
#[path = "properties/selection.rs"]
mod selection;
#[path = "properties/triples.rs"]
mod triples;

use std::collections::BTreeSet;
use std::time::Instant;

use draw::{NOW, Step, schema, steps};
use fieldsync::core::push::{Begin, begin};
use fieldsync::core::record::Millis;
use model::Device;
use proptest::prelude::*;

fn config() -> ProptestConfig {
    ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    /// Whatever happens in whatever order: each saved change is in the outbox or has ended, once; parcels are sound; and
    /// what is sent names nothing that is not there. [`Device::check`] has the list.
    #[test]
    fn nothing_is_lost_doubled_or_altered(steps in steps(40)) {
        let mut device = Device::default();
        for step in steps {
            device.step(&step);
            device.check(&step);
        }
    }

    /// With honest forms and a server that applies everything, everything is confirmed, and then there is nothing to send.
    #[test]
    fn begin_after_an_applied_answer_finds_nothing(steps in steps(20)) {
        let mut device = Device::default();
        for step in steps.iter().filter(|step| matches!(step, Step::Save { .. } | Step::Group { .. })) {
            device.save_honestly(step);
        }
        for _ in 0..30 {
            device.begin(100);
            device.apply_all();
            device.check(&Step::Begin { count_max: 100, sent: 0 });
        }
        prop_assert!(device.outbox.is_empty(), "left: {:?}", device.outbox);
        let begun = device.begin(100);
        prop_assert!(begun.parcels.is_empty() && begun.ended.is_empty() && begun.send.is_empty());
    }
}

/// Not a law but a bound: what is planned in one go for a full outbox must not hold up a page.
#[test]
fn ten_thousand_changes_are_planned_in_a_moment() {
    for shape in ["many records", "one record", "refused", "open"] {
        let mut device = Device::full(10_000, shape);
        let all = device.outbox.clone();
        let planned: Vec<_> = all.iter().collect();
        let (sent, now) = (BTreeSet::new(), Millis(NOW));
        let input =
            Begin { schema: schema(), outbox: &planned, parcels: &device.parcels, sent: &sent, now, seed: 7, count_max: 1_000 };
        // The best of three: what the machine does beside it is not meant.
        let times = (0..3).map(|_| {
            let started = Instant::now();
            assert!(begin(&input, &device.bases).send.len() <= 1_000);
            started.elapsed()
        });
        let began = times.min().unwrap();
        device.begin(1_000);
        let started = Instant::now();
        device.apply_all();
        let finished = started.elapsed();
        let row = device.outbox.last().or(all.last()).map(|change| change.row).unwrap();
        let started = Instant::now();
        let _ = fieldsync::core::discard::discard(&device.outbox, &device.parcels, row);
        let discarded = started.elapsed();
        println!("{shape}: begin {began:?}, finish {finished:?}, discard {discarded:?}");
        // Unoptimised, beside other tests: only that it is no square of the outbox.
        let limit_ms = if cfg!(debug_assertions) { 10_000 } else { 150 };
        assert!(began.max(finished).max(discarded).as_millis() < limit_ms, "{shape}");
    }
}
