//! The file's format, and the steps from each version of it to the next. No table name is made anywhere else.

use rusqlite::Connection;

use super::{DbError, Result};

/// Step `n` leads from format `n` to `n + 1`. A step that was released is never changed.
const STEPS: [&str; 5] = [
    "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE teams (name TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE users (
        id BLOB PRIMARY KEY, username TEXT NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL,
        team TEXT REFERENCES teams(name), password_hash TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE refresh (
        hash BLOB PRIMARY KEY, family BLOB NOT NULL, user BLOB NOT NULL REFERENCES users(id), parent BLOB,
        expires_at INTEGER NOT NULL, used INTEGER NOT NULL, dead INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX refresh_family ON refresh(family);
    CREATE TABLE devices (
        user BLOB NOT NULL REFERENCES users(id), device BLOB NOT NULL, epoch BLOB NOT NULL,
        allocated_seq INTEGER NOT NULL, open TEXT NOT NULL, seen_at INTEGER NOT NULL,
        PRIMARY KEY (user, device, epoch)
    ) WITHOUT ROWID;

    CREATE TABLE commits (seq INTEGER PRIMARY KEY, tag INTEGER NOT NULL);
    CREATE TABLE records (
        collection TEXT NOT NULL, id BLOB NOT NULL, version INTEGER NOT NULL, seq INTEGER NOT NULL REFERENCES commits(seq),
        at INTEGER NOT NULL, by TEXT NOT NULL, changed TEXT NOT NULL, fields TEXT NOT NULL,
        owner BLOB REFERENCES users(id), parent BLOB, deleted INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX records_id ON records(collection, id);
    CREATE INDEX records_owner ON records(collection, owner, id) WHERE deleted = 0;
    CREATE INDEX records_of ON records(owner);
    CREATE INDEX records_seq ON records(seq);
    CREATE INDEX records_parent ON records(parent) WHERE parent IS NOT NULL;
    CREATE TABLE unique_values (
        collection TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, id BLOB NOT NULL,
        PRIMARY KEY (collection, field, value)
    ) WITHOUT ROWID;
    CREATE INDEX unique_values_id ON unique_values(collection, id);
    CREATE TABLE revoked (
        user BLOB NOT NULL REFERENCES users(id), collection TEXT NOT NULL, id BLOB NOT NULL,
        seq INTEGER NOT NULL REFERENCES commits(seq), version INTEGER NOT NULL, at INTEGER NOT NULL, by TEXT NOT NULL,
        PRIMARY KEY (user, collection, id)
    ) WITHOUT ROWID;
    CREATE INDEX revoked_seq ON revoked(user, seq);

    CREATE TABLE ledger (
        op_id BLOB PRIMARY KEY, user BLOB NOT NULL REFERENCES users(id), payload_hash BLOB, rows TEXT NOT NULL,
        outcome TEXT NOT NULL, at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE ledger_rows (row_id BLOB PRIMARY KEY, op_id BLOB NOT NULL REFERENCES ledger(op_id)) WITHOUT ROWID;
    CREATE TABLE field_history (
        collection TEXT NOT NULL, id BLOB NOT NULL, field TEXT NOT NULL, version INTEGER NOT NULL, seq INTEGER NOT NULL,
        at INTEGER NOT NULL, by TEXT NOT NULL, value TEXT NOT NULL, previous TEXT NOT NULL, set_aside INTEGER NOT NULL
    );
    CREATE INDEX field_history_record ON field_history(collection, id);
",
    "
    ALTER TABLE devices ADD COLUMN left_changes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE devices ADD COLUMN left_records INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE devices ADD COLUMN browser BLOB;
    ALTER TABLE devices ADD COLUMN origin TEXT;
    ALTER TABLE devices ADD COLUMN standing TEXT NOT NULL DEFAULT 'here';
    CREATE INDEX devices_browser ON devices(user, browser) WHERE browser IS NOT NULL;
",
    "
    CREATE INDEX refresh_expires ON refresh(expires_at);
    CREATE INDEX devices_seen ON devices(seen_at);
",
    // The fields of one change stand in one row, and so do those of `records.changed` that changed together: there both
    // spellings are read, as a program that reads the older alone does not open the file from here on.
    "
    CREATE TABLE history (
        collection TEXT NOT NULL, id BLOB NOT NULL, version INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
        by TEXT NOT NULL, fields TEXT NOT NULL
    );
    INSERT INTO history(collection, id, version, seq, at, by, fields)
        SELECT collection, id, version, seq, at, by, json_group_array(json_array(
            field, json(value), json(previous), json(iif(set_aside, 'true', 'false'))) ORDER BY rowid)
        FROM field_history GROUP BY collection, id, version, seq, at, by ORDER BY min(rowid);
    CREATE INDEX history_record ON history(collection, id);
    DROP TABLE field_history;
",
    "ALTER TABLE devices ADD COLUMN conflicts INTEGER NOT NULL DEFAULT 0;",
];

/// Brings the file to this program's format. Each step is a transaction of its own.
pub fn migrate(connection: &mut Connection, tag: u64) -> Result<()> {
    let have: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let newest = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if have > newest {
        return Err(DbError::Newer(have));
    }
    for (from, step) in (0i64..).zip(STEPS).filter(|(from, _)| *from >= have) {
        let tx = connection.transaction()?;
        tx.execute_batch(step)?;
        if from == 0 {
            // SQLite's integers are signed; the bits are what counts.
            tx.execute("INSERT INTO commits(seq, tag) VALUES (0, ?1)", [tag.cast_signed()])?;
        }
        tx.pragma_update(None, "user_version", from + 1)?;
        tx.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_of_an_older_file_is_read_in_its_order() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(STEPS[0]).unwrap();
        let rows = [
            ("b", 1, "1.50", "null", 0),
            ("a", 1, r#""é ""#, "null", 0),
            ("b", 2, "null", "1.50", 0),
            ("c", 2, "[{}]", "null", 1),
        ];
        for (field, version, value, previous, set_aside) in rows {
            let sql = "INSERT INTO field_history VALUES ('customers', zeroblob(16), ?1, ?2, ?2, 7, '{}', ?3, ?4, ?5)";
            connection.execute(sql, (field, version, value, previous, set_aside)).unwrap();
        }
        connection.pragma_update(None, "user_version", 1).unwrap();
        migrate(&mut connection, 7).unwrap();
        let mut statement = connection.prepare("SELECT version, fields FROM history ORDER BY rowid").unwrap();
        let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let found: Vec<(i64, String)> = found.collect::<rusqlite::Result<_>>().unwrap();
        let first = r#"[["b",1.50,null,false],["a","é ",null,false]]"#.to_owned();
        assert_eq!(found, [(1, first), (2, r#"[["b",null,1.50,false],["c",[{}],null,true]]"#.to_owned())]);
    }

    #[test]
    fn a_file_of_the_first_format_keeps_its_rows() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(STEPS[0]).unwrap();
        connection
            .execute_batch(
                "INSERT INTO users(id, username, name, role, password_hash) VALUES (zeroblob(16), 'a', 'A', 'rep', '');
             INSERT INTO devices(user, device, epoch, allocated_seq, open, seen_at)
             VALUES (zeroblob(16), zeroblob(16), zeroblob(16), 3, '[[2,3]]', 5);
             PRAGMA user_version = 1;",
            )
            .unwrap();
        migrate(&mut connection, 7).unwrap();
        let row: (i64, i64, String, i64) = connection
            .query_row("SELECT allocated_seq, left_changes, standing, conflicts FROM devices", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .unwrap();
        assert_eq!(row, (3, 0, "here".to_owned(), 0));
        migrate(&mut connection, 7).unwrap();
    }
}
