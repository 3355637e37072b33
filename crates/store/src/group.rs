//! A primary and its replicas: which server is which, at any moment.
//!
//! A monitor looks at every server once a second, and at once when a statement fails, and publishes a [`View`]. Readers and
//! writers take their pool from the newest view, so a failover needs no restart and costs the hot path a read lock.

mod choice;
mod lag;
mod monitor;
mod node;
mod patroni;
mod probe;

use crate::{StoreConfig, StoreError, pool};
use monitor::Monitor;
use sea_orm::{DatabaseConnection, sqlx::PgPool};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep},
};

/// Time between looks at the start.
const START_PAUSE: Duration = Duration::from_millis(250);
/// How long the pools may take to end.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A server in use.
#[derive(Clone)]
pub(crate) struct Endpoint {
    name: Arc<str>,
    writer: bool,
    pool: PgPool,
    db: DatabaseConnection,
}

/// The servers in use.
#[derive(Clone, Default)]
pub(crate) struct View {
    writer: Option<Endpoint>,
    readers: Vec<Endpoint>,
    /// How often a server was taken out.
    removals: u64,
}

impl View {
    fn is_like(&self, other: &Self) -> bool {
        let key = |view: &Self| {
            let names = view.readers.iter().map(|e| e.name.clone()).collect::<Vec<_>>();
            (view.writer.as_ref().map(|e| e.name.clone()), names, view.removals)
        };
        key(self) == key(other)
    }
}

/// The group. Its monitor ends when it is dropped.
pub(crate) struct Group {
    view: watch::Receiver<Arc<View>>,
    next: AtomicUsize,
    failed: Arc<Notify>,
    stop: Arc<Notify>,
    /// A pool that is closed: what fails at once while there is no primary.
    nowhere: DatabaseConnection,
    monitor: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Group {
    /// Finds out who is there, and keeps doing so. A replica alone is enough to begin with: reads work without a primary.
    ///
    /// # Errors
    /// [`StoreError::Config`] with the key of the server and what to do, when no server can be used; one that cannot be
    /// reached is waited for as long as the configuration says.
    pub(crate) async fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        let failed = Arc::new(Notify::new());
        let mut monitor = Monitor::new(config.clone(), failed.clone())?;
        let start = Instant::now();
        loop {
            monitor.round().await;
            let complaints: Vec<_> = monitor.nodes.iter().map(|node| node.complaint()).collect();
            if complaints.iter().any(Option::is_none) {
                break;
            }
            let hopeless = monitor.nodes.iter().position(|node| node.is_hopeless());
            if hopeless.is_some() || start.elapsed() >= Duration::from_secs(config.wait_s) {
                let blamed = complaints.into_iter().flatten().nth(hopeless.unwrap_or(0));
                return Err(blamed.unwrap_or_else(|| StoreError::config("store.url", "must be set")));
            }
            sleep(START_PAUSE).await;
        }
        let first = &monitor.nodes[0];
        let closed = first.closed_pool(config);
        let nowhere = pool::handle(closed, failed.clone());
        let (view, stop) = (monitor.view.subscribe(), Arc::new(Notify::new()));
        let monitor = tokio::sync::Mutex::new(Some(tokio::spawn(monitor.run(stop.clone()))));
        Ok(Self { view, next: AtomicUsize::new(0), failed, stop, nowhere, monitor })
    }

    /// Where writes go. While there is no primary: a handle on which everything fails at once.
    pub(crate) fn writer(&self) -> DatabaseConnection {
        let view = self.view.borrow();
        view.writer.as_ref().map_or(&self.nowhere, |endpoint| &endpoint.db).clone()
    }

    /// The replicas in turn. None when no replica is fit to be read from.
    pub(crate) fn replica(&self) -> Option<DatabaseConnection> {
        let view = self.view.borrow();
        match view.readers.len() {
            0 => None,
            count => Some(view.readers[self.next.fetch_add(1, Ordering::Relaxed) % count].db.clone()),
        }
    }

    /// The monitor looks at once.
    pub(crate) fn suspect(&self) {
        self.failed.notify_one();
    }

    /// Ends when the servers in use are others than they were.
    pub(crate) async fn changed(&self) {
        let mut view = self.view.clone();
        view.mark_unchanged();
        if view.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// Ends when a server that was in use is not any more.
    pub(crate) async fn removed(&self) {
        let mut view = self.view.clone();
        let before = view.borrow_and_update().removals;
        if view.wait_for(|view| view.removals != before).await.is_err() {
            std::future::pending().await
        }
    }

    /// Ends the monitor and every connection.
    pub(crate) async fn close(&self) {
        self.stop.notify_one();
        if let Some(monitor) = self.monitor.lock().await.take() {
            let abort = monitor.abort_handle();
            if tokio::time::timeout(CLOSE_LIMIT, monitor).await.is_err() {
                abort.abort();
            }
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(monitor) = self.monitor.get_mut() {
            monitor.abort();
        }
    }
}
