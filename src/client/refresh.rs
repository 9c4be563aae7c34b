//! Keeping the tables in step with the store: pages by `stamp`, outbox by `client_seq`, ends by history key; parcels and
//! conflicts whole. One read, whoever wrote.

use std::collections::BTreeSet;

use crate::core::clock::Edits;
use crate::core::loss::Losses;
use crate::core::pull_state::PullState;
use crate::core::rows::meta;
use crate::core::status::{Engine, Sending};
use crate::core::trace::What;
use crate::mutation::{self, Mutation};
use crate::ports::{Host, Read, Rows, Store, StoreError, Transport};

use super::own::Written;
use super::restore::replay_of;
use super::{Backlog, Client, Marks, Note, Shared, load, meta_row, pages};

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Takes over what this or another context committed. `sending` is what that context says of its push.
    ///
    /// # Errors
    /// Why nothing was read; the tables stay as they were.
    pub async fn refresh(&self, sending: Option<Option<Sending>>) -> Result<(), StoreError> {
        if let Some(sending) = sending {
            self.shared.borrow_mut().sending = sending;
        }
        let has_tables = self.shared.borrow().tables.is_some();
        if !has_tables {
            let rows = self.store.read(vec![Read::Meta, Read::Outbox, Read::Parcels]).await?;
            return self.take_backlog(&rows);
        }
        self.take_turn(false).await.map(drop)
    }

    /// What a context without tables remembers.
    pub(super) fn take_backlog(&self, rows: &Rows) -> Result<(), StoreError> {
        self.take_meta(rows)?;
        let mut shared = self.shared.borrow_mut();
        let (changes, edits) = (rows.outbox.len(), Edits::of(rows.outbox.iter()));
        shared.backlog = Backlog { changes, edits, parcels: rows.parcels.clone() };
        shared.in_step = true;
        Ok(())
    }

    /// Reads what is new, and takes it over. Whether it did: of two at once, the one that began later may have been before it. The
    /// last one of a load takes the pages that were read, with all that was written since that began.
    ///
    /// # Errors
    /// Why nothing was read.
    pub(super) async fn take_turn(&self, ends_load: bool) -> Result<bool, StoreError> {
        let (marks, turn) = {
            let mut shared = self.shared.borrow_mut();
            shared.turns.begun += 1;
            let marks = match &shared.loading {
                Some(loading) if ends_load && !mutation::is(Mutation::LoadUnended) => {
                    Marks { stamp: loading.stamp(), ..shared.marks }
                }
                _ => shared.marks,
            };
            (marks, shared.turns.begun)
        };
        let rows = self.read_since(marks).await?;
        let floor: u64 = meta_row(&rows, meta::HISTORY_FLOOR)?.unwrap_or(0);
        if floor > marks.history && marks.history > 0 {
            // Ends that this context never saw were pruned: only the whole outbox tells what is left.
            let whole = self.store.read(vec![Read::Outbox]).await?;
            if let Some(tables) = &mut self.shared.borrow_mut().tables {
                tables.clear_outbox();
                whole.outbox.iter().for_each(|change| tables.take_change(change.clone()));
            }
        }
        // Two refreshes at once may come back in either order: the older one's rows are stale then.
        {
            let mut shared = self.shared.borrow_mut();
            if shared.turns.taken > turn {
                return Ok(false);
            }
            if ends_load {
                shared.end_load(&rows)?;
            }
            shared.turns.taken = turn;
        }
        self.take_rows(&rows, marks, &Written::default())?;
        Ok(true)
    }

    pub(super) async fn read_since(&self, marks: Marks) -> Result<Rows, StoreError> {
        let read = vec![
            Read::Meta,
            Read::PagesSince(marks.stamp),
            Read::OutboxAfter(marks.client_seq),
            Read::HistoryAfter(marks.history),
            Read::Parcels,
            Read::Conflicts,
        ];
        self.store.read(read).await
    }

    pub(super) fn take_meta(&self, rows: &Rows) -> Result<(), StoreError> {
        let engine: Option<Engine> = meta_row(rows, meta::ENGINE)?;
        let pull: Option<PullState> = meta_row(rows, meta::PULL)?;
        let losses: Option<Losses> = meta_row(rows, meta::LOSSES)?;
        let conflicts: Option<u64> = meta_row(rows, meta::CONFLICTS)?;
        let (replay, server_epoch) = (replay_of(rows)?, meta_row(rows, meta::SERVER_EPOCH)?);
        let mut shared = self.shared.borrow_mut();
        let is_running = shared.engine.machine != shared.engine.machine.kept();
        // A clock that another context found to have been set was set, whoever notes last where it stands.
        let doubted_to = engine.as_ref().map_or(0, |engine| engine.doubted_to).max(shared.engine.doubted_to);
        // What runs here knows better how it stands, and has not noted it yet.
        if let Some(engine) = engine.filter(|_| !is_running) {
            if shared.engine.machine != engine.machine {
                shared.trace.note(self.host.now(), What::Took { state: engine.machine.state });
            }
            shared.engine = engine;
        }
        shared.engine.doubted_to = doubted_to;
        shared.pull = pull.unwrap_or_default();
        let coming = shared.pull.snapshot.as_ref().filter(|snapshot| snapshot.total > 0 && !shared.pull.paused);
        shared.pace = match (coming.map(|snapshot| snapshot.done), shared.pace) {
            (Some(done), Some((since, from))) if from <= done => Some((since, from)),
            (Some(done), _) => Some((self.host.now(), done)),
            (None, _) => None,
        };
        shared.replay = replay;
        shared.server_epoch = server_epoch;
        shared.losses = losses.unwrap_or_default();
        shared.conflicts = conflicts.unwrap_or_default();
        Ok(())
    }

    pub(super) fn take_rows(&self, rows: &Rows, before: Marks, written: &Written) -> Result<(), StoreError> {
        let was_complete = self.shared.borrow().pull.complete.clone();
        self.take_meta(rows)?;
        let mut shared = self.shared.borrow_mut();
        // An answer says whether its collection is here whole: it is another one when that changes, though no record does.
        let mut touched: BTreeSet<String> = was_complete.symmetric_difference(&shared.pull.complete).cloned().collect();
        let (pulled_at, is_sending) = (shared.engine.pulled_at.or(shared.pull.pulled_at), shared.sending.is_some());
        let mut marks = shared.marks;
        let Shared { tables: Some(tables), loading, .. } = &mut *shared else { return Ok(()) };
        if loading.is_none() {
            touched.extend(tables.take_pages(&rows.pages).map_err(|(page, error)| pages::page_error(page, error))?);
            touched.extend(tables.take_put(&written.pages, &written.put));
        }
        for change in rows.outbox.iter() {
            touched.insert(change.collection.clone());
            tables.take_change(change.clone());
        }
        if loading.is_some() {
            // Before the ends: what was confirmed is shown as the server has it now.
            touched.extend(load::take_shown(tables, &rows.pages));
        }
        for row in &rows.history {
            touched.extend(tables.take_history(row));
        }
        touched.extend(tables.take_parcels(&rows.parcels));
        if tables.is_sending != is_sending {
            touched.extend(tables.parcels().iter().flat_map(|parcel| parcel.items.iter()).map(|item| item.collection.clone()));
        }
        touched.extend(tables.take_conflicts(&rows.conflicts));
        tables.pulled_at = pulled_at;
        tables.is_sending = is_sending;
        marks.stamp = rows.pages.iter().chain(&written.pages).map(|page| page.stamp).fold(before.stamp, u64::max);
        marks.client_seq = rows.outbox.iter().map(|change| change.client_seq).fold(before.client_seq, u64::max);
        marks.history = rows.history.iter().map(|row| row.key).fold(before.history, u64::max);
        shared.marks = marks;
        shared.in_step = true;
        drop(shared);
        if !touched.is_empty() {
            self.shared.borrow_mut().heads.touch();
            self.note(Note::Changed(touched.into_iter().collect()));
        }
        self.note(Note::Status);
        Ok(())
    }
}
