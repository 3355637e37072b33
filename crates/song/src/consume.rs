//! Facts that this role acts on: what encoders did, what became of songs, and accounts that are gone.

mod encodings;
mod owner_list;
mod places;
mod users;

use crate::{Error, role::Role};
use segue_mesh::telemetry::follow;
use segue_ports::bus::{Facts, WorkQueue};
use segue_proto::event::v1::Event;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

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

/// Handles the facts of one queue until `shutdown`.
pub(crate) async fn run(role: Arc<Role>, inbox: Inbox, shutdown: CancellationToken) {
    let facts = Facts { bus: role.bus.as_ref(), queue: inbox.queue(), follow };
    let role = role.as_ref();
    facts.run(shutdown, |event| async move { role.handle(inbox, event).await }).await;
}

/// An id in a fact.
fn parse<T: std::str::FromStr<Err = segue_domain::IdError>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|e: segue_domain::IdError| Error::Malformed(e.to_string()))
}
