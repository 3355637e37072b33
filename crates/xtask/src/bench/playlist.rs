//! `cargo xtask bench playlist`: a playlist of ten thousand items.

use super::{
    engines::{example, figure, said},
    median::verdict,
    up::Server,
};
use crate::{install, workspace::Workspace};
use std::process::{Command, ExitCode};

/// Milliseconds.
const AIM_PAGE: f64 = 20.0;
const AIM_MOVE: f64 = 5.0;

/// A long playlist: its first page, moves of single items, and many editors at once.
///
/// Through the API of `segue up`, one call at a time. The order after all moves is compared with a list that is kept
/// beside it. Aims, with 10,000 items and after 100,000 moves: first page p99 at most 20 ms, a move p99 at most 5 ms; no
/// edit of 50 editors is lost, and conflicts are reported.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Items of the playlist
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    items: u32,
    /// Moves
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    moves: u32,
}

pub(crate) fn command(args: Args) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    install::everything(&workspace)?;
    let segue = workspace.release()?;
    let program = example(&workspace, "segue-e2e", "playlist_figures")?;
    let folder = tempfile::Builder::new().prefix("segue-bench-").tempdir()?;
    // One person makes all the calls here.
    let unlimited = ["READ", "WRITE"].map(|bucket| {
        ["PER_SECOND", "BURST"].map(|what| (format!("SEGUE__GATEWAY__LIMITS__{bucket}__{what}"), "1000000"))
    });
    let server = Server::start_with(&segue, folder.path(), unlimited.as_flattened())?;
    let mut command = Command::new(program);
    let ready = &server.ready;
    command.args([
        &ready.url,
        &ready.email,
        &ready.password,
        &args.items.to_string(),
        &args.moves.to_string(),
    ]);
    let said = said(&mut command)?;
    for (name, aim) in [("first page p99", AIM_PAGE), ("move p99", AIM_MOVE)] {
        let found = figure(&said, &format!("{name} "))?;
        println!("{name}: {found:.2} ms; aim at most {aim} ms: {}", verdict(found, aim));
    }
    Ok(ExitCode::SUCCESS)
}
