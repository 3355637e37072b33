//! The `song` section of the configuration.

use crate::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use url::Url;

/// How long a grant to play lives at least.
pub(crate) const SHORTEST_GRANT: Duration = Duration::from_secs(2 * 3600);

/// Settings of the song role. Sizes are bytes, times are seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SongConfig {
    /// The largest original that is taken.
    pub max_file_bytes: u64,
    /// Size of an upload block. Larger for a file that would have more than 50,000 of them (Azure's limit).
    pub block_bytes: u64,
    /// How long an upload URL works. RenewUpload gives another.
    pub upload_url_seconds: u64,
    /// A song whose bytes are not complete after this time is deleted.
    pub upload_expiry_seconds: u64,
    /// Base URLs of the edges. Empty: the address under which the caller reached us.
    pub edges: Vec<String>,
    /// The address for URLs that are handed out. Empty: the address under which the caller reached us.
    pub public_url: Option<String>,
    /// Encodings of one owner that are on the bus at a time; the rest wait for their turn.
    pub encodings_per_owner: u32,
    /// Most songs of one user; 0 is no limit.
    pub max_songs_per_user: u64,
    /// Most bytes of originals of one user; 0 is no limit.
    pub quota_bytes_per_user: u64,
    /// How long a signed cover URL works at most; at least half of that. Not above two hours, the shortest
    /// life of a playback grant, because it is one.
    pub cover_url_seconds: u64,
    /// Open WatchSong streams per process.
    pub max_watchers: u32,
    /// A watcher looks at the row at least this often, whatever the bus says.
    pub watch_poll_seconds: u64,
    /// Pause between two rounds of the release sweep.
    pub release_sweep_seconds: u64,
    /// Pause between two rounds of the reaper.
    pub reap_seconds: u64,
    /// Songs and folders that the reaper takes on in one round.
    pub reap_batch: u32,
    /// No encoding writes objects for longer than this; the reaper lists a folder again after it.
    pub longest_job_seconds: u64,
}

impl Default for SongConfig {
    fn default() -> Self {
        Self {
            max_file_bytes: 4 << 30,
            block_bytes: 8 << 20,
            upload_url_seconds: 12 * 3600,
            upload_expiry_seconds: 7 * 24 * 3600,
            edges: Vec::new(),
            public_url: None,
            encodings_per_owner: 4,
            max_songs_per_user: 0,
            quota_bytes_per_user: 0,
            cover_url_seconds: 2 * 3600,
            max_watchers: 10_000,
            watch_poll_seconds: 15,
            release_sweep_seconds: 30,
            reap_seconds: 60,
            reap_batch: 100,
            longest_job_seconds: 3600,
        }
    }
}

impl SongConfig {
    /// Refuses what cannot work; takes the slash off the end of URLs.
    pub(crate) fn checked(mut self) -> Result<Self, Error> {
        let positive = [
            ("max_file_bytes", self.max_file_bytes),
            ("block_bytes", self.block_bytes),
            ("upload_url_seconds", self.upload_url_seconds),
            ("upload_expiry_seconds", self.upload_expiry_seconds),
            ("encodings_per_owner", self.encodings_per_owner.into()),
            ("max_watchers", self.max_watchers.into()),
            ("watch_poll_seconds", self.watch_poll_seconds),
            ("release_sweep_seconds", self.release_sweep_seconds),
            ("reap_seconds", self.reap_seconds),
            ("reap_batch", self.reap_batch.into()),
            ("longest_job_seconds", self.longest_job_seconds),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(Error::Config(format!("song.{name} must be above 0")));
        }
        if i64::try_from(self.max_file_bytes).is_err() {
            return Err(Error::Config("song.max_file_bytes is too large".into()));
        }
        if !(2..=SHORTEST_GRANT.as_secs()).contains(&self.cover_url_seconds) {
            return Err(Error::Config("song.cover_url_seconds must be from 2 to 7200".into()));
        }
        for (name, url) in self
            .edges
            .iter_mut()
            .map(|u| ("edges", u))
            .chain(self.public_url.iter_mut().map(|u| ("public_url", u)))
        {
            let parsed =
                Url::parse(url).ok().filter(|u| matches!(u.scheme(), "http" | "https") && u.has_host());
            if parsed.is_none_or(|u| u.query().is_some() || u.fragment().is_some()) {
                return Err(Error::Config(format!("song.{name} must be http(s) URLs, not {url:?}")));
            }
            url.truncate(url.trim_end_matches('/').len());
        }
        Ok(self)
    }

    pub(crate) fn upload_url_life(&self) -> Duration {
        Duration::from_secs(self.upload_url_seconds)
    }
    pub(crate) fn upload_expiry(&self) -> Duration {
        Duration::from_secs(self.upload_expiry_seconds)
    }
    pub(crate) fn longest_job(&self) -> Duration {
        Duration::from_secs(self.longest_job_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        let refused = |change: fn(&mut SongConfig)| {
            let mut config = SongConfig::default();
            change(&mut config);
            config.checked().expect_err("refused").to_string()
        };
        assert!(refused(|c| c.block_bytes = 0).contains("block_bytes"));
        assert!(refused(|c| c.cover_url_seconds = 7201).contains("cover_url_seconds"));
        assert!(refused(|c| c.edges = vec!["edge".into()]).contains("edges"));
        assert!(refused(|c| c.public_url = Some("ftp://x".into())).contains("public_url"));
    }

    #[test]
    fn urls_lose_their_last_slash() {
        let config = SongConfig { edges: vec!["https://edge.example/".into()], ..SongConfig::default() };
        assert_eq!(config.checked().expect("good").edges, ["https://edge.example"]);
    }
}
