//! Connections.

use crate::{ShardKey, StoreConfig, StoreError, Transaction};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend, sqlx::sqlite};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// The database, by topology `single`: one primary. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    outbox_written: watch::Sender<u64>,
    crash: fn(&'static str),
}

impl Store {
    /// Connects. An embedded database is created when it is not there.
    pub async fn connect(config: &StoreConfig) -> Result<Self, StoreError> {
        Self::connect_with(config, |_| ()).await
    }

    /// As [`Store::connect`]; `crash` is called at named points, for tests that kill the process there.
    pub async fn connect_with(config: &StoreConfig, crash: fn(&'static str)) -> Result<Self, StoreError> {
        let (writer, reader) = match config.url.is_sqlite() {
            // One writer: SQLite has one writer at a time, and waiting in our pool is fair and costs no retry.
            true => (connect(config, 1, false).await?, connect(config, 4, true).await?),
            false => {
                let pool = connect(config, config.max_connections, false).await?;
                (pool.clone(), pool)
            }
        };
        let inner = Inner { writer, reader, outbox_written: watch::Sender::new(0), crash };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Which SQL is spoken.
    pub fn backend(&self) -> DbBackend {
        self.inner.writer.get_database_backend()
    }

    /// For reads that may be a moment old.
    pub fn reader(&self, _shard: &ShardKey) -> &DatabaseConnection {
        &self.inner.reader
    }

    /// For reads that must see every acknowledged write, and for single-statement writes without an event.
    pub fn primary(&self, _shard: &ShardKey) -> &DatabaseConnection {
        &self.inner.writer
    }

    /// Every primary, for what is done shard by shard: migrations, the relay, sweeps.
    pub fn primaries(&self) -> Vec<&DatabaseConnection> {
        vec![&self.inner.writer]
    }

    /// A transaction on the shard of one aggregate.
    pub async fn begin(&self, shard: ShardKey) -> Result<Transaction, StoreError> {
        Transaction::begin(self.clone(), shard).await
    }

    /// Changes after each commit that wrote an outbox row, so that the relay need not poll fast.
    pub fn outbox_written(&self) -> watch::Receiver<u64> {
        self.inner.outbox_written.subscribe()
    }

    /// Ends every connection.
    pub async fn close(&self) {
        // Both are attempted; a pool that is already closed is closed.
        let _ = self.inner.reader.clone().close().await;
        let _ = self.inner.writer.clone().close().await;
    }

    pub(crate) fn crash_point(&self, name: &'static str) {
        (self.inner.crash)(name);
    }

    pub(crate) fn wake_relay(&self) {
        self.inner.outbox_written.send_modify(|n| *n += 1);
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?})", self.backend())
    }
}

async fn connect(config: &StoreConfig, most: u32, read_only: bool) -> Result<DatabaseConnection, StoreError> {
    let mut options = ConnectOptions::new(config.url.expose());
    options
        .max_connections(most)
        .min_connections(1)
        .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .connect_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .sqlx_logging(false);
    if config.url.is_sqlite() {
        options.idle_timeout(None::<Duration>).max_lifetime(None::<Duration>).map_sqlx_sqlite_opts(
            move |o| {
                o.create_if_missing(!read_only)
                    .read_only(read_only)
                    .journal_mode(sqlite::SqliteJournalMode::Wal)
                    // An acknowledged write survives a power cut, not only a killed process.
                    .synchronous(sqlite::SqliteSynchronous::Full)
                    .busy_timeout(Duration::from_secs(5))
                    .foreign_keys(true)
                    .pragma("cache_size", "-2000")
                    .pragma("journal_size_limit", "16777216")
            },
        );
    }
    Ok(Database::connect(options).await?)
}
