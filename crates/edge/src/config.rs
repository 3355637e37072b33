//! Configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Limits of an edge. Sizes are bytes, times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EdgeConfig {
    /// The folder of the disk cache. It belongs to one process at a time; everything in it can be refetched.
    pub cache_dir: PathBuf,
    /// The disk cache's size.
    pub disk_bytes: u64,
    /// Hot bodies kept in memory.
    pub memory_bytes: u64,
    /// Memory for bodies on their way, besides `memory_bytes`: fills, and what slow readers still hold. When it is used up,
    /// bodies go through files.
    pub transit_bytes: u64,
    /// Memory for pieces of files on their way to readers.
    pub file_read_bytes: u64,
    /// Larger objects never take memory as a whole.
    pub memory_object_bytes: u64,
    /// Larger objects are refused with 502.
    pub max_object_bytes: u64,
    /// Fills from the origin at one time; more wait their turn.
    pub max_fills: usize,
    /// Fills ahead of the listener at one time; 0 turns prefetching off.
    pub prefetch_fills: usize,
    /// How often the origin is asked for one body until it is whole.
    pub fill_attempts: u32,
    /// How long the origin may take until a body begins.
    pub first_byte_timeout_ms: u64,
    /// How long the origin may pause within a body.
    pub idle_timeout_ms: u64,
    /// How long one fill may take in all.
    pub fill_timeout_ms: u64,
    /// How long a request waits for the beginning of its answer; then 503.
    pub wait_timeout_ms: u64,
    /// A fill that nobody waits for any more is finished if at most this much is missing.
    pub abandoned_bytes: u64,
    /// Verified grants that are remembered.
    pub max_grants: usize,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            cache_dir: "edge".into(),
            disk_bytes: 2 << 30,
            memory_bytes: 16 << 20,
            transit_bytes: 32 << 20,
            file_read_bytes: 8 << 20,
            memory_object_bytes: 1 << 20,
            max_object_bytes: 64 << 20,
            max_fills: 128,
            prefetch_fills: 8,
            fill_attempts: 3,
            first_byte_timeout_ms: 5_000,
            idle_timeout_ms: 5_000,
            fill_timeout_ms: 60_000,
            wait_timeout_ms: 15_000,
            abandoned_bytes: 8 << 20,
            max_grants: 10_000,
        }
    }
}
