//! A server of one process, which can be killed and started again.

use serde::Deserialize;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// What `segue up --json` says when it is ready.
#[derive(Debug, Clone, Deserialize)]
pub struct Ready {
    /// Where it is.
    pub url: String,
    /// On the first run.
    pub email: Option<String>,
    /// On the first run.
    pub password: Option<String>,
}

/// A server. Killed when dropped.
pub struct Up {
    data: PathBuf,
    _folder: Option<TempDir>,
    environment: Vec<(String, String)>,
    child: Child,
    ready: Ready,
    first: Ready,
}

impl Up {
    /// A fresh server on a free port.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A fresh server with more environment.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start_with(environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let environment: Vec<_> =
            environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let (child, ready) = spawn(&data, 0, &environment).expect("the server becomes ready");
        let first = ready.clone();
        Self { data, _folder: Some(folder), environment, child, ready, first }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.ready.url
    }
    /// `127.0.0.1:port`.
    pub fn address(&self) -> &str {
        self.ready.url.trim_start_matches("http://")
    }
    /// The first account's address.
    pub fn email(&self) -> &str {
        self.first.email.as_deref().expect("the first run names an account")
    }
    /// The first account's password.
    pub fn password(&self) -> &str {
        self.first.password.as_deref().expect("the first run names a password")
    }
    /// Its folder.
    pub fn data(&self) -> &Path {
        &self.data
    }
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the environment is from the next start on.
    pub fn set_environment(&mut self, environment: &[(&str, &str)]) {
        self.environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// True when it has ended by itself within `limit`.
    pub fn died_within(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Starts it again on the same data and port.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn restart(&mut self) {
        self.kill();
        let port = self.address().rsplit_once(':').and_then(|(_, p)| p.parse().ok()).expect("a port");
        let mut last = String::new();
        for _ in 0..20 {
            match spawn(&self.data, port, &self.environment) {
                Ok((child, ready)) => {
                    self.child = child;
                    self.ready = ready;
                    return;
                }
                Err(error) => last = error,
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the server does not start again: {last}");
    }

    /// Starts it again with an environment that may kill it before it is ready. True when it became ready.
    pub fn try_restart(&mut self) -> bool {
        self.kill();
        let port = self.address().rsplit_once(':').and_then(|(_, p)| p.parse().ok()).expect("a port");
        match spawn(&self.data, port, &self.environment) {
            Ok((child, ready)) => {
                self.child = child;
                self.ready = ready;
                true
            }
            Err(_) => false,
        }
    }

    /// Ends it as Ctrl-C does, and gives back whether it ended well in time.
    pub fn stop(&mut self) -> bool {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(data: &Path, port: u16, environment: &[(String, String)]) -> Result<(Child, Ready), String> {
    let mut child = Command::new(crate::binary())
        .args(["up", "--json", "--port", &port.to_string(), "--data"])
        .arg(data)
        .envs(environment.iter().map(|(k, v)| (k, v)))
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
    let mut line = String::new();
    let out = child.stdout.take().expect("stdout is piped");
    // A server that ends early closes its standard output, and this ends.
    let read = BufReader::new(out).read_line(&mut line);
    match serde_json::from_str(&line) {
        Ok(ready) => Ok((child, ready)),
        Err(error) => {
            let _ = child.kill();
            let status = child.wait();
            Err(format!("not ready ({read:?}, {status:?}): {error}: {line:?}"))
        }
    }
}
