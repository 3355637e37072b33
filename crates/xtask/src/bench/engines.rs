//! `cargo xtask bench bus`, `bench cache`, `bench jobs` and `bench index`: our engines against their peers, on real brokers and clusters.

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
/// A read from Redis costs that many near reads.
const AIM_NEAR: f64 = 20.0;
/// Of an even spread of reloads over the jitter.
const AIM_STORM: f64 = 1.5;
/// Milliseconds from commit to job.
const AIM_JOB_MS: f64 = 50.0;

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

/// The near cache against Redis, keys that expire together, and cold keys that everybody wants.
///
/// Aims: a near read at least 20 times cheaper than one from Redis, port call against port call; of 100,000 keys loaded
/// within a second at most 1.5 times an even share reloaded in any second of the jitter; one load for 1,000
/// concurrent readers of a cold key, per process and, with Redis, in the fleet.
#[derive(clap::Args)]
pub(crate) struct Cache {
    /// Keys that are loaded within one second
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    keys: u32,
}

/// From a write to the moment when a search finds it, and answers from a large catalogue.
///
/// Freshness: at 50 writes a second while others search, on the embedded engine (aim: p99 at most 100 ms at 100,000 songs)
/// and on OpenSearch (aim: 1.5 s; it refreshes once a second). Answers: questions of one to three words, half with a
/// letter wrong, in a million songs that are made up (aims on the embedded engine: p50 at most 5 ms, p99 at most 30 ms,
/// Suggest p99 at most 10 ms, recall@5 at least 0.95), beside SQLite's FTS5 with trigrams on the same data.
#[derive(clap::Args)]
pub(crate) struct Index {
    /// Songs that are there before
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    songs: u32,
    /// Seconds of writing
    #[arg(long, value_name = "N", default_value_t = 20)]
    seconds: u32,
    /// Songs of the large catalogue; 0 leaves it out
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    catalogue: u32,
    /// Questions to the large catalogue
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    questions: u32,
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
    let said = said(&mut command)?;
    let ratio = figure(&said, "ratio ")?;
    let reached = verdict(AIM_PUBLISH, ratio);
    println!("publish with confirms, bus / lapin alone: {ratio:.2}; aim at least {AIM_PUBLISH}: {reached}");
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn cache(args: Cache) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::everything(&workspace)?;
    let program = example(&workspace, "segue-cache", "figures")?;
    let engines = Guarded::start(&workspace, &[Engine::Redis])?;
    let mut command = Command::new(program);
    command.args([address(&engines, Engine::Redis)?, args.keys.to_string()]);
    let said = said(&mut command)?;
    let near = figure(&said, "near ratio ")?;
    println!("Redis / near read: {near:.1}; aim at least {AIM_NEAR}: {}", verdict(AIM_NEAR, near));
    let storm = figure(&said, "storm ratio ")?;
    println!("worst second / even share: {storm:.2}; aim at most {AIM_STORM}: {}", verdict(storm, AIM_STORM));
    let (alone, fleet) = (figure(&said, "alone loads ")?, figure(&said, "fleet loads ")?);
    println!("loads without Redis: {alone}; aim at most 2: {}", verdict(alone, 2.0));
    println!("loads with Redis: {fleet}; aim at most 1: {}", verdict(fleet, 1.0));
    Ok(ExitCode::SUCCESS)
}

/// From the commit of a fact in PostgreSQL to a worker that receives the job from RabbitMQ, by logical replication.
///
/// At 200 commits a second. Aim: p99 at most 50 ms.
#[derive(clap::Args)]
pub(crate) struct Jobs {
    /// Facts that are committed
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    facts: u32,
}

pub(crate) fn jobs(args: Jobs) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::everything(&workspace)?;
    let program = example(&workspace, "segue-cdc", "job_latency")?;
    let engines = Guarded::start(&workspace, &[Engine::Postgres, Engine::Rabbitmq])?;
    let database = format!("{}/postgres", address(&engines, Engine::Postgres)?);
    let mut command = Command::new(program);
    command.args([database, address(&engines, Engine::Rabbitmq)?, args.facts.to_string()]);
    let said = said(&mut command)?;
    let p99 = figure(&said, "p99 ")?;
    println!(
        "commit to received p99: {p99:.1} ms; aim at most {AIM_JOB_MS} ms: {}",
        verdict(p99, AIM_JOB_MS)
    );
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
    let engines = match args.embedded {
        true => None,
        false => Some(Guarded::start(&workspace, &[Engine::Opensearch])?),
    };
    if let Some(engines) = &engines {
        println!("OpenSearch (aim: fresh p99 at most 1500 ms)");
        process::run(Command::new(&program).arg(address(engines, Engine::Opensearch)?).args(&load))?;
    }
    if args.catalogue == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let program = example(&workspace, "segue-index", "search")?;
    let load =
        ["--songs".into(), args.catalogue.to_string(), "--questions".into(), args.questions.to_string()];
    println!("embedded (aims: search p50 5 ms, p99 30 ms; suggest p99 10 ms; recall 0.95), and its peer");
    process::run(Command::new(&program).args(&load).arg("--peer"))?;
    if let Some(engines) = &engines {
        println!("OpenSearch (aim: recall 0.95)");
        process::run(Command::new(&program).arg(address(engines, Engine::Opensearch)?).args(&load))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs an example, prints what it says, and gives it back.
pub(super) fn said(example: &mut Command) -> anyhow::Result<String> {
    let said = String::from_utf8_lossy(&process::quiet(example)?.stdout).into_owned();
    print!("{said}");
    Ok(said)
}

/// The number on the last line that begins so.
pub(super) fn figure(said: &str, prefix: &str) -> anyhow::Result<f64> {
    let found = said.lines().filter_map(|line| line.strip_prefix(prefix)).next_back();
    Ok(found.with_context(|| format!("the example printed no line '{prefix}…'"))?.trim().parse()?)
}

fn address(engines: &Guarded, engine: Engine) -> anyhow::Result<String> {
    let found = engines.variables().find(|(name, _)| *name == engine.variable());
    Ok(found.context("the engine was started")?.1.to_owned())
}

pub(super) fn example(workspace: &Workspace, package: &str, name: &str) -> anyhow::Result<PathBuf> {
    progress::step(&format!("release build of {name}"), || {
        let words = ["build", "--release", "--package", package, "--example", name];
        process::run(workspace.cargo().args(words))
    })?;
    Ok(workspace.target_directory.join("release/examples").join(name))
}
