//! The ledger and the history of fields in SQLite.

use fieldsync::core::protocol::Outcome;
use fieldsync::core::record::{By, Millis, OpId, RecordId, RowId, Seq, UserId, Version};
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

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
        let sql = "INSERT INTO history(collection, id, version, seq, at, by, fields) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        for rows in rows.chunk_by(is_one_change) {
            let Some(first) = rows.first() else { continue };
            let fields: Vec<_> = rows.iter().map(|row| (&row.field, &row.value, &row.previous, row.set_aside)).collect();
            let by = self.author(&first.by)?;
            self.statement(sql)?.execute(params![
                first.collection,
                first.id.0.as_bytes(),
                number(first.version.0),
                number(first.seq.0),
                first.at.0,
                by,
                json(&fields)?,
            ])?;
        }
        Ok(())
    }

    fn history(&mut self, collection: &str, record: RecordId, since: Version) -> Result<Vec<HistoryRow>> {
        let sql = "SELECT version, seq, at, by, fields FROM history WHERE collection = ?1 AND id = ?2 AND version > ?3 \
                   ORDER BY rowid";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![collection, record.0.as_bytes(), number(since.0)])?;
        let mut history = Vec::new();
        while let Some(row) = rows.next()? {
            let (version, seq, at) = (Version(count(row, 0)?), Seq(count(row, 1)?), Millis(row.get(2)?));
            let by: By = parse(row, 3)?;
            let fields: Vec<(String, Value, Value, bool)> = parse(row, 4)?;
            history.extend(fields.into_iter().map(|(field, value, previous, set_aside)| HistoryRow {
                collection: collection.to_owned(),
                id: record,
                field,
                version,
                seq,
                at,
                by: by.clone(),
                value,
                previous,
                set_aside,
            }));
        }
        Ok(history)
    }
}

/// Whether two rows, one after the other, stand in one row of the table.
fn is_one_change(a: &HistoryRow, b: &HistoryRow) -> bool {
    (&a.collection, a.id, a.version, a.seq, a.at) == (&b.collection, b.id, b.version, b.seq, b.at) && a.by == b.by
}
