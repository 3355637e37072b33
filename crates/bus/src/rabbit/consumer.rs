//! A consumer's end of a work queue: a task that takes what the broker sends, and opens the subscription again
//! whenever it is lost.

use super::{
    Core,
    delivery::{Held, RabbitDelivery},
    limit::{Fault, within},
    link::Session,
    wire::Arrived,
};
use async_trait::async_trait;
use futures::{FutureExt, StreamExt};
use lapin::{
    Channel,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions},
    types::FieldTable,
};
use segue_ports::bus::{BusError, Delivery, WorkConsumer, WorkQueue};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Pause before a lost subscription is opened again on a connection that lives. When its queue was deleted, other
/// consumers have to hear of it before the queue is made again.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the broker is asked about the subscription: one that is lost without a word would wait for ever.
const CHECK: Duration = Duration::from_secs(5);

/// A subscription on one channel.
struct Open {
    channel: Channel,
    consumer: lapin::Consumer,
    /// Deliveries that were not answered yet.
    held: Arc<()>,
    /// Something came since the last check.
    lively: bool,
    /// Nothing came although something was there.
    doubtful: bool,
}

#[derive(Debug)]
pub(super) struct RabbitConsumer {
    core: Arc<Core>,
    queue: Arc<WorkQueue>,
    waiting: mpsc::Receiver<Held>,
    /// Ends the task, which gives back what nobody took.
    _stop: DropGuard,
    _bus: Arc<DropGuard>,
}

impl RabbitConsumer {
    /// Declares the queue and subscribes to it.
    pub(super) async fn open(
        core: Arc<Core>,
        bus: Arc<DropGuard>,
        queue: &WorkQueue,
    ) -> Result<Self, BusError> {
        core.topology.remember(queue)?;
        let session = core.consuming.session_within(core.limit).await?;
        let open = subscribe(&core, &session, queue).await?;
        let queue = Arc::new(queue.clone());
        let stop = CancellationToken::new();
        // As many as the broker sends without an answer, so that the task never waits for room.
        let (sender, waiting) = mpsc::channel(usize::from(queue.prefetch.max(1)));
        let pump = Pump { core: core.clone(), queue: queue.clone(), waiting: sender, stop: stop.clone() };
        core.tasks.spawn(pump.run(open));
        Ok(Self { core, queue, waiting, _stop: stop.drop_guard(), _bus: bus })
    }
}

#[async_trait]
impl WorkConsumer for RabbitConsumer {
    /// Waits also while the broker is away.
    async fn next(&mut self) -> Result<Box<dyn Delivery>, BusError> {
        loop {
            let held = tokio::select! {
                biased;
                () = self.core.closing.cancelled() => return Err(BusError::Closed),
                held = self.waiting.recv() => held.ok_or(BusError::Closed)?,
            };
            // The broker has taken back what came over a channel that is gone, and sends it again.
            if held.usable() {
                let core = self.core.clone();
                return Ok(Box::new(RabbitDelivery::new(core, self._bus.clone(), self.queue.clone(), held)));
            }
        }
    }
}

async fn subscribe(core: &Core, session: &Session, queue: &WorkQueue) -> Result<Open, BusError> {
    core.topology.declare(session, queue).await?;
    let channel = session.channel().await?;
    let qos = channel.basic_qos(queue.prefetch.max(1), BasicQosOptions::default());
    within(core.limit, "setting the prefetch", qos).await?;
    let name = core.topology.names.work(queue.name);
    let consumed =
        channel.basic_consume(name.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default());
    let consumer = within(core.limit, "consuming", consumed).await?;
    Ok(Open { channel, consumer, held: Arc::new(()), lively: false, doubtful: false })
}

struct Pump {
    core: Arc<Core>,
    queue: Arc<WorkQueue>,
    waiting: mpsc::Sender<Held>,
    stop: CancellationToken,
}

impl Pump {
    async fn run(self, first: Open) {
        let mut open = first;
        loop {
            let stopped = self.pump(&mut open).await;
            if stopped {
                self.give_back(open).await;
                return;
            }
            drop(open);
            match self.again().await {
                Some(next) => open = next,
                None => return,
            }
        }
    }

    /// True when nobody wants more, false when the subscription is lost.
    async fn pump(&self, open: &mut Open) -> bool {
        let mut checks = tokio::time::interval_at(tokio::time::Instant::now() + CHECK, CHECK);
        loop {
            let next = tokio::select! {
                biased;
                () = self.stop.cancelled() => return true,
                () = self.core.closing.cancelled() => return true,
                next = open.consumer.next() => next,
                _ = checks.tick() => match self.works(open).await {
                    true => continue,
                    false => {
                        tracing::warn!(queue = self.queue.name, "subscription is dead");
                        return false;
                    }
                }
            };
            match next {
                Some(Ok(delivery)) => {
                    open.lively = true;
                    let held = self.hold(open, delivery);
                    tokio::select! {
                        biased;
                        () = self.stop.cancelled() => return true,
                        sent = self.waiting.send(held) => if sent.is_err() {
                            return true;
                        }
                    }
                }
                Some(Err(error)) => {
                    tracing::warn!(queue = self.queue.name, %error, "subscription is lost");
                    return false;
                }
                // The broker cancels when the queue is deleted, or its leader is lost.
                None => {
                    tracing::warn!(queue = self.queue.name, "subscription was cancelled by the broker");
                    return false;
                }
            }
        }
    }

    /// False when the queue has no consumer or is not there, or when twice in a row messages were waiting in it, none
    /// was in our hands, and none came. What keeps the broker from answering ends the channel.
    async fn works(&self, open: &mut Open) -> bool {
        let name = self.core.topology.names.work(self.queue.name);
        let options = QueueDeclareOptions::durable().passive();
        let looked = open.channel.queue_declare(name.into(), options, FieldTable::default());
        match within(self.core.limit, "looking at a queue", looked).await {
            Ok(queue) => {
                let idle = !std::mem::replace(&mut open.lively, false) && Arc::strong_count(&open.held) == 1;
                let ignored = idle && queue.message_count() > 0;
                let twice = std::mem::replace(&mut open.doubtful, ignored) && ignored;
                queue.consumer_count() > 0 && !twice
            }
            Err(Fault::Slow(_)) => true,
            Err(Fault::Broker(..)) => false,
        }
    }

    fn hold(&self, open: &Open, mut delivery: lapin::message::Delivery) -> Held {
        if delivery.redelivered {
            metrics::counter!("segue_bus_redelivered_total", "queue" => self.queue.name).increment(1);
        }
        let arrived = Arrived::take(&mut delivery);
        Held::new(arrived, delivery.acker, open.channel.clone(), open.held.clone(), self.core.limit)
    }

    /// A new subscription; `None` when nobody wants it any more.
    async fn again(&self) -> Option<Open> {
        let mut link = self.core.consuming.clone();
        let open = async {
            loop {
                tokio::time::sleep(PAUSE).await;
                let session = link.session().await;
                match subscribe(&self.core, &session, &self.queue).await {
                    Ok(open) => return open,
                    Err(error) => {
                        tracing::warn!(queue = self.queue.name, %error, "queue cannot be consumed");
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            () = self.core.closing.cancelled() => None,
            open = open => {
                tracing::info!(queue = self.queue.name, "queue is consumed again");
                Some(open)
            }
        }
    }

    /// Takes no more, and gives back what nobody has seen. What is in somebody's hands keeps the channel open.
    async fn give_back(self, mut open: Open) {
        let cancel = open.channel.basic_cancel(open.consumer.tag(), BasicCancelOptions::default());
        if let Err(fault @ Fault::Broker(..)) = within(self.core.limit, "cancelling a consumer", cancel).await
        {
            tracing::debug!(queue = self.queue.name, error = %fault, "consumer was not cancelled in order");
        }
        while let Some(Some(Ok(delivery))) = open.consumer.next().now_or_never() {
            drop(self.hold(&open, delivery));
        }
    }
}
