//! Pulling: a snapshot page by page under a watermark, then the feed from there. What was asked with is compared before
//! anything is written, so a page that comes twice, late or out of turn changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::bases::{Bases, absorb, is_newer_than, replace};
use super::clock::Contact;
use super::extent::{Extent, asked, is_whole, leave};
use super::finish::conflict_row;
use super::outbox::{Change, by_record};
use super::protocol::{Action, ChangesPage, ChangesRequest, Incoming, Range, Request, SnapshotPage, SnapshotRequest, Sorted};
use super::pull_state::{PullState, Snapshot};
use super::record::{CollectionName, Millis, RecordId, Seq, Tombstone};
use super::rows::ConflictRow;
use super::schema::Schema;
use crate::mutation::{self, Mutation};

/// Entries of a page at first, and on a slow phone: a page is taken in at one go, and more would hold up its screen, and a save.
pub const PAGE_LIMIT_MIN: u32 = 250;
/// Entries of a page on a device that is quick enough: each page waits once for the network and once for the disk.
pub const PAGE_LIMIT_MAX: u32 = 500;
/// Milliseconds of work that a page may be. Reading its text comes to about as much again.
const PAGE_WORK_MS: i64 = 6;
/// Entries of any page where the user or the network wants less traffic.
pub const SPARING_LIMIT: u32 = 100;
/// Entries that could not be applied are kept up to this many; then only counted.
pub const POISON_KEPT_MAX: usize = 100;

/// The next request, for a state that [`adjust`](super::extent::adjust) has nothing to do with; none while the user has stopped
/// the first snapshot.
#[must_use]
pub fn begin(state: &PullState, schema: &Schema) -> Option<Request> {
    let snapshot = state.snapshot.clone().filter(|_| !state.paused);
    if let (Some(cursor), None) = (&state.cursor, &snapshot) {
        let (cursor, mark) = (cursor.clone(), state.mark.clone());
        let covered = state.covered.as_ref().filter(|covered| !is_whole(schema, covered));
        let (collections, scope) = covered.map(|covered| asked(schema, covered)).unzip();
        let (schema, limit, scope) = (schema.schema, PAGE_LIMIT_MIN, scope.flatten());
        return Some(Request::Changes(ChangesRequest { cursor, schema, limit, mark, collections, scope }));
    }
    let snapshot = snapshot.filter(|snapshot| !snapshot.wanted.is_empty())?;
    let (collections, scope) = asked(schema, &snapshot.wanted);
    Some(Request::Snapshot(SnapshotRequest {
        collections,
        schema: schema.schema,
        limit: PAGE_LIMIT_MIN,
        after: snapshot.after,
        before: None,
        // What is added comes under the present cursor.
        watermark: snapshot.watermark.or_else(|| state.cursor.clone()),
        mark: state.mark.clone(),
        scope,
    }))
}

/// How much to ask for at once, after a page of so many entries was so many milliseconds of work.
#[must_use]
pub fn page_limit(entries: usize, worked_ms: i64) -> u32 {
    let entries = i64::try_from(entries).unwrap_or(i64::MAX);
    // A clock that was set in between says anything.
    let fits = entries.saturating_mul(PAGE_WORK_MS) / worked_ms.max(1);
    // Too many for a page are as many as one may have.
    u32::try_from(fits).unwrap_or(PAGE_LIMIT_MAX).clamp(PAGE_LIMIT_MIN, PAGE_LIMIT_MAX)
}

/// The same request, for so many entries at once.
#[must_use]
pub fn limited(request: Request, limit: u32) -> Request {
    match request {
        Request::Changes(asked) => Request::Changes(ChangesRequest { limit, ..asked }),
        Request::Snapshot(asked) => Request::Snapshot(SnapshotRequest { limit, ..asked }),
        other @ (Request::Push(_) | Request::Preview(_) | Request::Void(_) | Request::Report(_) | Request::Count(_)) => other,
    }
}

/// Bases of which a range can be asked for and taken out.
pub trait RangedBases: Bases {
    /// The ids in a range.
    fn ids_in(&self, range: &Range) -> Vec<RecordId>;
    /// Takes one out.
    fn remove(&mut self, collection: &str, id: RecordId);
}

/// What a page comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pulled {
    /// The new state.
    pub state: PullState,
    /// Entries that could not be applied, raw.
    pub poison: Vec<Value>,
    /// Conflicts that were found.
    pub conflicts: Vec<ConflictRow>,
    /// Whether there is more to pull now.
    pub more: bool,
}

/// The changes that have not ended, by record.
type Unsent<'a> = BTreeMap<(&'a str, RecordId), Vec<&'a Change>>;

/// Applies a page of the feed, without what it `told`, which is sorted. `state` is what it was asked with.
pub fn finish_changes(
    schema: &Schema,
    state: &PullState,
    page: &ChangesPage,
    told: Sorted,
    outbox: &[Change],
    contact: Contact,
    bases: &mut impl RangedBases,
) -> Pulled {
    let touched: Vec<(CollectionName, RecordId)> = told.records().collect();
    let Sorted { entries, poison } = told;
    let unsent = by_record(outbox);
    for entry in entries {
        let (collection, id) = (entry.record().0.clone(), entry.record().1);
        let changes = unsent.get(&(collection.as_str(), id)).map_or(&[][..], Vec::as_slice);
        let entry = match entry {
            Incoming::Plain(plain) if changes.is_empty() => {
                let place = (plain.version, plain.seq);
                if !bases.get(&collection, id).is_some_and(|old| is_newer_than(old, place)) {
                    bases.put_plain(&collection, plain);
                }
                continue;
            }
            entry => entry.read(),
        };
        if entry.tombstone == Some(Tombstone::Left) && changes.is_empty() {
            leave(bases, &entry);
        } else {
            absorb(bases, &collection, entry, changes, contact);
        }
    }
    let mut state = PullState { cursor: Some(page.cursor.clone()), ..state.clone() };
    // A snapshot that was stopped began under a cursor that is over.
    state.snapshot = state.snapshot.map(|snapshot| Snapshot { wanted: snapshot.wanted, ..Snapshot::default() });
    state.poisoned += poison.len() as u64;
    if !page.has_more {
        state.pulled_at = Some(contact.now);
        // The feed was read behind it: the cursor says as much.
        state.mark = None;
    }
    let conflicts = find_conflicts(schema, &unsent, touched.iter(), contact.now, bases);
    Pulled { state, poison, conflicts, more: page.has_more }
}

/// Applies a page of a snapshot, without what it `told`: it replaces the ranges that it speaks for.
pub fn finish_snapshot(
    schema: &Schema,
    state: &PullState,
    page: &SnapshotPage,
    told: Sorted,
    outbox: &[Change],
    contact: Contact,
    bases: &mut impl RangedBases,
) -> Pulled {
    let here: BTreeSet<(CollectionName, RecordId)> = told.records().collect();
    let count = (told.entries.len() + told.poison.len()) as u64;
    let Sorted { entries, poison } = told;
    // One that cannot be read is there all the same: the base that is here stays until it can.
    let unread: BTreeSet<RecordId> = poison.iter().filter_map(|raw| raw.get("id")?.as_str()?.parse().ok()).collect();
    let unsent = by_record(outbox);
    let wanted = state.snapshot.as_ref().map(|snapshot| snapshot.wanted.clone()).unwrap_or_default();
    for range in &page.ranges {
        for id in bases.ids_in(range) {
            if !unread.contains(&id) && !here.contains(&(range.collection.clone(), id)) {
                let is_whole = wanted.get(&range.collection).is_none_or(|held| held.part.is_whole());
                absent(&range.collection, id, page, &unsent, is_whole, bases);
            }
        }
    }
    for entry in entries {
        let (collection, id) = (entry.record().0.clone(), entry.record().1);
        let seq = entry.place().1;
        let newer = |old: &super::record::Base| old.seq > page.watermark_seq && old.seq > seq;
        if bases.get(&collection, id).is_some_and(newer) && !mutation::is(Mutation::OlderReplaces) {
            continue;
        }
        match (entry, unsent.get(&(collection.as_str(), id))) {
            (Incoming::Plain(plain), None) => bases.put_plain(&collection, plain),
            (entry, changes) => replace(bases, &collection, entry.read(), changes.map_or(&[][..], Vec::as_slice), contact),
        }
    }
    let mut state = after_page(state, page, count);
    state.poisoned += poison.len() as u64;
    let conflicts = find_conflicts(schema, &unsent, here.iter(), contact.now, bases);
    Pulled { state, poison, conflicts, more: true }
}

/// The state after a page of a snapshot with so many entries, but for what of them cannot be read.
#[must_use]
pub fn after_page(state: &PullState, page: &SnapshotPage, count: u64) -> PullState {
    let before = state.snapshot.clone().unwrap_or_default();
    let mut state = state.clone();
    let is_whole = page.cursor.is_some() || mutation::is(Mutation::WiderTooSoon);
    let ended = page.ranges.iter().filter(|range| range.upto.is_none() || mutation::is(Mutation::WiderTooSoon));
    let ended: Vec<&CollectionName> = ended.map(|range| &range.collection).collect();
    cover(&mut state, &before.wanted, &ended);
    if is_whole {
        // A server that ends without a word on some of it would be asked for ever: the feed goes on, and nobody calls it complete.
        let unsaid = before.wanted.iter().map(|(name, held)| (name.clone(), *held));
        let covered = state.covered.take().unwrap_or_default();
        state.covered = Some(unsaid.chain(covered).collect());
        state.again = Extent::new();
        state.cursor = page.cursor.clone().or_else(|| Some(page.watermark.clone()));
    } else if !ended.is_empty() && state.cursor.is_some() {
        // It has more than the feed is asked for: what is still to come is not among that.
        state.cursor = Some(page.watermark.clone());
    }
    state.watermark_seq = page.watermark_seq;
    // A record may be newer than the watermark. A server that was restored to before it would not bring an older one again.
    state.mark = page.mark.clone().or(state.mark);
    state.snapshot = (!is_whole).then(|| Snapshot {
        after: page.next.clone(),
        watermark: Some(page.watermark.clone()),
        done: before.done + count,
        total: page.total,
        bytes: before.bytes + page.bytes,
        wanted: before.wanted,
    });
    state
}

/// Notes which collections are here now, and which of them whole.
fn cover(state: &mut PullState, wanted: &Extent, ended: &[&CollectionName]) {
    let covered = state.covered.get_or_insert_default();
    for name in ended {
        let held = wanted.get(*name).copied().unwrap_or_default();
        covered.insert((*name).clone(), held);
        if held.part.is_whole() {
            state.complete.insert((*name).clone());
        }
    }
}

/// A base in a range that the server answered without it. `is_whole`: it answered with all that the user may see.
fn absent(
    collection: &str,
    id: RecordId,
    page: &SnapshotPage,
    unsent: &Unsent<'_>,
    is_whole: bool,
    bases: &mut impl RangedBases,
) {
    let Some(base) = bases.get(collection, id) else { return };
    if base.seq > page.watermark_seq {
        return;
    }
    let (mut base, is_adrift) = (base.clone(), base.is_adrift());
    if is_adrift {
        // The server has spoken: from now on it is a base like any, as old as the snapshot. What the ledger answers to an
        // older parcel does not bring the record back, and whatever comes does.
        base.seq = Seq(page.watermark_seq.0.max(1));
    }
    match (base.tombstone, unsent.get(&(collection, id))) {
        (Some(Tombstone::Deleted | Tombstone::Revoked), _) if !is_adrift => {}
        (Some(Tombstone::Deleted | Tombstone::Revoked), None) => bases.put(collection, base),
        // Made in a lifetime of the server that is over, and to be made again.
        (_, Some(changes)) if is_adrift && changes[0].action == Action::Create => bases.remove(collection, id),
        // Outside of the scope, then or now, it may be there all the same: the server is asked what it has.
        (was, Some(_)) if is_adrift && (!is_whole || was == Some(Tombstone::Left)) => bases.remove(collection, id),
        (_, Some(_)) => {
            // A restored server may get it back, from whoever made it: until then its changes are in quarantine.
            base.tombstone = Some(if is_adrift { Tombstone::Revoked } else { Tombstone::Left });
            bases.put(collection, base);
        }
        (_, None) => bases.remove(collection, id),
    }
}

fn find_conflicts<'a>(
    schema: &Schema,
    unsent: &Unsent<'_>,
    touched: impl Iterator<Item = &'a (CollectionName, RecordId)>,
    now: Millis,
    bases: &impl Bases,
) -> Vec<ConflictRow> {
    let mut found = Vec::new();
    for (collection, id) in touched {
        let Some(changes) = unsent.get(&(collection.as_str(), *id)) else { continue };
        found.extend(conflict_row(schema, collection, *id, bases.get(collection, *id), changes, now));
    }
    found
}
