//! What runs in this process and what is heard of what runs elsewhere. Memory only.

use moka::sync::Cache;
use segue_domain::{EncodingId, SongId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// Notices that a slow watcher may be behind; then it reads its row again.
const BEHIND: usize = 256;

/// Something was heard of an encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Its row has changed.
    Changed(EncodingId),
    /// How far it is.
    Progress(EncodingId, u32),
    /// Something may have been missed: look at every row again.
    Gap,
}

/// Jobs that run here, percentages that were heard, and who watches. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    jobs: Mutex<HashMap<u64, Entry>>,
    next: std::sync::atomic::AtomicU64,
    percents: Cache<EncodingId, u32>,
    notices: broadcast::Sender<Notice>,
}

#[derive(Debug)]
struct Entry {
    encoding: EncodingId,
    song: SongId,
    cancel: CancellationToken,
}

impl Running {
    pub(crate) fn new() -> Self {
        let percents = Cache::builder().max_capacity(10_000).time_to_idle(Duration::from_secs(3600)).build();
        let notices = broadcast::Sender::new(BEHIND);
        Self {
            inner: Arc::new(Inner { jobs: Mutex::default(), next: Default::default(), percents, notices }),
        }
    }

    /// A job runs here, from nothing, until the guard is dropped.
    pub(crate) fn enter(&self, encoding: EncodingId, song: SongId) -> Entered {
        self.inner.percents.invalidate(&encoding);
        let key = self.inner.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let cancel = CancellationToken::new();
        self.jobs().insert(key, Entry { encoding, song, cancel: cancel.clone() });
        Entered { running: self.clone(), key, cancel }
    }

    /// Stops a job if it runs here.
    pub(crate) fn cancel(&self, encoding: EncodingId) {
        self.jobs().values().filter(|e| e.encoding == encoding).for_each(|e| e.cancel.cancel());
    }

    /// Stops the jobs of a song that run here.
    pub(crate) fn cancel_song(&self, song: SongId) {
        self.jobs().values().filter(|e| e.song == song).for_each(|e| e.cancel.cancel());
    }

    /// Last percentage that was heard; 0 when none was.
    pub(crate) fn percent(&self, encoding: EncodingId) -> u32 {
        self.inner.percents.get(&encoding).unwrap_or(0)
    }

    /// Keeps a percentage and tells watchers.
    pub(crate) fn progressed(&self, encoding: EncodingId, percent: u32) {
        self.inner.percents.insert(encoding, percent);
        self.notify(Notice::Progress(encoding, percent));
    }

    /// Tells watchers. Nobody may be watching.
    pub(crate) fn notify(&self, notice: Notice) {
        let _ = self.inner.notices.send(notice);
    }

    pub(crate) fn notices(&self) -> broadcast::Receiver<Notice> {
        self.inner.notices.subscribe()
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.inner.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job that runs here.
#[derive(Debug)]
pub(crate) struct Entered {
    running: Running,
    key: u64,
    /// Fires when someone wants the job to stop.
    pub(crate) cancel: CancellationToken,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.running.jobs().remove(&self.key);
    }
}
