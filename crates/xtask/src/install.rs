//! `cargo xtask install`: what tests and benchmarks need beyond Rust, a C compiler and CMake.

mod debian;
pub(crate) mod go;
mod java;
pub(crate) mod node;
pub(crate) mod opensearch;
pub(crate) mod python;
mod stamp;

use crate::workspace::Workspace;
use anyhow::Context;
use std::{
    fs::{self, File},
    process::ExitCode,
};

/// Install what tests and benchmarks need; safe to repeat, and quick when nothing is missing.
///
/// From Debian: ffmpeg, chromium, the engines of a mesh (PostgreSQL, Patroni, etcd, Redis, RabbitMQ) and three packages
/// of freely licensed music, system-wide, as root or through sudo; no service is started. From npm, PyPI and Maven
/// Central: pinned packages (crates/xtask/tools, crates/xtask/opensearch), under target/xtask, where
/// `rm -r target/xtask` gets rid of them.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn command(_: Args) -> anyhow::Result<ExitCode> {
    everything(&Workspace::load()?)?;
    Ok(ExitCode::SUCCESS)
}

/// Installs whatever is missing.
///
/// # Errors
/// When something can't be installed; the error says what a person can do.
pub(crate) fn everything(workspace: &Workspace) -> anyhow::Result<()> {
    let tools = workspace.tools();
    fs::create_dir_all(&tools).with_context(|| format!("cannot make {}", tools.display()))?;
    // Two runs at once would install into each other's folders.
    let lock = File::create(tools.join("install.lock")).context("cannot make the lock of the installer")?;
    lock.lock().context("cannot lock the installer")?;
    debian::install()?;
    node::install(workspace)?;
    python::install(workspace)?;
    // Needs the Python of the line above where no Java is new enough.
    opensearch::install(workspace)
}
