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
        candidate.records = candidate.changes.iter().copied().map(key).collect();
        let stops = |key: &Key<'a>| is_stopped(input, *key, by_record, bases) || is_torn(input, *key, &candidate, bases);
        let stopped = candidate.records.iter().copied().filter(stops).map(|key| (key, 0)).collect();
        let gone = without(input.schema, &mut candidate, stopped);
        if !gone.is_empty() {
            left.extend(gone);
            continue;
        }
        // The last change of a record that breaks a rule goes, and what goes with it: not the last of all, which may be
        // another record's.
        let Some(broken) = candidate.records.iter().copied().find(|record| !keeps_its_rules(input, &candidate, *record, bases))
        else {
            break;
        };
        let last = candidate.changes.iter().rfind(|change| key(change) == broken).map_or(0, |change| change.client_seq);
        left.extend(without(input.schema, &mut candidate, BTreeMap::from([(broken, last)])));
    }
    (candidate, left)
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

fn is_stopped<'a>(input: &Begin<'a>, key: Key<'a>, by_record: &BTreeMap<Key<'a>, Vec<&'a Change>>, bases: &impl Bases) -> bool {
    let Some(collection) = input.schema.collection(key.0) else { return true };
    let all = by_record.get(&key).map_or(&[][..], Vec::as_slice);
    // Without a base there is nobody to disagree: the server will say what it has.
    // And on one that a restored server may not have nothing is built: it has what that server lost.
    bases.get(key.0, key.1).is_some_and(|base| {
        base.tombstone == Some(Tombstone::Revoked) || base.is_adrift() || view(collection, Some(base), all).conflict.is_some()
    })
}

/// Whether what is left of a record's changes needs a person although the whole does not: a delete that met theirs, without
/// the change behind it that restores the record.
fn is_torn(input: &Begin<'_>, record: Key<'_>, candidate: &Candidate<'_>, bases: &impl Bases) -> bool {
    let own: Vec<&Change> = candidate.changes.iter().copied().filter(|change| key(change) == record).collect();
    let base = bases.get(record.0, record.1);
    base.is_some() && input.schema.collection(record.0).is_none_or(|collection| view(collection, base, &own).conflict.is_some())
}

fn keeps_its_rules(input: &Begin<'_>, candidate: &Candidate<'_>, record: Key<'_>, bases: &impl Bases) -> bool {
    let own: Vec<&Change> = candidate.changes.iter().copied().filter(|change| key(change) == record).collect();
    let Some(collection) = input.schema.collection(record.0) else { return false };
    let stand = stand_in(&own);
    keeps_rules(collection, bases.get(record.0, record.1).or(stand.as_ref()), &own)
}

/// Whether what these changes come to may be saved, by the rules that need this record alone.
#[must_use]
pub fn keeps_rules(collection: &Collection, base: Option<&Base>, changes: &[&Change]) -> bool {
    let View { fields: Some(fields), .. } = view(collection, base, changes) else { return true };
    match base.filter(|base| base.is_present()) {
        Some(base) => check_patch(collection, &base.fields, &patch(Some(base), &fields)).is_empty(),
        None => check_record(collection, &fields).is_empty(),
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
