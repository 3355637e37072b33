//! A new index beside the one that answers.

use super::{
    ADMINISTRATION, Engine,
    batch::Target,
    building::{SEEN_BY_ALL, is_alive},
    key,
    layout::{self, Meta},
    popular::{popularity, rate_in},
    question,
};
use crate::entry::GRAVE;
use async_trait::async_trait;
use opensearch::http::Method;
use segue_domain::{EventId, Timestamp};
use segue_ports::index::{IndexError, Kind, Rating, Rebuild, Write};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::OwnedSemaphorePermit, task::JoinHandle};

/// How often the holder says that it lives.
const RENEWAL: Duration = Duration::from_secs(10);
/// Longest silence after which the holder trusts that nobody has taken it for dead.
const SILENCE: Duration = Duration::from_secs(40);
/// Tombstones that are copied at a time.
const GRAVES: usize = 1_000;

/// An index that is being filled. Dropped, it is dead at once for this process, and for others after its lease.
pub(super) struct Beside {
    engine: Arc<Engine>,
    index: String,
    pulse: Arc<Mutex<Pulse>>,
    renewal: JoinHandle<()>,
    _turn: OwnedSemaphorePermit,
}

/// When the holder was last heard by the cluster.
#[derive(Debug)]
struct Pulse {
    heard: Instant,
    longest: Duration,
}

impl Pulse {
    fn beat(&mut self, at: Instant) {
        self.longest = self.longest.max(self.silence(at));
        self.heard = at;
    }
    fn silence(&self, now: Instant) -> Duration {
        self.longest.max(now.saturating_duration_since(self.heard))
    }
}

/// Makes the index, and waits until every process writes to it.
pub(super) async fn begin(engine: Arc<Engine>, turn: OwnedSemaphorePermit) -> Result<Beside, IndexError> {
    let Engine { door, names, config, .. } = &*engine;
    for (index, meta) in layout::behind(door, &names.building).await? {
        // We hold this process's turn: one of ours is dropped.
        if is_alive(&meta) && meta.holder != engine.name {
            return Err(IndexError::Rebuilding);
        }
        if names.is_ours(&index) {
            layout::remove(door, &index).await?;
        }
    }
    layout::sweep(door, names).await?;
    // Ordered by time, distinct in all processes.
    let index = names.index(&EventId::new().to_string());
    let heard = Instant::now();
    layout::make(door, &index, config, &Meta::held_by(&engine.name), &names.building).await?.ok()?;
    // Of two who begin at once each sees the other, or one sees none and goes on.
    if layout::behind(door, &names.building).await?.len() > 1 {
        layout::remove(door, &index).await?;
        return Err(IndexError::Rebuilding);
    }
    engine.building.forget();
    let pulse = Arc::new(Mutex::new(Pulse { heard, longest: Duration::ZERO }));
    let renewal = tokio::spawn(renew(engine.clone(), index.clone(), pulse.clone()));
    let beside = Beside { engine: engine.clone(), index, pulse, renewal, _turn: turn };
    tokio::time::sleep(SEEN_BY_ALL).await;
    beside.bury().await?;
    Ok(beside)
}

async fn renew(engine: Arc<Engine>, index: String, pulse: Arc<Mutex<Pulse>>) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        let at = Instant::now();
        match layout::say(&engine.door, &index, &Meta::held_by(&engine.name)).await {
            Ok(()) => pulse.lock().unwrap_or_else(PoisonError::into_inner).beat(at),
            Err(error) => tracing::warn!(%error, %index, "a rebuild could not say that it lives"),
        }
    }
}

impl Beside {
    /// Copies the tombstones, so that a late write does not raise what is deleted.
    async fn bury(&self) -> Result<(), IndexError> {
        self.engine.refresh().await?;
        let mut after = String::new();
        loop {
            let body = question::scan(GRAVE, &after, GRAVES);
            let page = self.engine.search(&body, self.engine.config.write_timeout).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = key(last);
            let graves: Vec<Write> = page.iter().filter_map(grave).collect();
            self.engine.apply(&graves, Target::Building).await?;
            // What has not come yet may be popular already.
            let waiting: Vec<Rating> = page.iter().filter_map(waiting).collect();
            if !waiting.is_empty() {
                rate_in(&self.engine, &self.engine.names.building, &waiting).await?;
            }
        }
    }

    /// Refuses when others may have taken this rebuild for dead, and so not written to it.
    fn trust(&self) -> Result<(), IndexError> {
        let silence = self.pulse.lock().unwrap_or_else(PoisonError::into_inner).silence(Instant::now());
        if silence < SILENCE {
            return Ok(());
        }
        Err(IndexError::unavailable(format!("the rebuild was not heard of for {silence:?}; begin another")))
    }
}

/// The deletion that left a tombstone.
fn grave(hit: &Value) -> Option<Write> {
    let (kind, id) = of_key(hit)?;
    let version = hit["_version"].as_u64().filter(|version| *version > 0)?;
    Some(Write::Delete { kind, id, version })
}

/// The rating of something that has not come yet.
fn waiting(hit: &Value) -> Option<Rating> {
    let (kind, id) = of_key(hit).filter(|_| hit["_version"] == 0)?;
    Some(Rating { kind, id, popularity: popularity(hit) })
}

fn of_key(hit: &Value) -> Option<(Kind, String)> {
    let key = key(hit);
    let (kind, id) = key.split_once(':')?;
    let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
    Some((kind, id.to_owned()))
}

#[async_trait]
impl Rebuild for Beside {
    async fn apply(&mut self, writes: &[Write]) -> Result<(), IndexError> {
        self.trust()?;
        self.engine.apply(writes, Target::Building).await
    }

    async fn finish(self: Box<Self>) -> Result<(), IndexError> {
        let Engine { door, names, .. } = &*self.engine;
        self.renewal.abort();
        // Findable before it answers.
        door.call(Method::Post, &format!("{}/_refresh", self.index), None, ADMINISTRATION).await?.ok()?;
        let filled = Meta { filled: true, renewed: Timestamp(0), ..Meta::held_by(&self.engine.name) };
        let old = layout::behind(door, &names.live).await?;
        let mut actions = vec![
            json!({"remove": {"index": self.index, "alias": names.building, "must_exist": true}}),
            json!({"add": {"index": self.index, "alias": names.live}}),
        ];
        for (index, _) in old {
            // An index in the place of our alias cannot stay beside it.
            actions.push(if names.is_ours(&index) || index == names.live {
                json!({"remove_index": {"index": index}})
            } else {
                json!({"remove": {"index": index, "alias": names.live}})
            });
        }
        self.trust()?;
        let swap = json!({"actions": actions});
        door.call(Method::Post, "_aliases", Some(&swap), ADMINISTRATION).await?.ok()?;
        self.engine.building.forget();
        layout::say(door, &self.index, &filled).await
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}
