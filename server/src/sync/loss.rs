//! Loss accounting: which stores of a user in a browser are gone, and what was open in them. A store is gone when another
//! one of the same user, browser and origin comes after it and it does not push again. See `core::loss` for the counting.

use fieldsync::core::protocol::{LostEpoch, PushRequest, PushResult};

use fieldsync::mutation::{self, Mutation};

use super::Context;
use crate::db::{DeviceRow, Result, Standing, Tx};

/// How long a store is remembered that is not heard of: as long as its browser keeps its id. After that nobody could be told.
const DEVICE_MS_MAX: i64 = 400 * 24 * 60 * 60 * 1_000;

/// Notes what this push says of its store. Gives back what is gone beside it, and not known to the user yet; and how many
/// conflicts the store has put to its user since it last said so.
///
/// # Errors
/// The database's.
pub(super) fn account(
    tx: &mut dyn Tx,
    context: &Context<'_>,
    request: &PushRequest,
    results: &[PushResult],
) -> Result<(Vec<LostEpoch>, u64)> {
    let old = tx.device(context.user.id, request.device, request.epoch)?;
    if old.is_none() {
        // There is a row for each store that ever was: now and then the oldest go.
        tx.drop_devices(context.now.plus(-DEVICE_MS_MAX))?;
    }
    // A phone that was put back to an earlier state, or copied, says less than was heard of it: that is counted already.
    let heard = old.as_ref().map_or(0, |old| old.conflicts);
    let conflicts = request.conflicts.max(heard);
    let before = old.map(|old| (old.browser, old.origin)).unwrap_or_default();
    let row = DeviceRow {
        user: context.user.id,
        device: request.device,
        epoch: request.epoch,
        allocated_seq: request.allocated_seq,
        open: request.open.clone(),
        conflicts,
        left: request.unsent_after(if mutation::is(Mutation::AnsweredIsLost) { &[] } else { results }),
        // An app that once signs in elsewhere, without the cookie, is still in the browser that it was in.
        browser: context.sender.browser.or(before.0),
        origin: context.sender.origin.clone().or_else(|| before.1.clone()),
        standing: if request.goodbye { Standing::Settled } else { Standing::Here },
        seen_at: context.now,
    };
    tx.put_device(&row)?;
    let Some(browser) = row.browser else { return Ok((Vec::new(), conflicts - heard)) };
    let is_first = before != (row.browser, row.origin.clone());
    let mut lost = Vec::new();
    for mut other in tx.devices(row.user, browser)? {
        if (other.device, other.epoch) == (row.device, row.epoch) || other.origin != row.origin {
            continue;
        }
        let is_gone = other.standing == Standing::Gone || (other.standing == Standing::Here && is_first && !request.goodbye);
        let standing = match other.standing {
            // Also one that this server takes for gone only now: restored, it may have forgotten that it had told.
            _ if is_gone && request.acknowledged.contains(&other.epoch) => Standing::Settled,
            _ if is_gone => Standing::Gone,
            same => same,
        };
        if standing != other.standing {
            other.standing = standing;
            tx.put_device(&other)?;
        }
        if standing == Standing::Gone && other.left.changes > 0 && !mutation::is(Mutation::GoneUntold) {
            let (changes, records) = (other.left.changes, other.left.records);
            lost.push(LostEpoch { epoch: other.epoch, changes, records, seen_at: other.seen_at });
        }
    }
    Ok((lost, conflicts - heard))
}
