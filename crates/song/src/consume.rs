//! Facts that this role acts on: what encoders did, what became of songs, and accounts that are gone.

mod encodings;
mod owner_list;
mod places;
mod users;

use crate::{Error, role::Role};
use prost::Message;
use segue_mesh::telemetry::follow;
use segue_ports::bus::{BusError, Delivery, WorkQueue};
use segue_proto::event::v1::Event;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// Wait while an engine is away, and before a broken subscription is opened again.
const PAUSE: Duration = Duration::from_secs(1);

/// A work queue of this role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inbox {
    /// What encoders did.
    Encodings,
    /// What became of songs, for the lists by owner.
    OwnerList,
    /// What became of songs, for albums and artists. A queue of its own: processes of before must not take from it.
    Places,
    /// Accounts that are gone.
    Users,
}

impl Inbox {
    pub(crate) const ALL: [Self; 4] = [Self::Encodings, Self::OwnerList, Self::Places, Self::Users];

    pub(crate) fn queue(self) -> WorkQueue {
        let (name, topics, prefetch): (_, &'static [&'static str], _) = match self {
            Self::Encodings => (
                "song.encodings",
                &["encoding.started.v1", "encoding.succeeded.v1", "encoding.failed.v1"],
                16,
            ),
            Self::OwnerList => ("song.owner-list", &["song.#"], 64),
            Self::Places => ("song.places", &["song.#"], 64),
            Self::Users => ("song.users", &["user.deleted.v1"], 1),
        };
        WorkQueue { name, topics, prefetch, max_failures: 3, backoff: Duration::from_secs(1) }
    }
}

impl Role {
    /// Acts on one fact. Doing it again changes nothing.
    pub(crate) async fn handle(&self, inbox: Inbox, event: Event) -> Result<(), Error> {
        match inbox {
            Inbox::Encodings => self.on_encoding(event).await,
            Inbox::OwnerList => self.on_song(&event).await,
            Inbox::Places => self.on_song_placed(&event).await,
            Inbox::Users => self.on_user(&event).await,
        }
    }
}

/// Handles the facts of one queue, one after the other, until `shutdown`.
pub(crate) async fn run(role: Arc<Role>, inbox: Inbox, shutdown: CancellationToken) {
    let queue = inbox.queue();
    while !shutdown.is_cancelled() {
        let mut consumer = match role.bus.consume(&queue).await {
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
                Ok(delivery) => answer(&role, inbox, delivery, &shutdown).await,
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

async fn answer(
    role: &Role,
    inbox: Inbox,
    delivery: Box<dyn Delivery>,
    shutdown: &CancellationToken,
) -> Result<(), BusError> {
    let message = delivery.message();
    let (id, topic) = (message.id.clone(), message.topic.clone());
    let span = tracing::info_span!("consume", topic, messaging.message.id = id, otel.kind = "consumer");
    follow(&span, message.traceparent.as_deref());
    let handled = match Event::decode(message.payload.clone()) {
        // Another version may mean something else by the same fields, and will be understood after an upgrade.
        Ok(event) if !event.r#type.ends_with(".v1") => {
            Err(Error::Malformed(format!("{} is not known to this version", event.r#type)))
        }
        Ok(event) => role.handle(inbox, event).instrument(span).await,
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
fn parse<T: std::str::FromStr<Err = segue_domain::IdError>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|e: segue_domain::IdError| Error::Malformed(e.to_string()))
}
