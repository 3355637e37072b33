//! One look at a server: what it is, and how far it has come.

use sea_orm::sqlx::{self, AssertSqlSafe, PgConnection, Row, postgres::PgConnectOptions};
use sqlx::{ConnectOptions, Connection};
use std::time::Duration;
use tokio::time::timeout;

/// How long a server may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// What a server says of itself. Positions are bytes of the write-ahead log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It takes writes. A later promotion has a higher timeline.
    Primary { timeline: u32, position: i64 },
    /// It follows a primary and has applied this much.
    Replica { position: i64 },
}

/// What came of a look.
#[derive(Debug)]
pub(super) enum Answer {
    Is(Role),
    /// Nothing in time: it may be busy, stopped, or cut off.
    Late,
    /// It refuses, or is not there.
    Gone(sqlx::Error),
}

/// The name of a log file begins with the timeline that it is written on, in hexadecimal.
const SQL: &str = "SELECT r AS replica, \
     CASE WHEN r THEN '0' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline, \
     coalesce(pg_wal_lsn_diff(CASE WHEN r THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, '0/0'), 0) \
       ::bigint AS position \
     FROM pg_is_in_recovery() AS r";

/// Asks over a connection that is kept for this, so that a full pool is not taken for a dead server.
pub(super) async fn look(link: &mut Option<PgConnection>, options: &PgConnectOptions) -> Answer {
    let asked = timeout(PATIENCE, async {
        if let Some(mut open) = link.take() {
            // A connection that broke says nothing about the server: it may have restarted.
            if let Ok(role) = ask(&mut open).await {
                return Ok((role, open));
            }
        }
        let mut open = options.connect().await?;
        Ok((ask(&mut open).await?, open))
    });
    match asked.await {
        Ok(Ok((role, open))) => {
            *link = Some(open);
            Answer::Is(role)
        }
        Ok(Err(error)) => Answer::Gone(error),
        Err(_) => Answer::Late,
    }
}

async fn ask(open: &mut PgConnection) -> Result<Role, sqlx::Error> {
    let row = sqlx::query(AssertSqlSafe(SQL)).fetch_one(open).await?;
    let position = row.try_get("position")?;
    if row.try_get("replica")? {
        return Ok(Role::Replica { position });
    }
    let timeline = u32::from_str_radix(row.try_get("timeline")?, 16);
    let timeline = timeline.map_err(|e| sqlx::Error::Protocol(format!("unreadable timeline: {e}")))?;
    Ok(Role::Primary { timeline, position })
}

/// Ends the connection that was kept.
pub(super) async fn hang_up(link: Option<PgConnection>) {
    if let Some(open) = link {
        let _ = timeout(PATIENCE, open.close()).await;
    }
}
