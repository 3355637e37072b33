//! One load, from where it is cheapest: what another process has stored, a replica, the primary.

use crate::{
    entry::{Entry, Times},
    flight::{Led, Outcome},
    floor::Before,
    redis::{Acquired, Frame, Kind, Redis},
    region::Shelf,
};
use bytes::Bytes;
use futures::future::join_all;
use segue_domain::Timestamp;
use segue_ports::cache::{LoadError, Loaded, Source};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// First and longest pause between looks at what another process is loading.
const LOOK: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

/// What is wanted of one id.
#[derive(Debug)]
pub(crate) struct Want {
    pub(crate) id: String,
    /// At least this version.
    pub(crate) least: u64,
    /// Asked for at or after this moment.
    pub(crate) checked: Timestamp,
    /// What Redis knows to be replaced is below this.
    pub(crate) floor: u64,
    /// Not from a replica.
    pub(crate) primary: bool,
    /// What floors said before the load.
    pub(crate) before: Before,
}

struct Fill {
    shelf: Arc<Shelf>,
    led: Led,
    now: Timestamp,
    generation: u64,
    /// Found in Redis and past its life, or suspect.
    stale: HashMap<String, Frame>,
    /// Held, perhaps, for the one id that is loaded for all processes.
    lease: Option<(String, u64)>,
}

/// What was loaded, for other processes.
struct Share {
    id: String,
    frame: Frame,
    life: Duration,
}

/// Carries out the flights: each lands, whatever happens.
pub(crate) async fn run(shelf: Arc<Shelf>, wants: Vec<Want>, led: Led, now: Timestamp, generation: u64) {
    let mut fill = Fill { shelf, led, now, generation, stale: HashMap::new(), lease: None };
    let redis = fill.shelf.tiers.redis.clone();
    let wants = match &redis {
        Some(redis) => fill.look(redis, wants).await,
        None => wants,
    };
    let shares = if wants.is_empty() { Vec::new() } else { fill.load(wants).await };
    fill.measure();
    if let Some(redis) = &redis {
        fill.share(redis, shares).await;
    }
}

impl Fill {
    /// Takes what other processes have stored, or are about to; the rest is for this one to load.
    async fn look(&mut self, redis: &Redis, wants: Vec<Want>) -> Vec<Want> {
        let deadline = redis.deadline();
        let kind = self.shelf.kind;
        let ids: Vec<&str> = wants.iter().map(|want| want.id.as_str()).collect();
        let Ok(frames) = redis.read(kind, &ids, deadline).await else { return wants };
        let mut left = Vec::new();
        for (mut want, bytes) in wants.into_iter().zip(frames) {
            if !self.take(redis, &mut want, bytes) {
                left.push(want);
            }
        }
        // A batch is one query for many; a lease for each would cost more than it saves.
        match left.len() {
            1 => match left.pop() {
                Some(want) => Vec::from_iter(self.queue(redis, want, deadline).await),
                None => left,
            },
            _ => left,
        }
    }

    /// Waits until another process has loaded the entry, or this one may. `None`: it was taken.
    async fn queue(&mut self, redis: &Redis, mut want: Want, mut deadline: Instant) -> Option<Want> {
        let lease = rand::random::<u64>();
        let give_up = Instant::now() + redis.lease() + LOOK.1;
        let mut pause = LOOK.0;
        loop {
            let oldest = want.checked.max(redis.trusted_since());
            let asked = (want.least, oldest, self.now);
            let bytes = match redis.acquire(self.shelf.kind, &want.id, asked, lease, deadline).await {
                Err(_) => {
                    // It may have been granted and the answer be late. Giving back what one does not have does no harm.
                    self.lease = Some((want.id.clone(), lease));
                    return Some(want);
                }
                Ok(Acquired::Busy) => None,
                Ok(Acquired::Stored(bytes)) => Some(bytes),
                Ok(Acquired::Leased(bytes)) => {
                    self.lease = Some((want.id.clone(), lease));
                    // It may hold a floor that was raised meanwhile.
                    return if self.take(redis, &mut want, bytes) { None } else { Some(want) };
                }
            };
            // What could not be read is removed, so that the next look gets the lease.
            if bytes.is_some() && self.take(redis, &mut want, bytes) {
                return None;
            }
            if Instant::now() >= give_up {
                return Some(want);
            }
            sleep(pause).await;
            pause = (pause * 2).min(LOOK.1);
            deadline = redis.deadline();
        }
    }

    /// Lands a flight with what was found in Redis, if that is good enough; else learns from it what it can.
    fn take(&mut self, redis: &Redis, want: &mut Want, bytes: Option<Bytes>) -> bool {
        let Some(bytes) = bytes else { return false };
        let Some(frame) = Frame::read(&bytes) else {
            self.unreadable(redis, want, bytes);
            return false;
        };
        if frame.kind == Kind::Floor {
            want.floor = want.floor.max(frame.version);
            want.least = want.least.max(frame.version);
            want.primary = true;
            return false;
        }
        let good = frame.version >= want.least
            && frame.times.checked >= want.checked.max(redis.trusted_since())
            && frame.times.expires > self.now;
        if !good {
            self.stale.insert(want.id.clone(), frame);
            return false;
        }
        let Some(entry) = self.decode(&frame) else {
            self.unreadable(redis, want, bytes);
            return false;
        };
        self.shelf.meter.redis_hits.increment(1);
        self.store(want, &entry);
        self.led.land(&want.id, Outcome::Found { entry, latest: false });
        true
    }

    fn unreadable(&self, redis: &Redis, want: &Want, bytes: Bytes) {
        self.shelf.meter.unreadable.increment(1);
        tracing::debug!(kind = self.shelf.kind, id = want.id, "value in redis cannot be read: a miss");
        redis.discard(self.shelf.kind, &want.id, bytes);
    }

    fn decode(&self, frame: &Frame) -> Option<Arc<Entry>> {
        let value = match frame.kind {
            Kind::Thing => Some(self.shelf.origin.decode(&frame.body)?),
            _ => None,
        };
        let Frame { version, times, .. } = *frame;
        Some(Arc::new(Entry::new(value, version, times, self.generation, frame.body.len())))
    }

    /// Asks the origin.
    async fn load(&mut self, wants: Vec<Want>) -> Vec<Share> {
        let mut shares = Vec::new();
        let (mut primary, replica): (Vec<_>, Vec<_>) = wants.into_iter().partition(|want| want.primary);
        // Not for a second time, when the primary is away.
        let asked_before: Vec<String> = replica.iter().map(|want| want.id.clone()).collect();
        if !replica.is_empty() {
            let mut answer = self.ask(&replica, Source::Replica).await.unwrap_or_default();
            for want in replica {
                match answer.found.remove(&want.id) {
                    Some(loaded) if loaded.version >= want.least => {
                        shares.extend(self.keep(&want, Some(loaded), answer.took, false));
                    }
                    // Absent, or too old: a replica may lag.
                    _ => primary.push(want),
                }
            }
        }
        if primary.is_empty() {
            return shares;
        }
        match self.ask(&primary, Source::Primary).await {
            Ok(mut answer) => {
                for want in primary {
                    let loaded = answer.found.remove(&want.id);
                    shares.extend(self.keep(&want, loaded, answer.took, true));
                }
            }
            Err(error) => {
                let (asked, open) = primary.into_iter().partition(|want| asked_before.contains(&want.id));
                self.without_primary(open, asked, &error).await;
            }
        }
        shares
    }

    /// Serves what a replica has, if it is new enough, and stores none of it.
    async fn without_primary(&mut self, open: Vec<Want>, asked: Vec<Want>, error: &LoadError) {
        let mut answer = match open.is_empty() {
            true => Answer::default(),
            false => self.ask(&open, Source::Replica).await.unwrap_or_default(),
        };
        for want in open.into_iter().chain(asked) {
            let found = answer.found.remove(&want.id).filter(|loaded| loaded.version >= want.least);
            let outcome = match found {
                Some(loaded) => {
                    let entry = self.entry(Some(&loaded), answer.took);
                    Outcome::Found { entry, latest: false }
                }
                None => {
                    let stale = self.stale.get(&want.id).and_then(|frame| self.decode(frame));
                    Outcome::Failed { error: error.clone(), stale }
                }
            };
            self.led.land(&want.id, outcome);
        }
    }

    async fn ask(&self, wants: &[Want], from: Source) -> Result<Answer, LoadError> {
        let meter = &self.shelf.meter;
        let loads = if from == Source::Primary { &meter.primary_loads } else { &meter.replica_loads };
        loads.increment(1);
        let ids: Vec<String> = wants.iter().map(|want| want.id.clone()).collect();
        let (checked, begun) = (self.shelf.now(), Instant::now());
        let found = self.shelf.origin.load(&ids, from).await;
        let found = found.inspect_err(|_| meter.load_failures.increment(1))?;
        Ok(Answer { found, took: (checked, begun.elapsed()) })
    }

    fn entry(&self, loaded: Option<&Loaded>, (checked, cost): (Timestamp, Duration)) -> Arc<Entry> {
        let expires = self.shelf.tiers.policy.expires(self.shelf.now(), loaded.is_none());
        let (version, bytes) = loaded.map_or((0, 0), |loaded| (loaded.version, loaded.bytes.len()));
        let value = loaded.map(|loaded| loaded.value.clone());
        Arc::new(Entry::new(value, version, Times { checked, expires, cost }, self.generation, bytes))
    }

    /// Stores what was loaded, lands its flight, and says what other processes may have of it.
    fn keep(
        &mut self,
        want: &Want,
        loaded: Option<Loaded>,
        took: (Timestamp, Duration),
        latest: bool,
    ) -> Option<Share> {
        let entry = self.entry(loaded.as_ref(), took);
        let stored = self.store(want, &entry);
        let (version, expires) = (entry.version, entry.expires);
        let times = Times { checked: entry.checked, expires, cost: entry.cost };
        self.led.land(&want.id, Outcome::Found { entry, latest });
        let (kind, body) = match loaded {
            Some(loaded) => (Kind::Thing, loaded.bytes),
            None => (Kind::Absent, Bytes::new()),
        };
        let encoded = kind == Kind::Absent || !body.is_empty();
        let lingers = if kind == Kind::Thing { self.shelf.tiers.policy.stale } else { Duration::ZERO };
        let life = expires.plus(lingers).since(self.shelf.now());
        (stored && encoded).then(|| Share {
            id: want.id.clone(),
            frame: Frame { kind, version, times, body },
            life,
        })
    }

    fn store(&self, want: &Want, entry: &Arc<Entry>) -> bool {
        let shelf = &self.shelf;
        let put = || shelf.tiers.near.put(shelf.key(&want.id), entry);
        let stored = entry.version >= want.floor
            && shelf.floors.admit(&want.id, entry.version, &want.before, shelf.now(), put);
        if !stored {
            shelf.meter.not_stored.increment(1);
        }
        stored
    }

    /// Gives other processes what they do not have, and the lease back.
    async fn share(&mut self, redis: &Redis, shares: Vec<Share>) {
        let lease = self.lease.take();
        let kind = self.shelf.kind;
        let given = lease.as_ref().is_some_and(|(id, _)| shares.iter().any(|share| share.id == *id));
        let writes = shares.iter().map(|share| {
            let token = lease.as_ref().filter(|(id, _)| *id == share.id).map(|(_, token)| *token);
            redis.write(kind, &share.id, &share.frame, share.life, token)
        });
        join_all(writes).await;
        if let Some((id, token)) = lease.filter(|_| !given) {
            redis.release(kind, &id, token).await;
        }
    }

    fn measure(&self) {
        let (entries, bytes) = self.shelf.tiers.near.size();
        self.shelf.meter.near_entries.set(entries as f64);
        self.shelf.meter.near_bytes.set(bytes as f64);
    }
}

/// What an origin answered.
#[derive(Default)]
struct Answer {
    found: HashMap<String, Loaded>,
    /// When it was asked, and how long that took.
    took: (Timestamp, Duration),
}
