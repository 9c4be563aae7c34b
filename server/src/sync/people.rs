//! What a change of a user means for the feed: whose records they see, and who sees theirs.

use fieldsync::core::record::{By, Millis};

use super::access::Directory;
use crate::db::{Result, Revoked, Tx, User};

/// Writes a user who is new or changed role or team. Who sees records now that they did not see, or no more, finds that
/// in the feed: each record gets a commit of its own, so that pages stay small.
///
/// # Errors
/// The database's.
pub fn put_user(tx: &mut dyn Tx, random: &mut dyn FnMut() -> u64, now: Millis, user: &User) -> Result<()> {
    let old = Directory::new(tx.users()?);
    tx.put_user(user)?;
    let users = tx.users()?;
    let new = Directory::new(users.clone());
    // Nobody signed in did this; it is the changed user's own move, as far as a record can tell.
    let by = By { id: user.id, name: user.name.clone(), role: user.role.name().to_owned(), device: None };
    for owner in users {
        let (had, have) = (old.viewers_of(owner.id), new.viewers_of(owner.id));
        let lost: Vec<_> = had.iter().filter(|viewer| !have.contains(viewer)).collect();
        let gained: Vec<_> = have.iter().filter(|viewer| !had.contains(viewer)).collect();
        if lost.is_empty() && gained.is_empty() {
            continue;
        }
        for mut record in tx.owned(owner.id)? {
            let seq = tx.commit(random())?;
            for viewer in &lost {
                tx.put_revoked(&Revoked {
                    user: **viewer,
                    collection: record.collection.clone(),
                    id: record.id,
                    seq,
                    version: record.version,
                    at: now,
                    by: by.clone(),
                })?;
            }
            for viewer in &gained {
                tx.clear_revoked(**viewer, &record.collection, record.id)?;
            }
            if !gained.is_empty() && !record.deleted {
                record.seq = seq;
                tx.put_record(&record)?;
            }
        }
    }
    Ok(())
}
