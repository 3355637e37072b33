//! A gateway on a port, with services behind it in the same process or over the network.

use crate::backend::Backend;
use segue_domain::{SessionId, SystemClock, UserId};
use segue_gateway::{Deps, Gateway, GatewayConfig, Route};
use segue_mesh::{
    Auth, Channel, Claims, Door, ListenConfig, Policies, Server, ServerConfig, Verifier, VerifierConfig,
    VerifyingKey, sign_token,
};
use segue_proto::{
    identity::v1::{
        identity_service_client::IdentityServiceClient, identity_service_server::IdentityServiceServer,
    },
    song::v1::{song_service_client::SongServiceClient, song_service_server::SongServiceServer},
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Request, transport};

/// Where the services are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    Local,
    Remote,
}

pub(crate) const BOTH: [Behind; 2] = [Behind::Local, Behind::Remote];
pub(crate) const SONG: &str = "segue.song.v1.SongService";
pub(crate) const IDENTITY: &str = "segue.identity.v1.IdentityService";

pub(crate) struct Rig {
    pub(crate) address: SocketAddr,
    pub(crate) backend: Backend,
    pub(crate) store_ready: Arc<AtomicBool>,
    /// Where the services run, when they are remote.
    services: Option<Runtime>,
    _stop: DropGuard,
}

pub(crate) async fn listen(router: axum::Router, stop: CancellationToken) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = ListenConfig { grace_ms: 50, ..ListenConfig::default() };
    tokio::spawn(segue_mesh::serve(listener, router, config, stop));
    address
}

pub(crate) fn auth(policies: Policies, door: Door) -> Auth {
    let clock = Arc::new(SystemClock);
    let verifier = Verifier::new(VerifierConfig::default(), clock.clone());
    let public = ed25519_dalek::SigningKey::from_bytes(&[1; 32]).verifying_key().to_bytes();
    verifier.set_user_keys(&[VerifyingKey { id: "k1".into(), public }]);
    Auth { verifier, policies: Arc::new(policies), door, clock }
}

impl Rig {
    pub(crate) async fn start(behind: Behind) -> Self {
        Self::with(behind, GatewayConfig::default()).await
    }

    pub(crate) async fn with(behind: Behind, config: GatewayConfig) -> Self {
        let stop = CancellationToken::new();
        let backend = Backend::default();
        let policies = Policies::segue().unwrap();
        // Its own limits out of the way: the gateway's are tested.
        let server = Server::new(
            ServerConfig { default_deadline_ms: 600_000, ..ServerConfig::default() },
            auth(policies.clone(), Door::Inner),
        )
        .add(SongServiceServer::new(backend.clone()))
        .add(IdentityServiceServer::new(backend.clone()))
        .router();
        let mut services = None;
        let channel = match behind {
            Behind::Local => Channel::local(server),
            Behind::Remote => {
                let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
                let address = runtime.spawn(listen(server, stop.clone())).await.unwrap();
                services = Some(runtime);
                let target = format!("http://{address}").parse().unwrap();
                Channel::remote(vec![target], Arc::new(policies.clone()))
            }
        };
        let store_ready = Arc::new(AtomicBool::new(true));
        let store = Arc::clone(&store_ready);
        let deps = Deps {
            auth: auth(policies, Door::Public),
            routes: [SONG, IDENTITY].map(|s| Route { service: s.into(), channel: channel.clone() }).into(),
            budgets: None,
            identity: channel,
            metrics: Arc::new(|| "segue_up 1\n".into()),
            ready: Arc::new(move || {
                vec![("store".into(), store.load(Ordering::SeqCst)), ("bus".into(), true)]
            }),
        };
        let gateway = Gateway::new(config, deps).unwrap();
        let address = listen(gateway.router(), stop.clone()).await;
        Self { address, backend, store_ready, services, _stop: stop.drop_guard() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn channel(&self) -> transport::Channel {
        transport::Endpoint::from_shared(self.url()).unwrap().connect().await.unwrap()
    }

    pub(crate) async fn songs(&self) -> SongServiceClient<transport::Channel> {
        SongServiceClient::new(self.channel().await)
    }

    pub(crate) async fn identity(&self) -> IdentityServiceClient<transport::Channel> {
        IdentityServiceClient::new(self.channel().await)
    }

    /// Ends remote services and breaks their connections.
    pub(crate) fn kill_services(&mut self) {
        if let Some(services) = self.services.take() {
            services.shutdown_background();
        }
    }

    /// Waits until no handler is at work.
    pub(crate) async fn at_rest(&self) {
        for _ in 0..400 {
            if self.backend.at_work.load(Ordering::SeqCst) == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the service goes on working");
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.kill_services();
    }
}

/// A token of a new user.
pub(crate) fn token() -> String {
    let claims = Claims {
        iss: "segue".into(),
        aud: "segue".into(),
        sub: UserId::new().to_string(),
        sid: SessionId::new().to_string(),
        adm: false,
        iat: 0,
        exp: 32_503_680_000,
    };
    sign_token("k1", &[1; 32], &claims).unwrap()
}

/// A request with a token.
pub(crate) fn signed<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}
