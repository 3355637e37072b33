//! The role: what it stands on, and what it runs beside its services.

use crate::{
    Error, PlaylistApi, PlaylistConfig,
    consume::{self, Inbox},
    library::{self, Library, LibraryApi},
    migration::Migrator,
    peer::{Accounts, Songs},
    repository::{ItemPages, PlaylistTable, UserLists},
    watch::{self, Hub},
};
use segue_domain::{Clock, Timestamp};
use segue_mesh::{Channel, RoleSigner};
use segue_ports::{
    bus::{Bus, WorkQueue},
    cache::Cache,
};
use segue_proto::playlist::v1::{
    library_service_server::LibraryServiceServer, playlist_service_server::PlaylistServiceServer,
};
use segue_store::{GoneOwners, Store, StoreError};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Playlists whose durations are written down at once.
const MEASURING: usize = 4;

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
    /// answer not sent), `library-counted` (likes and plays are in the counts of songs, but not yet marked as counted).
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
    pub(crate) playlists: PlaylistTable,
    pub(crate) pages: ItemPages,
    pub(crate) lists: UserLists,
    pub(crate) gone: GoneOwners,
    pub(crate) hub: Arc<Hub>,
    /// Durations that are being written down.
    pub(crate) measuring: Arc<Semaphore>,
    pub(crate) library: Library,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) songs: Songs,
    pub(crate) accounts: Accounts,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) crash: fn(&'static str),
}

impl Playlists {
    /// The role. Starts nothing.
    ///
    /// # Errors
    /// [`Error::Config`] when the configuration cannot work.
    pub fn new(config: PlaylistConfig, deps: Deps) -> Result<Self, Error> {
        let config = config.checked()?;
        let Deps { store, bus, cache, songs, identity, role, clock, crash } = deps;
        let role = Role {
            playlists: PlaylistTable::new(store.clone(), cache.as_ref(), clock.clone(), crash),
            pages: ItemPages::new(store.clone(), cache.as_ref()),
            lists: UserLists::new(store.clone()),
            gone: GoneOwners::new(store.clone(), "playlist_gone_owners"),
            hub: Arc::new(Hub::new(&watch::TOPICS, watch::read, config.max_watchers)),
            measuring: Arc::new(Semaphore::new(MEASURING)),
            library: Library::new(store, clock.clone())?,
            bus,
            songs: Songs::new(songs, config.song_deadline()),
            accounts: Accounts::new(identity, role),
            clock,
            config,
            crash,
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
        let mut queues: Vec<WorkQueue> = Inbox::ALL.iter().map(|inbox| inbox.queue()).collect();
        queues.extend(library::queues());
        queues
    }

    /// Makes the work queues durable, so that facts published from now on wait in them. Repeating it changes nothing.
    pub async fn declare(&self) -> Result<(), Error> {
        for queue in Self::queues() {
            self.role.bus.declare(&queue).await?;
        }
        Ok(())
    }

    /// The service of playlists, for a server to register.
    pub fn service(&self) -> PlaylistServiceServer<PlaylistApi> {
        PlaylistServiceServer::new(PlaylistApi::new(self.role.clone()))
    }

    /// The service of likes and history, for a server to register.
    pub fn library_service(&self) -> LibraryServiceServer<LibraryApi> {
        LibraryServiceServer::new(LibraryApi::new(self.role.clone()))
    }

    /// Consumes facts, tells watchers and sweeps, until `shutdown`. What is being handled then is finished; open watches end
    /// with UNAVAILABLE. An engine that is away is waited for.
    pub async fn run(&self, shutdown: CancellationToken) {
        let role = &self.role;
        let consumers = Inbox::ALL.map(|inbox| consume::inbox(role, inbox, shutdown.clone()));
        let headers = role.playlists.follow().run(role.bus.as_ref());
        let sweep = Duration::from_secs(role.config.sweep_seconds);
        // Boxed: together they are large, and whoever runs the role would carry that.
        let all = Box::pin(async {
            tokio::join!(
                futures::future::join_all(consumers),
                shutdown.run_until_cancelled(headers),
                role.hub.run(role.bus.as_ref(), &shutdown),
                every(sweep, &shutdown, || role.sweep()),
                library::run(role.clone(), shutdown.clone()),
            )
        });
        all.await;
    }

    #[cfg(test)]
    pub(crate) fn role(&self) -> &Arc<Role> {
        &self.role
    }
}

impl Role {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Runs `round` at once and then after each pause of about `pause`, so that processes do not march in step.
pub(crate) async fn every<F, R>(pause: Duration, shutdown: &CancellationToken, mut round: F)
where
    F: FnMut() -> R,
    R: Future<Output = ()>,
{
    loop {
        // A round that is cut off is done again after the next start.
        let round = async {
            round().await;
            tokio::time::sleep(pause.mul_f64(rand::random_range(0.8..1.2))).await;
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = round => (),
        }
    }
}
