//! The dispatcher of a queue: brings messages that may be delivered together with consumers that wait.

use super::{
    lease::Lease,
    routes::Route,
    stored::{Stored, stored_columns},
    writer::{Answer, Writer},
};
use sea_orm::sqlx::{self, Row, SqlitePool, query};
use segue_domain::{Clock, Timestamp};
use segue_ports::bus::BusError;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// A consumer that waits for a message.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) answer: oneshot::Sender<Lease>,
    /// How many more it may hold, this one included.
    pub(crate) room: usize,
}

/// Messages read ahead.
const AHEAD: usize = 64;
/// Deliveries without an answer after which a message is held to be what kills its consumers.
const DELIVERIES: u32 = 20;
/// Wait after the file could not be read or written.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest sleep: the clock may be set while nothing happens.
const SLEEP: Duration = Duration::from_secs(60);

/// When the next message that waits for its time is due.
#[derive(Debug, Clone, Copy)]
enum Due {
    Unknown,
    Never,
    At(Timestamp),
}

pub(crate) struct Dispatcher {
    name: &'static str,
    queue: Route,
    requests: mpsc::Receiver<Request>,
    writer: Writer,
    reader: SqlitePool,
    clock: Arc<dyn Clock>,
    waiting: VecDeque<Request>,
    ready: VecDeque<Stored>,
    /// Ready messages up to this number were read.
    cursor: i64,
    /// Nothing ready is in the file behind the cursor.
    drained: bool,
    due: Due,
}

impl Dispatcher {
    pub(crate) fn new(
        name: &'static str,
        queue: Route,
        requests: mpsc::Receiver<Request>,
        writer: Writer,
        reader: SqlitePool,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            name,
            queue,
            requests,
            writer,
            reader,
            clock,
            waiting: VecDeque::new(),
            ready: VecDeque::new(),
            cursor: 0,
            drained: false,
            due: Due::Unknown,
        }
    }

    /// Until the bus is closed. Dropping the requests tells the consumers.
    pub(crate) async fn run(mut self, closed: CancellationToken) {
        let work = async {
            loop {
                let mut pause = SLEEP;
                self.waiting.retain(|request| !request.answer.is_closed());
                if !self.waiting.is_empty() {
                    match self.serve().await {
                        Ok(()) => pause = self.sleep(),
                        Err(error) => {
                            tracing::warn!(queue = self.name, %error, "queue could not be served");
                            pause = PAUSE;
                            tokio::time::sleep(PAUSE).await;
                        }
                    }
                }
                let wanted = !self.waiting.is_empty();
                tokio::select! {
                    request = self.requests.recv() => match request {
                        Some(request) => self.waiting.push_back(request),
                        None => return,
                    },
                    () = self.queue.signals.changed.notified(), if wanted => {}
                    () = tokio::time::sleep(pause), if wanted => {}
                }
                while let Ok(request) = self.requests.try_recv() {
                    self.waiting.push_back(request);
                }
            }
        };
        tokio::select! {
            biased;
            () = closed.cancelled() => {}
            () = work => {}
        }
    }

    fn sleep(&self) -> Duration {
        match self.due {
            Due::At(at) => at.since(self.clock.now()).clamp(Duration::from_millis(1), SLEEP),
            Due::Unknown | Due::Never => SLEEP,
        }
    }

    /// Hands out what there is, until nothing is ready or nobody waits.
    async fn serve(&mut self) -> Result<(), BusError> {
        while !self.waiting.is_empty() {
            self.take_returned();
            if self.ready.len() < self.waiting.len() {
                self.fill().await?;
            }
            if self.ready.is_empty() {
                return Ok(());
            }
            self.hand_out().await?;
            self.waiting.retain(|request| !request.answer.is_closed());
        }
        Ok(())
    }

    /// What was given back is older than anything that was not handed out yet, so it comes first.
    fn take_returned(&mut self) {
        let mut returned = self.queue.signals.take_returned();
        returned.sort_by_key(|stored| std::cmp::Reverse(stored.number));
        for stored in returned {
            self.ready.push_front(stored);
        }
    }

    async fn fill(&mut self) -> Result<(), BusError> {
        if self.queue.signals.take_postponed() {
            self.due = Due::Unknown;
        }
        if matches!(self.due, Due::Unknown) {
            self.due = self.next_due().await.map_err(BusError::unavailable)?;
        }
        let now = self.clock.now();
        if matches!(self.due, Due::At(at) if at <= now) {
            self.due = Due::Unknown;
            let promoted = self.writer.promote(self.queue.number, now, AHEAD as i64).await?;
            self.ready.extend(promoted);
            self.due = self.next_due().await.map_err(BusError::unavailable)?;
        }
        if self.queue.signals.take_published() {
            self.drained = false;
        }
        if !self.drained {
            let fresh = self.read().await.map_err(BusError::unavailable)?;
            self.drained = fresh.len() < AHEAD;
            self.cursor = fresh.last().map_or(self.cursor, |stored| stored.number);
            self.ready.extend(fresh);
        }
        Ok(())
    }

    async fn next_due(&self) -> Result<Due, sqlx::Error> {
        let row = query("SELECT min(at) FROM messages WHERE queue = ? AND state = 1")
            .bind(self.queue.number)
            .fetch_one(&self.reader)
            .await?;
        Ok(row.try_get::<Option<i64>, _>(0)?.map_or(Due::Never, |at| Due::At(Timestamp(at))))
    }

    async fn read(&self) -> Result<Vec<Stored>, sqlx::Error> {
        query(concat!(
            "SELECT ",
            stored_columns!(),
            " FROM messages WHERE queue = ? AND state = 0 AND number > ? ORDER BY number LIMIT ?"
        ))
        .bind(self.queue.number)
        .bind(self.cursor)
        .bind(AHEAD as i64)
        .fetch_all(&self.reader)
        .await?
        .iter()
        .map(Stored::from_row)
        .collect()
    }

    async fn hand_out(&mut self) -> Result<(), BusError> {
        self.bury_worn_out().await?;
        self.count_deliveries().await?;
        let count = self.ready.iter().take_while(|stored| stored.counted).count().min(self.waiting.len());
        for stored in self.ready.drain(..count) {
            send(&mut self.waiting, Lease::new(stored, self.queue.signals.clone()));
        }
        Ok(())
    }

    /// What the waiting consumers may hold is counted in one go, as a broker counts what it has prefetched, so
    /// that not every message waits for a transaction. With a prefetch of 1 it is the message itself.
    fn prefetched(&self) -> usize {
        self.waiting.iter().map(|request| request.room.max(1)).sum()
    }

    async fn count_deliveries(&mut self) -> Result<(), BusError> {
        let wanted = self.waiting.len().min(self.ready.len());
        if self.ready.iter().take(wanted).all(|stored| stored.counted) {
            return Ok(());
        }
        let range = self.prefetched().min(self.ready.len());
        let uncounted = self.ready.iter().take(range).filter(|stored| !stored.counted);
        let numbers: Vec<i64> = uncounted.map(|stored| stored.number).collect();
        let present = self.writer.deliver(numbers).await?;
        for stored in self.ready.iter_mut().take(range) {
            if !stored.counted && present.contains(&stored.number) {
                stored.counted = true;
                stored.deliveries += 1;
            }
        }
        // The others were answered by a consumer that did not wait for its answer to be written.
        let mut position = 0;
        self.ready.retain(|stored| {
            position += 1;
            stored.counted || position > range
        });
        Ok(())
    }

    async fn bury_worn_out(&mut self) -> Result<(), BusError> {
        let worn_out = |stored: &Stored| !stored.counted && stored.deliveries >= DELIVERIES;
        while let Some(position) = self.ready.iter().take(self.prefetched()).position(worn_out) {
            let stored = &self.ready[position];
            tracing::warn!(queue = self.name, message.id = %stored.message.id, "message kills its consumers");
            let reason = format!("delivered {DELIVERIES} times without an answer");
            self.writer.answer(stored.number, Answer::Dead { reason, failed: false }).await?;
            self.ready.remove(position);
        }
        Ok(())
    }
}

/// To the first who still waits; dropped, and thereby given back, when nobody does.
fn send(waiting: &mut VecDeque<Request>, mut lease: Lease) {
    while let Some(request) = waiting.pop_front() {
        match request.answer.send(lease) {
            Ok(()) => return,
            Err(unsent) => lease = unsent,
        }
    }
}
