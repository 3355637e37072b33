//! A group of PostgreSQL servers under Patroni.

use serde_json::{Value, json};
use std::time::Duration;

/// How often Patroni is asked to switch over. It gives up when no replica has caught up in its time, which happens on a
/// busy machine, and leads on as before.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

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

    /// Has another member lead than this one.
    ///
    /// # Panics
    /// When Patroni does not do it.
    pub async fn switch_over(&self, leader: &Value) {
        let mut said = String::new();
        for _ in 0..ATTEMPTS {
            let asked =
                self.http.post(format!("{}/switchover", self.agents[0])).json(&json!({ "leader": leader }));
            let answer = asked.send().await.expect("the agent answers");
            if answer.status().is_success() {
                return;
            }
            said = answer.text().await.unwrap_or_default();
            tokio::time::sleep(PAUSE).await;
        }
        panic!("Patroni did not switch over: {said}");
    }
}
