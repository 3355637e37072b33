//! What `up` and `status` print.

use super::{configuration, family::Condition, server::Server, state::State};
use serde_json::{Value, json};

/// How to reach them: for a shell and for `segue serve`, or all of it as JSON.
pub(super) fn reach(state: &State, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let mut all = serde_json::to_value(state)?;
        all["configuration"] = configuration::of(state).into();
        println!("{all}");
        return Ok(());
    }
    println!("# for tests:");
    for (name, value) in &state.variables {
        println!("export {name}='{value}'");
    }
    println!("\n# for segue.toml:");
    for line in configuration::of(state).lines() {
        println!("# {line}");
    }
    Ok(())
}

/// What runs; false unless all of it does.
pub(super) fn status(state: Option<&State>, as_json: bool) -> anyhow::Result<bool> {
    let Some(state) = state else {
        if as_json {
            println!("{}", json!({ "servers": [] }));
        } else {
            println!("no engines were started; run: cargo xtask engines up");
        }
        return Ok(false);
    };
    let seen: Vec<Seen> = state.servers.iter().map(|server| Seen::of(state, server)).collect();
    if as_json {
        let servers: Vec<Value> = seen.iter().map(Seen::json).collect();
        println!("{}", json!({ "folder": state.folder, "servers": servers }));
    } else {
        println!("{:16} {:>8} {:>8} {:>8}  ports", "server", "is", "process", "memory");
        seen.iter().for_each(|seen| println!("{}", seen.line()));
    }
    Ok(!seen.is_empty() && seen.iter().all(|seen| seen.word == "ready"))
}

/// One server as it is now.
struct Seen<'a> {
    server: &'a Server,
    word: &'static str,
    memory: u64,
}

impl<'a> Seen<'a> {
    fn of(state: &State, server: &'a Server) -> Self {
        let word = match server.condition(&state.folder) {
            Condition::Dead => "dead",
            Condition::Paused => "paused",
            Condition::Running if server.ready.passes() => "ready",
            Condition::Running => "starting",
        };
        Self { server, word, memory: server.family(&state.folder).memory() }
    }

    fn line(&self) -> String {
        let ports: Vec<String> =
            self.server.ports.iter().map(|(what, port)| format!("{what} {port}")).collect();
        let pid = self.server.pid.filter(|_| self.word != "dead").map(|pid| pid.to_string());
        let memory = format!("{} MB", self.memory >> 20);
        let Self { server, word, .. } = self;
        format!(
            "{:16} {word:>8} {:>8} {memory:>8}  {}",
            server.name,
            pid.unwrap_or_default(),
            ports.join(", ")
        )
    }

    fn json(&self) -> Value {
        let Server { name, pid, ports, folder, .. } = self.server;
        json!({ "name": name, "is": self.word, "pid": pid, "ports": ports, "folder": folder, "memory_bytes": self.memory })
    }
}
