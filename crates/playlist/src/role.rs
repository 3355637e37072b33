//! The role: what it stands on, and what it runs beside its services.

use crate::{
    Error, PlaylistConfig, library,
    migration::Migrator,
    peer::{Accounts, Songs},
};
use segue_domain::{Clock, Timestamp};
use segue_mesh::{Channel, RoleSigner};
use segue_ports::{
    bus::{Bus, WorkQueue},
    cache::Cache,
};
use segue_store::{Store, StoreError};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the role needs.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The database, with outbox tables and [`Playlists::migrate`] done.
    pub store: Store,
    /// Facts.
    pub bus: Arc<dyn Bus>,
    /// In front of the rows that readers ask for.
    pub cache: Arc<dyn Cache>,
    /// The song service, asked in the name of callers.
    pub songs: Channel,
    /// The identity service.
    pub identity: Channel,
    /// Proves to identity who asks.
    pub role: RoleSigner,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Called at named points, for tests that kill the process there: `playlist-written` (a change is committed, its
    /// answer not sent).
    pub crash: fn(&'static str),
}

/// The playlist role. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Playlists {
    role: Arc<Role>,
}

/// Everything that the methods share.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) config: PlaylistConfig,
    /// For the tables of the library.
    pub(crate) store: Store,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) songs: Songs,
    pub(crate) accounts: Accounts,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Playlists {
    /// The role. Starts nothing.
    ///
    /// # Errors
    /// [`Error::Config`] when the configuration cannot work.
    pub fn new(config: PlaylistConfig, deps: Deps) -> Result<Self, Error> {
        let config = config.checked()?;
        let Deps { store, bus, cache, songs, identity, role, clock, crash } = deps;
        let _ = (cache, crash);
        let role = Role {
            store,
            bus,
            songs: Songs::new(songs, config.song_deadline()),
            accounts: Accounts::new(identity, role),
            clock,
            config,
        };
        Ok(Self { role: Arc::new(role) })
    }

    /// Brings the tables up to date. Safe from several processes at once, and again.
    pub async fn migrate(store: &Store) -> Result<(), StoreError> {
        store.migrate::<Migrator>().await
    }

    /// Fails with a sentence that says what to run when a table is missing or of an older version.
    pub async fn migrated(store: &Store) -> Result<(), StoreError> {
        store.migrated::<Migrator>().await
    }

    /// The work queues of the role.
    pub fn queues() -> Vec<WorkQueue> {
        library::queues()
    }

    /// Makes the work queues durable, so that facts published from now on wait in them. Repeating it changes nothing.
    pub async fn declare(&self) -> Result<(), Error> {
        for queue in Self::queues() {
            self.role.bus.declare(&queue).await?;
        }
        Ok(())
    }

    /// Consumes facts, tells watchers and sweeps, until `shutdown`. What is being handled then is finished; open watches end
    /// with UNAVAILABLE. An engine that is away is waited for.
    pub async fn run(&self, shutdown: CancellationToken) {
        library::run(self.role.clone(), shutdown).await;
    }
}

impl Role {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
