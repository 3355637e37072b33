//! Serves a router on a listener that the caller has bound: HTTP/1.1 and HTTP/2 without TLS on one port.

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// The `listen` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListenConfig {
    /// Connections at once; more wait in the kernel's queue.
    pub max_connections: usize,
    /// How long a client may take to send the head of a request, milliseconds.
    pub header_timeout_ms: u64,
    /// HTTP/2 streams at once per connection.
    pub max_streams: u32,
    /// How long open requests may go on after shutdown began, milliseconds.
    pub grace_ms: u64,
    /// How long a process that is told to stop goes on taking calls after it said that it is not ready, milliseconds, so
    /// that balancers look elsewhere first. Not waited for by `segue up`.
    pub drain_ms: u64,
    /// How long sent bytes may stay unacknowledged before the connection is given up, milliseconds.
    pub stalled_ms: u32,
}

impl Default for ListenConfig {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            header_timeout_ms: 10_000,
            max_streams: 256,
            grace_ms: 10_000,
            drain_ms: 2_500,
            stalled_ms: 60_000,
        }
    }
}

/// Serves until `shutdown`, then stops accepting and lets open requests end within the grace time. Each
/// request carries its peer's [`SocketAddr`] as an extension.
pub async fn serve(listener: TcpListener, router: Router, config: ListenConfig, shutdown: CancellationToken) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(config.header_timeout_ms));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.max_streams)
        // Small frames that wait unread are budgeted against the connection's window (h2 0.4).
        .initial_connection_window_size(4 << 20)
        .initial_stream_window_size(1 << 20)
        .max_header_list_size(32 << 10)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    let builder = Arc::new(builder);
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(config.max_connections));
    let mut connections = JoinSet::new();

    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let (stream, peer, slot) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: others are served on, and it passes.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        // A client that stopped reading holds memory; it cannot hold it for ever.
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&stream, config.stalled_ms);
        let service = router.clone().map_request(move |mut request: http::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer);
            request.map(axum::body::Body::new)
        });
        let connection = builder
            .serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service))
            .into_owned();
        let connection = graceful.watch(connection);
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(Duration::from_millis(config.grace_ms), graceful.shutdown()).await.is_err() {
        tracing::warn!("grace time is over: open requests are cut off");
        connections.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> std::io::Result<(tokio::net::TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, slot))
}
