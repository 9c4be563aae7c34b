//! Saving: check, then append. One transaction over the outbox alone, durable before it returns (invariant I1).

use crate::core::number::spell_fields;
use crate::core::outbox::{Change, HOLD_MS_MAX, Seen};
use crate::core::protocol::{Action, GROUP_CHANGES_MAX, Problem};
use crate::core::record::{CollectionName, Fields, GroupId, Millis, RECORD_BYTES_MAX, RecordId, RowId, Version};
use crate::core::record::{field, normalise, same, size_bytes};
use crate::core::rows::HistoryRow;
use crate::core::rules::{Rule, Violation, check_patch, check_record};
use crate::core::schema::{Collection, Mode};
use crate::core::trace::What;
use crate::core::view::patched;
use crate::data::foreseen::Foreseen;
use crate::data::table::Tables;
use crate::mutation::{self, Mutation};
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

use super::ahead::both;
use super::{Client, Note, Shared, Turns};

/// So many row ids of saves are remembered, for who presses Save again.
const SAVED_KEPT_MAX: usize = 256;

/// A change as the app makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewChange {
    /// Its own id, made when the form opened.
    pub row: RowId,
    /// The collection.
    pub collection: CollectionName,
    /// The record.
    pub record: RecordId,
    /// What to do.
    pub action: Action,
    /// The version that the user saw; 0 for none.
    pub version: Version,
    /// The fields that the user saw.
    pub seen: Fields,
    /// The fields that the user wrote.
    pub written: Fields,
}

/// Why nothing was saved.
#[derive(Clone, Debug, PartialEq)]
pub enum SaveError {
    /// The database failed.
    Store(StoreError),
    /// The schema has no such collection.
    UnknownCollection(CollectionName),
    /// Values that cannot be saved, each with its field.
    Invalid(Vec<Violation>),
    /// The record would be over its limit.
    TooLarge,
    /// More changes at once than may be sent together.
    TooMany,
    /// The app only reads this.
    ReadOnly(CollectionName),
    /// This field is written only with an answer of the server, and so by itself: not with others that are not, and not in a
    /// group.
    Mixed(String),
    /// Nobody would answer, and this is written only with an answer of the server.
    Away(TransportError),
    /// The server refused it, or the record is another by now; nothing of it is kept.
    Refused(Box<Problem>),
    /// It was taken back before it was done.
    TakenBack,
    /// There is no answer yet: it is asked for again.
    NotKnownYet,
}

impl From<StoreError> for SaveError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Shared {
    fn remember(&mut self, row: RowId) {
        self.saved.push_back(row);
        let surplus = self.saved.len().saturating_sub(SAVED_KEPT_MAX);
        self.saved.drain(..surplus);
    }

    /// Whether this was appended before and may have ended since: by what this context remembers, and by what ended since it
    /// last heard, which is to be read with the rest.
    pub(super) fn was_saved(&self, row: &RowId, history: &[HistoryRow]) -> bool {
        let is_over = history.iter().any(|entry| entry.ended.iter().any(|ended| ended.row == *row));
        is_over || (self.saved.contains(row) && !mutation::is(Mutation::SavedTwice))
    }
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Saves changes, together or not at all. Comes back when they are on this device's disk; a change of mode `online` (one by
    /// itself) when the server has answered.
    /// The same row ids twice are
    /// saved once. An update that writes nothing new saves nothing. Gives back JSON of the record, a `RecordView`, if that is known without
    /// asking for it: of one change, if nothing else happened here meanwhile.
    ///
    /// # Errors
    /// Says why nothing was saved.
    pub async fn save(&self, new: Vec<NewChange>, hold_ms: i64) -> Result<Option<String>, SaveError> {
        let changes = self.changes(new, hold_ms)?;
        match &changes[..] {
            [] => return Ok(None),
            [online] if online.is_online() => return self.write_online(online.clone()).await.map(|()| None),
            _ => {}
        }
        Ok(self.append(changes, vec![]).await?)
    }

    /// What will be read of one change's record. Not of a delete: nobody asks.
    fn foresee(&self, changes: &[Change]) -> Option<(Foreseen, Turns)> {
        let [change] = changes else { return None };
        let now = self.host.now();
        let Shared { tables, pull, loading: None, turns, .. } = &mut *self.shared.borrow_mut() else { return None };
        let tables = tables.as_mut().filter(|_| change.action != Action::Delete)?;
        Some((tables.foresee(change, &pull.complete, now)?, *turns))
    }

    /// Appends changes that are checked. `row`s that are there already are left as they are. Gives back what was foreseen of the record, if
    /// it is so.
    pub(super) async fn append(&self, changes: Vec<Change>, also: Vec<Write>) -> Result<Option<String>, StoreError> {
        debug_assert!(also.is_empty() || !changes.is_empty(), "a save appends");
        let rows: Vec<RowId> = changes.iter().map(|change| change.row).collect();
        let mark = self.shared.borrow().marks.history;
        let late = Scope::strict(
            &[StoreName::Outbox, StoreName::History],
            vec![Read::OutboxRows(rows.clone()), Read::HistoryAfter(mark)],
        );
        let mut scope = Scope::strict(&[StoreName::Outbox], vec![Read::OutboxRows(rows)]);
        if mutation::is(Mutation::RelaxedSave) {
            scope.durability = crate::ports::Durability::Relaxed;
        }
        let plan = |found: &Rows| {
            // Save was pressed again: the change is there, or was and has ended.
            let shared = self.shared.borrow();
            let is_saved = |row: &RowId| found.outbox.iter().any(|old| old.row == *row) || shared.was_saved(row, &found.history);
            let is_new = |change: &&Change| !is_saved(&change.row);
            let appended: Vec<Change> = changes.iter().filter(is_new).cloned().collect();
            let writes = appended.iter().cloned().map(Write::Append).chain(also.iter().cloned()).collect();
            Step::Write(writes, (appended, found.outbox.clone()))
        };
        // The disk is waited for meanwhile.
        let (foreseen, committed) = both(async { self.foresee(&changes) }, self.store.update(scope, plan)).await;
        let committed = match committed {
            // The room that is made takes time: pressed twice, the other one may be saved, sent and over by now.
            Err(StoreError::Full) => self.update_in_need(late, plan).await,
            done => done,
        };
        let mut shared = self.shared.borrow_mut();
        shared.full = matches!(committed, Err(StoreError::Full));
        if shared.full && mutation::is(Mutation::FullIsKept) {
            return Ok(None);
        }
        let committed = committed.inspect_err(|error| {
            shared.trace.note(self.host.now(), What::Store(super::trace::store_name(error).into()));
            self.note(Note::Status);
        })?;
        let (appended, found) = committed.value;
        changes.iter().for_each(|change| shared.remember(change.row));
        shared.trace.note(self.host.now(), What::Saved(appended.iter().map(Into::into).collect()));
        let is_alone = appended.len() == 1 && found.is_empty();
        let turns = shared.turns;
        let stand = shared.tables.as_ref().filter(|_| is_alone && shared.loading.is_none()).map(Tables::stand);
        if let Some(tables) = &mut shared.tables {
            for (change, client_seq) in appended.into_iter().zip(committed.appended) {
                tables.take_change(Change { client_seq, ..change });
            }
            // A transaction that ran twice finds its own rows.
            found.iter().for_each(|change| tables.take_change(change.clone()));
        }
        drop(shared);
        let mut names: Vec<String> = changes.into_iter().map(|change| change.collection).collect();
        names.dedup();
        self.note(Note::Changed(names));
        self.note(Note::Status);
        self.note(Note::Wake(None));
        let is_so = |(foreseen, before): &(Foreseen, Turns)| {
            (Some(foreseen.stand) == stand && *before == turns) || mutation::is(Mutation::ForeseenUnchecked)
        };
        Ok(foreseen.filter(is_so).map(|(foreseen, _)| foreseen.json))
    }

    /// Whoever presses Save again does not do this again.
    pub(super) fn remember(&self, row: RowId) {
        self.shared.borrow_mut().remember(row);
    }

    fn changes(&self, new: Vec<NewChange>, hold_ms: i64) -> Result<Vec<Change>, SaveError> {
        if new.len() > GROUP_CHANGES_MAX {
            return Err(SaveError::TooMany);
        }
        let now = self.host.now();
        let group = (new.len() > 1).then(|| GroupId::new(now, self.random()));
        let mut changes = Vec::new();
        for new in new {
            changes.extend(self.change(new, group, hold_ms, now)?);
        }
        Ok(changes)
    }

    fn change(&self, new: NewChange, group: Option<GroupId>, hold_ms: i64, now: Millis) -> Result<Option<Change>, SaveError> {
        let collection =
            self.schema.collection(&new.collection).ok_or_else(|| SaveError::UnknownCollection(new.collection.clone()))?;
        let mut written = new.written;
        let mut seen = spell_fields(new.seen);
        if mutation::is(Mutation::SeenAtSave)
            && let Some(base) = self.shared.borrow().tables.as_ref().and_then(|tables| tables.base(&new.collection, new.record))
        {
            seen = base.fields.clone();
        }
        match new.action {
            Action::Create => written = normalise(written),
            Action::Update => {
                written.retain(|name, value| !same(value, field(&seen, name)));
                seen.retain(|name, _| written.contains_key(name));
                if written.is_empty() {
                    return Ok(None);
                }
            }
            Action::Delete => written.clear(),
        }
        let mode = collection.mode_of(written.keys());
        if mode == Mode::Remote {
            return Err(SaveError::ReadOnly(new.collection));
        }
        if mode == Mode::Online {
            let online = written.keys().find(|name| collection.mode_of_field(name) == Mode::Online);
            if group.is_some() || written.keys().any(|name| collection.mode_of_field(name) != Mode::Online) {
                return Err(SaveError::Mixed(online.unwrap_or(&collection.title).clone()));
            }
        }
        self.check(collection, new.action, new.record, &seen, &written, mode)?;
        let written = spell_fields(written);
        Ok(Some(Change {
            client_seq: 0,
            row: new.row,
            collection: new.collection,
            record: new.record,
            action: new.action,
            seen: Seen { version: new.version, fields: normalise(seen) },
            written,
            group,
            schema: self.schema.schema,
            saved_at: now,
            clock_offset_ms: self.shared.borrow().engine.clock_offset_ms(now),
            hold_until: (hold_ms > 0).then(|| now.plus(held_ms(hold_ms))),
            mode,
        }))
    }

    /// An optimistic change that breaks a rule is kept, marked, and not sent until mended; but what no form can mean (an
    /// unknown field, a wrong type, too much) is refused in every mode.
    fn check(
        &self,
        collection: &Collection,
        action: Action,
        id: RecordId,
        seen: &Fields,
        written: &Fields,
        mode: Mode,
    ) -> Result<(), SaveError> {
        let violations = match action {
            Action::Create => check_record(collection, written),
            Action::Update => {
                let shared = self.shared.borrow();
                // Most records are far from too large, and need not be looked at before they are saved.
                let before = shared.tables.as_ref().and_then(|tables| tables.bytes(&collection.name, id));
                let is_small = before.is_some_and(|before| before + size_bytes(written) <= RECORD_BYTES_MAX);
                let shown = || shared.tables.as_ref().and_then(|tables| tables.merged(&collection.name, id)?.1.fields);
                let whole = || patched(&shown().unwrap_or_default(), written);
                if !is_small && size_bytes(&whole()) > RECORD_BYTES_MAX {
                    return Err(SaveError::TooLarge);
                }
                check_patch(collection, seen, written)
            }
            Action::Delete => Vec::new(),
        };
        if violations.iter().any(|violation| violation.rule == Rule::Size) {
            return Err(SaveError::TooLarge);
        }
        let refused = |violation: &Violation| mode != Mode::Optimistic || is_meaningless(violation.rule);
        let refused: Vec<Violation> = violations.into_iter().filter(refused).collect();
        if refused.is_empty() { Ok(()) } else { Err(SaveError::Invalid(refused)) }
    }
}

fn is_meaningless(rule: Rule) -> bool {
    matches!(rule, Rule::Unknown | Rule::Type | Rule::Precision | Rule::ReadOnly | Rule::Size)
}

/// So long a change is held that was asked to be held so long.
fn held_ms(hold_ms: i64) -> i64 {
    if mutation::is(Mutation::HoldBelieved) { hold_ms } else { hold_ms.min(HOLD_MS_MAX) }
}
