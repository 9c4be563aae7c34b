//! The parcels in memory, found by the rows that they carry.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::core::outbox::Change;
use crate::core::parcel::Parcel;
use crate::core::record::RowId;

/// Open and refused parcels, by op_id.
#[derive(Clone, Debug, Default)]
pub struct Parcels {
    all: Vec<Parcel>,
    of_row: BTreeMap<RowId, Vec<usize>>,
}

impl Parcels {
    /// Every one.
    #[must_use]
    pub fn all(&self) -> &[Parcel] {
        &self.all
    }

    /// Those that carry any of these changes, each once.
    pub fn carrying(&self, changes: &[&Change]) -> impl Iterator<Item = &Parcel> {
        let places: BTreeSet<usize> =
            changes.iter().filter_map(|change| self.of_row.get(&change.row)).flatten().copied().collect();
        places.into_iter().map(|place| &self.all[place])
    }

    /// Takes these in place of those before. Returns the ones that came, went, or are not as they were (as they were), and
    /// which of them are new.
    pub fn replace(&mut self, parcels: &[Parcel]) -> Vec<(Parcel, bool)> {
        if self.all == parcels {
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.all, parcels.to_vec());
        self.all.sort_by_key(|parcel| parcel.op_id);
        self.of_row.clear();
        for (place, parcel) in self.all.iter().enumerate() {
            for row in &parcel.rows {
                self.of_row.entry(*row).or_default().push(place);
            }
        }
        differing(before, &self.all)
    }
}

/// What is in one of the two, both by op_id, or otherwise in each: then as it was. And whether only the second has it.
fn differing(before: Vec<Parcel>, after: &[Parcel]) -> Vec<(Parcel, bool)> {
    let (mut before, mut after) = (before.into_iter().peekable(), after.iter().peekable());
    let mut found = Vec::new();
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.op_id.cmp(&new.op_id),
        };
        match order {
            Ordering::Less => found.extend(before.next().map(|parcel| (parcel, false))),
            Ordering::Greater => found.extend(after.next().cloned().map(|parcel| (parcel, true))),
            Ordering::Equal => {
                let (old, new) = (before.next(), after.next());
                found.extend(old.filter(|old| new != Some(old)).map(|old| (old, false)));
            }
        }
    }
}
