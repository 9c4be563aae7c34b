//! The heads of the lists that were asked for last, kept for the next start; see `data::head`. Written when somebody has time, and only
//! if they are others than those that are stored.

use crate::core::pull_state::PullState;
use crate::core::record::{Base, CollectionName};
use crate::core::rows::{derived, meta};
use crate::data::head::{self, HeadsOf, Questions};
use crate::data::query::Query;
use crate::ports::{Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, Write};

use super::{Client, Shared, meta_row};

/// What a context remembers of heads.
#[derive(Default)]
pub(super) struct Heads {
    questions: Questions,
    /// The stored ones, as far as this context knows.
    stored: Option<Vec<u8>>,
    /// They may be others now.
    changed: bool,
}

impl Heads {
    /// Takes what was stored. Gives back its bases.
    pub(super) fn read(&mut self, heads: Option<head::Heads>, stored: Option<&[u8]>) -> Vec<(CollectionName, Vec<Base>)> {
        let head::Heads { questions, bases } = heads.unwrap_or_default();
        (self.questions, self.stored) = (questions, stored.map(<[u8]>::to_vec));
        bases
    }

    /// What was stored may be gone.
    pub(super) fn forget(&mut self) {
        (self.stored, self.changed) = (None, true);
    }

    /// Something in memory is another.
    pub(super) fn touch(&mut self) {
        self.changed = true;
    }
}

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// Whose heads are of use here.
    pub(super) fn heads_of(&self, pull: &PullState) -> HeadsOf {
        HeadsOf { user: self.user, schema: self.schema.schema, selection: pull.selection.clone() }
    }

    /// Notes that the app asked for a list. `text` is the query as it wrote it.
    pub fn asked(&self, collection: &str, text: &str, query: &Query) {
        let mut shared = self.shared.borrow_mut();
        let Shared { tables: Some(_), loading, heads, .. } = &mut *shared else { return };
        // Until all pages are read, what is asked for is no question yet that there is an answer to.
        if loading.is_none() && heads.questions.ask(collection, text, query) {
            heads.touch();
        }
    }

    /// Whether there is something to show for this list now: all pages are read, or it has a head.
    pub fn can_show(&self, collection: &str, text: &str) -> bool {
        let shared = self.shared.borrow();
        shared.loading.is_none() || shared.heads.questions.has(collection, text)
    }

    /// Whether heads may be others than those that are stored.
    pub fn wants_heads(&self) -> bool {
        let shared = self.shared.borrow();
        shared.heads.changed && shared.loading.is_none()
    }

    /// Writes the heads, if they are others than those that are stored, and memory is in step with the store.
    ///
    /// # Errors
    /// If they cannot be written: then there are those before, or none.
    pub async fn keep_heads(&self) -> Result<(), StoreError> {
        let now = self.host.now();
        let (bytes, of, stamp) = {
            let mut shared = self.shared.borrow_mut();
            let Shared { tables: Some(tables), loading: None, heads, pull, marks, .. } = &mut *shared else { return Ok(()) };
            heads.changed = false;
            let of = self.heads_of(pull);
            let encoded = head::encode(tables, &heads.questions, &of, now, |name| pull.complete.contains(name));
            let Some(bytes) = encoded.filter(|bytes| heads.stored.as_ref() != Some(bytes)) else { return Ok(()) };
            (bytes, of, marks.stamp)
        };
        let scope = Scope::relaxed(&[StoreName::Derived, StoreName::Meta], vec![Read::Meta]);
        let plan = |rows: &Rows| {
            let is_in_step = (|| {
                let next: u64 = meta_row(rows, meta::STAMP)?.unwrap_or(1);
                let pull: PullState = meta_row(rows, meta::PULL)?.unwrap_or_default();
                Ok(next == stamp + 1 && self.heads_of(&pull) == of)
            })();
            let writes =
                is_in_step.map(|is| if is { vec![Write::Derived(derived::HEADS.into(), bytes.clone())] } else { vec![] });
            match writes {
                Ok(writes) => Step::Write(writes, Ok(())),
                Err(error) => Step::Write(vec![], Err(error)),
            }
        };
        let committed = self.store.update(scope, plan).await?;
        let is_written = !committed.writes.is_empty();
        committed.value?;
        let mut shared = self.shared.borrow_mut();
        if is_written {
            shared.heads.stored = Some(bytes);
        } else {
            shared.heads.touch();
        }
        Ok(())
    }
}

/// Heads show what was selected: they go with it.
pub(super) fn forgotten() -> Write {
    Write::RemoveDerived(derived::HEADS.into())
}
