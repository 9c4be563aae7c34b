//! Cursors: a place in the feed, with the random tag of its commit. A server that was restored, or is another one, has
//! no such commit with such a tag, and says so.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fieldsync::core::protocol::Cursor;
use fieldsync::core::record::{CollectionName, Seq, UserId};
use fieldsync::core::selection::{Bounds, Scope, parse_scope};
use serde::{Deserialize, Serialize};

use super::{Context, SyncError};
use crate::db::Tx;

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
    /// What of them; those that are not named, whole.
    #[serde(rename = "b", default, skip_serializing_if = "Scope::is_empty")]
    pub scope: Scope,
}

impl Place {
    /// The place of a commit.
    ///
    /// # Errors
    /// [`SyncError::CursorUnknown`] if there is no such commit; else the database's.
    pub fn at(tx: &mut dyn Tx, seq: Seq, user: UserId, collections: Vec<CollectionName>) -> Result<Self, SyncError> {
        let tag = tx.tag(seq)?.ok_or(SyncError::CursorUnknown)?;
        Ok(Self { seq, tag, user, collections, scope: Scope::new() })
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

    /// The same, for no more than these collections and this scope. What the device has not been given is not among it.
    pub fn narrow(&mut self, collections: Option<&str>, scope: &Scope) {
        if let Some(names) = collections {
            self.collections.retain(|name| names.split(',').any(|wanted| wanted == name));
        }
        for (name, bounds) in scope {
            self.bound(name, bounds.within(self.bounds(name)));
        }
        self.scope.retain(|name, _| self.collections.contains(name));
    }

    /// What it has of a collection.
    #[must_use]
    pub fn bounds(&self, collection: &str) -> Bounds {
        self.scope.get(collection).copied().unwrap_or_default()
    }

    /// Sets what it has of a collection.
    pub fn bound(&mut self, collection: &str, bounds: Bounds) {
        if bounds == Bounds::default() {
            self.scope.remove(collection);
        } else {
            self.scope.insert(collection.to_owned(), bounds);
        }
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

/// The scope of a request. One that this server does not know is refused, rather than answered with another one.
///
/// # Errors
/// [`SyncError::Malformed`].
pub fn read_scope(context: &Context<'_>, scope: Option<&str>) -> Result<Scope, SyncError> {
    let unknown = || SyncError::Malformed("This server knows no such scope.".to_owned());
    let scope = parse_scope(scope).ok_or_else(unknown)?;
    let is_known = |(name, bounds): (&CollectionName, &Bounds)| {
        let collection = context.schema.collection(name);
        collection.is_some_and(|collection| bounds.since.is_none() || collection.dated_by.is_some())
    };
    if scope.iter().all(is_known) { Ok(scope) } else { Err(unknown()) }
}
