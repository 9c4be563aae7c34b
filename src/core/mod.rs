//! Decides. Pure: no IO, no clock, no chance, no browser.

pub mod backoff;
pub mod bases;
pub mod choose;
pub mod finish;
pub mod merge;
pub mod outbox;
pub mod parcel;
pub mod problem;
pub mod protocol;
pub mod push;
pub mod record;
pub mod rows;
pub mod rules;
pub mod schema;
pub mod token;
pub mod view;
pub mod wire;
