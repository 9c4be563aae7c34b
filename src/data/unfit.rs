//! Why no try of a record's unsent changes would send them: what a person must mend.

use super::table::Tables;
use crate::core::bases::stand_in;
use crate::core::fit::{broken_rule, keeps_rules};
use crate::core::record::{RecordId, Tombstone};
use crate::core::rules::Violation;

/// Why no try of a record's changes would send them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// They break a rule that needs this record alone.
    Broken(Violation),
    /// This user may not see the record any more.
    Revoked,
}

impl Tables {
    /// Why trying again would be in vain.
    #[must_use]
    pub fn unfit(&self, collection: &str, id: RecordId) -> Option<Unfit> {
        let (changes, base) = (self.changes_of(collection, id), self.base(collection, id));
        if changes.is_empty() {
            return None;
        }
        if base.is_some_and(|base| base.tombstone == Some(Tombstone::Revoked)) {
            return Some(Unfit::Revoked);
        }
        let (declared, stand) = (self.schema().collection(collection)?, stand_in(&changes));
        let base = base.or(stand.as_ref());
        // What a later change has mended goes with it.
        broken_rule(declared, base, &changes).filter(|_| !keeps_rules(declared, base, &changes)).map(Unfit::Broken)
    }
}
