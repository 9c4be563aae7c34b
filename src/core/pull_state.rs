//! How far this device has pulled, and what of the selection is here: one row of `meta`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::extent::Extent;
use super::protocol::{Body, Cursor, PushRequest};
use super::record::{CollectionName, Millis, Seq};
use super::selection::Selection;

/// How far this device has pulled: one row of `meta`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PullState {
    /// Where the feed goes on; none before the first snapshot is whole.
    #[serde(default)]
    pub cursor: Option<Cursor>,
    /// The snapshot under way.
    #[serde(default)]
    pub snapshot: Option<Snapshot>,
    /// Collections that are here with all that the user may see.
    #[serde(default)]
    pub complete: BTreeSet<CollectionName>,
    /// What the user wants here.
    #[serde(default, skip_serializing_if = "Selection::is_whole")]
    pub selection: Selection,
    /// What of that is here, and what the feed is asked for. The cursor has at least as much. None in a row from before there
    /// was a selection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered: Option<Extent>,
    /// What was here when everything was asked for anew: it is shown until its range is answered.
    #[serde(default, skip_serializing_if = "Extent::is_empty")]
    pub again: Extent,
    /// The user stopped the snapshot for now. What is unsent goes all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// The day (since 1970) on which dates were last moved, and what is outside of the selection taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swept_on: Option<i64>,
    /// When the feed was last read to its end, by the device's clock.
    #[serde(default)]
    pub pulled_at: Option<Millis>,
    /// How many entries of the feed could not be applied.
    #[serde(default)]
    pub poisoned: u64,
    /// The newest commit that answered a push of this device or was in a page of a snapshot, until the feed was read behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Cursor>,
    /// The place of the last snapshot's watermark: what lies before it is the snapshot's to say.
    #[serde(default)]
    pub watermark_seq: Seq,
}

impl PullState {
    /// What a request names of it: the cursor, and the watermark of the snapshot under way.
    #[must_use]
    pub fn place(&self) -> (Option<&Cursor>, Option<&Cursor>) {
        (self.cursor.as_ref(), self.snapshot.as_ref().and_then(|snapshot| snapshot.watermark.as_ref()))
    }

    /// Whether a snapshot is under way that brings what is not here, not only again what is.
    #[must_use]
    pub fn is_fetching(&self) -> bool {
        let is_here = |name: &CollectionName| {
            let part = self.selection.of(name);
            let is_whole = self.complete.contains(name) && part.is_some_and(|part| part.is_whole());
            is_whole || self.is_again(name)
        };
        self.snapshot.as_ref().is_some_and(|snapshot| match snapshot.wanted.is_empty() {
            true => self.complete.is_empty() && self.again.is_empty(),
            false => !snapshot.wanted.keys().all(is_here),
        })
    }

    /// Whether a collection was here as it is wanted when everything was asked for anew.
    #[must_use]
    pub fn is_again(&self, name: &str) -> bool {
        self.again.get(name).is_some_and(|held| self.selection.of(name) == Some(held.part))
    }

    /// Whether a collection is here or on its way, also if only a newer version of the app knows it.
    pub(super) fn has_asked_for(&self, name: &str) -> bool {
        let coming = self.snapshot.as_ref().map(|snapshot| &snapshot.wanted);
        self.covered.iter().chain(coming).any(|extent| extent.contains_key(name))
    }

    /// Whether it is still what a push showed of it: the cursor and the mark, whatever snapshot is under way.
    #[must_use]
    pub fn is_shown_by(&self, push: &PushRequest) -> bool {
        (&self.cursor, &self.mark) == (&push.cursor, &push.mark)
    }

    /// Whether a page brings nothing, not even a newer cursor: then there is nothing to write.
    #[must_use]
    pub fn is_told_nothing(&self, body: &Body) -> bool {
        matches!(body, Body::Changes(page) if page.changes.is_empty() && !page.has_more && self.cursor.as_ref() == Some(&page.cursor))
    }
}

/// A snapshot under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The last record that came.
    pub after: Option<String>,
    /// From the first page.
    pub watermark: Option<Cursor>,
    /// Records so far.
    pub done: u64,
    /// Of so many.
    pub total: u64,
    /// The bytes of their fields.
    #[serde(default)]
    pub bytes: u64,
    /// The collections that it is to bring, and what of each.
    #[serde(default)]
    pub wanted: Extent,
}

/// The state after 410: everything is asked for again, and nothing that is here goes before its range is answered.
#[must_use]
pub fn restart(state: &PullState) -> PullState {
    let (snapshot, covered) = (Some(Snapshot::default()), Some(Extent::new()));
    let here = state.covered.iter().flatten().map(|(name, held)| (name.clone(), *held));
    let again = state.again.clone().into_iter().chain(here).collect();
    PullState { cursor: None, mark: None, watermark_seq: Seq(0), snapshot, covered, again, poisoned: 0, ..state.clone() }
}
