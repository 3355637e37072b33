//! Buckets that gateways share, drawn from in leases.

use super::{Key, RuntimeClock};
use crate::rate::ledger::{Draw, Ledger};
use governor::clock::Clock;
use segue_ports::budget::{Bucket, Budgets};
use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Maps by key, so that calls of different callers do not wait for each other.
const SHARDS: usize = 64;
/// After a failure the engine is left alone for so long by each caller's bucket.
const ALONE: Duration = Duration::from_secs(1);
/// Who has not called for so long may not do so again.
const IDLE: Duration = Duration::from_secs(1);
/// Idle buckets whose use is said in one sweep. More wait for the next one.
const SETTLED_IDLE: usize = 1000;

/// The buckets of one kind of call.
pub(super) struct Shared {
    budgets: Arc<dyn Budgets>,
    name: &'static str,
    bucket: Bucket,
    clock: RuntimeClock,
    shards: Vec<Mutex<HashMap<Key, Arc<Account>>>>,
    hasher: RandomState,
}

/// One caller's bucket.
struct Account {
    ledger: Mutex<Ledger>,
    /// One settles at a time; the others wait for its answer.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Account {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    pub(super) fn new(
        budgets: Arc<dyn Budgets>,
        name: &'static str,
        bucket: Bucket,
        clock: RuntimeClock,
    ) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { budgets, name, bucket, clock, shards, hasher: RandomState::new() }
    }

    /// Pays for one call: what is left then, or how long until there is enough.
    pub(super) async fn draw(&self, key: Key, cost: u32) -> Result<f64, Duration> {
        let account = self.account(key);
        loop {
            let drawn = account.ledger().draw(cost, self.bucket, self.clock.now());
            match drawn {
                Draw::Admitted(left) => return Ok(left),
                Draw::Refused(wait) => return Err(wait),
                Draw::Settle => self.settle(&account, key, cost).await,
            }
        }
    }

    /// Says what was used, unless somebody else did while this call waited for its turn.
    async fn settle(&self, account: &Arc<Account>, key: Key, cost: u32) {
        let turn = account.turn.clone().lock_owned().await;
        if !account.ledger().owes(cost, self.bucket, self.clock.now()) {
            return;
        }
        let (account, budgets, clock, bucket) =
            (account.clone(), self.budgets.clone(), self.clock, self.bucket);
        let name = key.name(self.name);
        // A task of its own: a caller that goes away must not leave it open whether its use was said.
        let said = tokio::spawn(async move {
            let asked = clock.now();
            let (used, age) = account.ledger().unsaid(asked);
            match budgets.charge(&name, used, age, bucket).await {
                Ok(tokens) => account.ledger().settled(tokens, asked),
                Err(error) => {
                    tracing::debug!(%error, "rate limits are those of this gateway alone");
                    metrics::counter!("segue_gateway_shared_limit_errors_total").increment(1);
                    account.ledger().alone(clock.now(), ALONE);
                }
            }
            drop(turn);
        });
        // Fails only when the runtime ends.
        let _ = said.await;
    }

    fn account(&self, key: Key) -> Arc<Account> {
        let mut shard = self.shard(usize::try_from(self.hasher.hash_one(key)).unwrap_or_default());
        let new = || {
            let ledger = Mutex::new(Ledger::full(self.bucket, self.clock.now()));
            Arc::new(Account { ledger, turn: Arc::default() })
        };
        shard.entry(key).or_insert_with(new).clone()
    }

    fn shard(&self, n: usize) -> MutexGuard<'_, HashMap<Key, Arc<Account>>> {
        self.shards[n % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets buckets that are full again, after saying what was used of them.
    pub(super) fn sweep(self: &Arc<Self>) -> usize {
        let (now, mut unsaid, mut left) = (self.clock.now(), Vec::new(), 0);
        for n in 0..SHARDS {
            let mut shard = self.shard(n);
            shard.retain(|key, account| {
                let ledger = account.ledger();
                if ledger.negligible(self.bucket, now) && Arc::strong_count(account) == 1 {
                    return false;
                }
                let idle = ledger.unsaid(now).0 > 0 && ledger.rested(now) >= IDLE;
                if idle && unsaid.len() < SETTLED_IDLE {
                    unsaid.push((*key, account.clone()));
                }
                true
            });
            left += shard.len();
            if shard.capacity() > 4 * shard.len().max(64) {
                shard.shrink_to_fit();
            }
        }
        if !unsaid.is_empty() {
            let shared = self.clone();
            tokio::spawn(async move {
                for (key, account) in unsaid {
                    // As if a whole lease were wanted, so that whatever was used is said.
                    shared.settle(&account, key, u32::MAX).await;
                }
            });
        }
        left
    }
}
