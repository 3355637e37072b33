//! The bus on RabbitMQ.
//!
//! Two connections, because the broker blocks whole connections: one that publishes may be stopped for lack of memory
//! or disk while the other still acknowledges. On top of them are tasks: a publisher for events, one for copies of
//! failed messages, one for announcements, and one task per consumer and per listener. Whatever they hold on a
//! connection is made anew on the next.

mod config;
mod consumer;
mod dead;
mod delivery;
mod limit;
mod link;
mod listener;
mod names;
mod publisher;
mod topology;
mod wire;

pub use config::{BrokerUrl, RabbitConfig};

use async_trait::async_trait;
use consumer::RabbitConsumer;
use dead::Verdict;
use lapin::uri::AMQPUri;
use link::{Link, Nodes, Supervisor};
use listener::RabbitListener;
use names::Names;
use publisher::{Outgoing, Publisher, Setting};
use segue_domain::Clock;
use segue_ports::bus::{Bus, BusError, DeadLetter, Listener, Message, WorkConsumer, WorkQueue};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use topology::Topology;
use wire::Mark;

/// Calls of [`Bus::publish`] that may wait for the publisher.
const CALLS: usize = 64;
/// Announcements that may wait for the broker; more are lost, and listeners hear a gap.
const ANNOUNCEMENTS: usize = 1024;
/// Announcements that may be on their way.
const ANNOUNCED: usize = 64;
/// Topic that tells all listeners of a gap: announcements were lost on their way to the broker.
const MISSED: &str = "segue.gap";
/// Pause before a gap that could not be told is told again.
const PAUSE: Duration = Duration::from_secs(1);

/// A configuration with which there will never be a connection.
#[derive(Debug, thiserror::Error)]
pub enum RabbitError {
    /// A setting is wrong; the sentence begins with its key.
    #[error("{0}")]
    Config(String),
    /// The broker is there and refuses: password, user or vhost.
    #[error("bus.url: the broker at {url:?} refuses: {said}; check user, password and vhost")]
    Refused {
        /// Where, without the password.
        url: BrokerUrl,
        /// What the broker said.
        said: String,
    },
}

/// The bus on RabbitMQ. Cheap to clone; ends with the last clone and the last thing that it gave out.
#[derive(Debug, Clone)]
pub struct Rabbit {
    core: Arc<Core>,
    guard: Arc<DropGuard>,
}

/// What the parts share.
#[derive(Debug)]
struct Core {
    limit: Duration,
    close_timeout: Duration,
    topology: Arc<Topology>,
    consuming: Link,
    publishing: Link,
    events: Publisher,
    /// Copies, one after the other, so that each confirm surely is its own.
    copies: Publisher,
    announcements: Publisher,
    missed: Arc<Notify>,
    clock: Arc<dyn Clock>,
    tasks: TaskTracker,
    /// Deliveries in somebody's hands.
    hands: TaskTracker,
    /// Nothing new is taken or given.
    closing: CancellationToken,
    /// Connections and tasks end.
    ended: CancellationToken,
}

impl Rabbit {
    /// A bus on the broker at `config.url`. A broker that is away is waited for in the background, as it is later:
    /// calls fail with [`BusError::Unavailable`] after `answer_timeout_ms`, consumers and listeners wait.
    ///
    /// # Errors
    /// [`RabbitError`], when waiting would not help.
    pub async fn connect(config: RabbitConfig, clock: Arc<dyn Clock>) -> Result<Self, RabbitError> {
        config.validate().map_err(RabbitError::Config)?;
        let wrong = |e: String| {
            RabbitError::Config(format!(
                "bus.url is not amqp://user:password@host:port/vhost (%2f is the default vhost): {e}"
            ))
        };
        let mut nodes = Vec::new();
        for node in config.url.nodes() {
            let mut uri: AMQPUri = node.parse().map_err(wrong)?;
            uri.query.heartbeat.get_or_insert(config.heartbeat_s);
            nodes.push(uri);
        }
        let nodes = Arc::new(Nodes::new(nodes));

        let limit = config.limit();
        let topology = Arc::new(Topology::new(Names::new(&config.prefix), limit));
        let (tasks, ended) = (TaskTracker::new(), CancellationToken::new());
        let supervisor = |name| Supervisor {
            name,
            nodes: nodes.clone(),
            topology: topology.clone(),
            limit,
            longest_pause: Duration::from_millis(config.longest_pause_ms),
            ended: ended.clone(),
        };
        let consume = supervisor("consume");
        let mut first = consume.connect(limit).await;
        for _ in 1..nodes.count() {
            if first.is_err() {
                first = consume.connect(limit).await;
            }
        }
        let first = match first {
            Ok(connection) => Some(connection),
            Err(fault) if matches!(fault.code(), Some(403 | 530)) => {
                return Err(RabbitError::Refused { url: config.url, said: fault.said() });
            }
            Err(fault) => {
                tracing::warn!(error = %fault, url = ?config.url, "broker is away; waiting for it");
                None
            }
        };
        let consuming = consume.start(first, &tasks);
        let publishing = supervisor("publish").start(None, &tasks);

        let missed = Arc::<Notify>::default();
        let publisher = |window, capacity, lost: &Arc<Notify>| {
            let setting = Setting {
                link: publishing.clone(),
                topology: topology.clone(),
                window,
                capacity,
                limit,
                lost: lost.clone(),
                ended: ended.clone(),
            };
            Publisher::start(setting, &tasks)
        };
        let nobody = Arc::<Notify>::default();
        let core = Arc::new(Core {
            events: publisher(config.window, CALLS, &nobody),
            copies: publisher(1, CALLS, &nobody),
            announcements: publisher(ANNOUNCED, ANNOUNCEMENTS, &missed),
            limit,
            close_timeout: Duration::from_millis(config.close_timeout_ms),
            topology,
            consuming,
            publishing,
            missed,
            clock,
            tasks: tasks.clone(),
            hands: TaskTracker::new(),
            closing: CancellationToken::new(),
            ended: ended.clone(),
        });
        tasks.spawn(tell_of_gaps(core.clone()));
        // Consumers and listeners end by the first token, connections by the second.
        let closing = core.closing.clone();
        tasks.spawn(async move {
            ended.cancelled().await;
            closing.cancel();
        });
        let guard = Arc::new(core.ended.clone().drop_guard());
        Ok(Self { core, guard })
    }

    /// True while both connections are there.
    pub fn is_connected(&self) -> bool {
        self.core.consuming.up() && self.core.publishing.up()
    }

    /// Shuts the bus down: consumers and listeners hear [`BusError::Closed`], and so does who publishes. What is in
    /// somebody's hands may still be answered, for `close_timeout_ms`; what nobody took goes back to the broker.
    pub async fn close(&self) {
        self.core.closing.cancel();
        self.core.hands.close();
        if tokio::time::timeout(self.core.close_timeout, self.core.hands.wait()).await.is_err() {
            tracing::warn!(
                held = self.core.hands.len(),
                "messages were not answered before the bus ended; they come again"
            );
        }
        self.core.ended.cancel();
        self.core.tasks.close();
        if tokio::time::timeout(self.core.limit, self.core.tasks.wait()).await.is_err() {
            tracing::warn!("the bus did not end in order");
        }
    }
}

impl Core {
    fn open(&self) -> Result<(), BusError> {
        if self.closing.is_cancelled() { Err(BusError::Closed) } else { Ok(()) }
    }

    /// Publishes a copy straight into a queue; `Ok` when it is durable there.
    async fn transfer(&self, queue: String, message: &Message, mark: Mark<'_>) -> Result<(), BusError> {
        let copy = Outgoing {
            exchange: "".into(),
            key: queue.into(),
            mandatory: true,
            properties: wire::properties(message, mark),
            payload: message.payload.clone(),
        };
        self.copies.publish(vec![copy]).await
    }

    fn announcement(&self, message: Message) -> Outgoing {
        Outgoing {
            exchange: self.topology.names.announcements().into(),
            key: message.topic.as_str().into(),
            mandatory: false,
            properties: wire::properties(&message, Mark::Transient),
            payload: message.payload,
        }
    }
}

#[async_trait]
impl Bus for Rabbit {
    /// Topics are added to those of earlier declarations: a broker does not tell what a queue is bound to, so what is
    /// not wanted any more has to be unbound by hand. Fails when the broker is away, and then declares it when it is
    /// back.
    async fn declare(&self, queue: &WorkQueue) -> Result<(), BusError> {
        self.core.open()?;
        self.core.topology.remember(queue)?;
        let session = self.core.consuming.session_within(self.core.limit).await?;
        self.core.topology.declare(&session, queue).await
    }

    /// A topic that no queue takes is published all the same. One that a queue of this process should take, and does
    /// not, is a fault: the queues are declared again first.
    async fn publish(&self, messages: Vec<Message>) -> Result<(), BusError> {
        self.core.open()?;
        messages.iter().try_for_each(wire::check)?;
        let exchange = self.core.topology.names.events();
        let count = messages.len() as u64;
        let outgoing = messages.into_iter().map(|message| Outgoing {
            exchange: exchange.as_str().into(),
            key: message.topic.as_str().into(),
            mandatory: self.core.topology.wanted(&message.topic),
            properties: wire::properties(&message, Mark::Fresh),
            payload: message.payload,
        });
        self.core.events.publish(outgoing.collect()).await?;
        metrics::counter!("segue_bus_published_total").increment(count);
        Ok(())
    }

    async fn consume(&self, queue: &WorkQueue) -> Result<Box<dyn WorkConsumer>, BusError> {
        self.core.open()?;
        let consumer = RabbitConsumer::open(self.core.clone(), self.guard.clone(), queue).await?;
        Ok(Box::new(consumer))
    }

    fn announce(&self, message: Message) {
        if self.core.closing.is_cancelled() || wire::check(&message).is_err() {
            return;
        }
        if !self.core.announcements.offer(self.core.announcement(message)) {
            self.core.missed.notify_one();
        }
    }

    async fn listen(&self, topics: &[&str]) -> Result<Box<dyn Listener>, BusError> {
        self.core.open()?;
        let listener = RabbitListener::open(self.core.clone(), self.guard.clone(), topics).await?;
        Ok(Box::new(listener))
    }

    async fn dead_letters(&self, queue: &str) -> Result<Vec<DeadLetter>, BusError> {
        self.core.open()?;
        dead::list(&self.core, queue).await
    }

    async fn retry_dead(&self, queue: &str, id: &str) -> Result<bool, BusError> {
        self.core.open()?;
        dead::judge(&self.core, queue, id, Verdict::Retry).await
    }

    async fn drop_dead(&self, queue: &str, id: &str) -> Result<bool, BusError> {
        self.core.open()?;
        dead::judge(&self.core, queue, id, Verdict::Drop).await
    }
}

/// Whenever announcements were lost here, listeners everywhere hear of a gap, behind what was not lost.
async fn tell_of_gaps(core: Arc<Core>) {
    let work = async {
        loop {
            core.missed.notified().await;
            metrics::counter!("segue_bus_announcements_lost_total").increment(1);
            let gap = || {
                core.announcement(Message {
                    id: uuid::Uuid::new_v4().to_string(),
                    topic: MISSED.into(),
                    key: String::new(),
                    payload: bytes::Bytes::new(),
                    traceparent: None,
                })
            };
            while core.announcements.publish(vec![gap()]).await.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    };
    tokio::select! {
        biased;
        () = core.ended.cancelled() => {}
        () = work => {}
    }
}
