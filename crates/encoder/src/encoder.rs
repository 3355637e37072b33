//! The role, put together.

use crate::{
    EncoderConfig, Error, job,
    migration::Migrator,
    queue,
    repository::Repository,
    running::Running,
    service::{Service, hear},
    songs::Songs,
};
use segue_domain::Clock;
use segue_mesh::{Channel, RoleSigner};
use segue_ports::{
    blob::BlobStore,
    bus::{Bus, WorkQueue},
};
use segue_proto::encoder::v1::encoder_service_server::EncoderServiceServer;
use segue_store::{Store, StoreError};
use std::{ffi::OsString, path::PathBuf, sync::Arc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How to start a child process that runs [`crate::worker_main`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// Absolute path of the program; the binary names itself.
    pub program: PathBuf,
    /// Its arguments: the hidden command.
    pub args: Vec<OsString>,
}

/// What the encoder role needs.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The database, with its outbox.
    pub store: Store,
    /// Originals and media.
    pub blob: Arc<dyn BlobStore>,
    /// Jobs and broadcasts.
    pub bus: Arc<dyn Bus>,
    /// The song service.
    pub songs: Channel,
    /// Proves to the song service who asks.
    pub role: RoleSigner,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The child process.
    pub worker: WorkerCommand,
    /// Called at named points, for tests that kill the process there: job-taken, segment-put (the third object
    /// of an attempt is stored), before-manifest, after-manifest, before-ack.
    pub crash: fn(&'static str),
}

/// The encoder role. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Encoder {
    inner: Arc<Inner>,
    dead_letter_queues: Arc<[String]>,
}

/// What its parts share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: EncoderConfig,
    pub(crate) deps: Deps,
    pub(crate) repository: Repository,
    pub(crate) songs: Songs,
    pub(crate) running: Running,
}

impl Encoder {
    /// Puts the role together. Nothing runs before [`Encoder::run`].
    ///
    /// # Errors
    /// [`Error::Config`] for settings that cannot work, among them a spool folder that cannot be made.
    pub fn new(config: EncoderConfig, deps: Deps) -> Result<Self, Error> {
        config.validate()?;
        let folder = config.spool_dir();
        std::fs::create_dir_all(folder).map_err(|e| {
            Error::Config(format!("encoder.spool_dir {} cannot be made: {e}", folder.display()))
        })?;
        let inner = Inner {
            repository: Repository::new(deps.store.clone()),
            songs: Songs::new(deps.songs.clone(), deps.role.clone()),
            running: Running::new(),
            config,
            deps,
        };
        let dead_letter_queues = Self::queues(&inner.config).iter().map(|q| q.name.to_owned()).collect();
        Ok(Self { inner: Arc::new(inner), dead_letter_queues })
    }

    /// The work queues whose dead letters administrators see: those of all roles, this one's included, in the order
    /// in which they are shown. Without it, they are the [role's own](Self::queues).
    #[must_use]
    pub fn with_dead_letter_queues(mut self, queues: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.dead_letter_queues = queues.into_iter().map(Into::into).collect();
        self
    }

    /// Makes or updates the role's table. Safe to repeat.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn migrate(store: &Store) -> Result<(), StoreError> {
        store.migrate::<Migrator>().await
    }

    /// Fails with a sentence that says what to run when a table is missing or of an older version.
    pub async fn migrated(store: &Store) -> Result<(), StoreError> {
        store.migrated::<Migrator>().await
    }

    /// The gRPC service.
    pub fn service(
        &self,
    ) -> EncoderServiceServer<impl segue_proto::encoder::v1::encoder_service_server::EncoderService> {
        EncoderServiceServer::new(Service::new(Arc::clone(&self.inner), Arc::clone(&self.dead_letter_queues)))
    }

    /// The work queues of the role.
    pub fn queues(config: &EncoderConfig) -> Vec<WorkQueue> {
        vec![queue::jobs(config), queue::intake()]
    }

    /// Makes the role's queues durable, so that facts published from now on wait in them. Safe to repeat.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub async fn declare(&self) -> Result<(), Error> {
        self.inner.deps.bus.declare(&queue::jobs(&self.inner.config)).await?;
        Ok(self.inner.deps.bus.declare(&queue::intake()).await?)
    }

    /// Runs workers and listeners until `shutdown`. A job that is under way then is stopped and given back.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut tasks = JoinSet::new();
        for _ in 0..self.inner.config.workers {
            tasks.spawn(job::work(Arc::clone(&self.inner), shutdown.clone()));
        }
        tasks.spawn(job::take_in(Arc::clone(&self.inner), shutdown.clone()));
        tasks.spawn(hear(Arc::clone(&self.inner), shutdown.clone()));
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task of the encoder died");
            }
        }
    }
}
