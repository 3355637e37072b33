//! Facts that this role acts on: what became of playlists, and accounts that are gone.

mod lists;
mod users;

use crate::{Error, role::Role};
use prost::Message;
use segue_mesh::telemetry::follow;
use segue_ports::bus::{Bus, BusError, Delivery, WorkQueue};
use segue_proto::event::v1::Event;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Wait while an engine is away, and before a broken subscription is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// A work queue of playlists. The library has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inbox {
    /// What became of playlists, for the lists of accounts.
    Lists,
    /// Accounts that are gone.
    Users,
}

impl Inbox {
    pub(crate) const ALL: [Self; 2] = [Self::Lists, Self::Users];

    pub(crate) fn queue(self) -> WorkQueue {
        let (name, topics, prefetch): (_, &'static [&'static str], _) = match self {
            Self::Lists => ("playlist.lists", &["playlist.#"], 64),
            Self::Users => ("playlist.users", &["user.deleted.v1"], 1),
        };
        WorkQueue { name, topics, prefetch, max_failures: 3, backoff: Duration::from_secs(1) }
    }
}

/// Handles the facts of one inbox until `shutdown`.
pub(crate) async fn inbox(role: &Arc<Role>, inbox: Inbox, shutdown: CancellationToken) {
    let handle = |event| async move { role.handle(inbox, event).await };
    run(role.bus.as_ref(), inbox.queue(), shutdown, handle).await;
}

impl Role {
    /// Acts on one fact. Doing it again changes nothing.
    pub(crate) async fn handle(&self, inbox: Inbox, event: Event) -> Result<(), Error> {
        match inbox {
            Inbox::Lists => self.on_playlist(event).await,
            Inbox::Users => self.on_user(event).await,
        }
    }
}

/// Handles the facts of one queue, one after the other, until `shutdown`. Handling one again must change nothing.
pub(crate) async fn run<F>(
    bus: &dyn Bus,
    queue: WorkQueue,
    shutdown: CancellationToken,
    handle: impl Fn(Event) -> F + Send + Sync,
) where
    F: Future<Output = Result<(), Error>> + Send,
{
    while !shutdown.is_cancelled() {
        let mut consumer = match bus.consume(&queue).await {
            Ok(consumer) => consumer,
            Err(BusError::Closed) => return,
            Err(error) => {
                tracing::warn!(%error, queue = queue.name, "queue cannot be consumed");
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
                Ok(delivery) => answer(delivery, &shutdown, &handle).await,
                Err(error) => Err(error),
            };
            match answered {
                Ok(()) => {}
                Err(BusError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, queue = queue.name, "queue is away");
                    pause(&shutdown).await;
                    break;
                }
            }
        }
    }
}

async fn answer<F>(
    delivery: Box<dyn Delivery>,
    shutdown: &CancellationToken,
    handle: &(impl Fn(Event) -> F + Send + Sync),
) -> Result<(), BusError>
where
    F: Future<Output = Result<(), Error>> + Send,
{
    let message = delivery.message();
    let (id, topic) = (message.id.clone(), message.topic.clone());
    let span = tracing::info_span!("consume", topic, messaging.message.id = id, otel.kind = "consumer");
    follow(&span, message.traceparent.as_deref());
    let handled = match Event::decode(message.payload.clone()) {
        // Another version may mean something else by the same fields, and will be understood after an upgrade.
        Ok(event) if !event.r#type.ends_with(".v1") => {
            Err(Error::Malformed(format!("{} is not known to this version", event.r#type)))
        }
        Ok(event) => handle(event).instrument(span).await,
        Err(error) => Err(Error::Malformed(error.to_string())),
    };
    match handled {
        Ok(()) => delivery.ack().await,
        // Not the message's fault: it keeps its attempts, and nothing is taken while the engine is away.
        Err(error) if error.passes() => {
            tracing::warn!(%error, event.id = id, topic, "event waits for an engine");
            delivery.release(PAUSE).await?;
            pause(shutdown).await;
            Ok(())
        }
        Err(error) => {
            tracing::error!(%error, event.id = id, topic, "event cannot be handled");
            delivery.fail(&error.to_string()).await
        }
    }
}

async fn pause(shutdown: &CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => (),
        () = tokio::time::sleep(PAUSE) => (),
    }
}

/// An id in a fact.
pub(crate) fn parse<T: std::str::FromStr<Err = segue_domain::IdError>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|e: segue_domain::IdError| Error::Malformed(e.to_string()))
}
