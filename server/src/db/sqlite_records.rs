//! Records in SQLite. Ids are blobs of 16 bytes, which sort as the ids do; what is only passed on is JSON.

use fieldsync::core::record::{Millis, RecordId, Seq, UserId, Version};
use rusqlite::{OptionalExtension, Row, ToSql, params, params_from_iter};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::rows::{Extent, PageQuery, Stored};
use super::sqlite::SqliteTx;
use super::{DbError, Records, Result};

/// The columns that [`stored`] reads, as a text that others are made of.
macro_rules! columns {
    () => {
        "collection, id, version, seq, at, by, changed, fields, owner, parent, deleted"
    };
}

/// The columns that [`stored`] reads.
pub(super) const COLUMNS: &str = columns!();
const RECORD: &str = concat!("SELECT ", columns!(), " FROM records WHERE collection = ?1 AND id = ?2");
/// A change that leaves the record with whom it was, as most do: the indexes of who sees it are not touched.
const CHANGE: &str = "UPDATE records SET version = ?3, seq = ?4, at = ?5, by = ?6, changed = ?7, fields = ?8
     WHERE collection = ?1 AND id = ?2 AND +owner IS ?9 AND +parent IS ?10 AND +deleted = ?11";
const PUT: &str = concat!(
    "INSERT INTO records(",
    columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
     ON CONFLICT(collection, id) DO UPDATE SET version = ?3, seq = ?4, at = ?5, by = ?6, changed = ?7, fields = ?8,
     owner = ?9, parent = ?10, deleted = ?11"
);

/// JSON for a column.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| DbError::Corrupt(error.to_string()))
}

/// A column's JSON.
pub(super) fn parse<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error)))
}

/// A column's id.
pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get::<_, [u8; 16]>(column).map(Uuid::from_bytes)
}

/// A number for a column: SQLite's integers are signed, and no counter here comes near the difference.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A column's number.
pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|value| u64::try_from(value).unwrap_or(0))
}

pub(super) fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        collection: row.get(0)?,
        id: RecordId(id(row, 1)?),
        version: Version(count(row, 2)?),
        seq: Seq(count(row, 3)?),
        at: Millis(row.get(4)?),
        by: parse(row, 5)?,
        changed: parse(row, 6)?,
        fields: parse(row, 7)?,
        owner: row.get::<_, Option<[u8; 16]>>(8)?.map(|bytes| UserId(Uuid::from_bytes(bytes))),
        parent: row.get::<_, Option<[u8; 16]>>(9)?.map(|bytes| RecordId(Uuid::from_bytes(bytes))),
        deleted: row.get(10)?,
    })
}

impl SqliteTx<'_> {
    /// The rows of a query that selects [`COLUMNS`].
    pub(super) fn stored_rows(&self, sql: &str, parameters: &[&dyn ToSql]) -> Result<Vec<Stored>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(parameters, stored)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl SqliteTx<'_> {
    /// Two sums over live records.
    fn total(&self, what: &str, of: &Extent<'_>) -> Result<(u64, u64)> {
        let whose = of.owners.map(|owners| format!("AND owner IN ({})", owner_list(owners))).unwrap_or_default();
        let dated = if of.since.is_some() { SINCE } else { "" };
        let sql = format!("SELECT {what} FROM records WHERE collection = ? AND deleted = 0 {whose} {dated}");
        let ids: Vec<&[u8; 16]> = of.owners.unwrap_or_default().iter().map(|id| id.0.as_bytes()).collect();
        let since = of.since.map(|(name, since)| (json_path(name), since.0));
        let mut parameters: Vec<&dyn ToSql> = vec![&of.collection];
        parameters.extend(ids.iter().map(|id| id as &dyn ToSql));
        parameters.extend(since.iter().flat_map(|(path, since)| [path as &dyn ToSql, path, since]));
        let totals = |row: &Row<'_>| Ok((count(row, 0)?, count(row, 1)?));
        Ok(self.connection.prepare_cached(&sql)?.query_row(params_from_iter(parameters), totals)?)
    }
}

/// Of records whose date is this or later, or that have none.
const SINCE: &str = "AND (json_extract(fields, ?) IS NULL OR json_extract(fields, ?) >= ?)";

/// The field of this name, as SQLite finds it in JSON.
fn json_path(name: &str) -> String {
    format!("$.\"{name}\"")
}

/// `?,?,?`, and the ids for it.
pub(super) fn owner_list(owners: &[UserId]) -> String {
    vec!["?"; owners.len()].join(",")
}

/// Where a range of ids begins and ends, when it says nothing.
const FIRST: [u8; 16] = [0; 16];
const LAST: [u8; 16] = [0xff; 16];

impl Records for SqliteTx<'_> {
    fn record(&mut self, collection: &str, id: RecordId) -> Result<Option<Stored>> {
        Ok(self.statement(RECORD)?.query_row(params![collection, id.0.as_bytes()], stored).optional()?)
    }

    fn put_record(&mut self, record: &Stored) -> Result<()> {
        let by = self.author(&record.by)?;
        let (changed, fields) = (json(&record.changed)?, json(&record.fields)?);
        let owner = record.owner.as_ref().map(|owner| owner.0.as_bytes());
        let parent = record.parent.as_ref().map(|parent| parent.0.as_bytes());
        let row = params![
            record.collection,
            record.id.0.as_bytes(),
            number(record.version.0),
            number(record.seq.0),
            record.at.0,
            by,
            changed,
            fields,
            owner,
            parent,
            record.deleted,
        ];
        // A first version has no row yet.
        if record.version.0 > 1 && self.statement(CHANGE)?.execute(row)? == 1 {
            return Ok(());
        }
        self.statement(PUT)?.execute(row)?;
        Ok(())
    }

    fn children(&mut self, parent: RecordId) -> Result<Vec<Stored>> {
        let sql = format!("SELECT {COLUMNS} FROM records WHERE parent = ?1 ORDER BY collection, id");
        self.stored_rows(&sql, &[parent.0.as_bytes()])
    }

    fn owned(&mut self, owner: UserId) -> Result<Vec<Stored>> {
        let sql = format!("SELECT {COLUMNS} FROM records WHERE owner = ?1 ORDER BY collection, id");
        self.stored_rows(&sql, &[owner.0.as_bytes()])
    }

    fn page(&mut self, query: &PageQuery<'_>) -> Result<Vec<Stored>> {
        // One owner: the index has their records in order. Several: walk the ids and look at each owner (the plus keeps
        // SQLite from sorting the whole collection), which pages in the order of what it answers.
        let PageQuery { of, .. } = *query;
        let whose = match of.owners {
            None => String::new(),
            Some([_]) => "AND owner = ?".to_owned(),
            Some(owners) => format!("AND +owner IN ({})", owner_list(owners)),
        };
        let dated = if of.since.is_some() { SINCE } else { "" };
        let from = if query.after.is_some() { ">" } else { ">=" };
        let to = if query.before.is_some() { "<" } else { "<=" };
        let sql = format!(
            "SELECT {COLUMNS} FROM records
             WHERE collection = ? AND id {from} ? AND id {to} ? AND deleted = 0 {whose} {dated} ORDER BY id LIMIT ?"
        );
        let after = query.after.map_or(FIRST, |id| *id.0.as_bytes());
        let before = query.before.map_or(LAST, |id| *id.0.as_bytes());
        let owners: Vec<&[u8; 16]> = of.owners.unwrap_or_default().iter().map(|owner| owner.0.as_bytes()).collect();
        let (limit, since) = (number(query.limit as u64), of.since.map(|(name, since)| (json_path(name), since.0)));
        let mut parameters: Vec<&dyn ToSql> = vec![&of.collection, &after, &before];
        parameters.extend(owners.iter().map(|owner| owner as &dyn ToSql));
        parameters.extend(since.iter().flat_map(|(path, since)| [path as &dyn ToSql, path, since]));
        parameters.push(&limit);
        self.stored_rows(&sql, &parameters)
    }

    fn count(&mut self, of: &Extent<'_>) -> Result<u64> {
        Ok(self.total("count(*), 0", of)?.0)
    }

    fn weigh(&mut self, of: &Extent<'_>) -> Result<(u64, u64)> {
        self.total("count(*), coalesce(sum(length(CAST(fields AS BLOB))), 0)", of)
    }

    fn holder(&mut self, collection: &str, field: &str, value: &str) -> Result<Option<RecordId>> {
        let sql = "SELECT id FROM unique_values WHERE collection = ?1 AND field = ?2 AND value = ?3";
        let found = self.connection.prepare_cached(sql)?.query_row([collection, field, value], |row| id(row, 0)).optional()?;
        Ok(found.map(RecordId))
    }

    fn hold(&mut self, collection: &str, id: RecordId, values: &[(&str, &str)]) -> Result<()> {
        let sql = "DELETE FROM unique_values WHERE collection = ?1 AND id = ?2";
        self.connection.prepare_cached(sql)?.execute(params![collection, id.0.as_bytes()])?;
        for (field, value) in values {
            let sql = "INSERT INTO unique_values(collection, field, value, id) VALUES (?1, ?2, ?3, ?4)";
            self.connection.prepare_cached(sql)?.execute(params![collection, field, value, id.0.as_bytes()])?;
        }
        Ok(())
    }
}
