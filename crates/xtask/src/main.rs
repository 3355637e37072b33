//! `cargo xtask`: set-up of engines, tests, checks and benchmarks.
//!
//! Everything that a fresh machine, a developer and CI do to this repository beyond plain cargo. It depends on
//! no crate of Segue, so that it builds in seconds and works while they do not.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "a developer's tool: it may read the environment, and has no runtime to block"
)]

mod bench;
mod check_deps;
mod engines;
mod helm;
mod install;
mod lint;
mod mesh;
mod process;
mod progress;
mod proto;
mod soak;
mod sql_rules;
mod surroundings;
mod test;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Set-up of engines, tests, checks and benchmarks of Segue.
///
/// A fresh machine needs Rust, a C compiler, CMake, Python 3 and Node 20 with npm; `cargo xtask test` installs
/// the rest.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Install(install::Args),
    Engines(engines::Args),
    Mesh(mesh::Args),
    Test(test::Args),
    Soak(soak::Args),
    Env(surroundings::Args),
    #[command(subcommand)]
    Bench(bench::Bench),
    CheckDeps(check_deps::Args),
    Helm(helm::Args),
    Lint(lint::Args),
    ProtoLint(proto::Args),
    SqlRules(sql_rules::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Install(args) => install::command(args),
        Command::Engines(args) => engines::command(args),
        Command::Mesh(args) => mesh::command(args),
        Command::Test(args) => test::command(args),
        Command::Soak(args) => soak::command(args),
        Command::Env(args) => surroundings::command(args),
        Command::Bench(bench) => bench::command(bench),
        Command::CheckDeps(args) => check_deps::command(args),
        Command::Helm(args) => helm::command(args),
        Command::Lint(args) => lint::command(args),
        Command::ProtoLint(args) => proto::command(args),
        Command::SqlRules(args) => sql_rules::command(args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
