//! What this role hears.

use crate::SearchConfig;
use segue_ports::bus::WorkQueue;
use std::time::Duration;

/// Every fact about what can be found, and how often songs were heard. Whether one concerns the index is decided here
/// and not by the topic, so that a fact of a kind that this version does not know is parked and not lost.
pub(crate) fn index(config: &SearchConfig) -> WorkQueue {
    WorkQueue {
        name: "search-index",
        topics: &["song.#", "album.#", "artist.#", "playlist.#", "songs.#"],
        prefetch: config.batch_events,
        max_failures: 3,
        backoff: Duration::from_secs(1),
    }
}
