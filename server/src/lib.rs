//! The reference server: the wire protocol over a database that keeps every answer it ever gave.

pub mod auth;
pub mod config;
pub mod db;
pub mod demo;
pub mod error;
pub mod http;
pub mod limits;
pub mod metrics;
pub mod state;
pub mod sync;

pub use config::Config;
pub use http::app;
pub use state::AppState;
