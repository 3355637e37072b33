//! One channel type for generated clients: to a server in this process or over the network. Callers cannot tell.

use crate::{layer::deadline, telemetry};
use http::{HeaderValue, Request, Response};
use std::{
    task::{Context, Poll},
    time::Duration,
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

    /// To one server over the network. Connects when first used, and again after a failure.
    pub fn remote(uri: http::Uri) -> Self {
        let channel = tonic::transport::Endpoint::from(uri)
            .connect_timeout(Duration::from_secs(2))
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_while_idle(true)
            .connect_lazy();
        Self { inner: BoxCloneSyncService::new(channel.map_err(BoxError::from)) }
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
