//! The `playlist` section of the configuration.

use crate::{Error, library::LibraryConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Settings of the playlist role. Times are seconds unless the name says milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PlaylistConfig {
    /// Most playlists of one user; 0 is no limit.
    pub max_playlists_per_user: u64,
    /// Most playlists that one user follows.
    pub max_followed_per_user: u32,
    /// How long a repeat of AddItems with the same request id is known as one.
    pub request_memory_seconds: u64,
    /// Pause between two sweeps of what is remembered and no longer needed.
    pub sweep_seconds: u64,
    /// Open WatchPlaylist streams per process.
    pub max_watchers: u32,
    /// A watcher looks at the row at least this often, whatever the bus says.
    pub watch_poll_seconds: u64,
    /// Longest wait for the song role, milliseconds. Items are then listed without their songs.
    pub song_deadline_ms: u64,
    /// Likes, listening history and counts.
    pub library: LibraryConfig,
}

impl Default for PlaylistConfig {
    fn default() -> Self {
        Self {
            max_playlists_per_user: 0,
            max_followed_per_user: 1_000,
            request_memory_seconds: 24 * 3600,
            sweep_seconds: 3600,
            max_watchers: 10_000,
            watch_poll_seconds: 15,
            song_deadline_ms: 3_000,
            library: LibraryConfig::default(),
        }
    }
}

impl PlaylistConfig {
    /// Refuses what cannot work.
    pub(crate) fn checked(mut self) -> Result<Self, Error> {
        self.library = self.library.checked()?;
        let positive = [
            ("max_followed_per_user", self.max_followed_per_user.into()),
            ("request_memory_seconds", self.request_memory_seconds),
            ("sweep_seconds", self.sweep_seconds),
            ("max_watchers", self.max_watchers.into()),
            ("watch_poll_seconds", self.watch_poll_seconds),
            ("song_deadline_ms", self.song_deadline_ms),
        ];
        match positive.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(Error::Config(format!("playlist.{name} must be above 0"))),
            None => Ok(self),
        }
    }

    pub(crate) fn song_deadline(&self) -> Duration {
        Duration::from_millis(self.song_deadline_ms)
    }
    pub(crate) fn request_memory(&self) -> Duration {
        Duration::from_secs(self.request_memory_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        let config = PlaylistConfig { sweep_seconds: 0, ..PlaylistConfig::default() };
        let refused = config.checked().expect_err("refused").to_string();
        assert!(refused.contains("playlist.sweep_seconds"), "{refused}");
        assert!(PlaylistConfig::default().checked().is_ok());
    }
}
