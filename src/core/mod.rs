//! Decides. Pure: no IO, no clock, no chance, no browser.

pub mod answer;
pub mod backoff;
pub mod bases;
pub mod batch;
pub mod choose;
pub mod discard;
pub mod finish;
pub mod history;
pub mod machine;
pub mod merge;
pub mod outbox;
pub mod parcel;
pub mod problem;
pub mod protocol;
pub mod pull;
pub mod push;
pub mod record;
pub mod resolve;
pub mod rows;
pub mod rules;
pub mod schema;
pub mod status;
pub mod token;
pub mod view;
pub mod wire;
