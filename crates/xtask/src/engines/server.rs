//! One server: how it is started, and whether it is there. Everything is kept in the state file, so that any process can
//! kill it and start it again.

use super::{
    family::{self, Condition, Family},
    owner::Ids,
    probe::Probe,
};
use crate::process;
use anyhow::{Context, bail};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Ample for the slowest, OpenSearch after kill -9 (17 s), on a machine that compiles meanwhile.
const START_LIMIT: Duration = Duration::from_secs(120);
/// For an orderly stop, before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(15);

/// A program with its arguments, ports and folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Server {
    /// Unique in its set: `redis`, `patroni-2`.
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    /// Besides PATH and a neutral locale, all that it gets.
    pub(crate) environment: BTreeMap<String, String>,
    /// None: the user of whoever starts it.
    pub(crate) user: Option<Ids>,
    /// Its own: data, configuration, and its output in the file `log`.
    pub(crate) folder: PathBuf,
    /// By what they are for: `amqp`, `http`.
    pub(crate) ports: BTreeMap<String, u16>,
    pub(crate) ready: Probe,
    /// What ends it in an orderly way.
    pub(crate) stop: Stop,
    /// The process that was started last; only /proc says whether it lives.
    pub(crate) pid: Option<u32>,
}

/// A signal for an orderly end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Stop {
    Term,
    /// PostgreSQL's immediate shutdown: it removes its shared memory, and keeps what was committed.
    Quit,
}

impl Server {
    /// With what most of them share.
    pub(crate) fn new(name: &str, program: impl Into<PathBuf>, folder: PathBuf, ready: Probe) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            environment: BTreeMap::new(),
            user: None,
            folder,
            ports: BTreeMap::new(),
            ready,
            stop: Stop::Term,
            pid: None,
        }
    }

    pub(crate) fn args<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.args.extend(words.into_iter().map(Into::into));
        self
    }

    pub(crate) fn port(mut self, what: &str, port: u16) -> Self {
        self.ports.insert(what.into(), port);
        self
    }

    /// Starts it unless it runs. Whether it is ready is another question.
    ///
    /// # Errors
    /// When the program or its folder is not there.
    pub(crate) fn start(&mut self, set: &Path) -> anyhow::Result<()> {
        if self.condition(set) != Condition::Dead {
            return Ok(());
        }
        // PostgreSQL takes a process that is dead but still listed for a living one.
        let _ = std::fs::remove_file(self.folder.join("data/postmaster.pid"));
        let log = self.folder.join("log");
        let output = File::options().create(true).append(true).open(&log);
        let output = output.with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.folder).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("LC_ALL", "C.UTF-8").env("HOME", &self.folder).envs(&self.environment);
        command.env(family::SET, set).env(family::SERVER, &self.name);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        // A group of its own, so that Ctrl-C in a terminal does not reach it.
        let child = command.process_group(0).spawn();
        let mut child = child.with_context(|| {
            format!("{} does not start; run: cargo xtask install", process::line(&command))
        })?;
        self.pid = Some(child.id());
        Family::remember(&self.folder, child.id())?;
        // Else it would stay defunct when it ends, for as long as this process lives.
        thread::spawn(move || child.wait());
        Ok(())
    }

    /// Waits until it serves.
    ///
    /// # Errors
    /// When it ends, or does not answer in 120 s: the error holds the end of its log.
    pub(crate) fn wait_until_ready(&self, set: &Path) -> anyhow::Result<()> {
        let start = Instant::now();
        while !self.ready.passes() {
            if self.condition(set) == Condition::Dead {
                bail!("{} ended by itself:\n{}", self.name, self.end_of_log());
            }
            if start.elapsed() > START_LIMIT {
                bail!("{} is not ready after {} s:\n{}", self.name, START_LIMIT.as_secs(), self.end_of_log());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Asks it to end, and kills it if it does not.
    pub(crate) fn stop(&self, set: &Path) {
        let family = self.family(set);
        // A paused process would hear nothing.
        family.signal(Signal::CONT);
        self.ask_to_stop(set);
        if !family.ends_within(STOP_LIMIT) {
            family.kill();
        }
    }

    /// Sends the signal for an orderly end, and does not wait.
    pub(super) fn ask_to_stop(&self, set: &Path) {
        let signal = match self.stop {
            Stop::Term => Signal::TERM,
            Stop::Quit => Signal::QUIT,
        };
        self.family(set).signal_first(self.pid, signal);
    }

    pub(crate) fn condition(&self, set: &Path) -> Condition {
        self.family(set).condition()
    }

    pub(crate) fn family(&self, set: &Path) -> Family {
        Family::of_server(set, &self.name)
    }

    /// What it has written so far.
    pub(super) fn log(&self) -> String {
        let text = std::fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    fn end_of_log(&self) -> String {
        let text = self.log();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}
