//! The core, case by case.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod choosing;
mod counted;
mod merges;
mod pairs;
mod shown;
mod two;
mod views;
mod world;
