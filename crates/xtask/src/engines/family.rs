//! All processes of one server: the one that was started, which left its number in a file, their children, and children
//! that left them (Patroni's PostgreSQL has a session of its own), which are found by a variable that each inherits. A
//! number that the kernel gave to somebody else since is never signalled.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Names the folder of the set that a process belongs to.
pub(super) const SET: &str = "SEGUE_ENGINES_FOLDER";
/// Names the server that a process belongs to.
pub(super) const SERVER: &str = "SEGUE_ENGINES_SERVER";

/// In a server's folder: the process that was started last, and when.
const NUMBER: &str = "pid";

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Member {
    id: i32,
    parent: i32,
    /// As in /proc: R, S, D, T (stopped)…
    state: char,
    /// In ticks since the machine started: with `id` it names a process for ever.
    started: u64,
}

/// What the processes of a server do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Running,
    Paused,
    Dead,
}

/// The processes of one server of a set, or of all of them.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    words: Vec<Vec<u8>>,
    /// Of the servers.
    folders: Vec<PathBuf>,
}

impl Family {
    /// Of every server.
    pub(crate) fn of_set(folder: &Path) -> Self {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let folders = entries.map(|entry| entry.path()).collect();
        Self { words: vec![word(SET, &folder.display().to_string())], folders }
    }

    /// Of the server with this name.
    pub(crate) fn of_server(folder: &Path, name: &str) -> Self {
        let words = vec![word(SET, &folder.display().to_string()), word(SERVER, name)];
        Self { words, folders: vec![folder.join(name)] }
    }

    /// Remembers the process that a server was started as, in the server's folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn remember(folder: &Path, id: u32) -> std::io::Result<()> {
        let started = i32::try_from(id).ok().and_then(process).map_or(0, |member| member.started);
        fs::write(folder.join(NUMBER), format!("{id} {started}"))
    }

    /// Sends a signal to every one of them.
    pub(crate) fn signal(&self, signal: Signal) {
        for member in self.members() {
            // It may have ended since.
            let _ = Pid::from_raw(member.id).map(|pid| kill_process(pid, signal));
        }
    }

    /// Sends a signal to the one that was started, if it is still one of them; its children hear of it from it.
    pub(super) fn signal_first(&self, id: Option<u32>, signal: Signal) {
        let first = id.and_then(|id| i32::try_from(id).ok());
        if let Some(member) = self.members().iter().find(|member| Some(member.id) == first) {
            let _ = Pid::from_raw(member.id).map(|pid| kill_process(pid, signal));
        }
    }

    /// Kills until nothing is left, as a member may start another while it is looked for.
    pub(crate) fn kill(&self) {
        let start = Instant::now();
        while !self.is_dead() && start.elapsed() < Duration::from_secs(10) {
            self.signal(Signal::KILL);
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether all ended within this time.
    pub(crate) fn ends_within(&self, limit: Duration) -> bool {
        let start = Instant::now();
        while !self.is_dead() {
            if start.elapsed() > limit {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        true
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.members().is_empty()
    }

    pub(crate) fn condition(&self) -> Condition {
        let members = self.members();
        match members.iter().all(|member| member.state == 'T') {
            _ if members.is_empty() => Condition::Dead,
            true => Condition::Paused,
            false => Condition::Running,
        }
    }

    /// Resident memory that belongs to them alone, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let resident = |member: &Member| -> Option<u64> {
            let text = fs::read_to_string(format!("/proc/{}/status", member.id)).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        };
        1024 * self.members().iter().filter_map(resident).sum::<u64>()
    }

    fn members(&self) -> Vec<Member> {
        let all: Vec<Member> = processes().collect();
        let first: Vec<_> = self.folders.iter().filter_map(|folder| remembered(folder)).collect();
        let is_first = |member: &Member| first.contains(&(member.id, member.started));
        let own = all.iter().filter(|member| is_first(member) || self.is_marked(member.id));
        let mut ids: BTreeSet<i32> = own.map(|member| member.id).collect();
        // PostgreSQL's children and Redis overwrite their environment with a title.
        loop {
            let before = ids.len();
            ids.extend(
                all.iter()
                    .filter(|member| ids.contains(&member.parent))
                    .map(|member| member.id)
                    .collect::<Vec<_>>(),
            );
            if ids.len() == before {
                break;
            }
        }
        all.into_iter().filter(|member| ids.contains(&member.id)).collect()
    }

    fn is_marked(&self, id: i32) -> bool {
        // Another user's cannot be read, and is not ours.
        let Ok(environment) = fs::read(format!("/proc/{id}/environ")) else { return false };
        self.words.iter().all(|word| environment.split(|byte| *byte == 0).any(|variable| variable == word))
    }
}

fn word(name: &str, value: &str) -> Vec<u8> {
    format!("{name}={value}").into_bytes()
}

/// The process and its time, as [`Family::remember`] wrote them.
fn remembered(folder: &Path) -> Option<(i32, u64)> {
    let text = fs::read_to_string(folder.join(NUMBER)).ok()?;
    let (id, started) = text.split_once(' ')?;
    Some((id.parse().ok()?, started.parse().ok()?))
}

/// Every process of the machine that has not ended. A dead one whose parent has not asked for its status is left out.
fn processes() -> impl Iterator<Item = Member> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(process).filter(|member| !matches!(member.state, 'Z' | 'X'))
}

fn process(id: i32) -> Option<Member> {
    parse(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// The name stands in parentheses, and may contain some of its own.
fn parse(id: i32, stat: &str) -> Option<Member> {
    let words: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let (state, parent, started) = (words.first()?.chars().next()?, words.get(1)?, words.get(19)?);
    Some(Member { id, parent: parent.parse().ok()?, state, started: started.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn reads_names_with_parentheses() {
        let stat = "7 (a) b) S 3 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9";
        assert_eq!(parse(7, stat), Some(Member { id: 7, parent: 3, state: 'S', started: 4711 }));
        assert_eq!(parse(7, "nonsense"), None);
    }

    #[test]
    fn finds_pauses_and_kills_children_that_dropped_the_variable() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut shell = Command::new("sh")
            .args(["-c", "env -i sleep 60 & wait"])
            .env(SET, folder.path())
            .env(SERVER, "one")
            .stdin(Stdio::null())
            .spawn()
            .expect("sh starts");
        let family = Family::of_server(folder.path(), "one");
        let start = Instant::now();
        while family.members().len() < 2 {
            assert!(start.elapsed() < Duration::from_secs(10), "the child never came");
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(family.condition(), Condition::Running);
        assert!(Family::of_server(folder.path(), "other").is_dead());
        family.signal(Signal::STOP);
        while family.condition() != Condition::Paused {
            assert!(start.elapsed() < Duration::from_secs(10), "it was never paused");
            thread::sleep(Duration::from_millis(5));
        }
        Family::of_set(folder.path()).kill();
        assert_eq!(family.condition(), Condition::Dead);
        shell.wait().expect("it has ended");
    }

    #[test]
    fn a_process_is_remembered_by_number_and_time() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let own = folder.path().join("one");
        fs::create_dir(&own).expect("it can be made");
        let mut sleep = Command::new("sleep").arg("60").spawn().expect("sleep starts");
        Family::remember(&own, sleep.id()).expect("it can be written");
        for family in [Family::of_server(folder.path(), "one"), Family::of_set(folder.path())] {
            assert_eq!(family.condition(), Condition::Running);
        }
        fs::write(own.join(NUMBER), format!("{} 1", sleep.id())).expect("it can be written");
        assert!(Family::of_set(folder.path()).is_dead(), "another process got the number");
        sleep.kill().and_then(|()| sleep.wait()).expect("it ends");
    }
}
