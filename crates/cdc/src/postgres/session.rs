//! One turn at a database: wait until no other relay is active, take the facts, carry them.

use super::{
    identity::identity,
    polling::{Polling, try_lock},
    primary::{connect, primary, within},
    provision::{prepare, replicates},
    published,
    replication::Replication,
    slot,
    upkeep::Upkeep,
};
use crate::{
    CdcConfig, Deps,
    carry::carry,
    database::Database,
    progress::Progress,
    source::{ChangeSource, SourceError},
};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// What a turn needs.
pub(crate) struct Session<'a> {
    pub(crate) database: &'a Database,
    pub(crate) config: &'a CdcConfig,
    pub(crate) deps: &'a Deps,
}

impl Session<'_> {
    /// Carries facts until `shutdown`.
    ///
    /// # Errors
    /// When the database fails, or another relay was faster.
    pub(crate) async fn run(&self, shutdown: &CancellationToken) -> Result<(), SourceError> {
        let progress = Arc::<Progress>::default();
        let opened = tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            opened = self.open(&progress) => opened?,
        };
        let (mut source, upkeep) = opened;
        let _active = Active::begin(self.database.name());
        let carried = tokio::select! {
            carried = carry(&mut *source, self.deps, &progress, shutdown) => carried,
            error = async {
                match upkeep {
                    Some(upkeep) => upkeep.run().await,
                    None => std::future::pending().await,
                }
            } => Err(error),
        };
        source.close().await;
        if let Err(SourceError::Stream(error)) = &carried
            && slot::has_no_log(error)
        {
            self.give_up_slot().await?;
        }
        carried
    }

    /// Drops a slot whose log is gone, which the server says only to who reads it: one that was copied to a replica before
    /// its promotion, and not kept up there. The next turn makes it anew, or waits for who does.
    async fn give_up_slot(&self) -> Result<(), SourceError> {
        let servers = self.database.servers().await?;
        let (_, mut sql) = primary(&servers, self.config.silence()).await?;
        let found = identity(&mut sql).await?;
        slot::give_up(&mut sql, &self.config.slot, &found.system).await
    }

    async fn open(
        &self,
        progress: &Arc<Progress>,
    ) -> Result<(Box<dyn ChangeSource>, Option<Upkeep<'_>>), SourceError> {
        let servers = self.database.servers().await?;
        let (server, mut sql) = primary(&servers, self.config.silence()).await?;
        if !replicates(&mut sql, server, self.config).await? {
            while !try_lock(&mut sql, self.config.silence()).await? {
                self.stand_by().await;
            }
            let written = self.deps.store.outbox_written();
            return Ok((Box::new(Polling::new(sql, self.config, written)), None));
        }
        let slot = &self.config.slot;
        while slot::find(&mut sql, slot).await?.is_some_and(|slot| slot.active) {
            self.stand_by().await;
        }
        let found = prepare(&mut sql, self.config).await?;
        let source = Replication::open(server, sql, self.config, &found, progress.clone()).await?;
        let mut sql = within(connect(server, self.config.silence())).await?;
        // Positions are compared across both connections.
        if identity(&mut sql).await? != found {
            return Err(SourceError::NoPrimary(format!("{server:?} was exchanged for another server")));
        }
        let known = published::load(&mut sql, slot, &found.system).await?;
        let upkeep = Upkeep {
            sql,
            config: self.config,
            deps: self.deps,
            database: self.database.name(),
            progress: progress.clone(),
            horizon: known.map_or(0, |known| known.horizon),
        };
        Ok((Box::new(source), Some(upkeep)))
    }

    async fn stand_by(&self) {
        sleep(Duration::from_millis(self.config.standby_interval_ms)).await;
    }
}

/// Tells that this process is the one that carries, for as long as it lives.
struct Active<'a>(&'a str);

impl<'a> Active<'a> {
    fn begin(database: &'a str) -> Self {
        tracing::info!(database, "relay is active");
        metrics::gauge!("segue_cdc_active", "database" => database.to_owned()).set(1.0);
        Self(database)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        metrics::gauge!("segue_cdc_active", "database" => self.0.to_owned()).set(0.0);
    }
}
