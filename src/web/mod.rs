//! The browser's side of the ports.

pub mod bindings;
pub mod boundary;
mod decisions;
pub mod engine;
pub mod error;
pub mod fetch;
pub mod host;
pub mod indexed_db;
mod loading;
pub mod reports;
pub mod schema;
mod search;
mod selection;
pub mod transaction;
mod value;
