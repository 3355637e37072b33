//! What goes into one transaction, and its statements.

use super::{
    routes::Routes,
    stored::{Stored, stored_columns},
    writer::{Answer, Command, Reply},
};
use sea_orm::sqlx::{self, AssertSqlSafe, Row, SqliteConnection, query};
use segue_domain::Timestamp;
use segue_ports::bus::{BusError, Message};
use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::sync::broadcast;

/// Rows in one transaction; a publish of more is still one transaction.
const ROWS: usize = 4096;
/// Bytes of payload after which no more callers are taken into the transaction.
const BYTES: usize = 8 << 20;
/// Answers after which old ones are removed.
pub(crate) const PRUNE_EVERY: usize = 1000;
/// For how long an answered message is remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(3600);
/// How many answered messages are remembered at most (and [`PRUNE_EVERY`] more).
const REMEMBERED: i64 = 100_000;
/// Rows that one pruning removes at most, to keep the transaction short. More than [`PRUNE_EVERY`], so that
/// pruning gets ahead of answering.
const PRUNED: i64 = 4000;

/// Insert statements for this many rows each. Few sizes, so that the connection keeps them all prepared.
static INSERTS: LazyLock<[(usize, Arc<str>); 4]> = LazyLock::new(|| {
    [64, 16, 4, 1].map(|rows| {
        let values = vec!["(?, ?, ?, ?, ?, ?)"; rows].join(", ");
        let sql = format!(
            "INSERT INTO messages (queue, id, topic, key, payload, traceparent) VALUES {values} \
             ON CONFLICT (queue, id) DO NOTHING"
        );
        (rows, sql.into())
    })
});

#[derive(Default)]
pub(crate) struct Batch {
    published: Vec<Message>,
    /// Number of the queue, position in `published`.
    rows: Vec<(i64, usize)>,
    bytes: usize,
    publishers: Vec<Reply<()>>,
    done: Vec<i64>,
    again: Vec<(i64, Timestamp, bool)>,
    dead: Vec<(i64, String, bool)>,
    answerers: Vec<Reply<()>>,
    delivered: Vec<(Vec<i64>, Reply<HashSet<i64>>)>,
    promoted: Vec<(i64, Timestamp, i64, Reply<Vec<Stored>>)>,
}

/// What the statements gave back.
pub(crate) struct Outcome {
    present: HashSet<i64>,
    promoted: Vec<Vec<Stored>>,
    /// Queues in which messages wait for their time.
    postponed: BTreeSet<i64>,
}

impl Batch {
    pub(crate) fn push(&mut self, command: Command, routes: &mut Routes) {
        match command {
            Command::Declare { .. } | Command::Judge { .. } => {
                unreachable!("these are transactions of their own")
            }
            Command::Publish { messages, reply } => {
                for message in messages {
                    let queues = routes.of(&message.topic);
                    self.bytes += message.payload.len() * queues.len().max(1);
                    self.rows.extend(queues.iter().map(|&q| (routes.at(q).number, self.published.len())));
                    self.published.push(message);
                }
                self.publishers.push(reply);
            }
            Command::Answer { number, answer, reply } => {
                match answer {
                    Answer::Done => self.done.push(number),
                    Answer::Again { at, failed } => self.again.push((number, at, failed)),
                    Answer::Dead { reason, failed } => self.dead.push((number, reason, failed)),
                }
                self.answerers.push(reply);
            }
            Command::Deliver { numbers, reply } => self.delivered.push((numbers, reply)),
            Command::Promote { queue, now, limit, reply } => self.promoted.push((queue, now, limit, reply)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.publishers.is_empty()
            && self.answerers.is_empty()
            && self.delivered.is_empty()
            && self.promoted.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.rows.len() + self.published.len() + self.answerers.len() >= ROWS || self.bytes >= BYTES
    }

    pub(crate) fn answers(&self) -> usize {
        self.answerers.len()
    }

    /// False when losing the transaction with the power does no harm: then a delivery is not counted, or a
    /// message comes once more. The death of the process loses nothing that was committed.
    pub(crate) fn must_be_durable(&self) -> bool {
        !self.rows.is_empty() || !self.dead.is_empty()
    }

    pub(crate) async fn apply(
        &self,
        db: &mut SqliteConnection,
        now: Timestamp,
    ) -> Result<Outcome, sqlx::Error> {
        self.insert(db).await?;
        if !self.done.is_empty() {
            settle(db, &self.done, now).await?;
        }
        let mut postponed = BTreeSet::new();
        for &(number, at, failed) in &self.again {
            let rows = query(
                "UPDATE messages SET state = 1, at = ?, failures = failures + ?, deliveries = 0 \
                 WHERE number = ? AND state = 0 RETURNING queue",
            )
            .bind(at.millis())
            .bind(i64::from(failed))
            .bind(number)
            .fetch_all(&mut *db)
            .await?;
            for row in rows {
                postponed.insert(row.try_get(0)?);
            }
        }
        for (number, reason, failed) in &self.dead {
            bury(db, *number, reason, *failed, now).await?;
        }
        let mut present = HashSet::new();
        if !self.delivered.is_empty() {
            let numbers: Vec<i64> = self.delivered.iter().flat_map(|(numbers, _)| numbers).copied().collect();
            let rows = query(
                "UPDATE messages SET deliveries = deliveries + 1 \
                 WHERE state = 0 AND number IN (SELECT value FROM json_each(?)) RETURNING number",
            )
            .bind(json(&numbers))
            .fetch_all(&mut *db)
            .await?;
            for row in rows {
                present.insert(row.try_get(0)?);
            }
        }
        let mut promoted = Vec::with_capacity(self.promoted.len());
        for &(queue, now, limit, _) in &self.promoted {
            promoted.push(promote(db, queue, now, limit).await?);
        }
        Ok(Outcome { present, promoted, postponed })
    }

    async fn insert(&self, db: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let mut rest = self.rows.as_slice();
        for (size, sql) in INSERTS.iter() {
            while rest.len() >= *size {
                let (chunk, after) = rest.split_at(*size);
                let mut statement = query(AssertSqlSafe(sql.clone()));
                for &(queue, position) in chunk {
                    let message = &self.published[position];
                    statement = statement
                        .bind(queue)
                        .bind(&message.id)
                        .bind(&message.topic)
                        .bind(&message.key)
                        .bind(&message.payload[..])
                        .bind(message.traceparent.as_deref());
                }
                statement.execute(&mut *db).await?;
                rest = after;
            }
        }
        Ok(())
    }

    /// Tells everybody that it is done, after the commit. Whoever stopped waiting is not told.
    pub(crate) fn confirm(
        self,
        outcome: Outcome,
        routes: &Routes,
        broadcast: &broadcast::Sender<Arc<Message>>,
    ) {
        let fresh: BTreeSet<i64> = self.rows.iter().map(|&(queue, _)| queue).collect();
        metrics::counter!("segue_bus_published_total").increment(self.published.len() as u64);
        metrics::counter!("segue_bus_acknowledged_total").increment(self.done.len() as u64);
        metrics::counter!("segue_bus_dead_letters_total").increment(self.dead.len() as u64);
        for message in self.published {
            // An error only says that nobody listens.
            let _ = broadcast.send(Arc::new(message));
        }
        for reply in self.publishers.into_iter().chain(self.answerers) {
            let _ = reply.send(Ok(()));
        }
        for (numbers, reply) in self.delivered {
            let present = numbers.into_iter().filter(|number| outcome.present.contains(number)).collect();
            let _ = reply.send(Ok(present));
        }
        for ((.., reply), promoted) in self.promoted.into_iter().zip(outcome.promoted) {
            let _ = reply.send(Ok(promoted));
        }
        for route in fresh.iter().filter_map(|&queue| routes.numbered(queue)) {
            route.signals.published();
        }
        for route in outcome.postponed.iter().filter_map(|&queue| routes.numbered(queue)) {
            route.signals.postponed();
        }
    }

    /// Tells everybody that it could not be done.
    pub(crate) fn refuse(self, error: &BusError) {
        for reply in self.publishers.into_iter().chain(self.answerers) {
            let _ = reply.send(Err(error.clone()));
        }
        for (_, reply) in self.delivered {
            let _ = reply.send(Err(error.clone()));
        }
        for (.., reply) in self.promoted {
            let _ = reply.send(Err(error.clone()));
        }
    }
}

fn json(numbers: &[i64]) -> String {
    serde_json::Value::from(numbers).to_string()
}

async fn settle(db: &mut SqliteConnection, numbers: &[i64], now: Timestamp) -> Result<(), sqlx::Error> {
    query(
        "UPDATE messages SET state = 2, at = ?, payload = x'', traceparent = NULL \
         WHERE number IN (SELECT value FROM json_each(?))",
    )
    .bind(now.millis())
    .bind(json(numbers))
    .execute(db)
    .await
    .map(drop)
}

async fn bury(
    db: &mut SqliteConnection,
    number: i64,
    reason: &str,
    failed: bool,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    query(
        "INSERT INTO dead_letters (queue, id, topic, key, payload, traceparent, reason, failures, at) \
         SELECT queue, id, topic, key, payload, traceparent, ?, failures + ?, ? \
         FROM messages WHERE number = ? AND state <> 2",
    )
    .bind(reason)
    .bind(i64::from(failed))
    .bind(now.millis())
    .bind(number)
    .execute(&mut *db)
    .await?;
    settle(db, &[number], now).await
}

async fn promote(
    db: &mut SqliteConnection,
    queue: i64,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Stored>, sqlx::Error> {
    let rows = query(concat!(
        "UPDATE messages SET state = 0, at = 0 WHERE number IN \
         (SELECT number FROM messages WHERE queue = ? AND state = 1 AND at <= ? ORDER BY at LIMIT ?) RETURNING ",
        stored_columns!()
    ))
    .bind(queue)
    .bind(now.millis())
    .bind(limit)
    .fetch_all(db)
    .await?;
    let mut promoted = rows.iter().map(Stored::from_row).collect::<Result<Vec<_>, _>>()?;
    promoted.sort_by_key(|stored| stored.number);
    Ok(promoted)
}

/// Forgets answered messages that are old, or too many.
pub(crate) async fn prune(db: &mut SqliteConnection, now: Timestamp) -> Result<(), sqlx::Error> {
    let kept: i64 =
        query("SELECT count(*) FROM messages WHERE state = 2").fetch_one(&mut *db).await?.try_get(0)?;
    query(
        "DELETE FROM messages WHERE number IN \
         (SELECT number FROM messages WHERE state = 2 AND at < ? ORDER BY at LIMIT ?)",
    )
    .bind(now.minus(REMEMBERED_FOR).millis())
    .bind(PRUNED)
    .execute(&mut *db)
    .await?;
    let excess = (kept - REMEMBERED).clamp(0, PRUNED);
    if excess > 0 {
        query(
            "DELETE FROM messages WHERE number IN \
             (SELECT number FROM messages WHERE state = 2 ORDER BY at LIMIT ?)",
        )
        .bind(excess)
        .execute(db)
        .await?;
    }
    Ok(())
}
