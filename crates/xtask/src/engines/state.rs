//! What runs, in a file that any process may read: whole-system tests, `engines kill`, a second `engines up`.

use super::server::Server;
use crate::workspace::Workspace;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
};

/// One set of engines.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// The folder of all data; its name also marks the processes.
    pub(crate) folder: PathBuf,
    /// In the order in which they must be started.
    pub(crate) servers: Vec<Server>,
    /// What tests are told by their environment: `SEGUE_TEST_REDIS` and its like.
    pub(crate) variables: BTreeMap<String, String>,
}

/// Where `engines up` keeps it.
pub(crate) fn default_path(workspace: &Workspace) -> PathBuf {
    workspace.target_directory.join("engines").join("state.json")
}

/// Only one process at a time may change it; alive until dropped.
pub(crate) struct Lock {
    _file: File,
}

/// Waits for others that change the state.
///
/// # Errors
/// When the file beside it cannot be made.
pub(crate) fn lock(path: &Path) -> anyhow::Result<Lock> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let path = path.with_extension("lock");
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    file.lock().context("cannot lock the state of the engines")?;
    Ok(Lock { _file: file })
}

/// None when nothing was started.
///
/// # Errors
/// When it cannot be read or is not a state.
pub(crate) fn load(path: &Path) -> anyhow::Result<Option<State>> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .with_context(|| format!("{} is not from this version; remove it", path.display()))
            .map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

impl State {
    /// Replaces the file as a whole, so that a reader sees the old one or the new one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec_pretty(self)?)
            .and_then(|()| fs::rename(&new, path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// The server with this name.
    ///
    /// # Errors
    /// When there is none: the error names those that are there.
    pub(crate) fn server(&mut self, name: &str) -> anyhow::Result<&mut Server> {
        let Some(at) = self.servers.iter().position(|server| server.name == name) else {
            let names: Vec<&str> = self.servers.iter().map(|server| server.name.as_str()).collect();
            bail!("there is no server called {name}; there are: {}", names.join(", "));
        };
        Ok(&mut self.servers[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::probe::Probe;

    #[test]
    fn what_is_saved_is_loaded() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("state.json");
        assert!(load(&path).expect("it can be asked").is_none());
        let server = Server::new("redis", "redis-server", folder.path().join("redis"), Probe::redis(1));
        let mut state = State {
            folder: folder.path().into(),
            servers: vec![server.port("redis", 1)],
            variables: [("SEGUE_TEST_REDIS".to_owned(), "redis://127.0.0.1:1".to_owned())].into(),
        };
        state.save(&path).expect("it can be written");
        let mut loaded = load(&path).expect("it can be read").expect("it is there");
        assert_eq!(loaded.server("redis").expect("it is there").ready, Probe::redis(1));
        assert_eq!(loaded.variables, state.variables);
        let error = state.server("rabbitmq").expect_err("it is not there").to_string();
        assert_eq!(error, "there is no server called rabbitmq; there are: redis");
    }
}
