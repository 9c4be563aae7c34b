//! The ledger and the history of fields in SQLite.

use fieldsync::core::protocol::Outcome;
use fieldsync::core::record::{Millis, OpId, RecordId, RowId, Seq, UserId, Version};
use rusqlite::{OptionalExtension, params};

use super::rows::{HistoryRow, LedgerRow};
use super::sqlite::SqliteTx;
use super::sqlite_records::{count, id, json, number, parse};
use super::{Ledger, Result};

impl Ledger for SqliteTx<'_> {
    fn ledger(&mut self, op_id: OpId) -> Result<Option<LedgerRow>> {
        let sql = "SELECT user, payload_hash, rows, outcome, at FROM ledger WHERE op_id = ?1";
        let found = self.statement(sql)?.query_row([op_id.0.as_bytes()], |row| {
            Ok(LedgerRow {
                op_id,
                user: UserId(id(row, 0)?),
                payload_hash: row.get(1)?,
                rows: parse(row, 2)?,
                outcome: parse(row, 3)?,
                at: Millis(row.get(4)?),
            })
        });
        Ok(found.optional()?)
    }

    fn put_ledger(&mut self, row: &LedgerRow) -> Result<()> {
        let sql = "INSERT INTO ledger(op_id, user, payload_hash, rows, outcome, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.statement(sql)?.execute(params![
            row.op_id.0.as_bytes(),
            row.user.0.as_bytes(),
            row.payload_hash,
            json(&row.rows)?,
            json(&row.outcome)?,
            row.at.0,
        ])?;
        if matches!(row.outcome, Outcome::Applied { .. }) {
            let sql = "INSERT INTO ledger_rows(row_id, op_id) VALUES (?1, ?2)";
            let statement = self.statement(sql)?;
            for change in &row.rows {
                statement.execute(params![change.0.as_bytes(), row.op_id.0.as_bytes()])?;
            }
        }
        Ok(())
    }

    fn applied_rows(&mut self, rows: &[RowId]) -> Result<Vec<RowId>> {
        let statement = self.statement("SELECT 1 FROM ledger_rows WHERE row_id = ?1")?;
        let mut applied = Vec::new();
        for row in rows {
            if statement.exists([row.0.as_bytes()])? {
                applied.push(*row);
            }
        }
        Ok(applied)
    }

    fn add_history(&mut self, rows: &[HistoryRow]) -> Result<()> {
        let sql = "INSERT INTO field_history(collection, id, field, version, seq, at, by, value, previous, set_aside)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        for row in rows {
            let by = self.author(&row.by)?;
            self.statement(sql)?.execute(params![
                row.collection,
                row.id.0.as_bytes(),
                row.field,
                number(row.version.0),
                number(row.seq.0),
                row.at.0,
                by,
                json(&row.value)?,
                json(&row.previous)?,
                row.set_aside,
            ])?;
        }
        Ok(())
    }

    fn history(&mut self, collection: &str, record: RecordId) -> Result<Vec<HistoryRow>> {
        let sql = "SELECT field, version, seq, at, by, value, previous, set_aside FROM field_history
                   WHERE collection = ?1 AND id = ?2 ORDER BY rowid";
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![collection, record.0.as_bytes()], |row| {
            Ok(HistoryRow {
                collection: collection.to_owned(),
                id: record,
                field: row.get(0)?,
                version: Version(count(row, 1)?),
                seq: Seq(count(row, 2)?),
                at: Millis(row.get(3)?),
                by: parse(row, 4)?,
                value: parse(row, 5)?,
                previous: parse(row, 6)?,
                set_aside: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
