//! What a context keeps in memory: bases by collection, the outbox, the parcels; and what the app shows of them.
//!
//! Nothing here is the truth: all of it is read again from the store, by page `stamp`, `client_seq` and history key.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;

use super::asides::{AsideView, Asides};
use super::parcels::Parcels;
use super::search::Search;
use super::shown::Shown;
use super::sorted::Indexes;
use super::standing::Looked;
use super::stored::Stored;
use super::unsent::{Key, Unsent};
use crate::core::bases::{Bases, stand_in};
use crate::core::outbox::Change;
use crate::core::parcel::Parcel;
use crate::core::protocol::{Action, Problem};
use crate::core::record::{Base, By, CollectionName, Fields, Millis, RecordId, Tombstone, Version};
use crate::core::rows::{Aside, ConflictRow, HistoryRow};
use crate::core::rules::Violation;
use crate::core::schema::{Collection, Schema};
use crate::core::view::{ConflictKind, View, view};

/// Where a record stands; the first that holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordStatus {
    /// Refused, breaks a rule, or not ours any more.
    Failed,
    /// A person must decide.
    Conflict,
    /// On its way.
    Sending,
    /// Saved on this device.
    Pending,
    /// The server has it.
    Synced,
}

/// A record as the app reads it; `RecordView` in `www/fieldsync/types.d.ts`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordView {
    /// Its collection.
    pub collection: CollectionName,
    /// Its id.
    pub id: RecordId,
    /// Its fields.
    pub fields: Shown,
    /// The base's version.
    pub version: Version,
    /// Where it stands.
    pub status: RecordStatus,
    /// What the outbox will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Action>,
    /// What is to be decided, if a person must.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<ConflictKind>,
    /// That was put off: it waits, and nothing else does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub put_off: bool,
    /// A rule set something aside, and nobody has looked at it yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub merged: bool,
    /// Kept back for Undo.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// Something was to be done with it only with an answer of the server, and there is none yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// The record that it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_by: Option<RecordId>,
    /// Why it could not be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
    /// When the server last changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Millis>,
    /// Who did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<By>,
    /// When this device last did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_updated_at: Option<Millis>,
    /// When the collection was last pulled whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_synced_at: Option<Millis>,
    /// What rules set aside, and what still stands in its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<AsideView>,
    /// What the server will probably refuse, as far as other records here tell; see `data::warnings`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Violation>,
    /// The records that it refers to, by field, as far as they were asked for and are here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub included: BTreeMap<String, Included>,
}

/// What a field refers to: a record, or of a list those that are here.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Included {
    /// Of a reference.
    One(Box<RecordView>),
    /// Of a list of references.
    Many(Vec<RecordView>),
}

/// The memory of one context.
pub struct Tables {
    schema: Rc<Schema>,
    pub(super) bases: BTreeMap<CollectionName, BTreeMap<RecordId, Rc<Stored>>>,
    /// Which of them are unpacked.
    pub(super) unpacked: RefCell<Vec<Key>>,
    /// Collection and first id of each page.
    pub(super) pages: BTreeSet<(CollectionName, String)>,
    pub(super) unsent: Unsent,
    parcels: Parcels,
    pub(super) looked: Looked,
    /// How often something happened to a record.
    pub(super) touches: u64,
    pub(super) indexes: Indexes,
    /// None until somebody looks for something.
    pub(super) search: Option<Search>,
    /// By record.
    pub conflicts: BTreeMap<(CollectionName, RecordId), ConflictRow>,
    pub(super) asides: Asides,
    /// When everything was last pulled.
    pub pulled_at: Option<Millis>,
    /// Whether the engine is sending, here or in another context.
    pub is_sending: bool,
}

impl Tables {
    /// Empty ones.
    #[must_use]
    pub fn new(schema: Rc<Schema>) -> Self {
        Self {
            schema,
            bases: BTreeMap::new(),
            unpacked: RefCell::default(),
            pages: BTreeSet::new(),
            unsent: Unsent::default(),
            parcels: Parcels::default(),
            looked: Looked::default(),
            touches: 0,
            indexes: Indexes::default(),
            search: None,
            conflicts: BTreeMap::new(),
            asides: Asides::default(),
            pulled_at: None,
            is_sending: false,
        }
    }

    /// The app's schema.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Every base of a collection.
    pub fn bases(&self, collection: &str) -> impl Iterator<Item = &Stored> {
        self.bases.get(collection).into_iter().flat_map(BTreeMap::values).map(Rc::as_ref)
    }

    /// A record's changes, or its base under them, are not what they were.
    fn touch(&mut self, key: Key) {
        self.touch_derived(&key.0, key.1);
        self.looked.touch(key);
    }

    /// Takes a change of the outbox.
    pub fn take_change(&mut self, change: Change) {
        self.touch(change.key());
        self.unsent.take(change);
    }

    /// Takes a row of history: its changes have left the outbox. Returns their collections.
    pub fn take_history(&mut self, row: &HistoryRow) -> BTreeSet<CollectionName> {
        for ended in &row.ended {
            self.touch((ended.collection.clone(), ended.record));
            self.unsent.end(ended.client_seq);
        }
        for change in &row.returned {
            self.touch(change.key());
            self.unsent.put_back(change.clone());
        }
        self.asides.take(row);
        let ended = row.ended.iter().map(|ended| &ended.collection);
        let returned = row.returned.iter().map(|change| &change.collection);
        let set_aside = row.set_aside.iter().map(|Aside(collection, ..)| collection);
        let looked = row.looked.iter().map(|(collection, ..)| collection);
        ended.chain(returned).chain(set_aside).chain(looked).cloned().collect()
    }

    /// Forgets the outbox: it is about to be taken whole.
    pub fn clear_outbox(&mut self) {
        self.touches += 1;
        for (collection, id) in std::mem::take(&mut self.unsent).records() {
            self.touch_derived(collection, *id);
        }
        self.looked.forget();
    }

    /// Takes the parcels, open and refused, in place of those before. Returns the collections of those that are not as they were.
    pub fn take_parcels(&mut self, parcels: &[Parcel]) -> BTreeSet<CollectionName> {
        let mut touched: BTreeSet<(CollectionName, RecordId)> = BTreeSet::new();
        for (parcel, is_new) in self.parcels.replace(parcels) {
            // A record whose item was empty is not in `items`; its changes are in `rows`.
            let of_rows = parcel.rows.iter().filter_map(|row| self.unsent.of_row(row)).map(Change::key);
            let records: BTreeSet<_> = parcel.records().chain(of_rows).collect();
            // One that is on its way now is in no new trouble, only perhaps out of it.
            let is_sent = is_new && parcel.is_open();
            let looked = records.iter().filter(|key| !is_sent || self.looked.is_troubled(key));
            looked.cloned().collect::<Vec<_>>().into_iter().for_each(|key| self.looked.touch(key));
            touched.extend(records);
        }
        self.touches += touched.len() as u64;
        touched.into_iter().map(|(collection, _)| collection).collect()
    }

    /// Open and refused parcels.
    #[must_use]
    pub fn parcels(&self) -> &[Parcel] {
        self.parcels.all()
    }

    /// The parcels that carry any of these changes.
    pub fn parcels_of(&self, changes: &[&Change]) -> impl Iterator<Item = &Parcel> {
        self.parcels.carrying(changes)
    }

    /// How many changes have not ended.
    #[must_use]
    pub fn count_changes(&self) -> usize {
        self.unsent.len()
    }

    /// How many records have unsent changes.
    #[must_use]
    pub fn count_unsent(&self) -> usize {
        self.unsent.records().len()
    }

    /// Every change, by `client_seq`.
    pub fn outbox(&self) -> impl Iterator<Item = &Change> {
        self.unsent.all()
    }

    /// Records with unsent changes, in the order of their first.
    #[must_use]
    pub fn unsent(&self) -> Vec<(CollectionName, RecordId)> {
        self.unsent.records_by_age()
    }

    /// The unsent changes of one record.
    #[must_use]
    pub fn changes_of(&self, collection: &str, id: RecordId) -> Vec<&Change> {
        self.unsent.of(collection, id)
    }

    /// How many bases there are, tombstones aside.
    #[must_use]
    pub fn count_bases(&self) -> usize {
        self.bases.values().flat_map(BTreeMap::values).filter(|base| base.is_listed()).count()
    }

    /// The merge of one record; nothing for an unknown collection.
    #[must_use]
    pub fn merged(&self, collection: &str, id: RecordId) -> Option<(&Collection, View)> {
        let declared = self.schema.collection(collection)?;
        let changes = self.changes_of(collection, id);
        let (stand, base) = (stand_in(&changes), self.base(collection, id));
        if let Some(base) = base.filter(|base| changes.is_empty() && base.is_listed()) {
            // Most of every list: the base as it is, copied once.
            let shown = View { fields: Some(base.fields.clone()), ..View::default() };
            debug_assert_eq!(shown, view(declared, Some(base), &changes), "nothing to merge");
            return Some((declared, shown));
        }
        let mut view = view(declared, base.or(stand.as_ref()), &changes);
        // With what stands in for a base there is nobody to disagree; the server will say what it has.
        view.conflict = view.conflict.filter(|_| base.is_some());
        Some((declared, view))
    }

    /// A record as the app reads it. One with an unsent delete only `with_deleted`.
    #[must_use]
    pub fn record(&self, collection: &str, id: RecordId, with_deleted: bool, now: Millis) -> Option<RecordView> {
        let changes = self.changes_of(collection, id);
        if changes.is_empty() && self.asides.is_empty() {
            return self.synced(collection, id);
        }
        let base = self.base(collection, id);
        if changes.is_empty() && !base.is_some_and(Base::is_listed) {
            return None;
        }
        let (declared, view) = self.merged(collection, id)?;
        let stand = stand_in(&changes);
        let is_shown = view.fields.is_some();
        let fields = match view.fields {
            Some(fields) => fields,
            None if with_deleted && !changes.is_empty() => self.before_delete(collection, id),
            None => return None,
        };
        let problem = self.problem(declared, id, base, &changes);
        let in_flight = self.parcels.carrying(&changes).find(|parcel| parcel.is_open());
        let status = match (&problem, &view.conflict, in_flight) {
            _ if changes.is_empty() => RecordStatus::Synced,
            (Some(_), ..) => RecordStatus::Failed,
            (None, Some(_), None) => RecordStatus::Conflict,
            (None, _, Some(_)) if self.is_sending => RecordStatus::Sending,
            _ => RecordStatus::Pending,
        };
        let set_aside = self.asides.of(collection, id, &fields, &view.set_aside, base);
        let conflict = view.conflict.map(|conflict| conflict.kind).filter(|_| status == RecordStatus::Conflict);
        Some(RecordView {
            collection: collection.to_owned(),
            id,
            version: base.or(stand.as_ref()).map(|base| base.version).unwrap_or_default(),
            status,
            pending: pending(base, &changes, is_shown),
            put_off: conflict.is_some() && self.is_put_off(collection, id),
            conflict,
            merged: set_aside.iter().any(|aside| !aside.seen),
            held: changes.iter().any(|change| change.is_held(now)),
            unknown: self.parcels.carrying(&changes).any(|parcel| parcel.online && parcel.is_open()),
            blocked_by: in_flight.and_then(|parcel| parcel.blocked_by),
            problem,
            at: base.map(|base| base.at),
            by: base.and_then(|base| base.by.clone()),
            local_updated_at: changes.last().map(|change| change.saved_at),
            last_synced_at: self.pulled_at,
            set_aside,
            warnings: Vec::new(),
            included: BTreeMap::new(),
            fields: fields.into(),
        })
    }

    /// What a form builds on that opens a record with an unsent delete: it must not say that it saw nothing there.
    pub(super) fn before_delete(&self, collection: &str, id: RecordId) -> Fields {
        let stand = stand_in(&self.changes_of(collection, id));
        self.base(collection, id).or(stand.as_ref()).map(|base| base.fields.clone()).unwrap_or_default()
    }

    /// The words for a record: its title field, or its id.
    #[must_use]
    pub fn title(&self, collection: &str, id: RecordId) -> String {
        let Some((declared, view)) = self.merged(collection, id) else { return id.to_string() };
        let base = self.base(collection, id).map(|base| &base.fields);
        let title = view.fields.as_ref().or(base).and_then(|fields| fields.get(&declared.title)?.as_str());
        title.map_or_else(|| id.to_string(), str::to_owned)
    }
}

impl Bases for Tables {
    fn get(&self, collection: &str, id: RecordId) -> Option<&Base> {
        self.base(collection, id)
    }

    fn put(&mut self, collection: &str, base: Base) {
        self.touch((collection.to_owned(), base.id));
        let base = Rc::new(Stored::from(base));
        self.note_unpacked(collection, &base);
        self.bases.entry(collection.to_owned()).or_default().insert(base.id, base);
    }
}

/// What the outbox will do with a record. One that was taken from this user is there, for others: no change makes it anew.
fn pending(base: Option<&Base>, changes: &[&Change], is_shown: bool) -> Option<Action> {
    let is_taken = base.is_some_and(|base| base.tombstone == Some(Tombstone::Revoked));
    let is_there = is_taken || base.map_or_else(|| stand_in(changes).is_some(), Base::is_present);
    match (changes.is_empty(), is_there, is_shown) {
        (true, ..) | (false, false, false) => None,
        (false, true, true) => Some(Action::Update),
        (false, false, true) => Some(Action::Create),
        (false, true, false) => Some(Action::Delete),
    }
}
