//! Which candidates are looked at, when there are many more than can go: those that priorities choose first, the oldest
//! few, and what they name. What is chosen of them is what would be chosen of all; or it is too few, and says so.
//!
//! Law (tests/properties.rs): a begin within a window is the begin over all, or nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::{Candidate, Key};

/// So many of the oldest are looked at whatever their priority: the first of them that can go is always in the batch.
const OLDEST: usize = 64;

/// So many candidates are looked at first for a batch of so many, and at the n-th try.
#[must_use]
pub fn window(count_max: usize, tries: u32) -> usize {
    count_max.saturating_add(OLDEST).saturating_mul(4usize.saturating_pow(tries))
}

/// What is looked at.
pub(super) struct Window<'a> {
    /// In their order.
    pub candidates: Vec<Candidate<'a>>,
    /// Whether these are all.
    pub is_whole: bool,
}

/// What a window of this size shows of the candidates.
pub(super) fn within(mut candidates: Vec<Candidate<'_>>, size: usize) -> Window<'_> {
    if candidates.len() <= size {
        return Window { candidates, is_whole: true };
    }
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|index| (candidates[*index].priority, *index));
    let leading: BTreeSet<usize> = order.into_iter().take(size).collect();
    let oldest = OLDEST.min(size);
    let of: BTreeMap<Key<'_>, usize> = candidates
        .iter()
        .enumerate()
        .flat_map(|(index, candidate)| candidate.records.iter().map(move |key| (*key, index)))
        .collect();
    let mut seen = BTreeSet::new();
    let mut open: Vec<usize> = leading.iter().copied().chain(0..oldest).collect();
    while let Some(index) = open.pop() {
        if seen.insert(index) {
            open.extend(candidates[index].names.iter().filter_map(|named| of.get(named)));
        }
    }
    for (index, candidate) in candidates.iter_mut().enumerate() {
        (candidate.leads, candidate.is_old) = (leading.contains(&index), index < oldest);
    }
    let seen = candidates.into_iter().enumerate().filter(|(index, _)| seen.contains(index)).map(|(_, candidate)| candidate);
    Window { candidates: seen.collect(), is_whole: false }
}

/// The candidates that go now, at most `count_max`, in order. If not all fit, priorities choose; what is chosen takes
/// along what it names; the oldest is always among them. Nothing if the window was too small to tell.
pub(super) fn batch<'a>(ready: Vec<Candidate<'a>>, count_max: usize, is_whole: bool) -> Option<Vec<Candidate<'a>>> {
    if is_whole && ready.len() <= count_max {
        return Some(ready);
    }
    let oldest = ready.first().filter(|first| is_whole || first.is_old)?;
    debug_assert!(!oldest.changes.is_empty(), "what is empty is not ready");
    let of: BTreeMap<Key<'a>, usize> =
        ready.iter().enumerate().flat_map(|(index, candidate)| candidate.records.iter().map(move |key| (*key, index))).collect();
    let mut order: Vec<usize> = (0..ready.len()).filter(|index| *index == 0 || is_whole || ready[*index].leads).collect();
    order.sort_by_key(|index| (*index != 0, ready[*index].priority, *index));
    let mut chosen = BTreeSet::new();
    for index in order {
        let mut needed = BTreeSet::new();
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            if !chosen.contains(&index) && needed.insert(index) {
                open.extend(ready[index].names.iter().filter_map(|named| of.get(named)));
            }
        }
        if chosen.is_empty() || chosen.len() + needed.len() <= count_max {
            chosen.extend(needed);
        }
        if chosen.len() >= count_max {
            break;
        }
    }
    let is_full = chosen.len() >= count_max;
    (is_full || is_whole)
        .then(|| ready.into_iter().enumerate().filter(|(index, _)| chosen.contains(index)).map(|(_, it)| it).collect())
}
