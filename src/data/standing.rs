//! How many unsent records stand how. A status is wanted after everything that happens, so only those records are looked
//! at again that something happened to since the last time.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{RecordStatus, Tables};
use super::unsent::Key;
use crate::core::record::{CollectionName, Millis, RecordId};
use crate::core::rows::ConflictRow;

/// How many records with unsent changes stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Records with unsent changes.
    pub pending: usize,
    /// Of those, records that could not be sent.
    pub failed: usize,
    /// Of those, records in conflict; `put_off` among them.
    pub conflicts: usize,
    /// Conflicts put off.
    pub put_off: usize,
    /// Of the pending, records of which nothing is unsent but what was sent already, is done only with an answer, and has none:
    /// whether that is done, nobody here knows.
    pub unknown: usize,
}

/// What was found when a record was last looked at.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Of the unsent records, those that failed or are in conflict.
    troubled: BTreeMap<Key, RecordStatus>,
    /// Records that something happened to since: a change, a parcel, or the base.
    touched: BTreeSet<Key>,
}

impl Looked {
    /// Something happened to this record.
    pub(super) fn touch(&mut self, key: Key) {
        self.touched.insert(key);
    }

    /// Whether it was in trouble when it was last looked at.
    pub(super) fn is_troubled(&self, key: &Key) -> bool {
        self.troubled.contains_key(key)
    }

    /// Something happened to every record, and each that is unsent will be touched.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Tables {
    /// Takes the rows of conflicts, in place of those before. Returns the collections of those that are not as they were.
    pub fn take_conflicts(&mut self, rows: &[ConflictRow]) -> BTreeSet<CollectionName> {
        let rows = rows.iter().map(|row| ((row.collection.clone(), row.id), row.clone())).collect();
        let before = std::mem::replace(&mut self.conflicts, rows);
        self.touches += u64::from(before != self.conflicts);
        let is_new = |(key, row): &(&(CollectionName, RecordId), &ConflictRow)| before.get(*key) != Some(*row);
        let gone = before.keys().filter(|key| !self.conflicts.contains_key(*key));
        self.conflicts.iter().filter(is_new).map(|(key, _)| key).chain(gone).map(|(collection, _)| collection.clone()).collect()
    }

    /// Whether a person has put this record's conflict off. That names what was shown: when theirs moves again, the question is a
    /// new one.
    #[must_use]
    pub fn is_put_off(&self, collection: &str, id: RecordId) -> bool {
        let row = self.conflicts.get(&(collection.to_owned(), id)).filter(|row| row.put_off);
        row.is_some_and(|row| self.base(collection, id).is_some_and(|base| base.version == row.version))
    }

    /// How many unsent records stand how.
    pub fn standing(&mut self, now: Millis) -> Standing {
        for key in std::mem::take(&mut self.looked.touched) {
            match self.trouble(&key, now) {
                Some(status) => self.looked.troubled.insert(key, status),
                None => self.looked.troubled.remove(&key),
            };
        }
        let standing = self.counted(self.looked.troubled.iter().map(|(key, status)| (key, *status)), now);
        debug_assert_eq!(standing, self.standing_anew(now), "a record was not looked at again");
        standing
    }

    /// The same, by looking at every record.
    #[must_use]
    pub fn standing_anew(&self, now: Millis) -> Standing {
        let unsent = self.unsent();
        self.counted(unsent.iter().filter_map(|key| Some((key, self.trouble(key, now)?))), now)
    }

    fn counted<'a>(&self, troubled: impl Iterator<Item = (&'a Key, RecordStatus)>, now: Millis) -> Standing {
        let mut standing = Standing { pending: self.count_unsent(), unknown: self.count_unknown(now), ..Standing::default() };
        for (key, status) in troubled {
            if status == RecordStatus::Failed {
                standing.failed += 1;
            } else {
                standing.conflicts += 1;
                standing.put_off += usize::from(self.is_put_off(&key.0, key.1));
            }
        }
        standing
    }

    /// See [`Standing::unknown`]. Such parcels are few: somebody waited for each.
    fn count_unknown(&self, now: Millis) -> usize {
        let open = self.parcels().iter().filter(|parcel| parcel.online && parcel.is_open());
        let keys: BTreeSet<Key> = open.flat_map(|parcel| parcel.records()).collect();
        let is_unknown = |key: &&Key| {
            let changes = self.changes_of(&key.0, key.1);
            !changes.is_empty() && changes.iter().all(|change| change.is_online()) && self.trouble(key, now).is_none()
        };
        keys.iter().filter(is_unknown).count()
    }

    /// What is wrong with an unsent record.
    fn trouble(&self, (collection, id): &Key, now: Millis) -> Option<RecordStatus> {
        if self.changes_of(collection, *id).is_empty() {
            return None;
        }
        let status = self.record(collection, *id, true, now)?.status;
        matches!(status, RecordStatus::Failed | RecordStatus::Conflict).then_some(status)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::core::bases::Bases;
    use crate::core::outbox::{Change, Seen};
    use crate::core::parcel::{Parcel, ParcelState};
    use crate::core::protocol::{Action, Item, Problem, ProblemCode};
    use crate::core::record::{Base, Fields, OpId, RecordId, RowId, Seq, Tombstone, Version};
    use crate::core::rows::{ConflictRow, End};
    use crate::core::schema::{Mode, Schema};
    use crate::data::table::Tables;

    const SCHEMA: &str = r#"{"schema": 1, "collections": [
        {"name": "notes", "priority": 1, "title": "name", "fields": {
            "name": {"type": "string", "required": true, "policy": "ask"}, "stage": {"type": "string", "max_length": 3}
        }}]}"#;

    #[derive(Clone, Debug)]
    enum Event {
        Saved { record: u8, written: &'static str, version: u64 },
        Based { record: u8, name: &'static str, version: u64, tombstone: Option<Tombstone> },
        Sent { first: usize, refused: bool, empty: bool },
        Answered(usize),
        Ended(usize),
        PutOff(u8),
        Anew,
    }

    fn event() -> impl Strategy<Value = Event> {
        let word = || prop::sample::select(vec!["", "a", "b", "too long for it"]);
        let tombstone = prop::sample::select(vec![None, None, Some(Tombstone::Deleted), Some(Tombstone::Revoked)]);
        prop_oneof![
            4 => (0u8..4, word(), 0u64..4).prop_map(|(record, written, version)| Event::Saved { record, written, version }),
            3 => (0u8..4, word(), 1u64..4, tombstone)
                .prop_map(|(record, name, version, tombstone)| Event::Based { record, name, version, tombstone }),
            3 => (0usize..8, any::<bool>(), any::<bool>()).prop_map(|(first, refused, empty)| Event::Sent { first, refused, empty }),
            1 => (0usize..4).prop_map(Event::Answered),
            2 => (0usize..8).prop_map(Event::Ended),
            1 => (0u8..4).prop_map(Event::PutOff),
            1 => Just(Event::Anew),
        ]
    }

    /// What the tables are told, and what they were told of.
    struct World {
        tables: Tables,
        changes: Vec<Change>,
        parcels: Vec<Parcel>,
        seq: u64,
    }

    impl World {
        fn id(record: u8) -> RecordId {
            RecordId::new(Millis(0), [0, u64::from(record)])
        }

        fn saved(&mut self, record: u8, written: &str, version: u64) {
            self.seq += 1;
            let field = if written.len() > 1 { "stage" } else { "name" };
            let change = Change {
                client_seq: self.seq,
                row: RowId::new(Millis(0), [1, self.seq]),
                collection: "notes".into(),
                record: Self::id(record),
                action: if version == 0 { Action::Create } else { Action::Update },
                seen: Seen { version: Version(version), fields: Fields::from_iter([(field.to_owned(), json!("old"))]) },
                written: Fields::from_iter([(field.to_owned(), json!(written))]),
                group: None,
                schema: 1,
                saved_at: Millis(1),
                clock_offset_ms: None,
                hold_until: None,
                mode: Mode::Optimistic,
            };
            self.changes.push(change.clone());
            self.tables.take_change(change);
        }

        fn sent(&mut self, first: usize, refused: bool, empty: bool) {
            let sent: Vec<&Change> = self.changes.iter().skip(first).take(2).collect();
            let Some(first) = sent.first() else { return };
            self.seq += 1;
            let item = Item {
                collection: "notes".into(),
                id: first.record,
                action: first.action,
                base_version: Version(0),
                patch: Fields::new(),
                seen: Fields::new(),
                seen_version: None,
                set_aside: vec![],
                edited_at: Millis(0),
            };
            let problem = Problem::new(ProblemCode::Validation, "");
            self.parcels.push(Parcel {
                op_id: OpId::new(Millis(0), [2, self.seq]),
                rows: sent.iter().map(|change| change.row).collect(),
                items: if empty { [].into() } else { [item].into() },
                schema: 1,
                first_seq: first.client_seq,
                state: if refused { ParcelState::Refused { problem } } else { ParcelState::Open },
                attempts: 0,
                next_attempt_at: None,
                blocked_by: None,
                then: None,
                online: false,
            });
            self.tables.take_parcels(&self.parcels);
        }

        fn happen(&mut self, event: Event) {
            match event {
                Event::Saved { record, written, version } => self.saved(record, written, version),
                Event::Based { record, name, version, tombstone } => {
                    let base = Base {
                        id: Self::id(record),
                        version: Version(version),
                        seq: Seq(version),
                        at: Millis(0),
                        by: None,
                        changed: BTreeMap::new(),
                        tombstone,
                        fields: Fields::from_iter([("name".to_owned(), json!(name))]),
                        normalised: BTreeMap::new(),
                        doubted: Vec::new(),
                    };
                    self.tables.put("notes", base);
                }
                Event::Sent { first, refused, empty } => self.sent(first, refused, empty),
                Event::Answered(place) if place < self.parcels.len() => {
                    self.parcels.remove(place);
                    self.tables.take_parcels(&self.parcels);
                }
                Event::Ended(place) if place < self.changes.len() => {
                    let change = self.changes.remove(place);
                    let ended = vec![crate::core::push::ended(&change, End::Confirmed)];
                    self.tables
                        .take_history(&crate::core::rows::HistoryRow { ended, ..crate::core::finish::empty_history(Millis(0)) });
                }
                Event::Answered(_) | Event::Ended(_) => {}
                Event::PutOff(record) => {
                    let (collection, id) = ("notes".to_owned(), Self::id(record));
                    let row = ConflictRow {
                        collection: collection.clone(),
                        id,
                        found_at: Millis(0),
                        version: Version(1),
                        put_off: true,
                    };
                    self.tables.conflicts.insert((collection, id), row);
                }
                Event::Anew => {
                    self.tables.clear_outbox();
                    self.changes.iter().for_each(|change| self.tables.take_change(change.clone()));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_looking_at_all_finds(events in prop::collection::vec((event(), any::<bool>()), 0..60)) {
            let schema = std::rc::Rc::new(Schema::parse(SCHEMA).unwrap());
            let mut world = World { tables: Tables::new(schema), changes: vec![], parcels: vec![], seq: 0 };
            for (event, asks) in events {
                world.happen(event);
                if asks {
                    prop_assert_eq!(world.tables.standing(Millis(2)), world.tables.standing_anew(Millis(2)));
                }
            }
        }
    }
}
