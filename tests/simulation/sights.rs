//! What is there to be seen of each schedule: see `happened.rs`. Each looks at the moment before a move and the one after it.

use std::collections::BTreeSet;

use fieldsync::core::outbox::Change;
use fieldsync::core::parcel::{Parcel, Then};
use fieldsync::core::protocol::Action;
use fieldsync::core::record::{Base, OpId, RecordId, RowId, Tombstone, Version, field};
use fieldsync::core::rows::End;
use fieldsync::core::schema::ids;

use crate::happened::Moment;

impl Moment {
    fn base(&self, record: RecordId) -> Option<&Base> {
        self.bases.get(&record)
    }

    fn has(&self, row: RowId) -> bool {
        self.outbox.iter().any(|change| change.row == row)
    }

    fn open(&self) -> impl Iterator<Item = &Parcel> {
        self.parcels.iter().filter(|parcel| parcel.is_open())
    }

    fn parcel(&self, op_id: OpId) -> Option<&Parcel> {
        self.parcels.iter().find(|parcel| parcel.op_id == op_id)
    }

    /// Parcels that the server has applied, and nobody here knows.
    fn unheard(&self) -> impl Iterator<Item = &Parcel> {
        self.open().filter(|parcel| self.applied.contains(&parcel.op_id))
    }

    /// The changes that were not in the outbox before.
    fn new_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a Change> {
        self.outbox.iter().filter(|change| !before.has(change.row))
    }

    /// Unsent changes over such a base.
    fn unsent_over(&self, is: fn(&Base) -> bool) -> impl Iterator<Item = &Change> {
        self.outbox.iter().filter(move |change| self.base(change.record).is_some_and(is))
    }
}

pub fn old_form_saved(before: &Moment, after: &Moment) -> bool {
    let Some(form) = before.form.as_ref().filter(|_| after.form.is_none()) else { return false };
    let Some(base) = before.base(form.id) else { return false };
    let is_old = |name: &String| field(&form.fields, name) != field(&base.fields, name);
    after.new_since(before).any(|change| change.record == form.id && change.written.keys().any(is_old))
}

pub fn later_undone(before: &Moment, after: &Moment) -> bool {
    let is_sent = |change: &Change| before.parcels.iter().any(|parcel| parcel.rows.contains(&change.row));
    let undone = before.outbox.iter().filter(|change| after.ends.get(&change.row) == Some(&End::Discarded) && !is_sent(change));
    undone.into_iter().any(|later| {
        let is_earlier = |change: &&Change| change.record == later.record && change.client_seq < later.client_seq;
        before.outbox.iter().filter(is_earlier).any(|earlier| after.has(earlier.row))
    })
}

pub fn unheard_answer(_: &Moment, after: &Moment) -> bool {
    after.unheard().next().is_some()
}

/// A parcel whose outcome nobody here knew is over.
pub fn heard_now(before: &Moment, after: &Moment) -> bool {
    before.open().any(|parcel| after.parcel(parcel.op_id).is_none() && parcel.rows.iter().all(|row| after.ends.contains_key(row)))
}

pub fn saved_once(before: &Moment, after: &Moment) -> bool {
    let mut new = after.new_since(before);
    matches!((new.next(), new.next()), (Some(change), None) if change.action == Action::Update)
}

pub fn edited_behind(before: &Moment, after: &Moment) -> bool {
    before.unheard().any(|parcel| after.new_since(before).any(|change| parcel.carries(&change.collection, change.record)))
}

pub fn discarded_unheard(before: &Moment, after: &Moment) -> bool {
    before.unheard().filter(|parcel| parcel.then.is_none()).any(|parcel| is_to_go(after, parcel.op_id))
}

fn is_to_go(moment: &Moment, op_id: OpId) -> bool {
    moment.parcel(op_id).is_some_and(|parcel| parcel.then == Some(Then::Discard))
}

pub fn discarded_on_the_way(_: &Moment, after: &Moment) -> bool {
    after.open().any(|parcel| {
        is_to_go(after, parcel.op_id) && after.on_the_way.contains(&parcel.op_id) && !after.finals.contains(&parcel.op_id)
    })
}

pub fn unheard_elsewhere(_: &Moment, after: &Moment) -> bool {
    after.unheard().any(|parcel| parcel.rows.iter().any(|row| after.elsewhere.contains(row)))
}

/// It was sent, our server never saw it, and it is as it was.
pub fn sent_in_vain(before: &Moment, after: &Moment) -> bool {
    let is_unseen = |parcel: &&Parcel| !after.finals.contains(&parcel.op_id) && !after.troubled.contains(&parcel.op_id);
    after.open().filter(is_unseen).any(|parcel| before.parcel(parcel.op_id).is_none() && parcel.attempts == 0)
}

pub fn server_fails(_: &Moment, after: &Moment) -> bool {
    let is_bad =
        |change: &Change| change.written.values().any(|value| value.as_str().is_some_and(|text| text.contains("__poison")));
    let bad: BTreeSet<RowId> = after.outbox.iter().filter(|change| is_bad(change)).map(|change| change.row).collect();
    after.open().any(|parcel| after.troubled.contains(&parcel.op_id) && parcel.rows.iter().any(|row| bad.contains(row)))
}

pub fn unreadable_passed(_: &Moment, after: &Moment) -> bool {
    after.unreadable.iter().any(|seq| Some(*seq) <= after.cursor)
}

pub fn kept_from_another(before: &Moment, after: &Moment) -> bool {
    let stays = before.outbox.iter().all(|change| after.has(change.row) && !after.there.contains(&change.row));
    before.is_another_user && after.is_another_user && after.has_worker && !before.outbox.is_empty() && stays
}

pub fn on_two_disks(_: &Moment, after: &Moment) -> bool {
    after.outbox.iter().any(|change| after.elsewhere.contains(&change.row))
}

/// Another disk has sent what is unsent here.
pub fn sent_by_another(_: &Moment, after: &Moment) -> bool {
    let is_under_way = |row| after.parcels.iter().any(|parcel| parcel.rows.contains(&row));
    after.outbox.iter().any(|change| after.there.contains(&change.row) && !is_under_way(change.row))
}

pub fn frozen_unheard(_: &Moment, after: &Moment) -> bool {
    after.is_frozen && !after.at_rest && after.unheard().next().is_some()
}

/// The answer comes to a tab whose parcel is long over.
pub fn thawed_too_late(before: &Moment, after: &Moment) -> bool {
    before.is_frozen && !before.at_rest && !after.is_frozen && after.at_rest && before.unheard().next().is_none()
}

pub fn revoked_unsent(_: &Moment, after: &Moment) -> bool {
    after.unsent_over(|base| base.tombstone == Some(Tombstone::Revoked)).next().is_some()
}

pub fn granted_again(before: &Moment, after: &Moment) -> bool {
    is_back(before, after, |base| base.tombstone == Some(Tombstone::Revoked))
}

pub fn left_unsent(_: &Moment, after: &Moment) -> bool {
    after.unsent_over(|base| base.tombstone == Some(Tombstone::Left)).next().is_some()
}

pub fn back_in_scope(before: &Moment, after: &Moment) -> bool {
    is_back(before, after, |base| base.tombstone == Some(Tombstone::Left))
}

/// Something came, and had not been made here.
pub fn came_into_scope(before: &Moment, after: &Moment) -> bool {
    let is_new = |id: &&RecordId| !before.bases.contains_key(id) && !before.outbox.iter().any(|change| change.record == **id);
    after.bases.keys().any(|id| is_new(&id))
}

/// Something went, and nothing was done with it.
pub fn left_scope(before: &Moment, after: &Moment) -> bool {
    let was_left = |id: &&RecordId| !after.bases.contains_key(id) && !before.outbox.iter().any(|change| change.record == **id);
    before.bases.keys().any(|id| was_left(&id))
}

fn is_back(before: &Moment, after: &Moment, was: fn(&Base) -> bool) -> bool {
    let is_there = |record| after.base(record).is_some_and(|base| base.tombstone.is_none());
    before.bases.values().any(|base| was(base) && is_there(base.id))
}

pub fn conflict_moved(before: &Moment, after: &Moment) -> bool {
    let version = |moment: &Moment, record| moment.base(record).map_or(Version(0), |base| base.version);
    let both = before.conflicts.intersection(&after.conflicts);
    both.into_iter().any(|record| version(before, *record) < version(after, *record))
}

pub fn deal_in_conflict(_: &Moment, after: &Moment) -> bool {
    let names = |change: &Change| change.written.keys().any(|name| name == "stage" || name == "pipeline");
    after.outbox.iter().any(|change| after.conflicts.contains(&change.record) && change.action == Action::Update && names(change))
}

pub fn conflict_over(before: &Moment, after: &Moment) -> bool {
    let is_resolved =
        |change: &Change| after.ends.get(&change.row) == Some(&End::Resolved) && before.conflicts.contains(&change.record);
    before.outbox.iter().any(is_resolved)
}

pub fn joined_conflict(before: &Moment, after: &Moment) -> bool {
    after.new_since(before).any(|change| {
        before.conflicts.contains(&change.record)
            || change.written.values().flat_map(ids).any(|named| before.conflicts.contains(&named))
    })
}

/// A form saw what I wrote, and the server has another spelling of it.
pub fn spelled_otherwise(_: &Moment, after: &Moment) -> bool {
    after.unsent_over(|base| !base.normalised.is_empty()).next().is_some()
}

pub fn refused_with_dependants(_: &Moment, after: &Moment) -> bool {
    dependants(after).next().is_some()
}

pub fn dependants_ended(before: &Moment, after: &Moment) -> bool {
    dependants(before).any(|change| after.ends.get(&change.row) == Some(&End::Discarded))
}

/// What names a record whose create was refused.
fn dependants(moment: &Moment) -> impl Iterator<Item = &Change> {
    let refused = moment.parcels.iter().filter(|parcel| !parcel.is_open()).flat_map(|parcel| parcel.items.iter());
    let made: BTreeSet<RecordId> = refused.filter(|item| item.action == Action::Create).map(|item| item.id).collect();
    moment.outbox.iter().filter(move |change| change.written.values().flat_map(ids).any(|named| made.contains(&named)))
}

fn is_taken(moment: &Moment, row: &RowId) -> bool {
    moment.ends.get(row) == Some(&End::Confirmed) && moment.ever.contains(row) && !moment.there.contains(row)
}

pub fn taken_by_backup(_: &Moment, after: &Moment) -> bool {
    after.ends.keys().any(|row| is_taken(after, row))
}

pub fn given_back(before: &Moment, after: &Moment) -> bool {
    before.ends.keys().any(|row| is_taken(before, row) && after.there.contains(row))
}

pub fn open_of_old_app(_: &Moment, after: &Moment) -> bool {
    after.apps[0] == Some(2) && after.open().any(|parcel| parcel.schema == 1)
}

pub fn two_apps(_: &Moment, after: &Moment) -> bool {
    matches!(after.apps, [Some(one), Some(other)] if one != other)
}

pub fn saved_by_new_app(before: &Moment, after: &Moment) -> bool {
    two_apps(before, after) && after.new_since(before).any(|change| change.schema == 2)
}

pub fn saved_later_than_now(_: &Moment, after: &Moment) -> bool {
    after.outbox.iter().any(|change| change.saved_at.0 > after.now)
}

pub fn refresh_lost(before: &Moment, after: &Moment) -> bool {
    !before.has_access && after.refreshes_lost > before.refreshes_lost
}

pub fn has_access_again(before: &Moment, after: &Moment) -> bool {
    !before.has_access && after.has_access
}
