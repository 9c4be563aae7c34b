//! What the server must be sure of before it writes an item.

use std::collections::HashSet;

use fieldsync::core::protocol::{Action, Entry, GROUP_CHANGES_MAX, Item, Problem, ProblemCode, PushParcel};
use fieldsync::core::record::{Fields, RecordId, UserId, field, same};
use fieldsync::core::rules::{Rule, Violation, check_patch, check_record, normalise_value, unique_values};
use fieldsync::core::schema::{Access, Collection, Kind, Mode};
use fieldsync::mutation::{self, Mutation};
use serde_json::Value;

use super::Context;
use crate::db::{DbError, Role, Stored, Tx};

/// Why a parcel was not applied.
pub(super) enum Refusal {
    /// It never will be.
    Rejected(Box<Problem>),
    /// These records have moved on.
    Conflict(Vec<Entry>),
    /// It names a record that did not come to be in this very request.
    Blocked(RecordId),
    /// The database failed: not the parcel's fault.
    Db(DbError),
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Rejected(Box::new(problem))
    }
}

fn refused(code: ProblemCode, detail: &str, item: &Item) -> Problem {
    Problem::new(code, detail).of_record(&item.collection, item.id)
}

/// One answer for what is another's and for what is not there: so nobody can tell them apart.
fn forbidden(item: &Item) -> Problem {
    refused(ProblemCode::Forbidden, "There is no such record that you may change.", item)
}

/// The answer to a parcel that is none.
pub(super) fn shapeless() -> Problem {
    Problem::new(ProblemCode::Malformed, "A parcel has items, and each record and change once.")
}

/// A parcel has 1 to 50 items of different records, and row ids that differ.
pub(super) fn shape(parcel: &PushParcel) -> Result<(), Refusal> {
    if parcel.items.len() == 1 && parcel.changes.len() <= 1 {
        return Ok(());
    }
    let records: HashSet<_> = parcel.items.iter().map(|item| (&item.collection, item.id)).collect();
    let rows: HashSet<_> = parcel.changes.iter().collect();
    if parcel.items.is_empty() || records.len() < parcel.items.len() || rows.len() < parcel.changes.len() {
        return Err(shapeless().into());
    }
    if parcel.items.len() > GROUP_CHANGES_MAX {
        return Err(Problem::new(ProblemCode::TooLarge, "More items than are applied together.").into());
    }
    Ok(())
}

/// Whether this user may write this record at all. The collection, if they may.
pub(super) fn may_touch<'a>(
    context: &Context<'a>,
    item: &Item,
    stored: Option<&Stored>,
    failed: &HashSet<RecordId>,
) -> Result<&'a Collection, Refusal> {
    let Some(collection) = context.schema.collection(&item.collection) else {
        return Err(refused(ProblemCode::Validation, "There is no such collection.", item).into());
    };
    let shared = collection.access == Access::Everyone;
    if collection.mode == Mode::Remote || (shared && context.user.role != Role::Manager) {
        return Err(refused(ProblemCode::Forbidden, "You may only read this.", item).into());
    }
    match stored {
        None if item.action == Action::Create => Ok(collection),
        None if failed.contains(&item.id) => Err(Refusal::Blocked(item.id)),
        Some(stored) if context.sees(stored) => Ok(collection),
        _ => Err(forbidden(item).into()),
    }
}

/// Whether the record is not what the item builds on.
pub(super) fn has_moved(item: &Item, stored: &Stored) -> bool {
    if mutation::is(Mutation::MovedOver) {
        return false;
    }
    let wants_live = item.action != Action::Create;
    stored.deleted == wants_live || stored.version != item.base_version || was_otherwise(item, stored)
}

/// Whether the device saw other values than are there, under the same version. A server that was put back from a backup
/// counts on from there, and comes to the same number with another's write, which must not be overwritten in silence.
fn was_otherwise(item: &Item, stored: &Stored) -> bool {
    let differs = |name: &String| !same(field(&item.seen, name), field(&stored.fields, name));
    match item.action {
        _ if mutation::is(Mutation::ValuesUncompared) => false,
        // What it makes was not there, so nothing of it was seen; a tombstone has no fields to compare.
        Action::Create => false,
        Action::Update => item.seen.keys().any(differs),
        // A delete saw the record whole, or does not say what it saw.
        Action::Delete => !item.seen.is_empty() && item.seen.keys().chain(stored.fields.keys()).any(differs),
    }
}

/// The patch as the server keeps it: normalised, and with the creator as owner where none is named.
pub(super) fn kept_patch(context: &Context<'_>, collection: &Collection, item: &Item) -> Fields {
    let rule = |name: &str| collection.fields.get(name).and_then(|spec| spec.normalise);
    let kept = |name: &str, value: &Value| rule(name).map_or_else(|| value.clone(), |rule| normalise_value(rule, value));
    let mut patch: Fields = item.patch.iter().map(|(name, value)| (name.clone(), kept(name, value))).collect();
    if let (Action::Create, Access::Owner { field: name }) = (item.action, &collection.access)
        && field(&patch, name).is_null()
    {
        patch.insert(name.clone(), Value::String(context.user.id.to_string()));
    }
    patch
}

/// What the rules that need this record alone have against its patch.
pub(super) fn violations(
    context: &Context<'_>,
    collection: &Collection,
    item: &Item,
    before: &Fields,
    patch: &Fields,
) -> Vec<Violation> {
    let (Action::Create, Access::Owner { field: name }) = (item.action, &collection.access) else {
        return check_patch(collection, before, patch);
    };
    // A read-only owner is the creator: naming them is no change.
    let mut before = before.clone();
    before.insert(name.clone(), Value::String(context.user.id.to_string()));
    check_patch(collection, &before, patch)
}

/// The rules that need this record alone, with what they have against the patch.
pub(super) fn rules(collection: &Collection, item: &Item, mut violations: Vec<Violation>, after: &Fields) -> Result<(), Refusal> {
    if item.action == Action::Create {
        // As a whole the record is looked at without a past, so what is read-only was looked at above.
        violations.extend(check_record(collection, after).into_iter().filter(|violation| violation.rule != Rule::ReadOnly));
    } else if fieldsync::core::record::size_bytes(after) > fieldsync::core::record::RECORD_BYTES_MAX {
        return Err(refused(ProblemCode::TooLarge, "The record is too large.", item).into());
    }
    let Some(first) = violations.into_iter().next() else { return Ok(()) };
    if first.rule == Rule::Size {
        return Err(refused(ProblemCode::TooLarge, "The record is too large.", item).into());
    }
    let name = serde_json::to_value(first.rule).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    Err(refused(ProblemCode::Validation, &format!("The rule \"{name}\" does not allow this."), item)
        .in_field(&first.field)
        .into())
}

/// The rules that need other records and users.
pub(super) fn surroundings(
    tx: &mut dyn Tx,
    context: &Context<'_>,
    collection: &Collection,
    item: &Item,
    patch: &Fields,
    failed: &HashSet<RecordId>,
) -> Result<(), Refusal> {
    for (name, target, id) in collection.references(patch) {
        let found = tx.record(target, id)?;
        if found.is_some_and(|record| !record.deleted && context.sees(&record)) {
            continue;
        }
        if failed.contains(&id) {
            return Err(Refusal::Blocked(id));
        }
        return Err(refused(ProblemCode::Validation, "There is no such record.", item).in_field(name).into());
    }
    for (name, value) in patch {
        let Some(spec) = collection.fields.get(name) else { continue };
        if spec.kind == Kind::User && !value.is_null() && !is_user(context, value) {
            return Err(refused(ProblemCode::Validation, "There is no such user.", item).in_field(name).into());
        }
    }
    for (name, text) in unique_values(collection, patch) {
        if tx.holder(&collection.name, name, text)?.is_some_and(|holder| holder != item.id) {
            return Err(refused(ProblemCode::Taken, "Another record has this value.", item).in_field(name).into());
        }
    }
    Ok(())
}

fn is_user(context: &Context<'_>, value: &Value) -> bool {
    value.as_str().and_then(|text| text.parse().ok()).is_some_and(|id: UserId| context.directory.user(id).is_some())
}

/// Whether the user may leave the record with this owner and this parent.
pub(super) fn owner(
    context: &Context<'_>,
    collection: &Collection,
    item: &Item,
    (owner, parent): (Option<UserId>, Option<RecordId>),
) -> Result<(), Refusal> {
    let (name, missing) = match &collection.access {
        Access::Everyone => return Ok(()),
        Access::Owner { field } => (field, owner.is_none()),
        Access::Via { field } => (field, parent.is_none()),
    };
    if missing {
        return Err(refused(ProblemCode::Validation, "Nobody would see this record.", item).in_field(name).into());
    }
    if owner.is_some_and(|owner| !context.directory.sees(context.user, owner)) {
        return Err(refused(ProblemCode::Forbidden, "You may not give it to this user.", item).in_field(name).into());
    }
    Ok(())
}
