//! Demo data: a team in Jakarta with its customers, deals and visits, the same for the same seed.

mod words;

use fieldsync::core::record::{By, Fields, Millis, RecordId, UserId, Version, set};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::{Value, json};

use words::{
    CITIES, FIRST, FORMS, GOODS, HOURS, KINDS, NOTES, OUTCOMES, PEOPLE_FIRST, PEOPLE_LAST, SECOND, SEGMENTS, STAGES, STREETS,
    TAGS,
};

use crate::auth::password;
use crate::db::{Changes, Result, Role, Stored, Tx, User};

/// The setting that says that this is a demo database.
pub const META: &str = "demo";
/// Everybody's password, on a demo server only.
pub const PASSWORD: &str = "demo1234";
/// How many records of each collection.
pub const CUSTOMERS: usize = 1_200;
/// Deals.
pub const PIPELINES: usize = 700;
/// Visits, calls, meetings.
pub const ACTIVITIES: usize = 2_500;

const TEAM: &str = "Jakarta";
const SETTINGS_ID: &str = "01900000-0000-7000-8000-000000000001";
/// The same people on every demo server of a seed: only its database is another.
const PEOPLE_SINCE_MS: i64 = 1_577_836_800_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How far back the demo's story goes, in days.
const PAST_DAYS: i64 = 180;

/// Somebody who can sign in to a demo server.
pub struct Person {
    /// The name to sign in with.
    pub username: &'static str,
    name: &'static str,
    role: Role,
}

/// Who can sign in to a demo server, reps first.
#[must_use]
pub fn people() -> [Person; 3] {
    [
        Person { username: "budi", name: "Budi Santoso", role: Role::Rep },
        Person { username: "sari", name: "Sari Wulandari", role: Role::Rep },
        Person { username: "ahmad", name: "Ahmad Hidayat", role: Role::Manager },
    ]
}

/// Fills an empty database. Slow by the passwords alone, so they are hashed before: see [`password_hash`].
///
/// # Errors
/// The database's.
pub fn fill(tx: &mut dyn Tx, seed: u64, now: Millis, password_hash: &str) -> Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let users: Vec<User> = people().iter().map(|person| user(&mut random, person, password_hash)).collect();
    for user in &users {
        tx.put_user(user)?;
    }
    tx.put_meta(META, &seed.to_string())?;
    let mut maker = Maker { tx, random, now };
    let customers = maker.customers(&users[..2])?;
    let pipelines = maker.pipelines(&customers)?;
    maker.activities(&customers, &pipelines)?;
    maker.settings(&users[2])
}

/// The hash of the demo's password; each user has the same one.
///
/// # Errors
/// If the machine gives no random salt.
pub fn password_hash() -> std::result::Result<String, argon2::password_hash::Error> {
    password::hash(PASSWORD)
}

fn user(random: &mut ChaCha8Rng, person: &Person, password_hash: &str) -> User {
    User {
        id: UserId::new(Millis(PEOPLE_SINCE_MS), random.random()),
        username: person.username.to_owned(),
        name: person.name.to_owned(),
        role: person.role,
        team: Some(TEAM.to_owned()),
        password_hash: password_hash.to_owned(),
    }
}

/// A customer, as far as what belongs to it must know.
struct Customer {
    id: RecordId,
    owner: UserId,
    by: By,
    name: String,
}

struct Maker<'a> {
    tx: &'a mut dyn Tx,
    random: ChaCha8Rng,
    now: Millis,
}

impl Maker<'_> {
    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.random_range(0..of.len())]
    }

    fn past(&mut self) -> Millis {
        self.now.plus(-self.random.random_range(0..PAST_DAYS * DAY_MS))
    }

    /// A date some days from now.
    fn date(&mut self, days: std::ops::Range<i64>) -> String {
        date(self.now.plus(self.random.random_range(days) * DAY_MS))
    }

    fn put(&mut self, collection: &str, id: RecordId, at: Millis, by: &By, place: Place, fields: Fields) -> Result<()> {
        let seq = self.tx.commit(self.random.next_u64())?;
        if let Some(code) = fields.get("code").and_then(Value::as_str) {
            self.tx.hold(collection, id, &[("code", code)])?;
        }
        self.tx.put_record(&Stored {
            collection: collection.to_owned(),
            id,
            version: Version(1),
            seq,
            at,
            by: by.clone(),
            changed: Changes::default(),
            fields,
            owner: place.0,
            parent: place.1,
            deleted: false,
        })
    }

    /// When a shop is open: on weekdays, and on some Saturdays and Sundays.
    fn hours(&mut self) -> Value {
        let mut hours = Fields::new();
        for (days, chance) in [("mon_fri", 1.0), ("sat", 0.7), ("sun", 0.3)] {
            if self.random.random_bool(chance) {
                set(&mut hours, days, json!(self.one(&HOURS)));
            }
        }
        Value::Object(hours)
    }

    fn customers(&mut self, reps: &[User]) -> Result<Vec<Customer>> {
        let mut customers = Vec::with_capacity(CUSTOMERS);
        for number in 0..CUSTOMERS {
            let rep = &reps[number % reps.len()];
            let (form, first, second) = (self.one(&FORMS), self.one(&FIRST), self.one(&SECOND));
            let name = format!("{form} {first} {second}");
            let city = self.one(&CITIES);
            let contact = format!("{} {}", self.one(&PEOPLE_FIRST), self.one(&PEOPLE_LAST));
            let house = self.random.random_range(1..200);
            let fields = fields([
                ("code", json!(format!("JKT-{:04}", number + 1))),
                ("name", json!(name)),
                ("segment", json!(self.one(&SEGMENTS))),
                ("city", json!(city)),
                ("address", json!(format!("{} No. {house}, {city}", self.one(&STREETS)))),
                ("hours", if self.random.random_bool(0.6) { self.hours() } else { Value::Null }),
                ("phone", json!(format!("+628{}", self.random.random_range(1_100_000_000_u64..1_999_999_999)))),
                ("email", json!(format!("{}.{}{number}@toko.example", first.to_lowercase(), second.to_lowercase()))),
                ("contact", json!(contact)),
                ("owner", json!(rep.id)),
                ("tags", if self.random.random_bool(0.4) { json!([self.one(&TAGS)]) } else { Value::Null }),
                ("visits", json!(self.random.random_range(0..40))),
                ("last_visit", json!(self.past().0)),
                ("next_visit", json!(self.date(-3..30))),
                ("notes", if self.random.random_bool(0.2) { json!(self.one(&NOTES)) } else { Value::Null }),
            ]);
            let at = self.past();
            let id = RecordId::new(at, self.random.random());
            let by = by(rep);
            self.put("customers", id, at, &by, (Some(rep.id), None), fields)?;
            customers.push(Customer { id, owner: rep.id, by, name });
        }
        Ok(customers)
    }

    /// Deals: for each, the index of its customer.
    fn pipelines(&mut self, customers: &[Customer]) -> Result<Vec<(RecordId, usize)>> {
        let mut pipelines = Vec::with_capacity(PIPELINES);
        for number in 0..PIPELINES {
            let index = self.random.random_range(0..customers.len());
            let customer = &customers[index];
            let amount = self.random.random_range(5..800) * 500_000_i64;
            let fields = fields([
                ("customer", json!(customer.id)),
                ("title", json!(format!("{} – {}", self.one(&GOODS), customer.name))),
                ("stage", json!(STAGES[number % STAGES.len()])),
                ("value", json!({ "amount": amount, "currency": "IDR" })),
                ("probability", json!(self.random.random_range(0..=20) * 5)),
                ("close_date", json!(self.date(-30..90))),
                ("note", if self.random.random_bool(0.3) { json!(self.one(&NOTES)) } else { Value::Null }),
            ]);
            let at = self.past();
            let id = RecordId::new(at, self.random.random());
            self.put("pipelines", id, at, &customer.by, (Some(customer.owner), Some(customer.id)), fields)?;
            pipelines.push((id, index));
        }
        Ok(pipelines)
    }

    fn activities(&mut self, customers: &[Customer], pipelines: &[(RecordId, usize)]) -> Result<()> {
        for _ in 0..ACTIVITIES {
            let (pipeline, index) = if self.random.random_bool(0.5) {
                let (id, index) = self.one(pipelines);
                (json!(id), index)
            } else {
                (Value::Null, self.random.random_range(0..customers.len()))
            };
            let customer = &customers[index];
            let (kind, word) = self.one(&KINDS);
            let at = self.past();
            let fields = fields([
                ("customer", json!(customer.id)),
                ("pipeline", pipeline),
                ("kind", json!(kind)),
                ("subject", json!(format!("{word} – {}", customer.name))),
                ("at", json!(at.0)),
                ("note", json!(self.one(&NOTES))),
                ("outcome", json!(self.one(&OUTCOMES))),
            ]);
            let id = RecordId::new(at, self.random.random());
            self.put("activities", id, at, &customer.by, (Some(customer.owner), Some(customer.id)), fields)?;
        }
        Ok(())
    }

    fn settings(&mut self, manager: &User) -> Result<()> {
        let fields =
            fields([("company", json!("PT Contoh Distribusi")), ("currency", json!("IDR")), ("visits_per_week", json!(25))]);
        let id = RecordId(uuid::Uuid::parse_str(SETTINGS_ID).unwrap_or_default());
        self.put("settings", id, self.now, &by(manager), (None, None), fields)
    }
}

/// Owner and parent.
type Place = (Option<UserId>, Option<RecordId>);

fn by(user: &User) -> By {
    By { id: user.id, name: user.name.clone(), role: user.role.name().to_owned(), device: None }
}

fn fields<const N: usize>(parts: [(&str, Value); N]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in parts {
        set(&mut fields, name, value);
    }
    fields
}

/// `YYYY-MM-DD` of a time, in UTC: the proleptic Gregorian calendar, counted in eras of 400 years.
fn date(at: Millis) -> String {
    let days = at.0.div_euclid(DAY_MS) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{self, DbError, FeedQuery, memory::MemoryDb};
    use fieldsync::core::record::Seq;
    use fieldsync::core::rules::{Rule, check_record};
    use fieldsync::core::schema::Schema;

    fn made(seed: u64) -> Vec<Stored> {
        let db = MemoryDb::new(1);
        db::write(&db, |tx| fill(tx, seed, Millis(1_763_000_000_000), "hash")).unwrap();
        let collections = ["customers", "pipelines", "activities", "settings"].map(str::to_owned);
        db::read(&db, |tx| -> Result<_, DbError> {
            let owners: Vec<_> = tx.users()?.iter().map(|user| user.id).collect();
            let upto = tx.head()?;
            tx.feed(&FeedQuery { collections: &collections, owners: &owners, after: Seq(0), upto, limit: usize::MAX })
        })
        .unwrap()
    }

    #[test]
    fn demo_records_keep_the_rules_that_people_must_keep() {
        let schema = Schema::parse(crate::state::SCHEMA_JSON).unwrap();
        let records = made(1);
        assert_eq!(records.len(), CUSTOMERS + PIPELINES + ACTIVITIES + 1);
        for record in &records {
            let violations = check_record(schema.collection(&record.collection).unwrap(), &record.fields);
            assert!(violations.iter().all(|violation| violation.rule == Rule::ReadOnly), "{violations:?} {record:?}");
        }
        for stage in STAGES {
            assert!(records.iter().any(|record| record.fields.get("stage") == Some(&json!(stage))));
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_records() {
        assert_eq!(made(5), made(5));
        assert_ne!(made(5), made(6));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(Millis(0)), "1970-01-01");
        assert_eq!(date(Millis(951_782_400_000)), "2000-02-29");
        assert_eq!(date(Millis(1_798_675_200_000)), "2026-12-31");
    }
}
