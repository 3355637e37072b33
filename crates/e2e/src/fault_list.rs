//! The faults that tests make, from `faults.txt`, and which of them this run makes with which seeds.

/// A fault and a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// What it is done to: the rest of the line in `faults.txt`.
    pub target: &'static str,
    /// From 1.
    pub seed: u64,
}

/// Everything that a kind of fault is done to: "kill", "pause", "network", "crash", "edit" or "history".
pub fn all(kind: &str) -> Vec<&'static str> {
    let lines = include_str!("../faults.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' ')).collect()
}

/// The rounds of this run: those of `few` with the first seed; in a soak the one that `SEGUE_TEST_FAULT` and
/// `SEGUE_TEST_SEED` name, which is none when it is of another kind.
///
/// # Panics
/// When the list and the test do not name the same things.
pub fn rounds(kind: &str, few: &[&str]) -> Vec<Round> {
    let all = all(kind);
    let known = |name: &str| all.iter().copied().find(|target| *target == name);
    match std::env::var("SEGUE_TEST_FAULT") {
        Err(_) => few
            .iter()
            .map(|name| known(name).unwrap_or_else(|| panic!("faults.txt has no line '{kind} {name}'")))
            .map(|target| Round { target, seed: 1 })
            .collect(),
        Ok(fault) => {
            let seed = std::env::var("SEGUE_TEST_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
            let target = fault.strip_prefix(kind).and_then(|rest| known(rest.strip_prefix(' ')?));
            target.map(|target| Round { target, seed }).into_iter().collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn the_list_names_every_kind() {
        for (kind, least) in [("crash", 17), ("edit", 4), ("kill", 13), ("pause", 5), ("network", 20)] {
            let targets = all(kind);
            assert!(targets.len() >= least, "{kind}: {targets:?}");
            assert!(
                targets.iter().enumerate().all(|(n, t)| !targets[..n].contains(t)),
                "{kind}: one is there twice"
            );
        }
    }
}
