//! The first tier: this process's memory, shared by all regions, bounded by bytes.

use crate::entry::Entry;
use moka::{ops::compute::Op, sync::Cache};
use std::sync::Arc;

/// Names an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) kind: &'static str,
    pub(crate) id: Box<str>,
}

/// Entries of this process.
#[derive(Debug, Clone)]
pub(crate) struct Near(Cache<Key, Arc<Entry>>);

impl Near {
    pub(crate) fn new(bytes: u64) -> Self {
        let weigh = |_: &Key, entry: &Arc<Entry>| entry.weight;
        Self(Cache::builder().weigher(weigh).max_capacity(bytes).build())
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.0.get(key)
    }

    /// Stores, unless a newer version is there.
    pub(crate) fn put(&self, key: Key, entry: &Arc<Entry>) {
        self.0.entry(key).and_compute_with(|held| match held {
            Some(held) if held.value().version > entry.version => Op::Nop,
            _ => Op::Put(entry.clone()),
        });
    }

    /// Removes what is older than `version`.
    pub(crate) fn remove_older(&self, key: &Key, version: u64) {
        if self.0.get(key).is_some_and(|held| held.version < version) {
            self.0.invalidate(key);
        }
    }

    /// Entries and their bytes, about.
    pub(crate) fn size(&self) -> (u64, u64) {
        (self.0.entry_count(), self.0.weighted_size())
    }
}
