//! Applies one parcel: all of its items in one commit, or none.

use std::collections::{BTreeMap, HashSet};

use fieldsync::core::protocol::{Action, AppliedItem, Item, Outcome, PushParcel};
use fieldsync::core::record::{By, Changed, Fields, RecordId, Seq, UserId, Version, apply as lay_over, field, same};
use fieldsync::core::schema::{Access, Collection};
use serde_json::Value;

use super::check::{self, Refusal};
use super::{Context, access, hooks};
use crate::db::{HistoryRow, Revoked, Stored, Tx};

/// How far records are seen by way of records that are seen by way of records.
const VIA_DEPTH_MAX: usize = 8;

/// Applies a parcel. If it is refused, what it wrote must be undone by the caller.
pub(super) fn parcel(
    tx: &mut dyn Tx,
    context: &Context<'_>,
    tag: u64,
    failed: &HashSet<RecordId>,
    parcel: &PushParcel,
) -> Result<Outcome, Refusal> {
    check::shape(parcel)?;
    let mut theirs = Vec::new();
    let mut order = Vec::with_capacity(parcel.items.len());
    for (index, item) in parcel.items.iter().enumerate() {
        trip(context, item);
        let stored = tx.record(&item.collection, item.id)?;
        let collection = check::may_touch(context, item, stored.as_ref(), failed)?;
        let rank = context.schema.collections.iter().position(|other| other.name == collection.name);
        order.push((rank, index, collection));
        theirs.extend(stored.filter(|stored| check::has_moved(item, stored)).map(Stored::into_entry));
    }
    if !theirs.is_empty() {
        return Err(Refusal::Conflict(theirs));
    }
    let seq = tx.commit(tag)?;
    // Parents first: items of one parcel may name each other in any order.
    order.sort_by_key(|(rank, index, _)| (*rank, *index));
    let mut applied: Vec<(usize, AppliedItem)> = Vec::with_capacity(order.len());
    for (_, index, collection) in order {
        let change = ItemChange { context, collection, item: &parcel.items[index], seq };
        applied.push((index, change.write(tx, failed)?));
    }
    applied.sort_by_key(|(index, _)| *index);
    Ok(Outcome::Applied { seq, items: applied.into_iter().map(|(_, item)| item).collect() })
}

/// The test hook: a server that breaks in the middle of one parcel.
#[allow(clippy::panic, reason = "the panic is what tests ask for")]
fn trip(context: &Context<'_>, item: &Item) {
    if context.hooks && hooks::holds(&item.patch, hooks::PANIC) {
        panic!("a test asked for this panic");
    }
}

struct ItemChange<'a> {
    context: &'a Context<'a>,
    collection: &'a Collection,
    item: &'a Item,
    seq: Seq,
}

impl ItemChange<'_> {
    fn write(&self, tx: &mut dyn Tx, failed: &HashSet<RecordId>) -> Result<AppliedItem, Refusal> {
        // Read again: an item before this one may have moved it to another owner.
        let old = tx.record(&self.item.collection, self.item.id)?;
        let before = old.as_ref().map(|old| old.fields.clone()).unwrap_or_default();
        let deleted = self.item.action == Action::Delete;
        let patch = if deleted {
            before.keys().map(|name| (name.clone(), Value::Null)).collect()
        } else {
            check::kept_patch(self.context, self.collection, self.item)
        };
        let mut after = before.clone();
        lay_over(&mut after, &patch);
        let mut place = old.as_ref().map_or((None, None), |old| (old.owner, old.parent));
        if !deleted {
            check::rules(self.context, self.collection, self.item, &before, &patch, &after)?;
            check::surroundings(tx, self.context, self.collection, self.item, &patch, failed)?;
            place = access::place(tx, self.context.schema, self.collection, &after)?;
            check::owner(self.context, self.collection, self.item, place)?;
        }
        let record = self.record(old.as_ref(), &patch, after, place, deleted);
        tx.put_record(&record)?;
        tx.hold(&record.collection, record.id, &self.unique_values(&record.fields))?;
        tx.add_history(&self.history(&record, &before, &patch))?;
        if let Some(old) = old.filter(|old| old.owner != record.owner) {
            self.hand_over(tx, &old, record.owner)?;
            self.hand_over_children(tx, &record, 0)?;
        }
        let normalised = if deleted { Fields::new() } else { self.normalised(&patch) };
        Ok(AppliedItem { collection: record.collection, id: record.id, version: record.version, normalised })
    }

    fn record(
        &self,
        old: Option<&Stored>,
        patch: &Fields,
        fields: Fields,
        (owner, parent): (Option<UserId>, Option<RecordId>),
        deleted: bool,
    ) -> Stored {
        let by = self.context.by();
        let live = old.filter(|old| !old.deleted && !deleted);
        Stored {
            collection: self.item.collection.clone(),
            id: self.item.id,
            version: Version(old.map_or(0, |old| old.version.0) + 1),
            seq: self.seq,
            at: self.context.now,
            changed: live.map(|old| changed(old, patch, self.context, &by)).unwrap_or_default(),
            by,
            fields,
            owner,
            parent,
            deleted,
        }
    }

    fn unique_values<'f>(&self, fields: &'f Fields) -> Vec<(&'f str, &'f str)> {
        let is_unique = |name: &String| self.collection.fields.get(name).is_some_and(|spec| spec.unique);
        let values = fields.iter().filter(|(name, _)| is_unique(name));
        values.filter_map(|(name, value)| Some((name.as_str(), value.as_str().filter(|text| !text.is_empty())?))).collect()
    }

    fn history(&self, record: &Stored, before: &Fields, patch: &Fields) -> Vec<HistoryRow> {
        let row = |name: &str, value: &Value, previous: &Value, set_aside: bool| HistoryRow {
            collection: record.collection.clone(),
            id: record.id,
            field: name.to_owned(),
            version: record.version,
            seq: record.seq,
            at: record.at,
            by: record.by.clone(),
            value: value.clone(),
            previous: previous.clone(),
            set_aside,
        };
        let written = patch.iter().filter(|(name, value)| !same(value, field(before, name)));
        let written = written.map(|(name, value)| row(name, value, field(before, name), false));
        let aside = self.item.set_aside.iter().map(|aside| row(&aside.field, &aside.value, &Value::Null, true));
        written.chain(aside).collect()
    }

    fn normalised(&self, kept: &Fields) -> Fields {
        let mut normalised = Fields::new();
        for (name, value) in kept.iter().filter(|(name, value)| !same(value, field(&self.item.patch, name))) {
            normalised.insert(name.clone(), value.clone());
        }
        normalised
    }

    /// Notes who lost the record `old` to a new owner, and who has it again.
    fn hand_over(&self, tx: &mut dyn Tx, old: &Stored, owner: Option<UserId>) -> Result<(), Refusal> {
        let viewers = |owner: Option<UserId>| owner.map(|owner| self.context.directory.viewers_of(owner)).unwrap_or_default();
        let (had, have) = (viewers(old.owner), viewers(owner));
        for user in had.iter().filter(|user| !have.contains(user)) {
            tx.put_revoked(&Revoked {
                user: *user,
                collection: old.collection.clone(),
                id: old.id,
                seq: self.seq,
                version: old.version,
                at: self.context.now,
                by: self.context.by(),
            })?;
        }
        for user in have {
            tx.clear_revoked(user, &old.collection, old.id)?;
        }
        Ok(())
    }

    /// What is seen by way of a record goes where it goes. Such a record has not changed, but it is news for who now
    /// sees it: it gets this commit's place in the feed.
    fn hand_over_children(&self, tx: &mut dyn Tx, parent: &Stored, depth: usize) -> Result<(), Refusal> {
        if depth == VIA_DEPTH_MAX {
            return Ok(());
        }
        for mut child in tx.children(parent.id)? {
            // A deleted one stays with who had it: nobody else learns that it was there.
            if child.deleted || child.owner == parent.owner || !self.is_via(&child.collection, &parent.collection) {
                continue;
            }
            self.hand_over(tx, &child, parent.owner)?;
            child.owner = parent.owner;
            child.seq = self.seq;
            tx.put_record(&child)?;
            self.hand_over_children(tx, &child, depth + 1)?;
        }
        Ok(())
    }

    fn is_via(&self, child: &str, parent: &str) -> bool {
        let Some(collection) = self.context.schema.collection(child) else { return false };
        let Access::Via { field: name } = &collection.access else { return false };
        collection.fields.get(name).is_some_and(|spec| spec.refers_to.as_deref() == Some(parent))
    }
}

/// When each field last changed, after this patch.
fn changed(old: &Stored, patch: &Fields, context: &Context<'_>, by: &By) -> BTreeMap<String, Changed> {
    let mut changed = old.changed.clone();
    if changed.is_empty() {
        let then = Changed { at: old.at, by: old.by.clone() };
        changed.extend(old.fields.keys().map(|name| (name.clone(), then.clone())));
    }
    for (name, _) in patch.iter().filter(|(name, value)| !same(value, field(&old.fields, name))) {
        changed.insert(name.clone(), Changed { at: context.now, by: by.clone() });
    }
    changed
}
