//! The embedded engine: queues in a SQLite file, leases in memory.
//!
//! One writer task owns the only writing connection. It takes whatever is waiting (publishes, answers of
//! consumers) into one transaction, so many callers share one fsync. One dispatcher task per consumed queue
//! reads ahead a little and hands messages to the consumers that wait. A lease is nothing but a value in this
//! process: when it dies, every message that was not answered is simply still in the file.

mod batch;
mod consumer;
mod dead;
mod delivery;
mod dispatcher;
mod file;
mod lease;
mod listener;
mod routes;
mod stored;
mod writer;

use async_trait::async_trait;
use consumer::EmbeddedConsumer;
use dead::Verdict;
use dispatcher::{Dispatcher, Request};
use listener::EmbeddedListener;
use sea_orm::sqlx::SqlitePool;
use segue_domain::Clock;
use segue_ports::bus::{Bus, BusError, DeadLetter, Listener, Message, WorkConsumer, WorkQueue};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use writer::Writer;

/// Messages that a slow listener may be behind before it hears a gap.
const BROADCAST_CAPACITY: usize = 1024;
/// Requests of consumers that may wait for a dispatcher to notice them.
const REQUEST_CAPACITY: usize = 64;

/// What the composition root may set.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Called with the name of a point that a crash must survive: `bus-published` after a publish was
    /// committed and before it returns, `bus-job-delivered` after a message was handed out, `bus-before-ack`
    /// before an acknowledgement is written.
    pub crash: fn(&'static str),
}

impl Default for Config {
    fn default() -> Self {
        Self { crash: |_| {} }
    }
}

/// Durable queues in a SQLite file, for one process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Embedded(Arc<Engine>);

#[derive(Debug)]
struct Engine {
    writer: Writer,
    reader: SqlitePool,
    broadcast: broadcast::Sender<Arc<Message>>,
    dispatchers: Mutex<HashMap<&'static str, mpsc::Sender<Request>>>,
    closed: CancellationToken,
    clock: Arc<dyn Clock>,
    config: Config,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}

impl Embedded {
    /// Opens the queues in the file at `path`, which is made when it is missing; its folder must exist.
    /// Whatever was not answered when the file was last used is waiting again.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] when the file cannot be used, or when another process has it open.
    pub async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, BusError> {
        Self::open_with(path, clock, Config::default()).await
    }

    /// As [`Embedded::open`], with settings.
    ///
    /// # Errors
    /// As [`Embedded::open`].
    pub async fn open_with(path: &Path, clock: Arc<dyn Clock>, config: Config) -> Result<Self, BusError> {
        let (broadcast, _) = broadcast::channel(BROADCAST_CAPACITY);
        let writer = Writer::open(path, clock.clone(), broadcast.clone()).await?;
        let reader = file::reader(path).await.map_err(BusError::unavailable)?;
        Ok(Self(Arc::new(Engine {
            writer,
            reader,
            broadcast,
            dispatchers: Mutex::default(),
            closed: CancellationToken::new(),
            clock,
            config,
        })))
    }

    /// Shuts the bus down: consumers and listeners hear [`BusError::Closed`], and so does who publishes. What
    /// was delivered may still be answered.
    pub fn close(&self) {
        self.0.closed.cancel();
    }
}

impl Engine {
    fn open(&self) -> Result<(), BusError> {
        if self.closed.is_cancelled() { Err(BusError::Closed) } else { Ok(()) }
    }

    async fn judge(&self, queue: &str, id: &str, verdict: Verdict) -> Result<bool, BusError> {
        self.open()?;
        match id.parse() {
            Ok(number) => self.writer.judge(queue.to_owned(), number, verdict).await,
            Err(_) => Ok(false),
        }
    }
}

#[async_trait]
impl Bus for Embedded {
    /// The topics replace those of an earlier declaration under the same name.
    async fn declare(&self, queue: &WorkQueue) -> Result<(), BusError> {
        self.0.open()?;
        self.0.writer.declare(queue).await.map(drop)
    }

    /// One transaction. A message whose id is already in a queue, or was answered there in the last hour (of
    /// the last 100,000), does not enter it again.
    async fn publish(&self, messages: Vec<Message>) -> Result<(), BusError> {
        self.0.open()?;
        if messages.is_empty() {
            return Ok(());
        }
        self.0.writer.publish(messages).await?;
        (self.0.config.crash)("bus-published");
        Ok(())
    }

    async fn consume(&self, queue: &WorkQueue) -> Result<Box<dyn WorkConsumer>, BusError> {
        self.0.open()?;
        let handle = self.0.writer.declare(queue).await?;
        let requests = {
            let mut dispatchers = self.0.dispatchers.lock().unwrap_or_else(PoisonError::into_inner);
            dispatchers
                .entry(queue.name)
                .or_insert_with(|| {
                    let (sender, receiver) = mpsc::channel(REQUEST_CAPACITY);
                    let dispatcher = Dispatcher::new(
                        queue.name,
                        handle,
                        receiver,
                        self.0.writer.clone(),
                        self.0.reader.clone(),
                        self.0.clock.clone(),
                    );
                    tokio::spawn(dispatcher.run(self.0.closed.clone()));
                    sender
                })
                .clone()
        };
        Ok(Box::new(EmbeddedConsumer::new(self.0.clone(), requests, queue)))
    }

    fn announce(&self, message: Message) {
        if !self.0.closed.is_cancelled() {
            // An error only says that nobody listens.
            let _ = self.0.broadcast.send(Arc::new(message));
        }
    }

    async fn listen(&self, topics: &[&str]) -> Result<Box<dyn Listener>, BusError> {
        self.0.open()?;
        let receiver = self.0.broadcast.subscribe();
        Ok(Box::new(EmbeddedListener::new(receiver, topics, self.0.closed.clone())))
    }

    async fn dead_letters(&self, queue: &str) -> Result<Vec<DeadLetter>, BusError> {
        dead::list(&self.0.reader, queue).await.map_err(BusError::unavailable)
    }

    async fn retry_dead(&self, queue: &str, id: &str) -> Result<bool, BusError> {
        self.0.judge(queue, id, Verdict::Retry).await
    }

    async fn drop_dead(&self, queue: &str, id: &str) -> Result<bool, BusError> {
        self.0.judge(queue, id, Verdict::Drop).await
    }
}
