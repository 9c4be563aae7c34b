//! Each mutation must be seen: within so many seeds, by an invariant that it is said to break, whatever else it breaks
//! before, and not by a panic. A seed that fails without the mutation, too, counts for nothing.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use fieldsync::mutation::{self, Mutation};

use crate::oracle::Violation;
use crate::run;

/// A mutation is seen by then, or the simulation is too weak.
const SEEDS_MAX: u64 = 1_000;

/// Which seeds hold without any mutation, as far as it was asked.
type Sound = Mutex<BTreeMap<u64, bool>>;

/// What saw a mutation: the first invariant that it was to break; or, as none did, the first of the others.
struct Caught {
    seed: u64,
    violation: Violation,
}

impl Caught {
    fn is_expected(&self, of: Mutation) -> bool {
        of.expected().iter().any(|number| self.violation.invariant.split(' ').next() == Some(number))
    }
}

/// Runs them all, or those of these names, and prints what saw each. How many were seen, and how many were not.
pub fn run_all(steps: u64, names: &[String]) -> (usize, usize) {
    let began = Instant::now();
    let is_wanted = |mutation: &&Mutation| names.is_empty() || names.contains(&format!("{mutation:?}"));
    let wanted: Vec<Mutation> = Mutation::ALL.iter().filter(is_wanted).copied().collect();
    let (next, sound, all) = (AtomicUsize::new(0), Sound::default(), Mutex::new(BTreeMap::new()));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(mutation) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let caught = first(*mutation, steps, &sound);
                    all.lock().expect("no thread panics with the lock").insert(format!("{mutation:?}"), caught);
                }
            });
        }
    });
    let all = all.into_inner().expect("no thread panics with the lock");
    println!("mutations: {} in {:.1} s", wanted.len(), began.elapsed().as_secs_f64());
    let seen =
        wanted.iter().filter(|mutation| print(**mutation, all.get(&format!("{mutation:?}")).and_then(Option::as_ref))).count();
    (seen, wanted.len() - seen)
}

/// Whether it was seen as it should.
fn print(mutation: Mutation, caught: Option<&Caught>) -> bool {
    let name = format!("{mutation:?}");
    let Some(caught) = caught else {
        println!("  {name:<22} NOT CAUGHT within {SEEDS_MAX} seeds: {}", mutation.what());
        return false;
    };
    let Caught { seed, violation } = caught;
    let is_expected = caught.is_expected(mutation);
    let word =
        if is_expected { String::new() } else { format!(", NOT BY {}: {}", mutation.expected().join(" or "), violation.what) };
    println!("  {name:<22} {} (seed {seed}){word}", violation.invariant);
    is_expected
}

fn first(mutation: Mutation, steps: u64, sound: &Sound) -> Option<Caught> {
    let mut other = None;
    let mut caught = (0..SEEDS_MAX).filter_map(|seed| {
        mutation::set(Some(mutation));
        let outcome = run::run(seed, steps, &[], false);
        mutation::set(None);
        let violation = outcome.violation.filter(|_| is_sound(seed, steps, sound))?;
        Some(Caught { seed, violation })
    });
    let expected = caught.find_map(|caught| {
        if caught.is_expected(mutation) {
            return Some(caught);
        }
        other.get_or_insert(caught);
        None
    });
    expected.or(other)
}

fn is_sound(seed: u64, steps: u64, sound: &Sound) -> bool {
    let known = sound.lock().expect("no thread panics with the lock").get(&seed).copied();
    known.unwrap_or_else(|| {
        let is_sound = run::run(seed, steps, &[], false).violation.is_none();
        sound.lock().expect("no thread panics with the lock").insert(seed, is_sound);
        is_sound
    })
}
