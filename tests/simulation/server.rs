//! The server: the shipped rules of push, pull, snapshot and void over the shipped memory database, called as the HTTP
//! layer calls them; and what is looked at before and behind each push.

use std::collections::BTreeSet;
use std::rc::Rc;

use fieldsync::core::protocol::{Envelope, Problem, ProblemCode, PushAnswer, PushRequest, Request, SnapshotRequest};
use fieldsync::core::record::{Epoch, Millis, RecordId, UserId};
use fieldsync::core::schema::Schema;
use fieldsync_server::auth::refresh;
use fieldsync_server::db::memory::{MemoryDb, State};
use fieldsync_server::db::{self, End, Role, Stored, Tx, User};
use fieldsync_server::sync::access::Directory;
use fieldsync_server::sync::push::{Apart, Pushed, push as push_in};
use fieldsync_server::sync::{self, Context, Sender, SyncError};
use serde::Serialize;
use uuid::Uuid;

use crate::oracle::{Applied, ServerSide};
use crate::random::Random;

pub const BUDI: UserId = UserId(Uuid::from_u128(1));
pub const SARI: UserId = UserId(Uuid::from_u128(2));
pub const AHMAD: UserId = UserId(Uuid::from_u128(3));

/// Records of a page of a snapshot.
const SNAPSHOT_LIMIT: u32 = 6;

/// An answer of the server.
pub struct Http {
    pub status: u16,
    pub retry_after: Option<u32>,
    pub body: Vec<u8>,
}

/// The server.
pub struct Server {
    pub db: MemoryDb,
    pub schema: Rc<Schema>,
    directory: Directory,
    pub epoch: Epoch,
    backups: Vec<(State, ServerSide)>,
    pub restores: u32,
}

/// What a push did: for the oracle.
pub type PushSeen = Vec<Applied>;

impl Server {
    pub fn new(seed: u64, schema: Rc<Schema>) -> Self {
        let db = MemoryDb::new(seed | 1);
        let user = |id, name: &str, role, team: &str| User {
            id,
            username: name.to_owned(),
            name: name.to_owned(),
            role,
            team: Some(team.to_owned()),
            password_hash: String::new(),
        };
        let users = vec![
            user(BUDI, "budi", Role::Rep, "west"),
            user(SARI, "sari", Role::Rep, "west"),
            user(AHMAD, "ahmad", Role::Manager, "west"),
        ];
        for user in &users {
            let put = db::write(&db, |tx| tx.put_user(user));
            put.expect("the database is in memory");
        }
        let epoch = Epoch::new(Millis(1), [seed, 1]);
        Self { db, schema, directory: Directory::new(users), epoch, backups: Vec::new(), restores: 0 }
    }

    pub fn begin_session(&self, user: UserId, now: i64, random: &mut Random) -> String {
        let token = db::write(&self.db, |tx| {
            refresh::begin(tx, user, Millis(now), chance(random), Uuid::from_u128(u128::from(random.bits())))
        });
        token.expect("the database is in memory")
    }

    /// Uses a refresh token: its successor, unless it is not taken.
    pub fn use_token(&self, token: &str, now: i64, random: &mut Random) -> Option<String> {
        let used = db::write(&self.db, |tx| refresh::use_token(tx, token, Millis(now), chance(random)));
        used.expect("the database is in memory").map(|(_, token)| token)
    }

    pub fn backup(&mut self, seen: &ServerSide) {
        self.backups.push((self.db.backup(), seen.clone()));
    }

    /// Puts the last backup back; false if there is none.
    pub fn restore(&mut self, seen: &mut ServerSide) -> bool {
        let Some((state, then)) = self.backups.pop() else { return false };
        self.db.restore(state);
        *seen = then.after_restore(seen);
        self.restores += 1;
        true
    }

    /// Answers a request of `user`'s, as the HTTP layer would.
    pub fn handle(
        &self,
        (user, browser): (UserId, Option<usize>),
        request: &Request,
        now: i64,
        random: &mut Random,
        seen: &mut ServerSide,
    ) -> (Http, PushSeen) {
        let user_row = self.directory.user(user).expect("one of the three");
        let device = match request {
            Request::Push(push) | Request::Preview(push) => Some(push.device),
            _ => None,
        };
        // The cookie of the browser outlives its storage.
        let sender = Sender { device, browser: browser.map(|of| Uuid::from_u128(100 + of as u128)), origin: None };
        let context = Context {
            schema: &self.schema,
            schema_min: 1,
            user: user_row,
            directory: &self.directory,
            now: Millis(now),
            sender: &sender,
            hooks: true,
        };
        let mut applied = Vec::new();
        let answer = match request {
            Request::Changes(asked) => self.json(user, now, db::read(&self.db, |tx| sync::feed::changes(tx, &context, asked))),
            Request::Snapshot(asked) => {
                // Worlds are small: so are the pages, that there are several.
                let asked = SnapshotRequest { limit: asked.limit.min(SNAPSHOT_LIMIT), ..asked.clone() };
                self.json(user, now, db::read(&self.db, |tx| sync::snapshot::snapshot(tx, &context, &asked)))
            }
            Request::Count(asked) => self.json(user, now, db::read(&self.db, |tx| sync::snapshot::counts(tx, &context, asked))),
            Request::Report(_) => self.problem(Some(user), now, Problem::new(ProblemCode::NotFound, "")),
            Request::Void(asked) => {
                let done = db::write(&self.db, |tx| sync::void::void(tx, &context, asked));
                if let Ok(result) = &done {
                    seen.answered(result);
                }
                self.json(user, now, done)
            }
            Request::Preview(asked) => {
                let mut chance = || random.bits();
                let done =
                    db::write_unless(&self.db, |_| End::Rollback, |tx| push_in(tx, &context, &mut chance, Apart::Groups, asked));
                self.json(user, now, done.map(|pushed| pushed.answer))
            }
            Request::Push(asked) => {
                let done = db::write(&self.db, |tx| push(tx, &context, random, asked, &mut applied));
                match &done {
                    Ok(answer) => {
                        answer.results.iter().for_each(|result| seen.answered(result));
                        if let Some(browser) = browser {
                            seen.losses = seen.accounted(user, browser, asked, answer);
                        }
                    }
                    Err(_) => applied.clear(),
                }
                self.json(user, now, done)
            }
        };
        (answer, applied)
    }

    fn json<T: Serialize>(&self, user: UserId, now: i64, done: Result<T, SyncError>) -> Http {
        match done {
            Ok(body) => {
                let envelope = Envelope { server_time: Millis(now), server_epoch: self.epoch, user: Some(user), body };
                Http { status: 200, retry_after: None, body: serde_json::to_vec(&envelope).expect("plain structs") }
            }
            Err(error) => self.problem(Some(user), now, error.problem()),
        }
    }

    /// A refusal of the whole request, in the server's own words.
    pub fn problem(&self, user: Option<UserId>, now: i64, problem: Problem) -> Http {
        let (status, retry_after) = (problem.status, problem.retry_after);
        let envelope = Envelope { server_time: Millis(now), server_epoch: self.epoch, user, body: problem };
        Http { status, retry_after, body: serde_json::to_vec(&envelope).expect("plain structs") }
    }

    /// What a server with another database under this address says.
    pub fn stranger(&self, user: UserId, now: i64) -> Http {
        let body = Problem::new(ProblemCode::CursorUnknown, "");
        let (status, server_epoch) = (body.status, Epoch::new(Millis(2), [9, 9]));
        let envelope = Envelope { server_time: Millis(now), server_epoch, user: Some(user), body };
        Http { status, retry_after: None, body: serde_json::to_vec(&envelope).expect("plain structs") }
    }

    pub fn refuse(&self, user: UserId, now: i64, code: ProblemCode, after: Option<u32>) -> Http {
        let mut problem = Problem::new(code, "");
        problem.retry_after = after;
        self.problem(Some(user), now, problem)
    }

    /// What a user would see with nothing unsent, by collection.
    pub fn truth(&self, user: UserId, collection: &str) -> Vec<Stored> {
        let owners = self.directory.owners_for(self.directory.user(user).expect("one of the three"));
        let of = db::Extent::of(collection, Some(&owners));
        let query = db::PageQuery { of, after: None, before: None, limit: usize::MAX };
        db::read(&self.db, |tx| tx.page(&query)).expect("the database is in memory")
    }

    pub fn record(&self, collection: &str, id: RecordId) -> Option<Stored> {
        db::read(&self.db, |tx| tx.record(collection, id)).expect("the database is in memory")
    }
}

fn chance(random: &mut Random) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&random.bits().to_le_bytes()));
    bytes
}

/// The shipped push, and the records that it touched before and after.
fn push(
    tx: &mut dyn Tx,
    context: &Context<'_>,
    random: &mut Random,
    asked: &PushRequest,
    applied: &mut PushSeen,
) -> Result<PushAnswer, SyncError> {
    let mut fresh = BTreeSet::new();
    for parcel in &asked.parcels {
        if tx.ledger(parcel.op_id)?.is_none() {
            fresh.insert(parcel.op_id);
        }
    }
    // One parcel at a time would be another push; what lies between two parcels of one request is what the later one meets.
    let mut now = Vec::new();
    for item in asked.parcels.iter().flat_map(|parcel| parcel.items.iter()) {
        now.push(((item.collection.clone(), item.id), tx.record(&item.collection, item.id)?));
    }
    let mut now: std::collections::BTreeMap<_, _> = now.into_iter().collect();
    let Pushed { answer, .. } = push_in(tx, context, &mut || random.bits(), Apart::Groups, asked)?;
    for (parcel, result) in asked.parcels.iter().zip(&answer.results) {
        let mut items = Vec::new();
        for item in parcel.items.iter() {
            let key = (item.collection.clone(), item.id);
            let before = now.get(&key).cloned().flatten();
            let after = tx.record(&item.collection, item.id)?;
            items.push((item.clone(), before, after.clone()));
            now.insert(key, after);
        }
        applied.push(Applied {
            parcel: parcel.clone(),
            outcome: result.outcome.clone(),
            is_fresh: fresh.contains(&parcel.op_id),
            items,
        });
    }
    Ok(answer)
}
