//! What becomes of a dead letter that a person decided about.

use sea_orm::sqlx::{self, Connection, Row, SqliteConnection, SqlitePool, query};
use segue_domain::Timestamp;
use segue_ports::bus::DeadLetter;

use super::stored;

/// Dead letters that one call lists, as the port says.
const LISTED: i64 = 1000;

/// What to do with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Back into its queue.
    Retry,
    /// Away.
    Drop,
}

/// Oldest first.
pub(crate) async fn list(reader: &SqlitePool, queue: &str) -> Result<Vec<DeadLetter>, sqlx::Error> {
    query(
        "SELECT d.number, d.id, d.topic, d.key, d.payload, d.traceparent, d.reason, d.failures \
         FROM dead_letters d JOIN queues q ON q.number = d.queue WHERE q.name = ? \
         ORDER BY d.number LIMIT ?",
    )
    .bind(queue)
    .bind(LISTED)
    .fetch_all(reader)
    .await?
    .iter()
    .map(|row| stored::dead_letter(queue, row))
    .collect()
}

/// One transaction; false when there is no such dead letter. A message that is retried waits for a time that has
/// come, because a dispatcher may have read past its number long ago.
pub(crate) async fn judge(
    db: &mut SqliteConnection,
    queue: i64,
    number: i64,
    verdict: Verdict,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let mut transaction = db.begin().await?;
    if verdict == Verdict::Retry {
        query(
            "INSERT INTO messages (queue, id, topic, key, payload, traceparent, state, at) \
             SELECT queue, id, topic, key, payload, traceparent, 1, ? FROM dead_letters \
             WHERE queue = ? AND number = ? \
             ON CONFLICT (queue, id) DO UPDATE SET state = 1, at = excluded.at, payload = excluded.payload, \
             traceparent = excluded.traceparent, failures = 0, deliveries = 0 WHERE state = 2",
        )
        .bind(now.millis())
        .bind(queue)
        .bind(number)
        .execute(&mut *transaction)
        .await?;
    }
    let deleted = query("DELETE FROM dead_letters WHERE queue = ? AND number = ? RETURNING number")
        .bind(queue)
        .bind(number)
        .fetch_optional(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(deleted.map(|row| row.try_get::<i64, _>(0)).transpose()?.is_some())
}
