//! Who may see what: a rep what they own, a manager what their team owns; and everybody what nobody owns.

use fieldsync::core::record::{By, Fields, RecordId, UserId, field};
use fieldsync::core::schema::{Access, Collection, Schema};

use super::Context;
use crate::db::{Role, Stored, Tx, User};

/// All users, and who sees whose.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    users: Vec<User>,
}

impl Directory {
    /// Of these users.
    #[must_use]
    pub fn new(users: Vec<User>) -> Self {
        Self { users }
    }

    /// The user of this id.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The user who signs in with this name, whatever its case.
    #[must_use]
    pub fn by_username(&self, username: &str) -> Option<&User> {
        let username = username.trim().to_lowercase();
        self.users.iter().find(|user| user.username == username)
    }

    /// Whether `viewer` sees what `owner` owns.
    #[must_use]
    pub fn sees(&self, viewer: &User, owner: UserId) -> bool {
        if viewer.id == owner {
            return true;
        }
        viewer.role == Role::Manager && viewer.team.is_some() && self.user(owner).is_some_and(|owner| owner.team == viewer.team)
    }

    /// Whose records `viewer` sees.
    #[must_use]
    pub fn owners_for(&self, viewer: &User) -> Vec<UserId> {
        self.users.iter().map(|user| user.id).filter(|owner| self.sees(viewer, *owner)).collect()
    }

    /// Who sees what `owner` owns.
    #[must_use]
    pub fn viewers_of(&self, owner: UserId) -> Vec<UserId> {
        self.users.iter().filter(|viewer| self.sees(viewer, owner)).map(|viewer| viewer.id).collect()
    }
}

impl Context<'_> {
    /// Whether the user sees this record, or saw it until it was deleted.
    #[must_use]
    pub fn sees(&self, record: &Stored) -> bool {
        record.owner.is_none_or(|owner| self.directory.sees(self.user, owner))
    }

    /// The user, as what they change names them.
    #[must_use]
    pub fn by(&self) -> By {
        let User { id, name, role, .. } = self.user;
        By { id: *id, name: name.clone(), role: role.name().to_owned(), device: self.sender.device }
    }
}

/// Who decides who sees a record with these fields: (owner, the record it is seen by way of).
///
/// # Errors
/// The database's.
pub fn place(
    tx: &mut dyn Tx,
    schema: &Schema,
    collection: &Collection,
    fields: &Fields,
) -> crate::db::Result<(Option<UserId>, Option<RecordId>)> {
    match &collection.access {
        Access::Everyone => Ok((None, None)),
        Access::Owner { field: name } => Ok((field(fields, name).as_str().and_then(|text| text.parse().ok()), None)),
        Access::Via { field: name } => {
            let parent: Option<RecordId> = field(fields, name).as_str().and_then(|text| text.parse().ok());
            let target = collection.fields.get(name).and_then(|spec| spec.refers_to.as_deref());
            let (Some(parent), Some(target)) = (parent, target.filter(|target| schema.collection(target).is_some())) else {
                return Ok((None, parent));
            };
            Ok((tx.record(target, parent)?.and_then(|record| record.owner), Some(parent)))
        }
    }
}
