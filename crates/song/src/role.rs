//! The role: what it stands on, and what it runs beside its service.

use crate::{
    Error, SongApi, SongConfig,
    address::Addresses,
    consume::{self, Inbox},
    download::Downloads,
    lyrics::LyricsBook,
    migration::Migrator,
    release::Turns,
    repository::{Fillings, GarbageBin, OwnerSongs, Places, ShelfLists, Shelves, Songs},
    scan::Scan,
    watch::{self, Hub},
};
use segue_domain::{Clock, GrantSigner, Timestamp};
use segue_ports::{
    blob::BlobStore,
    bus::{Bus, WorkQueue},
    cache::Cache,
};
use segue_proto::song::v1::song_service_server::SongServiceServer;
use segue_store::{GoneOwners, Store, StoreError};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// What the role needs.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The database, with outbox tables and [`Song::migrate`] done.
    pub store: Store,
    /// Originals and outputs.
    pub blob: Arc<dyn BlobStore>,
    /// Facts.
    pub bus: Arc<dyn Bus>,
    /// In front of the rows that readers ask for.
    pub cache: Arc<dyn Cache>,
    /// Signs leave to play; edges hold the public key.
    pub grants: GrantSigner,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Called at named points, for tests that kill the process there: `upload-committed` (blob committed, row
    /// not written), `song-before-ready` (EncodingSucceeded received, row not written), `song-ready` (row
    /// written, message not acknowledged), `song-place-widened` and `song-on-shelf` (between two steps of bringing a song to
    /// its album and artists).
    pub crash: fn(&'static str),
}

/// The song role. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Song {
    role: Arc<Role>,
}

/// Everything that the methods share.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) config: SongConfig,
    pub(crate) songs: Songs,
    pub(crate) list: OwnerSongs,
    pub(crate) places: Places,
    pub(crate) shelves: Shelves,
    pub(crate) shelf_lists: ShelfLists,
    pub(crate) fillings: Fillings,
    pub(crate) scan: Scan,
    pub(crate) garbage: GarbageBin,
    pub(crate) gone: GoneOwners,
    pub(crate) blob: Arc<dyn BlobStore>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) addresses: Addresses,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) crash: fn(&'static str),
    pub(crate) turns: Turns,
    pub(crate) hub: Arc<Hub>,
    pub(crate) downloads: Downloads,
    pub(crate) lyrics: LyricsBook,
}

impl Song {
    /// The role. Starts nothing.
    ///
    /// # Errors
    /// [`Error::Config`] when the configuration cannot work.
    pub fn new(config: SongConfig, deps: Deps) -> Result<Self, Error> {
        let config = config.checked()?;
        let Deps { store, blob, bus, cache, grants, clock, crash } = deps;
        let role = Role {
            songs: Songs::new(store.clone(), cache.as_ref(), clock.clone()),
            list: OwnerSongs::new(store.clone()),
            places: Places::new(store.clone()),
            shelves: Shelves::new(store.clone(), cache.as_ref(), clock.clone()),
            shelf_lists: ShelfLists::new(store.clone()),
            fillings: Fillings::new(store.clone()),
            scan: Scan::new(store.clone()),
            gone: GoneOwners::new(store.clone(), "gone_owners"),
            garbage: GarbageBin::new(store),
            addresses: Addresses::new(&config, grants),
            hub: Arc::new(Hub::new(&watch::TOPICS, watch::read, config.max_watchers)),
            downloads: Downloads::new(blob.clone()),
            lyrics: LyricsBook::new(blob.clone()),
            turns: Turns::default(),
            config,
            blob,
            bus,
            clock,
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
        Inbox::ALL.iter().map(|inbox| inbox.queue()).collect()
    }

    /// Makes the work queues durable, so that facts published from now on wait in them. Repeating it changes nothing.
    pub async fn declare(&self) -> Result<(), Error> {
        for inbox in Inbox::ALL {
            self.role.bus.declare(&inbox.queue()).await?;
        }
        Ok(())
    }

    /// The service, for a server to register.
    pub fn service(&self) -> SongServiceServer<SongApi> {
        SongServiceServer::new(SongApi::new(self.role.clone()))
    }

    /// Consumes facts, tells watchers, reaps and releases, and fills tables that are younger than the songs in them, until
    /// `shutdown`. What is being handled then is finished; open watches end with UNAVAILABLE. An engine that is away is waited
    /// for.
    pub async fn run(&self, shutdown: CancellationToken) {
        let consumers = Inbox::ALL.map(|inbox| consume::run(self.role.clone(), inbox, shutdown.clone()));
        let reap = Duration::from_secs(self.role.config.reap_seconds);
        let release = Duration::from_secs(self.role.config.release_sweep_seconds);
        let follow = self.role.songs.follow().run(self.role.bus.as_ref());
        let follow_shelves = self.role.shelves.follow().run(self.role.bus.as_ref());
        // Boxed: together they are large, and whoever runs the role would carry that.
        let all = Box::pin(async {
            tokio::join!(
                futures::future::join_all(consumers),
                shutdown.run_until_cancelled(follow),
                shutdown.run_until_cancelled(follow_shelves),
                shutdown.run_until_cancelled(self.role.fill()),
                self.role.hub.run(self.role.bus.as_ref(), &shutdown),
                every(reap, &shutdown, || self.role.reap()),
                every(release, &shutdown, || self.role.release_all()),
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
async fn every<F, R>(pause: Duration, shutdown: &CancellationToken, mut round: F)
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
