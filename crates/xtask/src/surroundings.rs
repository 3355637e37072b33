//! What tests run in: engines of their own, and the foreign tools.

use crate::{
    engines::{self, Engine, Guarded},
    install, process,
    workspace::Workspace,
};
use anyhow::Context;
use std::{
    ffi::OsString,
    path::PathBuf,
    process::{Command, ExitCode},
};

/// Run a command in the surroundings of tests, such as the tests of the crate you are working on.
///
/// For example `cargo xtask env cargo test -p segue-store`, or with more than PostgreSQL
/// `cargo xtask env --engine redis --engine redis-cluster cargo test -p segue-cache`. Installs what is missing, starts
/// throwaway engines, and sets SEGUE_TEST_POSTGRES and its like, SEGUE_TEST_ENGINES, SEGUE_TEST_XTASK,
/// SEGUE_TEST_PYTHON and SEGUE_TEST_NODE_MODULES. For whole-system tests build
/// the program first: cargo build -p segue --features crashpoints.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Start this engine (may be repeated)
    #[arg(long = "engine", value_enum, value_name = "ENGINE", default_values = ["postgres"])]
    engines: Vec<Engine>,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::everything(&workspace)?;
    let surroundings = Surroundings::start(&workspace, &args.engines, 1)?;
    let cargo = args.command[0] == "cargo";
    let mut command = if cargo { workspace.cargo() } else { Command::new(&args.command[0]) };
    command.args(&args.command[1..]);
    surroundings.set(&mut command);
    process::run(&mut command)?;
    Ok(ExitCode::SUCCESS)
}

/// Alive until dropped.
pub(crate) struct Surroundings {
    engines: Guarded,
    xtask: PathBuf,
    python: PathBuf,
    node_modules: PathBuf,
}

impl Surroundings {
    /// Starts these engines; the rest must have been installed.
    ///
    /// # Errors
    /// When one does not start.
    pub(crate) fn start(
        workspace: &Workspace,
        engines: &[Engine],
        rabbitmq_nodes: u8,
    ) -> anyhow::Result<Self> {
        let (python, node_modules) = (workspace.python(), workspace.node_modules());
        let xtask = this_program()?;
        let engines = Guarded::start_with(workspace, engines, rabbitmq_nodes)?;
        Ok(Self { engines, xtask, python, node_modules })
    }

    /// The engines.
    pub(crate) fn engines(&self) -> &Guarded {
        &self.engines
    }

    /// The engines, to start something beside them.
    pub(crate) fn engines_mut(&mut self) -> &mut Guarded {
        &mut self.engines
    }

    /// Tells a command of them, and of nothing that a developer set for a server of their own.
    pub(crate) fn set(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SEGUE_"))
        {
            command.env_remove(name);
        }
        command.envs(self.engines.variables()).env(engines::STATE, self.engines.path());
        command.env("SEGUE_TEST_XTASK", &self.xtask);
        command.env("SEGUE_TEST_PYTHON", &self.python);
        command.env("SEGUE_TEST_NODE_MODULES", &self.node_modules);
    }
}

/// Where it is. The build of the tests may have replaced it, which the kernel says by a word at the end.
fn this_program() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe().context("this program does not know where it is")?;
    let text = path.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map_or_else(|| path.clone(), PathBuf::from))
}
