//! The outbox and the parcels as they were last read over a connection. A row never changes and its number is never given again, so only the
//! numbers have to be asked for, and the rows that are new: a cycle over ten thousand changes reads each once, not twice a
//! batch.
//!
//! A change that was put back (a server was restored) may be a moment younger here than in the store: it says the same, and
//! remembers more of when it was made.

use std::cell::RefCell;
use std::rc::Rc;

use crate::core::outbox::Change;
use crate::core::parcel::Parcel;

/// What was read. It lives as long as the connection: another database is another connection.
#[derive(Default)]
pub struct Kept {
    outbox: RefCell<Rc<Vec<Change>>>,
    packs: RefCell<Vec<Pack>>,
}

/// Parcels of one row, whose key tells what it contains: they are these as long as there is a row of this key.
#[derive(Clone, Debug)]
pub struct Pack {
    /// The row's key.
    pub key: String,
    /// By op_id.
    pub parcels: Rc<Vec<Parcel>>,
}

impl Kept {
    /// Whether there is anything of the outbox.
    pub fn is_empty(&self) -> bool {
        self.outbox.borrow().is_empty()
    }

    /// Takes out what is here of the outbox, for one who reads: until it is kept again, others read all.
    pub fn take(&self) -> Rc<Vec<Change>> {
        self.outbox.take()
    }

    /// Keeps what was read of the outbox.
    pub fn keep(&self, rows: &Rc<Vec<Change>>) {
        self.outbox.replace(Rc::clone(rows));
    }

    /// The parcels of this row.
    pub fn pack(&self, key: &str) -> Option<Pack> {
        self.packs.borrow().iter().find(|pack| pack.key == key).cloned()
    }

    /// Keeps these rows' parcels, in place of what was kept.
    pub fn keep_packs(&self, packs: Vec<Pack>) {
        self.packs.replace(packs);
    }

    /// Keeps these rows' parcels too.
    pub fn keep_also(&self, packs: Vec<Pack>) {
        self.packs.borrow_mut().extend(packs);
    }
}

/// Drops what is not among these numbers (ascending); gives back the first of them that is missing. What is behind that one is
/// dropped, too: it is read with it.
pub fn retain(rows: &mut Rc<Vec<Change>>, numbers: &[u64]) -> Option<u64> {
    if rows.iter().map(|change| change.client_seq).eq(numbers.iter().copied()) {
        return None;
    }
    let mut there = numbers.iter().copied().peekable();
    let mut missing = None;
    Rc::make_mut(rows).retain(|change| {
        if missing.is_none() {
            missing = there.next_if(|number| *number < change.client_seq);
        }
        missing.is_none() && there.next_if_eq(&change.client_seq).is_some()
    });
    missing.or_else(|| there.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(numbers: &[u64]) -> Rc<Vec<Change>> {
        let change = |client_seq: &u64| {
            let row = serde_json::json!({
                "client_seq": client_seq, "row": "01900000-0000-7000-8000-000000000001", "collection": "customers",
                "record": "01900000-0000-7000-8000-000000000002", "action": "update", "schema": 1, "saved_at": 0,
            });
            serde_json::from_value(row).unwrap()
        };
        Rc::new(numbers.iter().map(change).collect())
    }

    #[test]
    fn what_is_there_stays_and_the_first_that_is_not_is_named() {
        let cases: [([&[u64]; 3], Option<u64>); 8] = [
            ([&[1, 2, 3], &[1, 2, 3], &[1, 2, 3]], None),
            ([&[1, 2, 3], &[2, 3], &[2, 3]], None),
            ([&[1, 2, 3], &[], &[]], None),
            ([&[1, 2, 3], &[3, 4, 5], &[3]], Some(4)),
            ([&[1, 2, 3], &[4, 5], &[]], Some(4)),
            // One that was put back.
            ([&[1, 4, 5], &[1, 3, 4, 5], &[1]], Some(3)),
            ([&[4, 5], &[2, 4, 5, 6], &[]], Some(2)),
            ([&[], &[1, 2], &[]], Some(1)),
        ];
        for ([kept, there, left], missing) in cases {
            let mut found = rows(kept);
            assert_eq!(retain(&mut found, there), missing, "{kept:?} {there:?}");
            assert_eq!(found, rows(left), "{kept:?} {there:?}");
        }
    }
}
