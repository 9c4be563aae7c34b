//! The trace of a context: noted in memory, and written when a cycle rests, in the engine's own transaction. A save stays
//! one append. What a context notes and never writes (it was killed) is lost, and nothing else.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Value, json};

use crate::core::finish::Finished;
use crate::core::protocol::PushResult;
use crate::core::pull_state::PullState;
use crate::core::push::Begun;
use crate::core::record::OpId;
use crate::core::rows::derived;
use crate::core::trace::{Answered, Head, SEGMENTS, What, newest};
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

use super::Client;

/// So much is kept in memory between rests before it is written without one: an outage is long.
const UNWRITTEN_MAX: usize = 200;

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Notes what happened, without a field value in it.
    pub(super) fn trace(&self, what: What) {
        let now = self.host.now();
        self.shared.borrow_mut().trace.note(now, what);
    }

    /// Writes what was noted, with these writes of `meta`.
    pub(super) async fn write_trace(&self, also: Vec<Write>) -> Result<(), StoreError> {
        let lines = self.shared.borrow_mut().trace.take();
        if lines.is_empty() && also.is_empty() {
            return Ok(());
        }
        let scope = Scope::relaxed(&[StoreName::Meta, StoreName::Derived], vec![Read::Derived(derived::TRACE.into())]);
        let plan = |rows: &Rows| {
            let head = head(rows).next();
            let slot = slot(head.segment % SEGMENTS);
            if rows.stage == 0 && head.entries > 0 {
                return Step::Read(vec![Read::Derived(slot)]);
            }
            let mut bytes = rows.derived.get(&slot).filter(|_| head.entries > 0).cloned().unwrap_or_default();
            lines.iter().for_each(|line| bytes.extend([line.as_bytes(), b"\n"].concat()));
            let mut writes = also.clone();
            if !lines.is_empty() {
                let head = serde_json::to_vec(&head.with(lines.len())).unwrap_or_default(); // Three numbers.
                writes.extend([Write::Derived(slot, bytes), Write::Derived(derived::TRACE.into(), head)]);
            }
            Step::Write(writes, ())
        };
        let written = self.store.update(scope, plan).await;
        written.map(drop).inspect_err(|_| self.shared.borrow_mut().trace.put_back(lines.clone()))
    }

    pub(super) fn trace_begun(&self, begun: &Begun) {
        if !begun.ended.is_empty() {
            self.trace(What::Ended(begun.ended.iter().map(|ended| ended.row).collect()));
        }
        if !begun.parcels.is_empty() {
            self.trace(What::Begun(begun.parcels.iter().map(Into::into).collect()));
        }
    }

    /// Only answers that were taken: another context may have been here first.
    pub(super) fn trace_answered(&self, results: &[PushResult], finished: &Finished) {
        let put = finished.put.iter().map(|parcel| parcel.op_id);
        let taken: BTreeSet<OpId> = put.chain(finished.removed.iter().copied()).collect();
        let taken = results.iter().filter(|result| taken.contains(&result.op_id));
        self.trace(What::Answered(taken.map(|result| Answered::new(result.op_id, &result.outcome)).collect()));
    }

    pub(super) fn trace_pulled(&self, asked: &PullState, entries: usize, more: bool) {
        let moved = {
            let pull = &self.shared.borrow().pull;
            pull.cursor != asked.cursor || pull.snapshot != asked.snapshot
        };
        self.trace(What::Pulled { entries, moved, more });
    }

    /// In an outage there is no rest for a while.
    pub(super) async fn write_long_trace(&self) {
        let unwritten = self.shared.borrow().trace.len();
        if unwritten > UNWRITTEN_MAX
            && let Err(error) = self.write_trace(vec![]).await
        {
            self.note_store(&error);
        }
    }

    /// The trace of all contexts: see `core::trace::Trace`.
    pub(super) async fn export_trace(&self) -> Result<Value, StoreError> {
        self.write_trace(vec![]).await?;
        let slots = (0..SEGMENTS).map(|number| Read::Derived(slot(number)));
        let rows = self.store.read(slots.chain([Read::Derived(derived::TRACE.into())]).collect()).await?;
        let head = head(&rows);
        let texts: Vec<&str> =
            head.slots().filter_map(|number| rows.derived.get(&slot(number))).map(|bytes| text(bytes)).collect();
        let (dropped, lines) = newest(head, texts.iter().flat_map(|text| text.lines()).collect());
        let entries: VecDeque<Value> = lines.into_iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(json!({"dropped": dropped, "entries": entries}))
    }
}

/// The variant's name.
pub(super) fn store_name(error: &StoreError) -> &'static str {
    match error {
        StoreError::Full => "full",
        StoreError::Blocked => "blocked",
        StoreError::Closed => "closed",
        StoreError::Newer => "newer",
        StoreError::Corrupt(..) => "corrupt",
        StoreError::Unknown(_) => "unknown",
    }
}

/// The variant's name.
pub(super) fn network_name(error: &TransportError) -> &'static str {
    match error {
        TransportError::Away { ours: true, .. } => "away-ours",
        TransportError::Away { ours: false, .. } => "away",
        TransportError::SignedOut => "signed-out",
        TransportError::WrongUser => "wrong-user",
        TransportError::CursorUnknown { .. } => "cursor-unknown",
        TransportError::TooLarge => "too-large",
        TransportError::Unsupported => "unsupported",
        TransportError::Outdated => "outdated",
        TransportError::Misconfigured { .. } => "misconfigured",
    }
}

/// The name of a segment of the trace.
pub(super) fn slot(number: u32) -> String {
    format!("{}/{number}", derived::TRACE)
}

/// What cannot be read begins anew: it is a diagnostic.
fn head(rows: &Rows) -> Head {
    rows.derived.get(derived::TRACE).and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
