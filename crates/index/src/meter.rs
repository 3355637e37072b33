//! What the engines count.

use std::time::Instant;

/// Of a batch of writes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Applied {
    /// Changed something.
    pub(crate) fresh: u64,
    /// Changed nothing: a version at or below the one that is there.
    pub(crate) stale: u64,
}

pub(crate) fn applied(engine: &'static str, applied: Applied) {
    metrics::counter!("segue_index_applied_total", "engine" => engine).increment(applied.fresh);
    metrics::counter!("segue_index_stale_total", "engine" => engine).increment(applied.stale);
}

pub(crate) fn searched(engine: &'static str, begin: Instant) {
    metrics::histogram!("segue_index_search_seconds", "engine" => engine)
        .record(begin.elapsed().as_secs_f64());
}

pub(crate) fn suggested(engine: &'static str, begin: Instant) {
    metrics::histogram!("segue_index_suggest_seconds", "engine" => engine)
        .record(begin.elapsed().as_secs_f64());
}
