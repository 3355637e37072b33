//! The bus: durable work queues with competing consumers, and transient broadcasts.

mod facts;
mod hub;

pub use facts::Facts;
pub use hub::{Hub, HubError, News, Read, Signal, Watcher};

use async_trait::async_trait;
use bytes::Bytes;
use std::{sync::Arc, time::Duration};

/// A message. Delivered at least once; in order per key when published in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Equal for every delivery of the same fact (the event id).
    pub id: String,
    /// Routing key: `song.uploaded.v1`.
    pub topic: String,
    /// The aggregate that it is about.
    pub key: String,
    /// An encoded `segue.event.v1.Event`.
    pub payload: Bytes,
    /// W3C trace context of the change, when there is one.
    pub traceparent: Option<String>,
}

/// A durable queue that processes share: each message goes to one of them until it is acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkQueue {
    /// Name; the same name is the same queue.
    pub name: &'static str,
    /// Topics, with `*` for one word and `#` for any number of words, as in AMQP.
    pub topics: &'static [&'static str],
    /// How many messages one consumer holds at a time.
    pub prefetch: u16,
    /// After this many failures of the message itself it becomes a dead letter.
    pub max_failures: u32,
    /// Wait before the first redelivery after a failure; doubles with each.
    pub backoff: Duration,
}

/// What a caller of the bus can do about an error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BusError {
    /// The engine is away, slow or broken: try again. What was not confirmed may or may not have arrived.
    #[error("bus is unavailable: {0}")]
    Unavailable(Arc<dyn std::error::Error + Send + Sync>),
    /// The engine refuses what was asked, and will again: a person has to change the code, the configuration or
    /// the engine. The sentence says what and how.
    #[error("bus refuses: {0}")]
    Refused(String),
    /// The bus was shut down.
    #[error("bus is closed")]
    Closed,
}

impl BusError {
    /// An engine's failure.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(source.into()))
    }
}

/// A message that was handed to this consumer. Exactly one of the methods ends it; dropping it (or dying)
/// gives it back as it was.
#[async_trait]
pub trait Delivery: Send {
    /// The message.
    fn message(&self) -> &Message;
    /// 1 for the first try; grows with each failure of the message itself, not with redeliveries after a crash.
    fn attempt(&self) -> u32;
    /// True when a failure now would make it a dead letter.
    fn last_attempt(&self) -> bool;
    /// It is done, and does not come again, unless the engine loses its power before it has written that down.
    async fn ack(self: Box<Self>) -> Result<(), BusError>;
    /// It failed by itself: comes again after the backoff, or becomes a dead letter with this reason.
    async fn fail(self: Box<Self>, reason: &str) -> Result<(), BusError>;
    /// It could not be tried (an engine is away): comes again after `after`, and nothing is counted.
    async fn release(self: Box<Self>, after: Duration) -> Result<(), BusError>;
}

/// Answers several deliveries at once. All are tried: what was done and cannot be acknowledged comes again, and doing it
/// again changes nothing.
///
/// # Errors
/// The first of theirs.
pub async fn all_answered(
    answers: impl Iterator<Item = impl Future<Output = Result<(), BusError>>>,
) -> Result<(), BusError> {
    futures::future::join_all(answers).await.into_iter().collect()
}

/// A consumer's end of a work queue.
#[async_trait]
pub trait WorkConsumer: Send {
    /// The next message; waits for one. `Err(Closed)` after shutdown. Cancel-safe.
    async fn next(&mut self) -> Result<Box<dyn Delivery>, BusError>;
}

/// What a broadcast subscriber hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message.
    Message(Message),
    /// Messages may have been missed: drop what depends on having heard all.
    Gap,
}

/// A subscriber's end of a broadcast. Transient: only what is said while it listens.
#[async_trait]
pub trait Listener: Send {
    /// What is heard next. A subscriber that falls behind hears [`Heard::Gap`]. Cancel-safe.
    async fn next(&mut self) -> Result<Heard, BusError>;
}

/// A message that could not be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Names it within its queue.
    pub id: String,
    /// The queue it was in.
    pub queue: String,
    /// The message.
    pub message: Message,
    /// What the last failure said.
    pub reason: String,
    /// Failures of the message itself.
    pub failures: u32,
}

/// A bus.
#[async_trait]
pub trait Bus: std::fmt::Debug + Send + Sync + 'static {
    /// Makes the queue durable, so that messages published from now on wait in it. Repeating it changes nothing.
    async fn declare(&self, queue: &WorkQueue) -> Result<(), BusError>;
    /// Publishes in order. `Ok` means durable in every declared queue that the topics match.
    async fn publish(&self, messages: Vec<Message>) -> Result<(), BusError>;
    /// A consumer of a queue; declares it.
    async fn consume(&self, queue: &WorkQueue) -> Result<Box<dyn WorkConsumer>, BusError>;
    /// Says something to whoever listens now (progress); lossy, never stored, never blocks.
    fn announce(&self, message: Message);
    /// Listens to published and announced messages of these topics.
    async fn listen(&self, topics: &[&str]) -> Result<Box<dyn Listener>, BusError>;
    /// Dead letters of a queue, oldest first; at most 1,000. None for a queue that is not there.
    async fn dead_letters(&self, queue: &str) -> Result<Vec<DeadLetter>, BusError>;
    /// Puts a dead letter back into its queue, as if it had never been tried; no other queue gets it. False when
    /// there is no such dead letter (any more), so repeating it changes nothing.
    async fn retry_dead(&self, _queue: &str, _id: &str) -> Result<bool, BusError> {
        Ok(false)
    }
    /// Throws a dead letter away. False when there is no such dead letter (any more), so repeating it changes
    /// nothing.
    async fn drop_dead(&self, _queue: &str, _id: &str) -> Result<bool, BusError> {
        Ok(false)
    }
}

/// True when `topic` matches `pattern`: words between dots, `*` is one word, `#` any number of words.
pub fn topic_matches(pattern: &str, topic: &str) -> bool {
    fn words(pattern: &[&str], topic: &[&str]) -> bool {
        match pattern {
            [] => topic.is_empty(),
            ["#", rest @ ..] => (0..=topic.len()).any(|n| words(rest, &topic[n..])),
            ["*", rest @ ..] => !topic.is_empty() && words(rest, &topic[1..]),
            [word, rest @ ..] => topic.first() == Some(word) && words(rest, &topic[1..]),
        }
    }
    let split = |s| str::split(s, '.').collect::<Vec<_>>();
    words(&split(pattern), &split(topic))
}

#[cfg(test)]
mod tests {
    use super::topic_matches;

    #[test]
    fn patterns_match_as_in_amqp() {
        assert!(topic_matches("song.#", "song.ready.v1"));
        assert!(topic_matches("song.*.v1", "song.ready.v1"));
        assert!(topic_matches("#", "a"));
        assert!(topic_matches("song.ready.v1", "song.ready.v1"));
        assert!(!topic_matches("song.*", "song.ready.v1"));
        assert!(!topic_matches("song.ready", "song.ready.v1"));
        assert!(!topic_matches("encoding.#", "song.ready.v1"));
    }
}
