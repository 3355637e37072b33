//! Counters of one region. Their handles are taken once, so that a read costs no look-up: a recorder that is
//! installed after the region was opened hears nothing.

use metrics::{Counter, Gauge, counter, gauge};

#[derive(Clone)]
pub(crate) struct Meter {
    pub(crate) near_hits: Counter,
    pub(crate) redis_hits: Counter,
    /// Reads that found nothing near, whoever loaded for them.
    pub(crate) misses: Counter,
    pub(crate) replica_loads: Counter,
    pub(crate) primary_loads: Counter,
    pub(crate) load_failures: Counter,
    pub(crate) early_loads: Counter,
    pub(crate) stale_served: Counter,
    /// Reads for which the origin had nothing as new as the caller said to have seen.
    pub(crate) unmet: Counter,
    /// Loads whose result was below a floor.
    pub(crate) not_stored: Counter,
    pub(crate) invalidations: Counter,
    /// Values in Redis that were not ours to read: other formats and flipped bytes.
    pub(crate) unreadable: Counter,
    /// 1 while invalidations may be missed.
    pub(crate) suspect: Gauge,
    pub(crate) near_bytes: Gauge,
    pub(crate) near_entries: Gauge,
}

impl Meter {
    pub(crate) fn new(kind: &'static str) -> Self {
        let hits = |tier: &'static str| counter!("segue_cache_hits_total", "kind" => kind, "tier" => tier);
        let loads =
            |from: &'static str| counter!("segue_cache_loads_total", "kind" => kind, "source" => from);
        let count = |name: &'static str| counter!(name, "kind" => kind);
        Self {
            near_hits: hits("near"),
            redis_hits: hits("redis"),
            misses: count("segue_cache_misses_total"),
            replica_loads: loads("replica"),
            primary_loads: loads("primary"),
            load_failures: count("segue_cache_load_failures_total"),
            early_loads: count("segue_cache_early_loads_total"),
            stale_served: count("segue_cache_stale_served_total"),
            unmet: count("segue_cache_unmet_total"),
            not_stored: count("segue_cache_not_stored_total"),
            invalidations: count("segue_cache_invalidations_total"),
            unreadable: count("segue_cache_unreadable_total"),
            suspect: gauge!("segue_cache_suspect", "kind" => kind),
            near_bytes: gauge!("segue_cache_near_bytes"),
            near_entries: gauge!("segue_cache_near_entries"),
        }
    }
}
