//! The relay: one source per outbox of the embedded store, or one per PostgreSQL database.

use crate::{
    CdcConfig, Database, RelayError,
    carry::{FIRST_WAIT, carry},
    embedded::{self, Embedded},
    migration::Migrator,
    postgres::{self, Session},
    progress::Progress,
    source::{ChangeSource as _, SourceError},
};
use futures::future::join_all;
use sea_orm::{DatabaseConnection, DbBackend};
use segue_domain::{Clock, Code, Coded};
use segue_ports::bus::Bus;
use segue_store::{Outbox, Store};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Longest wait for a database; a primary that was promoted is found this much later.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// A source that lived this long was a good one: its end is no reason for a long wait.
const GOOD: Duration = Duration::from_secs(10);

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

/// The change relay. One per embedded store; any number per PostgreSQL store, of which one at a time is active
/// for each database and the others stand by.
#[derive(Debug)]
pub struct Relay {
    deps: Deps,
    config: CdcConfig,
    databases: Vec<Database>,
}

impl Relay {
    /// A relay of the embedded store, which does nothing yet.
    pub fn new(deps: Deps) -> Self {
        Self { deps, config: CdcConfig::default(), databases: Vec::new() }
    }

    /// A relay of the databases of a PostgreSQL store, which does nothing yet. It has connections of its own,
    /// because replication and the lock of who is active need them, and finds the primary by itself.
    ///
    /// # Errors
    /// When a setting cannot be used, or no server is named.
    pub fn of_databases(deps: Deps, config: CdcConfig, databases: Vec<Database>) -> Result<Self, RelayError> {
        config.check().map_err(RelayError::Config)?;
        if databases.is_empty() {
            return Err(RelayError::NoServers);
        }
        Ok(Self { deps, config, databases })
    }

    /// Makes what has to be there before roles write facts: the relay's tables, and on PostgreSQL the
    /// publication and the slot. Idempotent, and safe from several processes at once. The outbox tables must be
    /// there. A replication connection brings its own `wal_sender_timeout`, so nothing is set for the role.
    ///
    /// # Errors
    /// When the database cannot be reached, or the role lacks a right.
    pub async fn provision(&self) -> Result<(), RelayError> {
        self.migrate().await?;
        for database in &self.databases {
            postgres::provision(database, &self.config).await.map_err(|e| RelayError::Provision {
                database: database.name().to_owned(),
                reason: e.to_string(),
            })?;
        }
        Ok(())
    }

    /// Makes the relay's tables and carries facts until `shutdown`; what is on its way then is finished first,
    /// for at most 10 s.
    ///
    /// # Errors
    /// Only at the start: no server of the store is known, or the tables could not be made. That a server of
    /// PostgreSQL is away, and later failures of store or bus, are logged and tried again, for ever.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RelayError> {
        if self.deps.store.backend() != DbBackend::Sqlite && self.databases.is_empty() {
            return Err(RelayError::NoServers);
        }
        if !self.prepare(&shutdown).await? {
            return Ok(());
        }
        if self.databases.is_empty() {
            for primary in self.deps.store.primaries() {
                let [main, identity] = Outbox::ALL;
                tokio::join!(
                    self.embedded(primary.clone(), main, &shutdown),
                    self.embedded(primary, identity, &shutdown)
                );
            }
        } else {
            join_all(self.databases.iter().map(|database| self.database(database, &shutdown))).await;
        }
        Ok(())
    }

    async fn migrate(&self) -> Result<(), RelayError> {
        Ok(self.deps.store.migrate::<Migrator>().await?)
    }

    /// Makes the tables, as soon as there is a database to make them in. False when `shutdown` came before.
    async fn prepare(&self, shutdown: &CancellationToken) -> Result<bool, RelayError> {
        loop {
            match self.migrate().await {
                Err(error) if error.code() == Code::Unavailable && !self.databases.is_empty() => {
                    tracing::warn!(%error, "relay waits for the database");
                }
                migrated => return migrated.map(|()| true),
            }
            tokio::select! {
                () = shutdown.cancelled() => return Ok(false),
                () = sleep(LONGEST_WAIT) => {}
            }
        }
    }

    async fn embedded(&self, db: DatabaseConnection, outbox: Outbox, shutdown: &CancellationToken) {
        let progress = Progress::default();
        let carried = again(outbox.table(), shutdown, || async {
            let mut source = Embedded::new(db.clone(), outbox, self.deps.store.outbox_written());
            let carried = carry(&mut source, &self.deps, &progress, shutdown).await;
            source.close().await;
            carried
        });
        tokio::select! {
            () = carried => {}
            () = embedded::prune(db.clone(), outbox, self.deps.clock.clone(), &progress) => {}
        }
    }

    async fn database(&self, database: &Database, shutdown: &CancellationToken) {
        let session = Session { database, config: &self.config, deps: &self.deps };
        let standby = Duration::from_millis(self.config.standby_interval_ms);
        again(database.name(), shutdown, || async {
            match session.run(shutdown).await {
                // Another was faster when the facts were free to take.
                Err(SourceError::Standby) => {
                    let _ = timeout(standby, shutdown.cancelled()).await;
                    Ok(())
                }
                ended => ended,
            }
        })
        .await;
    }
}

/// Runs sessions until `shutdown`, each after the end of the one before, with a growing wait while they fail.
async fn again<F: Future<Output = Result<(), SourceError>>>(
    name: &str,
    shutdown: &CancellationToken,
    session: impl Fn() -> F,
) {
    let mut wait = FIRST_WAIT;
    while !shutdown.is_cancelled() {
        let begun = Instant::now();
        // A session minds the shutdown by itself, so that it ends in good order.
        let Err(error) = session().await else { continue };
        if begun.elapsed() >= GOOD {
            wait = FIRST_WAIT;
        }
        match error {
            SourceError::Setup(_) | SourceError::Malformed(_) => {
                tracing::error!(name, %error, "relay cannot read facts");
            }
            _ => {
                tracing::warn!(name, %error, wait_ms = wait.as_millis() as u64, "relay waits for the database")
            }
        }
        metrics::counter!("segue_cdc_failures_total", "of" => "source").increment(1);
        // What woke the relay up must not cut this wait short.
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
        }
    }
}
