//! Facts that this role acts on: what became of playlists, and accounts that are gone.

mod lists;
mod users;

use crate::{Error, role::Role};
use segue_mesh::telemetry::follow;
use segue_ports::bus::{Facts, WorkQueue};
use segue_proto::event::v1::Event;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

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
    let queue = inbox.queue();
    let most = usize::from(queue.prefetch);
    let facts = Facts { bus: role.bus.as_ref(), queue, follow };
    facts.run_together(shutdown, most, |events| async move { role.handle(inbox, events).await }).await;
}

impl Role {
    /// Acts on facts, in order. Doing it again changes nothing.
    pub(crate) async fn handle(&self, inbox: Inbox, events: Vec<Event>) -> Result<(), Error> {
        match inbox {
            Inbox::Lists => self.on_playlists(events).await,
            Inbox::Users => {
                for event in events {
                    self.on_user(event).await?;
                }
                Ok(())
            }
        }
    }
}

/// An id in a fact.
pub(crate) fn parse<T: std::str::FromStr<Err = segue_domain::IdError>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|e: segue_domain::IdError| Error::Malformed(e.to_string()))
}
