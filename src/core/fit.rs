//! What of a candidate fits to be sent: not in conflict, still ours, and by the rules.

use std::collections::{BTreeMap, BTreeSet};

use super::bases::{Bases, stand_in};
use super::choose::{Candidate, Key, key};
use super::outbox::Change;
use super::protocol::Action;
use super::push::Begin;
use super::record::{Base, Tombstone};
use super::rules::{Violation, check_patch, check_record};
use super::schema::{Collection, Schema};
use super::view::{View, difference, patch, view};

/// The candidates that are not empty and do not name (directly or not) a record that will not be made now.
pub(super) fn without_dependants<'a>(ready: Vec<Candidate<'a>>, mut stopped: BTreeSet<Key<'a>>) -> Vec<Candidate<'a>> {
    let mut kept = Vec::new();
    for candidate in ready {
        if candidate.names.iter().any(|named| stopped.contains(named)) {
            stopped.extend(candidate.changes.into_iter().filter(|change| change.action == Action::Create).map(key));
        } else if !candidate.changes.is_empty() {
            kept.push(candidate);
        }
    }
    kept
}

/// What of a candidate may be sent, and the changes left out: the saves of a record that is in conflict or not ours any
/// more with what follows them, and the saves from the end if what they come to breaks a rule. (Two legal steps of a
/// stage can be one illegal leap: then the first step is sent alone.)
pub(super) fn fit<'a>(
    input: &Begin<'a>,
    mut candidate: Candidate<'a>,
    by_record: &BTreeMap<Key<'a>, Vec<&'a Change>>,
    bases: &impl Bases,
) -> (Candidate<'a>, Vec<&'a Change>) {
    let mut left = Vec::new();
    loop {
        let mut own: BTreeMap<Key<'a>, Vec<&'a Change>> = BTreeMap::new();
        candidate.changes.iter().for_each(|change| own.entry(key(change)).or_default().push(change));
        candidate.records = own.keys().copied().collect();
        candidate.views = own.iter().filter_map(|(key, own)| Some((*key, own_view(input, *key, own, bases)?))).collect();
        let stops = |(key, own): (&Key<'a>, &Vec<&'a Change>)| {
            let all = by_record.get(key).map_or(&[][..], Vec::as_slice);
            is_stopped(input, *key, own.len() < all.len(), candidate.views.get(key), all, bases).then_some((*key, 0))
        };
        let stopped = own.iter().filter_map(stops).collect();
        let gone = without(input.schema, &mut candidate, stopped);
        if !gone.is_empty() {
            left.extend(gone);
            continue;
        }
        // The last change of a record that breaks a rule goes, and what goes with it: not the last of all, which may be
        // another record's.
        let broken = own.iter().find(|(key, own)| !keeps_its_rules(input, **key, candidate.views.get(key), own, bases));
        let Some((broken, own)) = broken else { break };
        let last = own.last().map_or(0, |change| change.client_seq);
        left.extend(without(input.schema, &mut candidate, BTreeMap::from([(*broken, last)])));
    }
    (candidate, left)
}

/// What these changes make of their record; nothing for an unknown collection.
fn own_view(input: &Begin<'_>, key: Key<'_>, own: &[&Change], bases: &impl Bases) -> Option<View> {
    let collection = input.schema.collection(key.0)?;
    let base = bases.get(key.0, key.1);
    let stand = if base.is_some() { None } else { stand_in(own) };
    Some(view(collection, base.or(stand.as_ref()), own))
}

/// Takes out what is stopped: the changes of these records from these numbers on, what was saved or must be made together
/// with one that goes, and what follows such a change on its record.
fn without<'a>(schema: &Schema, candidate: &mut Candidate<'a>, mut closed: BTreeMap<Key<'a>, u64>) -> Vec<&'a Change> {
    if closed.is_empty() {
        return Vec::new();
    }
    let (mut gone, mut groups, mut unmade) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut before = usize::MAX;
    while before != gone.len() {
        before = gone.len();
        for change in &candidate.changes {
            let mut named = schema.collection(&change.collection).into_iter().flat_map(|its| its.references(&change.written));
            let goes = closed.get(&key(change)).is_some_and(|from| *from <= change.client_seq)
                || change.group.is_some_and(|group| groups.contains(&group))
                || named.any(|(_, target, id)| unmade.contains(&(target, id)));
            if goes && gone.insert(change.client_seq) {
                let from = closed.entry(key(change)).or_insert(u64::MAX);
                *from = change.client_seq.min(*from);
                groups.extend(change.group);
                unmade.extend((change.action == Action::Create).then_some(key(change)));
            }
        }
    }
    let (left, stays) = candidate.changes.iter().partition(|change| gone.contains(&change.client_seq));
    candidate.changes = stays;
    left
}

/// Whether nothing of a record goes: it is in conflict, or not ours any more; or what is left of its changes needs a person
/// although the whole does not: a delete that met theirs, without the change behind it that restores the record.
fn is_stopped(input: &Begin<'_>, key: Key<'_>, is_part: bool, own: Option<&View>, all: &[&Change], bases: &impl Bases) -> bool {
    let (Some(collection), Some(own)) = (input.schema.collection(key.0), own) else { return true };
    // Without a base there is nobody to disagree: the server will say what it has.
    // And on one that a restored server may not have nothing is built: it has what that server lost.
    bases.get(key.0, key.1).is_some_and(|base| {
        base.tombstone == Some(Tombstone::Revoked)
            || base.is_adrift()
            || own.conflict.is_some()
            || (is_part && view(collection, Some(base), all).conflict.is_some())
    })
}

fn keeps_its_rules(input: &Begin<'_>, key: Key<'_>, shown: Option<&View>, own: &[&Change], bases: &impl Bases) -> bool {
    let (Some(collection), Some(shown)) = (input.schema.collection(key.0), shown) else { return false };
    let base = bases.get(key.0, key.1);
    let stand = if base.is_some() { None } else { stand_in(own) };
    shown_keeps_rules(collection, base.or(stand.as_ref()), shown)
}

/// Whether what these changes come to may be saved, by the rules that need this record alone.
#[must_use]
pub fn keeps_rules(collection: &Collection, base: Option<&Base>, changes: &[&Change]) -> bool {
    shown_keeps_rules(collection, base, &view(collection, base, changes))
}

fn shown_keeps_rules(collection: &Collection, base: Option<&Base>, shown: &View) -> bool {
    let Some(fields) = &shown.fields else { return true };
    match base.filter(|base| base.is_present()) {
        Some(base) => check_patch(collection, &base.fields, &patch(Some(base), fields)).is_empty(),
        None => check_record(collection, fields).is_empty(),
    }
}

/// The first rule that these changes, each in turn, break: what a record's status says. (Two legal steps of a stage need
/// not be one legal leap.)
#[must_use]
pub fn broken_rule(collection: &Collection, base: Option<&Base>, changes: &[&Change]) -> Option<Violation> {
    let mut before = base.filter(|base| base.is_present()).map(|base| base.fields.clone());
    (1..=changes.len()).find_map(|count| {
        let after = view(collection, base, &changes[..count]).fields;
        let violations = match (&before, &after) {
            (_, None) => Vec::new(),
            (None, Some(after)) => check_record(collection, after),
            (Some(before), Some(after)) => check_patch(collection, before, &difference(before, after)),
        };
        before = after;
        violations.into_iter().next()
    })
}
