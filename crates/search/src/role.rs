//! The role: what it stands on, and what it runs beside its service.

use crate::{
    Error, SearchConfig, consume, queue,
    rebuild::{self, Job},
    service::SearchApi,
    sources::Sources,
};
use segue_domain::Clock;
use segue_mesh::{Channel, RoleSigner};
use segue_ports::{
    bus::{Bus, WorkQueue},
    index::Index,
};
use segue_proto::search::v1::search_service_server::SearchServiceServer;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What the role needs.
#[derive(Debug, Clone)]
pub struct Deps {
    /// The index.
    pub index: Arc<dyn Index>,
    /// Facts about what can be found.
    pub bus: Arc<dyn Bus>,
    /// The song service, to read all songs, albums and artists from.
    pub songs: Channel,
    /// The playlist service, to read all playlists from.
    pub playlists: Channel,
    /// Proves to these services who asks.
    pub role: RoleSigner,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The search role. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Search {
    inner: Arc<Inner>,
}

/// What its parts share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: SearchConfig,
    pub(crate) index: Arc<dyn Index>,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) sources: Sources,
    pub(crate) clock: Arc<dyn Clock>,
    /// The rebuild of this process, while one goes on and after it ended.
    pub(crate) job: Mutex<Option<watch::Receiver<Job>>>,
    /// The index itself wants to be rebuilt.
    pub(crate) wanted: Notify,
    /// One comparison at a time: it reads everything.
    pub(crate) verifying: Arc<Semaphore>,
    /// Work that calls have begun and that outlives them.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Search {
    /// The role. Starts nothing.
    ///
    /// # Errors
    /// [`Error::Config`] when the configuration cannot work.
    pub fn new(config: SearchConfig, deps: Deps) -> Result<Self, Error> {
        let config = config.checked()?;
        let Deps { index, bus, songs, playlists, role, clock } = deps;
        let inner = Inner {
            sources: Sources::new(songs, playlists, role, config.scan_page),
            config,
            index,
            bus,
            clock,
            job: Mutex::default(),
            wanted: Notify::new(),
            verifying: Arc::new(Semaphore::new(1)),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The work queues of the role.
    pub fn queues(config: &SearchConfig) -> Vec<WorkQueue> {
        vec![queue::index(config)]
    }

    /// Makes the work queue durable, so that facts published from now on wait in it. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`Error::Bus`].
    pub async fn declare(&self) -> Result<(), Error> {
        Ok(self.inner.bus.declare(&queue::index(&self.inner.config)).await?)
    }

    /// The service, for a server to register.
    pub fn service(&self) -> SearchServiceServer<SearchApi> {
        SearchServiceServer::new(SearchApi::new(self.inner.clone()))
    }

    /// Prepares the index, keeps it in step with the facts, and rebuilds it when it is new, damaged or of another
    /// schema, until `shutdown`. Rebuilds and comparisons that calls have begun end then too. An index or a bus that is
    /// away is waited for.
    pub async fn run(&self, shutdown: CancellationToken) {
        let inner = &self.inner;
        let end = async {
            shutdown.cancelled().await;
            inner.stop.cancel();
        };
        tokio::join!(consume::run(inner), rebuild::when_wanted(inner), end);
        inner.tasks.close();
        inner.tasks.wait().await;
    }
}
