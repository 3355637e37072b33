//! `segue`: every role of Segue and its command line in one binary.
//!
//! This crate chooses engines, reads the configuration and the environment, and puts roles together. It is
//! the only one that does.
#![forbid(unsafe_code)]

mod cli;
mod command;
mod compose;
mod config;
mod crash;
mod home;
mod keys;
mod lock;
mod output;
mod provision;
mod serve;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    // One TLS provider for the whole process, before anything could choose another.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut args = std::env::args_os();
    // The encoder role's child process. Nobody types it, so that the command line does not know it: it has no
    // configuration, no network and soon no files.
    if args.nth(1).is_some_and(|first| first == "encode-worker") {
        return segue_encoder::worker_main();
    }
    match cli::parse(std::env::args_os()) {
        Ok(cli) => output::exit(cli.global.json, command::run(cli.global, cli.command)),
        Err(error) => output::wrong_usage(&error),
    }
}
