//! The outbox tables of the embedded SQLite store, polled, and woken after each commit of this process.

mod outbox_table;

use crate::{
    fact::Fact,
    progress::Progress,
    source::{BATCH, ChangeSource, SourceError},
};
use async_trait::async_trait;
use outbox_table::OutboxTable;
use sea_orm::{DatabaseConnection, DbErr};
use segue_domain::Clock;
use segue_store::Outbox;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};

/// Facts of this process wake the source; this is for those of another that shares the file.
const POLL: Duration = Duration::from_millis(500);
/// How long a published fact stays, for who wants to look.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Time between prunings.
const PRUNE_EVERY: Duration = Duration::from_secs(600);
/// While facts come one after the other, how often it is written down which are published. Each time costs an fsync, for
/// which writers of the same file wait; what was published since comes once more after a crash, and the bus knows it.
const REMEMBER_EVERY: Duration = Duration::from_secs(1);
/// Least time from the beginning of one batch to that of the next: a stream of changes becomes few transactions of the bus
/// and of who hears of them, and one change alone is told at once.
const PACE: Duration = Duration::from_millis(20);
/// How long writing it down may take at the end.
const CLOSING: Duration = Duration::from_secs(2);

/// One outbox table, by row id.
pub(crate) struct Embedded {
    table: OutboxTable,
    written: watch::Receiver<u64>,
    /// The last row that is known to be published.
    cursor: Option<i64>,
    /// The last row that was handed over.
    given: i64,
    /// The cursor as it was last written down by this source, and when.
    remembered: (i64, Instant),
    /// When the next batch may begin.
    next: Instant,
}

impl Embedded {
    pub(crate) fn new(db: DatabaseConnection, outbox: Outbox, written: watch::Receiver<u64>) -> Self {
        let now = Instant::now();
        let table = OutboxTable { db, outbox };
        Self { table, written, cursor: None, given: 0, remembered: (-1, now), next: now }
    }

    async fn measure(&self, cursor: i64, found: usize) -> Result<(), DbErr> {
        let rows = if found < BATCH { found as i64 } else { self.table.newest().await? - cursor };
        metrics::gauge!("segue_cdc_lag_rows", "outbox" => self.table.outbox.table()).set(rows as f64);
        Ok(())
    }

    async fn remember_in_time(&mut self, cursor: i64) -> Result<(), DbErr> {
        if self.remembered.1.elapsed() < REMEMBER_EVERY { Ok(()) } else { self.remember(cursor).await }
    }

    async fn remember(&mut self, cursor: i64) -> Result<(), DbErr> {
        if self.remembered.0 != cursor {
            self.table.set_cursor(cursor).await?;
        }
        self.remembered = (cursor, Instant::now());
        Ok(())
    }
}

#[async_trait]
impl ChangeSource for Embedded {
    async fn next(&mut self) -> Result<Vec<Fact>, SourceError> {
        sleep_until(self.next).await;
        self.written.mark_unchanged();
        let cursor = match self.cursor {
            Some(cursor) => cursor,
            None => *self.cursor.insert(self.table.cursor().await?),
        };
        let rows = self.table.after(cursor, BATCH as i64).await?;
        self.measure(cursor, rows.len()).await?;
        match rows.last() {
            Some(last) => {
                self.given = last.position;
                // A full batch has others behind it.
                let pace = if rows.len() < BATCH { PACE } else { Duration::ZERO };
                self.next = Instant::now() + pace;
            }
            // The sender lives as long as the store.
            None if timeout(POLL, self.written.changed()).await.is_ok() => {
                self.remember_in_time(cursor).await?
            }
            None => self.remember(cursor).await?,
        }
        Ok(rows.into_iter().map(|row| row.fact).collect())
    }

    async fn confirm(&mut self) -> Result<(), SourceError> {
        self.cursor = Some(self.given);
        Ok(self.remember_in_time(self.given).await?)
    }

    async fn close(&mut self) {
        let Some(cursor) = self.cursor else { return };
        match timeout(CLOSING, self.remember(cursor)).await {
            Ok(Ok(())) => {}
            failed => tracing::warn!(?failed, "the last facts will be published once more"),
        }
    }
}

/// Removes old rows up to the cursor, for ever.
pub(crate) async fn prune(
    db: DatabaseConnection,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    progress: &Progress,
) {
    let table = OutboxTable { db, outbox };
    progress.begun().await;
    // By then it is written down what was published at the start.
    sleep(REMEMBER_EVERY + POLL).await;
    loop {
        let pruned = async { table.prune(table.cursor().await?, clock.now().minus(KEPT)).await };
        match pruned.await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(outbox = outbox.table(), rows, "old facts were removed"),
            // Failing to prune costs space, nothing else; it is tried again later.
            Err(error) => tracing::warn!(outbox = outbox.table(), %error, "old facts could not be removed"),
        }
        sleep(PRUNE_EVERY).await;
    }
}
