//! The processes of a mesh.

use crate::engines::{Ports, Probe, Server, State};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Two of each: one may die at any time.
const ROLES: [(&str, usize); 8] = [
    ("identity", 2),
    ("song", 2),
    ("playlist", 2),
    ("encoder", 2),
    ("search", 2),
    ("cdc", 2),
    ("edge", 2),
    ("gateway", 2),
];

/// Which process listens where.
pub(super) struct Plan {
    /// By role, in the order of their numbers.
    ports: BTreeMap<&'static str, Vec<u16>>,
}

impl Plan {
    /// Ports that nobody has.
    pub(super) fn new(state: &State) -> anyhow::Result<Self> {
        let last = state.servers.iter().flat_map(|server| server.ports.values()).max().copied();
        let free = Ports::new(last.map(|port| port + 1));
        let mut ports = BTreeMap::new();
        for (role, count) in ROLES {
            ports.insert(role, (0..count).map(|_| free.take()).collect::<anyhow::Result<_>>()?);
        }
        Ok(Self { ports })
    }

    /// Addresses of the processes of a role.
    pub(super) fn of(&self, role: &str) -> Vec<String> {
        self.ports[role].iter().map(|port| format!("http://127.0.0.1:{port}")).collect()
    }

    /// Of the first gateway.
    pub(super) fn url(&self) -> String {
        self.urls().remove(0)
    }

    /// Of every gateway.
    pub(super) fn urls(&self) -> Vec<String> {
        self.of("gateway")
    }

    /// Every process, not started.
    pub(super) fn servers(&self, state: &State, program: &Path, file: &Path) -> anyhow::Result<Vec<Server>> {
        let mut servers = Vec::new();
        for (role, _) in ROLES {
            for (number, port) in (1..).zip(&self.ports[role]) {
                let name = format!("{role}-{number}");
                let folder = state.folder.join(&name);
                fs::create_dir_all(&folder)?;
                servers.push(server(&name, role, *port, folder, program, file));
            }
        }
        Ok(servers)
    }
}

fn server(name: &str, role: &str, port: u16, folder: PathBuf, program: &Path, file: &Path) -> Server {
    let data = folder.join("data").display().to_string();
    let (file, port_text) = (file.display().to_string(), port.to_string());
    let mut server = Server::new(name, program, folder, Probe::http(port, "/readyz"));
    server.environment.insert("SEGUE__TELEMETRY__SERVICE".into(), format!("segue-{role}"));
    server
        .args(["serve", role, "--config", &file, "--port", &port_text, "--data", &data, "--json"])
        .port("http", port)
}
