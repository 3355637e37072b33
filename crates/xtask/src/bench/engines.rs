//! `cargo xtask bench bus` and `bench index`: our engines against their peers, on real brokers and clusters.

use super::median::verdict;
use crate::{
    engines::{Engine, Guarded},
    install, process, progress,
    workspace::Workspace,
};
use anyhow::Context;
use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

/// Of lapin's bare rate at the same window.
const AIM_PUBLISH: f64 = 0.9;

/// Publish with confirms through the bus, against the client library alone at the same window.
///
/// Rounds alternate. Aim: at least 0.9 of the bare rate.
#[derive(clap::Args)]
pub(crate) struct Bus {
    /// Messages per round
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    messages: u32,
    /// Rounds of each
    #[arg(long, value_name = "N", default_value_t = 7)]
    rounds: u32,
}

/// From a write to the moment when a search finds it, at 50 writes a second while others search.
///
/// On the embedded engine (aim: p99 at most 100 ms at 100,000 songs) and on OpenSearch (aim: 1.5 s; it refreshes once a
/// second).
#[derive(clap::Args)]
pub(crate) struct Index {
    /// Songs that are there before
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    songs: u32,
    /// Seconds of writing
    #[arg(long, value_name = "N", default_value_t = 20)]
    seconds: u32,
    /// Only the embedded engine
    #[arg(long)]
    embedded: bool,
}

pub(crate) fn bus(args: Bus) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::everything(&workspace)?;
    let program = example(&workspace, "segue-bus", "publish_rate")?;
    let engines = Guarded::start(&workspace, &[Engine::Rabbitmq])?;
    let url = address(&engines, Engine::Rabbitmq)?;
    let mut command = Command::new(program);
    command.args([url, args.messages.to_string(), args.rounds.to_string()]);
    let said = String::from_utf8_lossy(&process::quiet(&mut command)?.stdout).into_owned();
    print!("{said}");
    let ratio = said.lines().filter_map(|line| line.strip_prefix("ratio ")).next_back();
    let ratio: f64 = ratio.context("the example printed no ratio")?.trim().parse()?;
    let reached = verdict(AIM_PUBLISH, ratio);
    println!("publish with confirms, bus / lapin alone: {ratio:.2}; aim at least {AIM_PUBLISH}: {reached}");
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn index(args: Index) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    if !args.embedded {
        install::everything(&workspace)?;
    }
    let program = example(&workspace, "segue-index", "freshness")?;
    let load = ["--songs".into(), args.songs.to_string(), "--seconds".into(), args.seconds.to_string()];
    println!("embedded (aim: fresh p99 at most 100 ms)");
    process::run(Command::new(&program).args(&load))?;
    if !args.embedded {
        let engines = Guarded::start(&workspace, &[Engine::Opensearch])?;
        println!("OpenSearch (aim: fresh p99 at most 1500 ms)");
        process::run(Command::new(&program).arg(address(&engines, Engine::Opensearch)?).args(&load))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn address(engines: &Guarded, engine: Engine) -> anyhow::Result<String> {
    let found = engines.variables().find(|(name, _)| *name == engine.variable());
    Ok(found.context("the engine was started")?.1.to_owned())
}

fn example(workspace: &Workspace, package: &str, name: &str) -> anyhow::Result<PathBuf> {
    progress::step(&format!("release build of {name}"), || {
        let words = ["build", "--release", "--package", package, "--example", name];
        process::run(workspace.cargo().args(words))
    })?;
    Ok(workspace.target_directory.join("release/examples").join(name))
}
