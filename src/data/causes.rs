//! Records in trouble that have one cause: one person did one thing to many of them, and one decision may do for all.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::core::record::{CollectionName, Millis, Seq, UserId};
use crate::core::view::ConflictKind;

/// One thing done to many records takes at most so long from one to the next.
pub const APART_MS_MAX: i64 = 60_000;

/// `ConflictKind` in `www/fieldsync/types.d.ts`.
impl Serialize for ConflictKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Fields => "fields",
            Self::DeletedByThem => "deleted-by-them",
            Self::DeletedByMe => "deleted-by-me",
        })
    }
}

/// What was done to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Something that needs a person's choice, and why.
    Conflict(ConflictKind),
    /// It is not this user's any more.
    Revoked,
}

/// What brought a record into trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The record's collection.
    pub collection: CollectionName,
    /// What was done to it.
    pub deed: Deed,
    /// A create of mine met a record.
    pub made_twice: bool,
    /// The fields in question, sorted; none if the whole record is.
    pub fields: Vec<String>,
    /// Who did it, as far as the server has said.
    pub by: Option<UserId>,
    /// When.
    pub at: Option<Millis>,
    /// The commit, if nothing came to the record after it.
    pub seq: Option<Seq>,
}

impl Cause {
    /// What must be the same, whenever it happened.
    fn what(&self) -> (&str, Deed, bool, &[String], Option<UserId>) {
        (&self.collection, self.deed, self.made_twice, &self.fields, self.by)
    }

    /// Whether this came of the same deed as an earlier one like it.
    fn follows(&self, earlier: &Self) -> bool {
        if self.seq.is_some() && self.seq == earlier.seq {
            return true;
        }
        // By nobody that is known, two are not by the same person.
        let both = self.by.and(self.at).zip(earlier.at);
        both.is_some_and(|(at, before)| at.since(before) <= APART_MS_MAX)
    }
}

/// The places of the causes, by what they have in common: the same person, the same kind, the same fields, in one commit or
/// within a minute from one to the next. The newest first; in a group, in the order of time.
#[must_use]
pub fn grouped(causes: &[Cause]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..causes.len()).collect();
    order.sort_by_key(|place| (causes[*place].at, causes[*place].seq, *place));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut open: BTreeMap<_, usize> = BTreeMap::new();
    for place in order {
        let cause = &causes[place];
        let found = open.get(&cause.what()).copied();
        let last = found.and_then(|group| groups[group].last().map(|last| (group, *last)));
        match last.filter(|(_, last)| cause.follows(&causes[*last])) {
            Some((group, _)) => groups[group].push(place),
            None => {
                open.insert(cause.what(), groups.len());
                groups.push(vec![place]);
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.last().and_then(|place| causes[*place].at)));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(by: u64, at: i64, fields: &[&str]) -> Cause {
        Cause {
            collection: "customers".into(),
            deed: Deed::Conflict(ConflictKind::Fields),
            made_twice: false,
            fields: fields.iter().map(|&name| name.to_owned()).collect(),
            by: Some(UserId::new(Millis(0), [by, 0])),
            at: Some(Millis(at)),
            seq: None,
        }
    }

    #[test]
    fn what_one_person_did_within_a_minute_from_one_to_the_next_is_one_group() {
        let causes: Vec<Cause> = (0..5).map(|n| cause(1, n * APART_MS_MAX, &["owner"])).collect();
        assert_eq!(grouped(&causes), [vec![0, 1, 2, 3, 4]]);
        let mut causes = vec![cause(1, 0, &["owner"]), cause(1, APART_MS_MAX + 1, &["owner"])];
        assert_eq!(grouped(&causes), [vec![1], vec![0]], "later is another deed, and the newer one comes first");
        causes[0].seq = Some(Seq(7));
        causes[1].seq = Some(Seq(7));
        assert_eq!(grouped(&causes), [vec![0, 1]], "but one commit is one deed");
    }

    #[test]
    fn another_person_other_fields_another_kind_or_collection_is_another_cause() {
        let one = cause(1, 0, &["owner"]);
        let others = [
            cause(2, 0, &["owner"]),
            cause(1, 0, &["owner", "phone"]),
            Cause { deed: Deed::Conflict(ConflictKind::DeletedByThem), ..one.clone() },
            Cause { deed: Deed::Revoked, ..one.clone() },
            Cause { collection: "pipelines".into(), ..one.clone() },
            Cause { made_twice: true, ..one.clone() },
        ];
        for other in others {
            assert_eq!(grouped(&[one.clone(), other.clone()]).len(), 2, "{other:?}");
            let between = [one.clone(), Cause { at: Some(Millis(1)), ..other }, Cause { at: Some(Millis(2)), ..one.clone() }];
            assert_eq!(grouped(&between).iter().map(Vec::len).max(), Some(2), "what is between does not part them");
        }
    }

    #[test]
    fn of_nobody_that_is_known_only_one_commit_makes_a_group() {
        let nobody = Cause { by: None, ..cause(1, 0, &["owner"]) };
        assert_eq!(grouped(&[nobody.clone(), nobody.clone()]).len(), 2);
        let known = Cause { seq: Some(Seq(3)), ..nobody };
        assert_eq!(grouped(&[known.clone(), known]).len(), 1);
    }

    #[test]
    fn every_conflict_is_in_one_group() {
        let causes: Vec<Cause> = (0..40)
            .map(|n| cause(n % 3, i64::try_from(n * n * 997).unwrap(), if n % 2 == 0 { &["a"] } else { &["b"] }))
            .collect();
        let mut all: Vec<usize> = grouped(&causes).concat();
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<_>>());
    }
}
