//! Work that is stuck, and the repair: memory is built anew from the store. The shell steals the lock, has the connection
//! opened again, and runs a cycle.

use crate::core::stuck::Stuck;
use crate::core::trace::What;
use crate::data::table::Tables;
use crate::ports::{Host, Store, StoreError, Transport};

use super::own::Written;
use super::{Client, Marks, Note, Shared};

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// To be asked about once a minute while the page is seen: whether it is to repair itself now.
    pub fn wants_repair(&self) -> bool {
        let now = self.host.now();
        let mut shared = self.shared.borrow_mut();
        shared.watch.look(now);
        shared.stuck = stuck(&shared, now);
        let is_stuck = shared.stuck.is_some();
        let wants = is_stuck && shared.watch.may_repair(now);
        if wants {
            shared.watch.repaired(now);
        }
        drop(shared);
        if is_stuck {
            self.note(Note::Status);
        }
        wants
    }

    /// Builds memory anew from the store, and forgets a cycle that hangs: if its answer comes after all, nobody waits for it.
    ///
    /// # Errors
    /// Why the store cannot be read; memory stays as it was.
    pub async fn rebuild(&self) -> Result<(), StoreError> {
        self.trace(What::Repaired);
        {
            let mut shared = self.shared.borrow_mut();
            shared.engine.machine = shared.engine.machine.kept();
            shared.sending = None;
        }
        let rows = self.read_since(Marks::default()).await?;
        {
            let mut shared = self.shared.borrow_mut();
            // What a refresh that is under way has read is of the memory before.
            shared.turns.begun += 1;
            shared.turns.taken = shared.turns.begun;
            shared.marks = Marks::default();
            // One under way ends with this.
            shared.loading = None;
            shared.tables = shared.tables.is_some().then(|| Tables::new(self.schema.clone()));
        }
        self.take_rows(&rows, Marks::default(), &Written::default())?;
        // What was saved meanwhile.
        self.refresh(None).await?;
        self.note_error("stuck", "work did not go although the server answers; everything was opened anew".to_owned());
        self.write_trace(vec![self.engine_row()]).await?;
        self.note(Note::Changed(self.schema.collections.iter().map(|collection| collection.name.clone()).collect()));
        Ok(())
    }
}

/// What could have gone for long.
pub(super) fn stuck(shared: &Shared, now: crate::core::record::Millis) -> Option<Stuck> {
    let tables = shared.tables.as_ref()?;
    let is_stuck = |since| shared.watch.is_stuck(since, &shared.engine, now);
    // Cheap first: most of the time nothing is old.
    tables.outbox().next().filter(|oldest| is_stuck(oldest.saved_at))?;
    let old: Vec<_> = tables.sendable(now).into_values().filter(|since| is_stuck(*since)).collect();
    Some(Stuck { records: old.len(), since: *old.iter().min()? })
}
