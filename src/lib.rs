//! Fieldsync: the offline client of a web CRM. The module list is the design; ARCHITECTURE.md is its map.

pub mod client;
pub mod core;
pub mod data;
pub mod memory;
pub mod mutation;
pub mod ports;
#[cfg(target_arch = "wasm32")]
pub mod web;
