//! Applies one parcel: all of its items in one commit, or none.

use std::collections::HashSet;

use fieldsync::core::protocol::{Action, AppliedItem, Item, Outcome, PushParcel};
use fieldsync::core::record::{By, Fields, Millis, RecordId, Seq, UserId, Version, field, same, set};
use fieldsync::core::schema::{Access, Collection};
use serde_json::Value;

use super::check::{self, Refusal};
use super::{Context, access, hooks};
use crate::db::{Changes, HistoryRow, Revoked, Stored, Tx};

/// How far records are seen by way of records that are seen by way of records.
const VIA_DEPTH_MAX: usize = 8;

/// Applies a parcel. If it is refused or panics, what it wrote must be undone by the caller; `wrote` says whether it wrote.
/// Each item is checked before it is written, so one item alone that is refused has written nothing.
pub(super) fn parcel(
    tx: &mut dyn Tx,
    context: &Context<'_>,
    tag: u64,
    failed: &HashSet<RecordId>,
    parcel: &PushParcel,
    wrote: &mut bool,
) -> Result<Outcome, Refusal> {
    check::shape(parcel)?;
    let mut theirs = Vec::new();
    let mut order = Vec::with_capacity(parcel.items.len());
    for (index, item) in parcel.items.iter().enumerate() {
        trip(context, item, hooks::PANIC);
        let stored = tx.record(&item.collection, item.id)?;
        let collection = check::may_touch(context, item, stored.as_ref(), failed)?;
        let rank = context.schema.collections.iter().position(|other| other.name == collection.name);
        match stored {
            Some(stored) if check::has_moved(item, &stored) => {
                theirs.push(stored.into_entry());
                order.push((rank, index, collection, None));
            }
            stored => order.push((rank, index, collection, stored)),
        }
    }
    if !theirs.is_empty() {
        return Err(Refusal::Conflict(theirs));
    }
    // Parents first: items of one parcel may name each other in any order.
    order.sort_by_key(|(rank, index, ..)| (*rank, *index));
    let mut commit = None;
    let mut applied: Vec<(usize, AppliedItem)> = Vec::with_capacity(order.len());
    for (_, index, collection, stored) in order {
        let item = &parcel.items[index];
        // An item before this one may have moved it to another owner.
        let old = if *wrote { tx.record(&item.collection, item.id)? } else { stored };
        let change = ItemChange { context, collection, item };
        let checked = change.check(tx, failed, old)?;
        *wrote = true;
        let seq = match commit {
            Some(seq) => seq,
            None => *commit.insert(tx.commit(tag)?),
        };
        applied.push((index, change.write(tx, seq, checked)?));
    }
    applied.sort_by_key(|(index, _)| *index);
    // Without items it has no shape.
    let Some(seq) = commit else { return Err(check::shapeless().into()) };
    Ok(Outcome::Applied { seq, items: applied.into_iter().map(|(_, item)| item).collect() })
}

/// The test hooks: a server that breaks in one parcel.
#[allow(clippy::panic, reason = "the panic is what tests ask for")]
fn trip(context: &Context<'_>, item: &Item, mark: &str) {
    if context.hooks && hooks::holds(&item.patch, mark) {
        panic!("a test asked for this panic");
    }
}

/// What an item is to write, when nothing speaks against it.
struct Checked {
    /// The record as it is, without its fields; nothing, if it never was.
    old: Option<Stored>,
    /// Of the fields that change: the name, and the value before.
    previous: Vec<(String, Value)>,
    /// As the server keeps it.
    patch: Fields,
    after: Fields,
    /// The owner, and the record that it is seen by way of.
    place: (Option<UserId>, Option<RecordId>),
    /// Whether the unique values that the record holds are others now.
    holds_others: bool,
}

struct ItemChange<'a> {
    context: &'a Context<'a>,
    collection: &'a Collection,
    item: &'a Item,
}

impl ItemChange<'_> {
    /// Whether the item may be written over `old`, and what it is then. Writes nothing.
    fn check(&self, tx: &mut dyn Tx, failed: &HashSet<RecordId>, mut old: Option<Stored>) -> Result<Checked, Refusal> {
        let before = old.as_mut().map(|old| std::mem::take(&mut old.fields)).unwrap_or_default();
        let place = old.as_ref().map_or((None, None), |old| (old.owner, old.parent));
        if self.item.action == Action::Delete {
            let patch = before.keys().map(|name| (name.clone(), Value::Null)).collect();
            let holds_others = unique_values(self.collection, &before).next().is_some();
            let previous = before.into_iter().filter(|(_, value)| !value.is_null()).collect();
            return Ok(Checked { old, previous, patch, after: Fields::new(), place, holds_others });
        }
        let patch = check::kept_patch(self.context, self.collection, self.item);
        let violations = check::violations(self.context, self.collection, self.item, &before, &patch);
        let mut after = before;
        let mut previous = Vec::new();
        for (name, value) in patch.iter() {
            if !same(value, field(&after, name)) {
                previous.push((name.clone(), field(&after, name).clone()));
            }
            set(&mut after, name, value.clone());
        }
        check::rules(self.collection, self.item, violations, &after)?;
        check::surroundings(tx, self.context, self.collection, self.item, &patch, failed)?;
        let place = access::place(tx, self.context.schema, self.collection, &after)?;
        check::owner(self.context, self.collection, self.item, place)?;
        let is_unique = |(name, _): &(String, Value)| self.collection.fields.get(name).is_some_and(|spec| spec.unique);
        let holds_others = previous.iter().any(is_unique);
        Ok(Checked { old, previous, patch, after, place, holds_others })
    }

    fn write(&self, tx: &mut dyn Tx, seq: Seq, checked: Checked) -> Result<AppliedItem, Refusal> {
        let Checked { old, previous, patch, after, place, holds_others } = checked;
        let record = self.record(seq, old.as_ref(), &previous, after, place);
        tx.put_record(&record)?;
        trip(self.context, self.item, hooks::TEAR);
        if holds_others {
            let values: Vec<_> = unique_values(self.collection, &record.fields).collect();
            tx.hold(&record.collection, record.id, &values)?;
        }
        tx.add_history(&self.history(&record, previous, &patch))?;
        if let Some(old) = old.filter(|old| old.owner != record.owner) {
            self.hand_over(tx, seq, &old, record.owner)?;
            self.hand_over_children(tx, &record, 0)?;
        }
        let normalised = if record.deleted { Fields::new() } else { self.normalised(&patch) };
        Ok(AppliedItem { collection: record.collection, id: record.id, version: record.version, normalised })
    }

    fn record(
        &self,
        seq: Seq,
        old: Option<&Stored>,
        previous: &[(String, Value)],
        fields: Fields,
        (owner, parent): (Option<UserId>, Option<RecordId>),
    ) -> Stored {
        let by = self.context.by();
        let deleted = self.item.action == Action::Delete;
        let live = old.filter(|old| !old.deleted && !deleted);
        Stored {
            collection: self.item.collection.clone(),
            id: self.item.id,
            version: Version(old.map_or(0, |old| old.version.0) + 1),
            seq,
            at: self.context.now,
            changed: live.map(|old| changed(old, &fields, previous, self.context.now, &by)).unwrap_or_default(),
            by,
            fields,
            owner,
            parent,
            deleted,
        }
    }

    fn history(&self, record: &Stored, previous: Vec<(String, Value)>, patch: &Fields) -> Vec<HistoryRow> {
        let row = |name: String, value: &Value, previous: Value, set_aside: bool| HistoryRow {
            collection: record.collection.clone(),
            id: record.id,
            version: record.version,
            seq: record.seq,
            at: record.at,
            by: record.by.clone(),
            value: value.clone(),
            field: name,
            previous,
            set_aside,
        };
        let written = previous.into_iter().map(|(name, previous)| {
            let value = field(patch, &name);
            row(name, value, previous, false)
        });
        let aside = self.item.set_aside.iter().map(|aside| row(aside.field.clone(), &aside.value, Value::Null, true));
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
    fn hand_over(&self, tx: &mut dyn Tx, seq: Seq, old: &Stored, owner: Option<UserId>) -> Result<(), Refusal> {
        let viewers = |owner: Option<UserId>| owner.map(|owner| self.context.directory.viewers_of(owner)).unwrap_or_default();
        let (had, have) = (viewers(old.owner), viewers(owner));
        for user in had.iter().filter(|user| !have.contains(user)) {
            tx.put_revoked(&Revoked {
                user: *user,
                collection: old.collection.clone(),
                id: old.id,
                seq,
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
            self.hand_over(tx, parent.seq, &child, parent.owner)?;
            child.owner = parent.owner;
            child.seq = parent.seq;
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

/// The values of a record that no other may have.
fn unique_values<'f>(collection: &Collection, fields: &'f Fields) -> impl Iterator<Item = (&'f str, &'f str)> {
    let is_unique = |name: &String| collection.fields.get(name).is_some_and(|spec| spec.unique);
    let values = fields.iter().filter(move |(name, _)| is_unique(name));
    values.filter_map(|(name, value)| Some((name.as_str(), value.as_str().filter(|text| !text.is_empty())?)))
}

/// When each field last changed, after these changed now.
fn changed(old: &Stored, after: &Fields, previous: &[(String, Value)], now: Millis, by: &By) -> Changes {
    let mut changed = old.changed.clone();
    if changed.is_empty() {
        // What has gone changed now, and what has come, too: so the rest of them is the rest of what was there.
        changed.note(after.keys().map(String::as_str), old.at, &old.by);
    }
    changed.note(previous.iter().map(|(name, _)| name.as_str()), now, by);
    changed
}
