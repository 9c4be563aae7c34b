//! Whether what was written over a value was written by somebody who had seen it, or by a rule that says so.
//!
//! It knows nothing of how the client merges: it looks at the server's record before and after, at what each change saw and
//! wrote, and at what was set aside.

use std::collections::BTreeMap;

use fieldsync::core::outbox::Change;
use fieldsync::core::protocol::{Action, Item};
use fieldsync::core::record::{Fields, Millis, RowId, at, field, field_of};
use fieldsync_server::db::Stored;
use serde_json::Value;

/// So far the device's idea of the server's clock may be off: it drifts, and answers take their time.
const WRONG_MS_MAX: i64 = 60_000;

/// A text that is made once: who has it, has it from there.
pub fn is_token(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.trim().starts_with("tk"))
}

/// A value without what the server does to its spelling.
pub fn spelling(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_uppercase(),
        other => other.to_string(),
    }
}

pub fn alike(a: &Value, b: &Value) -> bool {
    spelling(a) == spelling(b)
}

/// How a value lost that nobody who wrote had seen, if one did. `mine` says of a field and a value whether this very device
/// wrote it: between two forms of one person the later stands.
pub fn in_silence(
    item: &Item,
    before: Option<&Stored>,
    after: Option<&Stored>,
    changes: &[Change],
    mine: impl Fn(&str, &Value) -> bool,
) -> Option<String> {
    let before = before?;
    if before.deleted {
        // Who makes it again must have seen that it was deleted.
        let unseen = changes.iter().all(|change| change.seen.version < before.version);
        return unseen.then(|| format!("{}/{} was deleted, and who made it again had not seen it", item.collection, item.id));
    }
    let empty = Fields::new();
    if item.action == Action::Delete {
        return deleted(item, before, changes, mine);
    }
    let kept = effective(changes);
    let changes = &kept[..];
    let after = after.map_or(&empty, |after| &after.fields);
    // What a rule joined was seen by who wrote over it next.
    let joined = |name: &str| changes.iter().filter(|change| writes(change, name)).count() > 1;
    let lost_note = ["notes", "note"].into_iter().find(|name| !keeps_note(text(field(after, name)), name, changes));
    if let Some(name) = lost_note {
        return Some(format!("{}/{}: {name} became {}; changes {changes:?}", item.collection, item.id, field(after, name)));
    }
    before.fields.iter().find_map(|(name, was)| {
        let is = field(after, name);
        if alike(was, is) {
            return None;
        }
        let ok = match name.as_str() {
            "city" | "source" | "nick" | "at" => is_answered_for(item, name, [was, is], changes) || saw(name, was, changes),
            "tags" | "others" => {
                items(was).iter().all(|item| items(is).contains(item) || somebody_saw_item(name, item, changes))
                    && items(is).iter().all(|item| items(was).contains(item) || somebody_added_item(name, item, changes))
            }
            "terms" => was.as_object().into_iter().flatten().all(|(member, was)| {
                let place = format!("{name}.{member}");
                alike(was, at(after, &place)) || saw(&place, was, &touching(&place, changes))
            }),
            "notes" | "note" => text(is).starts_with(text(was)) || somebody_saw_note(name, text(was), changes),
            // The one that its rule prefers stands, and the other one is told.
            "last_visit" | "discount" | "grade" => {
                let stands = match name.as_str() {
                    "last_visit" => is.as_i64() >= was.as_i64(),
                    "discount" => is.as_i64() <= was.as_i64(),
                    _ => is.as_str() >= was.as_str(),
                };
                ((stands || joined(name)) && is_answered_for(item, name, [was, is], changes)) || saw(name, was, changes)
            }
            "visits" => added(name, changes).is_none_or(|sum| is.as_i64() == was.as_i64().map(|was| was + sum)),
            // Their manager gives a record away, who has no form here.
            "owner" if changes.is_empty() => true,
            _ => saw(name, was, changes),
        };
        (!ok).then(|| format!("{}/{}.{name}: {was} became {is}; changes {changes:?}", item.collection, item.id))
    })
}

/// Whether the push tells that a rule set this value of a field aside.
pub fn is_told(item: &Item, name: &str, value: &Value) -> bool {
    item.set_aside.iter().any(|aside| aside.field == name && alike(&aside.value, value))
}

/// The same; or somebody had seen it, and what they wrote over it stands, or is told.
fn is_answered_for(item: &Item, name: &str, [was, is]: [&Value; 2], changes: &[Change]) -> bool {
    let wrote_over = |index: &usize| writes(&changes[*index], name) && saw(name, was, &changes[..=*index]);
    let counts = |value: &Value| alike(value, is) || is_told(item, name, value);
    is_told(item, name, was) || (0..changes.len()).filter(wrote_over).any(|index| counts(written(&changes[index], name)))
}

/// Whether a value of this field says where it is from, or is seldom met by chance.
pub fn is_told_apart(name: &str, value: &Value) -> bool {
    is_token(value) || matches!(name, "last_visit" | "discount" | "grade" | "stage")
}

/// The changes without the deletes that did nothing: one behind another delete found nothing left to delete, whatever an old
/// form of it showed; and one that an update behind it takes back has written nothing.
pub fn effective(changes: &[Change]) -> Vec<Change> {
    let mut kept: Vec<Change> = Vec::new();
    for change in changes {
        let follows_delete = kept.last().is_some_and(|last| last.action == Action::Delete);
        match change.action {
            Action::Delete if follows_delete => continue,
            Action::Update if follows_delete => drop(kept.pop()),
            _ => {}
        }
        kept.push(change.clone());
    }
    kept
}

pub fn items(value: &Value) -> Vec<&Value> {
    value.as_array().map(|items| items.iter().collect()).unwrap_or_default()
}

/// Whether who wrote a field last had seen this value, or saw what an own earlier change of the parcel wrote, whose author
/// had; or somebody who had seen it wrote the same before.
fn saw(name: &str, was: &Value, changes: &[Change]) -> bool {
    let Some(at) = changes.iter().rposition(|change| writes(change, name)) else { return false };
    let wrote_the_same =
        |index: &usize| writes(&changes[*index], name) && alike(written(&changes[*index], name), written(&changes[at], name));
    if (0..at).filter(wrote_the_same).any(|index| alike(seen(&changes[..=index], name), was)) {
        return true;
    }
    // What a form saw may have been written more than once: each of those who wrote it had seen something.
    let mut ways = vec![at];
    while let Some(at) = ways.pop() {
        let seen = seen(&changes[..=at], name);
        if alike(seen, was) {
            return true;
        }
        let wrote_it = |index: &usize| writes(&changes[*index], name) && alike(written(&changes[*index], name), seen);
        ways.extend((0..at).filter(wrote_it));
    }
    false
}

/// Of a note that rules join, what the next form sees is nobody's own: that one of the forms saw this is enough, also with
/// lines behind it.
fn somebody_saw_note(name: &str, was: &str, changes: &[Change]) -> bool {
    (0..changes.len()).any(|index| spelling(seen(&changes[..=index], name)).starts_with(&was.trim().to_uppercase()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// What one of the forms saw in a list, it may have taken out.
fn somebody_saw_item(name: &str, item: &Value, changes: &[Change]) -> bool {
    (0..changes.len()).any(|index| items(seen(&changes[..=index], name)).contains(&item))
}

/// What one of the forms did not have, and then had.
fn somebody_added_item(name: &str, item: &Value, changes: &[Change]) -> bool {
    let added = |index: usize| {
        items(written(&changes[index], name)).contains(&item) && !items(seen(&changes[..=index], name)).contains(&item)
    };
    (0..changes.len()).any(added)
}

/// Whether what the last form added to a text is in it.
fn keeps_note(is: &str, name: &str, changes: &[Change]) -> bool {
    let Some(last) = changes.iter().rposition(|change| change.written.contains_key(name)) else { return true };
    let parts = |text: &str| text.split(['|', '\n']).map(str::to_owned).collect::<Vec<_>>();
    let (saw, is) = (parts(text(seen(&changes[..=last], name))), parts(is));
    let gone = changes[last..].iter().any(|change| change.action == Action::Delete);
    gone || parts(text(written(&changes[last], name))).iter().all(|part| saw.contains(part) || is.contains(part))
}

/// Why the edit that a rule set aside as the earlier one may be the later: the one form that wrote the field did not know the
/// server's clock, or by the true clock it was the other way round.
pub fn by_a_wrong_clock(
    item: &Item,
    before: Option<&Stored>,
    changes: &[Change],
    saved_at: &BTreeMap<RowId, Millis>,
    is_own: impl Fn(&str, &Value) -> bool,
) -> Option<String> {
    let (before, aside) = (before?, item.set_aside.iter().find(|aside| aside.field == "city")?);
    let mut writers = changes.iter().filter(|change| writes(change, "city"));
    let (Some(mine), None) = (writers.next(), writers.next()) else { return None };
    if mine.clock_offset_ms.is_none() {
        return Some(format!("{}/{}: a city was set aside by a clock that nobody knew", item.collection, item.id));
    }
    if !aside.mine && is_own("city", field(&before.fields, "city")) {
        // The server dates it by when it came; this device, which wrote both, knows which was the earlier.
        return None;
    }
    let theirs = before.clone().into_entry();
    let theirs_at = theirs.changed.get("city").map_or(theirs.at, |changed| changed.at);
    let later_ms = saved_at.get(&mine.row)?.since(theirs_at);
    let wrong_ms = if aside.mine { later_ms } else { -later_ms };
    (wrong_ms > WRONG_MS_MAX).then(|| {
        format!("{}/{}: a city was set aside as the earlier one, and was later by {wrong_ms} ms", item.collection, item.id)
    })
}

/// Whether a change writes a place: of a field that is merged by member, it writes the members that it changed.
pub fn writes(change: &Change, place: &str) -> bool {
    match change.action {
        Action::Create | Action::Delete => true,
        Action::Update if place.contains('.') => !alike(at(&change.written, place), at(&change.seen.fields, place)),
        Action::Update => change.written.contains_key(field_of(place)),
    }
}

pub fn written<'a>(change: &'a Change, place: &str) -> &'a Value {
    if change.action == Action::Delete { &Value::Null } else { at(&change.written, place) }
}

/// What the last of these saw of a field; a create after an own delete saw what the delete saw.
pub fn seen<'a>(changes: &'a [Change], name: &str) -> &'a Value {
    let Some((last, earlier)) = changes.split_last() else { return &Value::Null };
    if last.action != Action::Create {
        return at(&last.seen.fields, name);
    }
    earlier.iter().rfind(|change| change.action == Action::Delete).map_or(&Value::Null, |delete| at(&delete.seen.fields, name))
}

/// The changes without a delete and the create behind it that neither saw nor wrote this member: what another form of mine had
/// written to it stays.
fn touching(place: &str, changes: &[Change]) -> Vec<Change> {
    let mut kept: Vec<Change> = changes.to_vec();
    let is_made_again = |kept: &[Change], index: usize| {
        let is_pair = kept[index].action == Action::Create && index > 0 && kept[index - 1].action == Action::Delete;
        is_pair && seen(&kept[..=index], place).is_null() && written(&kept[index], place).is_null()
    };
    while let Some(index) = (0..kept.len()).find(|index| is_made_again(&kept, *index)) {
        kept.drain(index - 1..=index);
    }
    kept
}

/// What updates add up to; none if the record was made or deleted in between.
fn added(name: &str, changes: &[Change]) -> Option<i64> {
    if changes.iter().any(|change| change.action != Action::Update) {
        return None;
    }
    let added = |change: &Change| {
        let written = change.written.get(name)?;
        Some(written.as_i64().unwrap_or(0) - field(&change.seen.fields, name).as_i64().unwrap_or(0))
    };
    Some(changes.iter().filter_map(added).sum())
}

/// Who deletes must have seen what is deleted, or a rule told what it made of it.
fn deleted(item: &Item, before: &Stored, changes: &[Change], mine: impl Fn(&str, &Value) -> bool) -> Option<String> {
    let deletes: Vec<usize> = (0..changes.len()).filter(|index| changes[*index].action == Action::Delete).collect();
    // A form that showed this very version, with what of mine was not sent then.
    if deletes.is_empty() || deletes.iter().any(|index| changes[*index].seen.version == before.version) {
        return None;
    }
    let knew =
        |name: &String, was: &Value| is_told(item, name, was) || deletes.iter().any(|index| knew(name, was, &changes[..=*index]));
    let unseen = before.fields.iter().find(|(name, was)| !was.is_null() && !mine(name, was) && !knew(name, was));
    unseen.map(|(name, was)| {
        format!("{}/{} was deleted, and nobody who did had seen {name} = {was}; {changes:?}", before.collection, before.id)
    })
}

/// Whether the last of these, a delete, had seen what was there of a field, as far as rules do not join it.
fn knew(name: &str, was: &Value, changes: &[Change]) -> bool {
    let joined = || changes[..changes.len() - 1].iter().any(|change| writes(change, name));
    match name {
        "tags" | "others" => items(was).iter().all(|item| somebody_saw_item(name, item, changes)),
        "notes" | "note" => somebody_saw_note(name, text(was), changes),
        "terms" => was.as_object().into_iter().flatten().all(|(member, was)| saw(&format!("{name}.{member}"), was, changes)),
        "visits" => joined() || saw(name, was, changes),
        // The server writes it at the creation: a form that was open then saw nobody.
        "owner" => field(&changes[changes.len() - 1].seen.fields, name).is_null() || saw(name, was, changes),
        _ => saw(name, was, changes),
    }
}
