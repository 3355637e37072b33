//! What the parent asks of the child.

use serde::{Deserialize, Serialize};

/// One job for one child, the first thing it reads: length (u32, little endian) and JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Name of the song in the manifest.
    pub(crate) song: String,
    /// Longest audio, seconds.
    pub(crate) max_duration_s: u64,
    /// Process id of the parent: a child whose parent is another one by now has nobody to work for.
    pub(crate) parent: u32,
    /// Most memory, bytes.
    pub(crate) memory_bytes: u64,
    /// Most processor time of all threads together, seconds.
    pub(crate) cpu_s: u64,
    /// 0 to 19.
    pub(crate) niceness: i32,
}

/// Longest order, bytes.
pub(crate) const MAX_ORDER: usize = 4096;
