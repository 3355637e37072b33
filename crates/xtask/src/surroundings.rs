//! What tests run in: a PostgreSQL of their own, and the foreign tools.

use crate::{install, postgres::Postgres, process, workspace::Workspace};
use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, ExitCode},
};

/// Run a command in the surroundings of tests, such as the tests of the crate you are working on.
///
/// For example `cargo xtask env cargo test -p segue-store`. Installs what is missing, starts a throwaway PostgreSQL
/// 15, and sets SEGUE_TEST_POSTGRES, SEGUE_TEST_PYTHON, SEGUE_TEST_NODE_MODULES and SEGUE_TEST_SEEDS=1 unless it
/// is set. For whole-system tests build the program first: cargo build -p segue --features crashpoints.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The command and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::everything(&workspace)?;
    let surroundings = Surroundings::start(&workspace)?;
    let cargo = args.command[0] == "cargo";
    let mut command = if cargo { workspace.cargo() } else { Command::new(&args.command[0]) };
    command.args(&args.command[1..]);
    surroundings.set(&mut command);
    let seeds = std::env::var_os("SEGUE_TEST_SEEDS").unwrap_or_else(|| "1".into());
    process::run(command.env("SEGUE_TEST_SEEDS", seeds))?;
    Ok(ExitCode::SUCCESS)
}

/// Alive until dropped.
pub(crate) struct Surroundings {
    postgres: Postgres,
    python: PathBuf,
    node_modules: PathBuf,
}

impl Surroundings {
    /// Starts what must run; the rest must have been installed.
    ///
    /// # Errors
    /// When PostgreSQL does not start.
    pub(crate) fn start(workspace: &Workspace) -> anyhow::Result<Self> {
        let (python, node_modules) = (workspace.python(), workspace.node_modules());
        Ok(Self { postgres: Postgres::start()?, python, node_modules })
    }

    /// Tells a command of them, and of nothing that a developer set for a server of their own.
    pub(crate) fn set(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SEGUE_"))
        {
            command.env_remove(name);
        }
        command.env("SEGUE_TEST_POSTGRES", self.postgres.url());
        command.env("SEGUE_TEST_PYTHON", &self.python);
        command.env("SEGUE_TEST_NODE_MODULES", &self.node_modules);
    }
}
