//! A consumer's end of a queue.

use super::{
    Engine,
    delivery::{EmbeddedDelivery, Rules},
    dispatcher::Request,
};
use async_trait::async_trait;
use segue_ports::bus::{BusError, Delivery, WorkConsumer, WorkQueue};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc, oneshot};

#[derive(Debug)]
pub(crate) struct EmbeddedConsumer {
    engine: Arc<Engine>,
    requests: mpsc::Sender<Request>,
    hands: Arc<Semaphore>,
    rules: Rules,
}

impl EmbeddedConsumer {
    pub(crate) fn new(engine: Arc<Engine>, requests: mpsc::Sender<Request>, queue: &WorkQueue) -> Self {
        Self {
            engine,
            requests,
            hands: Arc::new(Semaphore::new(usize::from(queue.prefetch.max(1)))),
            rules: Rules { max_failures: queue.max_failures, backoff: queue.backoff },
        }
    }

    async fn wait(&self) -> Result<EmbeddedDelivery, BusError> {
        let permit = self.hands.clone().acquire_owned().await.map_err(|_| BusError::Closed)?;
        // Made anew by each call: when the call is cancelled, the dispatcher sees that nobody waits any more,
        // and what was on its way falls back into the queue.
        let (sender, answer) = oneshot::channel();
        let request = Request { answer: sender, room: self.hands.available_permits() + 1 };
        self.requests.send(request).await.map_err(|_| BusError::Closed)?;
        let mut lease = answer.await.map_err(|_| BusError::Closed)?;
        lease.seen();
        Ok(EmbeddedDelivery {
            lease,
            rules: self.rules,
            writer: self.engine.writer.clone(),
            clock: self.engine.clock.clone(),
            crash: self.engine.config.crash,
            _permit: permit,
        })
    }
}

#[async_trait]
impl WorkConsumer for EmbeddedConsumer {
    async fn next(&mut self) -> Result<Box<dyn Delivery>, BusError> {
        let delivery = tokio::select! {
            biased;
            () = self.engine.closed.cancelled() => return Err(BusError::Closed),
            delivery = self.wait() => delivery?,
        };
        (self.engine.config.crash)("bus-job-delivered");
        Ok(Box::new(delivery))
    }
}
