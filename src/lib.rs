//! Fieldsync: the offline client of a web CRM. The module list is the design; ARCHITECTURE.md is its map.

pub mod core;
pub mod ports;
