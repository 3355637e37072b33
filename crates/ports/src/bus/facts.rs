//! A consumer of facts, for roles that act on one after the other.

use super::{Bus, BusError, Delivery, Message, WorkConsumer, WorkQueue, all_answered};
use prost::Message as _;
use segue_domain::{Code, Coded};
use segue_proto::event::v1::Event;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

/// Wait while an engine is away, and before a broken subscription is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// How soon a fact must follow another to be handled with it: an engine takes a part of this to hand one over.
const AT_ONCE: Duration = Duration::from_millis(2);

/// The facts of one queue.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Where they come from.
    pub bus: &'a dyn Bus,
    /// The queue.
    pub queue: WorkQueue,
    /// Makes a span part of the trace that a message names.
    pub follow: fn(&Span, Option<&str>),
}

impl Facts<'_> {
    /// Handles them, one after the other, until `shutdown`. Handling one again must change nothing.
    ///
    /// An error of the code UNAVAILABLE or ABORTED is not the message's fault: it keeps its attempts, and nothing is taken
    /// for a moment. Any other, and a message that is no fact of this version, is a failure of the message itself.
    pub async fn run<E, F>(self, shutdown: CancellationToken, handle: impl Fn(Event) -> F + Send + Sync)
    where
        E: Coded,
        F: Future<Output = Result<(), E>> + Send,
    {
        // Never of none.
        let one = |mut events: Vec<Event>| handle(events.swap_remove(0));
        self.run_together(shutdown, 1, one).await;
    }

    /// As [`run`](Self::run), of up to `most` that wait, in order. When one of several is at fault, each is handled alone.
    pub async fn run_together<E, F>(
        self,
        shutdown: CancellationToken,
        most: usize,
        handle: impl Fn(Vec<Event>) -> F + Send + Sync,
    ) where
        E: Coded,
        F: Future<Output = Result<(), E>> + Send,
    {
        let name = self.queue.name;
        while !shutdown.is_cancelled() {
            let mut consumer = match self.bus.consume(&self.queue).await {
                Ok(consumer) => consumer,
                Err(BusError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, queue = name, "queue cannot be consumed");
                    pause(&shutdown).await;
                    continue;
                }
            };
            loop {
                let taken = tokio::select! {
                    biased;
                    () = shutdown.cancelled() => return,
                    taken = take(consumer.as_mut(), most) => taken,
                };
                let answered = match taken {
                    Ok(taken) => self.answer(taken, &shutdown, &handle).await,
                    Err(error) => Err(error),
                };
                match answered {
                    Ok(()) => {}
                    Err(BusError::Closed) => return,
                    Err(error) => {
                        tracing::warn!(%error, queue = name, "queue is away");
                        pause(&shutdown).await;
                        break;
                    }
                }
            }
        }
    }

    async fn answer<E, F>(
        &self,
        taken: Vec<Box<dyn Delivery>>,
        shutdown: &CancellationToken,
        handle: &(impl Fn(Vec<Event>) -> F + Send + Sync),
    ) -> Result<(), BusError>
    where
        E: Coded,
        F: Future<Output = Result<(), E>> + Send,
    {
        let (mut good, mut events) = (Vec::with_capacity(taken.len()), Vec::with_capacity(taken.len()));
        for delivery in taken {
            match fact(&delivery.message().payload) {
                Ok(event) => {
                    good.push(delivery);
                    events.push(event);
                }
                Err(why) => fail(delivery, &format!("event cannot be understood: {why}")).await?,
            }
        }
        let Some(first) = good.first().map(|delivery| delivery.message()) else { return Ok(()) };
        let (id, topic) = (first.id.clone(), first.topic.clone());
        // A span has one parent: the first event's trace shows the others.
        let span = tracing::info_span!(
            "consume",
            topic,
            messaging.message.id = id,
            events = good.len(),
            otel.kind = "consumer"
        );
        (self.follow)(&span, first.traceparent.as_deref());
        match handle(events).instrument(span).await {
            Ok(()) => all_answered(good.into_iter().map(|delivery| delivery.ack())).await,
            Err(error) if matches!(error.code(), Code::Unavailable | Code::Aborted) => {
                tracing::warn!(%error, event.id = id, topic, events = good.len(), "events wait for an engine");
                all_answered(good.into_iter().map(|delivery| delivery.release(PAUSE))).await?;
                pause(shutdown).await;
                Ok(())
            }
            Err(error) => match <[_; 1]>::try_from(good) {
                Ok([delivery]) => fail(delivery, &error.to_string()).await,
                Err(several) => {
                    for delivery in several {
                        Box::pin(self.answer(vec![delivery], shutdown, handle)).await?;
                    }
                    Ok(())
                }
            },
        }
    }
}

/// Waits for one, and takes those that follow at once. Cancel-safe: those are given back as they were.
async fn take(consumer: &mut dyn WorkConsumer, most: usize) -> Result<Vec<Box<dyn Delivery>>, BusError> {
    let mut taken = vec![consumer.next().await?];
    while taken.len() < most {
        match timeout(AT_ONCE, consumer.next()).await {
            Ok(next) => taken.push(next?),
            Err(_) => break,
        }
    }
    Ok(taken)
}

async fn fail(delivery: Box<dyn Delivery>, why: &str) -> Result<(), BusError> {
    let Message { id, topic, .. } = delivery.message();
    tracing::error!(error = why, event.id = id, topic, "event cannot be handled");
    delivery.fail(why).await
}

/// Another version may mean something else by the same fields, and will be understood after an upgrade.
fn fact(payload: &[u8]) -> Result<Event, String> {
    let event = Event::decode(payload).map_err(|error| error.to_string())?;
    if event.r#type.ends_with(".v1") {
        Ok(event)
    } else {
        Err(format!("{} is not known to this version", event.r#type))
    }
}

async fn pause(shutdown: &CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => (),
        () = tokio::time::sleep(PAUSE) => (),
    }
}
