//! The composition root: engines, then roles on them, then one router. Roles meet here and nowhere else.

mod engines;
mod playlists;
mod ready;
mod trust;

use crate::{
    cli::Role,
    config::{Config, ConfigError},
    crash, provision,
};
use anyhow::Context;
use axum::Router;
pub(crate) use engines::Engines;
use metrics_exporter_prometheus::PrometheusHandle;
pub(crate) use ready::{Probe, Readiness};
use sea_orm::DbBackend;
use segue_cdc::{Database, Relay};
use segue_domain::{Code, Coded};
use segue_edge::Edge;
use segue_encoder::{Encoder, WorkerCommand};
use segue_gateway::{Gateway, Route};
use segue_identity::{FirstAccount, Identity};
use segue_mesh::{Auth, Channel, Door, Metrics, Policies, RoleSigner, Server, Verifier, VerifierConfig};
use segue_ports::{budget::Budgets, bus::BusError, index::Kind};
use segue_search::Search;
use segue_song::Song;
use segue_store::{Store, StoreError};
use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use trust::Trust;

/// Names of the services that a gateway can lead to, with the role that serves them.
const SERVICES: [(&str, Role); 6] = [
    ("segue.identity.v1.IdentityService", Role::Identity),
    ("segue.song.v1.SongService", Role::Song),
    ("segue.encoder.v1.EncoderService", Role::Encoder),
    ("segue.search.v1.SearchService", Role::Search),
    ("segue.playlist.v1.PlaylistService", Role::Playlist),
    ("segue.playlist.v1.LibraryService", Role::Playlist),
];

/// A server that is put together and not yet listening.
pub(crate) struct System {
    /// What the world sees: gateway, edge, and the embedded blob store. `None` when none of them runs here.
    pub(crate) public: Option<Router>,
    /// What other roles see: the services of the roles that run here.
    pub(crate) inner: Router,
    /// Work in the background; ends after the token that was given is cancelled.
    pub(crate) tasks: TaskTracker,
    /// What `/readyz` says.
    pub(crate) ready: Readiness,
    /// The account that was just made, on the first run.
    pub(crate) first_account: Option<FirstAccount>,
    /// Ends the engines, after the tasks.
    pub(crate) closing: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// What roles are built from.
struct Ground<'a> {
    config: &'a Config,
    engines: Engines,
    auth: Auth,
    /// Who this process is to others; edges and relays call nobody.
    role: Option<RoleSigner>,
    ready: Readiness,
    metrics: Metrics,
    tasks: TaskTracker,
    stop: CancellationToken,
    channels: BTreeMap<&'static str, Channel>,
    /// Services that run here, for other processes.
    inner: Option<Server>,
}

/// Puts the named roles together. Roles in the same process call each other through channels without a socket.
pub(crate) async fn assemble(
    config: &Config,
    roles: &[Role],
    metrics: PrometheusHandle,
    stop: CancellationToken,
) -> anyhow::Result<System> {
    let engines = Engines::open(config, roles, false).await?;
    let clock = engines.clock.clone();
    let verifier = Verifier::new(VerifierConfig::default(), clock.clone());
    let name = roles.first().map(|role| role.name()).unwrap_or_default();
    let audience = VerifierConfig::default().audience;
    let role = match needs_tokens(roles) {
        true => Some(RoleSigner::new(name, engines.keys.role_seed()?, &audience, clock.clone())),
        false => None,
    };
    verifier.set_role_keys(&engines.keys.role_keys()?);
    let auth = Auth { verifier, policies: Arc::new(Policies::segue()?), door: Door::Inner, clock };
    let ready = Readiness::default();
    let tasks = TaskTracker::new();
    let upkeep = metrics.clone();
    tasks.spawn(stop.clone().run_until_cancelled_owned(async move {
        let mut ticks = tokio::time::interval(std::time::Duration::from_secs(10));
        loop {
            // Histograms grow until they are drained.
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    }));
    let inner = Server::new(config.rpc.clone(), auth.clone());
    let mut ground = Ground {
        config,
        engines,
        auth,
        role,
        ready: ready.clone(),
        metrics: Arc::new(move || metrics.render()),
        tasks,
        stop,
        channels: BTreeMap::new(),
        inner: Some(inner),
    };
    ground.find_peers(roles)?;
    let mut identity = None;
    let mut public = None;
    // Those that others call come first; what reads the outbox last, when every queue is declared.
    let order = [
        Role::Identity,
        Role::Song,
        Role::Playlist,
        Role::Encoder,
        Role::Search,
        Role::Edge,
        Role::Gateway,
        Role::Cdc,
    ];
    for role in order.into_iter().filter(|r| roles.contains(r)) {
        let named = || format!("the {} role cannot start", role.name());
        match role {
            Role::Identity => identity = Some(ground.identity().await.with_context(named)?),
            Role::Song => ground.song().await.with_context(named)?,
            Role::Playlist => ground.playlist().await.with_context(named)?,
            Role::Encoder => ground.encoder().await.with_context(named)?,
            Role::Search => ground.search().await.with_context(named)?,
            Role::Edge => public = merge(public, ground.edge().await.with_context(named)?),
            Role::Gateway => public = merge(public, ground.gateway().with_context(named)?),
            Role::Cdc => ground.cdc().await.with_context(named)?,
        }
    }
    if !roles.contains(&Role::Identity) && needs_tokens(roles) {
        ground.trust()?;
    }
    ground.watch(roles).await?;
    if let Some(blob) = ground.engines.blob_router().filter(|_| public.is_some()) {
        // Clients put and get bytes straight at the blob store: here it listens beside the roles.
        public = merge(public, blob);
    }
    if let Some(router) = public.take() {
        // The gateway brings these pages itself.
        public = Some(if roles.contains(&Role::Gateway) { router } else { router.merge(ground.pages()) });
    }
    let inner = ground
        .inner
        .take()
        .context("made above")?
        .ready(ready.of(&[]))
        .router()
        .merge(segue_mesh::pages(ready.of(&[]), Arc::clone(&ground.metrics)));
    // Last: its password is said once, by a process that has started.
    let first_account = match identity {
        Some(identity) => identity.ensure_first_account().await?,
        None => None,
    };
    let (tasks, engines) = (ground.tasks, ground.engines);
    let closing = Box::pin(async move { engines.close().await });
    Ok(System { public, inner, tasks, ready, first_account, closing })
}

/// A broker that is away declares the queues when it comes back; what is wrong otherwise is wrong.
fn away<E: Coded>(declared: Result<(), E>) -> Result<(), E> {
    match declared {
        Err(error) if error.code() == Code::Unavailable => {
            tracing::warn!(%error, "queues are declared when the bus is there");
            Ok(())
        }
        declared => declared,
    }
}

fn merge(router: Option<Router>, more: Router) -> Option<Router> {
    Some(router.unwrap_or_default().merge(more))
}

/// Whether a role verifies tokens of users. An edge has grants, and the relay has no door.
fn needs_tokens(roles: &[Role]) -> bool {
    roles.iter().any(|role| !matches!(role, Role::Edge | Role::Cdc))
}

impl Ground<'_> {
    /// Channels to roles that run elsewhere.
    fn find_peers(&mut self, here: &[Role]) -> anyhow::Result<()> {
        for (service, role) in SERVICES {
            let name = role.name();
            if let Some(peers) = self.config.peers.get(name).filter(|_| !here.contains(&role)) {
                let targets =
                    peers.uris().map_err(|message| ConfigError::value(&format!("peers.{name}"), message))?;
                self.channels.insert(service, Channel::remote(targets, Arc::clone(&self.auth.policies)));
            }
        }
        Ok(())
    }

    fn channel(&self, service: &'static str) -> anyhow::Result<Channel> {
        let role = SERVICES.iter().find(|(name, _)| *name == service).map_or("", |(_, role)| role.name());
        Ok(self.channels.get(service).cloned().ok_or_else(|| {
            let example = "http://10.0.0.7:4421";
            ConfigError::value(
                &format!("peers.{role}"),
                format!("is needed here: run the {role} role in this process too, or say where it is: {role} = \"{example}\""),
            )
        })?)
    }

    /// Registers a role's service: for the roles of this process by a channel without a socket, and for others.
    fn serve<S>(&mut self, name: &'static str, service: S)
    where
        S: tower::Service<
                http::Request<tonic::body::Body>,
                Response = http::Response<tonic::body::Body>,
                Error = std::convert::Infallible,
            > + tonic::server::NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let here = Server::new(self.config.rpc.clone(), self.auth.clone()).add(service.clone());
        self.channels.insert(name, Channel::local(here.router()));
        self.inner = self.inner.take().map(|server| server.add(service));
    }

    fn signer(&self) -> anyhow::Result<RoleSigner> {
        self.role.clone().context("this process has no key to prove itself with")
    }

    /// In the embedded database tables are made at the start; a shared one is provisioned, so that a process that starts
    /// changes nothing under others.
    async fn tables(
        &self,
        migrate: impl AsyncFnOnce(&Store) -> Result<(), StoreError>,
        migrated: impl AsyncFnOnce(&Store) -> Result<(), StoreError>,
    ) -> anyhow::Result<()> {
        let store = self.engines.store()?;
        match store.backend() == DbBackend::Sqlite {
            true => migrate(store).await?,
            false => migrated(store).await?,
        }
        Ok(())
    }

    /// Checks once, with a sentence that names the setting, and from then on watches what the roles here cannot work
    /// without. Embedded engines are part of the process.
    async fn watch(&self, roles: &[Role]) -> anyhow::Result<()> {
        let any = |needing: &[Role]| roles.iter().any(|role| needing.contains(role));
        let watch = (&self.tasks, &self.stop);
        if let Some(redis) = self.engines.redis() {
            match redis.check().await {
                // Slower without it, and never wrong.
                Err(segue_cache::Error::Unavailable(why)) => tracing::warn!(why, "Redis is away"),
                checked => checked?,
            }
        }
        if any(&[Role::Identity, Role::Song, Role::Playlist, Role::Encoder, Role::Cdc])
            && self.engines.store()?.backend() == DbBackend::Postgres
        {
            let store = self.engines.store()?.clone();
            self.ready.watch("store", watch, move || {
                let store = store.clone();
                async move { store.check().await }
            });
        }
        if any(&[Role::Encoder, Role::Cdc])
            && let Some(rabbit) = self.engines.rabbit().cloned()
        {
            self.ready.watch("bus", watch, move || {
                let connected = rabbit.is_connected();
                async move { if connected { Ok(()) } else { Err("not connected") } }
            });
        }
        if let Some(azure) = self.engines.azure().filter(|_| any(&[Role::Song, Role::Encoder])).cloned() {
            azure.check().await.map_err(|e| provision::unfit_blob(&e))?;
            if any(&[Role::Encoder]) {
                self.ready.watch("blob", watch, move || {
                    let azure = azure.clone();
                    async move { azure.check().await }
                });
            }
        }
        if any(&[Role::Search]) && !self.config.index.url.is_empty() {
            let index = self.engines.index()?;
            self.ready.watch("index", watch, move || {
                let index = Arc::clone(&index);
                async move { index.scan(Kind::Song, None, 1).await.map(drop) }
            });
        }
        Ok(())
    }

    /// Health, readiness and metrics of a process that has no gateway on its public port.
    fn pages(&self) -> Router {
        let ready = self.ready.of(&[]);
        segue_mesh::health_router(Arc::clone(&ready), Vec::new())
            .merge(segue_mesh::pages(ready, Arc::clone(&self.metrics)))
    }

    /// Keys and ended sessions from where identity runs.
    fn trust(&self) -> anyhow::Result<()> {
        let trust = Trust {
            identity: self.channel(SERVICES[0].0)?,
            role: self.signer()?,
            verifier: self.auth.verifier.clone(),
            bus: self.engines.bus()?,
        };
        let known = self.ready.part("keys");
        self.tasks.spawn(trust.run(known, self.stop.clone()));
        Ok(())
    }

    async fn identity(&mut self) -> anyhow::Result<Identity> {
        self.tables(Identity::migrate, Identity::migrated).await?;
        let deps = segue_identity::Deps {
            store: self.engines.store()?.clone(),
            bus: self.engines.bus()?,
            verifier: self.auth.verifier.clone(),
            clock: self.engines.clock.clone(),
        };
        let identity = Identity::new(self.config.identity.clone(), deps).await?;
        self.serve(SERVICES[0].0, identity.service());
        let (running, stop) = (identity.clone(), self.stop.clone());
        self.tasks.spawn(async move { running.run(stop).await });
        Ok(identity)
    }

    async fn song(&mut self) -> anyhow::Result<()> {
        self.tables(Song::migrate, Song::migrated).await?;
        let deps = segue_song::Deps {
            store: self.engines.store()?.clone(),
            blob: self.engines.blob()?,
            bus: self.engines.bus()?,
            cache: Arc::new(self.engines.cache()?.clone()),
            grants: self.engines.keys.grant_signer()?,
            clock: self.engines.clock.clone(),
            crash: crash::point,
        };
        let song = Song::new(self.config.song.clone(), deps)?;
        away(song.declare().await)?;
        self.serve(SERVICES[1].0, song.service());
        let stop = self.stop.clone();
        self.tasks.spawn(async move { song.run(stop).await });
        Ok(())
    }

    async fn encoder(&mut self) -> anyhow::Result<()> {
        self.tables(Encoder::migrate, Encoder::migrated).await?;
        let deps = segue_encoder::Deps {
            store: self.engines.store()?.clone(),
            blob: self.engines.blob()?,
            bus: self.engines.bus()?,
            songs: self.channel(SERVICES[1].0)?,
            role: self.signer()?,
            clock: self.engines.clock.clone(),
            worker: WorkerCommand { program: std::env::current_exe()?, args: vec!["encode-worker".into()] },
            crash: crash::point,
        };
        let mut config = self.config.encoder.clone();
        // A relative folder is one in the data folder.
        config.spool_dir = self.config.process.data.join(if config.spool_dir.as_os_str().is_empty() {
            "spool".as_ref()
        } else {
            config.spool_dir.as_path()
        });
        let queues = provision::queues(self.config).into_iter().map(|queue| queue.name);
        let encoder = Encoder::new(config, deps)?.with_dead_letter_queues(queues);
        away(encoder.declare().await)?;
        self.serve(SERVICES[2].0, encoder.service());
        let stop = self.stop.clone();
        self.tasks.spawn(async move { encoder.run(stop).await });
        Ok(())
    }

    async fn edge(&self) -> anyhow::Result<Router> {
        let mut config = self.config.edge.clone();
        // A relative folder is one in the data folder.
        config.cache_dir = self.config.process.data.join(config.cache_dir);
        let deps = segue_edge::Deps {
            blob: self.engines.blob()?,
            grants: self.engines.keys.grant_verifier()?,
            clock: self.engines.clock.clone(),
        };
        Ok(Edge::open(config, deps).await?.router())
    }

    fn gateway(&self) -> anyhow::Result<Router> {
        let route = |(service, channel): (&&'static str, &Channel)| Route {
            service: (*service).into(),
            channel: channel.clone(),
        };
        let services: Vec<&'static str> = self.channels.keys().copied().collect();
        let deps = segue_gateway::Deps {
            auth: Auth { door: Door::Public, ..self.auth.clone() },
            budgets: self.engines.redis().cloned().map(|redis| Arc::new(redis) as Arc<dyn Budgets>),
            identity: self.channel(SERVICES[0].0)?,
            routes: self.channels.iter().map(route).collect(),
            metrics: Arc::clone(&self.metrics),
            ready: self.ready.of(&services),
        };
        Ok(Gateway::new(self.config.gateway.clone(), deps)?.router())
    }

    async fn search(&mut self) -> anyhow::Result<()> {
        let deps = segue_search::Deps {
            index: self.engines.index()?,
            bus: self.engines.bus()?,
            songs: self.channel(SERVICES[1].0)?,
            playlists: self.channel(SERVICES[4].0)?,
            role: self.signer()?,
            clock: self.engines.clock.clone(),
        };
        let search = Search::new(self.config.search.clone(), deps)?;
        away(search.declare().await)?;
        self.serve(SERVICES[3].0, search.service());
        let stop = self.stop.clone();
        self.tasks.spawn(async move { search.run(stop).await });
        Ok(())
    }

    async fn cdc(&self) -> anyhow::Result<()> {
        let relay = relay(self.config, &self.engines)?;
        let bus = self.engines.bus()?;
        for queue in provision::queues(self.config) {
            // A fact must not be published past a queue that is gone.
            away(bus.declare(&queue).await.map_err(Declare))?;
        }
        if self.engines.store()?.backend() == DbBackend::Sqlite {
            relay.provision().await?;
        }
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            // Fails only at the start, over an engine that it was not made for.
            if let Err(error) = relay.run(stop).await {
                tracing::error!(%error, "the change relay cannot run");
            }
        });
        Ok(())
    }
}

/// A queue was not declared.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct Declare(BusError);

impl Coded for Declare {
    fn code(&self) -> Code {
        match self.0 {
            BusError::Unavailable(_) => Code::Unavailable,
            _ => Code::FailedPrecondition,
        }
    }
    fn reason(&self) -> &'static str {
        "QUEUE_NOT_DECLARED"
    }
}

/// The change relay of the database that is configured.
pub(crate) fn relay(config: &Config, engines: &Engines) -> anyhow::Result<Relay> {
    let store = engines.store()?.clone();
    let sqlite = store.backend() == DbBackend::Sqlite;
    let deps =
        segue_cdc::Deps { store, bus: engines.bus()?, clock: engines.clock.clone(), crash: crash::point };
    if sqlite {
        return Ok(Relay::new(deps));
    }
    let database = Database::of_store(&config.store)?;
    Ok(Relay::of_databases(deps, config.cdc.clone(), vec![database])?)
}
