//! Facts that the library acts on.

mod counts;
mod endings;

use crate::{Error, consume::parse, role::Role};
use segue_mesh::telemetry::follow;
use segue_ports::bus::{Facts, WorkQueue};
use segue_proto::event::v1::{Event, event::Data};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// A work queue of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inbox {
    /// Libraries with something to be counted.
    Counts,
    /// Songs that are gone.
    Songs,
    /// Accounts that are gone.
    Users,
}

impl Inbox {
    pub(crate) const ALL: [Self; 3] = [Self::Counts, Self::Songs, Self::Users];

    pub(crate) fn queue(self) -> WorkQueue {
        let (name, topics, prefetch): (_, &'static [&'static str], _) = match self {
            Self::Counts => ("playlist.library-counts", &["library.changed.v1"], 64),
            Self::Songs => ("playlist.library-songs", &["song.deleted.v1"], 16),
            Self::Users => ("playlist.library-users", &["user.deleted.v1"], 1),
        };
        WorkQueue { name, topics, prefetch, max_failures: 3, backoff: Duration::from_secs(1) }
    }
}

/// The work queues of the library.
pub(crate) fn queues() -> Vec<WorkQueue> {
    Inbox::ALL.iter().map(|inbox| inbox.queue()).collect()
}

/// Handles the facts of one queue until `shutdown`.
pub(super) async fn run(role: &Arc<Role>, inbox: Inbox, shutdown: CancellationToken) {
    let facts = Facts { bus: role.bus.as_ref(), queue: inbox.queue(), follow };
    let handle = |event: Event| async move { role.handle_library(inbox, &event).await };
    // Boxed: it is large, and whoever runs the role would carry that.
    Box::pin(facts.run(shutdown, handle)).await;
}

impl Role {
    /// Acts on one fact. Doing it again changes nothing.
    pub(crate) async fn handle_library(&self, inbox: Inbox, event: &Event) -> Result<(), Error> {
        match (inbox, &event.data) {
            (Inbox::Counts, Some(Data::LibraryChanged(library))) => {
                self.count(parse(&library.user_id)?).await
            }
            (Inbox::Songs, Some(Data::SongDeleted(song))) => self.end_song(parse(&song.song_id)?).await,
            (Inbox::Users, Some(Data::UserDeleted(user))) => self.end_library(parse(&user.user_id)?).await,
            _ => Err(Error::Malformed(format!("{} is nothing for {}", event.r#type, inbox.queue().name))),
        }
    }
}
