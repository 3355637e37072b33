//! Removing rows that replication published.
//!
//! A row goes when it is old and its transaction lies below the remembered horizon: then it is published (see
//! `published.rs`), whatever clock its time came from. A row of a server that was down, or of a relay that was
//! behind, stays until then.

use super::{
    primary::within,
    published::{ABOVE_HORIZON, NEWEST},
    row::Key,
};
use crate::source::SourceError;
use sea_orm::sqlx::{self, AssertSqlSafe, PgConnection};
use segue_domain::Timestamp;
use segue_store::Outbox;

/// Rows that one statement looks at.
const LOOKED_AT: i64 = 500;

/// Walks the table by primary key, each statement a transaction of its own. Returns how many rows went.
pub(crate) async fn prune(
    sql: &mut PgConnection,
    outbox: Outbox,
    horizon: i64,
    before: Timestamp,
) -> Result<u64, SourceError> {
    let table = outbox.table();
    let query = format!(
        "WITH page AS (SELECT shard_key, subject, sequence, created_at < $2 AND NOT {ABOVE_HORIZON} AS old \
         FROM {table}, {NEWEST} WHERE (shard_key, subject, sequence) > ($3, $4, $5) \
         ORDER BY shard_key, subject, sequence LIMIT $6), \
         gone AS (DELETE FROM {table} AS row USING page WHERE page.old AND row.shard_key = page.shard_key AND \
         row.subject = page.subject AND row.sequence = page.sequence RETURNING 1) \
         SELECT shard_key, subject, sequence, (SELECT count(*) FROM gone) \
         FROM page ORDER BY shard_key DESC, subject DESC, sequence DESC LIMIT 1"
    );
    let mut after = Key::first();
    let mut removed = 0;
    loop {
        let page: Option<(String, String, i64, i64)> = within(
            sqlx::query_as(AssertSqlSafe(query.clone()))
                .bind(horizon)
                .bind(before.millis())
                .bind(&after.shard_key)
                .bind(&after.subject)
                .bind(after.sequence)
                .bind(LOOKED_AT)
                .fetch_optional(&mut *sql),
        )
        .await?;
        let Some((shard_key, subject, sequence, gone)) = page else { return Ok(removed) };
        removed += gone.cast_unsigned();
        after = Key { shard_key, subject, sequence };
    }
}
