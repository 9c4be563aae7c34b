//! Bases as planning sees them: look one up, put one; and the one rule by which the server's word replaces a base.

use std::collections::{BTreeMap, BTreeSet};

use super::clock::Contact;
use super::outbox::Change;
use super::protocol::{Action, Entry, Plain};
use super::record::{Base, Fields, Millis, RecordId, Seq, Version, field, same};
use crate::mutation::{self, Mutation};

/// The bases that a transaction has read, and may change.
pub trait Bases {
    /// The base of a record.
    fn get(&self, collection: &str, id: RecordId) -> Option<&Base>;
    /// Puts a base.
    fn put(&mut self, collection: &str, base: Base);
    /// Puts a record of which nothing was read that need not be.
    fn put_plain(&mut self, collection: &str, plain: Plain) {
        self.put(collection, plain.read().into_base());
    }
}

/// What changes build on if there is no base (its page was lost, or never came): what the user saw of each field that was
/// not mine yet, at the oldest version that any of them saw. Forms that were opened at different versions make a record that
/// never was: named with the newest, it would go over what the older form had not seen.
#[must_use]
pub fn stand_in(changes: &[&Change]) -> Option<Base> {
    // What waits for an answer has made nothing yet.
    let changes = || changes.iter().filter(|change| !change.is_online());
    let first = changes().next().filter(|first| first.action != Action::Create)?;
    if first.seen.version == Version(0) && changes().any(|change| change.action == Action::Create) {
        // The server never had it: its create was taken back, and it is made again.
        return None;
    }
    // A create saw nothing, whatever was there.
    let forms = changes().filter(|change| change.action != Action::Create);
    let version = forms.map(|change| change.seen.version).min().unwrap_or_default();
    let (mut seen, mut mine) = (Fields::new(), BTreeSet::new());
    for change in changes() {
        for (name, value) in &change.seen.fields {
            if !mine.contains(name) && !seen.contains_key(name) {
                seen.insert(name.clone(), value.clone());
            }
        }
        mine.extend(change.written.keys());
    }
    Some(Base {
        id: first.record,
        version,
        seq: Seq(0),
        at: Millis(0),
        by: None,
        changed: BTreeMap::new(),
        tombstone: None,
        fields: super::record::normalise(seen),
        normalised: BTreeMap::new(),
        doubted: Vec::new(),
    })
}

/// Takes an entry of the feed, a snapshot or a conflict in place of the base, unless the base is newer. `unsent` are the
/// changes of this record that have not ended. Returns whether anything newer came.
pub fn absorb(bases: &mut impl Bases, collection: &str, entry: Entry, unsent: &[&Change], contact: Contact) -> bool {
    let old = bases.get(collection, entry.id);
    if old.is_some_and(|old| is_newer(old, &entry)) {
        return false;
    }
    let newer = old.is_none_or(|old| entry.seq > old.seq || entry.version != old.version);
    replace(bases, collection, entry, unsent, contact);
    newer
}

/// Whether a base is newer than an entry that comes.
pub(super) fn is_newer(old: &Base, entry: &Entry) -> bool {
    is_newer_than(old, (entry.version, entry.seq))
}

/// The same, by the version and the place of the entry.
pub(super) fn is_newer_than(old: &Base, (version, seq): (Version, Seq)) -> bool {
    if mutation::is(Mutation::OrderedByVersion) {
        return old.version >= version;
    }
    old.seq > seq && !mutation::is(Mutation::OlderReplaces)
}

/// Puts an entry in place of the base, whatever that is.
pub fn replace(bases: &mut impl Bases, collection: &str, entry: Entry, unsent: &[&Change], contact: Contact) {
    let old = bases.get(collection, entry.id).filter(|_| !unsent.is_empty());
    let (last_fields, normalised) = old.map(|old| (old.fields.clone(), old.normalised.clone())).unwrap_or_default();
    // What was doubted once stays so: that its clock is right by now tells nothing of then.
    let was_doubted = |change: &Change| old.is_some_and(|old| old.doubted.contains(&change.client_seq));
    let doubted = unsent.iter().filter(|change| was_doubted(change) || contact.doubts(change)).map(|change| change.client_seq);
    let doubted = doubted.collect();
    let mut base = entry.into_base();
    base.doubted = doubted;
    if base.tombstone.is_some() && mutation::is(Mutation::TombstonesDropped) {
        return;
    }
    if base.is_present() {
        base.normalised = normalised;
        base.normalised.retain(|name, normalised| same(field(&base.fields, name), &normalised.returned));
    } else {
        // An unsent edit of it must be shown, and may be restored from the last fields.
        base.fields = last_fields;
    }
    bases.put(collection, base);
}
