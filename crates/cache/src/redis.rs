//! The second tier: what processes share. Every method fails fast, and no failure is more than a miss.

mod breaker;
mod budget;
mod connect;
mod floors;
mod frame;
mod script;

pub(crate) use frame::{Frame, Kind};

use crate::{Error, RedisConfig, hearing::LAG};
use breaker::Breaker;
use bytes::Bytes;
use fred::{
    clients::{Client, WithOptions},
    error::ErrorKind,
    interfaces::{ClientLike, KeysInterface},
    types::config::Options,
};
use futures::future::try_join_all;
use segue_domain::{Clock, Timestamp};
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What nobody waits for may take so many times as long as a read.
const PATIENCE: u32 = 5;
/// Clocks of processes agree to within this.
const SKEW: Duration = Duration::from_secs(2);

/// A connection to Redis that is kept up in the background. Cheap to clone.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    client: Client,
    /// For what somebody waits for.
    quick: WithOptions<Client>,
    /// For what nobody waits for.
    patient: WithOptions<Client>,
    timeout: Duration,
    lease: Duration,
    clock: Arc<dyn Clock>,
    breaker: Breaker,
    /// The connection was lost since it was last there.
    lost: AtomicBool,
    /// What was asked for before this moment may have missed a change: Redis was away, or another server took over
    /// that may not have all of what was written to the old one. Milliseconds.
    trusted_since: AtomicI64,
    /// Floors that could not be raised, by kind and id.
    owed: Mutex<HashMap<(&'static str, String), u64>>,
    paying: AtomicBool,
    closed: CancellationToken,
}

/// Redis cannot be asked now. Why is counted and nobody's business.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Away;

/// What came of asking for a lease.
#[derive(Debug)]
pub(crate) enum Acquired {
    /// It is ours. What is stored, if anything, is not what was wanted.
    Leased(Option<Bytes>),
    /// Another process has it.
    Busy,
    /// What was wanted is there.
    Stored(Bytes),
}

impl Redis {
    /// A client that connects in the background, now or when Redis is there. Must run within a tokio runtime.
    ///
    /// # Errors
    /// [`Error::Config`] when the configuration cannot work.
    pub fn connect(config: &RedisConfig, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let client = connect::client(config)?;
        let timeout = Duration::from_millis(config.timeout_ms);
        let within = |timeout| Options { fail_fast: true, timeout: Some(timeout), ..Options::default() };
        let inner = Inner {
            quick: client.with_options(&within(timeout)),
            patient: client.with_options(&within(timeout * PATIENCE)),
            client,
            timeout,
            lease: Duration::from_millis(config.lease_ms),
            clock,
            breaker: Breaker::default(),
            lost: AtomicBool::new(false),
            trusted_since: AtomicI64::new(i64::MIN),
            owed: Mutex::default(),
            paying: AtomicBool::new(false),
            closed: CancellationToken::new(),
        };
        let redis = Self(Arc::new(inner));
        redis.keep_connected();
        Ok(redis)
    }

    /// Ends the connection. Every call is refused from now on.
    pub async fn close(&self) {
        self.0.closed.cancel();
        self.0.breaker.open();
        // One that is not there need not be ended.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.0.client.quit()).await;
    }

    /// When a read that begins now goes on without Redis.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.0.timeout
    }

    fn patience(&self) -> Instant {
        Instant::now() + self.0.timeout * PATIENCE
    }

    pub(crate) fn lease(&self) -> Duration {
        self.0.lease
    }

    /// What was asked for before this moment is not believed.
    pub(crate) fn trusted_since(&self) -> Timestamp {
        Timestamp(self.0.trusted_since.load(Ordering::Relaxed))
    }

    /// What is stored, in the order of the ids.
    pub(crate) async fn read(
        &self,
        kind: &'static str,
        ids: &[&str],
        deadline: Instant,
    ) -> Result<Vec<Option<Bytes>>, Away> {
        // Sent together; the client finds each key's server.
        let reads = ids.iter().map(|id| self.0.quick.get::<Option<Bytes>, _>(entry_key(kind, id)));
        self.call(deadline, try_join_all(reads)).await
    }

    /// Takes the lease of an entry, unless one is stored with at least this version, that was asked for at or after
    /// the first moment and does not expire before the second.
    pub(crate) async fn acquire(
        &self,
        kind: &'static str,
        id: &str,
        (least, checked, now): (u64, Timestamp, Timestamp),
        token: u64,
        deadline: Instant,
    ) -> Result<Acquired, Away> {
        let keys = [entry_key(kind, id), lease_key(kind, id)];
        let arguments: Vec<Bytes> = vec![
            text(least),
            text(checked.millis().max(0)),
            text(now.millis().max(0)),
            text(token),
            text(self.0.lease.as_millis()),
        ];
        let (code, stored): (i64, Bytes) =
            self.call(deadline, Box::pin(script::ACQUIRE.run(&self.0.quick, &keys, arguments))).await?;
        let stored = Some(stored).filter(|bytes| !bytes.is_empty());
        Ok(match (code, stored) {
            (2, Some(bytes)) => Acquired::Stored(bytes),
            (1, stored) => Acquired::Leased(stored),
            _ => Acquired::Busy,
        })
    }

    /// Stores, unless what is there is newer, and gives back the lease.
    pub(crate) async fn write(
        &self,
        kind: &'static str,
        id: &str,
        frame: &Frame,
        life: Duration,
        lease: Option<u64>,
    ) {
        let keys = [entry_key(kind, id), lease_key(kind, id)];
        let token = lease.map_or(Bytes::new(), text);
        let arguments = vec![frame.write(), text(life.as_millis().max(1)), token];
        let run = Box::pin(script::WRITE.run(&self.0.patient, &keys, arguments));
        let _: Result<i64, Away> = self.call(self.patience(), run).await;
    }

    /// Gives a lease back.
    pub(crate) async fn release(&self, kind: &'static str, id: &str, token: u64) {
        self.remove(lease_key(kind, id), text(token)).await;
    }

    /// Removes a value that cannot be read, so that it is replaced whatever version it seems to have.
    pub(crate) fn discard(&self, kind: &'static str, id: &str, bytes: Bytes) {
        let (redis, key) = (self.clone(), entry_key(kind, id));
        tokio::spawn(async move { redis.remove(key, bytes).await });
    }

    async fn remove(&self, key: String, value: Bytes) {
        let keys = [key];
        let run = Box::pin(script::REMOVE.run(&self.0.patient, &keys, vec![value]));
        let _: Result<i64, Away> = self.call(self.patience(), run).await;
    }

    /// Raises a floor; what could not be done is done when Redis is back.
    pub(crate) async fn raise(&self, kind: &'static str, id: &str, version: u64) {
        let (keys, arguments) = raising(kind, id, version);
        let run = Box::pin(script::RAISE.run::<i64>(&self.0.quick, &keys, arguments));
        if self.call(self.deadline(), run).await.is_err() {
            self.owe(kind, id.to_owned(), version);
        }
    }

    /// As [`Redis::raise`] whether the breaker is open or not, and without remembering a failure.
    async fn raise_now(&self, kind: &'static str, id: &str, version: u64) -> bool {
        let (keys, arguments) = raising(kind, id, version);
        let run = Box::pin(script::RAISE.run::<i64>(&self.0.quick, &keys, arguments));
        self.watched(self.deadline(), run).await.is_ok()
    }

    /// Every command goes through here. Scripts come boxed: fred makes large futures of them.
    async fn call<T>(
        &self,
        deadline: Instant,
        command: impl Future<Output = Result<T, fred::error::Error>>,
    ) -> Result<T, Away> {
        if self.0.breaker.refuses() {
            return Err(Away);
        }
        self.watched(deadline, command).await
    }

    async fn watched<T>(
        &self,
        deadline: Instant,
        command: impl Future<Output = Result<T, fred::error::Error>>,
    ) -> Result<T, Away> {
        // For one that is late already nobody waits, so it is not sent.
        let answered = match deadline > Instant::now() {
            true => tokio::time::timeout_at(deadline, command).await.ok(),
            false => None,
        };
        let reason = match answered {
            Some(Ok(answer)) => {
                self.0.breaker.succeeded();
                return Ok(answer);
            }
            Some(Err(error)) => reason(error.kind()),
            None => "timeout",
        };
        metrics::counter!("segue_cache_redis_errors_total", "reason" => reason).increment(1);
        if self.0.breaker.failed() {
            tracing::warn!(reason, "redis is slow or away: reads go on without it");
            self.recover();
        }
        Err(Away)
    }

    fn inner(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis")
    }
}

/// The hash tag keeps what belongs to one entry on one server.
fn entry_key(kind: &str, id: &str) -> String {
    format!("segue:e:{{{kind}:{id}}}")
}
fn lease_key(kind: &str, id: &str) -> String {
    format!("segue:l:{{{kind}:{id}}}")
}

fn raising(kind: &str, id: &str, version: u64) -> ([String; 1], Vec<Bytes>) {
    ([entry_key(kind, id)], vec![Frame::floor(version).write(), text(LAG.as_millis())])
}

fn text(number: impl ToString) -> Bytes {
    number.to_string().into()
}

fn reason(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Timeout => "timeout",
        ErrorKind::IO | ErrorKind::Canceled | ErrorKind::Routing => "connection",
        ErrorKind::Cluster => "cluster",
        ErrorKind::Auth => "auth",
        ErrorKind::Backpressure => "backpressure",
        _ => "other",
    }
}
