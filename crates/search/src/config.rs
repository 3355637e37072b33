//! The `search` section of the configuration.

use crate::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Settings of the search role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SearchConfig {
    /// Most events that are applied to the index at once, 1 to 1000. Also how many this process holds of the queue.
    pub batch_events: u16,
    /// How long the first event of a batch waits for others, milliseconds. Adds to the time until a change is found.
    pub batch_wait_ms: u64,
    /// Longest wait for the answer to a question, milliseconds; then it is UNAVAILABLE.
    pub query_timeout_ms: u64,
    /// First pause while the index is away, milliseconds; doubles up to ten times this.
    pub pause_ms: u64,
    /// Songs of a page when the database is read from end to end, 1 to 1000.
    pub scan_page: u16,
    /// How long a difference must last to be one, milliseconds: longer than changes take to arrive. Those of a version
    /// alone take up to a second more.
    pub settle_ms: u64,
    /// Differences that one comparison lists at most.
    pub max_differences: usize,
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self {
            batch_events: 256,
            batch_wait_ms: 5,
            query_timeout_ms: 2_500,
            pause_ms: 500,
            scan_page: 500,
            settle_ms: 3_000,
            max_differences: 10_000,
        }
    }
}

impl SearchConfig {
    pub(crate) fn checked(self) -> Result<Self, Error> {
        let wrong = |text: &str| Err(Error::Config(text.into()));
        if !(1..=1_000).contains(&self.batch_events) {
            return wrong("search.batch_events must be between 1 and 1000");
        }
        if !(1..=1_000).contains(&self.scan_page) {
            return wrong("search.scan_page must be between 1 and 1000");
        }
        if self.query_timeout_ms == 0 || self.pause_ms == 0 || self.max_differences == 0 {
            return wrong("search.query_timeout_ms, pause_ms and max_differences must be at least 1");
        }
        if self.batch_wait_ms > 60_000 || self.settle_ms > 600_000 {
            return wrong("search.batch_wait_ms must be at most 60000 and settle_ms at most 600000");
        }
        Ok(self)
    }

    pub(crate) fn batch_wait(&self) -> Duration {
        Duration::from_millis(self.batch_wait_ms)
    }
    pub(crate) fn query_timeout(&self) -> Duration {
        Duration::from_millis(self.query_timeout_ms)
    }
    pub(crate) fn pause(&self) -> Duration {
        Duration::from_millis(self.pause_ms)
    }
    pub(crate) fn longest_pause(&self) -> Duration {
        self.pause() * 10
    }
    pub(crate) fn settle(&self) -> Duration {
        Duration::from_millis(self.settle_ms)
    }
}
