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

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    // One TLS provider for the whole process, before anything could choose another.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = cli::Cli::parse();
    match cli.command {
        // The child process has no runtime, no configuration and no network.
        cli::Command::EncodeWorker => segue_encoder::worker_main(),
        command => output::exit(command::run(cli.global, command)),
    }
}
