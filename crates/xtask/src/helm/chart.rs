//! The chart, and what helm makes of it.

use crate::{process, workspace::Workspace};
use anyhow::Context;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// helm/segue.
pub(super) struct Chart {
    folder: PathBuf,
    helm: PathBuf,
}

impl Chart {
    pub(super) fn new(workspace: &Workspace, tools: &Path) -> Self {
        Self { folder: workspace.workspace_root.join("helm/segue"), helm: tools.join("helm") }
    }

    /// Files of values to try it with: those in its folder `ci`, as helm's own tools call it. The defaults alone are
    /// refused: they do not say where edges are.
    pub(super) fn values(&self) -> anyhow::Result<Vec<PathBuf>> {
        let folder = self.folder.join("ci");
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        Ok(files)
    }

    /// `helm lint`, where a warning is a fault.
    pub(super) fn lint(&self, kubernetes: &str, values: &Path) -> anyhow::Result<()> {
        let mut lint = self.command("lint", kubernetes, values);
        process::quiet(lint.arg("--strict").arg(&self.folder)).map(|_| ())
    }

    /// `helm template`, with these settings on top (`roles.song.replicas=3`).
    pub(super) fn render(&self, kubernetes: &str, values: &Path, set: &[&str]) -> anyhow::Result<Vec<u8>> {
        let mut template = self.command("template", kubernetes, values);
        template.args(set.iter().flat_map(|set| ["--set", set])).arg("trial").arg(&self.folder);
        Ok(process::quiet(&mut template)?.stdout)
    }

    /// A helm that was built by `go install` believes in Kubernetes 1.20 until it is told otherwise.
    fn command(&self, action: &str, kubernetes: &str, values: &Path) -> Command {
        let mut command = Command::new(&self.helm);
        command.args([action, "--kube-version", kubernetes, "--values"]).arg(values);
        command
    }
}
