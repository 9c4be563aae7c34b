//! A server that was restored from a backup: the bases are set adrift and everything is asked for again, and what history
//! confirmed is pushed again before anything else. See `core::restore`.

use crate::core::machine::{Failure, Moved};
use crate::core::outbox::Change;
use crate::core::protocol::{Body, Cursor, Outcome, PushResult, Request};
use crate::core::pull_state::{PullState, restart};
use crate::core::record::{CollectionName, Epoch, OpId, RecordId, RowId};
use crate::core::restore::{Finish, Finished, ROWS_READ_MAX, Replay, ask, finish, next};
use crate::core::rows::{HistoryRow, meta};
use crate::core::trace::What;
use crate::mutation::{self, Mutation};
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

use super::asked::conflict_writes;
use super::marked::{is_overtaken, marked};
use super::push::STORES;
use super::void::Asked;
use super::{Client, Note, meta_row, meta_write, pages};

/// The cursor lost so often in a row is not a restored server but a broken one.
const LOST_CURSORS_MAX: u32 = 3;

/// What is being pushed again, if anything is.
pub(super) fn replay_of(rows: &Rows) -> Result<Option<Replay>, StoreError> {
    Ok(meta_row::<Option<Replay>>(rows, meta::REPLAY)?.flatten())
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// 410: the server does not know how far we are. Everything is asked for again; nothing here goes before its range is
    /// answered. `is_asked` says whether a state is the one that the request showed.
    pub(super) async fn cursor_lost(&self, is_asked: impl Fn(&PullState) -> bool, server_epoch: Epoch) -> Result<Moved, Failure> {
        self.check_server(server_epoch).await?;
        let lost = {
            let mut shared = self.shared.borrow_mut();
            shared.lost_cursors += 1;
            shared.lost_cursors
        };
        if lost > LOST_CURSORS_MAX {
            return Err(self.failure(&TransportError::CursorUnknown { server_epoch }));
        }
        self.start_over(is_asked).await.map_err(|error| self.storage_failure(&error))?;
        self.trace(What::Restarted);
        Ok(Moved { more: true })
    }

    async fn start_over(&self, is_asked: impl Fn(&PullState) -> bool) -> Result<(), StoreError> {
        let stores = [StoreName::Pages, StoreName::History, StoreName::Meta];
        let scope = Scope::strict(&stores, vec![Read::Meta]);
        let plan = |rows: &Rows| match meta_row::<PullState>(rows, meta::PULL) {
            Err(error) => Step::Write(vec![], Err(error)),
            // Another context was here first.
            Ok(state) if !is_asked(&state.clone().unwrap_or_default()) => Step::Write(vec![], Ok(())),
            Ok(_) if rows.stage == 0 => Step::Read(vec![Read::PagesSince(0), Read::HistoryLast(1)]),
            Ok(state) => match plan_start_over(&state.unwrap_or_default(), rows) {
                Ok(writes) => Step::Write(writes, Ok(())),
                Err(error) => Step::Write(vec![], Err(error)),
            },
        };
        self.store.update(scope, plan).await?.value?;
        self.refresh(None).await
    }

    /// One batch of what is pushed again.
    pub(super) async fn push_again(&self, asked: &Replay) -> Result<Moved, Failure> {
        let count_max = self.shared.borrow().engine.batch.count_max;
        let read = vec![Read::Outbox, Read::Meta, Read::HistoryFrom(asked.key, ROWS_READ_MAX)];
        let rows = self.store.read(read).await.map_err(|error| self.storage_failure(&error))?;
        if let Some((op_id, changes)) = ask(asked, &rows.history) {
            return self.ask_again(asked, op_id, changes).await;
        }
        let send = next(asked, &rows.history, count_max);
        if send.is_empty() {
            return self.pushed_again(asked, &[], None).await;
        }
        let request = self
            .push_request(&rows, &rows.outbox.iter().collect::<Vec<_>>(), send)
            .map_err(|error| self.storage_failure(&error))?;
        self.show_sending(&request, 0);
        let sent_at = self.host.now();
        match self.send(&Request::Push(request.clone())).await {
            Ok(answer) => {
                self.take_answer(&answer).await?;
                self.shared.borrow_mut().engine.batch.answered(self.host.now().since(sent_at));
                let Body::Push(results) = &answer.body else { return Err(Failure::Misconfigured) };
                self.learn_losses(&request, results).await.map_err(|error| self.storage_failure(&error))?;
                self.pushed_again(asked, &results.results, request.mark.as_ref()).await
            }
            Err(error) => match (self.is_to_blame(&error, &request).await?, request.parcels.first()) {
                // What makes the server fail is not sent again blindly: it may have it.
                (true, Some(parcel)) => self.ask_again(asked, parcel.op_id, parcel.changes.clone()).await,
                _ => Ok(Moved { more: true }),
            },
        }
    }

    /// Asks what became of a parcel of which only a part was confirmed.
    async fn ask_again(&self, asked: &Replay, op_id: OpId, changes: Vec<RowId>) -> Result<Moved, Failure> {
        let Some(Asked { result, shown, .. }) = self.ask_for(op_id, changes).await? else { return Ok(Moved { more: true }) };
        self.pushed_again(asked, &[result], shown.as_ref()).await
    }

    async fn pushed_again(&self, asked: &Replay, results: &[PushResult], shown: Option<&Cursor>) -> Result<Moved, Failure> {
        let moved = self.finish_again(asked, results, shown).await.map_err(|error| self.storage_failure(&error))?;
        self.refresh(None).await.map_err(|error| self.storage_failure(&error))?;
        self.note(Note::Wake(self.shared.borrow().sending.clone()));
        Ok(Moved { more: moved })
    }

    /// Writes what the answers mean, if nobody was here first. Whether anything moved.
    async fn finish_again(&self, asked: &Replay, results: &[PushResult], shown: Option<&Cursor>) -> Result<bool, StoreError> {
        let contact = self.contact();
        let theirs = results.iter().flat_map(|result| match &result.outcome {
            Outcome::Conflict { theirs } => theirs.as_slice(),
            _ => &[],
        });
        let theirs: Vec<(CollectionName, RecordId)> = theirs.map(|entry| (entry.collection.clone(), entry.id)).collect();
        let read = vec![Read::Outbox, Read::Conflicts, Read::Meta, Read::HistoryFrom(asked.key, ROWS_READ_MAX)];
        let state = |rows: &Rows| Ok((replay_of(rows)?, is_overtaken(results, shown, rows)?));
        let plan = |rows: &Rows| match state(rows) {
            Err(error) => Step::Write(vec![], Err(error)),
            Ok((replay, is_overtaken)) if is_overtaken || replay.as_ref() != Some(asked) => Step::Write(vec![], Ok(true)),
            Ok(_) if rows.stage == 0 => Step::Read(vec![Read::PagesOf(theirs.clone())]),
            Ok(_) => {
                let (schema, history, outbox) = (&*self.schema, &rows.history[..], &rows.outbox[..]);
                match plan_finish(&Finish { schema, replay: asked, history, outbox, results, contact }, rows) {
                    Ok((writes, moved)) => Step::Write(writes, Ok(moved)),
                    Err(error) => Step::Write(vec![], Err(error)),
                }
            }
        };
        self.store.update(Scope::strict(STORES, read), plan).await?.value
    }
}

/// The writes that begin a new lifetime of the server: what was known of the old one is set adrift.
fn plan_start_over(state: &PullState, rows: &Rows) -> Result<Vec<Write>, StoreError> {
    let mut set = pages::read(rows)?;
    set.set_adrift(|collection| state.selection.wants(collection));
    let mut writes = pages::writes(set, rows)?;
    writes.push(meta_write(meta::PULL, &restart(state)));
    let replay = Replay::begin(replay_of(rows)?, rows.history.last().map(|row| row.key));
    if replay.is_some() && !mutation::is(Mutation::RestoredUntold) {
        writes.push(meta_write(meta::REPLAY, &replay));
    }
    Ok(writes)
}

fn plan_finish(input: &Finish<'_>, rows: &Rows) -> Result<(Vec<Write>, bool), StoreError> {
    let mut set = pages::read(rows)?;
    let Finished { replay, amended, returned, parcels, conflicts } = finish(input, &mut set);
    pages::leave_out(&mut set, rows)?;
    let moved = replay.as_ref() != Some(input.replay);
    let mut writes = pages::writes(set, rows)?;
    writes.extend(amended.into_iter().map(Write::Amend));
    writes.extend(returned.iter().cloned().map(Write::PutBack));
    writes.extend(parcels.into_iter().map(Write::Parcel));
    if !returned.is_empty() {
        let returned: Vec<Change> = returned;
        writes.push(Write::History(HistoryRow { returned, ..crate::core::finish::empty_history(input.contact.now) }));
    }
    writes.extend(conflict_writes(conflicts, rows)?);
    writes.push(meta_write(meta::REPLAY, &replay));
    writes.extend(marked(input.results, rows)?);
    Ok((writes, moved))
}
