//! Where things are, and cargo as a person would run it.

use crate::{process, progress};
use anyhow::Context;
use serde::Deserialize;
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The part of `cargo metadata --no-deps` that the commands use.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    pub(crate) workspace_root: PathBuf,
    pub(crate) target_directory: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One crate of the workspace.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    /// What `cargo run` starts when it is told nothing else.
    pub(crate) default_run: Option<String>,
}

/// One line of a crate's dependency tables.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// None for a normal dependency, else "dev" or "build".
    pub(crate) kind: Option<String>,
}

impl Workspace {
    /// The program, as people run it: built when it is not up to date.
    ///
    /// # Errors
    /// When it does not compile; cargo has printed what.
    pub(crate) fn release(&self) -> anyhow::Result<PathBuf> {
        progress::step("release build", || {
            process::run(self.cargo().args(["build", "--release", "--package", "segue"]))
        })?;
        Ok(self.target_directory.join("release/segue"))
    }

    /// Asks cargo.
    ///
    /// # Errors
    /// When a manifest cannot be read; the error holds cargo's words.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = cargo();
        command.args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"]);
        let done = process::quiet(command.arg(root.join("Cargo.toml")))?;
        serde_json::from_slice(&done.stdout).context("cargo metadata printed something else than expected")
    }

    /// What `cargo xtask install` puts there.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target_directory.join("xtask")
    }

    /// The folder of the installed npm packages.
    pub(crate) fn node_modules(&self) -> PathBuf {
        self.tools().join("node").join("node_modules")
    }

    /// The Python that has the installed packages.
    pub(crate) fn python(&self) -> PathBuf {
        self.tools().join("venv").join("bin").join("python")
    }

    /// Cargo, in the root of the workspace. What is built here is mostly built from nothing: notes for the next build would
    /// cost more time than they save, and many gigabytes.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.workspace_root).env("CARGO_INCREMENTAL", "0");
        command
    }
}

/// Cargo without the variables that `cargo run` set for this process: build scripts that watch them (ring's does)
/// would otherwise build again at each change between `cargo test` and `cargo xtask test`.
fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| text.starts_with(prefix));
        if ours || ["CARGO", "CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"].contains(&&*text)
        {
            command.env_remove(&name);
        }
    }
    command
}
