//! Pushes that failed: what is tried otherwise, and which change is put by because it makes the server fail.

use crate::core::batch::{AfterFailure, PUT_BY_MS};
use crate::core::machine::{Failure, Moved};
use crate::core::parcel::Parcel;
use crate::core::protocol::PushRequest;
use crate::core::record::OpId;
use crate::mutation::{self, Mutation};
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

use super::Client;

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// After a push without an answer of ours.
    pub(super) async fn push_failed(&self, error: &TransportError, request: &PushRequest) -> Result<Moved, Failure> {
        let blamed = self.is_to_blame(error, request).await;
        if blamed == Ok(true) || mutation::is(Mutation::OutageCounts) {
            let first = request.parcels.first().map(|parcel| parcel.op_id);
            self.put_by(first).await.map_err(|error| self.storage_failure(&error))?;
        }
        blamed.map(|_| Moved { more: true })
    }

    /// Whether the one parcel that was sent makes the server fail. If not, and it is no failure, the next try goes otherwise.
    pub(super) async fn is_to_blame(&self, error: &TransportError, request: &PushRequest) -> Result<bool, Failure> {
        let sent = request.parcels.len();
        let what = match error {
            TransportError::CursorUnknown { server_epoch } => {
                return self.cursor_lost(|state| state.is_shown_by(request), *server_epoch).await.map(|_| false);
            }
            // The transport sends uncompressed from now on; a server that refuses that too does not understand this app.
            TransportError::Unsupported if !self.shared.borrow().plain => {
                self.shared.borrow_mut().plain = true;
                return Ok(false);
            }
            TransportError::TooLarge => self.shared.borrow_mut().engine.batch.too_large(sent),
            // Our server fails on this batch and says nothing of when to come again. If reads work, one change is to blame;
            // and what is read is taken: the rest does not wait for that one.
            TransportError::Away { ours: true, retry_after_ms: None, .. } if self.pull().await.is_ok() => {
                self.shared.borrow_mut().engine.batch.failed(sent)
            }
            _ => AfterFailure::Wait,
        };
        if what == AfterFailure::Wait {
            return Err(self.failure(error));
        }
        self.note_transport(error);
        Ok(what == AfterFailure::PutBy)
    }

    /// The one change that makes the server fail waits, shown; the rest goes on.
    async fn put_by(&self, op_id: Option<OpId>) -> Result<(), StoreError> {
        let now = self.host.now();
        let until = now.plus(PUT_BY_MS);
        let scope = Scope::strict(&[StoreName::Parcels], vec![Read::ParcelsOf(op_id.into_iter().collect())]);
        let plan = |rows: &Rows| {
            let put = |parcel: &Parcel| Parcel { attempts: parcel.attempts + 1, next_attempt_at: Some(until), ..parcel.clone() };
            Step::Write(
                rows.parcels
                    .iter()
                    .filter(|parcel| parcel.is_open() && !parcel.waits(now))
                    .map(|parcel| Write::Parcel(put(parcel)))
                    .collect(),
                (),
            )
        };
        self.store.update(scope, plan).await?;
        self.refresh(None).await
    }
}
