//! Configuration of the store.

use crate::{DatabaseUrl, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The `store` section of the configuration: topology `single`, one primary with any number of replicas. `url`
/// alone is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
    /// The database. Of a group of servers: one of them, which may be the primary or become it.
    pub url: DatabaseUrl,
    /// More servers of the group, any of which may be the primary or become it. Those that are in recovery are
    /// read from.
    pub urls: Vec<DatabaseUrl>,
    /// Servers that are read from and never written to, whatever they say of themselves.
    pub replicas: Vec<DatabaseUrl>,
    /// Patroni's REST addresses of the group (`http://db1:8008`), any of which is asked who leads and which other
    /// members there are. They are reached with user, password and database of `url`.
    pub patroni: Vec<String>,
    /// A file with the password, for URLs that hold none. It is read again when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Most connections to each server. The embedded engine writes through one and reads through up to four.
    pub max_connections: u32,
    /// How long a call waits for a connection, milliseconds.
    pub acquire_timeout_ms: u64,
    /// A statement that runs for longer is ended by the server, milliseconds. Migrations are exempt.
    pub statement_timeout_ms: u64,
    /// For how long a read, or a write that may be repeated, is tried again while the database is away or changes its
    /// primary, milliseconds; never past the caller's deadline.
    pub retry_ms: u64,
    /// Time between two looks at each server, milliseconds. A failed statement causes one at once.
    pub monitor_ms: u64,
    /// A replica that is further behind its primary is not read from, milliseconds. With `monitor_ms` and the second
    /// that a look may take, this bounds how old an answer can be to a caller who sends no consistency token.
    pub max_replica_lag_ms: u64,
    /// For how long to wait at the start for a database that cannot be reached, seconds.
    pub wait_s: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: DatabaseUrl::default(),
            urls: Vec::new(),
            replicas: Vec::new(),
            patroni: Vec::new(),
            password_file: None,
            max_connections: 16,
            acquire_timeout_ms: 5_000,
            statement_timeout_ms: 30_000,
            retry_ms: 8_000,
            monitor_ms: 1_000,
            max_replica_lag_ms: 10_000,
            wait_s: 0,
        }
    }
}

/// A server as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// `store.url`, `store.urls[0]`.
    pub(crate) key: String,
    pub(crate) url: &'a DatabaseUrl,
    pub(crate) may_lead: bool,
}

impl StoreConfig {
    /// Defaults for a database.
    pub fn new(url: DatabaseUrl) -> Self {
        Self { url, ..Self::default() }
    }

    /// True for the embedded engine.
    pub fn is_sqlite(&self) -> bool {
        self.url.is_sqlite()
    }

    /// Every server, those that may be the primary first.
    pub(crate) fn servers(&self) -> Vec<Named<'_>> {
        let list = |name: &'static str, urls: &'_ [DatabaseUrl]| {
            (0..urls.len()).map(move |i| format!("store.{name}[{i}]")).collect::<Vec<_>>()
        };
        let first = (!self.url.is_empty()).then(|| Named {
            key: "store.url".to_owned(),
            url: &self.url,
            may_lead: true,
        });
        let more = list("urls", &self.urls).into_iter().zip(&self.urls);
        let more = more.map(|(key, url)| Named { key, url, may_lead: true });
        let replicas = list("replicas", &self.replicas).into_iter().zip(&self.replicas);
        let replicas = replicas.map(|(key, url)| Named { key, url, may_lead: false });
        first.into_iter().chain(more).chain(replicas).collect()
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    /// [`StoreError::Config`], which names the key.
    pub fn check(&self) -> Result<(), StoreError> {
        let bad = |key: &str, problem: &str| Err(StoreError::config(key, problem));
        let servers = self.servers();
        if !servers.iter().any(|server| server.may_lead) {
            return bad("store.url", "must be set: sqlite:///path/to/file.db or postgres://user@host/name");
        }
        if self.is_sqlite() && (servers.len() > 1 || !self.patroni.is_empty()) {
            return bad("store.url", "is an embedded database, which has no other servers");
        }
        if let Some(server) =
            servers.iter().find(|s| !self.is_sqlite() && !s.url.expose().starts_with("postgres"))
        {
            return bad(&server.key, "must begin with postgres://");
        }
        for (key, value) in [
            ("store.max_connections", u64::from(self.max_connections)),
            ("store.acquire_timeout_ms", self.acquire_timeout_ms),
            ("store.monitor_ms", self.monitor_ms),
        ] {
            if value == 0 {
                return bad(key, "must be at least 1");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(config: &StoreConfig) -> Vec<(String, bool)> {
        config.servers().into_iter().map(|s| (s.key, s.may_lead)).collect()
    }

    #[test]
    fn a_url_alone_is_enough() {
        let config = StoreConfig::new(DatabaseUrl::new("postgres://u@h/d"));
        config.check().unwrap();
        assert_eq!(keys(&config), [("store.url".to_owned(), true)]);
    }

    #[test]
    fn every_server_has_the_name_of_its_key() {
        let url = |host: &str| DatabaseUrl::new(format!("postgres://u@{host}/d"));
        let config =
            StoreConfig { urls: vec![url("a"), url("b")], replicas: vec![url("c")], ..Default::default() };
        config.check().unwrap();
        assert_eq!(
            keys(&config),
            [("store.urls[0]", true), ("store.urls[1]", true), ("store.replicas[0]", false)]
                .map(|(key, may_lead)| (key.to_owned(), may_lead))
        );
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        let url = DatabaseUrl::new("postgres://u@h/d");
        for (key, config) in [
            ("store.url", StoreConfig::default()),
            ("store.url", StoreConfig { replicas: vec![url.clone()], ..Default::default() }),
            ("store.url", StoreConfig::new(DatabaseUrl::new("mysql://h/d"))),
            (
                "store.url",
                StoreConfig {
                    patroni: vec!["http://h".into()],
                    ..StoreConfig::new(DatabaseUrl::new("sqlite://f"))
                },
            ),
            ("store.monitor_ms", StoreConfig { monitor_ms: 0, ..StoreConfig::new(url) }),
        ] {
            let error = config.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{key} ")), "{error}");
        }
    }
}
