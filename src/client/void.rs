//! Asking for a parcel's final outcome: the answer that it had, or a promise that it never gets one.

use crate::core::machine::{Failure, Moved};
use crate::core::parcel::Parcel;
use crate::core::protocol::{Answer, Body, Cursor, PushResult, Request, VoidRequest};
use crate::core::pull_state::PullState;
use crate::core::record::{OpId, RowId};
use crate::core::rows::meta;
use crate::core::trace::What;
use crate::ports::{Host, Read, Store, Transport, TransportError};

use super::push::Waits;
use super::{Client, meta_row};

/// What became of a parcel, and the mark that was shown when it was asked for.
pub(super) struct Asked {
    answer: Answer,
    pub(super) result: PushResult,
    pub(super) shown: Option<Cursor>,
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Asks for the outcome of each.
    pub(super) async fn void_all(&self, parcels: &[Parcel]) -> Result<Moved, Failure> {
        for parcel in parcels {
            self.void(parcel).await?;
        }
        Ok(Moved { more: true })
    }

    /// Asks for the outcome of a parcel that the user wants back. Whether it is known now.
    pub(super) async fn void(&self, parcel: &Parcel) -> Result<bool, Failure> {
        let Some(Asked { answer, result, shown }) = self.ask_for(parcel.op_id, parcel.rows.clone()).await? else {
            return Ok(false);
        };
        let finished = self.finish_push(&answer, &[result], shown.as_ref(), None, Waits::Nobody).await;
        Ok(finished.map_err(|error| self.storage_failure(&error))?.is_some())
    }

    /// The final answer that a parcel had, or from now on has: of the server that it was sent to, and of no other. Nothing if
    /// that was restored from a backup, and all is started over.
    pub(super) async fn ask_for(&self, op_id: OpId, changes: Vec<RowId>) -> Result<Option<Asked>, Failure> {
        let server_epoch = self.shared.borrow().server_epoch;
        let rows = self.store.read(vec![Read::Meta]).await.map_err(|error| self.storage_failure(&error))?;
        let pull: Option<PullState> = meta_row(&rows, meta::PULL).map_err(|error| self.storage_failure(&error))?;
        let shown = pull.and_then(|pull| pull.mark);
        self.trace(What::Asked(op_id));
        let request = VoidRequest { op_id, changes, server_epoch, mark: shown.clone() };
        let answer = match self.send(&Request::Void(request)).await {
            Ok(answer) => answer,
            Err(TransportError::CursorUnknown { server_epoch }) => {
                return self.cursor_lost(|state| state.mark == shown, server_epoch).await.map(|_| None);
            }
            Err(error) => return Err(self.failure(&error)),
        };
        self.take_answer(&answer).await?;
        let Body::Void(result) = &answer.body else { return Err(Failure::Misconfigured) };
        let result = result.clone();
        Ok(Some(Asked { answer, result, shown }))
    }
}
