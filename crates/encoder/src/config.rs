//! The `encoder` section of the configuration.

use crate::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Settings of the encoder role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderConfig {
    /// Jobs at a time. Each one uses all cores, so more than one is for machines with many.
    pub workers: usize,
    /// Where originals are kept while they are encoded, within the data folder unless it begins with `/`; made when it is
    /// not there. Needs room for `workers` originals. Empty: `spool`.
    pub spool_dir: PathBuf,
    /// Longest time of one attempt, seconds. Below the 30 minutes after which RabbitMQ takes a job back.
    pub wall_limit_s: u64,
    /// Most memory of the child process, bytes.
    pub memory_limit_bytes: u64,
    /// How much the child process stands back for others: 0 to 19.
    pub niceness: i32,
    /// Longest song, seconds.
    pub max_duration_s: u64,
    /// Objects that are stored at the same time.
    pub parallel_puts: usize,
    /// After this many failures of its own a job is parked.
    pub max_failures: u32,
    /// Wait before the second attempt after such a failure, milliseconds; doubles with each.
    pub backoff_ms: u64,
    /// First pause of a worker when the database or the blob store is away, milliseconds; doubles up to a minute.
    pub pause_ms: u64,
    /// Open WatchEncoding streams.
    pub max_watchers: usize,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            workers: 1,
            spool_dir: PathBuf::new(),
            wall_limit_s: 20 * 60,
            memory_limit_bytes: 1 << 30,
            niceness: 10,
            max_duration_s: 12 * 3600,
            parallel_puts: 4,
            max_failures: 3,
            backoff_ms: 2_000,
            pause_ms: 1_000,
            max_watchers: 1_000,
        }
    }
}

impl EncoderConfig {
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let wrong = |text: &str| Err(Error::Config(text.into()));
        if self.workers == 0 || self.workers > 64 {
            return wrong("encoder.workers must be between 1 and 64");
        }
        if self.wall_limit_s == 0 || self.wall_limit_s > 28 * 60 {
            return wrong(
                "encoder.wall_limit_s must be between 1 and 1680: the bus takes a job back after 30 minutes",
            );
        }
        if self.memory_limit_bytes < 64 << 20 {
            return wrong("encoder.memory_limit_bytes must be at least 67108864");
        }
        if !(0..=19).contains(&self.niceness) {
            return wrong("encoder.niceness must be between 0 and 19");
        }
        if self.max_duration_s == 0 || self.parallel_puts == 0 || self.max_failures == 0 {
            return wrong("encoder.max_duration_s, parallel_puts and max_failures must be at least 1");
        }
        Ok(())
    }

    pub(crate) fn spool_dir(&self) -> &Path {
        if self.spool_dir.as_os_str().is_empty() { Path::new("/var/tmp") } else { &self.spool_dir }
    }

    pub(crate) fn wall_limit(&self) -> Duration {
        Duration::from_secs(self.wall_limit_s)
    }
}
