//! The core, case by case.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod choosing;
mod pairs;
mod shown;
mod views;
mod world;
