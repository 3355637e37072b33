//! A set of engines that does not outlive this process, however that ends.

use super::{
    engine::Engine,
    patroni,
    server::Server,
    set::{self, Options},
    state::State,
};
use crate::workspace::Workspace;
use anyhow::Context;
use std::{
    io::Read,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
};
use tempfile::TempDir;

/// Stopped, and its data removed, when dropped. When this process is killed instead, by Ctrl-C or any other way, a guard
/// of its own does both.
pub(crate) struct Guarded {
    state: State,
    path: PathBuf,
    guard: Child,
    _folder: TempDir,
}

impl Guarded {
    /// Starts these engines, on ports and in folders that no other set has.
    ///
    /// # Errors
    /// When one does not start; the others are stopped.
    pub(crate) fn start(workspace: &Workspace, engines: &[Engine]) -> anyhow::Result<Self> {
        Self::start_with(workspace, engines, 1)
    }

    /// As [`Self::start`], with so many nodes of RabbitMQ.
    pub(crate) fn start_with(
        workspace: &Workspace,
        engines: &[Engine],
        rabbitmq_nodes: u8,
    ) -> anyhow::Result<Self> {
        // The state file's own folder: that of the data is made together with the state.
        let folder = tempfile::Builder::new().prefix("segue-engines-state-").tempdir()?;
        let path = folder.path().join("state.json");
        let guard = guard(&path)?;
        let empty = State { folder: PathBuf::new(), servers: Vec::new(), variables: Default::default() };
        let mut guarded = Self { state: empty, path, guard, _folder: folder };
        guarded.state =
            set::raise(workspace, &guarded.path, engines, &Options { rabbitmq_nodes, ..Options::default() })?;
        Ok(guarded)
    }

    /// Where processes, ports and folders can be read.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What runs, as it was started.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Starts more servers beside the engines, and waits until each is ready.
    ///
    /// # Errors
    /// When one does not start.
    pub(crate) fn launch(&mut self, servers: Vec<Server>) -> anyhow::Result<()> {
        let folder = self.state.folder.clone();
        let first = self.state.servers.len();
        self.state.servers.extend(servers);
        // Before they are started, so that they are ended whatever happens.
        self.state.save(&self.path)?;
        for server in &mut self.state.servers[first..] {
            server.start(&folder)?;
        }
        self.state.save(&self.path)?;
        self.state.servers[first..].iter().try_for_each(|server| server.wait_until_ready(&folder))
    }

    /// What became of the leadership of the PostgreSQL group, a line each; empty where there is none.
    pub(crate) fn events(&self) -> String {
        let nodes = self.state.servers.iter().filter(|server| server.name.starts_with("patroni-"));
        let said = |node: &Server| {
            let log = node.log();
            patroni::events(&log)
                .into_iter()
                .map(|line| format!("\n    {}: {line}", node.name))
                .collect::<String>()
        };
        nodes.map(said).collect()
    }

    /// What tests are told by their environment.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.state.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Its input ends, and it stops everything.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// This very program, even when it was built anew since.
fn guard(path: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new("/proc/self/exe");
    command.args(["engines", "guard"]).arg(path).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("the guard of the engines does not start")
}

/// `cargo xtask engines guard`: waits until its parent is gone or wants it, then stops the set.
pub(super) fn watch(path: &Path) -> anyhow::Result<ExitCode> {
    std::io::stdin().read_to_end(&mut Vec::new())?;
    set::lower(path)?;
    // When the parent was killed nobody else removes this.
    if let Some(folder) = path.parent() {
        let _ = std::fs::remove_dir_all(folder);
    }
    Ok(ExitCode::SUCCESS)
}
