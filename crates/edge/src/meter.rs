//! Counters. Their handles are taken once, so that a request costs no look-up: a recorder that is installed after
//! [`crate::Edge::open`] hears nothing.

use metrics::{Counter, Gauge, counter, gauge};

/// The edge's metrics.
pub(crate) struct Meter {
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
    pub(crate) joined: Counter,
    pub(crate) denied: Counter,
    pub(crate) not_found: Counter,
    pub(crate) bad_request: Counter,
    pub(crate) failed: Counter,
    pub(crate) sent_bytes: Counter,
    pub(crate) disk_loads: Counter,
    pub(crate) fills: Counter,
    pub(crate) fill_failures: Counter,
    pub(crate) fill_retries: Counter,
    pub(crate) prefetches: Counter,
    pub(crate) origin_bytes: Counter,
    pub(crate) corrupt: Counter,
    pub(crate) evicted: Counter,
    pub(crate) refused: Counter,
    pub(crate) disk_used: Gauge,
}

impl Meter {
    pub(crate) fn new() -> Self {
        let requests = |result| counter!("edge_requests_total", "result" => result);
        Self {
            hits: requests("hit"),
            misses: requests("miss"),
            joined: requests("joined"),
            denied: requests("denied"),
            not_found: requests("not_found"),
            bad_request: requests("bad_request"),
            failed: requests("failed"),
            sent_bytes: counter!("edge_sent_bytes_total"),
            disk_loads: counter!("edge_disk_loads_total"),
            fills: counter!("edge_fills_total"),
            fill_failures: counter!("edge_fill_failures_total"),
            fill_retries: counter!("edge_fill_retries_total"),
            prefetches: counter!("edge_prefetches_total"),
            origin_bytes: counter!("edge_origin_bytes_total"),
            corrupt: counter!("edge_corrupt_objects_total"),
            evicted: counter!("edge_evicted_objects_total"),
            refused: counter!("edge_admission_refused_total"),
            disk_used: gauge!("edge_disk_used_bytes"),
        }
    }
}
