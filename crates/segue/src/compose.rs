//! The composition root: engines, then roles on them, then one router. Roles meet here and nowhere else.

mod engines;
mod ready;

use crate::{
    cli::Role,
    config::{Config, ConfigError},
    crash,
};
use anyhow::Context;
use axum::Router;
use engines::Engines;
use metrics_exporter_prometheus::PrometheusHandle;
pub(crate) use ready::Ready;
use segue_cdc::Relay;
use segue_edge::Edge;
use segue_encoder::{Encoder, WorkerCommand};
use segue_gateway::{Gateway, Route};
use segue_identity::{FirstAccount, Identity};
use segue_mesh::{Auth, Channel, Door, Policies, RoleSigner, Server, Verifier, VerifierConfig};
use segue_song::Song;
use std::{collections::BTreeMap, future::Future, pin::Pin, sync::Arc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Names of the services that a gateway can lead to, with the role that serves them.
const SERVICES: [(&str, Role); 3] = [
    ("segue.identity.v1.IdentityService", Role::Identity),
    ("segue.song.v1.SongService", Role::Song),
    ("segue.encoder.v1.EncoderService", Role::Encoder),
];

/// A server that is put together and not yet listening.
pub(crate) struct System {
    /// Everything that is served on the one port.
    pub(crate) router: Router,
    /// Work in the background; ends after the token that was given is cancelled.
    pub(crate) tasks: TaskTracker,
    /// What `/readyz` says.
    pub(crate) ready: Ready,
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
    tasks: TaskTracker,
    stop: CancellationToken,
    channels: BTreeMap<&'static str, Channel>,
}

/// Puts the named roles together. Roles in the same process call each other through channels without a socket.
pub(crate) async fn assemble(
    config: &Config,
    roles: &[Role],
    metrics: PrometheusHandle,
    stop: CancellationToken,
) -> anyhow::Result<System> {
    let engines = Engines::open(config).await?;
    let clock = engines.clock.clone();
    let verifier = Verifier::new(VerifierConfig::default(), clock.clone());
    let audience = VerifierConfig::default().audience;
    let signer = RoleSigner::new("encoder", engines.secrets.role_seed()?, &audience, clock.clone());
    verifier.set_role_keys(&[signer.verifying_key()]);
    let auth = Auth { verifier, policies: Arc::new(Policies::segue()?), door: Door::Inner, clock };

    let mut ground =
        Ground { config, engines, auth, tasks: TaskTracker::new(), stop, channels: BTreeMap::new() };
    ground.find_peers(roles)?;
    let mut first_account = None;
    let mut router = Router::new();
    // Those that others call come first; what reads the outbox last, when every queue is declared.
    let order = [Role::Identity, Role::Song, Role::Encoder, Role::Edge, Role::Gateway, Role::Cdc];
    let ready = Ready::default();
    for role in order.into_iter().filter(|r| roles.contains(r)) {
        let named = || format!("the {role:?} role cannot start").to_lowercase();
        match role {
            Role::Identity => first_account = ground.identity().await.with_context(named)?,
            Role::Song => ground.song().await.with_context(named)?,
            Role::Encoder => ground.encoder(signer.clone()).await.with_context(named)?,
            Role::Edge => router = router.merge(ground.edge().await.with_context(named)?),
            Role::Gateway => {
                let gateway = ground.gateway(metrics.clone(), &ready).with_context(named)?;
                router = router.merge(gateway);
            }
            Role::Cdc => ground.cdc(),
        }
    }
    // Clients put and get bytes straight at the blob store: here it listens beside the roles.
    router = router.merge(ground.engines.blob.router());
    let (tasks, engines) = (ground.tasks, ground.engines);
    let closing = Box::pin(async move { engines.close().await });
    Ok(System { router, tasks, ready, first_account, closing })
}

impl Ground<'_> {
    /// Channels to roles that run elsewhere.
    fn find_peers(&mut self, here: &[Role]) -> anyhow::Result<()> {
        for (service, role) in SERVICES {
            let name = format!("{role:?}").to_lowercase();
            if let Some(peers) = self.config.peers.get(&name).filter(|_| !here.contains(&role)) {
                let targets = peers.uris().map_err(|message| ConfigError::value(&format!("peers.{name}"), message))?;
                self.channels.insert(service, Channel::remote(targets, Arc::clone(&self.auth.policies)));
            }
        }
        Ok(())
    }

    fn channel(&self, service: &'static str) -> anyhow::Result<Channel> {
        let found = self.channels.get(service).cloned();
        found.with_context(|| format!("{service} is needed: run its role here too, or name it under [peers]"))
    }

    fn server(&self) -> Server {
        Server::new(self.config.rpc.clone(), self.auth.clone())
    }

    async fn identity(&mut self) -> anyhow::Result<Option<FirstAccount>> {
        Identity::migrate(&self.engines.store).await?;
        let deps = segue_identity::Deps {
            store: self.engines.store.clone(),
            bus: self.engines.bus(),
            verifier: self.auth.verifier.clone(),
            clock: self.engines.clock.clone(),
        };
        let identity = Identity::new(self.config.identity.clone(), deps).await?;
        let first = identity.ensure_first_account().await?;
        self.channels.insert(SERVICES[0].0, Channel::local(self.server().add(identity.service()).router()));
        let stop = self.stop.clone();
        self.tasks.spawn(async move { identity.run(stop).await });
        Ok(first)
    }

    async fn song(&mut self) -> anyhow::Result<()> {
        Song::migrate(&self.engines.store).await?;
        let deps = segue_song::Deps {
            store: self.engines.store.clone(),
            blob: self.engines.blob(),
            bus: self.engines.bus(),
            grants: self.engines.grants()?,
            clock: self.engines.clock.clone(),
            crash: crash::point,
        };
        let song = Song::new(self.config.song.clone(), deps)?;
        song.declare().await?;
        self.channels.insert(SERVICES[1].0, Channel::local(self.server().add(song.service()).router()));
        let stop = self.stop.clone();
        self.tasks.spawn(async move { song.run(stop).await });
        Ok(())
    }

    async fn encoder(&mut self, role: RoleSigner) -> anyhow::Result<()> {
        Encoder::migrate(&self.engines.store).await?;
        let deps = segue_encoder::Deps {
            store: self.engines.store.clone(),
            blob: self.engines.blob(),
            bus: self.engines.bus(),
            songs: self.channel(SERVICES[1].0)?,
            role,
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
        let encoder = Encoder::new(config, deps)?;
        encoder.declare().await?;
        self.channels.insert(SERVICES[2].0, Channel::local(self.server().add(encoder.service()).router()));
        let stop = self.stop.clone();
        self.tasks.spawn(async move { encoder.run(stop).await });
        Ok(())
    }

    async fn edge(&self) -> anyhow::Result<Router> {
        let mut config = self.config.edge.clone();
        // A relative folder is one in the data folder.
        config.cache_dir = self.config.process.data.join(config.cache_dir);
        let deps = segue_edge::Deps {
            blob: self.engines.blob(),
            grants: self.engines.grant_verifier()?,
            clock: self.engines.clock.clone(),
        };
        Ok(Edge::open(config, deps).await?.router())
    }

    fn gateway(&self, metrics: PrometheusHandle, ready: &Ready) -> anyhow::Result<Router> {
        let routes = self
            .channels
            .iter()
            .map(|(service, channel)| Route { service: (*service).into(), channel: channel.clone() });
        let services: Vec<String> = self.channels.keys().map(|s| (*s).to_owned()).collect();
        let ready = ready.clone();
        let upkeep = metrics.clone();
        self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(async move {
            let mut ticks = tokio::time::interval(std::time::Duration::from_secs(10));
            loop {
                // Histograms grow until they are drained.
                ticks.tick().await;
                upkeep.run_upkeep();
            }
        }));
        let deps = segue_gateway::Deps {
            auth: Auth { door: Door::Public, ..self.auth.clone() },
            identity: self.channel(SERVICES[0].0)?,
            routes: routes.collect(),
            metrics: Arc::new(move || metrics.render()),
            ready: Arc::new(move || services.iter().map(|s| (s.clone(), ready.get())).collect()),
        };
        Ok(Gateway::new(self.config.gateway.clone(), deps)?.router())
    }

    fn cdc(&self) {
        let deps = segue_cdc::Deps {
            store: self.engines.store.clone(),
            bus: self.engines.bus(),
            clock: self.engines.clock.clone(),
            crash: crash::point,
        };
        let relay = Relay::new(deps);
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            // Fails only at the start, over an engine that it was not made for.
            if let Err(error) = relay.run(stop).await {
                tracing::error!(%error, "the change relay cannot run");
            }
        });
    }
}
