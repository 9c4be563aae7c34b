//! What every store must do, written once: `store.rs` runs these cases over memory and over IndexedDB. Also what makes
//! rows for tests.
#![allow(dead_code)] // Each test crate uses its part.

pub mod again_cases;
pub mod page_cases;
pub mod rows;
pub mod store_cases;
pub mod value_cases;

/// Every case, by name.
pub mod cases {
    pub use super::again_cases::*;
    pub use super::page_cases::*;
    pub use super::store_cases::*;
    pub use super::value_cases::*;
}

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use fieldsync::ports::Store;

/// A disk: what one context writes to it, the next one finds.
pub trait Disk {
    /// The store under test.
    type Store: Store;
    /// Another context over the same disk.
    fn open(&self) -> Self::Store;
}

/// Runs both at once.
pub async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut done_a, mut done_b) = (None, None);
    std::future::poll_fn(|context| {
        if done_a.is_none()
            && let Poll::Ready(value) = a.as_mut().poll(context)
        {
            done_a = Some(value);
        }
        if done_b.is_none()
            && let Poll::Ready(value) = b.as_mut().poll(context)
        {
            done_b = Some(value);
        }
        match (done_a.take(), done_b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (done_a, done_b) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

/// Waits for a future of a store in memory, which needs nothing but to be polled.
#[cfg(not(target_arch = "wasm32"))]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    const POLLS_MAX: u32 = 1_000_000;
    let mut future = pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..POLLS_MAX {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("a future over memory that does not come to an end");
}

/// The list of cases, once: `with` is a macro that makes a test of each.
#[macro_export]
macro_rules! store_cases {
    ($with:ident) => {
        $with! {
            appended_changes_get_ascending_numbers,
            a_number_is_not_given_twice_even_after_removal,
            a_plan_that_compares_its_row_id_saves_once,
            the_same_row_id_again_fails_as_a_whole,
            a_second_write_that_fails_takes_the_first_along,
            a_plan_sees_what_it_asked_for_and_nothing_else,
            a_second_stage_adds_to_the_first,
            a_plan_may_write_nothing,
            a_plan_reads_the_state_before_its_writes,
            two_updates_at_once_do_not_overlap,
            changes_are_found_by_row_record_and_number,
            removing_changes_leaves_the_others,
            parcels_are_put_replaced_found_and_removed,
            parcels_that_were_all_read_are_removed_and_no_others,
            the_outbox_is_read_again_as_it_is_now,
            two_readers_at_once_see_the_whole_outbox,
            rows_of_history_tell_their_keys,
            parcels_written_together_are_each_for_itself,
            what_a_transaction_saw_and_wrote_comes_back,
            conflicts_are_put_replaced_and_removed,
            history_gets_ascending_keys_and_is_pruned,
            a_row_of_history_is_amended_and_a_change_put_back,
            the_newest_history_is_given_ascending,
            meta_is_put_and_replaced,
            drafts_are_put_replaced_and_removed,
            derived_rows_keep_their_bytes,
            the_first_page_owns_what_comes_before_every_other,
            a_split_page_owns_up_to_the_next,
            each_page_is_given_once,
            many_records_find_their_pages,
            a_range_finds_the_pages_that_own_ids_of_it,
            pages_written_since_a_stamp_are_found,
            all_pages_are_read_in_pieces_by_key,
            pages_of_other_collections_are_left_alone,
            values_come_back_as_they_were,
            numbers_keep_their_value,
            text_of_all_scripts_comes_back,
            big_values_come_back,
            whole_rows_come_back_as_they_were,
            another_context_finds_everything,
            reading_sees_one_moment,
        }
    };
}
