//! `cargo xtask soak`: the whole-system tests with many seeds.

use crate::test;
use std::{process::ExitCode, time::Duration};

/// Run the whole-system tests with many seeds, and every crash point as often.
///
/// The same tests as in `cargo xtask test`, in the same surroundings, but each scenario runs once per seed. With
/// --minutes the whole is repeated with the following seeds until the time is up. The last line is
/// `N passed, N failed`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Begin another round, with the next seeds, until this many minutes have passed
    #[arg(long, value_name = "M", default_value_t = 0)]
    minutes: u64,
    /// Seeds per scenario and round; also how often each crash point is tried
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Run only tests whose name contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Whole-system tests that run at the same time
    #[arg(long, value_name = "N", default_value_t = 2)]
    e2e_threads: u32,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    test::rounds(Duration::from_secs(60 * args.minutes), args.seeds, args.filter.as_deref(), args.e2e_threads)
}
