//! The database in plain maps: the reference implementation, and what simulations run against.
//!
//! A transaction works on the state itself and keeps a log of how to undo what it did, so that it costs what it
//! changes and not what there is. [`MemoryDb::backup`] and [`MemoryDb::restore`] are for stories about backups.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fieldsync::core::record::{
    CollectionName, DeviceId, Epoch, Millis, OpId, RecordId, RowId, Seq, UserId, Version, field, size_bytes,
};

use super::rows::{DeviceRow, Extent, FeedQuery, HistoryRow, LedgerRow, PageQuery, RefreshRow, Revoked, Stored, User};
use super::{Db, End, Feed, Ledger, People, Records, Result, Tx};

type Key = (CollectionName, RecordId);

/// All there is.
#[derive(Clone, Debug, Default)]
pub struct State {
    records: BTreeMap<Key, Stored>,
    unique: BTreeMap<(CollectionName, String, String), RecordId>,
    commits: BTreeMap<Seq, u64>,
    revoked: BTreeMap<(UserId, Key), Revoked>,
    ledger: BTreeMap<OpId, LedgerRow>,
    applied: BTreeMap<RowId, OpId>,
    history: BTreeMap<usize, HistoryRow>,
    users: BTreeMap<UserId, User>,
    refresh: BTreeMap<[u8; 32], RefreshRow>,
    devices: BTreeMap<(UserId, DeviceId, Epoch), DeviceRow>,
    meta: BTreeMap<String, String>,
}

/// A database that ends with the process.
#[derive(Debug, Default)]
pub struct MemoryDb {
    state: Mutex<State>,
}

impl MemoryDb {
    /// An empty one; `tag` is that of its commit 0.
    #[must_use]
    pub fn new(tag: u64) -> Self {
        let state = State { commits: BTreeMap::from([(Seq(0), tag)]), ..State::default() };
        Self { state: Mutex::new(state) }
    }

    /// A copy of everything.
    #[must_use]
    pub fn backup(&self) -> State {
        self.lock().clone()
    }

    /// Puts a copy back in place of what there is.
    pub fn restore(&self, state: State) {
        *self.lock() = state;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic inside a transaction has been undone by `Undone` when it gets here, so the state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Db for MemoryDb {
    fn read_with(&self, work: &mut dyn FnMut(&mut dyn Tx)) -> Result<()> {
        let mut state = self.lock();
        work(&mut MemoryTx { state: &mut state, log: Vec::new(), parts: Vec::new() });
        Ok(())
    }

    fn write_with(&self, work: &mut dyn FnMut(&mut dyn Tx) -> End) -> Result<()> {
        let mut state = self.lock();
        let mut tx = MemoryTx { state: &mut state, log: Vec::new(), parts: Vec::new() };
        if work(&mut tx) == End::Commit {
            tx.log.clear();
        }
        Ok(())
    }
}

type Undo = Box<dyn FnOnce(&mut State) + Send>;

struct MemoryTx<'a> {
    state: &'a mut State,
    /// How to undo, newest last. Emptied by a commit; the rest is undone on drop, so also by a panic.
    log: Vec<Undo>,
    parts: Vec<usize>,
}

impl Drop for MemoryTx<'_> {
    fn drop(&mut self) {
        self.undo_to(0);
    }
}

impl MemoryTx<'_> {
    fn undo_to(&mut self, mark: usize) {
        while self.log.len() > mark {
            if let Some(undo) = self.log.pop() {
                undo(self.state);
            }
        }
    }

    /// Sets or removes a value of one of the maps, and notes how to undo it.
    fn set<K: Ord + Clone + Send + 'static, V: Send + 'static>(
        &mut self,
        map: fn(&mut State) -> &mut BTreeMap<K, V>,
        key: K,
        value: Option<V>,
    ) {
        let old = match value {
            Some(value) => map(self.state).insert(key.clone(), value),
            None => map(self.state).remove(&key),
        };
        self.log.push(Box::new(move |state| {
            match old {
                Some(old) => map(state).insert(key, old),
                None => map(state).remove(&key),
            };
        }));
    }
}

impl Tx for MemoryTx<'_> {
    fn begin_part(&mut self) -> Result<()> {
        self.parts.push(self.log.len());
        Ok(())
    }

    fn end_part(&mut self, keep: bool) -> Result<()> {
        let mark = self.parts.pop().unwrap_or_default();
        if !keep {
            self.undo_to(mark);
        }
        Ok(())
    }
}

impl Records for MemoryTx<'_> {
    fn record(&mut self, collection: &str, id: RecordId) -> Result<Option<Stored>> {
        Ok(self.state.records.get(&(collection.to_owned(), id)).cloned())
    }

    fn put_record(&mut self, record: &Stored) -> Result<()> {
        self.set(|state| &mut state.records, (record.collection.clone(), record.id), Some(record.clone()));
        Ok(())
    }

    fn children(&mut self, parent: RecordId) -> Result<Vec<Stored>> {
        Ok(self.state.records.values().filter(|record| record.parent == Some(parent)).cloned().collect())
    }

    fn owned(&mut self, owner: UserId) -> Result<Vec<Stored>> {
        Ok(self.state.records.values().filter(|record| record.owner == Some(owner)).cloned().collect())
    }

    fn page(&mut self, query: &PageQuery<'_>) -> Result<Vec<Stored>> {
        let from = query.after.map_or_else(
            || Bound::Included((query.of.collection.to_owned(), RecordId(uuid::Uuid::nil()))),
            |after| Bound::Excluded((query.of.collection.to_owned(), after)),
        );
        let rows = self.state.records.range((from, Bound::Unbounded)).map(|(_, record)| record);
        let wanted = rows
            .take_while(|record| record.collection == query.of.collection && query.before.is_none_or(|before| record.id < before))
            .filter(|record| is_of(record, &query.of));
        Ok(wanted.take(query.limit).cloned().collect())
    }

    fn count(&mut self, of: &Extent<'_>) -> Result<u64> {
        Ok(self.state.records.values().filter(|record| is_of(record, of)).count() as u64)
    }

    fn weigh(&mut self, of: &Extent<'_>) -> Result<(u64, u64)> {
        let found = self.state.records.values().filter(|record| is_of(record, of));
        Ok(found.fold((0, 0), |(records, bytes), record| (records + 1, bytes + size_bytes(&record.fields) as u64)))
    }

    fn holder(&mut self, collection: &str, field: &str, value: &str) -> Result<Option<RecordId>> {
        Ok(self.state.unique.get(&(collection.to_owned(), field.to_owned(), value.to_owned())).copied())
    }

    fn hold(&mut self, collection: &str, id: RecordId, values: &[(&str, &str)]) -> Result<()> {
        let held: Vec<_> = self.state.unique.iter().filter(|(key, holder)| key.0 == collection && **holder == id).collect();
        for key in held.into_iter().map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.set(|state| &mut state.unique, key, None);
        }
        for (field, value) in values {
            let key = (collection.to_owned(), (*field).to_owned(), (*value).to_owned());
            self.set(|state| &mut state.unique, key, Some(id));
        }
        Ok(())
    }
}

fn is_of(record: &Stored, of: &Extent<'_>) -> bool {
    let is_since = |(name, since): (&str, Millis)| field(&record.fields, name).as_i64().is_none_or(|at| at >= since.0);
    record.collection == of.collection && !record.deleted && is_owned(record, of.owners) && of.since.is_none_or(is_since)
}

fn is_owned(record: &Stored, owners: Option<&[UserId]>) -> bool {
    owners.is_none_or(|owners| record.owner.is_some_and(|owner| owners.contains(&owner)))
}

impl Feed for MemoryTx<'_> {
    fn head(&mut self) -> Result<Seq> {
        Ok(self.state.commits.last_key_value().map_or(Seq(0), |(seq, _)| *seq))
    }

    fn tag(&mut self, seq: Seq) -> Result<Option<u64>> {
        Ok(self.state.commits.get(&seq).copied())
    }

    fn commit(&mut self, tag: u64) -> Result<Seq> {
        let seq = Seq(self.head()?.0 + 1);
        self.set(|state| &mut state.commits, seq, Some(tag));
        Ok(seq)
    }

    fn feed(&mut self, query: &FeedQuery<'_>) -> Result<Vec<Stored>> {
        let mut rows: Vec<_> = self.state.records.values().collect();
        rows.retain(|record| {
            record.seq > query.after && record.seq <= query.upto && query.collections.contains(&record.collection)
        });
        rows.retain(|record| record.owner.is_none_or(|owner| query.owners.contains(&owner)));
        rows.sort_by(|a, b| (a.seq, &a.collection, a.id).cmp(&(b.seq, &b.collection, b.id)));
        Ok(rows.into_iter().take(query.limit).cloned().collect())
    }

    fn revoked(&mut self, user: UserId, query: &FeedQuery<'_>) -> Result<Vec<Revoked>> {
        let mut rows: Vec<_> = self.state.revoked.values().filter(|row| row.user == user).collect();
        rows.retain(|row| row.seq > query.after && row.seq <= query.upto && query.collections.contains(&row.collection));
        rows.sort_by(|a, b| (a.seq, &a.collection, a.id).cmp(&(b.seq, &b.collection, b.id)));
        Ok(rows.into_iter().take(query.limit).cloned().collect())
    }

    fn put_revoked(&mut self, row: &Revoked) -> Result<()> {
        self.set(|state| &mut state.revoked, (row.user, (row.collection.clone(), row.id)), Some(row.clone()));
        Ok(())
    }

    fn clear_revoked(&mut self, user: UserId, collection: &str, id: RecordId) -> Result<()> {
        self.set(|state| &mut state.revoked, (user, (collection.to_owned(), id)), None);
        Ok(())
    }
}

impl Ledger for MemoryTx<'_> {
    fn ledger(&mut self, op_id: OpId) -> Result<Option<LedgerRow>> {
        Ok(self.state.ledger.get(&op_id).cloned())
    }

    fn put_ledger(&mut self, row: &LedgerRow) -> Result<()> {
        if matches!(row.outcome, fieldsync::core::protocol::Outcome::Applied { .. }) {
            for change in &row.rows {
                self.set(|state| &mut state.applied, *change, Some(row.op_id));
            }
        }
        self.set(|state| &mut state.ledger, row.op_id, Some(row.clone()));
        Ok(())
    }

    fn applied_rows(&mut self, rows: &[RowId]) -> Result<Vec<RowId>> {
        Ok(rows.iter().filter(|row| self.state.applied.contains_key(row)).copied().collect())
    }

    fn add_history(&mut self, rows: &[HistoryRow]) -> Result<()> {
        for row in rows {
            let next = self.state.history.last_key_value().map_or(0, |(key, _)| key + 1);
            self.set(|state| &mut state.history, next, Some(row.clone()));
        }
        Ok(())
    }

    fn history(&mut self, collection: &str, id: RecordId, since: Version) -> Result<Vec<HistoryRow>> {
        let is_its = |row: &&HistoryRow| row.collection == collection && row.id == id && row.version > since;
        Ok(self.state.history.values().filter(is_its).cloned().collect())
    }
}

impl People for MemoryTx<'_> {
    fn users(&mut self) -> Result<Vec<User>> {
        Ok(self.state.users.values().cloned().collect())
    }

    fn put_user(&mut self, user: &User) -> Result<()> {
        self.set(|state| &mut state.users, user.id, Some(user.clone()));
        Ok(())
    }

    fn refresh(&mut self, hash: &[u8; 32]) -> Result<Option<RefreshRow>> {
        Ok(self.state.refresh.get(hash).cloned())
    }

    fn put_refresh(&mut self, row: &RefreshRow) -> Result<()> {
        self.set(|state| &mut state.refresh, row.hash, Some(row.clone()));
        Ok(())
    }

    fn family(&mut self, family: uuid::Uuid) -> Result<Vec<RefreshRow>> {
        Ok(self.state.refresh.values().filter(|row| row.family == family).cloned().collect())
    }

    fn drop_family(&mut self, family: uuid::Uuid) -> Result<()> {
        for row in self.family(family)? {
            self.set(|state| &mut state.refresh, row.hash, None);
        }
        Ok(())
    }

    fn drop_expired_refresh(&mut self, now: Millis) -> Result<()> {
        let expired = self.state.refresh.values().filter(|row| row.expires_at <= now);
        for hash in expired.map(|row| row.hash).collect::<Vec<_>>() {
            self.set(|state| &mut state.refresh, hash, None);
        }
        Ok(())
    }

    fn device(&mut self, user: UserId, device: DeviceId, epoch: Epoch) -> Result<Option<DeviceRow>> {
        Ok(self.state.devices.get(&(user, device, epoch)).cloned())
    }

    fn devices(&mut self, user: UserId, browser: uuid::Uuid) -> Result<Vec<DeviceRow>> {
        let rows = self.state.devices.values().filter(|row| row.user == user && row.browser == Some(browser));
        Ok(rows.cloned().collect())
    }

    fn put_device(&mut self, row: &DeviceRow) -> Result<()> {
        self.set(|state| &mut state.devices, (row.user, row.device, row.epoch), Some(row.clone()));
        Ok(())
    }

    fn drop_devices(&mut self, until: Millis) -> Result<()> {
        let old = self.state.devices.values().filter(|row| row.seen_at <= until);
        for key in old.map(|row| (row.user, row.device, row.epoch)).collect::<Vec<_>>() {
            self.set(|state| &mut state.devices, key, None);
        }
        Ok(())
    }

    fn meta(&mut self, name: &str) -> Result<Option<String>> {
        Ok(self.state.meta.get(name).cloned())
    }

    fn put_meta(&mut self, name: &str, value: &str) -> Result<()> {
        self.set(|state| &mut state.meta, name.to_owned(), Some(value.to_owned()));
        Ok(())
    }
}
