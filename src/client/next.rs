//! The next batch is begun in the transaction that takes the answer to the one before: a long outbox then waits for the disk once a
//! batch, not twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::bases::Bases;
use crate::core::finish::Finished;
use crate::core::outbox::Change;
use crate::core::push::must_be_asked;
use crate::core::record::{Base, Millis, OpId, RecordId};
use crate::data::page_set::Put;
use crate::data::table::Tables;
use crate::mutation::{self, Mutation};
use crate::ports::{Host, Rows, Store, StoreError, Transport, Write};

use super::Client;
use super::ahead::Batch;

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Begins the next batch over what these writes leave, and adds its own. Only after an answer that confirmed all it was asked,
    /// and only over bases that are known: whatever else there is to do, a begin of its own does. Nothing if nothing would be sent.
    pub(super) fn plan_next(
        &self,
        rows: &Rows,
        finished: &Finished,
        writes: &mut Vec<Write>,
        put: &Put,
        (sent, chance): (&BTreeSet<OpId>, (Millis, u64)),
    ) -> Result<Option<Batch>, StoreError> {
        let is_plain = finished.refused == 0 && finished.conflicted == 0 && finished.later == 0 && !finished.stale;
        let Some(known) = self.known(rows).filter(|_| is_plain && finished.append.is_empty()) else { return Ok(None) };
        let ended: BTreeSet<u64> = writes.iter().filter_map(ended).filter(|_| !mutation::is(Mutation::NextOverEnded)).collect();
        let outbox: Vec<&Change> = rows.outbox.iter().filter(|change| !ended.contains(&change.client_seq)).collect();
        let left = left(rows, finished, writes);
        if outbox.is_empty() || left.parcels.iter().any(|parcel| must_be_asked(parcel, &left.parcels)) {
            return Ok(None);
        }
        let put = put.put.iter().map(|(collection, base)| ((collection.as_str(), base.id), base.base())).collect();
        let input = self.begin_input(&outbox, &left.parcels, sent, chance);
        let planned = self.plan_begin_known(&input, &left, &Over { put, under: &known })?;
        let Some((begin, (begun, request))) = planned.filter(|(_, (_, request))| !request.parcels.is_empty()) else {
            return Ok(None);
        };
        writes.extend(begin);
        Ok(Some((begun, request)))
    }
}

/// The change that a write takes out of the outbox.
fn ended(write: &Write) -> Option<u64> {
    if let Write::RemoveChange(client_seq) = write { Some(*client_seq) } else { None }
}

/// What a begin sees besides the outbox and the pages: the rows after these writes.
fn left(rows: &Rows, finished: &Finished, writes: &[Write]) -> Rows {
    let mut left = Rows { conflicts: rows.conflicts.clone(), meta: rows.meta.clone(), ..Rows::default() };
    let removed: BTreeSet<OpId> = finished.removed.iter().copied().collect();
    left.parcels = rows.parcels.iter().filter(|parcel| !removed.contains(&parcel.op_id)).cloned().collect();
    for write in writes {
        match write {
            Write::Meta(name, value) => drop(left.meta.insert((*name).to_owned(), value.clone())),
            Write::Conflict(row) => left.conflicts.push(row.clone()),
            _ => {}
        }
    }
    left
}

/// Bases that were put, over those that were there.
struct Over<'a> {
    put: BTreeMap<(&'a str, RecordId), &'a Base>,
    under: &'a Tables,
}

impl Bases for Over<'_> {
    fn get(&self, collection: &str, id: RecordId) -> Option<&Base> {
        self.put.get(&(collection, id)).copied().or_else(|| self.under.base(collection, id))
    }

    /// A begin puts none.
    fn put(&mut self, _: &str, _: Base) {}
}
