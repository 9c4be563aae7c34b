//! Refresh tokens. Each use gives a successor; a token dies when its successor is first *used*, not when it is given:
//! an answer that was lost on the way signs nobody out. Who sends a dead token has stolen it, or was stolen from: then
//! the whole family, all that came from one sign-in, is forgotten.
//!
//! A dead token is kept for as long as it would have lived. Whoever it was stolen from may be offline for weeks, while the
//! thief refreshes: keeping only the newest so many would let the thief push it out, and then it tells nothing any more.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fieldsync::core::record::{Millis, UserId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::{RefreshRow, Result, Tx};

/// How long a token is taken, in milliseconds: 90 days.
pub const REFRESH_MS_MAX: i64 = 90 * 24 * 60 * 60 * 1000;
/// Bytes of chance in a token.
const TOKEN_BYTES: usize = 32;

/// A new token's bytes.
pub type Chance = [u8; TOKEN_BYTES];

fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The first token of a sign-in.
///
/// # Errors
/// The database's.
pub fn begin(tx: &mut dyn Tx, user: UserId, now: Millis, chance: Chance, family: Uuid) -> Result<String> {
    tx.drop_expired_refresh(now)?;
    give(tx, user, now, chance, family, None)
}

fn give(tx: &mut dyn Tx, user: UserId, now: Millis, chance: Chance, family: Uuid, parent: Option<[u8; 32]>) -> Result<String> {
    let token = URL_SAFE_NO_PAD.encode(chance);
    let expires_at = now.plus(REFRESH_MS_MAX);
    tx.put_refresh(&RefreshRow { hash: hash_of(&token), family, user, parent, expires_at, used: false, dead: false })?;
    Ok(token)
}

/// Uses a token: whose it is, and its successor. `None`: it is not taken.
///
/// # Errors
/// The database's.
pub fn use_token(tx: &mut dyn Tx, token: &str, now: Millis, chance: Chance) -> Result<Option<(UserId, String)>> {
    tx.drop_expired_refresh(now)?;
    let Some(mut row) = tx.refresh(&hash_of(token))? else { return Ok(None) };
    if row.dead {
        tx.drop_family(row.family)?;
        return Ok(None);
    }
    if !row.used {
        // The first use: what it came from is dead now, and so are successors of that whose answers were lost.
        for mut other in tx.family(row.family)? {
            let is_parent = row.parent == Some(other.hash);
            let is_sibling = row.parent.is_some() && other.parent == row.parent && other.hash != row.hash;
            if is_parent || is_sibling {
                other.dead = true;
                tx.put_refresh(&other)?;
            }
        }
        row.used = true;
        tx.put_refresh(&row)?;
    }
    let successor = give(tx, row.user, now, chance, row.family, Some(row.hash))?;
    Ok(Some((row.user, successor)))
}

/// Signs out: the family of this token is forgotten. Whose it was.
///
/// # Errors
/// The database's.
pub fn end(tx: &mut dyn Tx, token: &str) -> Result<Option<UserId>> {
    let Some(row) = tx.refresh(&hash_of(token))? else { return Ok(None) };
    tx.drop_family(row.family)?;
    Ok(Some(row.user))
}
