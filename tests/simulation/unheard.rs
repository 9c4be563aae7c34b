//! Whether what somebody wrote is what is there when it was applied; or a rule joined it with theirs; or whoever wrote it is
//! told that it is not.

use fieldsync::core::outbox::Change;
use fieldsync::core::protocol::{Action, Item};
use fieldsync::core::record::{at, field};
use fieldsync_server::db::Stored;
use serde_json::Value;

use crate::overwrite::{alike, effective, is_told, items, seen, writes, written};

/// What was written last of a field, is not there, and is not told, if there is such a thing. `had` says of a field and a value whether
/// it was there, and comes again.
pub fn unheard(item: &Item, after: Option<&Stored>, changes: &[Change], had: impl Fn(&str, &Value) -> bool) -> Option<String> {
    let after = after.filter(|after| !after.deleted && item.action != Action::Delete)?;
    let kept = effective(changes);
    let names = kept.iter().flat_map(|change| change.written.keys());
    let lost = |name: &&String| !is_heard(item, after, &kept, name) && !had(name, last_written(&kept, name));
    names.clone().find(lost).map(|name| {
        let is = field(&after.fields, name);
        format!(
            "{}/{}.{name} is {is}, and who wrote another is not told; {:?}; changes {kept:?}",
            item.collection, item.id, item.set_aside
        )
    })
}

fn last_written<'a>(changes: &'a [Change], name: &str) -> &'a Value {
    changes.iter().rfind(|change| writes(change, name)).map_or(&Value::Null, |last| written(last, name))
}

fn is_heard(item: &Item, after: &Stored, changes: &[Change], name: &str) -> bool {
    let Some(last) = changes.iter().rposition(|change| writes(change, name)) else { return true };
    let (wrote, is, saw) = (written(&changes[last], name), at(&after.fields, name), seen(&changes[..=last], name));
    match name {
        // Written by its creator's server.
        "owner" => true,
        // What it adds up to is looked at where theirs is.
        "visits" => true,
        "tags" | "others" => items(wrote).iter().all(|item| items(saw).contains(item) || items(is).contains(item)),
        // Likewise.
        "notes" | "note" => true,
        "terms" => wrote.as_object().into_iter().flatten().all(|(member, wrote)| {
            let (was, is) = (field_of(saw, member), field_of(is, member));
            alike(was, wrote) || alike(is, wrote) || is_told(item, &format!("{name}.{member}"), wrote)
        }),
        // Who makes again what an own delete took away, as that form showed it, has changed nothing of it.
        _ if changes[last].action == Action::Create && alike(wrote, saw) => true,
        _ => alike(wrote, is) || is_told(item, name, wrote),
    }
}

fn field_of<'a>(members: &'a Value, name: &str) -> &'a Value {
    members.get(name).unwrap_or(&Value::Null)
}
