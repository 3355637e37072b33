//! The server into which roles register: service, health and reflection come with it.

use crate::layer::{auth, deadline, overload, panic, span};
use crate::{Auth, Ready, health_router, status};
use axum::{Router, middleware};
use http::{Request, Response};
use schemars::JsonSchema;
use segue_domain::{Code, Coded};
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use tonic::{body::Body, server::NamedService, service::Routes};
use tower::Service;

/// The `server` section of a role's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Calls that are handled at once; one more is refused with RESOURCE_EXHAUSTED.
    pub max_concurrent_calls: usize,
    /// Deadline of a call that names none, milliseconds.
    pub default_deadline_ms: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { max_concurrent_calls: 1024, default_deadline_ms: 30_000 }
    }
}

/// Collects the services of the roles of this process.
pub struct Server {
    config: ServerConfig,
    auth: Auth,
    ready: Ready,
    routes: Routes,
    names: Vec<String>,
}

impl Server {
    /// A server with health and reflection, and no role yet.
    pub fn new(config: ServerConfig, auth: Auth) -> Self {
        let ready: Ready = Arc::new(Vec::new);
        Self { config, auth, ready, routes: Routes::default(), names: Vec::new() }
    }

    /// Lets the health service say what `ready` says; without it everything is always serving.
    #[must_use]
    pub fn ready(self, ready: Ready) -> Self {
        Self { ready, ..self }
    }

    /// Registers a role's service.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "a builder's word, not arithmetic")]
    pub fn add<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.routes = self.routes.add_service(service);
        self.names.push(S::NAME.to_owned());
        self
    }

    /// The router, layers included; for a [`crate::Channel`] or a listener. Must be made within a tokio runtime.
    pub fn router(self) -> Router {
        let reflect = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(segue_proto::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let mut routes = self.routes;
        // Our own descriptor set is well formed, or the policy table could not have been read.
        if let Ok(v1) = reflect().build_v1() {
            routes = routes.add_service(v1);
        }
        if let Ok(v1alpha) = reflect().build_v1alpha() {
            routes = routes.add_service(v1alpha);
        }
        let slots = Arc::new(Semaphore::new(self.config.max_concurrent_calls));
        let limit = Duration::from_millis(self.config.default_deadline_ms);
        routes
            .prepare()
            .into_axum_router()
            .reset_fallback()
            .fallback(async |request: axum::extract::Request| {
                crate::layer::answer(status(NoSuchMethod(request.uri().path().chars().take(200).collect())))
            })
            // The last one added is the outermost.
            .layer(middleware::from_fn_with_state(self.auth, auth::layer))
            .layer(middleware::from_fn_with_state(limit, deadline::layer))
            .layer(middleware::from_fn_with_state(slots, overload::layer))
            .layer(middleware::from_fn(panic::layer))
            .layer(middleware::from_fn(span::layer))
            // Outside of all layers: a server under load is not a dead one.
            .merge(health_router(self.ready, self.names))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("there is no method {0} here; list the services with server reflection")]
struct NoSuchMethod(String);

impl Coded for NoSuchMethod {
    fn code(&self) -> Code {
        Code::Unimplemented
    }
    fn reason(&self) -> &'static str {
        "METHOD_UNKNOWN"
    }
}
