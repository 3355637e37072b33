//! The gateway put together.

use crate::{
    Error, GatewayConfig,
    calls::Calls,
    cors,
    door::{self, Door},
    jwks::Jwks,
    methods::Methods,
    origin::Origin,
    plain::{self, Plain},
    rate::Rates,
    reflection,
    timeout::Limits,
};
use axum::Router;
use segue_mesh::{Auth, Channel, Metrics, Ready, health_router};
use segue_ports::budget::Budgets;
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Where the calls of a service go.
#[derive(Debug, Clone)]
pub struct Route {
    /// Full name: `segue.song.v1.SongService`.
    pub service: String,
    /// To whom.
    pub channel: Channel,
}

/// What a gateway stands on.
pub struct Deps {
    /// The first lock, with the public door.
    pub auth: Auth,
    /// Services that can be called. Those of the contracts that are not here do not exist for clients.
    pub routes: Vec<Route>,
    /// Budgets of calls that gateways share; without them each gateway has its own.
    pub budgets: Option<Arc<dyn Budgets>>,
    /// For the public keys of access tokens.
    pub identity: Channel,
    /// For `/metrics`.
    pub metrics: Metrics,
    /// For `/readyz` and the health service.
    pub ready: Ready,
}

/// The public door.
#[derive(Debug)]
pub struct Gateway {
    router: Router,
}

impl Gateway {
    /// Checks configuration and contracts, and builds. Must run within a tokio runtime: a task keeps the health
    /// service up to date until the gateway and its routers are gone.
    pub fn new(config: GatewayConfig, deps: Deps) -> Result<Self, Error> {
        config.validate()?;
        let rates = Rates::new(&config.limits, deps.budgets)?;
        let origin = Origin::new(&config.public_url, config.trust_forwarded)?;
        let cors = cors::layer(&config.cors_origins)?;
        let services: Vec<String> = deps.routes.iter().map(|r| r.service.clone()).collect();
        let common = reflection::router(&services)?.merge(health_router(Arc::clone(&deps.ready), services));
        let methods = Methods::new(&deps.auth.policies, &deps.routes, &Channel::local(common), &rates)?;
        let door = Door::new(Calls {
            auth: deps.auth,
            methods,
            rates,
            origin,
            limits: Limits {
                default: Duration::from_millis(config.default_deadline_ms),
                max: Duration::from_millis(config.max_deadline_ms),
            },
            max_message_bytes: config.max_message_bytes,
            trust_forwarded: config.trust_forwarded,
            slots: Semaphore::new(config.max_concurrent_calls),
        });
        let calls = Router::new().fallback(door::enter).with_state(door);
        let plain =
            plain::router(Plain { ready: deps.ready, metrics: deps.metrics, jwks: Jwks::new(deps.identity) });
        Ok(Self { router: plain.merge(calls).layer(cors) })
    }

    /// For a listener. Claims `/`, `/livez`, `/readyz`, `/metrics`, `/.well-known/jwks.json` and, as its fallback,
    /// every path that no other router merged with it claims.
    pub fn router(&self) -> Router {
        self.router.clone()
    }
}
