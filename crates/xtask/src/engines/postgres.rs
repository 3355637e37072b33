//! PostgreSQL 15, a single server with logical replication: for repository tests and change capture.

use super::{
    owner,
    probe::Probe,
    server::{Server, Stop},
    site::Site,
};
use crate::process;
use std::{os::unix::process::CommandExt, process::Command};

/// Where Debian puts the programs; they are not on the PATH.
pub(super) const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// The database that a configuration names.
pub(super) const DATABASE: &str = "segue";

/// What does not survive is a crash of the machine, which makes it quick. A commit that was acknowledged survives kill
/// -9: the kernel has it. With `synchronous_commit` off it would not, as it would still lie in the server's memory.
const SETTINGS: [&str; 14] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=64MB",
    "fsync=off",
    "full_page_writes=off",
    "wal_level=logical",
    // One slot per test that captures changes, and they run side by side.
    "max_replication_slots=40",
    "max_wal_senders=40",
    "max_wal_size=256MB",
    "autovacuum_naptime=10s",
    "log_min_messages=warning",
    // A session that sets synchronous_commit to 'on' waits for a standby that does not exist, until it is cancelled: for
    // tests of commits that are in the log and that nobody sees yet.
    "synchronous_standby_names=nobody",
    "synchronous_commit=local",
];

/// The server, and `postgres://user@host:port` without a database; the user is a superuser without a password.
pub(super) fn start(site: &Site) -> anyhow::Result<(Vec<Server>, String)> {
    let owner = owner::instead_of_root("postgres")?;
    let folder = site.folder("postgres", owner)?;
    let data = folder.join("data");
    let mut initdb = Command::new(format!("{PROGRAMS}/initdb"));
    initdb.args([
        "--username=postgres",
        "--auth=trust",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C",
        "--pgdata",
    ]);
    initdb.arg(&data).current_dir(&folder);
    if let Some((user, group)) = owner {
        initdb.uid(user).gid(group);
    }
    process::quiet(&mut initdb)?;

    let port = site.port()?;
    let mut server = Server::new("postgres", format!("{PROGRAMS}/postgres"), folder, Probe::postgres(port))
        .args(["-D".into(), data.display().to_string(), "-p".into(), port.to_string()])
        .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
        .port("postgres", port);
    server.user = owner;
    server.stop = Stop::Quit;
    let server = site.launch(server)?;
    // As in a Patroni group; tests make databases of their own.
    let mut psql = Command::new(format!("{PROGRAMS}/psql"));
    psql.args(["--no-psqlrc", "--quiet", "--host=127.0.0.1", "--username=postgres", "--port"]);
    psql.args([&port.to_string(), "--command", &format!("CREATE DATABASE {DATABASE}")]);
    process::quiet(psql.current_dir("/"))?;
    Ok((vec![server], format!("postgres://postgres@127.0.0.1:{port}")))
}
