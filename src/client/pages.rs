//! Pages between the store's rows and the planning functions.

use crate::core::pull_state::PullState;
use crate::core::rows::meta;
use crate::data::page::PageError;
use crate::data::page_set::PageSet;
use crate::mutation::{self, Mutation};
use crate::ports::{Rows, StoreError, StoreName, Write};

use super::{meta_row, meta_write};

/// The pages that were read.
pub fn read(rows: &Rows) -> Result<PageSet, StoreError> {
    PageSet::read(&rows.pages).map_err(|(page, error)| page_error(page, error))
}

/// What a page that cannot be read means to the driver.
pub fn page_error(page: String, error: PageError) -> StoreError {
    match error {
        PageError::Newer(_) => StoreError::Newer,
        PageError::Damaged | PageError::Malformed(_) => StoreError::Corrupt(StoreName::Pages, format!("{page}: {error}")),
    }
}

/// What was put and is outside of the selection, out of the lists.
pub fn leave_out(set: &mut PageSet, rows: &Rows) -> Result<(), StoreError> {
    let pull: PullState = meta_row(rows, meta::PULL)?.unwrap_or_default();
    if !pull.selection.is_whole() && !mutation::is(Mutation::OutsideListed) {
        set.leave_out(|collection| pull.selection.wants(collection));
    }
    Ok(())
}

/// The changed pages as writes, with the counter of stamps moved on. Nothing if no page changed.
pub fn writes(pages: PageSet, rows: &Rows) -> Result<Vec<Write>, StoreError> {
    let mut stamp: u64 = meta_row(rows, meta::STAMP)?.unwrap_or(1);
    let changed = pages.into_rows(&mut stamp);
    let mut writes: Vec<Write> = changed.into_iter().map(Write::Page).collect();
    if !writes.is_empty() {
        writes.push(meta_write(meta::STAMP, &stamp));
    }
    Ok(writes)
}
