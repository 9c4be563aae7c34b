//! What was lost with other stores of this user in this browser: hearing of it, and saying that this one goes.

use crate::core::loss::Losses;
use crate::core::machine::{Failure, Moved};
use crate::core::protocol::{Body, PushAnswer, PushRequest, Request};
use crate::core::rows::meta;
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

use super::{Client, Note, meta_row, meta_write};

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// A push of nothing: to hear what was lost, or to say that less is open than the server thinks. That it fails is no
    /// reason not to pull.
    pub(super) async fn tell(&self, request: &PushRequest) -> Result<Moved, Failure> {
        match self.send(&Request::Push(request.clone())).await {
            Ok(answer) => {
                self.take_answer(&answer).await?;
                let Body::Push(told) = &answer.body else { return Err(Failure::Misconfigured) };
                self.learn_losses(request, told).await.map_err(|error| self.storage_failure(&error))?;
            }
            Err(TransportError::CursorUnknown { server_epoch }) => {
                return self.cursor_lost(|state| state.is_shown_by(request), server_epoch).await;
            }
            Err(error @ (TransportError::Away { ours: true, retry_after_ms: None, .. } | TransportError::Unsupported)) => {
                self.note_transport(&error);
            }
            Err(error) => return Err(self.failure(&error)),
        }
        Ok(Moved { more: false })
    }

    /// Notes what an answer says of losses, and what the server takes to be open here now; where that is not noted with the
    /// answer itself. Before what the answer means: a crash in between leaves what is sent again.
    pub(super) async fn learn_losses(&self, request: &PushRequest, answer: &PushAnswer) -> Result<(), StoreError> {
        let is_news = {
            let shared = self.shared.borrow();
            shared.losses.learn(request, answer) != shared.losses
        };
        if is_news { self.update_losses(|losses| losses.learn(request, answer)).await } else { Ok(()) }
    }

    /// The user was told what was lost, and need not be told again.
    ///
    /// # Errors
    /// If it cannot be noted.
    pub async fn acknowledge_loss(&self) -> Result<(), StoreError> {
        self.update_losses(Losses::acknowledge).await?;
        self.note(Note::Wake(None));
        Ok(())
    }

    async fn update_losses(&self, change: impl Fn(&Losses) -> Losses) -> Result<(), StoreError> {
        let scope = Scope::relaxed(&[StoreName::Meta], vec![Read::Meta]);
        let plan = |rows: &Rows| match meta_row::<Losses>(rows, meta::LOSSES) {
            Ok(noted) => {
                let losses = change(&noted.unwrap_or_default());
                Step::Write(vec![meta_write(meta::LOSSES, &losses)], Ok(losses))
            }
            Err(error) => Step::Write(Vec::<Write>::new(), Err(error)),
        };
        let losses = self.store.update(scope, plan).await?.value?;
        self.shared.borrow_mut().losses = losses;
        self.note(Note::Status);
        Ok(())
    }

    /// Says to the server that the app deletes this store: what is open in it is not lost. A cycle after it takes it back.
    ///
    /// # Errors
    /// If the server was not told.
    pub async fn goodbye(&self) -> Result<(), TransportError> {
        let unreadable = |error: StoreError| TransportError::Misconfigured { status: 0, detail: error.to_string() };
        let rows = self.store.read(vec![Read::Outbox, Read::Meta]).await.map_err(unreadable)?;
        let now = self.push_request(&rows, &rows.outbox.iter().collect::<Vec<_>>(), vec![]).map_err(unreadable)?;
        // How far it pulled does not matter any more: a server that was restored hears a goodbye, too.
        let request = PushRequest { goodbye: true, cursor: None, mark: None, ..now };
        self.send(&Request::Push(request)).await.map(drop)
    }
}

/// What an answer says of losses, if it is news.
pub(super) fn learned(request: &PushRequest, answer: &PushAnswer, rows: &Rows) -> Result<Option<Write>, StoreError> {
    let noted: Losses = meta_row(rows, meta::LOSSES)?.unwrap_or_default();
    let learned = noted.learn(request, answer);
    Ok((learned != noted).then(|| meta_write(meta::LOSSES, &learned)))
}
