//! `cargo xtask bench`: measured figures against the aims.

mod encode;
mod measure;
mod median;
mod up;

use std::process::ExitCode;

/// Measure the release build against its aims.
///
/// Figures depend on the machine and on what else it does: run them on a quiet one. Missing an aim is printed, and
/// is no failure.
#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    Up(up::Args),
    Encode(encode::Args),
}

pub(crate) fn command(bench: Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Up(args) => up::command(args),
        Bench::Encode(args) => encode::command(args),
    }
}
