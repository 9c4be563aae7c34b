//! Answers. Pure: pages of bases, tables in memory, queries over them.

pub mod page;
pub mod page_set;
pub mod query;
pub mod table;
pub mod waits;
pub mod warnings;
