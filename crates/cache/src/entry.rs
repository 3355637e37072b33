//! What is kept of one id.

use segue_domain::Timestamp;
use segue_ports::cache::Value;
use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// What was known of an id at one moment.
pub(crate) struct Entry {
    /// `None`: there was nothing of this id.
    pub(crate) value: Option<Value>,
    /// 0 when there was nothing.
    pub(crate) version: u64,
    /// When the origin was asked.
    pub(crate) checked: Timestamp,
    /// Until when it is believed.
    pub(crate) expires: Timestamp,
    /// How long the load took.
    pub(crate) cost: Duration,
    /// What was heard of when it was stored here; see [`crate::hearing`].
    pub(crate) generation: u64,
    /// Bytes that it takes here, about.
    pub(crate) weight: u32,
    /// The origin failed lately: not before this moment is it asked again while there is this to serve.
    retry_at: AtomicI64,
}

impl Entry {
    pub(crate) fn new(
        value: Option<Value>,
        version: u64,
        times: Times,
        generation: u64,
        encoded_bytes: usize,
    ) -> Self {
        let Times { checked, expires, cost } = times;
        // A decoded thing is some strings and their capacities: about twice what it takes encoded.
        let weight =
            u32::try_from(encoded_bytes.saturating_mul(2).saturating_add(OVERHEAD)).unwrap_or(u32::MAX);
        let retry_at = AtomicI64::new(i64::MIN);
        Self { value, version, checked, expires, cost, generation, weight, retry_at }
    }

    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }

    /// Whether this reader should have it loaded anew before it expires, so that readers of a hot entry never wait: the more
    /// often it is read, and the longer a load takes, the earlier one of them draws the lot (XFetch: Vattani,
    /// Chierichetti, Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015; beta = 1).
    pub(crate) fn due(&self, now: Timestamp) -> bool {
        let left = self.expires.since(now).as_secs_f64();
        let cost = self.cost.as_secs_f64();
        // Beyond 40 times the cost the lot would be drawn less than once in 10^17 reads.
        left <= cost * 40.0 && cost * -f64::ln(1.0 - rand::random::<f64>()) >= left
    }

    /// May be served though it is past its life, when nothing better can be had.
    pub(crate) fn lingers(&self, now: Timestamp, stale: Duration) -> bool {
        self.value.is_some() && now < self.expires.plus(stale)
    }

    pub(crate) fn rest_until(&self, at: Timestamp) {
        self.retry_at.store(at.millis(), Ordering::Relaxed);
    }
    pub(crate) fn resting(&self, now: Timestamp) -> bool {
        now.millis() < self.retry_at.load(Ordering::Relaxed)
    }
}

/// The times of an entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) checked: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) cost: Duration,
}

/// Bytes of an entry beside its thing, with key and bookkeeping.
const OVERHEAD: usize = 320;

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry(version {}, until {})", self.version, self.expires.millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(cost_ms: u64) -> Entry {
        let (checked, expires) = (Timestamp(0), Timestamp(10_000));
        Entry::new(None, 0, Times { checked, expires, cost: Duration::from_millis(cost_ms) }, 0, 0)
    }

    #[test]
    fn the_nearer_the_end_the_likelier_is_an_early_load() {
        let share = |entry: &Entry, at| (0..10_000).filter(|_| entry.due(Timestamp(at))).count();
        let slow = entry(1000);
        assert!(share(&slow, 0) < 10, "ten loads before the end: e^-10");
        let far = share(&slow, 7_000);
        let near = share(&slow, 9_000);
        assert!((300..700).contains(&far), "e^-3 = 5 %: {far}");
        assert!((3_300..4_100).contains(&near), "e^-1 = 37 %: {near}");
        assert_eq!(share(&entry(1), 9_900), 0, "a cheap load need not come early");
    }
}
