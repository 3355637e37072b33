//! Rows of an outbox table, and the key by which they are walked.

use super::primary::within;
use crate::{fact::Fact, source::SourceError};
use bytes::Bytes;
use sea_orm::sqlx::{self, AssertSqlSafe, PgConnection};
use segue_domain::Timestamp;
use segue_ports::bus::Message;
use segue_store::Outbox;

/// Primary key of a row. In its order, the facts of one subject stand in the order of their sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) shard_key: String,
    pub(crate) subject: String,
    pub(crate) sequence: i64,
}

impl Key {
    /// Before every row: sequences are not negative.
    pub(crate) fn first() -> Self {
        Self { sequence: -1, ..Self::default() }
    }
}

type Columns = (String, String, i64, String, String, Vec<u8>, Option<String>, i64);

/// At most `limit` rows behind a key, in its order; with a horizon only those of transactions at or above it.
pub(crate) async fn page(
    sql: &mut PgConnection,
    outbox: Outbox,
    horizon: Option<i64>,
    after: &Key,
    limit: usize,
) -> Result<Vec<(Key, Fact)>, SourceError> {
    let (numbers, condition) = match horizon {
        Some(_) => (format!(", {}", super::published::NEWEST), super::published::ABOVE_HORIZON),
        None => (String::new(), "$1::bigint IS NULL"),
    };
    let query = format!(
        "SELECT shard_key, subject, sequence, event_id, type, payload, traceparent, created_at \
         FROM {}{numbers} WHERE (shard_key, subject, sequence) > ($2, $3, $4) AND {condition} \
         ORDER BY shard_key, subject, sequence LIMIT $5",
        outbox.table()
    );
    let rows: Vec<Columns> = within(
        sqlx::query_as(AssertSqlSafe(query))
            .bind(horizon)
            .bind(&after.shard_key)
            .bind(&after.subject)
            .bind(after.sequence)
            .bind(limit as i64)
            .fetch_all(sql),
    )
    .await?;
    Ok(rows.into_iter().map(|row| read(outbox, row)).collect())
}

fn read(outbox: Outbox, row: Columns) -> (Key, Fact) {
    let (shard_key, subject, sequence, id, topic, payload, traceparent, created_at) = row;
    let message = Message { id, topic, key: subject.clone(), payload: Bytes::from(payload), traceparent };
    (Key { shard_key, subject, sequence }, Fact { outbox, created_at: Timestamp(created_at), message })
}
