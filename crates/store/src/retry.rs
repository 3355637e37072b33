//! Trying again what failed because the database was away for a moment.

use crate::{ShardKey, Store, StoreError};
use sea_orm::DatabaseConnection;
use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

/// First pause; doubles up to [`LONGEST_PAUSE`], and ends early when another server is in use.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The time in which something is tried.
pub struct Tries {
    store: Store,
    deadline: Instant,
    made: u32,
}

impl Tries {
    pub(crate) fn new(store: Store) -> Self {
        let deadline = Instant::now() + store.patience();
        Self { store, deadline, made: 0 }
    }

    /// Whether to try again after `error`, once this returns: only for one after which nothing was changed, and while
    /// there is time. It waits for a moment, or until another server is in use.
    pub async fn again(&mut self, error: &StoreError) -> bool {
        if !matches!(error, StoreError::Unavailable(_)) || self.store.is_closed() {
            return false;
        }
        let longest = (FIRST_PAUSE * 2_u32.saturating_pow(self.made)).min(LONGEST_PAUSE);
        // Those that failed together do not come back together.
        let pause = longest.mul_f64(rand::random_range(0.5..=1.0));
        if Instant::now() + pause >= self.deadline {
            return false;
        }
        self.made = (self.made + 1).min(16);
        metrics::counter!("segue_store_retries_total").increment(1);
        tracing::debug!(%error, "database is tried again");
        self.store.suspect();
        tokio::select! {
            () = sleep(pause) => {}
            () = self.store.changed() => {}
        }
        true
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl Store {
    /// Time for an operation that is made of several attempts, for which [`Store::read`] and [`Store::retry`] do not do.
    pub fn tries(&self) -> Tries {
        Tries::new(self.clone())
    }

    /// Runs `op`, which only reads, until it succeeds, fails for good, or `retry_ms` (or the caller's deadline) has passed.
    /// Each attempt must ask the store for its connection anew. An attempt is given up when its server goes out of use, so
    /// that a server which only falls silent costs no more than the monitor needs to notice.
    pub async fn read<T, F>(&self, mut op: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut tries = self.tries();
        loop {
            let attempt = async {
                tokio::select! {
                    biased;
                    done = op() => done,
                    () = self.removed() => Err(StoreError::gave_up("the server went out of use")),
                }
            };
            match in_time(tries.deadline, attempt).await {
                Err(error) if tries.again(&error).await => {}
                done => return done,
            }
        }
    }

    /// As [`Store::read`], from a replica; and again from the primary when what the replica has is not `fresh` enough for the
    /// caller: an older version than the caller has seen, or nothing.
    pub async fn read_through<T, F>(
        &self,
        shard: &ShardKey,
        mut op: impl FnMut(DatabaseConnection) -> F,
        fresh: impl FnOnce(&T) -> bool,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut may_lag = false;
        let found = self.read(|| {
            let (db, lags) = self.reader_may_lag(shard);
            may_lag = lags;
            op(db)
        });
        let found = found.await?;
        if !may_lag || fresh(&found) {
            return Ok(found);
        }
        metrics::counter!("segue_store_read_throughs_total").increment(1);
        self.read(|| op(self.primary(shard))).await
    }

    /// As [`Store::read`], for a write that may be made twice: one that says the same each time (`ON CONFLICT`, a delete
    /// by key, a compare-and-set whose loser looks who won). No attempt is given up before it has ended or the time is
    /// over.
    pub async fn retry<T, F>(&self, mut op: impl FnMut() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut tries = self.tries();
        loop {
            let failed = match in_time(tries.deadline, op()).await {
                Err(StoreError::Unknown(error)) => StoreError::Unavailable(error),
                done => match done {
                    Err(error) => error,
                    done => return done,
                },
            };
            if !tries.again(&failed).await {
                return Err(failed);
            }
        }
    }
}

async fn in_time<T>(
    deadline: Instant,
    attempt: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let late = |_| Err(StoreError::gave_up("no answer in time"));
    timeout_at(deadline, attempt).await.unwrap_or_else(late)
}
