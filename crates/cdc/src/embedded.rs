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
use tokio::{sync::watch, time::sleep};

/// Facts of this process wake the source; this is for those of another that shares the file.
const POLL: Duration = Duration::from_millis(500);
/// How long a published fact stays, for who wants to look.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Time between prunings.
const PRUNE_EVERY: Duration = Duration::from_secs(600);

/// One outbox table, by row id.
pub(crate) struct Embedded {
    table: OutboxTable,
    written: watch::Receiver<u64>,
    /// The last row that is known to be published.
    cursor: Option<i64>,
    /// The last row that was handed over.
    given: i64,
}

impl Embedded {
    pub(crate) fn new(db: DatabaseConnection, outbox: Outbox, written: watch::Receiver<u64>) -> Self {
        Self { table: OutboxTable { db, outbox }, written, cursor: None, given: 0 }
    }

    async fn measure(&self, cursor: i64, empty: bool) -> Result<(), DbErr> {
        let rows = if empty { 0 } else { self.table.newest().await? - cursor };
        metrics::gauge!("segue_cdc_lag_rows", "outbox" => self.table.outbox.table()).set(rows as f64);
        Ok(())
    }
}

#[async_trait]
impl ChangeSource for Embedded {
    async fn next(&mut self) -> Result<Vec<Fact>, SourceError> {
        self.written.mark_unchanged();
        let cursor = match self.cursor {
            Some(cursor) => cursor,
            None => *self.cursor.insert(self.table.cursor().await?),
        };
        let rows = self.table.after(cursor, BATCH as i64).await?;
        self.measure(cursor, rows.is_empty()).await?;
        match rows.last() {
            Some(last) => self.given = last.position,
            // The sender lives as long as the store.
            None => drop(tokio::time::timeout(POLL, self.written.changed()).await),
        }
        Ok(rows.into_iter().map(|row| row.fact).collect())
    }

    async fn confirm(&mut self) -> Result<(), SourceError> {
        self.table.set_cursor(self.given).await?;
        self.cursor = Some(self.given);
        Ok(())
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
