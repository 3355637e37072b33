//! `cargo xtask soak`: every fault that the whole-system tests make, with several seeds.

mod list;

use crate::{
    progress::seconds,
    test::{self, FaultRun},
    workspace::Workspace,
};
use anyhow::Context;
use list::{List, Pair};
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// Make every fault of crates/e2e/faults.txt with several seeds, and write down what came of it.
///
/// A pair of a fault and a seed is drawn at random from those that have not passed yet, run on the same surroundings
/// as in `cargo xtask test`, but for RabbitMQ, which has three nodes, and its result appended to crates/e2e/soak.tsv
/// (fault, seed, result, seconds), until all have passed once or the time is up. Started again, it goes on with what is
/// left; pairs that failed come last. The last line is `N passed, N failed`, of this run.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Draw no new pair after this many minutes; 0 goes on until all have passed
    #[arg(long, value_name = "M", default_value_t = 0)]
    minutes: u64,
    /// Seeds of each fault: 1 to N
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Only faults whose line contains this: "kill", "network bus"
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Run pairs that have passed too
    #[arg(long)]
    again: bool,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let start = Instant::now();
    let workspace = Workspace::load()?;
    let mut list = List::read(&workspace.workspace_root.join("crates/e2e"))?;
    let mut left = list.left(args.seeds, args.filter.as_deref(), args.again);
    let all = left.len();
    eprintln!("{all} pairs of a fault and a seed are left");
    if left.is_empty() {
        println!("0 passed, 0 failed");
        return Ok(ExitCode::SUCCESS);
    }
    let time = Duration::from_secs(60 * args.minutes);
    // Those of one process need no engines.
    let engines = left
        .iter()
        .any(|pair| !["crash ", "edit ", "history "].iter().any(|kind| pair.fault.starts_with(kind)));
    test::soak(&workspace, engines, |run: &mut FaultRun<'_>| {
        while let Some(Pair { fault, seed }) = left.pop() {
            if args.minutes > 0 && start.elapsed() > time {
                break;
            }
            let began = Instant::now();
            eprintln!(
                "== {fault}, seed {seed}; {} more after it; {} so far",
                left.len(),
                seconds(start.elapsed())
            );
            let passed = run.fault(&fault, seed)?;
            list.append(&fault, seed, passed, began.elapsed())
                .context("the result cannot be written down")?;
        }
        Ok(())
    })
}
