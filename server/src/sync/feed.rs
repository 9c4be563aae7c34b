//! The feed: what changed for a user since a cursor, in the order of commits. A page never ends inside a commit.

use fieldsync::core::protocol::{ChangesPage, ChangesRequest, Entry, PAGE_ENTRIES_MAX, Told};
use fieldsync::core::record::{Seq, Tombstone};
use fieldsync::core::selection::is_since;
use fieldsync::mutation::{self, Mutation};
use serde_json::Value;

use super::cursor::{Place, read_scope};
use super::{Context, SyncError, hooks};
use crate::db::{FeedQuery, Revoked, Stored, Tx};

/// A page of the feed.
///
/// # Errors
/// If the cursor is unknown or the client too old; else the database's.
pub fn changes(tx: &mut dyn Tx, context: &Context<'_>, request: &ChangesRequest) -> Result<ChangesPage, SyncError> {
    if request.schema < context.schema_min {
        return Err(SyncError::Outdated);
    }
    let mut place = Place::decode(tx, context, &request.cursor)?;
    place.narrow(request.collections.as_deref(), &read_scope(context, request.scope.as_deref())?);
    if let Some(mark) = &request.mark {
        Place::decode(tx, context, mark)?;
    }
    let head = tx.head()?;
    let limit = request.limit.clamp(1, PAGE_ENTRIES_MAX) as usize;
    let owners = context.directory.owners_for(context.user);
    let query = FeedQuery { collections: &place.collections, owners: &owners, after: place.seq, upto: head, limit: limit + 1 };
    let (entries, upto) = page(tx, context, query, limit, &place)?;
    let at = Place::at(tx, upto, context.user.id, Vec::new())?;
    let cursor = Place { seq: at.seq, tag: at.tag, ..place }.encode();
    let changes = entries.into_iter().map(|entry| wire(context, entry)).collect();
    Ok(ChangesPage { changes, cursor, has_more: upto < head })
}

/// Whole commits, `limit` entries or, if the first commit is larger than that, that one; and up to where they go.
fn page(
    tx: &mut dyn Tx,
    context: &Context<'_>,
    query: FeedQuery<'_>,
    limit: usize,
    place: &Place,
) -> Result<(Vec<Entry>, Seq), SyncError> {
    let user = context.user.id;
    let entries = merged(context, place, tx.feed(&query)?, tx.revoked(user, &query)?);
    let Some(boundary) = entries.get(limit).map(|entry| entry.seq) else { return Ok((entries, query.upto)) };
    let whole: Vec<Entry> = entries.into_iter().take_while(|entry| entry.seq < boundary).collect();
    if let Some(last) = whole.last().map(|entry| entry.seq) {
        return Ok((whole, last));
    }
    // What a commit may hold is limited by what it may change, so this is, too.
    let query = FeedQuery { upto: boundary, limit: usize::MAX, ..query };
    Ok((merged(context, place, tx.feed(&query)?, tx.revoked(user, &query)?), boundary))
}

/// Both lists as one, in the feed's order. A record is in one of them only: who has it again has not lost it.
fn merged(context: &Context<'_>, place: &Place, records: Vec<Stored>, revoked: Vec<Revoked>) -> Vec<Entry> {
    let revoked = if mutation::is(Mutation::LossUntold) { Vec::new() } else { revoked };
    let records = records.into_iter().map(|record| scoped(context, place, record));
    let mut entries: Vec<Entry> = records.chain(revoked.into_iter().map(Revoked::into_entry)).collect();
    entries.sort_by(|a, b| (a.seq, &a.collection, a.id).cmp(&(b.seq, &b.collection, b.id)));
    entries
}

/// A record as the device's scope has it. One that is outside of it goes with its fields: what is unsent there builds on them.
fn scoped(context: &Context<'_>, place: &Place, record: Stored) -> Entry {
    let bounds = place.bounds(&record.collection);
    let is_in = context.schema.collection(&record.collection).is_none_or(|collection| {
        let is_mine = !bounds.mine || !context.schema.is_owned(collection) || record.owner == Some(context.user.id);
        is_mine && is_since(collection, &record.fields, bounds.since)
    });
    let mut entry = record.into_entry();
    if !is_in && entry.tombstone.is_none() {
        entry.tombstone = Some(Tombstone::Left);
    }
    entry
}

/// An entry as it goes out.
pub(super) fn wire(context: &Context<'_>, entry: Entry) -> Told {
    if !(context.hooks && hooks::holds(&entry.fields, hooks::ENTRY)) {
        return Told::Entry(entry);
    }
    // An entry is numbers, texts and JSON: it always serialises.
    let mut value = serde_json::to_value(entry).unwrap_or_default();
    value["version"] = Value::from("not a number");
    Told::Unread(value)
}
