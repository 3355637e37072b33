//! A group of PostgreSQL servers under Patroni.

use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// For the group to be whole, and for a change of its leader.
const LIMIT: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(500);

/// The group's agents, by their REST addresses.
#[derive(Debug, Clone)]
pub struct Group {
    http: reqwest::Client,
    /// Addresses of the agents.
    pub agents: Vec<String>,
}

impl Group {
    /// The group of these agents, with commas between them.
    ///
    /// # Panics
    /// When no client can be made.
    pub fn new(agents: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { http, agents: agents.split(',').map(str::to_owned).collect() }
    }

    /// Its members, by any of its agents.
    ///
    /// # Panics
    /// When none answers.
    pub async fn members(&self) -> Vec<Value> {
        for agent in &self.agents {
            if let Ok(answer) = self.http.get(format!("{agent}/cluster")).send().await {
                let cluster: Value = answer.json().await.expect("Patroni speaks JSON");
                return cluster["members"].as_array().expect("it lists members").clone();
            }
        }
        panic!("no agent of {:?} answers", self.agents);
    }

    /// Has another member lead than this one, once the group is whole: a replica that Patroni restarts just then, to copy
    /// a slot, is neither waited for nor passed over by it. A group that has stayed without a leader is told whom to take:
    /// the synchronous standby, which has all that was acknowledged.
    ///
    /// # Panics
    /// When nobody else leads in time.
    pub async fn switch_over(&self, leader: &Value) {
        let start = Instant::now();
        let mut said = String::new();
        while start.elapsed() < LIMIT {
            let members = self.members().await;
            let running = members.iter().all(|member| member["state"] == "running");
            said = match (of_role(&members, "leader"), of_role(&members, "sync_standby")) {
                (Some(now), _) if now["name"] != *leader => return,
                (Some(_), Some(_)) if running => self.ask("switchover", json!({ "leader": leader })).await,
                (None, Some(standby)) => self.ask("failover", json!({ "candidate": standby["name"] })).await,
                _ => format!("it is not whole: {members:?}"),
            };
            tokio::time::sleep(PAUSE).await;
        }
        panic!("nobody else led in {LIMIT:?}: {said}");
    }

    /// Waits for Patroni to have done it, or to have given up.
    async fn ask(&self, what: &str, how: Value) -> String {
        let asked = self.http.post(format!("{}/{what}", self.agents[0])).json(&how);
        asked.send().await.expect("the agent answers").text().await.unwrap_or_default()
    }
}

fn of_role<'a>(members: &'a [Value], role: &str) -> Option<&'a Value> {
    members.iter().find(|member| member["role"] == role)
}
