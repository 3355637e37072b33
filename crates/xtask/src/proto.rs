//! `cargo xtask proto-lint`: buf's rules over the contracts.

use crate::{install, process, progress, workspace::Workspace};
use std::process::{Command, ExitCode};

/// Lint the contracts in proto/ with buf (rules: buf.yaml).
///
/// Installs `@bufbuild/buf` from npm first if it is not there. buf's lines are `file:line:column: rule`.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn command(_: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::node::install(&workspace)?;
    progress::step("buf lint", || lint(&workspace))?;
    Ok(ExitCode::SUCCESS)
}

/// Runs buf, which must have been installed.
///
/// # Errors
/// When a contract breaks a rule; buf has printed which.
pub(crate) fn lint(workspace: &Workspace) -> anyhow::Result<()> {
    let buf = workspace.node_modules().join(".bin/buf");
    process::run(Command::new(buf).arg("lint").current_dir(&workspace.workspace_root))
}
