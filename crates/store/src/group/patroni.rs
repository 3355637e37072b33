//! Patroni's view of the group (<https://patroni.readthedocs.io/en/latest/rest_api.html>, `GET /cluster`).

use serde::Deserialize;
use std::time::Duration;

/// How long one agent may take; a group has few.
const PATIENCE: Duration = Duration::from_millis(500);

/// The members of a group.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Cluster {
    #[serde(default)]
    pub(super) members: Vec<Member>,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Member {
    #[serde(default)]
    role: String,
    #[serde(default)]
    pub(super) host: String,
    #[serde(default)]
    pub(super) port: u16,
}

impl Member {
    /// True when it holds the leader's lock.
    pub(super) fn leads(&self) -> bool {
        matches!(self.role.as_str(), "leader" | "master" | "primary")
    }
}

/// The agents of one group.
#[derive(Debug)]
pub(super) struct Patroni {
    http: reqwest::Client,
    urls: Vec<String>,
    /// The one that answered last is asked first.
    first: usize,
}

impl Patroni {
    /// None when no addresses are configured.
    pub(super) fn new(urls: &[String]) -> Option<Self> {
        if urls.is_empty() {
            return None;
        }
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build();
        let http = http.inspect_err(|error| tracing::warn!(%error, "patroni cannot be asked")).ok()?;
        Some(Self { http, urls: urls.to_vec(), first: 0 })
    }

    /// What the first agent that answers says. None when none does: then the servers' own words must do.
    pub(super) async fn ask(&mut self) -> Option<Cluster> {
        for turn in 0..self.urls.len() {
            let index = (self.first + turn) % self.urls.len();
            let url = format!("{}/cluster", self.urls[index].trim_end_matches('/'));
            match self.fetch(&url).await {
                Ok(cluster) => {
                    self.first = index;
                    return Some(cluster);
                }
                Err(error) => tracing::debug!(url, %error, "a patroni agent did not answer"),
            }
        }
        None
    }

    async fn fetch(&self, url: &str) -> reqwest::Result<Cluster> {
        self.http.get(url).send().await?.error_for_status()?.json().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_patroni_3_and_4_say() {
        let text = r#"{"members": [
            {"name": "a", "role": "leader", "state": "running", "api_url": "http://127.0.0.1:8008/patroni",
             "host": "127.0.0.1", "port": 5432, "timeline": 2},
            {"name": "b", "role": "replica", "state": "streaming", "host": "127.0.0.1", "port": 5433, "lag": 0},
            {"name": "c", "role": "sync_standby", "state": "starting"}], "scope": "segue"}"#;
        let cluster: Cluster = serde_json::from_str(text).unwrap();
        let leaders: Vec<_> = cluster.members.iter().filter(|m| m.leads()).map(|m| m.port).collect();
        assert_eq!((cluster.members.len(), leaders), (3, vec![5432]));
    }
}
