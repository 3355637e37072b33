//! Where the cluster is.

use std::{fmt, time::Duration};

/// What the composition root says.
#[derive(Debug, Clone)]
pub struct Config {
    /// URL of the cluster, `http://host:port` or https.
    pub url: String,
    /// Distinguishes indexes of several Segues in one cluster: `[a-z0-9_]`, 1 to 40 characters.
    pub prefix: String,
    /// User and password, where the cluster wants them.
    pub user: Option<(String, Password)>,
    /// How long a search may take.
    pub search_timeout: Duration,
    /// How long a batch of writes, or a page of a scan, may take.
    pub write_timeout: Duration,
    /// Shards of a new index.
    pub shards: u32,
    /// Copies of each shard beside the first.
    pub replicas: u32,
}

impl Config {
    /// Without a user, with timeouts of 3 s and 10 s, one shard and no copies.
    pub fn new(url: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: prefix.into(),
            user: None,
            search_timeout: Duration::from_secs(3),
            write_timeout: Duration::from_secs(10),
            shards: 1,
            replicas: 0,
        }
    }
}

/// A password, which does not print.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// A password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
