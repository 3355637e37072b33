//! Facts from the tables, by polling, for databases that allow no replication.
//!
//! A row that is there is not published: rows are removed as soon as the bus confirmed them. Nothing else is
//! remembered, so a row that was committed late cannot be jumped over, as it would be by a cursor over a sequence
//! or a time. (A cursor over transaction numbers below the oldest running one skips nothing, but it needs a scan
//! of the whole table, and it breaks the order per subject: the later of two writers of a subject can have the
//! lower number.)
//!
//! The walk goes through the table by primary key, round and round. In it the facts of one subject stand in
//! order, and the row lock on the aggregate sees to it that none is committed before its predecessor.

use super::{
    primary::within,
    row::{self, Key},
};
use crate::{
    CdcConfig,
    fact::Fact,
    source::{BATCH, ChangeSource, SourceError},
};
use async_trait::async_trait;
use sea_orm::sqlx::{self, AssertSqlSafe, PgConnection};
use segue_store::Outbox;
use std::time::Duration;
use tokio::{sync::watch, time::timeout};

/// Names the lock of who is active: "seguecdc" in bytes.
const LOCK: i64 = i64::from_be_bytes(*b"seguecdc");

/// The tables, and the lock on them.
pub(crate) struct Polling {
    /// Holds the lock: it must not be exchanged for another connection.
    sql: PgConnection,
    walks: [Walk; 2],
    /// The walk that goes next.
    turn: usize,
    /// Where rows were handed over that are not confirmed.
    given: Option<Outbox>,
    keys: Vec<Key>,
    written: watch::Receiver<u64>,
    interval: Duration,
}

struct Walk {
    outbox: Outbox,
    after: Key,
}

impl Polling {
    /// Over a connection that [holds the lock](try_lock).
    pub(crate) fn new(sql: PgConnection, config: &CdcConfig, written: watch::Receiver<u64>) -> Self {
        Self {
            sql,
            walks: Outbox::ALL.map(|outbox| Walk { outbox, after: Key::first() }),
            turn: 0,
            given: None,
            keys: Vec::new(),
            written,
            interval: Duration::from_millis(config.poll_interval_ms),
        }
    }

    /// The next rows of a table; from its beginning when the end was reached.
    async fn page(&mut self, turn: usize) -> Result<Vec<(Key, Fact)>, SourceError> {
        let walk = &mut self.walks[turn];
        loop {
            let rows = row::page(&mut self.sql, walk.outbox, None, &walk.after, BATCH).await?;
            let at_beginning = walk.after == Key::first();
            walk.after = match rows.last() {
                Some((key, _)) if rows.len() == BATCH => key.clone(),
                _ => Key::first(),
            };
            if !rows.is_empty() || at_beginning {
                return Ok(rows);
            }
        }
    }
}

/// Takes the lock of who is active for the rest of the session, if it is free. A session that says nothing for
/// `silence` is ended by the server, and with it the lock: its process was cut off, or stopped, or waits for the bus,
/// and then has to take the lock again.
pub(crate) async fn try_lock(sql: &mut PgConnection, silence: Duration) -> Result<bool, SourceError> {
    let query = "SELECT pg_try_advisory_lock($1), set_config('idle_session_timeout', $2, false)";
    let silence = silence.as_millis().to_string();
    let (locked, _): (bool, String) =
        within(sqlx::query_as(query).bind(LOCK).bind(silence).fetch_one(sql)).await?;
    Ok(locked)
}

#[async_trait]
impl ChangeSource for Polling {
    async fn next(&mut self) -> Result<Vec<Fact>, SourceError> {
        self.written.mark_unchanged();
        for _ in 0..self.walks.len() {
            let turn = self.turn;
            self.turn = (turn + 1) % self.walks.len();
            let rows = self.page(turn).await?;
            if !rows.is_empty() {
                self.given = Some(self.walks[turn].outbox);
                let (keys, facts) = rows.into_iter().unzip();
                self.keys = keys;
                return Ok(facts);
            }
        }
        // Facts of this process wake it; the sender lives as long as the store.
        let _ = timeout(self.interval, self.written.changed()).await;
        Ok(Vec::new())
    }

    async fn confirm(&mut self) -> Result<(), SourceError> {
        let Some(outbox) = self.given.take() else { return Ok(()) };
        let keys = std::mem::take(&mut self.keys);
        let query = format!(
            "DELETE FROM {} WHERE (shard_key, subject, sequence) IN \
             (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]))",
            outbox.table()
        );
        let shard_keys: Vec<&str> = keys.iter().map(|key| key.shard_key.as_str()).collect();
        let subjects: Vec<&str> = keys.iter().map(|key| key.subject.as_str()).collect();
        let sequences: Vec<i64> = keys.iter().map(|key| key.sequence).collect();
        let removed = sqlx::query(AssertSqlSafe(query)).bind(shard_keys).bind(subjects).bind(sequences);
        within(removed.execute(&mut self.sql)).await.map(drop)
    }
}
