//! The newest commit that answered this store: noted until the feed is read behind it, for a restored server does not know it.

use crate::core::protocol::{Cursor, PushResult};
use crate::core::pull_state::PullState;
use crate::core::rows::meta;
use crate::ports::{Rows, StoreError, Write};

use super::{meta_row, meta_write};

/// Whether another context has noted a mark since, which the server did not see when it gave this answer. It may have been
/// restored from a backup in between: then that mark alone tells, and this answer's would take its place. So the answer is not
/// taken; the parcel, if it is still there, is sent again, with that mark, and the ledger answers the same.
pub(super) fn is_overtaken(results: &[PushResult], shown: Option<&Cursor>, rows: &Rows) -> Result<bool, StoreError> {
    let noted = meta_row::<PullState>(rows, meta::PULL)?.and_then(|pull| pull.mark);
    Ok(results.iter().any(|result| result.mark.is_some()) && noted.is_some() && noted.as_ref() != shown)
}

/// The newest commit of an answer.
pub(super) fn newest(results: &[PushResult]) -> Option<Cursor> {
    results.iter().rev().find_map(|result| result.mark.clone())
}

/// The same, noted until the feed is read behind it.
pub(super) fn marked(results: &[PushResult], rows: &Rows) -> Result<Option<Write>, StoreError> {
    let Some(mark) = newest(results) else { return Ok(None) };
    let pull: PullState = meta_row(rows, meta::PULL)?.unwrap_or_default();
    Ok(Some(meta_write(meta::PULL, &PullState { mark: Some(mark), ..pull })))
}
