//! PostgreSQL servers that a test starts, kills and promotes.

use sea_orm::{ConnectionTrait, Database, DbErr, QueryResult, Statement};
use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::{Duration, Instant},
};

/// Where Debian puts the programs; they are not on the PATH.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const START_LIMIT: Duration = Duration::from_secs(30);

/// A server, killed when dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    data: PathBuf,
    child: Option<Child>,
}

/// True when the programs are there; else says that nothing is tested.
pub(crate) fn can_run() -> bool {
    let there = ["initdb", "postgres", "pg_basebackup"].iter().all(|p| Path::new(PROGRAMS).join(p).exists());
    if !there {
        eprintln!("{PROGRAMS} has no PostgreSQL 15: replicas and failover are not tested here");
    }
    there
}

impl Server {
    /// An empty primary.
    pub(crate) async fn primary(folder: &Path) -> Self {
        give(folder);
        let data = folder.join("primary");
        run(command("initdb")
            .args(["--username=postgres", "--auth=trust", "--no-sync", "--pgdata"])
            .arg(&data));
        let mut server = Self { port: free_port(), data, child: None };
        server.start().await;
        server
    }

    /// A replica that follows this server.
    pub(crate) async fn replica(&self, folder: &Path) -> Self {
        let data = folder.join("replica");
        let from = format!("host=127.0.0.1 port={} user=postgres", self.port);
        let mut backup = command("pg_basebackup");
        backup.args([
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
            "--dbname",
            &from,
            "--pgdata",
        ]);
        run(backup.arg(&data));
        let mut server = Self { port: free_port(), data, child: None };
        server.start().await;
        server
    }

    /// Starts it (again), and waits until it answers.
    pub(crate) async fn start(&mut self) {
        let log = self.data.with_extension("log");
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut server = command("postgres");
        server.arg("-D").arg(&self.data).args(["-p", &self.port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"] {
            server.args(["-c", setting]);
        }
        server.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(server.spawn().expect("postgres starts"));
        let start = Instant::now();
        while let Err(error) = self.ask("SELECT 1 AS n").await {
            assert!(start.elapsed() < START_LIMIT, "PostgreSQL does not start: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// Asks it directly.
    pub(crate) async fn ask(&self, sql: &str) -> Result<QueryResult, DbErr> {
        let db = Database::connect(self.url()).await?;
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await;
        db.close().await?;
        Ok(row?.expect("a row"))
    }

    /// Kill -9, of the server and so of every process of it.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let family = family(child.id());
            let _ = child.kill();
            signal("-KILL", &family);
            let _ = child.wait();
        }
    }

    /// Stops every process of it where it stands; the sockets stay open.
    pub(crate) fn pause(&self) {
        signal("-STOP", &family(self.child.as_ref().expect("it runs").id()));
    }

    pub(crate) fn go_on(&self) {
        signal("-CONT", &family(self.child.as_ref().expect("it runs").id()));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A process and its children.
fn family(id: u32) -> Vec<String> {
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    std::iter::once(id.to_string()).chain(children.split_whitespace().map(str::to_owned)).collect()
}

fn signal(name: &str, processes: &[String]) {
    // Some may be gone by now.
    let _ = Command::new("kill").arg(name).args(processes).stderr(Stdio::null()).status();
}

/// PostgreSQL refuses to run as root, so root runs it as the user that Debian's package made.
fn postgres() -> Option<(u32, u32)> {
    if Path::new("/proc/self").metadata().ok()?.uid() != 0 {
        return None;
    }
    let id = |flag| {
        let found = Command::new("id").args([flag, "postgres"]).output().expect("id runs");
        String::from_utf8_lossy(&found.stdout).trim().parse().expect("there is a user 'postgres'")
    };
    Some((id("-u"), id("-g")))
}

fn give(folder: &Path) {
    if let Some((user, group)) = postgres() {
        chown(folder, Some(user), Some(group)).unwrap();
    }
}

fn command(program: &str) -> Command {
    let program = format!("{PROGRAMS}/{program}");
    let mut command = match postgres() {
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={user}"), format!("--regid={group}")]);
            command.args(["--clear-groups", "--pdeathsig=KILL", "--", &program]);
            command
        }
        None => Command::new(program),
    };
    command.current_dir("/").env_remove("PGDATA").env_remove("PGOPTIONS").env_remove("PGPORT");
    command
}

fn run(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().expect("it starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Below 32768, where the kernel takes no ports for outgoing connections.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 21_000 + u16::try_from(std::process::id() % 5_000).unwrap();
    (0..1000)
        .map(|_| first + NEXT.fetch_add(1, Ordering::Relaxed))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a port is free")
}
