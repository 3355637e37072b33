//! The store: where statements go.

use crate::{ShardKey, StoreConfig, StoreError, Transaction, group::Group, pool};
use sea_orm::{DatabaseConnection, DbBackend};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;

/// What the store asks of the program around it.
#[derive(Debug, Clone, Copy)]
pub struct Hooks {
    /// Called at named points, for tests that kill the process there.
    pub crash: fn(&'static str),
    /// The time that is left for the call in whose name statements are made; none without a deadline.
    pub remaining: fn() -> Option<Duration>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { crash: |_| (), remaining: || None }
    }
}

/// The database, by topology `single`: one primary and its replicas. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    servers: Servers,
    retry: Duration,
    outbox_written: watch::Sender<u64>,
    closed: AtomicBool,
    hooks: Hooks,
}

enum Servers {
    Embedded { writer: DatabaseConnection, reader: DatabaseConnection },
    Group(Group),
}

impl Store {
    /// Connects. An embedded database is created when it is not there.
    ///
    /// # Errors
    /// [`StoreError::Config`], which names the key and says what to do: a URL or password that is refused, or no server
    /// that can be reached within `wait_s`.
    pub async fn connect(config: &StoreConfig) -> Result<Self, StoreError> {
        Self::connect_hooked(config, Hooks::default()).await
    }

    /// As [`Store::connect`]; `crash` is called at named points, for tests that kill the process there.
    pub async fn connect_with(config: &StoreConfig, crash: fn(&'static str)) -> Result<Self, StoreError> {
        Self::connect_hooked(config, Hooks { crash, ..Hooks::default() }).await
    }

    /// As [`Store::connect`].
    pub async fn connect_hooked(config: &StoreConfig, hooks: Hooks) -> Result<Self, StoreError> {
        config.check()?;
        let servers = match config.is_sqlite() {
            // One writer: SQLite has one writer at a time, and waiting in our pool is fair and costs no retry.
            true => Servers::Embedded {
                writer: pool::sqlite(config, 1, false).await?,
                reader: pool::sqlite(config, 4, true).await?,
            },
            false => Servers::Group(Group::open(config).await?),
        };
        let retry = Duration::from_millis(config.retry_ms);
        let inner = Inner {
            servers,
            retry,
            outbox_written: watch::Sender::new(0),
            closed: AtomicBool::new(false),
            hooks,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Which SQL is spoken.
    pub fn backend(&self) -> DbBackend {
        match &self.inner.servers {
            Servers::Embedded { .. } => DbBackend::Sqlite,
            Servers::Group(_) => DbBackend::Postgres,
        }
    }

    /// For reads that may be a moment old: a replica that is not too far behind, in turn, or the primary. Take it anew for
    /// each attempt: it is the choice of this moment.
    pub fn reader(&self, _shard: &ShardKey) -> DatabaseConnection {
        match &self.inner.servers {
            Servers::Embedded { reader, .. } => reader.clone(),
            Servers::Group(group) => group.replica().unwrap_or_else(|| group.writer()),
        }
    }

    /// As [`Store::reader`]; true when it may hold less than the primary.
    pub(crate) fn reader_may_lag(&self, shard: &ShardKey) -> (DatabaseConnection, bool) {
        match &self.inner.servers {
            Servers::Embedded { reader, .. } => (reader.clone(), false),
            Servers::Group(group) => match group.replica() {
                Some(replica) => (replica, true),
                None => (self.primary(shard), false),
            },
        }
    }

    /// For reads that must see every acknowledged write, and for single-statement writes without an event. Take it anew for
    /// each attempt.
    pub fn primary(&self, _shard: &ShardKey) -> DatabaseConnection {
        match &self.inner.servers {
            Servers::Embedded { writer, .. } => writer.clone(),
            Servers::Group(group) => group.writer(),
        }
    }

    /// Every primary, for what is done shard by shard: migrations, the relay, sweeps.
    pub fn primaries(&self) -> Vec<DatabaseConnection> {
        match &self.inner.servers {
            Servers::Embedded { writer, .. } => vec![writer.clone()],
            Servers::Group(group) => vec![group.writer()],
        }
    }

    /// Parts of `keys` that live in the same database, so that one query answers for each part. None is empty.
    pub fn together<K: Copy + Into<ShardKey>>(&self, keys: &[K]) -> Vec<Vec<K>> {
        if keys.is_empty() { Vec::new() } else { vec![keys.to_vec()] }
    }

    /// A transaction on the shard of one aggregate.
    pub async fn begin(&self, shard: ShardKey) -> Result<Transaction, StoreError> {
        Transaction::begin(self.clone(), shard).await
    }

    /// Changes after each commit that wrote an outbox row, so that the relay need not poll fast.
    pub fn outbox_written(&self) -> watch::Receiver<u64> {
        self.inner.outbox_written.subscribe()
    }

    /// Whether any server of the database answers reads now. For readiness.
    pub async fn check(&self) -> Result<(), StoreError> {
        Ok(self.reader(&ShardKey::from(segue_domain::SongId::new())).ping().await?)
    }

    /// Ends every connection. Nothing is tried again from now on.
    pub async fn close(&self) {
        self.inner.closed.store(true, Ordering::Relaxed);
        match &self.inner.servers {
            Servers::Embedded { writer, reader } => {
                // Both are attempted; a pool that is already closed is closed.
                let _ = reader.clone().close().await;
                let _ = writer.clone().close().await;
            }
            Servers::Group(group) => group.close().await,
        }
    }

    /// How long something may be tried.
    pub(crate) fn patience(&self) -> Duration {
        let left = (self.inner.hooks.remaining)();
        left.map_or(self.inner.retry, |left| left.min(self.inner.retry))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.inner.closed.load(Ordering::Relaxed)
    }

    /// A statement failed as it does when a server is away.
    pub(crate) fn suspect(&self) {
        if let Servers::Group(group) = &self.inner.servers {
            group.suspect();
        }
    }

    /// Ends when other servers are in use than now.
    pub(crate) async fn changed(&self) {
        match &self.inner.servers {
            Servers::Embedded { .. } => std::future::pending().await,
            Servers::Group(group) => group.changed().await,
        }
    }

    /// Ends when a server that is in use now is not any more.
    pub(crate) async fn removed(&self) {
        match &self.inner.servers {
            Servers::Embedded { .. } => std::future::pending().await,
            Servers::Group(group) => group.removed().await,
        }
    }

    pub(crate) fn crash_point(&self, name: &'static str) {
        (self.inner.hooks.crash)(name);
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
