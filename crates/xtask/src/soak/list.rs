//! The committed list of faults, and the results of those that were made.

use anyhow::{Context, bail};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// A fault and a seed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pair {
    /// A line of the list: "kill song".
    pub(super) fault: String,
    /// From 1.
    pub(super) seed: u64,
}

/// Faults and results.
pub(super) struct List {
    faults: Vec<String>,
    /// Whether the last run of each pair passed.
    results: BTreeMap<Pair, bool>,
    path: PathBuf,
}

impl List {
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let faults = fs::read_to_string(folder.join("faults.txt")).context("faults.txt cannot be read")?;
        let path = folder.join("soak.tsv");
        let results = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).context("soak.tsv cannot be read"),
        };
        Self::parse(&faults, &results, path)
    }

    fn parse(faults: &str, results: &str, path: PathBuf) -> anyhow::Result<Self> {
        let lines = |text: &str| -> Vec<String> {
            let lines = text.lines().map(str::trim_end);
            lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
        };
        let faults = lines(faults);
        let mut last = BTreeMap::new();
        for line in lines(results) {
            let mut columns = line.split('\t');
            let (Some(fault), Some(Ok(seed)), Some(result @ ("passed" | "failed"))) =
                (columns.next(), columns.next().map(str::parse), columns.next())
            else {
                bail!("soak.tsv has a line that cannot be read: {line}");
            };
            last.insert(Pair { fault: fault.to_owned(), seed }, result == "passed");
        }
        Ok(Self { faults, results: last, path })
    }

    /// What is to be run, the last one first: shuffled, and those that failed before at the front.
    pub(super) fn left(&self, seeds: u64, filter: Option<&str>, again: bool) -> Vec<Pair> {
        let wanted = |fault: &&String| filter.is_none_or(|text| fault.contains(text));
        let mut left: Vec<Pair> = self
            .faults
            .iter()
            .filter(wanted)
            .flat_map(|fault| (1..=seeds).map(|seed| Pair { fault: fault.clone(), seed }))
            .filter(|pair| again || self.results.get(pair) != Some(&true))
            .collect();
        shuffle(&mut left);
        left.sort_by_key(|pair| self.results.get(pair) != Some(&false));
        left
    }

    pub(super) fn append(
        &mut self,
        fault: &str,
        seed: u64,
        passed: bool,
        time: Duration,
    ) -> anyhow::Result<()> {
        let mut file = self.open()?;
        let result = if passed { "passed" } else { "failed" };
        writeln!(file, "{fault}\t{seed}\t{result}\t{:.1}", time.as_secs_f64())?;
        file.sync_data()?;
        self.results.insert(Pair { fault: fault.to_owned(), seed }, passed);
        Ok(())
    }

    fn open(&self) -> std::io::Result<File> {
        let new = !self.path.exists();
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        if new {
            writeln!(file, "# fault\tseed\tresult\tseconds; written by `cargo xtask soak`")?;
        }
        Ok(file)
    }
}

/// In another order each time, so that what is run in a short time is not always the same.
fn shuffle(pairs: &mut [Pair]) {
    let mut state = SystemTime::UNIX_EPOCH.elapsed().map_or(1, |time| time.subsec_nanos().into()) | 1_u64;
    for at in (1..pairs.len()).rev() {
        // Numerical Recipes' generator; good enough for an order.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap_or(0) % (at + 1);
        pairs.swap(at, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(fault: &str, seed: u64) -> Pair {
        Pair { fault: fault.into(), seed }
    }

    #[test]
    fn draws_what_has_not_passed_and_failures_last() {
        let results =
            "kill a\t1\tpassed\t3.0\nkill b\t2\tfailed\t9\nkill b\t1\tfailed\t9\nkill b\t1\tpassed\t2\n";
        let list =
            List::parse("# the list\nkill a\nkill b\n", results, "soak.tsv".into()).expect("it is right");
        let mut left = list.left(2, None, false);
        assert_eq!(left.first(), Some(&pair("kill b", 2)), "it is popped last");
        left.sort();
        assert_eq!(left, [pair("kill a", 2), pair("kill b", 2)]);
        assert_eq!(list.left(2, Some("a"), false), [pair("kill a", 2)]);
        assert_eq!(list.left(2, None, true).len(), 4);
    }

    #[test]
    fn results_are_appended_and_read_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("faults.txt"), "kill a\n").expect("it can be written");
        let mut list = List::read(folder.path()).expect("no results yet");
        list.append("kill a", 1, true, Duration::from_secs(3)).expect("it can be appended");
        assert_eq!(List::read(folder.path()).expect("it reads").left(2, None, false), [pair("kill a", 2)]);
        fs::write(folder.path().join("soak.tsv"), "nonsense").expect("it can be written");
        assert!(List::read(folder.path()).is_err(), "a list that cannot be read is not thrown away");
    }
}
