//! A throwaway PostgreSQL 15 on a private port, for repository tests.

use crate::{process, progress};
use anyhow::{Context, bail};
use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Where Debian puts the programs; they are not on the PATH.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// A running server; stopped, and its data removed, when dropped. When this process is killed instead, by Ctrl-C
/// or any other way, a guard of its own does both.
pub(crate) struct Postgres {
    server: Child,
    guard: Child,
    port: u16,
    /// Its name says whether it was kept; the guard removes it too.
    _folder: TempDir,
}

impl Postgres {
    /// Makes a cluster and starts it. Nothing in it survives a crash of the machine, which makes it quick.
    ///
    /// # Errors
    /// When it cannot be made or does not answer in 30 s: the error holds the end of its log.
    pub(crate) fn start() -> anyhow::Result<Self> {
        progress::step("start PostgreSQL 15", || {
            let folder = tempfile::Builder::new().prefix("segue-postgres-").tempdir()?;
            let owner = Owner::of_this_process()?;
            let data = folder.path().join("data");
            fs::create_dir(&data)?;
            owner.give(folder.path())?;
            owner.give(&data)?;
            let mut initdb = owner.command("initdb");
            initdb.args([
                "--username=postgres",
                "--auth=trust",
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
            ]);
            process::quiet(initdb.arg("--pgdata").arg(&data))?;

            let port = free_port()?;
            let log = folder.path().join("log");
            let mut server = owner.command("postgres");
            server.arg("-D").arg(&data).args(["-p", &port.to_string()]);
            for setting in [
                "listen_addresses=127.0.0.1",
                "unix_socket_directories=",
                "max_connections=200",
                "fsync=off",
                "synchronous_commit=off",
                "full_page_writes=off",
            ] {
                server.args(["-c", setting]);
            }
            // A group of its own, so that Ctrl-C reaches it only through the guard.
            server
                .stdin(Stdio::null())
                .stdout(File::create(&log)?)
                .stderr(File::options().append(true).open(&log)?);
            let server = server.process_group(0).spawn().context("postgres does not start")?;
            let guard = guard(server.id(), folder.path())?;
            let mut started = Self { server, guard, port, _folder: folder };
            started.wait_until_ready(&log)?;
            Ok(started)
        })
    }

    /// `postgres://user@host:port`, without a database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}", self.port)
    }

    fn wait_until_ready(&mut self, log: &Path) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut asking = Command::new(format!("{PROGRAMS}/pg_isready"));
        asking.args(["--quiet", "--host=127.0.0.1", "--port", &self.port.to_string()]);
        loop {
            if asking.status().context("pg_isready does not start")?.success() {
                return Ok(());
            }
            if self.server.try_wait()?.is_some() || start.elapsed() > START_LIMIT {
                bail!("PostgreSQL did not start:\n{}", fs::read_to_string(log).unwrap_or_default());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGQUIT is PostgreSQL's immediate shutdown: nobody wants this data.
        let _ = Command::new("kill").args(["-QUIT", &self.server.id().to_string()]).status();
        let start = Instant::now();
        while matches!(self.server.try_wait(), Ok(None)) {
            if start.elapsed() > STOP_LIMIT {
                let _ = self.server.kill();
            }
            thread::sleep(Duration::from_millis(10));
        }
        // Its input ends, so it finds nothing left to stop, removes the folder and ends.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// A process that waits until this one is gone, however that comes, and then cleans up.
fn guard(server: u32, folder: &Path) -> anyhow::Result<Child> {
    let script = r#"cat >/dev/null; kill -QUIT "$0" && sleep 1; rm -rf -- "$1""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, &server.to_string()]).arg(folder).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().context("sh does not start")
}

/// PostgreSQL refuses to run as root, so root runs it as the user that Debian's package made.
struct Owner {
    postgres: Option<(u32, u32)>,
}

impl Owner {
    fn of_this_process() -> anyhow::Result<Self> {
        if Path::new("/proc/self").metadata()?.uid() != 0 {
            return Ok(Self { postgres: None });
        }
        let id = |flag| -> anyhow::Result<u32> {
            let text = process::first_line("id", &[flag, "postgres"]).context(
                "there is no user 'postgres'; install Debian's postgresql-15 with 'cargo xtask install'",
            )?;
            Ok(text.parse()?)
        };
        Ok(Self { postgres: Some((id("-u")?, id("-g")?)) })
    }

    fn give(&self, path: &Path) -> anyhow::Result<()> {
        if let Some((user, group)) = self.postgres {
            std::os::unix::fs::chown(path, Some(user), Some(group))?;
        }
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let program = format!("{PROGRAMS}/{program}");
        let mut command = match self.postgres {
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={user}"), format!("--regid={group}")]);
                command.args(["--clear-groups", "--", &program]);
                command
            }
            None => Command::new(program),
        };
        // Not the caller's folder, which the other user may not be allowed to enter.
        command.current_dir("/").env_remove("PGDATA").env_remove("PGOPTIONS").env_remove("PGPORT");
        command
    }
}

/// A port below 32768, where the kernel takes no ports for outgoing connections, so nothing else gets it between
/// this look and the server's start but another server.
fn free_port() -> anyhow::Result<u16> {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000)?;
    (first..32_768)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("no free port between 20000 and 32767")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_free_and_below_the_outgoing_ones() {
        let port = free_port().expect("there is one");
        assert!((20_000..32_768).contains(&port));
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("it is free");
    }
}
