//! Two batches at once: the next one is begun while one is on its way, and sent while the answer to that is written. So server,
//! network and disk work while this device does. Never more than two, and only as long as all goes well: whatever else there is
//! to do is done when nothing is on its way. The first batch of a cycle goes alone: what is begun can be taken back only by asking
//! the server, and nobody knows yet whether that is there.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use crate::core::loss::unsent;
use crate::core::machine::{Failure, Moved};
use crate::core::outbox::{Change, ranges};
use crate::core::protocol::{Answer, Body, Outcome, PushAnswer, PushRequest, Request};
use crate::core::push::{Begun, must_be_asked};
use crate::core::record::{OpId, RowId};
use crate::mutation::{self, Mutation};
use crate::ports::{Host, Store, Transport, TransportError};

use super::Client;
use super::marked::newest;

/// What a begin came to, and what is sent of it.
pub(super) type Batch = (Begun, PushRequest);

/// A batch that was sent, and what came of it.
pub(super) struct Sent {
    begun: Begun,
    request: PushRequest,
    answer: Result<Answer, TransportError>,
    took_ms: i64,
}

impl Sent {
    pub(super) fn request(&self) -> &PushRequest {
        &self.request
    }
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Sends a batch behind an answer, and begins the next one meanwhile if there is more than it took.
    pub(super) async fn send_next(&self, batch: Batch) -> Sent {
        let is_more = {
            let shared = self.shared.borrow();
            let (begun, request) = &batch;
            shared.tables.is_some() && (begun.is_full || request.parcels.len() >= shared.engine.batch.count_max)
        };
        if !is_more {
            return self.send_batch(batch).await;
        }
        let sent = batch.1.parcels.iter().map(|parcel| parcel.op_id).collect();
        both(self.begin_behind(sent), self.send_batch(batch)).await.1
    }

    /// Begins what goes after what is on its way. What cannot be begun now is, or says why not, when it is its turn.
    async fn begin_behind(&self, sent: BTreeSet<OpId>) {
        match self.begin_push(&sent).await {
            Ok(batch) => self.shared.borrow_mut().next = Some(batch).filter(|(_, request)| !request.parcels.is_empty()),
            Err(error) => self.note_store(&error),
        }
    }

    pub(super) async fn send_batch(&self, (begun, request): Batch) -> Sent {
        let sent_at = self.host.now();
        let asked = Request::Push(request.clone());
        let answer = self.send(&asked).await;
        Sent { begun, request, answer, took_ms: self.host.now().since(sent_at) }
    }

    /// Takes what came of a batch, and sends the next one meanwhile if it can go.
    pub(super) async fn take_sent(&self, sent: Sent) -> Result<Moved, Failure> {
        let Sent { begun, request, answer, took_ms } = sent;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.push_failed(&error, &request).await,
        };
        self.take_answer(&answer).await?;
        {
            let batch = &mut self.shared.borrow_mut().engine.batch;
            batch.answered(took_ms);
            if begun.is_full {
                batch.filled(request.parcels.len());
            }
        }
        let Some(next) = self.next_ahead(&answer, &request) else { return self.take_results(&answer, &request).await };
        self.shared.borrow_mut().on_the_way = next.1.parcels.iter().map(|parcel| parcel.op_id).collect();
        let (moved, sent) = both(self.take_results(&answer, &request), self.send_batch(next)).await;
        let mut shared = self.shared.borrow_mut();
        (shared.sent, shared.on_the_way) = (Some(sent), BTreeSet::new());
        moved
    }

    /// What goes while this answer is written: what was begun behind it, if it confirmed all it was asked, and nobody wants
    /// anything back.
    fn next_ahead(&self, answer: &Answer, request: &PushRequest) -> Option<Batch> {
        let Body::Push(PushAnswer { results, .. }) = &answer.body else { return None };
        let is_applied = results.iter().all(|result| matches!(result.outcome, Outcome::Applied { .. }));
        let shared = &mut *self.shared.borrow_mut();
        let tables = shared.tables.as_ref().filter(|_| is_applied && results.len() == request.parcels.len())?;
        let is_asked = tables.parcels().iter().any(|parcel| must_be_asked(parcel, tables.parcels()));
        if is_asked || shared.replay.is_some() {
            return None;
        }
        let (begun, next) = shared.next.take()?;
        // It was begun before this answer: what that confirmed is open no more, and its commit is the newest.
        let confirmed: BTreeSet<RowId> = request.parcels.iter().flat_map(|parcel| parcel.changes.iter().copied()).collect();
        let outbox: Vec<&Change> = tables.outbox().filter(|change| !confirmed.contains(&change.row)).collect();
        let open =
            if mutation::is(Mutation::OpenUntold) { vec![] } else { ranges(outbox.iter().map(|change| change.client_seq)) };
        let mark = newest(results).or(next.mark);
        Some((begun, PushRequest { open, open_records: unsent(&outbox).records, mark, ..next }))
    }
}

/// Both, side by side.
pub(super) async fn both<A, B>(a: impl Future<Output = A>, b: impl Future<Output = B>) -> (A, B) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    poll_fn(|context| {
        // The second first: what waits for the network is on its way before the disk is waited for.
        if of_b.is_none()
            && let Poll::Ready(done) = b.as_mut().poll(context)
        {
            of_b = Some(done);
        }
        if of_a.is_none()
            && let Poll::Ready(done) = a.as_mut().poll(context)
        {
            of_a = Some(done);
        }
        match (of_a.take(), of_b.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (of_a, of_b) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}
