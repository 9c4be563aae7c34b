//! Reading all pages, in pieces, beside everything else that goes on.
//!
//! A context begins with what is unsent and with the heads of the last lists; then its pages are read in the order of their keys.
//! A piece may be older than what somebody wrote meanwhile. So memory counts as no newer than when the load began: whoever
//! writes pages reads them first, and the last read brings every page that was written since, in one snapshot with all the rest.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::core::protocol::Action;
use crate::core::record::{CollectionName, DeviceId, Epoch, RecordId};
use crate::core::rows::{PageRow, derived, meta};
use crate::core::schema::Schema;
use crate::data::head;
use crate::data::page_set::PageSet;
use crate::data::table::Tables;
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport};

use super::own::Written;
use super::{Client, Marks, Note, Shared, meta_row, meta_write, pages};

/// So many pages are read at once, at most 32 KiB each: decoding them is a task of some milliseconds, and of less than 50 on a
/// phone. In the simulation, where there are few, one by one: so that something may come in between.
const PIECE_PAGES: u32 = if cfg!(feature = "simulation") { 1 } else { 16 };
/// The bases of so many unsent records are read before the first list; what else is unsent shows when all pages are read.
const UNSENT_AT_ONCE: usize = 64;

/// A load under way.
pub(super) struct Loading {
    /// The pages that are read.
    loaded: Tables,
    /// The key of the last one.
    after: Option<(CollectionName, String)>,
    /// The stamp of the newest page when it began.
    stamp: u64,
}

impl Loading {
    /// Everything behind this is read again at its end.
    pub(super) fn stamp(&self) -> u64 {
        self.stamp
    }
}

/// What a context begins with.
#[must_use]
pub fn first_reads(tables: bool) -> Vec<Read> {
    let mut reads = vec![Read::Meta, Read::Outbox, Read::Parcels];
    if tables {
        reads.extend([Read::HistoryAfter(0), Read::Conflicts, Read::Derived(derived::HEADS.into())]);
    }
    reads
}

/// The store's device id and epoch, if it has both and was last opened under this schema.
pub(super) fn opened_before(rows: &Rows, schema: &Schema) -> Result<Option<(DeviceId, Epoch)>, StoreError> {
    let is_known = rows.meta.get(meta::SCHEMA).and_then(Value::as_u64) == Some(u64::from(schema.schema));
    let (device, epoch) = (meta_row(rows, meta::DEVICE)?, meta_row(rows, meta::EPOCH)?);
    Ok(device.zip(epoch).filter(|_| is_known))
}

/// Gives a store its device id and epoch, if it has none, and notes the schema.
pub(super) async fn introduce(store: &impl Store, host: &impl Host, schema: &Schema) -> Result<(DeviceId, Epoch), StoreError> {
    let now = host.now();
    let device = DeviceId::new(now, [host.random(), host.random()]);
    let epoch = Epoch::new(now, [host.random(), host.random()]);
    let scope = Scope::strict(&[StoreName::Meta], vec![Read::Meta]);
    let plan = |rows: &Rows| {
        let read = (|| Ok((meta_row::<DeviceId>(rows, meta::DEVICE)?, meta_row::<Epoch>(rows, meta::EPOCH)?)))();
        let (device, epoch) = match read {
            Ok((old_device, old_epoch)) => (old_device.unwrap_or(device), old_epoch.unwrap_or(epoch)),
            Err(error) => return Step::Write(vec![], Err(error)),
        };
        let names = [(meta::DEVICE, meta_write(meta::DEVICE, &device)), (meta::EPOCH, meta_write(meta::EPOCH, &epoch))];
        let missing = names.into_iter().filter(|(name, _)| !rows.meta.contains_key(*name)).map(|(_, write)| write);
        Step::Write(missing.chain([meta_write(meta::SCHEMA, &schema.schema)]).collect(), Ok((device, epoch)))
    };
    store.update(scope, plan).await?.value
}

impl Shared {
    /// The pages that were read take their place, with those that were written since.
    pub(super) fn end_load(&mut self, rows: &Rows) -> Result<(), StoreError> {
        // It may have ended otherwise.
        let (Some(tables), Some(loading)) = (&mut self.tables, &mut self.loading) else { return Ok(()) };
        // What cannot be read is found before anything is taken.
        take_pages(&mut loading.loaded, &rows.pages)?;
        if let Some(loading) = self.loading.take() {
            tables.take_loaded(loading.loaded);
        }
        Ok(())
    }
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Whether all pages are in memory. Until then lists of which there is a head show that, and everything else is not whole.
    pub fn is_loaded(&self) -> bool {
        self.shared.borrow().loading.is_none()
    }

    /// Takes what was read first: all but the pages. Then the pages of what is unsent are read.
    pub(super) async fn begin_load(&self, rows: &Rows) -> Result<(), StoreError> {
        if self.shared.borrow().tables.is_none() {
            return self.take_backlog(rows);
        }
        let next: u64 = meta_row(rows, meta::STAMP)?.unwrap_or(1);
        let before = Marks { stamp: next.saturating_sub(1), ..Marks::default() };
        {
            let mut shared = self.shared.borrow_mut();
            shared.loading = Some(Loading { loaded: Tables::new(self.schema.clone()), after: None, stamp: before.stamp });
            let heads = self.heads_of(&meta_row(rows, meta::PULL)?.unwrap_or_default());
            let stored = rows.derived.get(derived::HEADS).map(Vec::as_slice);
            let bases = shared.heads.read(stored.and_then(|bytes| head::decode(bytes, &heads)), stored);
            if let Some(tables) = &mut shared.tables {
                tables.take_head(bases);
            }
        }
        self.take_rows(rows, before, &Written::default())?;
        let missing = self.tables(|tables| tables.unsent_without_base(UNSENT_AT_ONCE)).unwrap_or_default();
        self.read_shown(missing).await
    }

    /// Brings the base of a record that is to be shown before all pages are read. Whether it is here; if not, only the pages can tell.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn bring(&self, collection: &str, id: RecordId) -> Result<bool, StoreError> {
        // One that was made here, and never sent, has no base.
        let is_shown = |tables: &Tables| {
            let first = tables.changes_of(collection, id).first().map(|change| change.action);
            tables.base(collection, id).is_some() || first == Some(Action::Create)
        };
        let is_here = || self.is_loaded() || self.tables(is_shown).unwrap_or(true);
        if !is_here() {
            self.read_shown(vec![(collection.to_owned(), id)]).await?;
        }
        Ok(is_here())
    }

    async fn read_shown(&self, records: Vec<(CollectionName, RecordId)>) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let stamp = self.shared.borrow().marks.stamp;
        let rows = self.store.read(vec![Read::PagesOf(records.clone())]).await?;
        let mut shared = self.shared.borrow_mut();
        let Shared { tables: Some(tables), loading: Some(_), marks, .. } = &mut *shared else { return Ok(()) };
        // What was taken meanwhile is newer, or may be.
        if marks.stamp != stamp {
            return Ok(());
        }
        // One that cannot be read is found, and mended, when its turn comes.
        if let Ok(set) = PageSet::read(&rows.pages) {
            tables.take_records(&set, &records);
        }
        Ok(())
    }

    /// Reads all pages, if that has not been done: whoever waits gets in between. A damaged page is emptied, and everything asked for again;
    /// see `client::damaged`.
    ///
    /// # Errors
    /// Why it could not be ended; it may be called again.
    pub async fn load(&self) -> Result<(), StoreError> {
        match self.load_pages().await {
            Err(StoreError::Corrupt(StoreName::Pages, _)) => {}
            other => return other,
        }
        self.mend_pages().await?;
        // From the first one on: which pages were read is no matter, for those that are mended are written since it began.
        self.load_pages().await
    }

    async fn load_pages(&self) -> Result<(), StoreError> {
        loop {
            let after = match &self.shared.borrow().loading {
                Some(loading) => loading.after.clone(),
                None => return Ok(()),
            };
            let rows = self.store.read(vec![Read::PagesAfter(after.clone(), PIECE_PAGES)]).await?;
            let is_last = rows.pages.len() < PIECE_PAGES as usize;
            self.take_piece(after, &rows.pages)?;
            if is_last {
                break;
            }
        }
        while !self.take_turn(true).await? {}
        let names = self.schema.collections.iter().map(|collection| collection.name.clone()).collect();
        self.note(Note::Changed(names));
        Ok(())
    }

    fn take_piece(&self, after: Option<(CollectionName, String)>, pages: &[PageRow]) -> Result<(), StoreError> {
        let mut shared = self.shared.borrow_mut();
        // Of two who read the same, one takes it.
        let Some(loading) = shared.loading.as_mut().filter(|loading| loading.after == after) else { return Ok(()) };
        take_pages(&mut loading.loaded, pages)?;
        if let Some(last) = pages.last() {
            loading.after = Some((last.collection.clone(), last.first.clone()));
        }
        Ok(())
    }
}

/// Takes what is shown of pages before all are read.
pub(super) fn take_shown(tables: &mut Tables, rows: &[PageRow]) -> BTreeSet<CollectionName> {
    // One that cannot be read is found, and mended, when its turn comes.
    PageSet::read(rows).map(|set| tables.take_shown(&set)).unwrap_or_default()
}

fn take_pages(tables: &mut Tables, rows: &[PageRow]) -> Result<(), StoreError> {
    tables.take_pages(rows).map(drop).map_err(|(page, error)| pages::page_error(page, error))
}
