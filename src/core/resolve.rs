//! What a person decided, as a plan: a resolution ends all changes of the record and appends the merged result, whose
//! *seen* is theirs as it was shown. If theirs moved since, nothing is decided.
//!
//! Of two creates of one id a person may also say that these are two records. Then mine becomes a copy under a new id, and
//! what of the outbox names the old one ends and is appended anew with the new one, as no row is ever rewritten.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::outbox::{Change, Seen};
use super::parcel::Parcel;
use super::protocol::{Action, SetAside};
use super::push::ended;
use super::record::{Base, Fields, GroupId, Millis, RecordId, RowId, Version, at, field, same, set_at};
use super::rows::{End, Ended};
use super::schema::{Collection, Schema};
use super::view::{Conflict, ConflictKind, View, patch, view};
use crate::mutation::{self, Mutation};

/// The key of a choice about a whole record.
pub const WHOLE: &str = "*";

/// One choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// Mine.
    Mine,
    /// Theirs.
    Theirs,
    /// Both: of two creates of one id, these are two records. Only for [`WHOLE`].
    Two,
    /// Another.
    Value(Value),
}

/// Choices by field; [`WHOLE`] for a deleted record, and for two records.
pub type Choices = BTreeMap<String, Choice>;

/// Why nothing was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// Theirs moved since it was shown, or the conflict is gone: show it again.
    Moved,
    /// A field that needs a choice has none, or one that is not its.
    Incomplete,
}

/// What a resolution writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The changes that end, in their order: all of the record, and what named it if it is two.
    pub ended: Vec<Ended>,
    /// What they come to: the merged result, none if it is theirs; or a copy, and what names it now.
    pub append: Vec<Change>,
    /// What rules set aside on the way: it stays in history.
    pub set_aside: Vec<SetAside>,
}

/// What is asked, as it was shown.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The app's schema.
    pub schema: &'a Schema,
    /// The record's collection.
    pub collection: &'a Collection,
    /// The record.
    pub record: RecordId,
    /// Theirs, now.
    pub base: Option<&'a Base>,
    /// The version of theirs that was shown.
    pub shown: Version,
    /// Every change, by `client_seq`.
    pub outbox: &'a [Change],
}

/// What goes with the appended changes.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// The row id of the first; those of the others follow from it.
    pub row: RowId,
    /// The id of a copy.
    pub copy: RecordId,
    /// The device's clock.
    pub now: Millis,
    /// See [`Change`].
    pub clock_offset_ms: Option<i64>,
    /// The schema's number.
    pub schema: u32,
}

/// Decides a conflict.
///
/// # Errors
/// See [`ResolveError`].
pub fn resolve(asked: &Question<'_>, choices: &Choices, stamp: Stamp) -> Result<Resolved, ResolveError> {
    let Question { collection, base, .. } = *asked;
    let changes: Vec<&Change> =
        asked.outbox.iter().filter(|change| change.record == asked.record && change.collection == collection.name).collect();
    let merged = view(collection, base, &changes);
    let (Some(base), Some(conflict)) = (base, &merged.conflict) else { return Err(ResolveError::Moved) };
    if base.version != asked.shown && !mutation::is(Mutation::DecidedUnseen) {
        return Err(ResolveError::Moved);
    }
    if choices.get(WHOLE) == Some(&Choice::Two) && conflict.made_twice && conflict.kind == ConflictKind::Fields {
        return two(asked, &changes, stamp);
    }
    let change = |action, fields: Fields, written| {
        let seen = Seen { version: base.version, fields };
        changes.last().map(|last| appended(last, &changes, action, seen, written, stamp))
    };
    let whole = || match choices.get(WHOLE) {
        None | Some(Choice::Two) => Err(ResolveError::Incomplete),
        Some(choice) => Ok(*choice != Choice::Theirs),
    };
    let mine = merged.fields.unwrap_or_default();
    let append = match conflict.kind {
        ConflictKind::Fields => {
            let chosen = choose(conflict, choices, mine, &base.fields)?;
            let patch = patch(Some(base), &chosen);
            let seen = patch.keys().map(|name| (name.clone(), field(&base.fields, name).clone())).collect();
            if patch.is_empty() { None } else { change(Action::Update, seen, patch) }
        }
        ConflictKind::DeletedByThem => whole()?.then(|| change(Action::Create, Fields::new(), mine)).flatten(),
        ConflictKind::DeletedByMe => whole()?.then(|| change(Action::Delete, base.fields.clone(), Fields::new())).flatten(),
    };
    let ended = changes.iter().map(|change| ended(change, End::Resolved)).collect();
    Ok(Resolved { ended, append: append.into_iter().collect(), set_aside: merged.set_aside })
}

/// What is appended in place of a record's changes.
fn appended(last: &Change, changes: &[&Change], action: Action, seen: Seen, written: Fields, stamp: Stamp) -> Change {
    Change {
        client_seq: 0,
        row: stamp.row,
        action,
        seen,
        written,
        // What was saved together goes together, decided or not.
        group: changes.iter().rev().find_map(|change| change.group),
        schema: stamp.schema,
        saved_at: stamp.now,
        clock_offset_ms: stamp.clock_offset_ms,
        hold_until: None,
        ..last.clone()
    }
}

fn choose(conflict: &Conflict, choices: &Choices, mut fields: Fields, theirs: &Fields) -> Result<Fields, ResolveError> {
    // Of mine something may have changed since it was shown: gone, and theirs stands there; or written again over theirs. Then
    // the choice was made about nothing that is asked, and would be passed over.
    let is_asked = |name: &String| conflict.fields.iter().any(|asked| asked.field == *name);
    let is_passed_over = |(name, choice): (&String, &Choice)| match choice {
        Choice::Value(_) => !is_asked(name),
        Choice::Theirs => name != WHOLE && !is_asked(name) && !same(at(&fields, name), at(theirs, name)),
        Choice::Mine | Choice::Two => false,
    };
    if choices.iter().any(is_passed_over) {
        return Err(ResolveError::Moved);
    }
    for asked in &conflict.fields {
        let value = match choices.get(&asked.field).ok_or(ResolveError::Incomplete)? {
            Choice::Mine => asked.mine.clone(),
            Choice::Theirs => asked.theirs.clone(),
            Choice::Value(_) if mutation::is(Mutation::ChosenUnheard) => asked.mine.clone(),
            Choice::Value(value) => value.clone(),
            Choice::Two => return Err(ResolveError::Incomplete),
        };
        set_at(&mut fields, &asked.field, value);
    }
    Ok(fields)
}

/// These are two: mine as if theirs were not there, under another id; and what of the outbox names mine follows.
fn two(asked: &Question<'_>, changes: &[&Change], stamp: Stamp) -> Result<Resolved, ResolveError> {
    let View { fields: Some(fields), set_aside, .. } = view(asked.collection, None, changes) else {
        return Err(ResolveError::Incomplete);
    };
    let last = changes.last().ok_or(ResolveError::Moved)?;
    let copy = Change { record: stamp.copy, ..appended(last, changes, Action::Create, Seen::default(), fields, stamp) };
    let following = following(asked);
    let mut all: Vec<&Change> = changes.iter().chain(&following).copied().collect();
    all.sort_by_key(|change| change.client_seq);
    // What a form saw follows only where an own change has made it so: what the server has is theirs.
    let mut followed = BTreeSet::new();
    let mut anew = Vec::new();
    for (change, index) in following.iter().zip(1..) {
        let place = |name: &str| (change.collection.as_str(), change.record, name.to_owned());
        let fields = renamed(asked, change, &change.seen.fields, stamp.copy, |name| followed.contains(&place(name)));
        let written = renamed(asked, change, &change.written, stamp.copy, |_| true);
        followed.extend(
            written.iter().filter(|(name, value)| change.written.get(*name) != Some(*value)).map(|(name, _)| place(name)),
        );
        let seen = Seen { fields, ..change.seen };
        anew.push(Change { client_seq: 0, row: beside(stamp.row, index), seen, written, ..(*change).clone() });
    }
    let append = std::iter::once(copy).chain(anew).collect();
    Ok(Resolved { ended: all.into_iter().map(|change| ended(change, End::Resolved)).collect(), append, set_aside })
}

/// The changes of other records that name this one, and those behind them of the same records: their order stays.
fn following<'a>(asked: &Question<'a>) -> Vec<&'a Change> {
    let mut named = BTreeSet::new();
    let is_own = |change: &Change| change.record == asked.record && change.collection == asked.collection.name;
    let names = |change: &Change| {
        let collection = asked.schema.collection(&change.collection);
        let mut all = collection.into_iter().flat_map(|collection| collection.references(&change.written));
        all.any(|(_, target, id)| id == asked.record && target == asked.collection.name)
    };
    let follows = |change: &'a Change| {
        let key = (change.collection.as_str(), change.record);
        let follows = !is_own(change) && !mutation::is(Mutation::TwoUnfollowed) && (named.contains(&key) || names(change));
        follows.then(|| {
            named.insert(key);
            change
        })
    };
    asked.outbox.iter().filter_map(follows).collect()
}

/// These fields of a change, with the copy's id wherever they refer to the record and `follow`.
fn renamed(asked: &Question<'_>, change: &Change, fields: &Fields, copy: RecordId, follow: impl Fn(&str) -> bool) -> Fields {
    let declared = asked.schema.collection(&change.collection);
    let refers = |name: &str| {
        let spec = declared.and_then(|declared| declared.fields.get(name));
        spec.is_some_and(|spec| spec.refers_to.as_ref() == Some(&asked.collection.name)) && follow(name)
    };
    let is_old = |value: &Value| value.as_str().and_then(|text| text.parse().ok()) == Some(asked.record);
    let anew = |value: &Value| if is_old(value) { Value::String(copy.to_string()) } else { value.clone() };
    let of_field = |(name, value): (&String, &Value)| {
        let value = match value {
            _ if !refers(name) => value.clone(),
            Value::Array(items) => Value::Array(items.iter().map(anew).collect()),
            value => anew(value),
        };
        (name.clone(), value)
    };
    fields.iter().map(of_field).collect()
}

/// Whether what a resolution appended can be taken back: all of it is unsent, and nothing else builds on a record that it made.
#[must_use]
pub fn can_be_undone(schema: &Schema, outbox: &[Change], rows: &[RowId]) -> bool {
    let appended: Vec<&Change> = outbox.iter().filter(|change| rows.contains(&change.row)).collect();
    let builds_on = |change: &Change, made: &Change| {
        let mut named = schema.collection(&change.collection).into_iter().flat_map(|its| its.references(&change.written));
        (change.record == made.record && change.collection == made.collection)
            || named.any(|(_, target, id)| id == made.record && target == made.collection)
    };
    // What is made again over a tombstone has seen it: its later changes are that record's, made again or not.
    let mut copies = appended.iter().filter(|change| change.action == Action::Create && change.seen.version == Version(0));
    let others = || outbox.iter().filter(|change| !rows.contains(&change.row));
    appended.len() == rows.len() && !copies.any(|made| others().any(|change| builds_on(change, made)))
}

/// Changes like these, to append after their end: what undo of a discard or of a resolution puts back. Their row ids
/// follow from the old ones, so that undo pressed twice puts back once.
#[must_use]
pub fn again(ended: &[Ended], schema: u32) -> Vec<Change> {
    let change = |ended: &Ended| Change { client_seq: 0, row: next(ended.row), ..ended.change(schema) };
    ended.iter().map(change).collect()
}

/// The same, but where the rest of a group is on its way without them, as they had been taken out: then they are a group of
/// their own. The rest cannot be called back, and what was saved together would come apart unsaid.
#[must_use]
pub fn apart_from_sent(changes: &[Change], outbox: &[Change], parcels: &[Parcel]) -> Vec<Change> {
    let is_sent = |change: &&Change| parcels.iter().any(|parcel| parcel.is_open() && parcel.rows.contains(&change.row));
    let sent: BTreeSet<GroupId> = outbox.iter().filter(is_sent).filter_map(|change| change.group).collect();
    let anew = |group: GroupId| if sent.contains(&group) { GroupId(next(RowId(group.0)).0) } else { group };
    changes.iter().map(|change| Change { group: change.group.map(anew), ..change.clone() }).collect()
}

/// Another row id of the same time: the last 62 bits of a UUID are chance.
fn next(row: RowId) -> RowId {
    // The golden ratio's.
    stepped(row, 0x1E37_79B9_7F4A_7C15)
}

/// One of the row ids that follow from another, none of which is the [`next`] of any.
fn beside(row: RowId, index: u128) -> RowId {
    stepped(row, index * 0x2545_F491_4F6C_DD1D)
}

/// An odd step comes back only after all of them.
fn stepped(row: RowId, step: u128) -> RowId {
    const CHANCE: u128 = (1 << 62) - 1;
    let bits = row.0.as_u128();
    RowId(uuid::Uuid::from_u128((bits & !CHANCE) | (bits.wrapping_add(step) & CHANCE)))
}
