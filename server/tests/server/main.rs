//! The server's tests: over HTTP without a socket, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod access;
mod apart;
mod auth;
mod cli;
mod common;
mod db;
mod feed;
mod http;
mod loss;
mod push;
mod refresh;
mod reports;
mod snapshot;
mod void;
