//! What a person decided, as a plan: a resolution ends all changes of the record and appends the merged result, whose
//! *seen* is theirs as it was shown. If theirs moved since, nothing is decided.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::outbox::{Change, Seen};
use super::protocol::{Action, SetAside};
use super::push::ended;
use super::record::{Base, Fields, Millis, RowId, Version, apply, field};
use super::rows::{End, Ended};
use super::schema::Collection;
use super::view::{Conflict, ConflictKind, patch, view};
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
    /// Another.
    Value(Value),
}

/// Choices by field; [`WHOLE`] for a deleted record.
pub type Choices = BTreeMap<String, Choice>;

/// Why nothing was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResolveError {
    /// Theirs moved since it was shown, or the conflict is gone: show it again.
    Moved,
    /// A field that needs a choice has none.
    Incomplete,
}

/// What a resolution writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// Every change of the record, ended.
    pub ended: Vec<Ended>,
    /// The merged result; none if it is theirs.
    pub append: Option<Change>,
    /// What rules set aside on the way: it stays in history.
    pub set_aside: Vec<SetAside>,
}

/// What goes with the appended change.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Its row id.
    pub row: RowId,
    /// The device's clock.
    pub now: Millis,
    /// See [`Change`].
    pub clock_offset_ms: Option<i64>,
    /// The schema's number.
    pub schema: u32,
}

/// Decides a conflict that was shown with theirs at `shown`.
///
/// # Errors
/// See [`ResolveError`].
pub fn resolve(
    collection: &Collection,
    base: Option<&Base>,
    changes: &[&Change],
    shown: Version,
    choices: &Choices,
    stamp: Stamp,
) -> Result<Resolved, ResolveError> {
    let merged = view(collection, base, changes);
    let set_aside = merged.set_aside;
    let (Some(base), Some(conflict)) = (base, merged.conflict) else { return Err(ResolveError::Moved) };
    if base.version != shown && !mutation::is(Mutation::DecidedUnseen) {
        return Err(ResolveError::Moved);
    }
    let ended = changes.iter().map(|change| ended(change, End::Resolved)).collect();
    let change = |action, seen: Fields, written| {
        changes.last().map(|last| Change {
            client_seq: 0,
            row: stamp.row,
            collection: collection.name.clone(),
            record: base.id,
            action,
            seen: Seen { version: base.version, fields: seen },
            written,
            // What was saved together goes together, decided or not.
            group: changes.iter().rev().find_map(|change| change.group),
            schema: stamp.schema,
            saved_at: stamp.now,
            clock_offset_ms: stamp.clock_offset_ms,
            hold_until: None,
            mode: last.mode,
        })
    };
    let append = match conflict.kind {
        ConflictKind::Fields => {
            let mine = merged.fields.unwrap_or_default();
            let chosen = choose(&conflict, choices, mine)?;
            let patch = patch(Some(base), &chosen);
            let seen = patch.keys().map(|name| (name.clone(), field(&base.fields, name).clone())).collect();
            if patch.is_empty() { None } else { change(Action::Update, seen, patch) }
        }
        ConflictKind::DeletedByThem => match choices.get(WHOLE).ok_or(ResolveError::Incomplete)? {
            Choice::Mine | Choice::Value(_) => change(Action::Create, Fields::new(), merged.fields.unwrap_or_default()),
            Choice::Theirs => None,
        },
        ConflictKind::DeletedByMe => match choices.get(WHOLE).ok_or(ResolveError::Incomplete)? {
            Choice::Mine | Choice::Value(_) => change(Action::Delete, base.fields.clone(), Fields::new()),
            Choice::Theirs => None,
        },
    };
    Ok(Resolved { ended, append, set_aside })
}

fn choose(conflict: &Conflict, choices: &Choices, mut fields: Fields) -> Result<Fields, ResolveError> {
    for asked in &conflict.fields {
        let value = match choices.get(&asked.field).ok_or(ResolveError::Incomplete)? {
            Choice::Mine => asked.mine.clone(),
            Choice::Theirs => asked.theirs.clone(),
            Choice::Value(value) => value.clone(),
        };
        let mut one = Fields::new();
        one.insert(asked.field.clone(), value);
        apply(&mut fields, &one);
    }
    Ok(fields)
}

/// Changes like these, to append after their end: what undo of a discard or of a resolution puts back. Their row ids
/// follow from the old ones, so that undo pressed twice puts back once.
#[must_use]
pub fn again(ended: &[Ended], schema: u32) -> Vec<Change> {
    let change = |ended: &Ended| Change { client_seq: 0, row: next(ended.row), ..ended.change(schema) };
    ended.iter().map(change).collect()
}

/// Another row id of the same time: the last 62 bits of a UUID are chance.
fn next(row: RowId) -> RowId {
    const CHANCE: u128 = (1 << 62) - 1;
    // An odd step (the golden ratio's) comes back only after all of them.
    const STEP: u128 = 0x1E37_79B9_7F4A_7C15;
    let bits = row.0.as_u128();
    RowId(uuid::Uuid::from_u128((bits & !CHANCE) | (bits.wrapping_add(STEP) & CHANCE)))
}
