//! `cargo xtask bench`: measured figures against the aims.

mod download;
mod encode;
mod engines;
mod measure;
mod median;
mod playlist;
mod read;
mod up;

use std::process::ExitCode;

/// Measure the release build against its aims.
///
/// Figures depend on the machine and on what else it does: run them on a quiet one. Missing an aim is printed, and
/// is no failure.
#[derive(clap::Subcommand)]
pub(crate) enum Bench {
    Up(up::Args),
    Read(read::Args),
    Encode(encode::Args),
    Download(download::Args),
    Bus(engines::Bus),
    Cache(engines::Cache),
    Index(engines::Index),
    Jobs(engines::Jobs),
    Playlist(playlist::Args),
}

pub(crate) fn command(bench: Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Up(args) => up::command(args),
        Bench::Read(args) => read::command(args),
        Bench::Encode(args) => encode::command(args),
        Bench::Download(args) => download::command(args),
        Bench::Bus(args) => engines::bus(args),
        Bench::Cache(args) => engines::cache(args),
        Bench::Index(args) => engines::index(args),
        Bench::Jobs(args) => engines::jobs(args),
        Bench::Playlist(args) => playlist::command(args),
    }
}
