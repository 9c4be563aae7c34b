//! Answers. Pure: pages of bases, tables in memory, queries over them.

pub mod answer;
pub mod asides;
pub mod causes;
pub mod condition;
pub mod duplicates;
pub mod fold;
pub mod kept;
pub mod key;
mod known;
mod matching;
pub mod page;
pub mod page_set;
pub mod parcels;
mod pick;
pub mod query;
pub mod search;
pub mod shown;
pub mod sorted;
pub mod standing;
pub mod stored;
pub mod table;
pub mod unfit;
mod unpacked;
pub mod unsent;
pub mod waits;
pub mod warnings;
pub mod words;
