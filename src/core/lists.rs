//! Two lists that both sides changed, merged: as a set, or as a list of ids, whose order means something.

use serde_json::Value;

use super::record::same;
use crate::mutation::{self, Mutation};

/// The items; an absent list has none, and what is no list has none to merge.
fn items(value: &Value) -> Option<&[Value]> {
    if value.is_null() { Some(&[]) } else { value.as_array().map(Vec::as_slice) }
}

fn has(list: &[Value], item: &Value) -> bool {
    list.iter().any(|other| same(other, item))
}

/// A set: theirs without what I removed, and with what I added. Its order means nothing.
pub(super) fn set(seen: &Value, mine: &Value, theirs: &Value) -> Option<Value> {
    let (seen, mine, theirs) = (items(seen)?, items(mine)?, items(theirs)?);
    let stays = |item: &&Value| !has(seen, item) || has(mine, item) || mutation::is(Mutation::UnionKeepsAll);
    let mut merged: Vec<Value> = theirs.iter().filter(stays).cloned().collect();
    for item in mine {
        let is_added = !has(seen, item) || mutation::is(Mutation::UnionKeepsAll);
        if is_added && !has(&merged, item) {
            merged.push(item.clone());
        }
    }
    Some(Value::Array(merged))
}

/// A list of ids: a set in the order of who moved its items. Nothing if both moved them, differently.
pub(super) fn ids(seen: &Value, mine: &Value, theirs: &Value) -> Option<Value> {
    let (seen, mine, theirs) = (items(seen)?, items(mine)?, items(theirs)?);
    let left = |list: &[Value]| -> Vec<Value> {
        let everywhere = |item: &&Value| [seen, mine, theirs].iter().all(|list| has(list, item));
        list.iter().filter(everywhere).cloned().collect()
    };
    let (was, of_mine, of_theirs) = (left(seen), left(mine), left(theirs));
    let (first, second) = match (of_mine == was || of_mine == of_theirs, of_theirs == was) {
        (true, _) => (theirs, mine),
        (false, true) => (mine, theirs),
        (false, false) => return None,
    };
    let mut merged: Vec<Value> = Vec::new();
    for item in first.iter().filter(|item| !has(seen, item) || has(second, item)) {
        if !has(&merged, item) {
            merged.push(item.clone());
        }
    }
    for (index, item) in second.iter().enumerate().filter(|(_, item)| !has(seen, item)) {
        if !has(&merged, item) {
            merged.insert(place(&merged, &second[..index], first, seen), item.clone());
        }
    }
    Some(Value::Array(merged))
}

/// Where an item goes that stood behind `before`: behind the last of them that is there, and behind what the other side has
/// added in the same place.
fn place(merged: &[Value], before: &[Value], first: &[Value], seen: &[Value]) -> usize {
    let is_behind = |item: &Value| merged.iter().position(|other| same(other, item));
    let (from, is_mine) = match before.iter().rev().find_map(|item| Some((is_behind(item)?, !has(seen, item)))) {
        Some((at, is_added)) => (at + 1, is_added),
        None => (0, false),
    };
    // What I added in a row stays a row.
    let is_theirs = |item: &&Value| !is_mine && !has(seen, item) && has(first, item);
    from + merged[from..].iter().take_while(is_theirs).count()
}
