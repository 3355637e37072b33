//! One ear on the bus for all watchers of this process.

use super::{Bus, BusError, Heard, Message};
use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const PAUSE: Duration = Duration::from_secs(1);

/// The newest that was heard of one thing. What a slow watcher misses is overwritten, not queued.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signal<T> {
    /// The newest version that was heard of.
    pub version: u64,
    /// What else was said last.
    pub also: T,
    /// How often something may have been missed.
    pub gaps: u32,
}

/// What a message says of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News<T> {
    /// It has this version now.
    Version(u64),
    /// Something that is no change of it.
    Also(T),
}

/// Reads a message; `None` when it is about nothing that is watched.
pub type Read<K, T> = fn(&Message) -> Option<(K, News<T>)>;

/// Nobody can watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// As many watch as may.
    #[error("too many are watching")]
    Full,
    /// The process ends.
    #[error("the process ends")]
    Closed,
}

/// Things that are being watched, by their keys.
#[derive(Debug)]
pub struct Hub<K, T> {
    topics: &'static [&'static str],
    read: Read<K, T>,
    watched: Mutex<Watched<K, T>>,
    most: u32,
    closed: CancellationToken,
}

#[derive(Debug)]
struct Watched<K, T> {
    things: HashMap<K, watch::Sender<Signal<T>>>,
    /// Watchers of all things.
    count: u32,
}

/// One watcher of one thing. Dropping it frees everything.
#[derive(Debug)]
pub struct Watcher<K: Copy + Eq + Hash, T: Copy + Default> {
    hub: Arc<Hub<K, T>>,
    key: K,
    signals: watch::Receiver<Signal<T>>,
}

impl<K: Copy + Eq + Hash, T: Copy + Default> Hub<K, T> {
    /// For at most so many watchers at a time.
    pub fn new(topics: &'static [&'static str], read: Read<K, T>, most: u32) -> Self {
        let watched = Mutex::new(Watched { things: HashMap::new(), count: 0 });
        Self { topics, read, watched, most, closed: CancellationToken::new() }
    }

    /// Begins to watch.
    pub fn watch(self: &Arc<Self>, key: K) -> Result<Watcher<K, T>, HubError> {
        if self.closed.is_cancelled() {
            return Err(HubError::Closed);
        }
        let mut watched = self.lock();
        if watched.count >= self.most {
            return Err(HubError::Full);
        }
        watched.count += 1;
        let signals = watched.things.entry(key).or_default().subscribe();
        Ok(Watcher { hub: self.clone(), key, signals })
    }

    /// Listens until `shutdown`, which also ends every watch.
    pub async fn run(&self, bus: &dyn Bus, shutdown: &CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => (),
            () = self.listen(bus) => (),
        }
        self.closed.cancel();
    }

    async fn listen(&self, bus: &dyn Bus) {
        loop {
            let mut listener = match bus.listen(self.topics).await {
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
        let Some((key, news)) = (self.read)(message) else { return };
        if let Some(sender) = self.lock().things.get(&key) {
            sender.send_modify(|signal| match news {
                News::Version(version) => signal.version = signal.version.max(version),
                News::Also(also) => signal.also = also,
            });
        }
    }

    fn gap(&self) {
        for sender in self.lock().things.values() {
            sender.send_modify(|signal| signal.gaps = signal.gaps.wrapping_add(1));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Watched<K, T>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many watch now, and how many things.
    pub fn watchers(&self) -> (u32, usize) {
        let watched = self.lock();
        (watched.count, watched.things.len())
    }
}

impl<K: Copy + Eq + Hash, T: Copy + Default> Watcher<K, T> {
    /// What was heard so far.
    pub fn seen(&mut self) -> Signal<T> {
        *self.signals.borrow_and_update()
    }

    /// Waits for a signal that was not seen. [`HubError::Closed`] when the process ends.
    pub async fn changed(&mut self) -> Result<(), HubError> {
        tokio::select! {
            () = self.hub.closed.cancelled() => Err(HubError::Closed),
            changed = self.signals.changed() => changed.map_err(|_| HubError::Closed),
        }
    }
}

impl<K: Copy + Eq + Hash, T: Copy + Default> Drop for Watcher<K, T> {
    fn drop(&mut self) {
        let mut watched = self.hub.lock();
        watched.count -= 1;
        // This receiver is still counted.
        if watched.things.get(&self.key).is_some_and(|sender| sender.receiver_count() <= 1) {
            watched.things.remove(&self.key);
        }
    }
}
