//! An OTLP receiver that remembers: what roles export as traces, metrics and logs, for tests to look at.

mod receive;
mod span;

pub use span::SpanSeen;

use std::{
    collections::{BTreeMap, VecDeque},
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};
use tokio_stream::wrappers::TcpListenerStream;

/// Spans that are kept; the oldest go first.
const MAX_SPANS: usize = 200_000;

/// What has come so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    spans: VecDeque<SpanSeen>,
    /// Data points by the name of their metric.
    metrics: BTreeMap<String, u64>,
    logs: u64,
}

/// Where exports go; shared by the three services.
pub(crate) type Sink = Arc<watch::Sender<Seen>>;

/// A running receiver of OTLP over gRPC. Dropping it frees the port.
#[derive(Debug)]
pub struct OtlpReceiver {
    address: SocketAddr,
    seen: Sink,
    server: JoinHandle<()>,
}

impl OtlpReceiver {
    /// Listens on a free loopback port.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let seen = Sink::new(watch::Sender::new(Seen::default()));
        let served = receive::router(&seen).serve_with_incoming(TcpListenerStream::new(listener));
        let server = tokio::spawn(async move {
            let _ = served.await;
        });
        Ok(Self { address, seen, server })
    }

    /// For `telemetry.otlp_endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every span that has come, in the order of arrival.
    pub fn spans(&self) -> Vec<SpanSeen> {
        self.seen.borrow().spans.iter().cloned().collect()
    }

    /// How many data points have come, by the name of their metric.
    pub fn metrics(&self) -> BTreeMap<String, u64> {
        self.seen.borrow().metrics.clone()
    }

    /// How many log records have come.
    pub fn logs(&self) -> u64 {
        self.seen.borrow().logs
    }

    /// Waits until `found` finds what it looks for among the spans; `None` when it has not within `limit`.
    pub async fn wait_for<T>(
        &self,
        limit: Duration,
        mut found: impl FnMut(&[SpanSeen]) -> Option<T>,
    ) -> Option<T> {
        let mut news = self.seen.subscribe();
        let look = async {
            loop {
                news.mark_unchanged();
                if let Some(answer) = found(&self.spans()) {
                    return Some(answer);
                }
                news.changed().await.ok()?;
            }
        };
        timeout(limit, look).await.ok().flatten()
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}
