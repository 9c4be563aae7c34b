//! Users, sessions, devices and the server's settings in SQLite.

use fieldsync::core::protocol::Unsent;
use fieldsync::core::record::{DeviceId, Epoch, Millis, UserId};
use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::rows::{DeviceRow, RefreshRow, Role, Standing, User};
use super::sqlite::SqliteTx;
use super::sqlite_records::{count, id, json, number, parse};
use super::{DbError, People, Result};

const REFRESH_COLUMNS: &str = "hash, family, user, parent, expires_at, used, dead";

fn refresh_row(row: &Row<'_>) -> rusqlite::Result<RefreshRow> {
    Ok(RefreshRow {
        hash: row.get(0)?,
        family: id(row, 1)?,
        user: UserId(id(row, 2)?),
        parent: row.get(3)?,
        expires_at: Millis(row.get(4)?),
        used: row.get(5)?,
        dead: row.get(6)?,
    })
}

const DEVICE_COLUMNS: &str = "user, device, epoch, allocated_seq, open, left_changes, left_records, browser, origin, standing, seen_at, \
     conflicts";

fn device_row(row: &Row<'_>) -> rusqlite::Result<DeviceRow> {
    let standing: String = row.get(9)?;
    let unknown = || rusqlite::Error::InvalidColumnType(9, standing.clone(), rusqlite::types::Type::Text);
    Ok(DeviceRow {
        user: UserId(id(row, 0)?),
        device: DeviceId(id(row, 1)?),
        epoch: Epoch(id(row, 2)?),
        allocated_seq: count(row, 3)?,
        open: parse(row, 4)?,
        left: Unsent { changes: count(row, 5)?, records: count(row, 6)? },
        browser: row.get::<_, Option<[u8; 16]>>(7)?.map(Uuid::from_bytes),
        origin: row.get(8)?,
        standing: Standing::parse(&standing).ok_or_else(unknown)?,
        seen_at: Millis(row.get(10)?),
        conflicts: count(row, 11)?,
    })
}

impl People for SqliteTx<'_> {
    fn users(&mut self) -> Result<Vec<User>> {
        let sql = "SELECT id, username, name, role, team, password_hash FROM users ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([])?;
        let mut users = Vec::new();
        while let Some(row) = rows.next()? {
            let role: String = row.get(3)?;
            users.push(User {
                id: UserId(id(row, 0)?),
                username: row.get(1)?,
                name: row.get(2)?,
                role: Role::parse(&role).ok_or_else(|| DbError::Corrupt(format!("the role {role}")))?,
                team: row.get(4)?,
                password_hash: row.get(5)?,
            });
        }
        Ok(users)
    }

    fn put_user(&mut self, user: &User) -> Result<()> {
        if let Some(team) = &user.team {
            self.connection.prepare_cached("INSERT OR IGNORE INTO teams(name) VALUES (?1)")?.execute([team])?;
        }
        let sql = "INSERT INTO users(id, username, name, role, team, password_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT(id) DO UPDATE SET username = ?2, name = ?3, role = ?4, team = ?5, password_hash = ?6";
        self.connection.prepare_cached(sql)?.execute(params![
            user.id.0.as_bytes(),
            user.username,
            user.name,
            user.role.name(),
            user.team,
            user.password_hash,
        ])?;
        Ok(())
    }

    fn refresh(&mut self, hash: &[u8; 32]) -> Result<Option<RefreshRow>> {
        let sql = format!("SELECT {REFRESH_COLUMNS} FROM refresh WHERE hash = ?1");
        Ok(self.connection.prepare_cached(&sql)?.query_row([hash], refresh_row).optional()?)
    }

    fn put_refresh(&mut self, row: &RefreshRow) -> Result<()> {
        let sql = format!("INSERT OR REPLACE INTO refresh({REFRESH_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
        self.connection.prepare_cached(&sql)?.execute(params![
            row.hash,
            row.family.as_bytes(),
            row.user.0.as_bytes(),
            row.parent,
            row.expires_at.0,
            row.used,
            row.dead,
        ])?;
        Ok(())
    }

    fn family(&mut self, family: Uuid) -> Result<Vec<RefreshRow>> {
        let sql = format!("SELECT {REFRESH_COLUMNS} FROM refresh WHERE family = ?1 ORDER BY hash");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([family.as_bytes()], refresh_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn drop_family(&mut self, family: Uuid) -> Result<()> {
        self.connection.prepare_cached("DELETE FROM refresh WHERE family = ?1")?.execute([family.as_bytes()])?;
        Ok(())
    }

    fn drop_expired_refresh(&mut self, now: Millis) -> Result<()> {
        self.connection.prepare_cached("DELETE FROM refresh WHERE expires_at <= ?1")?.execute([now.0])?;
        Ok(())
    }

    fn device(&mut self, user: UserId, device: DeviceId, epoch: Epoch) -> Result<Option<DeviceRow>> {
        let sql = format!("SELECT {DEVICE_COLUMNS} FROM devices WHERE user = ?1 AND device = ?2 AND epoch = ?3");
        let key = params![user.0.as_bytes(), device.0.as_bytes(), epoch.0.as_bytes()];
        Ok(self.connection.prepare_cached(&sql)?.query_row(key, device_row).optional()?)
    }

    fn devices(&mut self, user: UserId, browser: Uuid) -> Result<Vec<DeviceRow>> {
        let sql = format!("SELECT {DEVICE_COLUMNS} FROM devices WHERE user = ?1 AND browser = ?2 ORDER BY device, epoch");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map([user.0.as_bytes(), browser.as_bytes()], device_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn put_device(&mut self, row: &DeviceRow) -> Result<()> {
        let sql = format!(
            "INSERT OR REPLACE INTO devices({DEVICE_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        );
        self.connection.prepare_cached(&sql)?.execute(params![
            row.user.0.as_bytes(),
            row.device.0.as_bytes(),
            row.epoch.0.as_bytes(),
            number(row.allocated_seq),
            json(&row.open)?,
            number(row.left.changes),
            number(row.left.records),
            row.browser.map(Uuid::into_bytes),
            row.origin,
            row.standing.name(),
            row.seen_at.0,
            number(row.conflicts),
        ])?;
        Ok(())
    }

    fn drop_devices(&mut self, until: Millis) -> Result<()> {
        self.connection.prepare_cached("DELETE FROM devices WHERE seen_at <= ?1")?.execute([until.0])?;
        Ok(())
    }

    fn meta(&mut self, name: &str) -> Result<Option<String>> {
        let sql = "SELECT value FROM meta WHERE name = ?1";
        Ok(self.connection.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?)
    }

    fn put_meta(&mut self, name: &str, value: &str) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO meta(name, value) VALUES (?1, ?2)";
        self.connection.prepare_cached(sql)?.execute([name, value])?;
        Ok(())
    }
}
