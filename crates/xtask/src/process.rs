//! Running other programs, with errors that say which one failed and what to do.

use anyhow::{Context, bail};
use std::process::{Command, Output, Stdio};

/// Runs to the end with the caller's standard streams.
///
/// # Errors
/// When it does not start, or ends with another code than 0.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| not_started(command))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Runs quietly; what it printed is shown only when it fails.
///
/// # Errors
/// When it does not start, or ends with another code than 0: the error holds the end of its output.
pub(crate) fn quiet(command: &mut Command) -> anyhow::Result<Output> {
    let done = command.stdin(Stdio::null()).output().with_context(|| not_started(command))?;
    if !done.status.success() {
        let text = [done.stdout.as_slice(), done.stderr.as_slice()].concat();
        let text = String::from_utf8_lossy(&text);
        let last: Vec<&str> = text.lines().rev().take(40).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        bail!("{} ended with {}:\n{}", line(command), done.status, last.join("\n"));
    }
    Ok(done)
}

/// First line of what a program prints, such as its version; none when it is not there.
pub(crate) fn first_line(program: &str, args: &[&str]) -> Option<String> {
    let done = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    done.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}

/// The command as one would type it, for messages.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command) -> String {
    format!("{} does not start; is it installed?", command.get_program().to_string_lossy())
}
