//! Keeps a region true to what is said on the bus.

use super::Region;
use crate::bus::{Bus, BusError, Heard, Listener, Message};
use bytes::Bytes;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Wait before a broken subscription is opened again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a follower says something to itself over the bus.
const PULSE: Duration = Duration::from_secs(1);
/// After so long without hearing itself it holds itself for deaf. A broker that is paused, or a connection that is
/// cut without a word, is noticed in no other way before the engine's own heartbeats fail.
const DEAF: Duration = Duration::from_secs(3);
/// Longest wait for an engine that is asked to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells followers of one process apart.
static FOLLOWERS: AtomicU64 = AtomicU64::new(0);

/// What a message says of a cached thing: its id and the version that it has now. `None` for other messages.
pub type Heed = fn(&Message) -> Option<(String, u64)>;

/// A listener that drops from a region what has changed.
#[derive(Debug)]
pub struct Follow {
    /// What is kept true.
    pub region: Arc<dyn Region>,
    /// Topics that tell of changes.
    pub topics: Vec<String>,
    /// Reads them.
    pub heed: Heed,
    /// Names this process among all on the bus.
    pub process: String,
}

impl Follow {
    /// Listens until the bus is closed; drop the future to end it. While nothing is heard, the region is suspect.
    pub async fn run(self, bus: &dyn Bus) {
        let number = FOLLOWERS.fetch_add(1, Ordering::Relaxed);
        let pulse = format!("cache.pulse.{}-{number}", self.process);
        let topics: Vec<&str> = self.topics.iter().map(String::as_str).chain([pulse.as_str()]).collect();
        loop {
            let listening = timeout(PATIENCE, bus.listen(&topics)).await;
            let ended = match listening {
                Ok(Ok(listener)) => self.hear(bus, listener, &pulse).await,
                Ok(Err(error)) => error,
                Err(late) => BusError::unavailable(late),
            };
            self.region.suspect();
            if matches!(ended, BusError::Closed) {
                return;
            }
            tracing::warn!(error = %ended, "changes of cached things are not heard");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Hears until the subscription ends, and says why it did.
    async fn hear(&self, bus: &dyn Bus, mut listener: Box<dyn Listener>, pulse: &str) -> BusError {
        let mut pulses = interval(PULSE);
        pulses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut heard, mut deaf) = (Instant::now(), true);
        loop {
            let said = tokio::select! {
                biased;
                said = listener.next() => said,
                _ = pulses.tick() => {
                    if !deaf && heard.elapsed() > DEAF {
                        tracing::warn!("changes of cached things are not heard: the bus is silent");
                        deaf = true;
                        self.region.suspect();
                    }
                    bus.announce(beat(pulse));
                    continue;
                }
            };
            heard = Instant::now();
            match said {
                Ok(Heard::Message(message)) => {
                    if let Some((id, version)) = (self.heed)(&message) {
                        self.region.invalidate(&id, version).await;
                    }
                    // Anything that arrives says that the subscription is there; what came before is unknown.
                    if std::mem::take(&mut deaf) {
                        self.region.trust();
                    }
                }
                Ok(Heard::Gap) => {
                    deaf = false;
                    self.region.trust();
                }
                Err(error) => return error,
            }
        }
    }
}

fn beat(pulse: &str) -> Message {
    Message {
        id: pulse.to_owned(),
        topic: pulse.to_owned(),
        key: String::new(),
        payload: Bytes::new(),
        traceparent: None,
    }
}
