//! Hot bodies as shared bytes, and the budget of memory that all bodies in this process live on.

use crate::{fill::Head, gzip, lock::lock, lru::Lru, path::Key};
use bytes::Bytes;
use std::sync::{Arc, Mutex};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

/// What an entry costs besides its body.
const OVERHEAD: u64 = 512;

/// A whole object in memory.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) head: Arc<Head>,
    pub(crate) body: Bytes,
    gzip: OnceCell<Bytes>,
}

impl Object {
    pub(crate) fn new(head: Arc<Head>, body: Bytes) -> Self {
        Self { head, body, gzip: OnceCell::new() }
    }

    /// The compressed body: made once however many ask.
    pub(crate) async fn gzip(&self) -> Bytes {
        self.gzip.get_or_init(|| gzip::compress(self.body.clone())).await.clone()
    }
}

/// The memory cache: plain LRU, every body comes in. So it is also the window in which an object that the disk
/// cache refused, or that was fetched ahead, waits for its listener.
#[derive(Debug)]
pub(crate) struct Memory {
    state: Mutex<State>,
    limit: u64,
}

#[derive(Debug)]
struct State {
    entries: Lru<Key, Arc<Object>>,
    used: u64,
}

impl Memory {
    pub(crate) fn new(limit: u64) -> Self {
        Self { state: Mutex::new(State { entries: Lru::new(), used: 0 }), limit }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Object>> {
        lock(&self.state).entries.get(key).map(|o| o.clone())
    }

    pub(crate) fn contains(&self, key: &Key) -> bool {
        lock(&self.state).entries.peek(key).is_some()
    }

    pub(crate) fn insert(&self, key: Key, object: Arc<Object>) {
        let mut given_up = Vec::new();
        let mut state = lock(&self.state);
        state.used += cost(&key, &object);
        if let Some(old) = state.entries.insert(key, object) {
            state.used -= cost(&key, &old);
            given_up.push(old);
        }
        while state.used > self.limit {
            let Some((key, old)) = state.entries.pop_oldest() else { break };
            state.used -= cost(&key, &old);
            given_up.push(old);
        }
        // Bodies are freed behind the lock.
        drop(state);
        drop(given_up);
    }
}

/// Text is compressed later, to less than a third.
fn cost(key: &Key, object: &Object) -> u64 {
    let body = object.body.len() as u64;
    OVERHEAD + if key.name.compressible() { body * 4 / 3 } else { body }
}

/// Bytes of memory that may be in bodies at one time: cached ones, ones that are being filled, and ones that slow
/// readers still hold after both.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

/// A part of a [`Budget`], given back when dropped.
#[derive(Debug)]
pub(crate) struct Share(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Budget {
    pub(crate) fn new(bytes: u64) -> Self {
        let permits = usize::try_from(bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(permits)))
    }

    /// A share, if there is that much left.
    pub(crate) fn try_take(&self, bytes: u64) -> Option<Share> {
        self.0.clone().try_acquire_many_owned(u32::try_from(bytes).ok()?).ok().map(Share)
    }

    /// A share, when there is that much left; waiters are served in turn.
    pub(crate) async fn take(&self, bytes: u32) -> Option<Share> {
        self.0.clone().acquire_many_owned(bytes).await.ok().map(Share)
    }
}

impl Share {
    /// Bytes that hold this share until the last of their readers is done with them.
    pub(crate) fn hold(self, bytes: Vec<u8>) -> Bytes {
        struct Held {
            bytes: Vec<u8>,
            _share: Share,
        }
        impl AsRef<[u8]> for Held {
            fn as_ref(&self) -> &[u8] {
                &self.bytes
            }
        }
        Bytes::from_owner(Held { bytes, _share: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_comes_back_when_the_last_reader_is_done() {
        let budget = Budget::new(100);
        let bytes = budget.try_take(60).unwrap().hold(vec![1; 60]);
        assert!(budget.try_take(60).is_none());
        let slow = bytes.slice(50..);
        drop(bytes);
        assert!(budget.try_take(60).is_none());
        drop(slow);
        assert!(budget.try_take(100).is_some());
    }
}
