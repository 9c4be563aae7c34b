//! Room for a full disk: something large that means nothing is kept while there is room, and given up when a save or an answer
//! finds none. Then what is derived goes. Bases stay, for a rep works with them, and so does all that is unsent.
//!
//! On a full disk a browser refuses whatever is put, however small, and lets things be removed. It counts what it keeps as one
//! value in one file at once (tried with Chromium: 1 MiB given up is room for more than a hundred saves, 60 KiB for none).

use crate::core::backoff::bits;
use crate::core::rows::derived;
use crate::core::trace::SEGMENTS;
use crate::ports::{Committed, Host, Read, Rows, Scope, Step, Store, StoreError, StoreName, Transport, Write};

use super::Client;
use super::trace::slot;

impl<S: Store, T: Transport, H: Host> Client<S, T, H> {
    /// An update that must not fail for lack of room as long as there is something to give up.
    pub(super) async fn update_in_need<V>(
        &self,
        scope: Scope,
        plan: impl Fn(&Rows) -> Step<V>,
    ) -> Result<Committed<V>, StoreError> {
        for given_up in [given_up_first(), given_up_last()] {
            match self.store.update(scope.clone(), &plan).await {
                Err(StoreError::Full) => {
                    self.note_store(&StoreError::Full);
                    // What cannot be removed was not in the way.
                    let removes = Scope::strict(&[StoreName::Derived], vec![]);
                    let _ = self.store.update(removes, |_| Step::Write(given_up.clone(), ())).await;
                    self.shared.borrow_mut().has_reserve = false;
                }
                other => return other,
            }
        }
        self.store.update(scope, &plan).await
    }

    /// Keeps room again, if there is none and nothing is unsent, which needs it more. A disk that has none is no failure.
    pub(super) async fn keep_reserve(&self) {
        let is_needed = {
            let shared = self.shared.borrow();
            let is_here = shared.engine.pulled_at.or(shared.pull.pulled_at).is_some();
            shared.tables.is_some() && is_here && shared.is_empty() && !shared.has_reserve
        };
        if !is_needed {
            return;
        }
        let (seed, size) = (self.host.random(), self.host.reserve_bytes());
        let scope = Scope::relaxed(&[StoreName::Derived], vec![Read::Derived(derived::RESERVED.into())]);
        let plan = |rows: &Rows| {
            let is_kept = rows.derived.contains_key(derived::RESERVED);
            // Chance, for a browser presses what repeats.
            let bytes = || (0..size as u64 / 8).flat_map(|n| bits(seed, n).to_le_bytes()).collect();
            let reserve = || [Write::Derived(derived::RESERVE.into(), bytes()), Write::Derived(derived::RESERVED.into(), vec![])];
            Step::Write(if is_kept { vec![] } else { reserve().to_vec() }, ())
        };
        let kept = self.store.update(scope, plan).await;
        self.shared.borrow_mut().has_reserve = kept.is_ok();
    }
}

fn given_up_first() -> Vec<Write> {
    [derived::RESERVE, derived::RESERVED].map(|name| Write::RemoveDerived(name.into())).to_vec()
}

fn given_up_last() -> Vec<Write> {
    let names = (0..SEGMENTS).map(slot).chain([derived::TRACE, derived::REPORTS, derived::HEADS].map(str::to_owned));
    given_up_first().into_iter().chain(names.map(Write::RemoveDerived)).collect()
}
