//! WatchPlaylist: the playlist now, and again after each change.

use crate::{Error, access, fact::header_of, field::id, record::PlaylistRecord, role::Role, service::Call};
use futures::{Stream, stream};
use prost::Message as _;
use segue_domain::PlaylistId;
use segue_mesh::status;
use segue_ports::bus::{self, Message, News, Watcher};
use segue_proto::{event::v1::Event, playlist::v1::WatchPlaylistResponse};
use std::{pin::Pin, sync::Arc, time::Duration};
use tonic::Status;

/// What WatchPlaylist answers with. Dropping it is all it takes to stop watching.
pub(crate) type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchPlaylistResponse, Status>> + Send>>;

/// Watchers of playlists.
pub(crate) type Hub = bus::Hub<PlaylistId, ()>;

pub(crate) const TOPICS: [&str; 1] = ["playlist.#"];

/// What a message says to watchers.
pub(crate) fn read(message: &Message) -> Option<(PlaylistId, News<()>)> {
    let event = Event::decode(message.payload.clone()).ok()?;
    Some((header_of(&event)?.playlist_id.parse().ok()?, News::Version(event.sequence)))
}

/// One open stream. It holds one row and one signal, however much happens.
struct Watch {
    role: Arc<Role>,
    call: Call,
    watcher: Watcher<PlaylistId, ()>,
    playlist: Arc<PlaylistRecord>,
    /// Gaps after which the row was read.
    gaps: u32,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was sent.
    First,
    /// Sent, and more may come.
    Open,
    /// The next poll ends the stream.
    Over,
}

impl Role {
    pub(crate) async fn watch(self: Arc<Self>, call: Call, playlist_id: &str) -> Result<WatchStream, Error> {
        let id: PlaylistId = id("playlist_id", playlist_id)?;
        // Listening begins before the row is read, so that nothing falls between.
        let mut watcher = self.hub.watch(id)?;
        let gaps = watcher.seen().gaps;
        let playlist = self.seen(&call, id).await?;
        let watch = Watch { role: self, call, watcher, playlist, gaps, stage: Stage::First };
        Ok(Box::pin(stream::unfold(watch, |mut watch| async move {
            let item = watch.next().await?;
            Some((item.map_err(status), watch))
        })))
    }
}

impl Watch {
    async fn next(&mut self) -> Option<Result<WatchPlaylistResponse, Error>> {
        let item = match self.stage {
            Stage::Over => return None,
            Stage::First => Ok(()),
            Stage::Open => self.changed().await,
        };
        self.stage = if item.is_err() { Stage::Over } else { Stage::Open };
        match item {
            Ok(()) => {
                let playlist = self.role.answer(&self.call, &self.playlist).await;
                Some(Ok(WatchPlaylistResponse { playlist: Some(playlist) }))
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Waits until there is something new to say. NOT_FOUND when the playlist is gone, or not the caller's to see any more.
    async fn changed(&mut self) -> Result<(), Error> {
        let poll = Duration::from_secs(self.role.config.watch_poll_seconds);
        let mut silent = false;
        loop {
            let signal = self.watcher.seen();
            let before = self.playlist.version;
            if silent || signal.gaps != self.gaps || signal.version > before {
                self.gaps = signal.gaps;
                let id = self.playlist.id;
                let playlist = self.role.playlists.find(id, signal.version.max(before)).await?;
                self.playlist = access::visible(&self.call.caller, id, playlist)?;
            }
            if before != self.playlist.version {
                return Ok(());
            }
            // Without a word for a while, the row is looked at anyway: the bus may be gone.
            silent = match tokio::time::timeout(poll, self.watcher.changed()).await {
                Ok(heard) => heard.map(|()| false)?,
                Err(_) => true,
            };
        }
    }
}
