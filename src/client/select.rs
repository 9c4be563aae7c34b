//! Which part of the data is here: the user's choice, what it would free and fetch, and what keeps it so. Stopping the snapshot,
//! and going on with it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::core::extent::{Extent, Held, Sweep, adjust, asked, sweep};
use crate::core::protocol::{Body, Count, CountRequest, Request};
use crate::core::pull_state::PullState;
use crate::core::record::{CollectionName, Millis};
use crate::core::rows::meta;
use crate::core::selection::{Changes, DAY_MS, Part, Selection, SelectionError};
use crate::data::stored::Stored;
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, TransportError, Write};

use super::{Client, Note, heads, meta_row, meta_write, pages};

/// What a change of the selection touches.
const STORES: &[StoreName] = &[StoreName::Pages, StoreName::Outbox, StoreName::Meta, StoreName::Derived];

/// Why a selection was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectError {
    /// It cannot be.
    Selection(SelectionError),
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for SelectError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How much of a collection is here; `SelectedCollection` in `www/fieldsync/types`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Here {
    /// All that the user may see.
    Whole,
    /// All that is selected.
    Part,
    /// Not all of that yet.
    Loading,
    /// It is not selected.
    Nothing,
}

/// What is selected of a collection; `SelectedCollection` in `www/fieldsync/types`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Selected {
    selected: bool,
    #[serde(flatten)]
    part: Part,
    here: Here,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Millis>,
}

impl Selected {
    /// How much of it is here.
    #[must_use]
    pub fn here(&self) -> Here {
        self.here
    }
}

/// What a selection would come to; `SelectionPreview` in `www/fieldsync/types`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SelectionPreview {
    /// By collection.
    pub collections: BTreeMap<CollectionName, PreviewPart>,
    /// What is here now.
    pub here: Count,
    /// What would go from this device.
    pub frees: Count,
    /// What would come; none if the server cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetches: Option<Count>,
    /// Records that stay outside of the selection until their unsent work is sent.
    pub unsent: u64,
}

/// One collection's part of a preview.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PreviewPart {
    /// What is here now.
    pub here: Count,
    /// What would go.
    pub frees: Count,
    /// What would come; none if the server cannot be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetches: Option<Count>,
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// What is selected, by collection.
    pub fn selection(&self) -> BTreeMap<CollectionName, Selected> {
        let shared = self.shared.borrow();
        let of = |name: &CollectionName| selected(&shared.pull, name);
        self.schema.collections.iter().map(|collection| (collection.name.clone(), of(&collection.name))).collect()
    }

    /// Changes the selection. What is not wanted any more goes with the same transaction; what is added comes with the next pulls,
    /// under the present cursor.
    ///
    /// # Errors
    /// If it cannot be, or cannot be written: then it is as it was.
    pub async fn select(&self, changes: &Changes) -> Result<(), SelectError> {
        let with = |state: PullState| match state.selection.with(&self.schema, changes) {
            // After 410 nothing counts as here, although it is: all that is outside is looked for.
            Ok(selection) => Ok(PullState { selection, swept_on: None, ..state }),
            Err(error) => Err(SelectError::Selection(error)),
        };
        self.change_pull(with).await
    }

    /// Stops the snapshot until it is told to go on, also after a restart. What is unsent goes all the same.
    ///
    /// # Errors
    /// If it cannot be written.
    pub async fn pause(&self, paused: bool) -> Result<(), StoreError> {
        self.change_pull(|state| Ok(PullState { paused, ..state })).await
    }

    /// Brings what is here to what is wanted today: dates move on, what the schema has of new is fetched.
    pub(super) async fn adjust(&self) -> Result<(), StoreError> {
        if adjust(&self.shared.borrow().pull, &self.schema, self.day()).is_none() {
            return Ok(());
        }
        self.change_pull(Ok).await
    }

    /// Today, by the server's clock as far as it is known: days since 1970.
    fn day(&self) -> i64 {
        let now = self.host.now();
        let offset_ms = self.shared.borrow().engine.clock_offset_ms(now).unwrap_or(0);
        now.plus(offset_ms).0.div_euclid(DAY_MS)
    }

    /// Changes the state of the pull, from what it is in the store, and all that follows from that: one transaction.
    async fn change_pull<E: From<StoreError>>(&self, with: impl Fn(PullState) -> Result<PullState, E>) -> Result<(), E> {
        let day = self.day();
        let scope = Scope::strict(STORES, vec![Read::Outbox, Read::Meta]);
        let plan = |rows: &Rows| {
            let planned = meta_row::<PullState>(rows, meta::PULL).map_err(E::from).and_then(|state| {
                let state = state.unwrap_or_default();
                let after = with(state.clone())?;
                let adjusted = adjust(&after, &self.schema, day);
                let (after, sweeps) = adjusted.map_or((after, vec![]), |adjusted| (adjusted.state, adjusted.sweeps));
                let is_selected_anew = state.selection != after.selection;
                Ok((state != after).then_some((after, sweeps, is_selected_anew)))
            });
            match planned {
                Err(error) => Step::Write(vec![], Err(error)),
                Ok(None) => Step::Write(vec![], Ok(())),
                Ok(Some((_, sweeps, _))) if rows.stage == 0 && !sweeps.is_empty() => {
                    Step::Read(sweeps.iter().map(|sweep| Read::PagesIn(sweep.range())).collect())
                }
                Ok(Some((after, sweeps, is_selected_anew))) => match self.plan_sweep(&after, &sweeps, rows) {
                    Ok(writes) if is_selected_anew || !sweeps.is_empty() => {
                        // They may show what goes.
                        Step::Write(writes.into_iter().chain([heads::forgotten()]).collect(), Ok(()))
                    }
                    Ok(writes) => Step::Write(writes, Ok(())),
                    Err(error) => Step::Write(vec![], Err(error.into())),
                },
            }
        };
        let committed = self.store.update(scope, plan).await?;
        let is_changed = !committed.writes.is_empty();
        committed.value?;
        if is_changed {
            // What came ahead was asked for before that.
            self.shared.borrow_mut().ahead = None;
            self.shared.borrow_mut().heads.forget();
            self.refresh(None).await?;
            // What a list has of its collection is another by now, although no record may be.
            self.note(Note::Changed(self.schema.collections.iter().map(|collection| collection.name.clone()).collect()));
            self.note(Note::Wake(None));
        }
        Ok(())
    }

    fn plan_sweep(&self, after: &PullState, sweeps: &[Sweep], rows: &Rows) -> Result<Vec<Write>, StoreError> {
        let mut set = pages::read(rows)?;
        sweep(&self.schema, sweeps, &rows.outbox, &mut set);
        let mut writes = pages::writes(set, rows)?;
        writes.push(meta_write(meta::PULL, after));
        Ok(writes)
    }

    /// What these changes of the selection would free and fetch. Nothing is changed by asking.
    ///
    /// # Errors
    /// If there can be no such selection.
    pub async fn preview_selection(&self, changes: &Changes) -> Result<SelectionPreview, SelectionError> {
        let state = self.shared.borrow().pull.clone();
        let selection = state.selection.with(&self.schema, changes)?;
        let mut preview = SelectionPreview { fetches: Some(Count::default()), ..self.count_here() };
        let after = PullState { selection, swept_on: None, ..state.clone() };
        let Some(adjusted) = adjust(&after, &self.schema, self.day()) else { return Ok(preview) };
        self.count_freed(&adjusted.sweeps, &mut preview);
        let coming = fetched(&adjusted.state);
        let before = fetched(&state);
        let new: Extent = coming.into_iter().filter(|(name, held)| before.get(name) != Some(held)).collect();
        if !new.is_empty() {
            self.count_fetched(&new, &mut preview).await;
        }
        Ok(preview)
    }

    fn count_here(&self) -> SelectionPreview {
        let mut preview = SelectionPreview::default();
        let shared = self.shared.borrow();
        for collection in &self.schema.collections {
            let part = preview.collections.entry(collection.name.clone()).or_default();
            part.fetches = Some(Count::default());
            let bases = shared.tables.iter().flat_map(|tables| tables.bases(&collection.name));
            for base in bases.filter(|base| base.is_listed()) {
                part.here += Count { records: 1, bytes: base.fields_bytes() as u64 };
            }
            preview.here += part.here;
        }
        preview
    }

    fn count_freed(&self, sweeps: &[Sweep], preview: &mut SelectionPreview) {
        let shared = self.shared.borrow();
        let Some(tables) = &shared.tables else { return };
        for sweep in sweeps {
            let dated_by = self.schema.collection(&sweep.collection).and_then(|collection| collection.dated_by.as_deref());
            let names: Vec<&str> = dated_by.into_iter().collect();
            let is_taken = |base: &&Stored| sweep.takes(&self.schema, base.tombstone, &base.some_fields(&names));
            let mut part = preview.collections.get(&sweep.collection).copied().unwrap_or_default();
            for base in tables.bases(&sweep.collection).filter(|base| base.is_listed()).filter(is_taken) {
                if tables.changes_of(&sweep.collection, base.id).is_empty() {
                    part.frees += Count { records: 1, bytes: base.fields_bytes() as u64 };
                } else {
                    preview.unsent += 1;
                }
            }
            preview.frees += part.frees;
            preview.collections.insert(sweep.collection.clone(), part);
        }
    }

    /// What the server has of it. Of what is fetched, what is here and not there goes.
    async fn count_fetched(&self, new: &Extent, preview: &mut SelectionPreview) {
        let (collections, scope) = asked(&self.schema, new);
        let request = Request::Count(CountRequest { collections, schema: self.schema.schema, scope });
        let counts = match self.send(&request).await {
            Ok(answer) if self.heard(&answer).await => match answer.body {
                Body::Count(answer) => Some(answer.counts),
                _ => None,
            },
            Ok(_) => None,
            Err(error) => {
                self.note_unasked(&error);
                None
            }
        };
        if counts.is_none() {
            preview.fetches = None;
        }
        for name in new.keys() {
            let count = counts.as_ref().and_then(|counts| counts.get(name)).copied();
            let part = preview.collections.entry(name.clone()).or_default();
            part.fetches = count;
            let Some(count) = count else { continue };
            part.frees = Count {
                records: part.here.records.saturating_sub(count.records),
                bytes: part.here.bytes.saturating_sub(count.bytes),
            };
            preview.frees += part.frees;
            if let Some(fetches) = &mut preview.fetches {
                *fetches += count;
            }
        }
    }

    /// Nobody could be asked: the preview says so itself.
    fn note_unasked(&self, error: &TransportError) {
        self.trace(crate::core::trace::What::Network(super::trace::network_name(error).into()));
    }
}

/// What a snapshot still has to bring.
fn fetched(state: &PullState) -> Extent {
    let is_missing = |name: &CollectionName| state.covered.as_ref().is_none_or(|covered| !covered.contains_key(name));
    let wanted = state.snapshot.iter().flat_map(|snapshot| snapshot.wanted.iter());
    wanted.filter(|(name, _)| is_missing(name)).map(|(name, held)| (name.clone(), *held)).collect()
}

fn selected(state: &PullState, name: &str) -> Selected {
    let held: Option<&Held> = state.covered.as_ref().and_then(|covered| covered.get(name));
    let Some(part) = Selection::of(&state.selection, name) else {
        return Selected { selected: false, part: Part::default(), here: Here::Nothing, since: None };
    };
    let here = match held.filter(|held| held.part == part) {
        _ if state.complete.contains(name) => Here::Whole,
        Some(_) => Here::Part,
        None if state.is_again(name) => Here::Part,
        None => Here::Loading,
    };
    Selected { selected: true, part, here, since: held.and_then(|held| held.since) }
}
