//! One ear on the bus for all watchers of this process.

use crate::{Error, fact::header_of};
use prost::Message as _;
use segue_domain::PlaylistId;
use segue_ports::bus::{Bus, BusError, Heard, Message};
use segue_proto::event::v1::Event;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const TOPICS: [&str; 1] = ["playlist.#"];
const PAUSE: Duration = Duration::from_secs(1);

/// The newest that was heard of one playlist. What a slow watcher misses is overwritten, not queued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signal {
    /// The newest version that was heard of.
    pub version: u64,
    /// How often something may have been missed.
    pub gaps: u32,
}

/// Playlists that are being watched.
#[derive(Debug)]
pub(crate) struct Hub {
    watched: Mutex<Watched>,
    most: u32,
    closed: CancellationToken,
}

#[derive(Debug, Default)]
struct Watched {
    playlists: HashMap<PlaylistId, watch::Sender<Signal>>,
    /// Watchers of all playlists.
    count: u32,
}

/// One watcher of one playlist. Dropping it frees everything.
#[derive(Debug)]
pub(super) struct Watcher {
    hub: Arc<Hub>,
    playlist: PlaylistId,
    signals: watch::Receiver<Signal>,
}

impl Hub {
    pub(crate) fn new(most: u32) -> Self {
        Self { watched: Mutex::default(), most, closed: CancellationToken::new() }
    }

    pub(super) fn watch(self: &Arc<Self>, playlist: PlaylistId) -> Result<Watcher, Error> {
        if self.closed.is_cancelled() {
            return Err(Error::Closing);
        }
        let mut watched = self.lock();
        if watched.count >= self.most {
            return Err(Error::TooManyWatchers);
        }
        watched.count += 1;
        let signals = watched.playlists.entry(playlist).or_default().subscribe();
        Ok(Watcher { hub: self.clone(), playlist, signals })
    }

    /// Listens until `shutdown`, which also ends every watch.
    pub(crate) async fn run(&self, bus: &dyn Bus, shutdown: &CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => (),
            () = self.listen(bus) => (),
        }
        self.closed.cancel();
    }

    async fn listen(&self, bus: &dyn Bus) {
        loop {
            let mut listener = match bus.listen(&TOPICS).await {
                Ok(listener) => listener,
                Err(BusError::Closed) => return,
                Err(error) => {
                    tracing::warn!(%error, "watchers cannot be told");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            // Whoever watched before this ear was there may have missed something.
            self.gap();
            loop {
                match listener.next().await {
                    Ok(Heard::Message(message)) => self.hear(&message),
                    Ok(Heard::Gap) => self.gap(),
                    Err(BusError::Closed) => return,
                    Err(error) => {
                        tracing::warn!(%error, "watchers are cut off");
                        tokio::time::sleep(PAUSE).await;
                        break;
                    }
                }
            }
        }
    }

    fn hear(&self, message: &Message) {
        if let Ok(event) = Event::decode(message.payload.clone())
            && let Some(playlist) = header_of(&event).and_then(|header| header.playlist_id.parse().ok())
        {
            self.tell(playlist, |signal| signal.version = signal.version.max(event.sequence));
        }
    }

    fn tell(&self, playlist: PlaylistId, change: impl FnOnce(&mut Signal)) {
        if let Some(sender) = self.lock().playlists.get(&playlist) {
            sender.send_modify(change);
        }
    }

    fn gap(&self) {
        for sender in self.lock().playlists.values() {
            sender.send_modify(|signal| signal.gaps = signal.gaps.wrapping_add(1));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn watchers(&self) -> (u32, usize) {
        let watched = self.lock();
        (watched.count, watched.playlists.len())
    }
}

impl Watcher {
    /// What was heard so far.
    pub(super) fn seen(&mut self) -> Signal {
        *self.signals.borrow_and_update()
    }

    /// Waits for a signal that was not seen. [`Error::Closing`] when the process ends.
    pub(super) async fn changed(&mut self) -> Result<(), Error> {
        tokio::select! {
            () = self.hub.closed.cancelled() => Err(Error::Closing),
            changed = self.signals.changed() => changed.map_err(|_| Error::Closing),
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut watched = self.hub.lock();
        watched.count -= 1;
        // This receiver is still counted.
        if watched.playlists.get(&self.playlist).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.playlists.remove(&self.playlist);
        }
    }
}
