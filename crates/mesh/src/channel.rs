//! One channel type for generated clients: to a server in this process or to several over the network. Callers
//! cannot tell.

mod attempt;
mod endpoint;
mod pool;
mod replay;
mod watch;

use crate::{Policies, layer::deadline, telemetry};
use http::{HeaderValue, Request, Response, Uri};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use tonic::body::Body;
use tower::{BoxError, ServiceExt, util::BoxCloneSyncService};

/// A client's end. Adds what is left of the current call's deadline and its trace context. Cheap to clone.
#[derive(Clone)]
pub struct Channel {
    inner: BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>,
}

impl Channel {
    /// To a server in this process, through all of its layers and no socket.
    pub fn local(server: axum::Router) -> Self {
        let service = server
            .map_request(|r: Request<Body>| r.map(axum::body::Body::new))
            .map_response(|r: Response<axum::body::Body>| r.map(Body::new))
            .map_err(|e| match e {});
        Self { inner: BoxCloneSyncService::new(service) }
    }

    /// To the servers of one role. A host name stands for every address it resolves to, asked again every 5 s. Servers
    /// are health-checked; a call goes to the one with the fewest calls in flight, and to another one when it could
    /// not be delivered or, if the contract says that a repeat is safe, when it was not answered. Connects when first
    /// used. Must be made within a tokio runtime: tasks watch the servers until the last clone is gone.
    ///
    /// # Errors
    /// A call that nobody answers ends UNAVAILABLE.
    pub fn remote(targets: Vec<Uri>, policies: Arc<Policies>) -> Self {
        let pool = pool::Pool::new(targets);
        tokio::spawn(watch::names(Arc::downgrade(&pool)));
        tokio::spawn(watch::health(Arc::downgrade(&pool)));
        let service = attempt::Balanced::new(pool, policies);
        Self { inner: BoxCloneSyncService::new(service) }
    }
}

impl tower::Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = futures::future::BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(left) = deadline::remaining() {
            let left = deadline::parse(request.headers()).map_or(left, |asked| asked.min(left));
            if let Ok(value) = HeaderValue::from_str(&deadline::format(left)) {
                request.headers_mut().insert("grpc-timeout", value);
            }
        }
        telemetry::inject(request.headers_mut());
        Box::pin(self.inner.call(request))
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Channel")
    }
}
