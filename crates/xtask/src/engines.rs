//! `cargo xtask engines`: the real engines of a mesh, on private loopback ports with throwaway data.
//!
//! One file per engine says how it is started; the rest is the same for all.

mod azurite;
mod commands;
pub(crate) mod configuration;
mod engine;
mod family;
mod guarded;
mod opensearch;
mod output;
mod owner;
mod patroni;
mod ports;
mod postgres;
mod probe;
mod rabbitmq;
mod redis;
mod server;
mod set;
mod site;
pub(crate) mod state;

pub(crate) use engine::Engine;
pub(crate) use family::Condition;
pub(crate) use guarded::Guarded;
pub(crate) use ports::Ports;
pub(crate) use probe::Probe;
pub(crate) use server::Server;
pub(crate) use state::State;

use crate::workspace::Workspace;
use std::{path::PathBuf, process::ExitCode};

/// The variable that tells tests where the state file is.
pub(crate) const STATE: &str = "SEGUE_TEST_ENGINES";

/// Start, stop and disturb PostgreSQL, Patroni, Redis, RabbitMQ, Azurite and OpenSearch.
///
/// `up` leaves them running, on ports of 127.0.0.1 that nothing else uses and with data in a temporary folder, until
/// `down` stops them and removes the data. What runs, with process ids and ports, is in target/engines/state.json.
/// Tests do not use these: `cargo xtask test` starts its own, and tells tests where their state file is by
/// SEGUE_TEST_ENGINES, which the other commands here understand too.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    Up(commands::Up),
    /// Stop all and remove their data
    Down,
    Status(commands::Status),
    /// Kill a server and all its processes with SIGKILL
    Kill(commands::Named),
    /// Stop a server in an orderly way
    Stop(commands::Named),
    /// Start a server again with the data it had, and wait until it serves
    Start(commands::Named),
    /// Freeze a server and all its processes with SIGSTOP
    Pause(commands::Named),
    /// Let a frozen server go on
    Resume(commands::Named),
    /// Wait until standard input ends, then do as `down`
    #[command(hide = true)]
    Guard {
        state: PathBuf,
    },
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    // Before anything else: it outlives its parent, and needs no workspace.
    if let Action::Guard { state } = &args.action {
        return guarded::watch(state);
    }
    let path = match std::env::var_os(STATE) {
        Some(path) => PathBuf::from(path),
        None => state::default_path(&Workspace::load()?),
    };
    match args.action {
        Action::Up(up) => commands::up(&up, &path),
        Action::Down | Action::Guard { .. } => set::lower(&path).map(|()| ExitCode::SUCCESS),
        Action::Status(status) => commands::status(&status, &path),
        Action::Kill(named) => commands::kill(&named, &path),
        Action::Stop(named) => commands::stop(&named, &path),
        Action::Start(named) => commands::start(&named, &path),
        Action::Pause(named) => commands::pause(&named, &path),
        Action::Resume(named) => commands::resume(&named, &path),
    }
}
