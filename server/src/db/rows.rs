//! The rows, as the logic sees them. An implementation stores them as it likes.

use std::collections::BTreeMap;

use fieldsync::core::protocol::{Entry, Outcome, SeqRange, Unsent};
use fieldsync::core::record::{
    By, CollectionName, DeviceId, Epoch, Fields, Millis, OpId, RecordId, RowId, Seq, Tombstone, UserId, Version,
};
use serde_json::Value;

use super::changes::Changes;

/// A record as the server keeps it; a deleted one keeps its row, for its version and its owner.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its collection.
    pub collection: CollectionName,
    /// Its id.
    pub id: RecordId,
    /// How often it was changed.
    pub version: Version,
    /// Its place in the feed: of its newest change, or of the newest grant.
    pub seq: Seq,
    /// When it last changed.
    pub at: Millis,
    /// Who changed it.
    pub by: By,
    /// When each field last changed, and by whom. Empty: all of them at `at`, by `by`, which saves most records of a
    /// first sync five times their size.
    pub changed: Changes,
    /// The fields; none, once deleted.
    pub fields: Fields,
    /// Who decides who sees it: its owner, or that of the record it is seen by way of. `None`: everyone sees it.
    pub owner: Option<UserId>,
    /// The record that it is seen by way of.
    pub parent: Option<RecordId>,
    /// Whether it is gone.
    pub deleted: bool,
}

impl Stored {
    /// As the wire has it.
    #[must_use]
    pub fn into_entry(self) -> Entry {
        Entry {
            collection: self.collection,
            id: self.id,
            version: self.version,
            seq: self.seq,
            at: self.at,
            by: self.by,
            changed: self.changed.into_map(),
            tombstone: self.deleted.then_some(Tombstone::Deleted),
            fields: self.fields,
        }
    }
}

/// Live records of a collection.
#[derive(Clone, Copy, Debug)]
pub struct Extent<'a> {
    /// The collection.
    pub collection: &'a str,
    /// Whose; `None`: whoever's.
    pub owners: Option<&'a [UserId]>,
    /// The field that dates them, and since when; those that have no number there are among them.
    pub since: Option<(&'a str, Millis)>,
}

impl<'a> Extent<'a> {
    /// All of a collection that these users own; `None`: whoever owns them.
    #[must_use]
    pub fn of(collection: &'a str, owners: Option<&'a [UserId]>) -> Self {
        Self { collection, owners, since: None }
    }
}

/// Which of them: in the order of ids, greater than `after`, less than `before`.
#[derive(Clone, Copy, Debug)]
pub struct PageQuery<'a> {
    /// Of what.
    pub of: Extent<'a>,
    /// Not this one, and none before it.
    pub after: Option<RecordId>,
    /// Not this one, and none behind it.
    pub before: Option<RecordId>,
    /// Most rows.
    pub limit: usize,
}

/// Which part of the feed: greater than `after`, up to and with `upto`.
#[derive(Clone, Copy, Debug)]
pub struct FeedQuery<'a> {
    /// Of these collections.
    pub collections: &'a [CollectionName],
    /// What these users own, and what nobody owns.
    pub owners: &'a [UserId],
    /// Behind this commit.
    pub after: Seq,
    /// Up to this one.
    pub upto: Seq,
    /// Most rows.
    pub limit: usize,
}

/// A record that a user may not see any more.
#[derive(Clone, Debug, PartialEq)]
pub struct Revoked {
    /// Who.
    pub user: UserId,
    /// The record's collection.
    pub collection: CollectionName,
    /// The record.
    pub id: RecordId,
    /// In which commit.
    pub seq: Seq,
    /// The record's version then.
    pub version: Version,
    /// When.
    pub at: Millis,
    /// Who did it.
    pub by: By,
}

impl Revoked {
    /// As the wire has it.
    #[must_use]
    pub fn into_entry(self) -> Entry {
        Entry {
            collection: self.collection,
            id: self.id,
            version: self.version,
            seq: self.seq,
            at: self.at,
            by: self.by,
            changed: BTreeMap::new(),
            tombstone: Some(Tombstone::Revoked),
            fields: Fields::new(),
        }
    }
}

/// What became of a parcel, for ever.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerRow {
    /// Its key.
    pub op_id: OpId,
    /// Who sent it.
    pub user: UserId,
    /// Of what was sent; `None` if it was voided before it came.
    pub payload_hash: Option<[u8; 32]>,
    /// Its changes.
    pub rows: Vec<RowId>,
    /// A final outcome.
    pub outcome: Outcome,
    /// When.
    pub at: Millis,
}

/// One value of one field, as it was written or put aside.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRow {
    /// The record's collection.
    pub collection: CollectionName,
    /// The record.
    pub id: RecordId,
    /// The field.
    pub field: String,
    /// The record's version that it made.
    pub version: Version,
    /// In which commit.
    pub seq: Seq,
    /// When.
    pub at: Millis,
    /// Who.
    pub by: By,
    /// The value; null if it was cleared.
    pub value: Value,
    /// What was there before.
    pub previous: Value,
    /// Whether the value was not written but put aside by a rule.
    pub set_aside: bool,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Role {
    /// Sees what they own.
    Rep,
    /// Sees what their team owns, and may give it to another of the team.
    Manager,
}

impl Role {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rep => "rep",
            Self::Manager => "manager",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Rep, Self::Manager].into_iter().find(|role| role.name() == name)
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// The name to sign in with, lower case.
    pub username: String,
    /// The name to show.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The team, if any.
    pub team: Option<String>,
    /// Argon2, as a PHC string.
    pub password_hash: String,
}

/// A refresh token. The token itself is kept nowhere.
#[derive(Clone, Debug, PartialEq)]
pub struct RefreshRow {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// The sign-in that it came from.
    pub family: uuid::Uuid,
    /// Whose.
    pub user: UserId,
    /// The token it was given for.
    pub parent: Option<[u8; 32]>,
    /// When it stops being taken.
    pub expires_at: Millis,
    /// Whether it was ever used: then its parent is dead.
    pub used: bool,
    /// Whether a successor was used: then nobody honest sends it again.
    pub dead: bool,
}

/// What a device said of its store when it last pushed: what is open in an epoch that never returns is lost.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceRow {
    /// Whose store.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// Which lifetime of the store.
    pub epoch: Epoch,
    /// The highest outbox number given out.
    pub allocated_seq: u64,
    /// Which numbers were open.
    pub open: Vec<SeqRange>,
    /// What of them was not ended by the answer.
    pub left: Unsent,
    /// How many conflicts it had put to its user, at most: a copy of the store may know of fewer.
    pub conflicts: u64,
    /// The browser that it is in, if that has an id.
    pub browser: Option<uuid::Uuid>,
    /// The origin of the page.
    pub origin: Option<String>,
    /// What is known of it since.
    pub standing: Standing,
    /// When.
    pub seen_at: Millis,
}

/// What is known of a device's store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It pushes.
    Here,
    /// Another store has come in its place, and it did not push again.
    Gone,
    /// It said goodbye, or its user knows what went with it.
    Settled,
}

impl Standing {
    /// Its name in a database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::Gone => "gone",
            Self::Settled => "settled",
        }
    }

    /// The standing of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Here, Self::Gone, Self::Settled].into_iter().find(|standing| standing.name() == name)
    }
}
