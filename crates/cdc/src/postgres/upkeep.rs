//! Beside a stream: the horizon is remembered, the lag is measured, old rows are removed.

use super::{primary::within, prune::prune, published};
use crate::{CdcConfig, Deps, progress::Progress, source::SourceError};
use sea_orm::sqlx::{self, PgConnection};
use segue_store::Outbox;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Between looks. What was published since the last remembered horizon comes again when a slot is lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between walks over the tables.
const PRUNE_EVERY: Duration = Duration::from_secs(600);

/// Looks after one database while its facts are carried.
pub(crate) struct Upkeep<'a> {
    pub(crate) sql: PgConnection,
    pub(crate) config: &'a CdcConfig,
    pub(crate) deps: &'a Deps,
    pub(crate) database: &'a str,
    pub(crate) progress: Arc<Progress>,
    pub(crate) horizon: i64,
}

/// What is to be remembered next.
#[derive(Default)]
struct Memory {
    /// A horizon that counts once the log is confirmed up to the position.
    candidate: Option<(i64, u64)>,
    /// How many facts were published when the goal was set, and the horizon that lies above all of them. An older
    /// transaction that still runs keeps the horizon below it, for as long as it does.
    goal: Option<(u64, i64)>,
    /// Facts that the remembered horizon covers.
    covered: Option<u64>,
}

impl Upkeep<'_> {
    /// Goes on until it fails: then the database is away, or the connection is. It must not go on over another
    /// connection beside the same stream, because that could lead to another server, with other positions.
    pub(crate) async fn run(mut self) -> SourceError {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut memory = Memory::default();
        let mut pruned: Option<Instant> = None;
        loop {
            looks.tick().await;
            let look = async {
                self.measure().await?;
                self.remember(&mut memory).await?;
                if self.horizon > 0 && pruned.is_none_or(|at| at.elapsed() >= PRUNE_EVERY) {
                    self.prune().await?;
                    pruned = Some(Instant::now());
                }
                Ok(())
            };
            if let Err(error) = look.await {
                return error;
            }
        }
    }

    /// At the start, and when facts were published since: remembering writes to the log, and must not feed itself.
    async fn remember(&mut self, memory: &mut Memory) -> Result<(), SourceError> {
        if let Some((horizon, position)) = memory.candidate {
            if self.progress.confirmed() < position {
                return Ok(());
            }
            if horizon > self.horizon {
                published::remember(&mut self.sql, &self.config.slot, horizon).await?;
                self.horizon = horizon;
            }
            memory.candidate = None;
            if let Some((published, _)) = memory.goal.take_if(|(_, above)| horizon >= *above) {
                memory.covered = Some(published);
            }
        }
        let published = self.progress.published();
        if memory.goal.is_some() || memory.covered != Some(published) {
            let (horizon, newest, position) = published::horizon(&mut self.sql).await?;
            memory.candidate = Some((horizon, position));
            memory.goal.get_or_insert((published, newest));
        }
        Ok(())
    }

    async fn measure(&mut self) -> Result<(), SourceError> {
        let query = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint, \
                     pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint \
                     FROM pg_replication_slots WHERE slot_name = $1";
        let lag: Option<(Option<i64>, Option<i64>)> =
            within(sqlx::query_as(query).bind(&self.config.slot).fetch_optional(&mut self.sql)).await?;
        let (confirmed, kept) = lag.unwrap_or_default();
        let database = self.database.to_owned();
        metrics::gauge!("segue_cdc_slot_lag_bytes", "database" => database.clone())
            .set(confirmed.unwrap_or(0) as f64);
        metrics::gauge!("segue_cdc_slot_kept_bytes", "database" => database).set(kept.unwrap_or(0) as f64);
        Ok(())
    }

    async fn prune(&mut self) -> Result<(), SourceError> {
        let before = self.deps.clock.now().minus(self.config.kept());
        for outbox in Outbox::ALL {
            let rows = match prune(&mut self.sql, outbox, self.horizon, before).await {
                // Failing to prune costs space, nothing else; it is tried again later.
                Err(SourceError::Sql(error @ sqlx::Error::Database(_))) => {
                    tracing::warn!(outbox = outbox.table(), %error, "old facts could not be removed");
                    continue;
                }
                pruned => pruned?,
            };
            metrics::counter!("segue_cdc_pruned_total", "outbox" => outbox.table()).increment(rows);
            if rows > 0 {
                tracing::info!(outbox = outbox.table(), rows, "old facts were removed");
            }
        }
        Ok(())
    }
}
