//! Refuses calls while Redis is slow or away, so that they cost nothing.

use metrics::{Gauge, gauge};
use std::sync::{
    OnceLock,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

/// Failures in a row after which it opens.
const FAILURES: u32 = 10;

#[derive(Default)]
pub(super) struct Breaker {
    failures: AtomicU32,
    open: AtomicBool,
    gauge: OnceLock<Gauge>,
}

impl Breaker {
    pub(super) fn refuses(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    pub(super) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// True when this failure has opened it.
    pub(super) fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        failures >= FAILURES && self.open()
    }

    /// True when it was closed.
    pub(super) fn open(&self) -> bool {
        let opened = !self.open.swap(true, Ordering::Relaxed);
        self.gauge().set(1);
        opened
    }

    pub(super) fn close(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.open.store(false, Ordering::Relaxed);
        self.gauge().set(0);
    }

    fn gauge(&self) -> &Gauge {
        self.gauge.get_or_init(|| gauge!("segue_cache_redis_open"))
    }
}
