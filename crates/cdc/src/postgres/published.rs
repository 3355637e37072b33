//! What replication published, in terms that outlive the slot.
//!
//! A slot knows the position in the log up to which everything is published, but it can be lost, and rows do not
//! say at which position they were committed. They do say which transaction wrote them (`xmin`). So the relay
//! pairs the two now and then: it reads the oldest transaction that still runs (the horizon), then the end of
//! the log. Every transaction below the horizon had ended before, so its commit lies before that end of the log;
//! once the log is confirmed up to there, all rows below the horizon are published. That horizon is remembered.
//!
//! The table is in the same database, so a server that was promoted, or restored to a point in time, has a
//! horizon that fits its transactions: both come from the same beginning of the log. A copy by dump and restore
//! numbers transactions anew; it is told apart by the system identifier, and then nothing counts as published.

use super::primary::within;
use crate::source::SourceError;
use sea_orm::sqlx::{self, PgConnection};

/// A condition of SQL: the row was written by a transaction at or above the horizon `$1`, so that it may not be
/// published yet. Never false for a row that is above.
///
/// `xmin` has 32 bits of the number. The number is at most the newest one of the same snapshot, so the largest
/// such number with these bits is at or above the true one.
pub(crate) const ABOVE_HORIZON: &str = "(newest - ((newest - xmin::text::bigint) & 4294967295)) >= $1";

/// A table expression that gives [`ABOVE_HORIZON`] its `newest`.
pub(crate) const NEWEST: &str =
    "(SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1 AS newest) AS numbers";

/// The remembered row of one slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Published {
    /// Timeline of the server on which the slot was read last; 0 when it is not known.
    pub(crate) timeline: i64,
    /// Rows of transactions below are published.
    pub(crate) horizon: i64,
    /// The slot may have skipped facts: those above the horizon must be looked for in the tables.
    pub(crate) gap: bool,
}

/// What is remembered of a slot on this system; `None` when nothing is.
pub(crate) async fn load(
    sql: &mut PgConnection,
    slot: &str,
    system: &str,
) -> Result<Option<Published>, SourceError> {
    let query = "SELECT timeline, horizon, gap FROM relay_published WHERE slot = $1 AND system_id = $2";
    let row: Option<(i64, i64, bool)> =
        within(sqlx::query_as(query).bind(slot).bind(system).fetch_optional(sql)).await?;
    Ok(row.map(|(timeline, horizon, gap)| Published { timeline, horizon, gap }))
}

/// Writes down that the slot may have skipped facts, before anything is done that makes it look whole. Repeating
/// it changes nothing.
pub(crate) async fn suspect(sql: &mut PgConnection, slot: &str, system: &str) -> Result<(), SourceError> {
    let query = "INSERT INTO relay_published AS old (slot, system_id, timeline, horizon, gap) \
                 VALUES ($1, $2, 0, 0, true) ON CONFLICT (slot) DO UPDATE SET gap = true, \
                 system_id = excluded.system_id, \
                 horizon = CASE WHEN old.system_id = excluded.system_id THEN old.horizon ELSE 0 END";
    within(sqlx::query(query).bind(slot).bind(system).execute(sql)).await?;
    Ok(())
}

/// The gap was closed on this timeline.
pub(crate) async fn closed(sql: &mut PgConnection, slot: &str, timeline: i64) -> Result<(), SourceError> {
    let query = "UPDATE relay_published SET gap = false, timeline = $2 WHERE slot = $1";
    within(sqlx::query(query).bind(slot).bind(timeline).execute(sql)).await?;
    Ok(())
}

/// Raises the horizon.
pub(crate) async fn remember(sql: &mut PgConnection, slot: &str, horizon: i64) -> Result<(), SourceError> {
    let query = "UPDATE relay_published SET horizon = $2 WHERE slot = $1 AND horizon < $2";
    within(sqlx::query(query).bind(slot).bind(horizon).execute(sql)).await?;
    Ok(())
}

/// The horizon of now; a number that is above every transaction that is visible now; and a position of the log before
/// which all transactions below the horizon were committed.
pub(crate) async fn horizon(sql: &mut PgConnection) -> Result<(i64, i64, u64), SourceError> {
    // The snapshot of a statement is taken before its functions are called: the end of the log is read later.
    let query = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, \
                 pg_snapshot_xmax(pg_current_snapshot())::text::bigint, \
                 (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint";
    let (horizon, newest, position): (i64, i64, i64) = within(sqlx::query_as(query).fetch_one(sql)).await?;
    Ok((horizon, newest, position.cast_unsigned()))
}
