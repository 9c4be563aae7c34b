//! Cursors: a place in the feed, with the random tag of its commit. A server that was restored, or is another one, has
//! no such commit with such a tag, and says so.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fieldsync::core::protocol::Cursor;
use fieldsync::core::record::{CollectionName, Seq, UserId};
use serde::{Deserialize, Serialize};

use super::{Context, SyncError};
use crate::db::Tx;

/// The only scope there is: everything that the user may see.
const SCOPE_ALL: &str = "all";
/// Longest cursor that is looked at, in bytes.
const CURSOR_BYTES_MAX: usize = 4 * 1024;

/// What a cursor says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The newest commit that the device has.
    #[serde(rename = "s")]
    pub seq: Seq,
    /// The random tag of that commit.
    #[serde(rename = "t")]
    pub tag: u64,
    /// Whose device.
    #[serde(rename = "u")]
    pub user: UserId,
    /// What it pulls.
    #[serde(rename = "c")]
    pub collections: Vec<CollectionName>,
}

impl Place {
    /// The place of a commit.
    ///
    /// # Errors
    /// [`SyncError::CursorUnknown`] if there is no such commit; else the database's.
    pub fn at(tx: &mut dyn Tx, seq: Seq, user: UserId, collections: Vec<CollectionName>) -> Result<Self, SyncError> {
        let tag = tx.tag(seq)?.ok_or(SyncError::CursorUnknown)?;
        Ok(Self { seq, tag, user, collections })
    }

    /// As the client keeps it.
    #[must_use]
    pub fn encode(&self) -> Cursor {
        // Numbers, ids and texts always serialise.
        Cursor(URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default()))
    }

    /// What a cursor says, if this server can have said it to this user.
    ///
    /// # Errors
    /// [`SyncError::CursorUnknown`], whatever is wrong with it; else the database's.
    pub fn decode(tx: &mut dyn Tx, context: &Context<'_>, cursor: &Cursor) -> Result<Self, SyncError> {
        let place = Self::parse(cursor).ok_or(SyncError::CursorUnknown)?;
        let known = place.user == context.user.id
            && place.collections.iter().all(|name| context.schema.collection(name).is_some())
            && tx.tag(place.seq)? == Some(place.tag);
        if known { Ok(place) } else { Err(SyncError::CursorUnknown) }
    }

    /// What a cursor says, whoever said it.
    #[must_use]
    pub fn parse(cursor: &Cursor) -> Option<Self> {
        if cursor.0.len() > CURSOR_BYTES_MAX {
            return None;
        }
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&cursor.0).ok()?).ok()
    }
}

/// Refuses a scope that this server does not know, rather than answer with another one.
///
/// # Errors
/// [`SyncError::Malformed`].
pub fn check_scope(scope: Option<&str>) -> Result<(), SyncError> {
    match scope {
        None | Some("" | SCOPE_ALL) => Ok(()),
        Some(_) => Err(SyncError::Malformed("This server knows no such scope.".to_owned())),
    }
}
