//! The file: its lock, its connections and its tables.

use sea_orm::sqlx::{
    self, ConnectOptions, Connection, SqliteConnection, SqlitePool, raw_sql,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use segue_ports::bus::BusError;
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

/// How long to wait for an earlier engine of this process, or a dying process, to let the file go.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// `state` of a message: 0 ready, 1 waits until `at` (Unix ms), 2 answered at `at` and kept without its
/// payload so that it is not accepted again. Each state has its own partial index, so a row is in one of them.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS queues (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS bindings (
    queue INTEGER NOT NULL,
    position INTEGER NOT NULL,
    pattern TEXT NOT NULL,
    PRIMARY KEY (queue, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    queue INTEGER NOT NULL,
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    traceparent TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    deliveries INTEGER NOT NULL DEFAULT 0,
    state INTEGER NOT NULL DEFAULT 0,
    at INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS messages_id ON messages (queue, id);
CREATE INDEX IF NOT EXISTS messages_ready ON messages (queue, number) WHERE state = 0;
CREATE INDEX IF NOT EXISTS messages_waiting ON messages (queue, at) WHERE state = 1;
CREATE INDEX IF NOT EXISTS messages_answered ON messages (at) WHERE state = 2;
CREATE TABLE IF NOT EXISTS dead_letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    queue INTEGER NOT NULL,
    id TEXT NOT NULL,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    traceparent TEXT,
    reason TEXT NOT NULL,
    failures INTEGER NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS dead_letters_queue ON dead_letters (queue, number);
";

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        // KiB, per connection: the indexes' inner pages are what matters.
        .pragma("cache_size", "-1024")
        .pragma("journal_size_limit", "4194304")
        .disable_statement_logging()
}

/// The only connection that writes.
pub(crate) async fn writer(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = SqliteConnection::connect_with(&options(path).create_if_missing(true)).await?;
    raw_sql(SCHEMA).execute(&mut connection).await?;
    Ok(connection)
}

/// One connection that reads beside the writer.
pub(crate) async fn reader(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options(path).pragma("query_only", "1"))
        .await
}

/// Leases are in memory, so two processes on one file would each deliver every message: the first holds this
/// lock until it ends, however it ends.
pub(crate) async fn lock(path: &Path) -> Result<File, BusError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let started = tokio::time::Instant::now();
    loop {
        let name = name.clone();
        let attempt = tokio::task::spawn_blocking(move || {
            let file = File::create(name).map_err(TryLockError::Error)?;
            file.try_lock().map(|()| file)
        })
        .await
        .map_err(BusError::unavailable)?;
        match attempt {
            Ok(file) => return Ok(file),
            Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_PATIENCE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(TryLockError::WouldBlock) => {
                return Err(BusError::unavailable("another process has the queue file open"));
            }
            Err(TryLockError::Error(e)) => return Err(BusError::unavailable(e)),
        }
    }
}
