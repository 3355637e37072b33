//! The policy of reading: what is fresh, who waits for whom, what is served when the origin fails.

use crate::{
    entry::Entry,
    fill::{self, Want},
    flight::{Flight, Flights, Led, Outcome},
    floor::Floors,
    hearing::Hearing,
    meter::Meter,
    near::Key,
    tiered::Tiers,
};
use async_trait::async_trait;
use futures::future::try_join_all;
use segue_domain::Timestamp;
use segue_ports::cache::{LoadError, Origin, Region, Value};
use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

/// Floors that one region keeps: 1,000 changes a second for the minute that a floor holds, and less than 10 MB.
const FLOORS: usize = 60_000;
/// A reader who could be served something stale waits so long for the origin.
const STALE_AFTER: Duration = Duration::from_millis(500);
/// After a failure the origin is not asked again for so long by those who can be served something stale.
const REST: Duration = Duration::from_secs(1);
/// Loads of others that a reader may find too old before it insists on one of its own.
const ROUNDS: u32 = 3;

/// One kind of thing.
pub(crate) struct Shelf {
    pub(crate) tiers: Arc<Tiers>,
    pub(crate) origin: Arc<dyn Origin>,
    pub(crate) kind: &'static str,
    pub(crate) floors: Floors,
    pub(crate) hearing: Hearing,
    pub(crate) flights: Arc<Flights>,
    pub(crate) meter: Meter,
}

/// The region that roles hold.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Shelf>);

impl Handle {
    pub(crate) fn new(tiers: Arc<Tiers>, origin: Arc<dyn Origin>) -> Self {
        let kind = origin.kind();
        let meter = Meter::new(kind);
        meter.suspect.set(1);
        let (floors, hearing, flights) = (Floors::new(FLOORS), Hearing::new(), Arc::default());
        Self(Arc::new(Shelf { tiers, origin, kind, floors, hearing, flights, meter }))
    }
}

#[async_trait]
impl Region for Handle {
    async fn get(&self, id: &str, at_least: u64) -> Result<Option<Value>, LoadError> {
        let (now, key) = (self.0.now(), self.0.key(id));
        if let Some(value) = self.0.hit(&key, at_least, now) {
            return Ok(value);
        }
        let asked = self.0.flights.next_number();
        Box::pin(self.0.fetch(key, at_least, asked, None)).await
    }

    async fn get_many(&self, ids: &[String]) -> Result<HashMap<String, Value>, LoadError> {
        let now = self.0.now();
        let mut found = HashMap::with_capacity(ids.len());
        let mut missing = Vec::new();
        for id in ids {
            match self.0.hit(&self.0.key(id), 0, now) {
                Some(Some(value)) => drop(found.insert(id.clone(), value)),
                Some(None) => {}
                None => missing.push(id.clone()),
            }
        }
        if missing.is_empty() {
            return Ok(found);
        }
        let asked = self.0.flights.next_number();
        let flights = self.0.board(&missing, 0);
        let fetches = missing.into_iter().zip(flights).map(async |(id, flight)| {
            let value = self.0.fetch(self.0.key(&id), 0, asked, Some(flight)).await?;
            Ok::<_, LoadError>(value.map(|value| (id, value)))
        });
        found.extend(try_join_all(fetches).await?.into_iter().flatten());
        Ok(found)
    }

    async fn invalidate(&self, id: &str, version: u64) {
        let shelf = &self.0;
        shelf.meter.invalidations.increment(1);
        let key = shelf.key(id);
        shelf.floors.raise(id, version, shelf.now(), || shelf.tiers.near.remove_older(&key, version));
        if let Some(redis) = &shelf.tiers.redis {
            redis.raise(shelf.kind, id, version).await;
        }
    }

    fn suspect(&self) {
        if self.0.hearing.lost() {
            self.0.meter.suspect.set(1);
        }
    }

    fn trust(&self) {
        self.0.hearing.begin(self.0.now());
        self.0.meter.suspect.set(0);
    }
}

impl Shelf {
    pub(crate) fn now(&self) -> Timestamp {
        self.tiers.clock.now()
    }

    pub(crate) fn key(&self, id: &str) -> Key {
        Key { kind: self.kind, id: id.into() }
    }

    /// What is near and may be served as it is.
    fn hit(self: &Arc<Self>, key: &Key, at_least: u64, now: Timestamp) -> Option<Option<Value>> {
        let entry = self.tiers.near.get(key)?;
        let hearing = self.hearing.now();
        let fresh = !entry.expired(now) && hearing.trusts(entry.generation, entry.checked, now);
        if !fresh || entry.version < at_least {
            return None;
        }
        self.meter.near_hits.increment(1);
        if entry.due(now) {
            let (_, led) = self.flights.board(&[key.id.to_string()]);
            if !led.is_empty() {
                self.meter.early_loads.increment(1);
                // Nobody waits for it; only what was asked for since will do.
                self.fly(led, 0, entry.checked.plus(Duration::from_millis(1)));
            }
        }
        Some(entry.value.clone())
    }

    /// Reads what is not near: waits for a load, its own or another's, and for the next one when that was too old.
    async fn fetch(
        self: &Arc<Self>,
        key: Key,
        at_least: u64,
        asked: u64,
        mut boarded: Option<Arc<Flight>>,
    ) -> Result<Option<Value>, LoadError> {
        self.meter.misses.increment(1);
        let now = self.now();
        let least = at_least.max(self.floors.before(&key.id, now).version);
        let stale = self.tiers.near.get(&key).filter(|entry| self.lingers(entry, least, now));
        if let Some(entry) = stale.as_ref().filter(|entry| entry.resting(now)) {
            return Ok(self.serve_stale(entry, now));
        }
        let ids = [key.id.to_string()];
        let mut round = 0;
        loop {
            let flight = match boarded.take() {
                Some(flight) => flight,
                None if round < ROUNDS => self.board(&ids, least).swap_remove(0),
                None => self.alone(&ids[0], least),
            };
            let outcome = match &stale {
                None => flight.ended().await,
                Some(entry) => match tokio::time::timeout(STALE_AFTER, flight.ended()).await {
                    Ok(outcome) => outcome,
                    Err(_) => return Ok(self.serve_stale(entry, now)),
                },
            };
            match outcome {
                Outcome::Found { entry, latest } => {
                    let newest = latest && flight.number >= asked;
                    // The last one was led alone: there is nothing newer to be had.
                    if entry.version >= least || newest || round >= ROUNDS {
                        if entry.version < at_least {
                            self.unmet(&key, at_least, &entry);
                        }
                        return Ok(entry.value.clone());
                    }
                    round += 1;
                }
                Outcome::Failed { error, stale: theirs } => {
                    let theirs = theirs.filter(|entry| self.lingers(entry, least, now));
                    return match stale.or(theirs) {
                        Some(entry) => Ok(self.serve_stale(&entry, now)),
                        None => Err(error),
                    };
                }
            }
        }
    }

    /// The caller says to have seen a version that the primary does not have: they made it up, or the primary is not the
    /// one that acknowledged it.
    fn unmet(&self, key: &Key, at_least: u64, entry: &Entry) {
        self.meter.unmet.increment(1);
        tracing::info!(
            kind = self.kind,
            id = &*key.id,
            at_least,
            version = entry.version,
            "there is nothing as new as the caller says to have seen"
        );
    }

    fn lingers(&self, entry: &Entry, least: u64, now: Timestamp) -> bool {
        entry.version >= least && entry.lingers(now, self.tiers.policy.stale)
    }

    fn serve_stale(&self, entry: &Entry, now: Timestamp) -> Option<Value> {
        self.meter.stale_served.increment(1);
        entry.rest_until(now.plus(REST));
        entry.value.clone()
    }

    /// A flight for each id; begins those that are not under way, to find at least this version.
    fn board(self: &Arc<Self>, ids: &[String], least: u64) -> Vec<Arc<Flight>> {
        let (flights, led) = self.flights.board(ids);
        self.fly(led, least, Timestamp(i64::MIN));
        flights
    }

    /// A flight that nobody else boards.
    fn alone(self: &Arc<Self>, id: &str, least: u64) -> Arc<Flight> {
        let (flight, led) = self.flights.alone(id);
        self.fly(led, least, Timestamp(i64::MIN));
        flight
    }

    fn fly(self: &Arc<Self>, led: Led, least: u64, newer: Timestamp) {
        if led.is_empty() {
            return;
        }
        let (now, hearing) = (self.now(), self.hearing.now());
        let wants = led.ids().map(|id| {
            let before = self.floors.before(&id, now);
            Want {
                least: least.max(before.version),
                floor: 0,
                checked: newer.max(hearing.oldest(now)),
                primary: before.primary || hearing.wants_primary(now),
                before,
                id,
            }
        });
        let wants = wants.collect();
        // A task of its own: the load is for all who wait, and goes on when the caller that began it is gone.
        tokio::spawn(fill::run(self.clone(), wants, led, now, hearing.generation));
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({:?})", self.0.origin)
    }
}
