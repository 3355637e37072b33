//! A set of engines: started side by side, kept in a state file, ended as a whole.

use super::{
    engine::{Engine, Started},
    family::{Condition, Family},
    ports::Ports,
    site::Site,
    state::{self, State},
};
use crate::{progress, workspace::Workspace};
use anyhow::{Context, anyhow};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// For the orderly end of all, before what is left is killed.
const END_LIMIT: Duration = Duration::from_secs(10);

/// How a set is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Ports are taken from here up; none: from a place that other processes will hardly choose.
    pub(crate) first_port: Option<u16>,
    /// Nodes of RabbitMQ: 1, or 3 for faults of the cluster.
    pub(crate) rabbitmq_nodes: u8,
}

/// Makes what is missing of these engines and starts it, all side by side. Safe to repeat: what runs is left alone, and
/// what died is started again with its data.
///
/// # Errors
/// Those of the first engine that does not start; the others are in the state file.
pub(crate) fn raise(
    workspace: &Workspace,
    path: &Path,
    engines: &[Engine],
    options: &Options,
) -> anyhow::Result<State> {
    let _lock = state::lock(path)?;
    let mut state = match state::load(path)? {
        Some(state) if state.folder.is_dir() => state,
        // The folder went with a restart of the machine, or was never made.
        _ => State { folder: new_folder()?, servers: Vec::new(), variables: Default::default() },
    };
    // First of all, so that `engines down` finds what an interrupted start leaves.
    state.save(path)?;
    revive(&mut state)?;
    let ports = Ports::new(options.first_port);
    let site = Site::new(workspace, &state.folder, ports, options.rabbitmq_nodes.max(1));
    let missing = engines.iter().filter(|engine| !state.variables.contains_key(engine.variable()));
    let mut failed = None;
    for started in start_all(&site, missing.copied().collect()) {
        match started {
            Ok(Started { servers, variables }) => {
                state.servers.extend(servers);
                state.variables.extend(variables);
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    state.save(path)?;
    failed.map_or(Ok(state), Err)
}

/// Starts again what died. Those that another set-up left half made are not in the state, and are made anew.
fn revive(state: &mut State) -> anyhow::Result<()> {
    let folder = state.folder.clone();
    let dead = |server: &&mut super::server::Server| server.condition(&folder) == Condition::Dead;
    let mut started = Vec::new();
    for server in state.servers.iter_mut().filter(dead) {
        eprintln!("== {} had ended; starting it again", server.name);
        server.start(&folder)?;
        started.push(server);
    }
    started.iter().try_for_each(|server| server.wait_until_ready(&folder))
}

fn start_all(site: &Site, engines: Vec<Engine>) -> Vec<anyhow::Result<Started>> {
    let start = |engine: Engine| {
        // What a failed attempt left would be in the way.
        for server in engine.server_names(site.rabbitmq_nodes) {
            Family::of_server(&site.folder, &server).kill();
            let _ = fs::remove_dir_all(site.folder.join(server));
        }
        progress::step(&format!("start {}", engine.title()), || engine.start(site))
            .with_context(|| format!("{} does not start", engine.title()))
    };
    thread::scope(|scope| {
        let threads: Vec<_> = engines.into_iter().map(|engine| scope.spawn(move || start(engine))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow!("the start of an engine panicked"))))
            .collect()
    })
}

/// Open to all, as servers of several users are below; each of their folders is closed.
fn new_folder() -> anyhow::Result<PathBuf> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    let folder = tempfile::Builder::new().prefix("segue-engines-").permissions(mode).tempdir()?;
    Ok(folder.keep())
}

/// Ends every process of the set whose state is in this file, and removes data and file. Safe to repeat.
///
/// # Errors
/// When the state cannot be read or the data cannot be removed.
pub(crate) fn lower(path: &Path) -> anyhow::Result<()> {
    let _lock = state::lock(path)?;
    if let Some(state) = state::load(path)? {
        end(&state)?;
        fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

fn end(state: &State) -> anyhow::Result<()> {
    let all = Family::of_set(&state.folder);
    all.signal(rustix::process::Signal::CONT);
    for server in &state.servers {
        server.ask_to_stop(&state.folder);
    }
    if !all.ends_within(END_LIMIT) {
        all.kill();
    }
    match fs::remove_dir_all(&state.folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", state.folder.display()))
        }
        _ => Ok(()),
    }
}
