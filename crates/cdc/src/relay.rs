//! The loop: read, publish, remember.

use crate::{RelayError, migration::Migrator, outbox_table::OutboxTable};
use sea_orm::{DbBackend, DbErr};
use segue_domain::{Clock, Timestamp};
use segue_ports::bus::{Bus, BusError};
use segue_store::{Outbox, Store};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Rows that are published at once.
const BATCH: i64 = 256;
/// Facts of this process wake the relay; this is for those of another that shares the file.
const POLL: Duration = Duration::from_millis(500);
/// First wait after a failure; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// For how long the bus may be silent before a publish counts as failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a published fact stays, for who wants to look.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Time between prunings.
const PRUNE_EVERY: Duration = Duration::from_secs(600);

/// What the relay stands on.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The store, with its outbox tables made.
    pub store: Store,
    /// Where facts go.
    pub bus: Arc<dyn Bus>,
    /// For the age of rows.
    pub clock: Arc<dyn Clock>,
    /// Called with the name of a point that a crash must survive: `relay-before-publish`, and
    /// `relay-published` after the bus confirmed and before that is remembered.
    pub crash: fn(&'static str),
}

/// The change relay. One per store.
#[derive(Debug)]
pub struct Relay {
    deps: Deps,
}

#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error("outbox: {0}")]
    Store(#[from] DbErr),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error("bus did not confirm in time")]
    Silent,
}

impl Relay {
    /// A relay that does nothing yet.
    pub fn new(deps: Deps) -> Self {
        Self { deps }
    }

    /// Makes the relay's table and carries facts until `shutdown`; what is on its way then is finished first,
    /// for at most 10 s.
    ///
    /// # Errors
    /// Only at the start: the store is not the embedded one, or the table could not be made. Later failures of
    /// store or bus are logged and tried again, for ever.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RelayError> {
        if self.deps.store.backend() != DbBackend::Sqlite {
            return Err(RelayError::NotEmbedded);
        }
        self.deps.store.migrate::<Migrator>().await?;
        let [main, identity] = Outbox::ALL;
        tokio::join!(self.relay(main, &shutdown), self.relay(identity, &shutdown));
        Ok(())
    }

    async fn relay(&self, outbox: Outbox, shutdown: &CancellationToken) {
        let primaries = self.deps.store.primaries();
        let [db] = primaries[..] else { unreachable!("the embedded store is one database") };
        let table = OutboxTable { db, outbox };
        let mut written = self.deps.store.outbox_written();
        let mut cursor = None;
        let mut wait = FIRST_WAIT;
        let mut pruned: Option<Instant> = None;
        while !shutdown.is_cancelled() {
            written.mark_unchanged();
            let pause = match self.step(&table, &mut cursor).await {
                Ok(published) => {
                    wait = FIRST_WAIT;
                    if pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
                        pruned = Some(Instant::now());
                        self.prune(&table, cursor.unwrap_or(0)).await;
                    }
                    if published == BATCH { Duration::ZERO } else { POLL }
                }
                Err(error) => {
                    tracing::warn!(outbox = outbox.table(), %error, wait_ms = wait.as_millis() as u64, "relay waits");
                    metrics::counter!("segue_cdc_failures_total", "outbox" => outbox.table()).increment(1);
                    // What woke the relay up must not cut this wait short.
                    let pause = wait;
                    wait = (wait * 2).min(LONGEST_WAIT);
                    tokio::select! {
                        () = shutdown.cancelled() => return,
                        () = sleep(pause) => Duration::ZERO,
                    }
                }
            };
            if pause.is_zero() {
                continue;
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                changed = written.changed() => if changed.is_err() { return },
                () = sleep(pause) => {}
            }
        }
    }

    /// Publishes one batch; returns how many rows it had.
    async fn step(&self, table: &OutboxTable<'_>, cursor: &mut Option<i64>) -> Result<i64, StepError> {
        let position = match *cursor {
            Some(position) => position,
            None => *cursor.insert(table.cursor().await?),
        };
        let rows = table.after(position, BATCH).await?;
        self.measure(table, position, rows.first().map(|row| row.created_at)).await?;
        let (Some(last), count) = (rows.last().map(|row| row.position), rows.len()) else { return Ok(0) };
        let messages = rows.into_iter().map(|row| row.message).collect();
        (self.deps.crash)("relay-before-publish");
        timeout(PATIENCE, self.deps.bus.publish(messages)).await.map_err(|_| StepError::Silent)??;
        (self.deps.crash)("relay-published");
        table.set_cursor(last).await?;
        *cursor = Some(last);
        metrics::counter!("segue_cdc_published_total", "outbox" => table.outbox.table())
            .increment(count as u64);
        Ok(count as i64)
    }

    async fn measure(
        &self,
        table: &OutboxTable<'_>,
        cursor: i64,
        oldest: Option<Timestamp>,
    ) -> Result<(), StepError> {
        let (rows, age) = match oldest {
            Some(made) => (table.newest().await? - cursor, self.deps.clock.now().since(made)),
            None => (0, Duration::ZERO),
        };
        metrics::gauge!("segue_cdc_lag_rows", "outbox" => table.outbox.table()).set(rows as f64);
        metrics::gauge!("segue_cdc_lag_seconds", "outbox" => table.outbox.table()).set(age.as_secs_f64());
        Ok(())
    }

    /// Failing to prune costs space, nothing else; it is tried again later.
    async fn prune(&self, table: &OutboxTable<'_>, cursor: i64) {
        let outbox = table.outbox.table();
        match table.prune(cursor, self.deps.clock.now().minus(KEPT)).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(outbox, rows, "old facts were removed"),
            Err(error) => tracing::warn!(outbox, %error, "old facts could not be removed"),
        }
    }
}
