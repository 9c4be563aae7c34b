//! Looking for words in the search index: each must be there, or begin one that is, or be a typo or two away; and how well a record
//! matches.
//!
//! Typos are insertions, deletions, substitutions and neighbours changed over (restricted Damerau-Levenshtein distance), found by
//! automata (Schulz and Mihov, "Fast string correction with Levenshtein automata", 2002; the crate `levenshtein_automata`) along
//! the sorted words: where the automaton has given up, all words that begin so are passed over.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Bound::{Included, Unbounded};

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};

use super::search::{Entry, IS_TITLE, Postings, Search};
use super::words::{is_legal_form, readings};

/// What a word counts that is there as it was looked for; that begins so; that is one typo away, or two, or begins so. A place in the
/// name adds less than the next better of these.
const EXACT: u32 = 60;
const BEGINS: u32 = 40;
const ONE_TYPO: u32 = 20;
const TWO_TYPOS: u32 = 8;
const BEGINS_WITH_TYPOS: u32 = 1;
const STANDS: u32 = 4;
/// Typos are looked for if fewer records match as it is written.
const FEW: usize = 5;
/// From so many letters on, a word that is being written may have a typo already.
const BEGIN_WITH_TYPOS_MIN: usize = 5;
/// After so many words that begin as the automaton has given up on, the next is sought.
const PASSED_OVER: usize = 8;

/// The tables from which automata are made, for one typo and for two: made when first needed, and kept.
#[derive(Default)]
pub(super) struct Matching {
    builders: [OnceCell<LevenshteinAutomatonBuilder>; 2],
}

/// What one record comes to.
#[derive(Clone, Copy, Default)]
struct Tally {
    /// The words found, in order.
    words: u32,
    /// What they count.
    total: u32,
    /// What the last of them counts.
    last: u32,
}

/// A record that matches.
pub(super) struct Hit {
    pub(super) entry: Entry,
    place: u32,
    total: u32,
}

impl Matching {
    /// The automaton of a word; none for one in which no typo is looked for: too short, or a number.
    fn automaton(&self, word: &str, begins: bool) -> Option<(DFA, usize)> {
        let typos = typos(word);
        let builder = self.builders.get(usize::from(typos).checked_sub(1)?)?;
        let builder = builder.get_or_init(|| LevenshteinAutomatonBuilder::new(typos, true));
        let dfa = if begins { builder.build_prefix_dfa(word) } else { builder.build_dfa(word) };
        Some((dfa, usize::from(typos)))
    }
}

/// How many typos a word may have.
fn typos(word: &str) -> u8 {
    match word.chars().count() {
        _ if word.bytes().any(|byte| byte.is_ascii_digit()) => 0,
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

impl Search {
    /// The records that match, the best first; `accept` has the last word. With typos, if few match without.
    pub(super) fn find(&self, text: &str, accept: impl Fn(Entry) -> bool) -> Vec<Hit> {
        let mut hits = Vec::new();
        for with_typos in [false, true] {
            let mut best = vec![0u32; self.places.len()];
            for reading in readings(text) {
                self.read(&reading, with_typos, &mut best);
            }
            let of_place = |(place, total): (usize, &u32)| {
                let entry = self.places[place].entry.filter(|entry| *total > 0 && accept(*entry))?;
                // There are as many places as fit into 30 bits.
                #[allow(clippy::cast_possible_truncation)]
                Some(Hit { entry, place: place as u32, total: *total })
            };
            hits = best.iter().enumerate().filter_map(of_place).collect();
            if hits.len() >= FEW {
                break;
            }
        }
        hits
    }

    /// The best of these, in order: behind `after`, if it is given.
    pub(super) fn best(&self, mut hits: Vec<Hit>, after: Option<Entry>, limit: usize) -> Vec<Entry> {
        let order = |a: &Hit, b: &Hit| {
            let name = |hit: &Hit| &self.places[hit.place as usize].name;
            b.total.cmp(&a.total).then_with(|| name(a).cmp(name(b))).then_with(|| a.entry.cmp(&b.entry))
        };
        if let Some(after) = after {
            let Some(at) = hits.iter().position(|hit| hit.entry == after) else { return Vec::new() };
            let last = hits.swap_remove(at);
            hits.retain(|hit| order(hit, &last).is_gt());
        }
        if limit < hits.len() {
            hits.select_nth_unstable_by(limit, order);
            hits.truncate(limit);
        }
        hits.sort_unstable_by(order);
        hits.into_iter().map(|hit| hit.entry).collect()
    }

    /// One reading of what is looked for: every word must match; legal forms only count, unless there is nothing else. The
    /// words in one are a reading, too: names are spaced in more than one way.
    fn read(&self, reading: &[String], with_typos: bool, best: &mut [u32]) {
        let telling: Vec<&str> = reading.iter().map(String::as_str).filter(|word| !is_legal_form(word)).collect();
        // A last word is still being written: "to" may become "toko".
        let (must, may): (Vec<&str>, Vec<&str>) = match telling.is_empty() {
            true => (reading.iter().map(String::as_str).collect(), vec![]),
            false => (telling, reading.iter().map(String::as_str).filter(|word| is_legal_form(word)).collect()),
        };
        self.tally(&must, &may, with_typos, 1, best);
        if must.len() > 1 {
            // Counts as much as the words by themselves.
            #[allow(clippy::cast_possible_truncation)]
            self.tally(&[must.concat().as_str()], &may, with_typos, must.len() as u32, best);
        }
    }

    fn tally(&self, must: &[&str], may: &[&str], with_typos: bool, weight: u32, best: &mut [u32]) {
        let mut tallies = vec![Tally::default(); self.places.len()];
        let mut words = 0;
        for word in must {
            let mut count = |postings: &Postings, counts: u32| {
                for posting in postings.all() {
                    let (tally, counts) = (&mut tallies[(posting >> 2) as usize], counts + (posting & 3) * STANDS);
                    if tally.words == words {
                        *tally = Tally { words: words + 1, total: tally.total + counts, last: counts };
                    } else if tally.words == words + 1 && tally.last < counts {
                        tally.total += counts - tally.last;
                        tally.last = counts;
                    }
                }
            };
            self.beginning(word, &mut count);
            if with_typos {
                self.near(word, must.last() == Some(word), &mut count);
            }
            words += 1;
        }
        for postings in may.iter().filter_map(|word| self.words.get(word.as_bytes())) {
            for posting in postings.all() {
                tallies[(posting >> 2) as usize].total += 1;
            }
        }
        for (best, tally) in best.iter_mut().zip(&tallies).filter(|(_, tally)| tally.words == words) {
            *best = (tally.total * weight).max(*best);
        }
    }

    /// Records whose name, in one word, is this one (true), begins so, or is a typo or two away.
    pub(super) fn titled(&self, whole: &str) -> Vec<(Entry, bool)> {
        let mut found: BTreeMap<Entry, bool> = BTreeMap::new();
        let mut count = |postings: &Postings, is_same: bool| {
            let named = postings.all().iter().filter(|posting| *posting & 3 == IS_TITLE);
            for entry in named.filter_map(|posting| self.places[(posting >> 2) as usize].entry) {
                *found.entry(entry).or_default() |= is_same;
            }
        };
        self.beginning(whole, &mut |postings, counts| count(postings, counts == EXACT));
        self.near(whole, false, &mut |postings, _| count(postings, false));
        found.into_iter().collect()
    }

    /// Records that have all of these words, as they are.
    pub(super) fn having(&self, words: &[String]) -> Vec<Entry> {
        let mut lists: Vec<&[u32]> = Vec::new();
        for word in words {
            let Some(postings) = self.words.get(word.as_bytes()) else { return Vec::new() };
            lists.push(postings.all());
        }
        lists.sort_by_key(|list| list.len());
        let Some((first, others)) = lists.split_first() else { return Vec::new() };
        let has = |list: &&[u32], place: u32| list.binary_search_by_key(&place, |posting| posting >> 2).is_ok();
        let places = first.iter().map(|posting| posting >> 2).filter(|place| others.iter().all(|list| has(list, *place)));
        places.filter_map(|place| self.places[place as usize].entry).collect()
    }

    /// Words that are this one, or begin with it.
    fn beginning(&self, word: &str, count: &mut impl FnMut(&Postings, u32)) {
        for (found, postings) in self.words.range::<[u8], _>((Included(word.as_bytes()), Unbounded)) {
            if !found.starts_with(word.as_bytes()) {
                break;
            }
            count(postings, if found.len() == word.len() { EXACT } else { BEGINS });
        }
    }

    /// Words that are a typo or two away from this one, or, if it is still being written, begin so.
    fn near(&self, word: &str, is_last: bool, count: &mut impl FnMut(&Postings, u32)) {
        let length = word.chars().count();
        let begins = is_last && length >= BEGIN_WITH_TYPOS_MIN;
        let Some((dfa, typos)) = self.matching.automaton(word, begins) else { return };
        self.along(&dfa, |found, distance, postings| {
            let letters = found.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
            let counts = match distance {
                0 => return,
                _ if letters > length + typos => BEGINS_WITH_TYPOS,
                1 => ONE_TYPO,
                _ => TWO_TYPOS,
            };
            count(postings, counts);
        });
    }

    /// All words that an automaton accepts, with their distance.
    fn along(&self, dfa: &DFA, mut accepted: impl FnMut(&[u8], u8, &Postings)) {
        // After each byte of the word before, as far as it was followed.
        let mut states = vec![dfa.initial_state()];
        let mut before: &[u8] = &[];
        let mut passed = 0;
        let mut words = self.words.range::<[u8], _>((Unbounded, Unbounded));
        while let Some((word, postings)) = words.next() {
            let common = before.iter().zip(word).take_while(|(a, b)| a == b).count();
            // If the last word was given up within what both begin with, so is this one.
            states.truncate(common + 1);
            for byte in word.iter().skip(states.len() - 1) {
                match states.last() {
                    Some(&state) if state != SINK_STATE => states.push(dfa.transition(state, *byte)),
                    _ => break,
                }
            }
            before = word;
            if states.last() != Some(&SINK_STATE) {
                passed = 0;
                if let Some(Distance::Exact(distance)) = states.last().map(|state| dfa.distance(*state)) {
                    accepted(word, distance, postings);
                }
                continue;
            }
            passed += 1;
            if passed >= PASSED_OVER {
                passed = 0;
                // No byte of UTF-8 is 255: this stands behind all that begins so.
                let behind: Vec<u8> = word[..states.len() - 1].iter().copied().chain([u8::MAX]).collect();
                words = self.words.range::<[u8], _>((Included(behind.as_slice()), Unbounded));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Passing over words loses none.
        #[test]
        fn along_the_words_an_automaton_finds_what_it_finds_word_by_word(
            words in prop::collection::btree_set("[abé]{1,6}", 0..80), word in "[abé]{4,9}", begins in any::<bool>(),
        ) {
            let mut search = Search::default();
            search.words.extend(words.iter().map(|word| (word.clone().into_bytes().into(), Postings::One(0))));
            let (dfa, _) = search.matching.automaton(&word, begins).unwrap();
            let mut found = BTreeSet::new();
            search.along(&dfa, |word, distance, _| {
                found.insert((word.to_vec(), distance));
            });
            let one_by_one = words.iter().filter_map(|word| match dfa.eval(word) {
                Distance::Exact(distance) => Some((word.clone().into_bytes(), distance)),
                Distance::AtLeast(_) => None,
            });
            prop_assert_eq!(found, one_by_one.collect::<BTreeSet<_>>());
        }
    }
}
