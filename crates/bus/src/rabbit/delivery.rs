//! What a consumer does with a message.

use super::{
    Core,
    limit::within,
    wire::{Arrived, Mark},
};
use async_trait::async_trait;
use lapin::{
    Acker, Channel,
    options::{BasicAckOptions, BasicNackOptions},
};
use segue_ports::bus::{BusError, Delivery, Message, WorkQueue};
use std::{sync::Arc, time::Duration};
use tokio_util::{sync::DropGuard, task::task_tracker::TaskTrackerToken};

/// A message that the broker has handed to this process; given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    arrived: Arrived,
    acker: Option<Acker>,
    /// Its channel stays open as long as it is held: closing it would give the message back.
    _channel: Channel,
    /// Its subscription sees by this that something is held.
    _held: Arc<()>,
    limit: Duration,
}

impl Held {
    pub(super) fn new(
        arrived: Arrived,
        acker: Acker,
        channel: Channel,
        held: Arc<()>,
        limit: Duration,
    ) -> Self {
        Self { arrived, acker: Some(acker), _channel: channel, _held: held, limit }
    }

    /// False when the broker has taken it back.
    pub(super) fn usable(&self) -> bool {
        self.acker.as_ref().is_some_and(Acker::usable)
    }

    async fn ack(mut self) -> Result<(), BusError> {
        let Some(acker) = self.acker.take() else { return Ok(()) };
        match within(self.limit, "acknowledging", acker.ack(BasicAckOptions::default())).await? {
            true => Ok(()),
            // Not an error for the client library: the channel was closed, and the message is on its way to somebody
            // else.
            false => Err(BusError::unavailable("the broker took the message back, and delivers it again")),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(acker) = self.acker.take().filter(Acker::usable) else { return };
        // Without a runtime the channel ends as well, which gives everything back.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (channel, limit) = (self._channel.clone(), self.limit);
            runtime.spawn(async move {
                let back = BasicNackOptions { requeue: true, ..Default::default() };
                if let Err(error) = within(limit, "giving a message back", acker.nack(back)).await {
                    tracing::debug!(%error, "message was not given back in order");
                }
                drop(channel);
            });
        }
    }
}

#[derive(Debug)]
pub(super) struct RabbitDelivery {
    core: Arc<Core>,
    queue: Arc<WorkQueue>,
    held: Held,
    /// A shutdown waits for it.
    _hand: TaskTrackerToken,
    _bus: Arc<DropGuard>,
}

impl RabbitDelivery {
    pub(super) fn new(core: Arc<Core>, bus: Arc<DropGuard>, queue: Arc<WorkQueue>, held: Held) -> Self {
        let hand = core.hands.token();
        Self { core, queue, held, _hand: hand, _bus: bus }
    }

    /// A confirmed copy first, and the acknowledgement after it: killed in between, the message comes twice and is
    /// not lost.
    async fn replace(self, to: String, mark: Mark<'_>) -> Result<(), BusError> {
        if !self.held.usable() {
            return Err(BusError::unavailable("the broker took the message back, and delivers it again"));
        }
        self.core.transfer(to, &self.held.arrived.message, mark).await?;
        self.held.ack().await
    }
}

#[async_trait]
impl Delivery for RabbitDelivery {
    fn message(&self) -> &Message {
        &self.held.arrived.message
    }

    fn attempt(&self) -> u32 {
        self.held.arrived.attempt
    }

    fn last_attempt(&self) -> bool {
        self.attempt() >= self.queue.max_failures
    }

    async fn ack(self: Box<Self>) -> Result<(), BusError> {
        let queue = self.queue.name;
        self.held.ack().await?;
        metrics::counter!("segue_bus_acknowledged_total", "queue" => queue).increment(1);
        Ok(())
    }

    async fn fail(self: Box<Self>, reason: &str) -> Result<(), BusError> {
        let (queue, attempt) = (self.queue.name, self.attempt());
        metrics::counter!("segue_bus_failed_total", "queue" => queue).increment(1);
        if self.last_attempt() {
            tracing::warn!(queue, message.id = %self.message().id, topic = %self.message().topic, "message is a dead letter");
            let to = self.core.topology.names.dead(queue);
            let mark = Mark::Dead { failures: attempt, reason, at: self.core.clock.now() };
            self.replace(to, mark).await?;
            metrics::counter!("segue_bus_dead_letters_total", "queue" => queue).increment(1);
            return Ok(());
        }
        let names = &self.core.topology.names;
        let to = self.core.topology.retry_queue(&self.queue, attempt).unwrap_or_else(|| names.work(queue));
        self.replace(to, Mark::Attempt(attempt + 1, reason)).await
    }

    /// A copy too: giving it back would count towards the broker's own limit of deliveries. It waits at least `after`
    /// and at most twice as long (never more than 70 minutes), and comes behind what waits already.
    async fn release(self: Box<Self>, after: Duration) -> Result<(), BusError> {
        let to = match after {
            Duration::ZERO => self.core.topology.names.work(self.queue.name),
            after => {
                let session = self.core.consuming.session_within(self.core.limit);
                self.core.topology.release_queue(session, self.queue.name, after).await?
            }
        };
        let (attempt, reason) = (self.attempt(), self.held.arrived.reason.clone());
        let mark = match &reason {
            Some(reason) => Mark::Attempt(attempt, reason),
            None => Mark::Fresh,
        };
        self.replace(to, mark).await
    }
}
