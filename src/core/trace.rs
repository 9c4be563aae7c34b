//! The trace: what the engine's machine was told and what it answered, with the driver's facts beside it. No field values:
//! a support case travels with it. [`replay`] feeds it to a new machine and says where the two part.
//!
//! ```
//! use fieldsync::core::machine::{Event, Machine, Reason, State};
//! use fieldsync::core::record::Millis;
//! use fieldsync::core::trace::{Entry, Trace, What, replay};
//! let (mut machine, event) = (Machine::default(), Event::Requested(Reason::Start));
//! let effects = machine.handle(Millis(5), 7, event);
//! let took = What::Took { state: State::Idle };
//! let step = What::Step { random: 7, event, effects, state: machine.state };
//! let entries = vec![Entry(Millis(4), 1, took), Entry(Millis(5), 1, step)];
//! assert_eq!(replay(&Trace { dropped: 0, entries }), Ok(()));
//! ```

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::machine::{Effect, Event, State};
use super::outbox::Change;
use super::parcel::Parcel;
use super::protocol::{Action, Outcome};
use super::record::{CollectionName, Millis, OpId, RecordId, RowId};

pub use super::replay::{Broken, Divergence, replay};

/// So many entries are kept.
pub const TRACE_EVENTS_MAX: usize = 2_000;
/// A stored row is closed when it has so many: what a rest writes is never more than one.
pub const SEGMENT_ENTRIES: u32 = 250;
/// One more than holds the whole ring: the oldest is being overwritten.
pub const SEGMENTS: u32 = 9;
/// Of what happened at once, so many are named; the rest is counted.
pub const LISTED_MAX: usize = 20;

/// When, in which context, what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry(pub Millis, pub u32, pub What);

/// Some, and how many more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed<T> {
    /// The first.
    pub list: Vec<T>,
    /// Those that are not named.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more: usize,
}

// serde hands a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl<T> FromIterator<T> for Listed<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        let mut all = all.into_iter();
        let list = all.by_ref().take(LISTED_MAX).collect();
        Self { list, more: all.count() }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The context took over where the engine stands, from the store.
    Took {
        /// Where.
        state: State,
    },
    /// The machine moved.
    Step {
        /// The chance that went in: at most 53 bits, which every reader of JSON keeps.
        random: u64,
        /// The event that went in.
        event: Event,
        /// What came out.
        effects: Vec<Effect>,
        /// The state after.
        state: State,
    },
    /// Changes were committed to the outbox.
    Saved(Listed<Saved>),
    /// Changes ended without being sent: taken back, decided, or nothing was left of them.
    Ended(Listed<RowId>),
    /// Parcels were begun.
    Begun(Listed<Begun>),
    /// Parcels are on their way.
    Sent(Listed<OpId>),
    /// The outcome of this one is asked for.
    Asked(OpId),
    /// Answers that were taken.
    Answered(Listed<Answered>),
    /// A page came.
    Pulled {
        /// Its entries.
        entries: usize,
        /// Whether the cursor moved.
        moved: bool,
        /// Whether there is another.
        more: bool,
    },
    /// The server did not know the cursor: from here on everything is asked for, and may be said, again.
    Restarted,
    /// A request failed: the name of its error.
    Network(Cow<'static, str>),
    /// The database failed: the name of its error.
    Store(Cow<'static, str>),
    /// The context was stuck and opened everything anew.
    Repaired,
}

/// A save.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// The change's own id.
    pub row: RowId,
    /// The record's collection.
    pub collection: CollectionName,
    /// The record.
    pub record: RecordId,
    /// What it does.
    pub action: Action,
    /// The names of the fields that it writes.
    pub fields: Vec<String>,
}

impl From<&Change> for Saved {
    fn from(change: &Change) -> Self {
        Self {
            row: change.row,
            collection: change.collection.clone(),
            record: change.record,
            action: change.action,
            fields: change.written.keys().cloned().collect(),
        }
    }
}

/// A parcel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    /// Its key.
    pub op_id: OpId,
    /// Its changes.
    pub rows: Vec<RowId>,
    /// Its records, and what becomes of each.
    pub items: Vec<(CollectionName, RecordId, Action)>,
}

impl From<&Parcel> for Begun {
    fn from(parcel: &Parcel) -> Self {
        let item = |item: &super::protocol::Item| (item.collection.clone(), item.id, item.action);
        Self { op_id: parcel.op_id, rows: parcel.rows.clone(), items: parcel.items.iter().map(item).collect() }
    }
}

/// An answer that was taken: the parcel was there, and open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The parcel.
    pub op_id: OpId,
    /// The name of its outcome.
    pub outcome: Cow<'static, str>,
    /// Of a `known` parcel, the rows that were applied before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<RowId>,
}

impl Answered {
    /// What is noted of an answer.
    #[must_use]
    pub fn new(op_id: OpId, outcome: &Outcome) -> Self {
        let rows = if let Outcome::Known { rows } = outcome { rows.clone() } else { Vec::new() };
        Self { op_id, outcome: outcome.name().into(), rows }
    }
}

/// A trace as it is exported.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Entries that were there before the first.
    pub dropped: u64,
    /// Oldest first.
    pub entries: Vec<Entry>,
}

/// The entries of one context that are not in the store yet, each as a line of JSON.
#[derive(Debug, Default)]
pub struct Recorder {
    context: u32,
    lines: VecDeque<String>,
}

impl Recorder {
    /// Of this context.
    #[must_use]
    pub fn new(context: u32) -> Self {
        Self { context, lines: VecDeque::new() }
    }

    /// Notes.
    pub fn note(&mut self, at: Millis, what: What) {
        // Plain data with string keys: it always serialises.
        self.lines.extend(serde_json::to_string(&Entry(at, self.context, what)));
        self.bound();
    }

    /// How many are not written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether all are written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What is to be written. If that fails, [`Recorder::put_back`].
    pub fn take(&mut self) -> VecDeque<String> {
        std::mem::take(&mut self.lines)
    }

    /// What was not written after all, before what was noted meanwhile.
    pub fn put_back(&mut self, mut lines: VecDeque<String>) {
        lines.append(&mut self.lines);
        self.lines = lines;
        self.bound();
    }

    fn bound(&mut self) {
        let surplus = self.lines.len().saturating_sub(TRACE_EVENTS_MAX);
        self.lines.drain(..surplus);
    }
}

/// Where the stored ring is written: one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The segment that is written to; it is in the row of its remainder by [`SEGMENTS`].
    pub segment: u32,
    /// Its entries.
    pub entries: u32,
    /// All that there ever were.
    pub total: u64,
}

impl Head {
    /// Where the next entries go: a full segment is left, and what its successor held goes.
    #[must_use]
    pub fn next(self) -> Self {
        if self.entries < SEGMENT_ENTRIES { self } else { Self { segment: self.segment + 1, entries: 0, ..self } }
    }

    /// With so many more.
    #[must_use]
    pub fn with(self, count: usize) -> Self {
        Self {
            entries: self.entries.saturating_add(u32::try_from(count).unwrap_or(u32::MAX)),
            total: self.total + count as u64,
            ..self
        }
    }

    /// The slots of the ring that have been written, oldest first.
    pub fn slots(self) -> impl Iterator<Item = u32> {
        (self.segment.saturating_sub(SEGMENTS - 1)..=self.segment).map(|segment| segment % SEGMENTS)
    }
}

/// The newest of these lines as the ring keeps them, with how many were dropped before.
#[must_use]
pub fn newest(head: Head, lines: Vec<&str>) -> (u64, Vec<&str>) {
    let surplus = lines.len().saturating_sub(TRACE_EVENTS_MAX);
    let kept = lines[surplus..].to_vec();
    (head.total.saturating_sub(kept.len() as u64), kept)
}
