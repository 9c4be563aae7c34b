//! The snapshot: what a user may see, by collection and id, under a watermark. The feed from there completes it.

use fieldsync::core::protocol::{
    Count, CountAnswer, CountRequest, Cursor, PAGE_ENTRIES_MAX, Range, SnapshotPage, SnapshotRequest,
};
use fieldsync::core::record::{CollectionName, RecordId, Seq, UserId, size_bytes};
use fieldsync::core::schema::{Collection, Schema};
use fieldsync::core::selection::Scope;
use uuid::Uuid;

use super::cursor::{Place, read_scope};
use super::feed::wire;
use super::push::newest;
use super::{Context, SyncError};
use crate::db::{Extent, PageQuery, Stored, Tx};

/// A page ends behind the record that brings its fields over this many bytes.
const PAGE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// A page of a snapshot.
///
/// # Errors
/// If the request makes no sense, its watermark or its mark is unknown or the client too old; else the database's.
pub fn snapshot(tx: &mut dyn Tx, context: &Context<'_>, request: &SnapshotRequest) -> Result<SnapshotPage, SyncError> {
    if request.schema < context.schema_min {
        return Err(SyncError::Outdated);
    }
    let scope = read_scope(context, request.scope.as_deref())?;
    let wanted = collections(context.schema, &request.collections)?;
    let after = request.after.as_deref().map(|text| position(&wanted, text)).transpose()?;
    let before = request.before.as_deref().map(|text| position(&wanted, text)).transpose()?;
    let place = watermark(tx, context, request, &wanted, &scope)?;
    let mark = mark(tx, context, request, place.seq)?;
    let owners = context.directory.owners_for(context.user);
    let mut total = 0;
    for collection in &wanted {
        total += tx.count(&extent(context, collection, &scope, &owners))?;
    }
    let limit = request.limit.clamp(1, PAGE_ENTRIES_MAX) as usize;
    let mut walk =
        Walk { context, owners: &owners, scope: &scope, room: limit, bytes: 0, records: Vec::new(), ranges: Vec::new() };
    let next = walk.run(tx, &wanted, after, before)?;
    let cursor = next.is_none().then(|| place.encode());
    let bytes = walk.bytes as u64;
    Ok(SnapshotPage {
        bytes,
        records: walk.records.into_iter().map(|record| wire(context, record.into_entry())).collect(),
        ranges: walk.ranges,
        watermark: place.encode(),
        watermark_seq: place.seq,
        mark,
        next,
        cursor,
        total,
    })
}

/// A place in a snapshot: the index of the collection, and a record in it.
type Position = (usize, Option<RecordId>);

/// The wanted collections, in the schema's order whatever the request's.
fn collections<'a>(schema: &'a Schema, wanted: &str) -> Result<Vec<&'a Collection>, SyncError> {
    let names: Vec<&str> = wanted.split(',').filter(|name| !name.is_empty()).collect();
    if names.is_empty() || names.iter().any(|name| schema.collection(name).is_none()) {
        return Err(SyncError::Malformed("Ask for collections that the schema declares.".to_owned()));
    }
    Ok(schema.collections.iter().filter(|collection| names.contains(&collection.name.as_str())).collect())
}

fn position(wanted: &[&Collection], text: &str) -> Result<Position, SyncError> {
    let malformed = || SyncError::Malformed("A place is collection/id, of a collection that is asked for.".to_owned());
    let (name, id) = text.split_once('/').ok_or_else(malformed)?;
    let index = wanted.iter().position(|collection| collection.name == name).ok_or_else(malformed)?;
    let id = if id.is_empty() { None } else { Some(id.parse().map_err(|_| malformed())?) };
    Ok((index, id))
}

/// Where the feed goes on when the snapshot is done: as the first page said, or now. A device that adds a collection
/// gives its present cursor; then that is the place, and the collections are those of both.
fn watermark(
    tx: &mut dyn Tx,
    context: &Context<'_>,
    request: &SnapshotRequest,
    wanted: &[&Collection],
    scope: &Scope,
) -> Result<Place, SyncError> {
    let mut place = match &request.watermark {
        Some(cursor) => Place::decode(tx, context, cursor)?,
        None => {
            let head = tx.head()?;
            Place::at(tx, head, context.user.id, Vec::new())?
        }
    };
    let is_in = |name: &CollectionName| place.collections.contains(name) || wanted.iter().any(|one| one.name == *name);
    let names = context.schema.collections.iter().map(|collection| &collection.name);
    place.collections = names.filter(|name| is_in(name)).cloned().collect();
    for collection in wanted {
        place.bound(&collection.name, scope.get(&collection.name).copied().unwrap_or_default());
    }
    Ok(place)
}

/// The newest commit, if records of this page may be of behind the watermark, and the device does not show it already.
fn mark(tx: &mut dyn Tx, context: &Context<'_>, request: &SnapshotRequest, watermark: Seq) -> Result<Option<Cursor>, SyncError> {
    if let Some(mark) = &request.mark {
        Place::decode(tx, context, mark)?;
    }
    let mark = (tx.head()? > watermark).then(|| newest(tx, context)).transpose()?;
    Ok(mark.filter(|mark| request.mark.as_ref() != Some(mark)))
}

/// Which records of a collection to look for: whose (of one that nobody owns, everybody sees all), and since when.
fn extent<'a>(context: &'a Context<'_>, collection: &'a Collection, scope: &Scope, owners: &'a [UserId]) -> Extent<'a> {
    let bounds = scope.get(&collection.name).copied().unwrap_or_default();
    let owners = context.schema.is_owned(collection).then_some(if bounds.mine { mine(context) } else { owners });
    let since = collection.dated_by.as_deref().zip(bounds.since);
    Extent { collection: &collection.name, owners, since }
}

fn mine<'a>(context: &'a Context<'_>) -> &'a [UserId] {
    std::slice::from_ref(&context.user.id)
}

/// How much of each of these collections there is.
///
/// # Errors
/// If the request makes no sense or the client is too old; else the database's.
pub fn counts(tx: &mut dyn Tx, context: &Context<'_>, request: &CountRequest) -> Result<CountAnswer, SyncError> {
    if request.schema < context.schema_min {
        return Err(SyncError::Outdated);
    }
    let scope = read_scope(context, request.scope.as_deref())?;
    let owners = context.directory.owners_for(context.user);
    let mut answer = CountAnswer::default();
    for collection in collections(context.schema, &request.collections)? {
        let (records, bytes) = tx.weigh(&extent(context, collection, &scope, &owners))?;
        answer.counts.insert(collection.name.clone(), Count { records, bytes });
    }
    Ok(answer)
}

/// A page in the making.
struct Walk<'a> {
    context: &'a Context<'a>,
    owners: &'a [UserId],
    scope: &'a Scope,
    room: usize,
    bytes: usize,
    records: Vec<Stored>,
    ranges: Vec<Range>,
}

impl Walk<'_> {
    /// Fills the page. Where the next one starts, if there is one.
    fn run(
        &mut self,
        tx: &mut dyn Tx,
        wanted: &[&Collection],
        after: Option<Position>,
        before: Option<Position>,
    ) -> Result<Option<String>, SyncError> {
        let first = after.map_or(0, |(index, _)| index);
        for (index, collection) in wanted.iter().enumerate().skip(first) {
            let stop = before.filter(|(last, _)| index >= *last);
            if let Some((last, id)) = stop
                && (index > last || id.is_none())
            {
                return Ok(None);
            }
            if self.is_full() {
                return Ok(Some(format!("{}/", collection.name)));
            }
            let from = after.filter(|(first, _)| index == *first).and_then(|(_, id)| id);
            let upto = stop.and_then(|(_, id)| id);
            if let Some(last) = self.fill(tx, collection, from, upto)? {
                return Ok(Some(format!("{}/{last}", collection.name)));
            }
        }
        Ok(None)
    }

    fn is_full(&self) -> bool {
        self.room == 0 || self.bytes > PAGE_BYTES_MAX
    }

    /// Adds records of one collection. The last one, if the page is full before the collection ends.
    fn fill(
        &mut self,
        tx: &mut dyn Tx,
        collection: &Collection,
        after: Option<RecordId>,
        before: Option<RecordId>,
    ) -> Result<Option<RecordId>, SyncError> {
        let of = extent(self.context, collection, self.scope, self.owners);
        let query = PageQuery { of, after, before, limit: self.room + 1 };
        let rows = tx.page(&query)?;
        let mut last = None;
        let mut cut = false;
        for row in rows {
            if self.is_full() {
                cut = true;
                break;
            }
            self.room -= 1;
            self.bytes += size_bytes(&row.fields);
            last = Some(row.id);
            self.records.push(row);
        }
        let end = before.map(|id| RecordId(Uuid::from_u128(id.0.as_u128().saturating_sub(1))));
        self.ranges.push(Range { collection: collection.name.clone(), after, upto: if cut { last } else { end } });
        Ok(last.filter(|_| cut))
    }
}
