//! Floors that Redis has missed, until it has them.

use super::Redis;
use crate::lock::lock;
use futures::future::join_all;
use std::{sync::atomic::Ordering, time::Duration};

/// Floors that are remembered. When more are missed, what those say is known to the processes that listen, but not to
/// the next one that starts, until the entries expire.
const MOST: usize = 100_000;
/// Wait before the next try.
const PAUSE: Duration = Duration::from_millis(200);
/// Floors that are on their way at once.
const WINDOW: usize = 64;

impl Redis {
    pub(super) fn owe(&self, kind: &'static str, id: String, version: u64) {
        let inner = self.inner();
        let mut owed = lock(&inner.owed);
        if owed.len() >= MOST && !owed.contains_key(&(kind, id.clone())) {
            metrics::counter!("segue_cache_floors_lost_total").increment(1);
            return;
        }
        let newest = owed.entry((kind, id)).or_default();
        *newest = version.max(*newest);
        drop(owed);
        if inner.paying.swap(true, Ordering::SeqCst) {
            return;
        }
        let redis = self.clone();
        tokio::spawn(inner.closed.clone().run_until_cancelled_owned(async move {
            loop {
                tokio::time::sleep(PAUSE).await;
                // While it refuses, whoever closes it pays.
                if !redis.inner().breaker.refuses() && redis.pay().await {
                    redis.inner().paying.store(false, Ordering::SeqCst);
                    // One may have come in between.
                    if lock(&redis.inner().owed).is_empty()
                        || redis.inner().paying.swap(true, Ordering::SeqCst)
                    {
                        return;
                    }
                }
            }
        }));
    }

    /// Raises what is owed; true when nothing is left.
    pub(super) async fn pay(&self) -> bool {
        let owed: Vec<_> =
            lock(&self.inner().owed).iter().map(|(key, version)| (key.clone(), *version)).collect();
        for some in owed.chunks(WINDOW) {
            let paid = join_all(some.iter().map(|(key, version)| self.pay_one(key, *version))).await;
            if paid.contains(&false) {
                return false;
            }
        }
        lock(&self.inner().owed).is_empty()
    }

    async fn pay_one(&self, key: &(&'static str, String), version: u64) -> bool {
        let raised = self.raise_now(key.0, &key.1, version).await;
        let mut owed = lock(&self.inner().owed);
        // A newer one may have come meanwhile.
        if raised && owed.get(key) == Some(&version) {
            owed.remove(key);
        }
        raised
    }
}
