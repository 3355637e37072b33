//! What each subcommand does.

use super::{
    engine::Engine,
    family::Condition,
    output,
    set::{self, Options},
    state::{self, State},
};
use crate::{install, progress, workspace::Workspace};
use anyhow::Context;
use rustix::process::Signal;
use std::{path::Path, process::ExitCode};

/// Install what is missing, start the engines, and print how to reach them
///
/// Safe to repeat: what runs is left alone, what died is started again with its data. Prints variables for tests to
/// evaluate in a shell, and a part of segue.toml for `segue serve --config`.
#[derive(clap::Args)]
pub(super) struct Up {
    /// Only these
    #[arg(value_enum, value_name = "ENGINE")]
    engines: Vec<Engine>,
    /// Print the state with everything as one JSON object instead
    #[arg(long)]
    json: bool,
    /// Take ports from this one up, below 32768
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1024..32768))]
    first_port: Option<u16>,
    /// Nodes of RabbitMQ
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    rabbitmq_nodes: u8,
}

/// Show what runs
///
/// Ends with code 1 when a server is dead or does not answer, or none was started.
#[derive(clap::Args)]
pub(super) struct Status {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// One server.
#[derive(clap::Args)]
pub(super) struct Named {
    /// As `status` shows it: redis, patroni-2
    name: String,
}

pub(super) fn up(args: &Up, path: &Path) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    let engines = if args.engines.is_empty() { &Engine::ALL[..] } else { &args.engines[..] };
    install::everything(&workspace)?;
    let options = Options { first_port: args.first_port, rabbitmq_nodes: args.rabbitmq_nodes };
    let state = progress::step("engines", || set::raise(&workspace, path, engines, &options))?;
    output::reach(&state, args.json)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn status(args: &Status, path: &Path) -> anyhow::Result<ExitCode> {
    let state = state::load(path)?;
    let healthy = output::status(state.as_ref(), args.json)?;
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn kill(named: &Named, path: &Path) -> anyhow::Result<ExitCode> {
    let mut state = running(path)?;
    let folder = state.folder.clone();
    state.server(&named.name)?.family(&folder).kill();
    Ok(ExitCode::SUCCESS)
}

pub(super) fn stop(named: &Named, path: &Path) -> anyhow::Result<ExitCode> {
    let mut state = running(path)?;
    let folder = state.folder.clone();
    state.server(&named.name)?.stop(&folder);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn start(named: &Named, path: &Path) -> anyhow::Result<ExitCode> {
    let folder = {
        let _lock = state::lock(path)?;
        let mut state = running(path)?;
        let folder = state.folder.clone();
        state.server(&named.name)?.start(&folder)?;
        state.save(path)?;
        folder
    };
    // Others may start theirs meanwhile.
    running(path)?.server(&named.name)?.wait_until_ready(&folder)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn pause(named: &Named, path: &Path) -> anyhow::Result<ExitCode> {
    signal(named, path, Signal::STOP)
}

pub(super) fn resume(named: &Named, path: &Path) -> anyhow::Result<ExitCode> {
    signal(named, path, Signal::CONT)
}

fn signal(named: &Named, path: &Path, signal: Signal) -> anyhow::Result<ExitCode> {
    let mut state = running(path)?;
    let folder = state.folder.clone();
    let server = state.server(&named.name)?;
    if server.condition(&folder) == Condition::Dead {
        anyhow::bail!("{} does not run; see: cargo xtask engines status", named.name);
    }
    server.family(&folder).signal(signal);
    Ok(ExitCode::SUCCESS)
}

fn running(path: &Path) -> anyhow::Result<State> {
    state::load(path)?.context("no engines were started; run: cargo xtask engines up")
}
