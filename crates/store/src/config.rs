//! Configuration of the store.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where the database is: `sqlite:///path/to/file.db` or `postgres://user:password@host/name`. Does not print its password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// A URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
    /// True for the embedded engine.
    pub fn is_sqlite(&self) -> bool {
        self.0.starts_with("sqlite:")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.split_once("://"), self.0.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, rest))) => write!(f, "{scheme}://***@{rest}"),
            _ => f.write_str(&self.0),
        }
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{self:?}"))
    }
}

/// The `store` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// The primary.
    pub url: DatabaseUrl,
    /// Most connections to it. The embedded engine writes through one and reads through up to four.
    #[serde(default = "default_connections")]
    pub max_connections: u32,
    /// How long a call waits for a connection, milliseconds.
    #[serde(default = "default_acquire_ms")]
    pub acquire_timeout_ms: u64,
}

impl StoreConfig {
    /// Defaults for a database.
    pub fn new(url: DatabaseUrl) -> Self {
        Self { url, max_connections: default_connections(), acquire_timeout_ms: default_acquire_ms() }
    }
}

fn default_connections() -> u32 {
    16
}
fn default_acquire_ms() -> u64 {
    5_000
}

#[cfg(test)]
mod tests {
    use super::DatabaseUrl;

    #[test]
    fn a_url_does_not_print_its_password() {
        let url = DatabaseUrl::new("postgres://segue:s3cr@t@db/segue");
        assert_eq!(format!("{url:?}"), "postgres://***@db/segue");
    }
}
