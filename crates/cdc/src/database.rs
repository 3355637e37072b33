//! A database of the store, and the servers that it may be on.

use crate::{RelayError, endpoint::Endpoint, patroni, source::SourceError};
use segue_store::{DatabaseUrl, StoreConfig};
use std::path::PathBuf;

/// One database with outbox tables.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    urls: Vec<DatabaseUrl>,
    patroni: Vec<String>,
    password_file: Option<PathBuf>,
}

impl Database {
    /// A database by the servers of which one at a time takes writes; the relay finds out which, again and again.
    /// `name` is for logs and metrics. `patroni` holds REST addresses of the group's agents, which name further
    /// servers. `password_file` is for URLs that hold none. Both are asked for each connection.
    ///
    /// # Errors
    /// When no server is named, or a URL cannot be used.
    pub fn new(
        name: impl Into<String>,
        urls: Vec<DatabaseUrl>,
        patroni: Vec<String>,
        password_file: Option<PathBuf>,
    ) -> Result<Self, RelayError> {
        if urls.is_empty() {
            return Err(RelayError::NoServers);
        }
        for url in &urls {
            Endpoint::new(url, None)?;
        }
        Ok(Self { name: name.into(), urls, patroni, password_file })
    }

    /// The database of a store's configuration. Servers that are only read from do not matter here.
    ///
    /// # Errors
    /// As [`Database::new`].
    pub fn of_store(config: &StoreConfig) -> Result<Self, RelayError> {
        let urls = [&config.url].into_iter().chain(&config.urls).filter(|url| !url.is_empty());
        Self::new("main", urls.cloned().collect(), config.patroni.clone(), config.password_file.clone())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The servers, with the password of now.
    pub(crate) async fn servers(&self) -> Result<Vec<Endpoint>, SourceError> {
        let setup = |error: RelayError| SourceError::Setup(error.to_string());
        let password = match &self.password_file {
            Some(path) => {
                let text = tokio::fs::read_to_string(path).await.map_err(|error| {
                    SourceError::Setup(format!(
                        "store.password_file {} cannot be read: {error}",
                        path.display()
                    ))
                })?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            None => None,
        };
        let servers = self.urls.iter().map(|url| Endpoint::new(url, password.as_deref()).map_err(setup));
        let mut servers = servers.collect::<Result<Vec<_>, _>>()?;
        for member in patroni::members(&self.patroni).await {
            let known = |server: &Endpoint| server.host == member.host && server.port == member.port;
            if !servers.iter().any(known) {
                servers.push(servers[0].on(&member.host, member.port));
            }
        }
        Ok(servers)
    }
}
