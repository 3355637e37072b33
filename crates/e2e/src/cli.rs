//! The command line as a user or a script runs it.

use crate::world::{PASSWORD, Server};
use serde_json::Value;
use std::{
    ffi::OsStr,
    io::Write,
    path::Path,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// One user's command line: a state folder of its own.
pub struct Cli {
    home: TempDir,
    url: String,
}

/// What a command printed.
#[derive(Debug)]
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Each line of standard output as JSON.
    ///
    /// # Panics
    /// When a line is not JSON.
    pub fn json(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line:?} of {self:?}"));
        self.out.lines().map(parse).collect()
    }
    /// The command did what was asked.
    ///
    /// # Panics
    /// When it did not.
    #[must_use]
    pub fn good(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

impl Cli {
    /// Nobody signed in yet.
    ///
    /// # Panics
    /// Without a temporary folder.
    pub fn new(url: &str) -> Self {
        Self { home: tempfile::tempdir().expect("a temporary folder"), url: url.to_owned() }
    }

    /// Signed in as the server's first account.
    pub fn signed_in(up: &impl Server) -> Self {
        let cli = Self::new(up.url());
        let _ = cli.admitted(&["login", "--email", up.email(), "--password-stdin"], up.password()).good();
        cli
    }

    /// A new account.
    pub fn signed_up(up: &impl Server, email: &str) -> Self {
        Self::signed_up_at(up.url(), email)
    }

    /// A new account with an address of its own.
    pub fn stranger(up: &impl Server) -> Self {
        Self::signed_up_at(up.url(), &format!("{:016x}@example.org", rand::random::<u64>()))
    }

    /// As [`Cli::signed_up`], by address.
    pub fn signed_up_at(url: &str, email: &str) -> Self {
        let cli = Self::new(url);
        let _ = cli.admitted(&["signup", "--email", email, "--password-stdin"], PASSWORD).good();
        cli
    }

    /// Runs a command that signs in. On a mesh all tests come from one address, which may do so only so often.
    fn admitted(&self, args: &[&str], input: &str) -> Ran {
        for _ in 0..300 {
            let ran = self.run_with(args, input);
            if !ran.err.contains("too many sign-ins") {
                return ran;
            }
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
        self.run_with(args, input)
    }

    /// The folder of its state.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs a command to its end.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Ran {
        self.run_with(args, "")
    }

    /// Runs a command that reads `input`.
    ///
    /// # Panics
    /// When the binary does not start.
    pub fn run_with<S: AsRef<OsStr>>(&self, args: &[S], input: &str) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().expect("the binary starts");
        let _ = child.stdin.take().expect("stdin is piped").write_all(input.as_bytes());
        let done = child.wait_with_output().expect("it ends");
        Ran {
            code: done.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&done.stdout).into_owned(),
            err: String::from_utf8_lossy(&done.stderr).into_owned(),
        }
    }

    /// Starts a command and does not wait.
    ///
    /// # Panics
    /// When the binary does not start.
    pub fn start<S: AsRef<OsStr>>(&self, args: &[S]) -> Child {
        self.command(args).stdin(Stdio::null()).spawn().expect("the binary starts")
    }

    fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(crate::binary());
        command.args(args).env("SEGUE_URL", &self.url).env("SEGUE_HOME", self.home.path());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Uploads files and gives back one object for each, in the order of `files`.
    pub fn upload(&self, files: &[&Path]) -> Vec<Value> {
        let mut args: Vec<&OsStr> = vec!["upload".as_ref(), "--json".as_ref()];
        args.extend(files.iter().map(|f| f.as_os_str()));
        let objects = self.run(&args).json();
        let find = |f: &&Path| objects.iter().find(|o| o["file"] == f.display().to_string()).cloned();
        files.iter().map(|f| find(f).unwrap_or_default()).collect()
    }
}
