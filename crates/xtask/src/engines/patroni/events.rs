//! What became of the leadership of a group, from the log of a node.

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

/// The last of it in the log of a node. Repeated lines once: a node says each second what it waits for.
pub(in super::super) fn events(log: &str) -> Vec<&str> {
    let mut lines: Vec<&str> =
        log.lines().filter(|line| WORDS.iter().any(|word| line.contains(word))).collect();
    lines.dedup_by_key(|line| line.split_once("INFO: ").map_or(*line, |(_, said)| said));
    lines.split_off(lines.len().saturating_sub(LINES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_each_second_is_kept_once() {
        let log = "12:01 INFO: no action. I am (a), the leader\n12:02 INFO: manual failover: demote in progress\n\
                   12:03 INFO: manual failover: demote in progress\n12:04 INFO: promoted self to leader\n";
        assert_eq!(
            events(log),
            ["12:02 INFO: manual failover: demote in progress", "12:04 INFO: promoted self to leader"]
        );
    }
}
