//! The servers of one role, and the choice among them.

use super::endpoint::Endpoint;
use arc_swap::ArcSwap;
use http::Uri;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

/// How long a call waits for the first answer of the resolver.
const RESOLVE: Duration = Duration::from_secs(2);

/// The servers.
pub(super) struct Pool {
    pub(super) targets: Vec<Uri>,
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    /// Ties are broken by turns.
    turn: AtomicUsize,
    resolved: watch::Sender<bool>,
}

impl Pool {
    pub(super) fn new(targets: Vec<Uri>) -> Arc<Self> {
        // Addresses need no resolver, and the first call need not wait.
        let addresses: Vec<_> = targets.iter().filter_map(|t| Some((literal(t)?, t.clone()))).collect();
        let resolved = addresses.len() == targets.len();
        let pool = Self {
            targets,
            endpoints: ArcSwap::default(),
            turn: AtomicUsize::new(0),
            resolved: watch::Sender::new(resolved),
        };
        pool.set(addresses);
        Arc::new(pool)
    }

    /// Takes in what names resolve to now; servers that stay keep their connections.
    pub(super) fn set(&self, addresses: Vec<(SocketAddr, Uri)>) {
        let before = self.endpoints.load();
        let mut after: Vec<Arc<Endpoint>> = Vec::with_capacity(addresses.len());
        for (address, origin) in addresses {
            if after.iter().any(|e| e.address == address) {
                continue;
            }
            let known = before.iter().find(|e| e.address == address && e.origin == origin);
            after.push(known.cloned().unwrap_or_else(|| Arc::new(Endpoint::new(address, origin))));
        }
        self.endpoints.store(Arc::new(after));
    }

    pub(super) fn resolved(&self) {
        self.resolved.send_replace(true);
    }

    pub(super) fn endpoints(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.endpoints.load_full()
    }

    /// Waits until names were resolved once.
    pub(super) async fn ready(&self) {
        if *self.resolved.borrow() {
            return;
        }
        let mut resolved = self.resolved.subscribe();
        let _ = tokio::time::timeout(RESOLVE, resolved.wait_for(|r| *r)).await;
    }

    /// The one with the fewest calls in flight among those that take calls and were not tried; when none of them takes
    /// calls, one that does not: what is known may be wrong.
    pub(super) fn pick(&self, tried: &[SocketAddr]) -> Option<Arc<Endpoint>> {
        let endpoints = self.endpoints.load();
        let left = || endpoints.iter().filter(|e| !tried.contains(&e.address));
        let rank = |e: &Endpoint| (!e.available(), e.load());
        let best = left().map(|e| rank(e)).min()?;
        let equal: Vec<_> = left().filter(|e| rank(e) == best).collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        // Others may have changed a rank meanwhile; then the best of now is as good.
        match equal.len() {
            0 => left().min_by_key(|e| rank(e)).cloned(),
            n => Some(Arc::clone(equal[turn % n])),
        }
    }
}

/// The socket address that a target names without a resolver.
pub(super) fn literal(target: &Uri) -> Option<SocketAddr> {
    let host = target.host()?.trim_start_matches('[').trim_end_matches(']');
    Some(SocketAddr::new(host.parse().ok()?, port(target)))
}

pub(super) fn port(target: &Uri) -> u16 {
    target.port_u16().unwrap_or(if target.scheme_str() == Some("https") { 443 } else { 80 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(targets: &[&str]) -> Arc<Pool> {
        Pool::new(targets.iter().map(|t| t.parse().unwrap()).collect())
    }

    #[tokio::test]
    async fn the_least_busy_server_that_takes_calls_is_chosen() {
        let pool = pool(&["http://127.0.0.1:1", "http://127.0.0.1:2", "http://[::1]:3"]);
        let all = pool.endpoints();
        let _busy = (all[0].begin(), all[0].begin(), all[1].begin());
        assert_eq!(pool.pick(&[]).unwrap().address, all[2].address);
        all[2].failed();
        assert_eq!(pool.pick(&[]).unwrap().address, all[1].address);
        all[1].set_serving(false);
        assert_eq!(pool.pick(&[]).unwrap().address, all[0].address, "busy is better than gone");
        assert_eq!(pool.pick(&[all[0].address, all[1].address]).unwrap().address, all[2].address);
        all[2].set_serving(true);
        assert_eq!(pool.pick(&[]).unwrap().address, all[2].address, "healthy again");
    }

    #[tokio::test]
    async fn idle_servers_take_turns_and_those_that_stay_are_kept() {
        let pool = pool(&["http://127.0.0.1:1", "http://127.0.0.1:2"]);
        let picked: Vec<_> = (0..4).map(|_| pool.pick(&[]).unwrap().address.port()).collect();
        assert_eq!(picked, [1, 2, 1, 2]);
        let before = pool.endpoints();
        let origin: Uri = "http://127.0.0.1:2".parse().unwrap();
        pool.set(vec![(before[1].address, origin.clone()), (before[1].address, origin)]);
        let after = pool.endpoints();
        assert_eq!(after.len(), 1);
        assert!(Arc::ptr_eq(&before[1], &after[0]));
        pool.set(Vec::new());
        assert!(pool.pick(&[]).is_none());
    }
}
