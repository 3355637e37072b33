//! Which servers a group has, asked from Patroni (<https://patroni.readthedocs.io/en/latest/rest_api.html>,
//! `GET /cluster`). Who leads is asked from the servers themselves.

use serde::Deserialize;
use std::time::Duration;

/// How long one agent may take.
const PATIENCE: Duration = Duration::from_millis(1_000);
/// Most members that are looked at.
const MOST: usize = 16;

#[derive(Debug, Default, Deserialize)]
struct Cluster {
    #[serde(default)]
    members: Vec<Member>,
}

/// One server. A member that does not run may have no address.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Member {
    #[serde(default)]
    pub(crate) host: String,
    #[serde(default)]
    pub(crate) port: u16,
}

/// What the first agent that answers says. Nothing when none does: then the URLs that are known must do.
pub(crate) async fn members(agents: &[String]) -> Vec<Member> {
    if agents.is_empty() {
        return Vec::new();
    }
    let Ok(http) = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build() else { return Vec::new() };
    for agent in agents {
        let url = format!("{}/cluster", agent.trim_end_matches('/'));
        let asked = async { http.get(&url).send().await?.error_for_status()?.json::<Cluster>().await };
        match asked.await {
            Ok(cluster) => {
                let named = cluster.members.into_iter().filter(|m| !m.host.is_empty() && m.port != 0);
                return named.take(MOST).collect();
            }
            Err(error) => tracing::debug!(url, %error, "a patroni agent did not answer"),
        }
    }
    Vec::new()
}
