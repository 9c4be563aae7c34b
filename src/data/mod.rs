//! Answers. Pure: pages of bases, tables in memory, queries over them.

pub mod answer;
pub mod asides;
pub mod causes;
pub mod condition;
pub mod duplicates;
pub mod fold;
pub mod head;
pub mod kept;
pub mod key;
mod known;
mod loading;
mod matching;
pub mod page;
pub mod page_set;
pub mod parcels;
pub mod query;
pub mod search;
pub mod sorted;
pub mod standing;
pub mod table;
pub mod unfit;
pub mod unsent;
pub mod waits;
pub mod warnings;
pub mod words;
