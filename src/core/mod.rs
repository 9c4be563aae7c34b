//! Decides. Pure: no IO, no clock, no chance, no browser.

pub mod protocol;
pub mod record;
pub mod rules;
pub mod schema;
