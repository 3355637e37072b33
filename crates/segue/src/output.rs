//! What people and scripts read, and exit codes.

use crate::config::ConfigError;
use segue_client::ClientError;
use segue_store::StoreError;
use serde::Serialize;
use std::{io::Write, process::ExitCode};

/// Prints one JSON object on a line of its own. A reader that went away ends the program quietly.
pub(crate) fn json(value: &impl Serialize) {
    let line = serde_json::to_string(value).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"));
    text(&line);
}

/// Prints a line on standard output.
pub(crate) fn text(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

/// Some files failed, and that was said already.
#[derive(Debug, thiserror::Error)]
#[error("some files did not make it")]
pub(crate) struct AlreadySaid;

/// The exit code of a command, after saying what went wrong.
pub(crate) fn exit(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if !error.is::<AlreadySaid>() {
        let _ = writeln!(std::io::stderr(), "segue: {error:#}");
    }
    match error.downcast_ref::<ClientError>() {
        Some(ClientError::NotSignedIn) => return ExitCode::from(3),
        Some(ClientError::Unreachable { .. }) => return ExitCode::from(4),
        Some(ClientError::Refused(status)) if status.code() == tonic::Code::Unauthenticated => {
            return ExitCode::from(3);
        }
        _ => {}
    }
    let configured = error.is::<ConfigError>()
        || matches!(error.downcast_ref(), Some(StoreError::Config { .. }))
        || error.is::<segue_cache::Error>();
    if configured { ExitCode::from(2) } else { ExitCode::from(1) }
}
