//! What is declared on the broker: exchanges, and per work queue a dead-letter queue and the queues in which failed
//! messages wait.
//!
//! A failed message is published to a queue with a time to live and dead-letters back from there. It is never
//! rejected into such a loop: the broker drops messages that go round by dead-lettering alone.

use super::{
    limit::{Fault, within},
    link::Session,
    names::Names,
};
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use segue_ports::bus::{BusError, WorkQueue, topic_matches};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Deliveries without an answer after which the broker itself makes a message a dead letter.
const DELIVERY_LIMIT: i64 = 20;
/// For queues of dead letters, which are looked through by giving everything back: newer brokers have a small
/// default, and drop what goes over it.
const NO_DELIVERY_LIMIT: i64 = 1_000_000_000;
/// Longest wait of a failed message: the broker's own limit is 49 days.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// Shortest and longest wait of a released message; between them, powers of two, so that there are few queues.
const RELEASE_MS: (u64, u64) = (64, 1 << 22);
/// Topics whose answer is remembered; they are few, but nothing enforces it.
const REMEMBERED: usize = 1024;

/// What this process declared, so that it can be declared again.
#[derive(Debug)]
pub(super) struct Topology {
    pub(super) names: Names,
    limit: Duration,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    queues: BTreeMap<&'static str, WorkQueue>,
    /// Queue and time to live, milliseconds.
    waits: BTreeSet<(String, u64)>,
    wanted: HashMap<String, bool>,
}

impl Topology {
    pub(super) fn new(names: Names, limit: Duration) -> Self {
        Self { names, limit, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Declares the queue now, and again on every new connection (also when it could not be declared now).
    pub(super) async fn declare(&self, session: &Session, queue: &WorkQueue) -> Result<(), BusError> {
        self.remember(queue)?;
        let channel = session.channel().await?;
        self.declare_on(&channel, queue).await
    }

    /// Has the queue declared on every new connection.
    pub(super) fn remember(&self, queue: &WorkQueue) -> Result<(), BusError> {
        self.names.check(queue)?;
        let mut known = self.known();
        known.wanted.clear();
        known.queues.insert(queue.name, queue.clone());
        Ok(())
    }

    /// True when a queue that this process declared wants the topic: then no queue taking it is a fault.
    pub(super) fn wanted(&self, topic: &str) -> bool {
        let mut known = self.known();
        if let Some(&wanted) = known.wanted.get(topic) {
            return wanted;
        }
        if known.wanted.len() >= REMEMBERED {
            known.wanted.clear();
        }
        let wanted = known.queues.values().any(|q| q.topics.iter().any(|p| topic_matches(p, topic)));
        known.wanted.insert(topic.to_owned(), wanted);
        wanted
    }

    /// Everything that was ever declared here. A queue that the broker refuses is somebody's to repair, and no reason
    /// for the others to be away.
    pub(super) async fn declare_all(&self, session: &Session) -> Result<(), Fault> {
        self.exchanges(&session.channel().await?).await?;
        let (queues, waits) = {
            let known = self.known();
            (known.queues.values().cloned().collect::<Vec<_>>(), known.waits.clone())
        };
        for queue in queues {
            match self.declare_on(&session.channel().await?, &queue).await {
                Ok(()) => {}
                Err(BusError::Refused(why)) => {
                    tracing::error!(queue = queue.name, reason = why, "queue cannot be declared");
                }
                Err(error) => tracing::warn!(queue = queue.name, %error, "queue was not declared"),
            }
        }
        let channel = session.channel().await?;
        for (queue, ttl_ms) in waits {
            self.wait_queue(&channel, &queue, ttl_ms).await?;
        }
        Ok(())
    }

    /// The queue in which a failed message waits; `None` when it need not.
    pub(super) fn retry_queue(&self, queue: &WorkQueue, attempt: u32) -> Option<String> {
        let ttl_ms = backoff_ms(queue.backoff, attempt);
        (ttl_ms > 0).then(|| self.names.wait(queue.name, ttl_ms))
    }

    /// The queue in which a released message waits, declared; at least `after`, at most twice as long, and never
    /// longer than 70 minutes.
    pub(super) async fn release_queue(
        &self,
        session: impl Future<Output = Result<std::sync::Arc<Session>, BusError>>,
        queue: &str,
        after: Duration,
    ) -> Result<String, BusError> {
        let ttl_ms = release_ms(after);
        let wait = (queue.to_owned(), ttl_ms);
        if !self.known().waits.contains(&wait) {
            let channel = session.await?.channel().await?;
            self.wait_queue(&channel, queue, ttl_ms).await.map_err(|f| refusal(queue, f))?;
            self.known().waits.insert(wait);
        }
        Ok(self.names.wait(queue, ttl_ms))
    }

    pub(super) async fn exchanges(&self, channel: &Channel) -> Result<(), Fault> {
        let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
        for name in [self.names.events(), self.names.announcements()] {
            let declared =
                channel.exchange_declare(name.into(), ExchangeKind::Topic, options, FieldTable::default());
            within(self.limit, "declaring an exchange", declared).await?;
        }
        Ok(())
    }

    async fn declare_on(&self, channel: &Channel, queue: &WorkQueue) -> Result<(), BusError> {
        let declared = async {
            // Where it leads to first, so that nothing ever leads nowhere.
            let (work, dead) = (self.names.work(queue.name), self.names.dead(queue.name));
            self.queue(channel, &dead, quorum(&[("x-delivery-limit", NO_DELIVERY_LIMIT.into())])).await?;
            let mut arguments = quorum(&[("x-delivery-limit", DELIVERY_LIMIT.into())]);
            dead_letters_to(&mut arguments, &dead);
            self.queue(channel, &work, arguments).await?;
            let waits = (1..queue.max_failures).map(|attempt| backoff_ms(queue.backoff, attempt));
            for ttl_ms in waits.take(64).filter(|ttl_ms| *ttl_ms > 0).collect::<BTreeSet<_>>() {
                self.wait_queue(channel, queue.name, ttl_ms).await?;
            }
            for topic in queue.topics {
                let bound = channel.queue_bind(
                    work.clone().into(),
                    self.names.events().into(),
                    (*topic).into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                );
                within(self.limit, "binding a queue", bound).await?;
            }
            Ok(())
        };
        declared.await.map_err(|fault| refusal(queue.name, fault))
    }

    async fn wait_queue(&self, channel: &Channel, queue: &str, ttl_ms: u64) -> Result<(), Fault> {
        // Of the queue and not of the message: a message's own time to live ends only at the head of the queue.
        let mut arguments = quorum(&[("x-message-ttl", (ttl_ms as i64).into())]);
        dead_letters_to(&mut arguments, &self.names.work(queue));
        self.queue(channel, &self.names.wait(queue, ttl_ms), arguments).await
    }

    async fn queue(&self, channel: &Channel, name: &str, arguments: FieldTable) -> Result<(), Fault> {
        let declared = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments);
        within(self.limit, "declaring a queue", declared).await.map(drop)
    }
}

/// A replicated queue that refuses what it cannot keep.
fn quorum(more: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    table.insert("x-queue-type".into(), text("quorum"));
    // Without it, dead-lettering is silently at most once.
    table.insert("x-overflow".into(), text("reject-publish"));
    for (name, value) in more {
        table.insert((*name).into(), value.clone());
    }
    table
}

fn dead_letters_to(table: &mut FieldTable, queue: &str) {
    table.insert("x-dead-letter-exchange".into(), text(""));
    table.insert("x-dead-letter-routing-key".into(), text(queue));
    table.insert("x-dead-letter-strategy".into(), text("at-least-once"));
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn refusal(queue: &str, fault: Fault) -> BusError {
    match fault.code() {
        Some(403 | 405 | 406) => BusError::Refused(format!(
            "the broker has queue {queue:?} with other settings, or keeps it from this user ({}); let it run empty \
             and delete it, and it is made anew",
            fault.said()
        )),
        _ => fault.into(),
    }
}

/// Wait after the failure of this attempt.
fn backoff_ms(first: Duration, attempt: u32) -> u64 {
    let wait = first.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(LONGEST_WAIT);
    wait.as_millis() as u64
}

fn release_ms(after: Duration) -> u64 {
    let wanted = u64::try_from(after.as_millis()).unwrap_or(u64::MAX).min(RELEASE_MS.1);
    wanted.next_power_of_two().max(RELEASE_MS.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_have_an_end() {
        let waits: Vec<_> = (1..=4).map(|n| backoff_ms(Duration::from_millis(500), n)).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000]);
        assert_eq!(backoff_ms(Duration::from_secs(1), u32::MAX), 86_400_000);
        assert_eq!(backoff_ms(Duration::ZERO, 3), 0);
    }

    #[test]
    fn releases_wait_at_least_as_long_as_asked_in_few_queues() {
        let asked = [0, 60, 64, 65, 1000, 60_000, u64::MAX];
        let waits = asked.map(|ms| release_ms(Duration::from_millis(ms)));
        assert_eq!(waits, [64, 64, 64, 128, 1024, 65_536, 1 << 22]);
    }
}
