//! A consumer of facts, for roles that act on one after the other.

use super::{Bus, BusError, Delivery, WorkQueue};
use prost::Message as _;
use segue_domain::{Code, Coded};
use segue_proto::event::v1::Event;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

/// Wait while an engine is away, and before a broken subscription is opened again.
const PAUSE: Duration = Duration::from_secs(1);

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
                let next = tokio::select! {
                    biased;
                    () = shutdown.cancelled() => return,
                    next = consumer.next() => next,
                };
                let answered = match next {
                    Ok(delivery) => self.answer(delivery, &shutdown, &handle).await,
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
        delivery: Box<dyn Delivery>,
        shutdown: &CancellationToken,
        handle: &(impl Fn(Event) -> F + Send + Sync),
    ) -> Result<(), BusError>
    where
        E: Coded,
        F: Future<Output = Result<(), E>> + Send,
    {
        let message = delivery.message();
        let (id, topic) = (message.id.clone(), message.topic.clone());
        let span = tracing::info_span!("consume", topic, messaging.message.id = id, otel.kind = "consumer");
        (self.follow)(&span, message.traceparent.as_deref());
        let error = match fact(&message.payload) {
            Ok(event) => match handle(event).instrument(span).await {
                Ok(()) => return delivery.ack().await,
                Err(error) if matches!(error.code(), Code::Unavailable | Code::Aborted) => {
                    tracing::warn!(%error, event.id = id, topic, "event waits for an engine");
                    delivery.release(PAUSE).await?;
                    pause(shutdown).await;
                    return Ok(());
                }
                Err(error) => error.to_string(),
            },
            Err(why) => format!("event cannot be understood: {why}"),
        };
        tracing::error!(%error, event.id = id, topic, "event cannot be handled");
        delivery.fail(&error).await
    }
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
