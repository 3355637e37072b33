//! What people and scripts read, and exit codes.

mod words;

use crate::config::ConfigError;
use segue_client::ClientError;
use segue_store::StoreError;
use serde::Serialize;
use serde_json::json;
use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

/// Prints one JSON object on a line of its own. A reader that went away ends the program quietly.
pub(crate) fn json(value: &impl Serialize) {
    let line = serde_json::to_string(value).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}"));
    text(&line);
}

/// Prints a line on standard output.
pub(crate) fn text(line: &str) {
    bytes(format!("{line}\n").as_bytes());
}

/// Writes bytes as they are to standard output.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

/// A hint for people, beside what was asked for: on standard error, where scripts do not read it.
pub(crate) fn hint(line: &str) {
    // Nobody is left to be told.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Text from a file, a tag or another account, fit for a terminal: control characters could move its cursor.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Someone looks at standard output.
pub(crate) fn on_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Asks before something is done for good. `yes` is the flag that answers before.
pub(crate) fn confirm(question: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Usage("there is no terminal to ask on; say --yes to do it without asking".into()).into());
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    anyhow::ensure!(answer.trim().eq_ignore_ascii_case("y"), "nothing was done");
    Ok(())
}

/// Prints a line on standard error: for people, beside what scripts read.
pub(crate) fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Some files failed, and that was said already. With the exit code.
#[derive(Debug, thiserror::Error)]
#[error("some files did not make it")]
pub(crate) struct AlreadySaid(pub(crate) u8);

/// The command line says something that cannot be. Exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// A name that several things have. The text lists them.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Several(pub(crate) String);

/// A name that nothing has.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Nothing(pub(crate) String);

/// A file of a kind that the encoder does not read.
#[derive(Debug, thiserror::Error)]
#[error("this is {0}, and was not sent: MP3, FLAC and WAV are read")]
pub(crate) struct OtherAudio(pub(crate) &'static str);

/// What the command line itself cannot understand; help and version are no errors.
pub(crate) fn wrong_usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
        let text = error.to_string();
        // The first paragraph: a second line may be the list of what is missing.
        let said =
            text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect::<Vec<_>>().join(" ");
        say_json("USAGE_WRONG", said.trim_start_matches("error: "));
    } else {
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// The exit code of a command, after saying what went wrong: a sentence, or one JSON object.
pub(crate) fn exit(json: bool, result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    let (reason, code) = judge(&error);
    if !error.is::<AlreadySaid>() {
        let message = message(&error);
        match json {
            true => say_json(&reason, &message),
            false => hint(&format!("segue: {message}")),
        }
    }
    ExitCode::from(code)
}

/// The sentence of an error, with what was being done in front of it.
pub(crate) fn message(error: &anyhow::Error) -> String {
    match error.downcast_ref::<ClientError>() {
        // Only the error itself is what a server said.
        Some(client) if error.chain().count() == 1 => words::sentence(client),
        // A list in an error has lines.
        _ => format!("{error:#}").split('\n').map(clean).collect::<Vec<_>>().join("\n"),
    }
}

fn say_json(reason: &str, message: &str) {
    hint(&json!({"error": {"reason": reason, "message": message}}).to_string());
}

/// Its reason for programs, and its exit code.
pub(crate) fn judge(error: &anyhow::Error) -> (String, u8) {
    if let Some(client) = error.downcast_ref::<ClientError>() {
        return (words::reason(client), code_of(client));
    }
    if error.is::<Usage>() {
        return ("USAGE_WRONG".into(), 2);
    }
    if error.is::<Several>() {
        return ("NAME_AMBIGUOUS".into(), 1);
    }
    if error.is::<Nothing>() {
        return ("NAME_UNKNOWN".into(), 1);
    }
    if error.is::<OtherAudio>() {
        // As the encoder says of what it cannot read.
        return ("UNSUPPORTED_AUDIO".into(), 1);
    }
    if let Some(AlreadySaid(code)) = error.downcast_ref() {
        return ("FAILED".into(), *code);
    }
    if is_configuration(error) {
        return ("CONFIG_INVALID".into(), 2);
    }
    ("FAILED".into(), 1)
}

fn code_of(error: &ClientError) -> u8 {
    match error {
        ClientError::NotSignedIn { .. } => 3,
        ClientError::Refused(status) if status.code() == tonic::Code::Unauthenticated => 3,
        ClientError::Unreachable { .. } => 4,
        _ => 1,
    }
}

/// The configuration has to change before it can work; each role has settings of its own.
fn is_configuration(error: &anyhow::Error) -> bool {
    error.is::<ConfigError>()
        || error.is::<segue_cache::Error>()
        || matches!(error.downcast_ref(), Some(StoreError::Config { .. }))
        || matches!(error.downcast_ref(), Some(segue_song::Error::Config(_)))
        || matches!(error.downcast_ref(), Some(segue_playlist::Error::Config(_)))
        || matches!(error.downcast_ref(), Some(segue_identity::Error::Config(_)))
        || matches!(error.downcast_ref(), Some(segue_encoder::Error::Config(_)))
        || matches!(error.downcast_ref(), Some(segue_search::Error::Config(_)))
        || matches!(error.downcast_ref(), Some(segue_gateway::Error::Config { .. }))
        || matches!(
            error.downcast_ref(),
            Some(segue_cdc::RelayError::Config(_) | segue_cdc::RelayError::Url(_))
        )
}
