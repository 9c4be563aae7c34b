//! Decides. Pure: no IO, no clock, no chance, no browser.

pub mod outbox;
pub mod parcel;
pub mod protocol;
pub mod record;
pub mod rows;
pub mod rules;
pub mod schema;
