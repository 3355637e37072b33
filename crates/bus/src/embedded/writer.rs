//! The writer: the one task that changes the file.

use super::{
    batch::{Batch, Outcome, PRUNE_EVERY, prune},
    dead::{self, Verdict},
    file,
    routes::{Route, Routes},
    stored::Stored,
};
use sea_orm::sqlx::{self, Connection, Row, SqliteConnection, query, raw_sql};
use segue_domain::{Clock, Timestamp};
use segue_ports::bus::{BusError, Message, WorkQueue};
use std::{
    collections::HashSet,
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::{broadcast, mpsc, oneshot};

/// Callers that may wait for the writer; more wait to be let in.
const COMMAND_CAPACITY: usize = 1024;

pub(crate) type Reply<T> = oneshot::Sender<Result<T, BusError>>;

/// How a delivery ended.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is done.
    Done,
    /// It comes again at this time; `failed` when that counts.
    Again { at: Timestamp, failed: bool },
    /// It is a dead letter; `failed` when that counts.
    Dead { reason: String, failed: bool },
}

#[derive(Debug)]
pub(crate) enum Command {
    Declare {
        name: String,
        patterns: Vec<String>,
        reply: Reply<Route>,
    },
    Publish {
        messages: Vec<Message>,
        reply: Reply<()>,
    },
    Answer {
        number: i64,
        answer: Answer,
        reply: Reply<()>,
    },
    /// Decides about a dead letter; replies whether there was one.
    Judge {
        queue: String,
        number: i64,
        verdict: Verdict,
        reply: Reply<bool>,
    },
    /// Counts a delivery of each; replies which are still there to be delivered.
    Deliver {
        numbers: Vec<i64>,
        reply: Reply<HashSet<i64>>,
    },
    /// Makes messages ready whose time has come, and replies with them.
    Promote {
        queue: i64,
        now: Timestamp,
        limit: i64,
        reply: Reply<Vec<Stored>>,
    },
}

/// The way to the writer task, which ends, and lets the file go, when the last of these is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Writer(mpsc::Sender<Command>);

impl Writer {
    pub(crate) async fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        broadcast: broadcast::Sender<Arc<Message>>,
    ) -> Result<Self, BusError> {
        let lock = file::lock(path).await?;
        let mut connection = file::writer(path).await.map_err(BusError::unavailable)?;
        let routes = load_routes(&mut connection).await.map_err(BusError::unavailable)?;
        let (sender, commands) = mpsc::channel(COMMAND_CAPACITY);
        let task = Task {
            path: path.to_owned(),
            connection: Some(connection),
            durable: true,
            routes,
            clock,
            broadcast,
            answered: 0,
            _lock: lock,
        };
        tokio::spawn(task.run(commands));
        Ok(Self(sender))
    }

    pub(crate) async fn declare(&self, queue: &WorkQueue) -> Result<Route, BusError> {
        let name = queue.name.to_owned();
        let patterns = queue.topics.iter().map(|&t| t.to_owned()).collect();
        self.ask(|reply| Command::Declare { name, patterns, reply }).await
    }

    pub(crate) async fn publish(&self, messages: Vec<Message>) -> Result<(), BusError> {
        self.ask(|reply| Command::Publish { messages, reply }).await
    }

    pub(crate) async fn answer(&self, number: i64, answer: Answer) -> Result<(), BusError> {
        self.ask(|reply| Command::Answer { number, answer, reply }).await
    }

    pub(crate) async fn deliver(&self, numbers: Vec<i64>) -> Result<HashSet<i64>, BusError> {
        self.ask(|reply| Command::Deliver { numbers, reply }).await
    }

    pub(crate) async fn promote(
        &self,
        queue: i64,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<Stored>, BusError> {
        self.ask(|reply| Command::Promote { queue, now, limit, reply }).await
    }

    pub(crate) async fn judge(&self, queue: String, number: i64, verdict: Verdict) -> Result<bool, BusError> {
        self.ask(|reply| Command::Judge { queue, number, verdict, reply }).await
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, BusError> {
        let ended = || BusError::unavailable("the writer of the queue file has ended");
        let (reply, answer) = oneshot::channel();
        self.0.send(command(reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

struct Task {
    path: PathBuf,
    /// `None` after a failure: closing the connection is what surely ends a broken transaction.
    connection: Option<SqliteConnection>,
    /// What the connection does now: fsync at each commit, or leave it to the next one that must.
    durable: bool,
    routes: Routes,
    clock: Arc<dyn Clock>,
    broadcast: broadcast::Sender<Arc<Message>>,
    /// Answers since the last pruning.
    answered: usize,
    _lock: File,
}

impl Task {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        while let Some(first) = commands.recv().await {
            let mut batch = Batch::default();
            let mut next = Some(first);
            while let Some(command) = next {
                match command {
                    Command::Declare { name, patterns, reply } => {
                        // What was asked for before must not see the queue, what comes after must.
                        self.write(std::mem::take(&mut batch)).await;
                        // Who asked may be gone; the declaration stands.
                        let _ = reply.send(self.declare(name, patterns).await);
                    }
                    Command::Judge { queue, number, verdict, reply } => {
                        self.write(std::mem::take(&mut batch)).await;
                        let _ = reply.send(self.judge(&queue, number, verdict).await);
                    }
                    other => batch.push(other, &mut self.routes),
                }
                next = if batch.is_full() { None } else { commands.try_recv().ok() };
            }
            self.write(batch).await;
        }
    }

    async fn write(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let now = self.clock.now();
        match self.transaction(&batch, now).await {
            Ok(outcome) => {
                self.answered += batch.answers();
                batch.confirm(outcome, &self.routes, &self.broadcast);
            }
            Err(error) => {
                self.connection = None;
                tracing::warn!(%error, "queue file could not be written");
                batch.refuse(&BusError::unavailable(error));
            }
        }
    }

    async fn transaction(&mut self, batch: &Batch, now: Timestamp) -> Result<Outcome, sqlx::Error> {
        let due = self.answered >= PRUNE_EVERY;
        let connection = self.connected(batch.must_be_durable()).await?;
        query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
        if due {
            prune(connection, now).await?;
        }
        let outcome = batch.apply(connection, now).await?;
        query("COMMIT").execute(&mut *connection).await?;
        if due {
            self.answered = 0;
        }
        Ok(outcome)
    }

    /// The connection, made anew after a failure, with commits that are fsynced or are not.
    async fn connected(&mut self, durable: bool) -> Result<&mut SqliteConnection, sqlx::Error> {
        if self.connection.is_none() {
            self.connection = Some(file::writer(&self.path).await?);
            self.durable = true;
        }
        let connection = self.connection.as_mut().expect("it was connected above");
        if self.durable != durable {
            let pragma = if durable { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            raw_sql(pragma).execute(&mut *connection).await?;
            self.durable = durable;
        }
        Ok(connection)
    }

    async fn declare(&mut self, name: String, patterns: Vec<String>) -> Result<Route, BusError> {
        if let Some(known) = self.routes.named(&name).filter(|route| route.patterns == patterns) {
            return Ok(known.clone());
        }
        let number = match self.bind(&name, &patterns).await {
            Ok(number) => number,
            Err(error) => {
                self.connection = None;
                return Err(BusError::unavailable(error));
            }
        };
        let signals = self.routes.named(&name).map(|route| route.signals.clone()).unwrap_or_default();
        let route = Route { number, name, patterns, signals };
        self.routes.set(route.clone());
        Ok(route)
    }

    async fn judge(&mut self, queue: &str, number: i64, verdict: Verdict) -> Result<bool, BusError> {
        let Some(route) = self.routes.named(queue).cloned() else { return Ok(false) };
        let now = self.clock.now();
        let judged = match self.connected(true).await {
            Ok(connection) => dead::judge(connection, route.number, number, verdict, now).await,
            Err(error) => Err(error),
        };
        match judged {
            Ok(found) => {
                if found && verdict == Verdict::Retry {
                    route.signals.postponed();
                }
                Ok(found)
            }
            Err(error) => {
                self.connection = None;
                Err(BusError::unavailable(error))
            }
        }
    }

    async fn bind(&mut self, name: &str, patterns: &[String]) -> Result<i64, sqlx::Error> {
        let mut transaction = self.connected(true).await?.begin().await?;
        query("INSERT INTO queues (name) VALUES (?) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .execute(&mut *transaction)
            .await?;
        let number: i64 = query("SELECT number FROM queues WHERE name = ?")
            .bind(name)
            .fetch_one(&mut *transaction)
            .await?
            .try_get(0)?;
        query("DELETE FROM bindings WHERE queue = ?").bind(number).execute(&mut *transaction).await?;
        for (position, pattern) in (0_i64..).zip(patterns) {
            query("INSERT INTO bindings (queue, position, pattern) VALUES (?, ?, ?)")
                .bind(number)
                .bind(position)
                .bind(pattern)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(number)
    }
}

async fn load_routes(connection: &mut SqliteConnection) -> Result<Routes, sqlx::Error> {
    let queues = query("SELECT number, name FROM queues ORDER BY number").fetch_all(&mut *connection).await?;
    let mut all = Vec::with_capacity(queues.len());
    for queue in queues {
        let number: i64 = queue.try_get(0)?;
        let patterns = query("SELECT pattern FROM bindings WHERE queue = ? ORDER BY position")
            .bind(number)
            .fetch_all(&mut *connection)
            .await?
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>()?;
        all.push(Route { number, name: queue.try_get(1)?, patterns, signals: Arc::default() });
    }
    Ok(Routes::new(all))
}
