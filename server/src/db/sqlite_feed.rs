//! The feed in SQLite. One writer at a time, so the next number is the newest plus one, and no lower one comes later.

use fieldsync::core::record::{Millis, RecordId, Seq, UserId, Version};
use rusqlite::{OptionalExtension, ToSql, params, params_from_iter};

use super::rows::{FeedQuery, Revoked, Stored};
use super::sqlite::SqliteTx;
use super::sqlite_records::{COLUMNS, count, id, json, number, owner_list, parse};
use super::{Feed, Result};

impl Feed for SqliteTx<'_> {
    fn head(&mut self) -> Result<Seq> {
        if let Some(head) = self.head {
            return Ok(head);
        }
        let sql = "SELECT coalesce(max(seq), 0) FROM commits";
        let head = Seq(self.connection.prepare_cached(sql)?.query_row([], |row| count(row, 0))?);
        self.head = Some(head);
        Ok(head)
    }

    fn tag(&mut self, seq: Seq) -> Result<Option<u64>> {
        let sql = "SELECT tag FROM commits WHERE seq = ?1";
        let tag: Option<i64> = self.connection.prepare_cached(sql)?.query_row([number(seq.0)], |row| row.get(0)).optional()?;
        Ok(tag.map(i64::cast_unsigned))
    }

    fn commit(&mut self, tag: u64) -> Result<Seq> {
        let seq = Seq(self.head()?.0 + 1);
        self.statement("INSERT INTO commits(seq, tag) VALUES (?1, ?2)")?.execute([number(seq.0), tag.cast_signed()])?;
        self.head = Some(seq);
        Ok(seq)
    }

    fn feed(&mut self, query: &FeedQuery<'_>) -> Result<Vec<Stored>> {
        let collections = vec!["?"; query.collections.len()].join(",");
        // The plus keeps SQLite on the index of the feed, whose order this is.
        let sql = format!(
            "SELECT {COLUMNS} FROM records WHERE seq > ? AND seq <= ? AND +collection IN ({collections})
             AND (+owner IS NULL OR +owner IN ({})) ORDER BY seq, collection, id LIMIT ?",
            owner_list(query.owners)
        );
        let (after, upto, limit) = (number(query.after.0), number(query.upto.0), number(query.limit as u64));
        let owners: Vec<&[u8; 16]> = query.owners.iter().map(|owner| owner.0.as_bytes()).collect();
        let mut parameters: Vec<&dyn ToSql> = vec![&after, &upto];
        parameters.extend(query.collections.iter().map(|name| name as &dyn ToSql));
        parameters.extend(owners.iter().map(|owner| owner as &dyn ToSql));
        parameters.push(&limit);
        self.stored_rows(&sql, &parameters)
    }

    fn revoked(&mut self, user: UserId, query: &FeedQuery<'_>) -> Result<Vec<Revoked>> {
        let collections = vec!["?"; query.collections.len()].join(",");
        let sql = format!(
            "SELECT collection, id, seq, version, at, by FROM revoked WHERE user = ? AND seq > ? AND seq <= ?
             AND +collection IN ({collections}) ORDER BY seq, collection, id LIMIT ?"
        );
        let (after, upto, limit) = (number(query.after.0), number(query.upto.0), number(query.limit as u64));
        let whose = user.0.as_bytes();
        let mut parameters: Vec<&dyn ToSql> = vec![&whose, &after, &upto];
        parameters.extend(query.collections.iter().map(|name| name as &dyn ToSql));
        parameters.push(&limit);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(parameters), |row| {
            Ok(Revoked {
                user,
                collection: row.get(0)?,
                id: RecordId(id(row, 1)?),
                seq: Seq(count(row, 2)?),
                version: Version(count(row, 3)?),
                at: Millis(row.get(4)?),
                by: parse(row, 5)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn put_revoked(&mut self, row: &Revoked) -> Result<()> {
        let sql =
            "INSERT OR REPLACE INTO revoked(user, collection, id, seq, version, at, by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.connection.prepare_cached(sql)?.execute(params![
            row.user.0.as_bytes(),
            row.collection,
            row.id.0.as_bytes(),
            number(row.seq.0),
            number(row.version.0),
            row.at.0,
            json(&row.by)?,
        ])?;
        Ok(())
    }

    fn clear_revoked(&mut self, user: UserId, collection: &str, id: RecordId) -> Result<()> {
        let sql = "DELETE FROM revoked WHERE user = ?1 AND collection = ?2 AND id = ?3";
        self.connection.prepare_cached(sql)?.execute(params![user.0.as_bytes(), collection, id.0.as_bytes()])?;
        Ok(())
    }
}
