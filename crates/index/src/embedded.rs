//! The embedded engine: tantivy in a folder, for one process.
//!
//! One task owns all writing (`writer`). It takes whatever is waiting into one commit, so that many callers
//! share it, and pauses between commits so that a stream of single writes does not become a stream of tiny
//! segments. tantivy's own commits sync a dozen files each, which alone takes longer than a song may take until
//! it is found. Here nothing is synced while writes come (`unsynced`); when they pause, everything is. A process
//! that dies loses nothing, for the machine still has what it wrote. When the machine itself dies, what was
//! applied since the last sync may be lost: a mark that carries the machine's boot id tells so afterwards, and
//! the index asks to be rebuilt from the database, which is the truth (`home`).
//!
//! While nobody writes there is no writer: no heap, no threads, no lock in tantivy.

mod asked;
mod best;
mod columns;
mod evaluate;
mod find;
mod home;
mod lists;
mod rebuild;
mod schema;
mod shard;
mod suggest;
mod unsynced;
mod view;
mod writer;

use crate::{analyse::Question, cursor::Cursor, entry, meter};
use async_trait::async_trait;
use home::Home;
use rebuild::Beside;
use segue_ports::index::{
    Beginning, Hits, Index, IndexError, Kind, Query, Rating, Rebuild, Scan, Suggestion, Write,
};
use std::{
    path::PathBuf,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, mpsc, oneshot};
use view::View;
use writer::{Command, Target, Writer};

/// Callers that may wait for the writer.
const WAITING: usize = 64;
/// How long opening waits for another process.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most documents of one apply, as the port says.
const MOST_WRITES: usize = 1_000;

/// What the composition root may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Least time from the beginning of one commit to that of the next. A write waits at most this long or until
    /// the commit before it returns, and is found when its own does.
    pub pace: Duration,
    /// How long nothing is written until everything is synced and the writer's memory given back.
    pub idle: Duration,
    /// Searches at once; others wait for their turn. At least 1.
    pub searches: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { pace: Duration::from_millis(25), idle: Duration::from_secs(5), searches: 4 }
    }
}

/// An index in a folder, for one process at a time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tantivy(Arc<Engine>);

#[derive(Debug)]
struct Engine {
    writer: mpsc::Sender<Command>,
    shared: Arc<Shared>,
    searches: Arc<Semaphore>,
}

/// What the writer shows to searches.
#[derive(Debug)]
struct Shared {
    view: RwLock<View>,
    /// A rebuild has finished since it was made, damaged or changed.
    filled: AtomicBool,
}

impl Shared {
    fn view(&self) -> View {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn show(&self, view: View) {
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = view;
    }
}

impl Tantivy {
    /// Opens the index in `folder`, or makes it. Reads all of it once, to know that nothing is damaged; what is
    /// is moved aside. Waits up to ten seconds for another process that has it open.
    pub async fn open(folder: impl Into<PathBuf>, config: Config) -> Result<Self, IndexError> {
        let root = folder.into();
        let patience = Instant::now() + PATIENCE;
        let (home, live) = loop {
            let root = root.clone();
            if let Some(opened) = blocking(move || Home::open(&root)).await?? {
                break opened;
            }
            if Instant::now() > patience {
                return Err(IndexError::unavailable("another process has the folder of the index open"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        let shared =
            Arc::new(Shared { view: RwLock::new(live.view()), filled: AtomicBool::new(home.filled()) });
        let (sender, commands) = mpsc::channel(WAITING);
        tokio::spawn(Writer::new(root, home, live, shared.clone(), config).run(commands));
        let searches = Arc::new(Semaphore::new(config.searches.max(1)));
        Ok(Self(Arc::new(Engine { writer: sender, shared, searches })))
    }

    /// Syncs everything now; for a tidy end. It happens by itself when writes pause, and a moment after the last
    /// clone is dropped.
    pub async fn sync(&self) -> Result<(), IndexError> {
        let (done, wait) = oneshot::channel();
        self.0.writer.send(Command::Rest { done }).await.map_err(|_| ended())?;
        wait.await.map_err(|_| ended())?
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(View) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, IndexError> {
        let turn = self.0.searches.clone().acquire_owned().await.map_err(IndexError::unavailable)?;
        let view = self.0.shared.view();
        blocking(move || {
            let _turn = turn;
            work(view)
        })
        .await?
    }
}

#[async_trait]
impl Index for Tantivy {
    async fn prepare(&self) -> Result<bool, IndexError> {
        Ok(!self.0.shared.filled.load(Ordering::Acquire))
    }

    async fn apply(&self, writes: &[Write]) -> Result<(), IndexError> {
        apply(&self.0.writer, Target::Live, writes).await
    }

    async fn rate(&self, ratings: &[Rating]) -> Result<(), IndexError> {
        for some in ratings.chunks(MOST_WRITES) {
            let (done, wait) = oneshot::channel();
            let command = Command::Rate { ratings: some.to_vec(), done };
            self.0.writer.send(command).await.map_err(|_| ended())?;
            wait.await.map_err(|_| ended())??;
        }
        Ok(())
    }

    async fn refresh(&self) -> Result<(), IndexError> {
        // A commit shows what it committed before it returns.
        Ok(())
    }

    async fn search(&self, query: &Query) -> Result<Hits, IndexError> {
        let begin = Instant::now();
        let after = Cursor::of(query)?;
        let Some(question) = Question::new(&query.text) else {
            return Ok(Hits::default());
        };
        let query = query.clone();
        let hits = self.read(move |view| find::find(&view, &question, &query, after)).await;
        meter::searched("tantivy", begin);
        hits
    }

    async fn suggest(&self, beginning: &Beginning) -> Result<Vec<Suggestion>, IndexError> {
        let begin = Instant::now();
        let beginning = beginning.clone();
        let suggestions = self.read(move |view| suggest::suggest(&view, &beginning)).await;
        meter::suggested("tantivy", begin);
        suggestions
    }

    async fn scan(&self, kind: Kind, after: Option<&str>, limit: u32) -> Result<Scan, IndexError> {
        let after = after.map(str::to_owned);
        let limit = limit.clamp(1, 1_000) as usize;
        self.read(move |view| {
            let prefix = entry::key(kind, "");
            let begin = after.unwrap_or_else(|| prefix.clone());
            if !begin.starts_with(&prefix) {
                return Err(IndexError::Cursor);
            }
            let searcher = view.reader.searcher();
            let mut found = view.keys(&searcher, &prefix, &begin, limit + 1)?;
            let more = found.len() > limit;
            found.truncate(limit);
            let next = found.last().filter(|_| more).map(|(key, _)| key.clone());
            let documents = found.into_iter().map(|(_, place)| view.document(&searcher, place));
            Ok(Scan { documents: documents.collect::<Result<_, IndexError>>()?, next })
        })
        .await
    }

    async fn rebuild(&self) -> Result<Box<dyn Rebuild>, IndexError> {
        let (done, wait) = oneshot::channel();
        self.0.writer.send(Command::Begin { done }).await.map_err(|_| ended())?;
        let begun = wait.await.map_err(|_| ended())??;
        Ok(Box::new(Beside::new(begun, self.0.writer.clone())))
    }
}

async fn apply(writer: &mpsc::Sender<Command>, target: Target, writes: &[Write]) -> Result<(), IndexError> {
    for some in writes.chunks(MOST_WRITES) {
        let (done, wait) = oneshot::channel();
        let command = Command::Apply { writes: some.to_vec(), target, done };
        writer.send(command).await.map_err(|_| ended())?;
        wait.await.map_err(|_| ended())??;
    }
    Ok(())
}

/// The writer is gone: the runtime is ending.
fn ended() -> IndexError {
    IndexError::unavailable("the writer of the index has ended")
}

/// Runs `work` where it may block. A panic in it (tantivy has some for files that are not what they should be)
/// is an error like others.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, IndexError> {
    tokio::task::spawn_blocking(work).await.map_err(IndexError::unavailable)
}
