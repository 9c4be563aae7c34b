//! Which server this database is for. Another one under the same address is another database's: nothing of its answers is
//! taken, and nothing of what is here goes to it.

use crate::core::machine::{Failure, Machine, State};
use crate::core::protocol::Envelope;
use crate::core::record::Epoch;
use crate::core::rows::meta;
use crate::core::trace::What;
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport};

use super::{Client, meta_row, meta_write};

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// This database was opened for the server of this epoch, because that one answers now: a new one takes no other, and one
    /// that stopped for another server goes on.
    ///
    /// # Errors
    /// If it cannot be noted.
    pub async fn is_for(&self, epoch: Epoch) -> Result<(), StoreError> {
        self.note_server(epoch).await?;
        let goes_on = {
            let mut shared = self.shared.borrow_mut();
            let machine = &mut shared.engine.machine;
            let has_stopped = matches!(machine.state, State::OtherServer { .. });
            if has_stopped {
                *machine = Machine::default();
                let state = machine.state;
                shared.trace.note(self.host.now(), What::Took { state });
            }
            has_stopped
        };
        if goes_on { self.write_trace(vec![self.engine_row()]).await } else { Ok(()) }
    }

    /// Notes what every answer carries: the server's lifetime and its clock.
    pub(super) async fn take_answer<B>(&self, answer: &Envelope<B>) -> Result<(), Failure> {
        self.check_server(answer.server_epoch).await?;
        self.note_answer(answer);
        self.shared.borrow_mut().lost_cursors = 0;
        Ok(())
    }

    /// Whether it is the server that this database is for; a new database takes the first that answers.
    pub(super) async fn check_server(&self, epoch: Epoch) -> Result<(), Failure> {
        // It is written once, so what was read of it stays so.
        if self.shared.borrow().server_epoch == Some(epoch) {
            return Ok(());
        }
        let known = self.note_server(epoch).await.map_err(|error| self.storage_failure(&error))?;
        if known == epoch {
            return Ok(());
        }
        self.note_error("other-server", "another server has this address".to_owned());
        Err(Failure::OtherServer { epoch })
    }

    /// Writes it down, if none is. Gives back what stands there.
    async fn note_server(&self, epoch: Epoch) -> Result<Epoch, StoreError> {
        let scope = Scope::strict(&[StoreName::Meta], vec![Read::Meta]);
        let plan = |rows: &Rows| match meta_row::<Epoch>(rows, meta::SERVER_EPOCH) {
            Ok(None) => Step::Write(vec![meta_write(meta::SERVER_EPOCH, &epoch)], Ok(epoch)),
            Ok(Some(known)) => Step::Write(vec![], Ok(known)),
            Err(error) => Step::Write(vec![], Err(error)),
        };
        let known = self.store.update(scope, plan).await?.value?;
        self.shared.borrow_mut().server_epoch = Some(known);
        Ok(known)
    }
}
