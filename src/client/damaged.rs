//! Pages that cannot be read: what they had is fetched again. Unsent work is not in pages, and stays.

use crate::core::pull_state::{PullState, Snapshot};
use crate::core::record::Millis;
use crate::core::rows::{PageRow, meta};
use crate::core::status::Engine;
use crate::data::page::{self, PageError};
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, Write};

use super::{Client, meta_row, meta_write};

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// A damaged page is emptied, and everything asked for again: until its range has come, its collection is not whole. Another
    /// context that does the same finds nothing damaged.
    pub(super) async fn mend_pages(&self) -> Result<(), StoreError> {
        let now = self.host.now();
        let scope = Scope::relaxed(&[StoreName::Pages, StoreName::Meta], vec![Read::Meta, Read::PagesSince(0)]);
        let mended = self.store.update(scope, |rows| match plan(rows, now) {
            Ok((writes, damaged)) => Step::Write(writes, Ok(damaged)),
            Err(error) => Step::Write(vec![], Err(error)),
        });
        // A cycle that runs meanwhile writes where the engine stands as this context has it.
        for page in mended.await?.value? {
            self.note_error(DAMAGED, page);
        }
        Ok(())
    }
}

/// The code of a page that could not be read, for support.
const DAMAGED: &str = "page-damaged";

/// What mends pages, and which.
fn plan(rows: &Rows, now: Millis) -> Result<(Vec<Write>, Vec<String>), StoreError> {
    let is_damaged = |row: &&PageRow| matches!(page::decode(&row.bytes), Err(PageError::Damaged | PageError::Malformed(_)));
    let mut stamp: u64 = meta_row(rows, meta::STAMP)?.unwrap_or(1);
    let mut state: PullState = meta_row(rows, meta::PULL)?.unwrap_or_default();
    let mut engine: Engine = meta_row(rows, meta::ENGINE)?.unwrap_or_default();
    let (mut writes, mut damaged) = (Vec::new(), Vec::new());
    for row in rows.pages.iter().filter(is_damaged) {
        // What its range is stays, so the pages beside it own what they did.
        writes.push(Write::Page(PageRow { stamp, bytes: page::empty(), ..row.clone() }));
        state.complete.remove(&row.collection);
        state.again.remove(&row.collection);
        if let Some(covered) = &mut state.covered {
            covered.remove(&row.collection);
        }
        let page = format!("{}/{}", row.collection, row.first);
        engine.note(now, DAMAGED, page.clone());
        damaged.push(page);
        stamp += 1;
    }
    if !writes.is_empty() {
        // What came of a snapshot under way may be among it. What is here stays as old as its watermark.
        let watermark = state.snapshot.take().and_then(|snapshot| snapshot.watermark);
        state.snapshot = Some(Snapshot { watermark, ..Snapshot::default() });
        writes.extend([meta_write(meta::STAMP, &stamp), meta_write(meta::PULL, &state), meta_write(meta::ENGINE, &engine)]);
    }
    Ok((writes, damaged))
}
