//! The one task that writes.

use super::{
    Config, Shared, blocking, ended,
    home::Home,
    shard::{Compaction, Shard},
};
use crate::meter::{self, Applied};
use segue_ports::index::{IndexError, Rating, Write};
use std::{
    path::PathBuf,
    sync::{Arc, Weak, atomic::Ordering},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

type Done<T> = oneshot::Sender<Result<T, IndexError>>;

/// Where writes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// To the index that answers, and to the one that is being built.
    Live,
    /// To the one that is being built, if it is this one.
    Beside(u64),
}

/// What callers want.
#[derive(Debug)]
pub(super) enum Command {
    Apply {
        writes: Vec<Write>,
        target: Target,
        done: Done<()>,
    },
    /// Rate what answers, and what is being built.
    Rate {
        ratings: Vec<Rating>,
        done: Done<()>,
    },
    /// Begin to build one beside. It goes on while the token lives.
    Begin {
        done: Done<(u64, Arc<()>)>,
    },
    /// Begin to make one segment of all that it has.
    Compact {
        number: u64,
        done: Done<Option<Compaction>>,
    },
    /// Let it take the place of the one that answers.
    Finish {
        number: u64,
        done: Done<()>,
    },
    /// Sync everything now.
    Rest {
        done: Done<()>,
    },
}

/// The task, and what it needs to begin again after a panic.
pub(super) struct Writer {
    root: PathBuf,
    shared: Arc<Shared>,
    config: Config,
    /// `None` after a panic, until the next command.
    state: Option<State>,
    /// Rebuilds so far.
    numbers: u64,
}

/// What is written to.
struct State {
    home: Home,
    live: Shard,
    beside: Option<Built>,
    shared: Arc<Shared>,
    /// Everything is synced.
    rested: bool,
}

/// An index that is being built.
struct Built {
    number: u64,
    alive: Weak<()>,
    shard: Shard,
    /// It is left alone while its segments become one.
    compacting: bool,
}

impl Writer {
    pub(super) fn new(root: PathBuf, home: Home, live: Shard, shared: Arc<Shared>, config: Config) -> Self {
        let state = State { home, live, beside: None, shared: shared.clone(), rested: false };
        Self { root, shared, config, state: Some(state), numbers: 0 }
    }

    /// Works until everybody who could want something is gone.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut next_commit = Instant::now();
        loop {
            let resting = self.state.as_ref().is_none_or(|state| state.rested);
            let first = if resting {
                commands.recv().await
            } else {
                match timeout(self.config.idle, commands.recv()).await {
                    Ok(first) => first,
                    Err(_) => {
                        self.work(|state, _| state.rest_or_warn()).await;
                        continue;
                    }
                }
            };
            let Some(first) = first else { break };
            sleep_until(next_commit).await;
            next_commit = Instant::now() + self.config.pace;
            let mut batch = vec![first];
            while let Ok(command) = commands.try_recv() {
                batch.push(command);
            }
            self.work(|state, numbers| state.serve(batch, numbers)).await;
        }
        self.work(|state, _| state.rest_or_warn()).await;
    }

    /// Runs `work` where it may block. After a panic the folder is opened again; who waited hears an error.
    async fn work(&mut self, work: impl FnOnce(&mut State, &mut u64) + Send + 'static) {
        let (state, root, shared) = (self.state.take(), self.root.clone(), self.shared.clone());
        let mut numbers = self.numbers;
        let done = blocking(move || {
            let mut state = match state {
                Some(state) => state,
                None => State::reopen(&root, shared)?,
            };
            work(&mut state, &mut numbers);
            Ok::<_, IndexError>((state, numbers))
        });
        match done.await.flatten() {
            Ok((state, numbers)) => (self.state, self.numbers) = (Some(state), numbers),
            Err(error) => {
                tracing::error!(%error, "writing the index failed; it is opened again for the next write")
            }
        }
    }
}

impl State {
    fn reopen(root: &std::path::Path, shared: Arc<Shared>) -> Result<Self, IndexError> {
        let (home, live) = Home::open(root)?.ok_or_else(ended)?;
        shared.show(live.view());
        shared.filled.store(home.filled(), Ordering::Release);
        Ok(Self { home, live, beside: None, shared, rested: false })
    }

    fn serve(&mut self, batch: Vec<Command>, numbers: &mut u64) {
        let mut waiting = Vec::new();
        self.rested = false;
        for command in batch {
            let (added, done) = match command {
                Command::Apply { writes, target, done } => (self.add(&writes, target), done),
                Command::Rate { ratings, done } => {
                    // Ratings are of what is there.
                    self.commit(&mut waiting);
                    (self.rate(&ratings), done)
                }
                other => {
                    self.commit(&mut waiting);
                    self.administer(other, numbers);
                    continue;
                }
            };
            match added {
                Ok(applied) => waiting.push((done, applied)),
                Err(error) => {
                    self.undo();
                    let failed = waiting.drain(..).map(|(done, _)| done).chain([done]);
                    failed.for_each(|done| _ = done.send(Err(error.clone())));
                }
            }
        }
        self.commit(&mut waiting);
    }

    fn administer(&mut self, command: Command, numbers: &mut u64) {
        match command {
            Command::Apply { .. } | Command::Rate { .. } => {}
            Command::Begin { done } => _ = done.send(self.begin(numbers)),
            Command::Compact { number, done } => _ = done.send(self.compact(number)),
            Command::Finish { number, done } => _ = done.send(self.finish(number)),
            Command::Rest { done } => _ = done.send(self.rest()),
        }
    }

    fn add(&mut self, writes: &[Write], target: Target) -> Result<Applied, IndexError> {
        self.forget_dead();
        let live = self.live.view();
        match (target, &mut self.beside) {
            (Target::Live, beside) => {
                let applied = self.live.add(writes, None)?;
                if let Some(built) = beside {
                    built.shard.add(writes, Some(&live))?;
                }
                Ok(applied)
            }
            (Target::Beside(number), Some(built)) if built.number == number => {
                built.shard.add(writes, Some(&live))
            }
            (Target::Beside(_), _) => Err(gone()),
        }
    }

    fn rate(&mut self, ratings: &[Rating]) -> Result<Applied, IndexError> {
        self.forget_dead();
        self.live.rate(ratings)?;
        if let Some(built) = &mut self.beside {
            built.shard.rate(ratings)?;
        }
        Ok(Applied::default())
    }

    /// Commits what waits, and answers.
    fn commit(&mut self, waiting: &mut Vec<(Done<()>, Applied)>) {
        if waiting.is_empty() {
            return;
        }
        let committed =
            self.home.mark().and_then(|()| self.live.commit()).and_then(|()| match &mut self.beside {
                Some(built) => built.shard.commit(),
                None => Ok(()),
            });
        if committed.is_err() {
            self.undo();
        }
        for (done, applied) in waiting.drain(..) {
            if committed.is_ok() {
                meter::applied("tantivy", applied);
            }
            let _ = done.send(committed.clone());
        }
    }

    fn undo(&mut self) {
        self.live.undo();
        if let Some(built) = &mut self.beside {
            built.shard.undo();
        }
    }

    fn begin(&mut self, numbers: &mut u64) -> Result<(u64, Arc<()>), IndexError> {
        self.forget_dead();
        if self.beside.is_some() {
            return Err(IndexError::Rebuilding);
        }
        let mut shard = self.home.beside()?;
        shard.bury(&self.live.view())?;
        *numbers += 1;
        let token = Arc::new(());
        self.beside =
            Some(Built { number: *numbers, alive: Arc::downgrade(&token), shard, compacting: false });
        Ok((*numbers, token))
    }

    fn compact(&mut self, number: u64) -> Result<Option<Compaction>, IndexError> {
        let built = self.beside.as_mut().filter(|built| built.number == number).ok_or_else(gone)?;
        let begun = built.shard.compact()?;
        built.compacting = begun.is_some();
        Ok(begun)
    }

    fn finish(&mut self, number: u64) -> Result<(), IndexError> {
        let mut built = match self.beside.take() {
            Some(built) if built.number == number => built,
            other => {
                self.beside = other;
                return Err(gone());
            }
        };
        // Its merges must not find their folder gone.
        self.live.undo();
        if let Err(error) = built.shard.rest().and_then(|()| self.home.replace(&built.shard)) {
            self.beside = Some(built);
            return Err(error);
        }
        self.shared.show(built.shard.view());
        self.shared.filled.store(true, Ordering::Release);
        self.live = built.shard;
        Ok(())
    }

    /// An index that nobody builds any more takes no writes. The next rebuild removes its files.
    fn forget_dead(&mut self) {
        self.beside.take_if(|built| built.alive.strong_count() == 0);
    }

    fn rest(&mut self) -> Result<(), IndexError> {
        self.forget_dead();
        self.live.rest()?;
        if let Some(built) = self.beside.as_mut().filter(|built| !built.compacting) {
            built.shard.rest()?;
        }
        self.home.unmark()
    }

    fn rest_or_warn(&mut self) {
        self.rested = true;
        if let Err(error) = self.rest() {
            tracing::warn!(%error, "index is not synced; the next pause tries again");
        }
        give_back();
    }
}

fn gone() -> IndexError {
    IndexError::unavailable("this rebuild is not known any more; begin another")
}

/// Gives freed memory back to the system. tantivy allocates some megabytes per commit, from threads that come and
/// go; glibc keeps all of that, several times over: 50 MB after the first song, for as long as the process lives.
#[allow(unsafe_code, reason = "the standard library has no such call")]
fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim may be called at any time by any thread; it takes no pointer and frees nothing in use.
    unsafe {
        libc::malloc_trim(0);
    }
}
