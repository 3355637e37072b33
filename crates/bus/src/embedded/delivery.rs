//! What a consumer does with a message.

use super::{
    lease::Lease,
    writer::{Answer, Writer},
};
use async_trait::async_trait;
use segue_domain::Clock;
use segue_ports::bus::{BusError, Delivery, Message};
use std::{sync::Arc, time::Duration};
use tokio::sync::OwnedSemaphorePermit;

/// Rules of the queue, as the consumer declared it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) max_failures: u32,
    pub(crate) backoff: Duration,
}

#[derive(Debug)]
pub(crate) struct EmbeddedDelivery {
    pub(crate) lease: Lease,
    pub(crate) rules: Rules,
    pub(crate) writer: Writer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) crash: fn(&'static str),
    /// Room in the consumer's hands, free again when this is gone.
    pub(crate) _permit: OwnedSemaphorePermit,
}

impl EmbeddedDelivery {
    /// When the answer cannot be written the message is given back: whoever did the work does it again.
    async fn answer(self, answer: Answer) -> Result<(), BusError> {
        self.writer.answer(self.lease.stored().number, answer).await?;
        self.lease.settled();
        Ok(())
    }
}

#[async_trait]
impl Delivery for EmbeddedDelivery {
    fn message(&self) -> &Message {
        &self.lease.stored().message
    }

    fn attempt(&self) -> u32 {
        self.lease.stored().failures.saturating_add(1)
    }

    fn last_attempt(&self) -> bool {
        self.attempt() >= self.rules.max_failures
    }

    async fn ack(self: Box<Self>) -> Result<(), BusError> {
        (self.crash)("bus-before-ack");
        self.answer(Answer::Done).await
    }

    async fn fail(self: Box<Self>, reason: &str) -> Result<(), BusError> {
        metrics::counter!("segue_bus_failed_total").increment(1);
        let answer = if self.last_attempt() {
            tracing::warn!(message.id = %self.message().id, topic = %self.message().topic, "message is a dead letter");
            Answer::Dead { reason: reason.to_owned(), failed: true }
        } else {
            let doubled = 2_u32.saturating_pow(self.lease.stored().failures);
            let at = self.clock.now().plus(self.rules.backoff.saturating_mul(doubled));
            Answer::Again { at, failed: true }
        };
        self.answer(answer).await
    }

    async fn release(self: Box<Self>, after: Duration) -> Result<(), BusError> {
        let at = self.clock.now().plus(after);
        self.answer(Answer::Again { at, failed: false }).await
    }
}
