//! Refresh tokens: a lost answer signs nobody out, and a stolen token everybody of its family.

use fieldsync::core::record::Millis;
use fieldsync_server::auth::refresh::{REFRESH_MS_MAX, begin, end, use_token};
use fieldsync_server::db::{self, DbError, Role};
use uuid::Uuid;

use crate::common::{BUDI, START, user};

struct Session {
    db: fieldsync_server::db::memory::MemoryDb,
    next: u8,
}

impl Session {
    fn new() -> (Self, String) {
        let db = fieldsync_server::db::memory::MemoryDb::new(1);
        let token = db::write(&db, |tx| -> Result<_, DbError> {
            tx.put_user(&user(BUDI, "budi", Role::Rep, "Jakarta"))?;
            begin(tx, BUDI, START, [0; 32], Uuid::from_u128(1))
        });
        (Self { db, next: 0 }, token.unwrap())
    }

    fn use_at(&mut self, token: &str, now: Millis) -> Option<String> {
        self.next += 1;
        let used = db::write(&self.db, |tx| use_token(tx, token, now, [self.next; 32])).unwrap();
        used.map(|(user, successor)| {
            assert_eq!(user, BUDI);
            successor
        })
    }

    fn use_token(&mut self, token: &str) -> Option<String> {
        self.use_at(token, START)
    }
}

#[test]
fn a_token_lives_until_its_successor_is_used() {
    let (mut session, first) = Session::new();
    let _lost = session.use_token(&first).unwrap();
    let second = session.use_token(&first).unwrap();
    let third = session.use_token(&second).unwrap();
    // Now the first is dead; sending it again ends the session, for the thief and for the owner.
    assert_eq!(session.use_token(&first), None);
    assert_eq!(session.use_token(&third), None);
}

#[test]
fn the_successor_whose_answer_was_lost_dies_with_the_first_use_of_the_other() {
    let (mut session, first) = Session::new();
    let lost = session.use_token(&first).unwrap();
    let second = session.use_token(&first).unwrap();
    session.use_token(&second).unwrap();
    assert_eq!(session.use_token(&lost), None);
    assert_eq!(session.use_token(&second), None);
}

#[test]
fn a_token_is_taken_for_ninety_days_and_each_use_begins_them_anew() {
    let (mut session, first) = Session::new();
    let last_moment = START.plus(REFRESH_MS_MAX - 1);
    let second = session.use_at(&first, last_moment).unwrap();
    assert_eq!(session.use_at(&first, START.plus(REFRESH_MS_MAX)), None);
    assert!(session.use_at(&second, last_moment.plus(REFRESH_MS_MAX - 1)).is_some());
}

#[test]
fn a_dead_token_tells_of_a_theft_for_as_long_as_it_would_have_lived_and_is_forgotten_then() {
    let rows = |session: &Session| db::read(&session.db, |tx| tx.family(Uuid::from_u128(1))).unwrap().len();
    for (offline, is_told) in [(REFRESH_MS_MAX - 1, true), (REFRESH_MS_MAX, false)] {
        let (mut session, stolen) = Session::new();
        let other = db::write(&session.db, |tx| begin(tx, BUDI, START, [98; 32], Uuid::from_u128(3))).unwrap();
        // The thief refreshes every hour, and nothing grows beyond what is still of use.
        let (hour, mut newest) = (60 * 60 * 1_000, stolen.clone());
        for hours in 0..30 {
            newest = session.use_at(&newest, START.plus(hours * hour)).unwrap();
        }
        assert_eq!(rows(&session), 31);
        let now = START.plus(offline);
        newest = session.use_at(&newest, now).unwrap();
        // The first two tokens were given in the first minute.
        assert_eq!(rows(&session), if is_told { 32 } else { 30 });
        assert_eq!(session.use_at(&stolen, now), None);
        assert_eq!(session.use_at(&newest, now).is_none(), is_told);
        // A family that nobody used goes whole.
        assert_eq!(session.use_at(&other, now).is_some(), is_told);
    }
}

#[test]
fn signing_out_ends_the_family_and_no_other() {
    let (mut session, first) = Session::new();
    let other = db::write(&session.db, |tx| begin(tx, BUDI, START, [99; 32], Uuid::from_u128(2))).unwrap();
    let second = session.use_token(&first).unwrap();
    assert_eq!(db::write(&session.db, |tx| end(tx, &second)).unwrap(), Some(BUDI));
    assert_eq!((session.use_token(&first), session.use_token(&second)), (None, None));
    assert!(session.use_token(&other).is_some());
    assert_eq!(db::write(&session.db, |tx| end(tx, "nothing")).unwrap(), None);
}
