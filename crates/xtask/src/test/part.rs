//! One test program: its output passed on as it comes, its results counted.

use super::tally::{Group, Results, Tally};
use crate::{process, progress::seconds};
use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::Instant,
};

/// Runs it to the end. One that dies without its closing line counts as one failure more.
pub(super) fn run(group: Group, name: &str, command: Command, tally: &mut Tally) {
    run_into(&mut std::io::stdout(), group, name, command, tally);
}

/// As [`run`], beside others: its output is given back at the end.
pub(super) fn run_quietly(group: Group, name: &str, command: Command, tally: &mut Tally) -> Vec<u8> {
    let mut output = Vec::new();
    run_into(&mut output, group, name, command, tally);
    output
}

fn run_into(output: &mut dyn Write, group: Group, name: &str, mut command: Command, tally: &mut Tally) {
    eprintln!("== {name}");
    let start = Instant::now();
    let mut results = Results::default();
    match stream(output, &mut command, &mut results) {
        Ok(true) => {}
        Ok(false) if results.failed > 0 => {}
        Ok(false) => {
            eprintln!("error: {name} died before its end");
            tally.explain(name, "it died before its end");
            results.failed += 1;
        }
        Err(error) => {
            eprintln!("error: {}: {error}", process::line(&command));
            tally.explain(name, &error.to_string());
            results.failed += 1;
        }
    }
    if results.failed > 0 {
        results.panics.iter().for_each(|panic| tally.explain(name, panic));
    }
    let time = start.elapsed();
    eprintln!("== {name}: {} passed, {} failed after {}", results.passed, results.failed, seconds(time));
    tally.count(group, name, time, results.passed, results.failed);
}

/// Whether it ended well.
fn stream(to: &mut dyn Write, command: &mut Command, results: &mut Results) -> std::io::Result<bool> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut closed = false;
    if let Some(output) = child.stdout.take() {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        // Bytes, not text: a test may print anything.
        while reader.read_until(b'\n', &mut line)? > 0 {
            to.write_all(&line)?;
            let text = String::from_utf8_lossy(&line);
            closed |= results.read(&text);
            results.listen(&text);
            line.clear();
        }
    }
    Ok(child.wait()?.success() && closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(script: &str) -> String {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut tally = Tally::default();
        command.stderr(Stdio::null());
        // Not to standard output: these closing lines would be counted when this very test is.
        run_into(&mut std::io::sink(), Group::Suites, "a part", command, &mut tally);
        tally.last_line()
    }

    #[test]
    fn sums_every_closing_line() {
        let line =
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(outcome(&format!("echo '{line}'; echo other; echo '{line}'")), "4 passed, 0 failed");
    }

    #[test]
    fn a_program_that_dies_is_a_failure() {
        assert_eq!(outcome("echo 'running 9 tests'; exit 101"), "0 passed, 1 failed");
        assert_eq!(outcome("exec /nonexistent/program"), "0 passed, 1 failed");
        assert_eq!(outcome("true"), "0 passed, 1 failed");
    }

    #[test]
    fn a_failed_test_is_counted_once() {
        let line = "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(outcome(&format!("echo '{line}'; exit 101")), "2 passed, 3 failed");
    }
}
