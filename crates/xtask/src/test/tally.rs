//! The sums over all parts.

use crate::progress::seconds;
use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

/// Lines kept of one panic: its place, its message, and not a whole page of compared values.
const PANIC_LINES: usize = 12;

/// What one test program said.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// What the panics said, each from `thread '…' panicked at` on.
    pub(super) panics: Vec<String>,
    /// Lines of the last panic that may still come.
    open: usize,
}

impl Results {
    /// Keeps this line if it belongs to a panic.
    pub(super) fn listen(&mut self, line: &str) {
        let line = line.trim_end();
        if line.starts_with("thread '") && line.contains(" panicked at ") {
            self.panics.push(line.to_owned());
            self.open = PANIC_LINES;
        } else if self.open > 0 {
            self.open -= 1;
            let ended = line.is_empty() || line.starts_with("note: ") || line.starts_with("stack backtrace:");
            match self.panics.last_mut() {
                Some(panic) if !ended => *panic += &format!("\n    {line}"),
                _ => self.open = 0,
            }
        }
    }

    /// Adds a closing line (`test result: ok. 3 passed; 0 failed; …`); false for any other line.
    pub(super) fn read(&mut self, line: &str) -> bool {
        let Some(rest) = line.trim_end().strip_prefix("test result: ") else { return false };
        let Some((_, counts)) = rest.split_once(". ") else { return false };
        for count in counts.split(';') {
            match count.trim().split_once(' ') {
                Some((n, "passed")) => self.passed += n.parse().unwrap_or(0),
                Some((n, "failed")) => self.failed += n.parse().unwrap_or(0),
                _ => {}
            }
        }
        true
    }
}

/// What a part belongs to; the times of these are summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Install,
    Checks,
    Build,
    Engines,
    Suites,
    WholeSystem,
    Mesh,
    Documentation,
}

impl Group {
    const ALL: [Self; 8] = [
        Self::Install,
        Self::Checks,
        Self::Build,
        Self::Engines,
        Self::Suites,
        Self::WholeSystem,
        Self::Mesh,
        Self::Documentation,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Checks => "checks",
            Self::Build => "build",
            Self::Engines => "start of engines",
            Self::Suites => "crates and contract suites",
            Self::WholeSystem => "whole system, one process",
            Self::Mesh => "whole system, mesh and faults",
            Self::Documentation => "examples in documentation",
        }
    }
}

/// All parts of one run.
#[derive(Debug)]
pub(super) struct Tally {
    began: Instant,
    parts: Vec<Part>,
    /// Why parts failed, said again at the end, where it is looked for.
    reasons: Vec<String>,
}

#[derive(Debug)]
struct Part {
    group: Group,
    name: String,
    time: Duration,
    passed: u64,
    failed: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { began: Instant::now(), parts: Vec::new(), reasons: Vec::new() }
    }
}

impl Tally {
    /// Adds what ran beside.
    pub(super) fn add(&mut self, other: Self) {
        self.parts.extend(other.parts);
        self.reasons.extend(other.reasons);
    }

    pub(super) fn count(&mut self, group: Group, name: &str, time: Duration, passed: u64, failed: u64) {
        self.parts.push(Part { group, name: name.to_owned(), time, passed, failed });
    }

    /// Why this part failed.
    pub(super) fn explain(&mut self, name: &str, reason: &str) {
        self.reasons.push(format!("{name}: {reason}"));
    }

    /// One line per part that did something, one per group, the reasons of failures, then the closing line alone on
    /// standard output.
    pub(super) fn report(&self) {
        eprintln!();
        for part in self.parts.iter().filter(|part| part.passed + part.failed > 0) {
            let word = if part.failed > 0 { "  FAILED" } else { "" };
            let Part { name, time, passed, failed, .. } = part;
            eprintln!("{:>12}  {passed:>5} passed  {failed:>3} failed  {name}{word}", seconds(*time));
        }
        eprintln!();
        for (name, time) in self.groups() {
            eprintln!("{:>12}  {name}", seconds(time));
        }
        eprintln!("{:>12}  in all; some ran side by side", seconds(self.began.elapsed()));
        for reason in &self.reasons {
            eprintln!("\nfailed: {reason}");
        }
        println!("{}", self.last_line());
    }

    /// Time per group, of those that took any.
    fn groups(&self) -> Vec<(&'static str, Duration)> {
        let time =
            |group: Group| self.parts.iter().filter(|part| part.group == group).map(|part| part.time).sum();
        let all = Group::ALL.map(|group| (group.name(), time(group)));
        all.into_iter().filter(|(_, time)| *time > Duration::ZERO).collect()
    }

    /// The line that CI reads.
    pub(super) fn last_line(&self) -> String {
        let passed: u64 = self.parts.iter().map(|part| part.passed).sum();
        format!("{passed} passed, {} failed", self.failed())
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if self.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    pub(super) fn failed(&self) -> u64 {
        self.parts.iter().map(|part| part.failed).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_closing_lines_only() {
        let mut results = Results::default();
        assert!(!results.read("test a_test ... ok"));
        assert!(!results.read("  test result: ok. 9 passed; 9 failed"));
        assert!(
            results.read("test result: FAILED. 7 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out")
        );
        assert_eq!((results.passed, results.failed), (7, 2));
    }

    #[test]
    fn keeps_what_a_panic_says_and_nothing_else() {
        let mut results = Results::default();
        let output = "---- a stdout ----\nlog\nthread 'a' (7) panicked at a.rs:1:2:\nleft\nright\nnote: run with\nlog\n";
        output.lines().for_each(|line| results.listen(line));
        assert_eq!(results.panics, ["thread 'a' (7) panicked at a.rs:1:2:\n    left\n    right"]);
    }

    #[test]
    fn the_last_line_is_the_sum() {
        let mut tally = Tally::default();
        tally.count(Group::Suites, "a", Duration::from_secs(1), 3, 0);
        tally.count(Group::Suites, "b", Duration::from_secs(2), 4, 1);
        tally.count(Group::Build, "c", Duration::from_secs(5), 0, 0);
        assert_eq!(tally.last_line(), "7 passed, 1 failed");
        let groups =
            [("build", Duration::from_secs(5)), ("crates and contract suites", Duration::from_secs(3))];
        assert_eq!(tally.groups(), groups);
    }
}
