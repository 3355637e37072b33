//! One outbox table in SQLite, and how far it was published.
//!
//! Row ids give the order. SQLite hands out the highest plus one, so a row id is never used again as long as
//! the newest row stays. SQLite does not promise that `VACUUM` keeps row ids, so nothing may run it on this file.

use crate::fact::Fact;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, QueryResult, Statement, Value};
use segue_domain::Timestamp;
use segue_ports::bus::Message;
use segue_store::Outbox;

/// Rows that one pruning statement looks at.
const PRUNED: i64 = 500;

/// A fact in the table.
pub(crate) struct Row {
    pub(crate) position: i64,
    pub(crate) fact: Fact,
}

impl Row {
    fn read(outbox: Outbox, row: &QueryResult) -> Result<Self, DbErr> {
        let message = Message {
            id: row.try_get("", "event_id")?,
            topic: row.try_get("", "type")?,
            key: row.try_get("", "subject")?,
            payload: row.try_get::<Vec<u8>>("", "payload")?.into(),
            traceparent: row.try_get("", "traceparent")?,
        };
        let created_at = Timestamp(row.try_get("", "created_at")?);
        Ok(Self { position: row.try_get("", "position")?, fact: Fact { outbox, created_at, message } })
    }
}

/// An outbox table of one database.
pub(crate) struct OutboxTable {
    pub(crate) db: DatabaseConnection,
    pub(crate) outbox: Outbox,
}

impl OutboxTable {
    /// Position of the last row that is known to be published; 0 before the first.
    pub(crate) async fn cursor(&self) -> Result<i64, DbErr> {
        let sql = "SELECT position FROM relay_cursor WHERE name = ?";
        let cursor: i64 = match self.one(sql, [self.outbox.table().into()]).await? {
            Some(row) => row.try_get("", "position")?,
            None => 0,
        };
        let newest = self.newest().await?;
        if cursor > newest {
            tracing::warn!(
                outbox = self.outbox.table(),
                cursor,
                newest,
                "outbox was numbered anew, all of it is published again"
            );
            return Ok(0);
        }
        Ok(cursor)
    }

    pub(crate) async fn set_cursor(&self, position: i64) -> Result<(), DbErr> {
        let sql = "INSERT INTO relay_cursor (name, position) VALUES (?, ?) \
                   ON CONFLICT (name) DO UPDATE SET position = excluded.position";
        self.db
            .execute_raw(self.statement(sql, [self.outbox.table().into(), position.into()]))
            .await
            .map(drop)
    }

    /// Rows behind the cursor, in the order of their commits.
    pub(crate) async fn after(&self, cursor: i64, limit: i64) -> Result<Vec<Row>, DbErr> {
        let sql = format!(
            "SELECT rowid AS position, event_id, type, subject, payload, traceparent, created_at FROM {} \
             WHERE rowid > ? ORDER BY rowid LIMIT ?",
            self.outbox.table()
        );
        let rows = self.db.query_all_raw(self.statement(sql, [cursor.into(), limit.into()])).await?;
        rows.iter().map(|row| Row::read(self.outbox, row)).collect()
    }

    /// Position of the newest row; 0 when there is none.
    pub(crate) async fn newest(&self) -> Result<i64, DbErr> {
        let sql = format!("SELECT coalesce(max(rowid), 0) AS position FROM {}", self.outbox.table());
        self.one(sql, []).await?.map_or(Ok(0), |row| row.try_get("", "position"))
    }

    /// Removes rows up to the cursor that were made before `before`, but never the newest row. Stops at the
    /// first row that is young. Returns how many went.
    pub(crate) async fn prune(&self, cursor: i64, before: Timestamp) -> Result<u64, DbErr> {
        let limit = cursor.min(self.newest().await? - 1);
        let select = format!(
            "SELECT rowid AS position, created_at FROM {} WHERE rowid <= ? ORDER BY rowid LIMIT ?",
            self.outbox.table()
        );
        let delete = format!("DELETE FROM {} WHERE rowid <= ?", self.outbox.table());
        let mut pruned = 0;
        loop {
            let statement = self.statement(select.as_str(), [limit.into(), PRUNED.into()]);
            let mut last = None;
            let mut old = 0;
            for row in self.db.query_all_raw(statement).await? {
                if row.try_get::<i64>("", "created_at")? >= before.millis() {
                    break;
                }
                last = Some(row.try_get::<i64>("", "position")?);
                old += 1;
            }
            let Some(last) = last else { return Ok(pruned) };
            let gone = self.db.execute_raw(self.statement(delete.as_str(), [last.into()])).await?;
            pruned += gone.rows_affected();
            if old < PRUNED {
                return Ok(pruned);
            }
        }
    }

    async fn one<const N: usize>(
        &self,
        sql: impl Into<String>,
        values: [Value; N],
    ) -> Result<Option<QueryResult>, DbErr> {
        self.db.query_one_raw(self.statement(sql, values)).await
    }

    fn statement<const N: usize>(&self, sql: impl Into<String>, values: [Value; N]) -> Statement {
        Statement::from_sql_and_values(self.db.get_database_backend(), sql, values)
    }
}
