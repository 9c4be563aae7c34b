//! Void: a parcel whose answer was lost is asked about; if it never came, it never will be applied.

use fieldsync::core::protocol::{Outcome, PushResult, VoidRequest};
use fieldsync::mutation::{self, Mutation};

use super::cursor::Place;
use super::push::{newest, reused, tells};
use super::{Context, SyncError};
use crate::db::{LedgerRow, Tx};

/// The final answer that the op_id had, or from now on has.
///
/// # Errors
/// If the mark is not known, or the database's.
pub fn void(tx: &mut dyn Tx, context: &Context<'_>, request: &VoidRequest) -> Result<PushResult, SyncError> {
    if let Some(mark) = &request.mark {
        Place::decode(tx, context, mark)?;
    }
    let outcome = match tx.ledger(request.op_id)? {
        Some(row) if row.user == context.user.id => row.outcome,
        Some(_) => reused(),
        None => {
            let rows = tx.applied_rows(&request.changes)?;
            let outcome = if rows.is_empty() { Outcome::Voided } else { Outcome::Known { rows } };
            let row = LedgerRow {
                op_id: request.op_id,
                user: context.user.id,
                payload_hash: None,
                rows: request.changes.clone(),
                outcome: outcome.clone(),
                at: context.now,
            };
            if !mutation::is(Mutation::VoidUnwritten) {
                tx.put_ledger(&row)?;
            }
            outcome
        }
    };
    let mark = if tells(&outcome) { Some(newest(tx, context)?) } else { None };
    Ok(PushResult { op_id: request.op_id, mark, outcome })
}
