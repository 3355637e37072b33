//! The mesh that `cargo xtask test` has started: two processes of each role on real engines, supervised there.

use crate::world::Server;
use serde::Deserialize;
use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What `cargo xtask mesh up --json` says when it is ready.
#[derive(Debug, Clone, Deserialize)]
pub struct Mesh {
    url: String,
    /// Every gateway.
    pub urls: Vec<String>,
    email: String,
    password: String,
    /// Where processes, ports and folders can be read.
    pub state: PathBuf,
}

/// A server process as the state file has it.
#[derive(Debug, Clone, Deserialize)]
pub struct Process {
    /// `song-1`, `patroni-2`.
    pub name: String,
    /// By what they are for.
    pub ports: std::collections::BTreeMap<String, u16>,
}

#[derive(Deserialize)]
struct State {
    folder: PathBuf,
    servers: Vec<Process>,
}

impl Mesh {
    /// The mesh of this run: `SEGUE_TEST_MESH` holds what was said when it became ready.
    ///
    /// # Panics
    /// When that cannot be read.
    pub fn shared() -> Option<Self> {
        let text = std::env::var("SEGUE_TEST_MESH").ok()?;
        Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("SEGUE_TEST_MESH: {e}: {text}")))
    }

    /// As [`Mesh::shared`], or a line that says that nothing was tested.
    pub fn or_skip(test: &str) -> Option<Self> {
        let mesh = Self::shared();
        if mesh.is_none() {
            eprintln!("SEGUE_TEST_MESH is not set: {test} is not tested here; run: cargo xtask test");
        }
        mesh
    }

    fn read(&self) -> State {
        let bytes = std::fs::read(&self.state).expect("the state file is there");
        serde_json::from_slice(&bytes).expect("the state can be read")
    }

    /// Every server: roles and engines.
    ///
    /// # Panics
    /// When the state file is gone.
    pub fn servers(&self) -> Vec<Process> {
        self.read().servers
    }

    /// The configuration that every role has.
    pub fn configuration(&self) -> PathBuf {
        self.read().folder.join("mesh/segue.toml")
    }

    /// A port of a server.
    ///
    /// # Panics
    /// When it has none for that.
    pub fn port(&self, server: &str, of: &str) -> u16 {
        let servers = self.servers();
        let found = servers.iter().find(|s| s.name == server).and_then(|s| s.ports.get(of));
        *found.unwrap_or_else(|| panic!("{server} has no port for {of}"))
    }

    /// Ends all processes of a server as kill -9 does. It is started again a second later.
    pub fn kill(&self, server: &str) {
        self.disturb("kill", server);
    }

    /// Freezes a server as SIGSTOP does.
    pub fn pause(&self, server: &str) {
        self.disturb("pause", server);
    }

    /// Lets a frozen server go on.
    pub fn resume(&self, server: &str) {
        self.disturb("resume", server);
    }

    fn disturb(&self, how: &str, server: &str) {
        let program = std::env::var_os("SEGUE_TEST_XTASK").expect("SEGUE_TEST_XTASK names the program");
        let done = Command::new(program)
            .args(["engines", how, server])
            .env("SEGUE_TEST_ENGINES", &self.state)
            .stdin(Stdio::null())
            .output()
            .expect("it starts");
        assert!(done.status.success(), "{how} {server}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// The Patroni node that leads, by asking each.
    ///
    /// # Panics
    /// When none leads within 30 s.
    pub fn leader(&self) -> String {
        self.node("primary")
    }

    /// The Patroni node for which every commit waits.
    ///
    /// # Panics
    /// When there is none within 30 s.
    pub fn standby(&self) -> String {
        self.node("synchronous")
    }

    fn node(&self, role: &str) -> String {
        let (page, end) = (format!("/{role}"), Instant::now() + Duration::from_secs(30));
        while Instant::now() < end {
            for server in self.servers().iter().filter(|s| s.name.starts_with("patroni-")) {
                if status(server.ports["rest"], &page) == Some(200) {
                    return server.name.clone();
                }
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("no Patroni node is {role}");
    }

    /// Waits until every process says that it is ready.
    ///
    /// # Panics
    /// When one is not in time.
    pub fn settle(&self, limit: Duration) {
        let end = Instant::now() + limit;
        loop {
            let roles = self.servers().into_iter().filter(|s| s.ports.contains_key("http"));
            let unready: Vec<String> = roles
                .filter(|s| {
                    ["gateway", "song", "playlist", "identity", "encoder", "search", "cdc", "edge"]
                        .iter()
                        .any(|role| s.name.starts_with(role))
                })
                .filter(|s| status(s.ports["http"], "/readyz") != Some(200))
                .map(|s| s.name)
                .collect();
            if unready.is_empty() {
                return;
            }
            assert!(Instant::now() < end, "not ready after {limit:?}: {unready:?}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Server for Mesh {
    fn url(&self) -> &str {
        &self.url
    }
    fn email(&self) -> &str {
        &self.email
    }
    fn password(&self) -> &str {
        &self.password
    }
}

/// The status of a page of a process, `None` when it does not answer within 2 s.
pub fn status(port: u16, path: &str) -> Option<u16> {
    use std::io::{Read, Write};
    let limit = Some(Duration::from_secs(2));
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(limit).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ok()?;
    let mut head = [0; 16];
    stream.read_exact(&mut head[..12]).ok()?;
    std::str::from_utf8(&head[9..12]).ok()?.parse().ok()
}
