//! What all requests of one edge share, and the rule that one object has at most one fill.

use crate::{
    Deps, EdgeConfig,
    cache::{
        disk::Disk,
        memory::{Budget, Memory, Object},
    },
    error::FillError,
    fill::{Fill, Reader},
    grants::Grants,
    lock::lock,
    lru::Lru,
    meter::Meter,
    path::Key,
    prefetch::Ahead,
    pull,
};
use segue_domain::{Clock, Timestamp};
use segue_ports::blob::BlobStore;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::Semaphore;

/// How many missing objects are remembered.
const MAX_ABSENT: usize = 4096;
/// Fills that may wait for their turn, per fill that may run.
const QUEUE: usize = 8;

pub(crate) struct Node {
    pub(crate) config: EdgeConfig,
    pub(crate) blob: Arc<dyn BlobStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) grants: Grants,
    pub(crate) memory: Memory,
    pub(crate) disk: Arc<Disk>,
    /// Memory for whole bodies.
    pub(crate) bodies: Budget,
    /// Memory for pieces of files.
    pub(crate) reads: Budget,
    pub(crate) turns: Semaphore,
    pub(crate) ahead: Ahead,
    pub(crate) meter: Meter,
    fills: Mutex<HashMap<Key, Arc<Fill>>>,
    /// Objects that the origin did not have, and until when that is believed.
    absent: Mutex<Lru<Key, Timestamp>>,
}

/// Where a body comes from.
pub(crate) enum Found {
    /// It is in memory.
    Object(Arc<Object>),
    /// It is on its way.
    Coming {
        reader: Reader,
        /// Whether this call set it on its way.
        began: bool,
    },
}

impl Node {
    pub(crate) fn new(config: EdgeConfig, deps: Deps, disk: Disk) -> Self {
        Self {
            blob: deps.blob,
            clock: deps.clock,
            grants: Grants::new(deps.grants, config.max_grants),
            memory: Memory::new(config.memory_bytes),
            disk: Arc::new(disk),
            bodies: Budget::new(config.memory_bytes.saturating_add(config.transit_bytes)),
            // At least one piece, or nothing could ever be read.
            reads: Budget::new(config.file_read_bytes.max(64 << 10)),
            turns: Semaphore::new(config.max_fills.max(1)),
            ahead: Ahead::new(config.prefetch_fills),
            meter: Meter::new(),
            fills: Mutex::new(HashMap::new()),
            absent: Mutex::new(Lru::new()),
            config,
        }
    }

    /// The object, or a reader of its one fill, which is begun if there is none. The fill lives on its own: it
    /// does not end with the request that began it.
    pub(crate) fn fetch(self: &Arc<Self>, key: Key) -> Result<Found, FillError> {
        if let Some(object) = self.memory.get(&key) {
            return Ok(Found::Object(object));
        }
        let mut fills = lock(&self.fills);
        if let Some(fill) = fills.get(&key) {
            return Ok(Found::Coming { reader: fill.reader(), began: false });
        }
        // Again under the lock: a fill puts its object into memory before it leaves the map.
        if let Some(object) = self.memory.get(&key) {
            return Ok(Found::Object(object));
        }
        if self.is_absent(&key) {
            return Err(FillError::NotFound);
        }
        if fills.len() >= self.config.max_fills.max(1) * QUEUE {
            return Err(FillError::Busy);
        }
        let fill = Arc::new(Fill::new());
        fills.insert(key, fill.clone());
        let reader = fill.reader();
        drop(fills);
        tokio::spawn(pull::run(self.clone(), key, fill));
        Ok(Found::Coming { reader, began: true })
    }

    /// Whether the object is here or on its way.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.memory.contains(key) || self.disk.contains(key) || lock(&self.fills).contains_key(key)
    }

    /// Takes a finished fill out of the map.
    pub(crate) fn remove(&self, key: &Key, fill: &Arc<Fill>) {
        let mut fills = lock(&self.fills);
        if fills.get(key).is_some_and(|f| Arc::ptr_eq(f, fill)) {
            fills.remove(key);
        }
    }

    /// Takes a fill out of the map if nobody reads it. Readers join under the same lock, so none is left behind.
    pub(crate) fn give_up(&self, key: &Key, fill: &Arc<Fill>) -> bool {
        let mut fills = lock(&self.fills);
        let unread = fill.readers() == 0;
        if unread {
            fills.remove(key);
        }
        unread
    }

    /// Remembers for 2 to 5 seconds that the origin does not have the object; jittered, so that what was asked for
    /// together is not asked for together again.
    pub(crate) fn remember_absent(&self, key: Key) {
        let until = self.clock.now().plus(Duration::from_millis(rand::random_range(2_000..5_000)));
        let mut absent = lock(&self.absent);
        absent.insert(key, until);
        while absent.len() > MAX_ABSENT {
            absent.pop_oldest();
        }
    }

    fn is_absent(&self, key: &Key) -> bool {
        let now = self.clock.now();
        let mut absent = lock(&self.absent);
        match absent.peek(key) {
            Some(until) if now < *until => true,
            Some(_) => {
                absent.remove(key);
                false
            }
            None => false,
        }
    }
}
