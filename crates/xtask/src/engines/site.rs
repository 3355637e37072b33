//! Where a set of engines is being started: its folder, its ports, and where their programs were installed.

use super::{
    owner::{self, Ids},
    ports::Ports,
    server::Server,
};
use crate::{install, workspace::Workspace};
use std::path::{Path, PathBuf};

/// What every engine's recipe is given.
pub(crate) struct Site {
    /// Of the whole set.
    pub(super) folder: PathBuf,
    ports: Ports,
    /// `node_modules` with Azurite.
    pub(super) node_modules: PathBuf,
    /// The jars of OpenSearch.
    pub(super) opensearch: install::opensearch::Home,
    /// 1, or 3 for faults of the cluster.
    pub(super) rabbitmq_nodes: u8,
}

impl Site {
    pub(crate) fn new(workspace: &Workspace, folder: &Path, ports: Ports, rabbitmq_nodes: u8) -> Self {
        Self {
            folder: folder.to_owned(),
            ports,
            node_modules: workspace.node_modules(),
            opensearch: install::opensearch::Home::of(workspace),
            rabbitmq_nodes,
        }
    }

    /// A free port on 127.0.0.1.
    pub(super) fn port(&self) -> anyhow::Result<u16> {
        self.ports.take()
    }

    /// An empty folder for the server with this name.
    pub(super) fn folder(&self, name: &str, owner: Option<Ids>) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        owner::make_folder(&path, owner)?;
        Ok(path)
    }

    /// Starts a server and waits until it serves.
    pub(super) fn launch(&self, server: Server) -> anyhow::Result<Server> {
        Ok(self.launch_all(vec![server])?.remove(0))
    }

    /// Starts all, then waits for each: they may need one another.
    pub(super) fn launch_all(&self, mut servers: Vec<Server>) -> anyhow::Result<Vec<Server>> {
        for server in &mut servers {
            server.start(&self.folder)?;
        }
        for server in &servers {
            server.wait_until_ready(&self.folder)?;
        }
        Ok(servers)
    }
}
