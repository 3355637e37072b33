//! A connection that comes back by itself.
//!
//! The client library can recover connections too, but then queues with fresh names stay silently dead and a channel
//! that the broker closed for a late acknowledgement hangs. So each connection is one [`Session`], never repaired:
//! when it ends, everybody lets it go and makes channels on the next one.

use super::{
    limit::{Fault, within},
    topology::Topology,
};
use futures::StreamExt;
use lapin::{
    Channel, Connection, ConnectionProperties, Event,
    tcp::{AMQPUriTcpExt, OwnedTLSConfig},
    uri::AMQPUri,
};
use segue_ports::bus::BusError;
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

/// First pause before connecting again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Longest handshake when nobody waits for it. A broker that stands still accepts connections and says nothing; an
/// attempt that is given up leaves a thread of the client library behind until the broker answers or dies, so they are
/// few, and one that is under way succeeds as soon as the broker goes on.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// A connection that lived this long was a good one: the next pause is the first again.
const GOOD: Duration = Duration::from_secs(10);
/// How often a connection is asked whether it lives, beside the events that it sends.
const PULSE: Duration = Duration::from_millis(500);

/// One connection, while it lives.
pub(super) struct Session {
    connection: Connection,
    broken: CancellationToken,
    limit: Duration,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session(alive: {})", self.alive())
    }
}

impl Session {
    /// A new channel. A connection that does not give one in time is of no use, and is ended.
    pub(super) async fn channel(&self) -> Result<Channel, Fault> {
        let opened = within(self.limit, "opening a channel", self.connection.create_channel()).await;
        if matches!(opened, Err(Fault::Slow(_))) || !self.alive() {
            self.broken.cancel();
        }
        opened
    }

    pub(super) fn alive(&self) -> bool {
        self.connection.status().connected()
    }

    /// The broker takes nothing from this connection at the moment: it is short of memory or disk.
    pub(super) fn blocked(&self) -> bool {
        self.connection.status().blocked()
    }
}

/// The way to the current session.
#[derive(Debug, Clone)]
pub(super) struct Link(watch::Receiver<Option<Arc<Session>>>);

impl Link {
    /// The session, if there is one now. Marks it as seen for [`Link::changed`].
    pub(super) fn now(&mut self) -> Option<Arc<Session>> {
        self.0.borrow_and_update().clone()
    }

    pub(super) fn up(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Until the session is another one, or none. Never, when the link has ended. Cancel-safe.
    pub(super) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// The session; waits for one. Cancel-safe.
    pub(super) async fn session(&mut self) -> Arc<Session> {
        loop {
            if let Some(session) = self.now() {
                return session;
            }
            self.changed().await;
        }
    }

    /// The session; waits for one at most so long.
    pub(super) async fn session_within(&self, limit: Duration) -> Result<Arc<Session>, BusError> {
        let mut link = self.clone();
        tokio::time::timeout(limit, link.session())
            .await
            .map_err(|_| BusError::unavailable("there is no connection to the broker"))
    }
}

/// The nodes of the broker. All links ask the same one, until it does not answer.
#[derive(Debug)]
pub(super) struct Nodes {
    all: Vec<AMQPUri>,
    turn: AtomicUsize,
}

impl Nodes {
    /// At least one.
    pub(super) fn new(all: Vec<AMQPUri>) -> Self {
        Self { all, turn: AtomicUsize::new(0) }
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    fn current(&self) -> (usize, AMQPUri) {
        let turn = self.turn.load(Ordering::Relaxed);
        (turn, self.all[turn % self.all.len()].clone())
    }

    /// The node of this turn did not answer: it is the next one's, for whoever asks first.
    fn pass(&self, turn: usize) {
        let _ = self.turn.compare_exchange(turn, turn.wrapping_add(1), Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// What a link is made of.
pub(super) struct Supervisor {
    /// For logs and metrics, and shown by the broker: "publish", "consume".
    pub(super) name: &'static str,
    pub(super) nodes: Arc<Nodes>,
    pub(super) topology: Arc<Topology>,
    pub(super) limit: Duration,
    pub(super) longest_pause: Duration,
    /// Ends it.
    pub(super) ended: CancellationToken,
}

impl Supervisor {
    /// Tries to connect once. A broker that is away is not a fault of the configuration; one that refuses is.
    pub(super) async fn connect(&self, handshake: Duration) -> Result<Connection, Fault> {
        let name = format!("segue {} {}", self.name, std::process::id());
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let runtime = lapin::runtime::default_runtime().map_err(|e| Fault::Broker("connecting", e))?;
        let limit = self.limit;
        // The client library sets no limit of its own to either.
        let reach = async move |uri: AMQPUri, runtime| {
            let tls = OwnedTLSConfig::default();
            let reached = AMQPUriTcpExt::connect_with_config_async(&uri, tls.as_ref(), &runtime);
            match tokio::time::timeout(limit, reached).await {
                Ok(stream) => stream.map_err(lapin::Error::from),
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        };
        let (turn, uri) = self.nodes.current();
        let connected = Connection::connector(uri, runtime, reach, properties);
        let connected = within(handshake, "connecting", connected).await;
        if connected.is_err() {
            self.nodes.pass(turn);
        }
        connected
    }

    /// Runs the link until it is ended; `first` is a connection that is there already.
    pub(super) fn start(self, first: Option<Connection>, tasks: &tokio_util::task::TaskTracker) -> Link {
        let (sessions, link) = watch::channel(None);
        tasks.spawn(async move { self.run(first, sessions).await });
        Link(link)
    }

    async fn run(self, mut first: Option<Connection>, sessions: watch::Sender<Option<Arc<Session>>>) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            let attempt = async {
                let connection = match first.take() {
                    Some(connection) => connection,
                    // With another node to ask, one that stands still is not waited for.
                    None => {
                        self.connect(if self.nodes.count() == 1 { HANDSHAKE } else { self.limit }).await?
                    }
                };
                let session = Session { connection, broken: CancellationToken::new(), limit: self.limit };
                self.topology.declare_all(&session).await?;
                Ok::<_, Fault>(Arc::new(session))
            };
            let attempt = tokio::select! {
                biased;
                () = self.ended.cancelled() => return,
                attempt = attempt => attempt,
            };
            match attempt {
                Ok(session) => {
                    tracing::info!(link = self.name, "connected to the broker");
                    metrics::counter!("segue_bus_connects_total", "link" => self.name).increment(1);
                    metrics::gauge!("segue_bus_connected", "link" => self.name).set(1.0);
                    sessions.send_replace(Some(session.clone()));
                    let ended = self.watch(&session).await;
                    sessions.send_replace(None);
                    metrics::gauge!("segue_bus_connected", "link" => self.name).set(0.0);
                    self.let_go(session).await;
                    let Some(why) = ended else { return };
                    tracing::warn!(link = self.name, reason = why, "connection to the broker is lost");
                    metrics::counter!("segue_bus_reconnects_total", "link" => self.name).increment(1);
                    if begun.elapsed() >= GOOD {
                        pause = FIRST_PAUSE;
                    }
                }
                Err(fault) => {
                    tracing::warn!(link = self.name, error = %fault, pause_ms = pause.as_millis() as u64, "broker is away");
                }
            }
            tokio::select! {
                biased;
                () = self.ended.cancelled() => return,
                () = tokio::time::sleep(jittered(pause)) => {}
            }
            pause = (pause * 2).min(self.longest_pause);
        }
    }

    /// Why the session is over; `None` when the link is ended.
    async fn watch(&self, session: &Session) -> Option<String> {
        let mut events = Box::pin(session.connection.events_listener());
        let mut pulse = tokio::time::interval(PULSE);
        loop {
            tokio::select! {
                biased;
                () = self.ended.cancelled() => return None,
                () = session.broken.cancelled() => return Some("it does not answer".into()),
                event = events.next() => match event {
                    // A channel's error is its owner's business.
                    Some(Event::Error(error)) if error.is_amqp_soft_error() => {}
                    Some(Event::Error(error)) => return Some(error.to_string()),
                    Some(Event::ConnectionBlocked(reason)) => {
                        tracing::warn!(link = self.name, reason, "the broker blocks publishing");
                        metrics::gauge!("segue_bus_blocked").set(1.0);
                    }
                    Some(Event::ConnectionUnblocked) => {
                        tracing::info!(link = self.name, "the broker takes messages again");
                        metrics::gauge!("segue_bus_blocked").set(0.0);
                    }
                    Some(_) => {}
                    None => return Some("it has ended".into()),
                },
                _ = pulse.tick() => if !session.alive() {
                    return Some("it was closed".into());
                }
            }
        }
    }

    /// Says goodbye when somebody is there to hear it.
    async fn let_go(&self, session: Arc<Session>) {
        let limit = self.limit.min(Duration::from_secs(1));
        let goodbye = session.connection.close(200, "OK".into());
        if session.alive()
            && let Err(fault) = within(limit, "closing the connection", goodbye).await
        {
            tracing::debug!(link = self.name, error = %fault, "connection was not closed in order");
        }
    }
}

/// Between half of it and all of it, so that processes that lost a broker together do not come back together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.5..1.0))
}
