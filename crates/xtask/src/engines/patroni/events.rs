//! What became of the leadership of a group, from the logs of its nodes.

use std::path::Path;

/// What a node says when something happens that is not in the usual course.
const WORDS: [&str; 6] = [
    "demot",
    "promoted self",
    "DCS is not accessible",
    "failover",
    "ahead of my wal position",
    "Copying logical slots",
];
/// Lines kept of each node.
const LINES: usize = 12;

/// The last of it, a line each, with the node in front. The set's folder; empty where there is no group.
pub(in super::super) fn events(set: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for number in 1..=3 {
        let node = format!("patroni-{number}");
        let log = std::fs::read(set.join(&node).join("log")).unwrap_or_default();
        found.extend(of_log(&String::from_utf8_lossy(&log)).map(|line| format!("{node}: {line}")));
    }
    found
}

/// Repeated lines once: a node says each second what it waits for.
fn of_log(log: &str) -> impl Iterator<Item = &str> {
    let mut lines: Vec<&str> =
        log.lines().filter(|line| WORDS.iter().any(|word| line.contains(word))).collect();
    lines.dedup_by_key(|line| line.split_once("INFO: ").map_or(*line, |(_, said)| said));
    lines.split_off(lines.len().saturating_sub(LINES)).into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_each_second_is_kept_once() {
        let log = "12:01 INFO: no action. I am (a), the leader\n12:02 INFO: manual failover: demote in progress\n\
                   12:03 INFO: manual failover: demote in progress\n12:04 INFO: promoted self to leader\n";
        let kept: Vec<&str> = of_log(log).collect();
        assert_eq!(
            kept,
            ["12:02 INFO: manual failover: demote in progress", "12:04 INFO: promoted self to leader"]
        );
    }
}
