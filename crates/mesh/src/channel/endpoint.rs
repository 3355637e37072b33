//! One server: its connection, and what is known of how it does.

use http::Uri;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tonic::transport;

/// For how long a server that could not be reached gets no calls, the first time; doubles with each failure in a row.
const EJECTION: Duration = Duration::from_secs(1);
const LONGEST_EJECTION: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(1);
/// A silent peer is noticed after both of these.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
const KEEP_ALIVE_ANSWER: Duration = Duration::from_secs(3);

/// A server.
pub(super) struct Endpoint {
    /// For logs, and to find it again when names are resolved anew.
    pub(super) address: SocketAddr,
    pub(super) origin: Uri,
    pub(super) channel: transport::Channel,
    began: Instant,
    in_flight: AtomicUsize,
    failures: AtomicU32,
    /// Milliseconds since `began`.
    ejected_until: AtomicU64,
    serving: AtomicBool,
}

/// Counts a call as in flight until it is dropped.
pub(super) struct InFlight(Arc<Endpoint>);

impl Endpoint {
    pub(super) fn new(address: SocketAddr, origin: Uri) -> Self {
        let scheme = origin.scheme_str().unwrap_or("http");
        let uri = Uri::builder().scheme(scheme).authority(address.to_string()).path_and_query("/").build();
        // A socket address is always an authority.
        let uri = uri.unwrap_or_else(|_| origin.clone());
        let channel = transport::Endpoint::from(uri)
            .origin(origin.clone())
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE_ANSWER)
            .keep_alive_while_idle(true)
            // Small frames that wait unread are budgeted against the connection's window (h2 0.4).
            .initial_connection_window_size(4 << 20)
            .initial_stream_window_size(1 << 20)
            .connect_lazy();
        Self {
            address,
            origin,
            channel,
            began: Instant::now(),
            in_flight: AtomicUsize::new(0),
            failures: AtomicU32::new(0),
            ejected_until: AtomicU64::new(0),
            serving: AtomicBool::new(true),
        }
    }

    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    pub(super) fn load(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Takes calls, as far as is known.
    pub(super) fn available(&self) -> bool {
        self.serving.load(Ordering::Relaxed) && self.since() >= self.ejected_until.load(Ordering::Relaxed)
    }

    pub(super) fn succeeded(&self) {
        self.failures.store(0, Ordering::Relaxed);
    }

    /// It could not be reached: others get its calls for a while.
    pub(super) fn failed(&self) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).min(8);
        let pause = (EJECTION * 2_u32.pow(failures)).min(LONGEST_EJECTION);
        let until = self.since() + u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        self.ejected_until.store(until, Ordering::Relaxed);
        metrics::counter!("segue_mesh_ejections_total").increment(1);
    }

    /// What its health service said last.
    pub(super) fn set_serving(&self, serving: bool) {
        if self.serving.swap(serving, Ordering::Relaxed) != serving {
            tracing::info!(peer = %self.address, serving, "health of a server changed");
        }
        if serving {
            self.succeeded();
            self.ejected_until.store(0, Ordering::Relaxed);
        }
    }

    fn since(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
