//! Client and server agree: the real driver over the memory store, against the real router, in one process.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

mod ahead;
mod clocks;
mod conflicts;
mod costs;
mod counted;
mod crashes;
mod damaged;
mod deciding;
mod failures;
mod full;
mod interrupted;
mod kinds;
mod loops;
mod losses;
mod online;
mod opening;
mod other_server;
mod overtaken;
mod reports;
mod restored;
mod selection;
mod settling;
mod sparing;
mod stuck;
mod taken_out;
mod trace;
mod warnings;
mod world;
