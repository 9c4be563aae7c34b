//! Push: parcels in order, each alone in its trouble, each once for ever.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fieldsync::core::protocol::{
    Cursor, Outcome, PUSH_PARCELS_MAX, Problem, ProblemCode, PushAnswer, PushParcel, PushRequest, PushResult,
};
use fieldsync::core::record::RecordId;
use fieldsync::mutation::{self, Mutation};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::apply;
use super::check::Refusal;
use super::cursor::Place;
use super::spelling::Spelling;
use super::{Context, SyncError, hooks, loss};
use crate::db::{HistoryRow, LedgerRow, Tx};

/// How long a client with a newer schema than the server's is told to wait, in seconds.
const NEWER_SCHEMA_RETRY_S: u32 = 60;

/// How what one parcel wrote is kept apart from the others, so that it can be undone alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apart {
    /// Several items have a part of the transaction of their own. One item alone is checked before it is written, so there is
    /// nothing to undo unless the server itself breaks, which is [`SyncError::Torn`]. A part costs as much as the writes in it.
    Groups,
    /// Each parcel has a part of its own.
    Each,
}

/// What a push came to.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// What the device is told.
    pub answer: PushAnswer,
    /// How many conflicts it has put to its user since it last said so.
    pub conflicts: u64,
    /// How many records were merged about which nobody was asked, in what this push applied.
    pub merges: u64,
}

/// Applies what can be applied, and answers for each parcel. The caller commits the transaction before it answers; a
/// preview is the same in a transaction that is rolled back. `random` gives the tags of commits.
///
/// # Errors
/// If the request as a whole was not done; then nothing of it is to be kept. After [`SyncError::Torn`] it is to be done
/// again with [`Apart::Each`].
pub fn push(
    tx: &mut dyn Tx,
    context: &Context<'_>,
    random: &mut dyn FnMut() -> u64,
    apart: Apart,
    request: &PushRequest,
) -> Result<Pushed, SyncError> {
    if request.parcels.len() > PUSH_PARCELS_MAX {
        return Err(SyncError::TooMany);
    }
    for place in request.cursor.iter().chain(&request.mark) {
        Place::decode(tx, context, place)?;
    }
    if context.hooks && request.parcels.iter().any(|parcel| has_mark(parcel, hooks::FAIL)) {
        return Err(SyncError::Hook);
    }
    for parcel in request.parcels.iter().filter(|parcel| parcel.schema < context.schema_min) {
        if tx.ledger(parcel.op_id)?.is_none() {
            return Err(SyncError::Outdated);
        }
    }
    let (mut failed, mut merges) = (HashSet::new(), 0);
    let mut results = Vec::with_capacity(request.parcels.len());
    for parcel in &request.parcels {
        let (outcome, merged) = settle(tx, context, random, apart, &failed, parcel)?;
        merges += merged;
        if !matches!(outcome, Outcome::Applied { .. } | Outcome::Known { .. }) {
            failed.extend(parcel.items.iter().map(|item| item.id));
        }
        results.push(PushResult { op_id: parcel.op_id, mark: None, outcome });
    }
    if let Some(last) = results.iter_mut().rfind(|result| tells(&result.outcome)) {
        last.mark = Some(newest(tx, context)?);
    }
    let (lost, conflicts) = loss::account(tx, context, request, &results)?;
    Ok(Pushed { answer: PushAnswer { results, lost }, conflicts, merges })
}

/// Whether the answer tells of commits that the device's cursor may be before.
pub(super) fn tells(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Applied { .. } | Outcome::Known { .. } | Outcome::Conflict { .. })
}

/// The newest commit, as a device shows it again: see [`PushResult::mark`].
pub(super) fn newest(tx: &mut dyn Tx, context: &Context<'_>) -> Result<Cursor, SyncError> {
    let head = tx.head()?;
    Ok(Place::at(tx, head, context.user.id, Vec::new())?.encode())
}

fn has_mark(parcel: &PushParcel, mark: &str) -> bool {
    parcel.items.iter().any(|item| hooks::holds(&item.patch, mark))
}

/// What tells a parcel from another under the same op_id: what it is to do, and not how it spells its numbers.
fn payload_hash(parcel: &PushParcel) -> [u8; 32] {
    let mut text = Vec::new();
    // A parcel came as JSON, so it goes as JSON.
    let _ = parcel.clone().uncounted().serialize(&mut serde_json::Serializer::with_formatter(&mut text, Spelling));
    Sha256::digest(text).into()
}

/// The one answer to a parcel, from the ledger or now; and how many of its records were merged, if it was applied now.
fn settle(
    tx: &mut dyn Tx,
    context: &Context<'_>,
    random: &mut dyn FnMut() -> u64,
    apart: Apart,
    failed: &HashSet<RecordId>,
    parcel: &PushParcel,
) -> Result<(Outcome, u64), SyncError> {
    let payload_hash = payload_hash(parcel);
    if let Some(row) = tx.ledger(parcel.op_id)?.filter(|_| !mutation::is(Mutation::LedgerSkipped)) {
        let same = row.user == context.user.id && row.payload_hash.is_none_or(|hash| hash == payload_hash);
        return Ok((if same { row.outcome } else { reused() }, 0));
    }
    let mut rows = tx.applied_rows(&parcel.changes)?;
    if mutation::is(Mutation::RowsIgnored) {
        rows.clear();
    }
    let outcome = if rows.is_empty() { attempt(tx, context, random(), apart, failed, parcel)? } else { Outcome::Known { rows } };
    if outcome.is_final() && !mutation::is(Mutation::LedgerUnwritten) {
        tx.put_ledger(&LedgerRow {
            op_id: parcel.op_id,
            user: context.user.id,
            payload_hash: Some(payload_hash),
            rows: parcel.changes.clone(),
            outcome: outcome.clone(),
            at: context.now,
        })?;
    }
    let is_applied = matches!(outcome, Outcome::Applied { .. });
    Ok((outcome, if is_applied { merges(tx, context, parcel)? } else { 0 }))
}

/// The records of a parcel, which is applied now, that somebody else had written since its changes were made: merged, and nobody
/// was asked. What was seen tells it and not what the server refused: most merges a device makes before it pushes.
fn merges(tx: &mut dyn Tx, context: &Context<'_>, parcel: &PushParcel) -> Result<u64, SyncError> {
    let me = context.by();
    let mut merges = 0;
    for item in parcel.items.iter() {
        let Some(seen) = item.seen_version else { continue };
        // The same user on another device is somebody else; and what a rule put aside was not written.
        let is_theirs = |row: &HistoryRow| !row.set_aside && (row.by.id, row.by.device) != (me.id, me.device);
        merges += u64::from(tx.history(&item.collection, item.id, seen)?.iter().any(is_theirs));
    }
    Ok(merges)
}

/// The answer to an op_id that is another's: the same whatever became of that one.
#[must_use]
pub(super) fn reused() -> Outcome {
    Outcome::Rejected { problem: Problem::new(ProblemCode::OpIdReused, "") }
}

/// Applies a parcel. What it wrote is undone if it fails, whatever way it fails.
fn attempt(
    tx: &mut dyn Tx,
    context: &Context<'_>,
    tag: u64,
    apart: Apart,
    failed: &HashSet<RecordId>,
    parcel: &PushParcel,
) -> Result<Outcome, SyncError> {
    if parcel.schema > context.schema.schema {
        // The app was updated before the server was: not the parcel's fault.
        return Ok(Outcome::Retry { after: Some(NEWER_SCHEMA_RETRY_S) });
    }
    let has_part = apart == Apart::Each || parcel.items.len() != 1;
    if has_part {
        tx.begin_part()?;
    }
    let mut wrote = false;
    // What a panic leaves half done in the transaction is undone with the part, or with all of it; nothing else is shared.
    let done = catch_unwind(AssertUnwindSafe(|| apply::parcel(tx, context, tag, failed, parcel, &mut wrote)));
    let outcome = match done {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(Refusal::Rejected(problem))) => Outcome::Rejected { problem: *problem },
        Ok(Err(Refusal::Conflict(theirs))) => Outcome::Conflict { theirs },
        Ok(Err(Refusal::Blocked(by))) => Outcome::Blocked { by },
        Ok(Err(Refusal::Db(error))) => return Err(error.into()),
        Err(_) => {
            tracing::error!(op_id = %parcel.op_id, "a parcel made the server panic");
            Outcome::Retry { after: None }
        }
    };
    let is_kept = matches!(outcome, Outcome::Applied { .. }) || mutation::is(Mutation::HalfIsKept);
    if has_part {
        tx.end_part(is_kept)?;
    } else if wrote && !is_kept {
        return Err(SyncError::Torn);
    }
    Ok(outcome)
}
