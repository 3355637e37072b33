//! Budgets of calls, by the bucket of a method's policy, so that a refused caller can be told exactly how long to wait.
//! A gateway alone keeps them itself (GCRA); gateways that are given shared budgets keep one limit together.

mod ledger;
mod shared;

use crate::{BudgetConfig, Error, LimitsConfig, refused::Refused};
use governor::{
    Quota, RateLimiter, clock::Clock, middleware::StateInformationMiddleware, state::keyed::DashMapStateStore,
};
use http::{HeaderMap, HeaderValue};
use metrics::Counter;
use segue_domain::UserId;
use segue_mesh::MethodPolicy;
use segue_ports::budget::{self, Budgets};
use segue_proto::policy::v1::Bucket;
use shared::Shared;
use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// How often keys whose budget is full again are forgotten.
const SWEEP: Duration = Duration::from_secs(5);
/// Above this many keys in a bucket, strangers share budgets by wider networks, which bounds memory whatever
/// number of addresses someone sends from.
const CROWD: usize = 100_000;

/// Whose budget it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    User(UserId),
    V4(u32),
    /// The upper half: one customer gets at least a /64.
    V6(u64),
    /// No peer: calls from within the process.
    Unknown,
}

impl Key {
    fn address(address: Option<IpAddr>, crowded: bool) -> Self {
        let v4 = |a: u32| Key::V4(if crowded { a & 0xffff_0000 } else { a });
        match address {
            None => Key::Unknown,
            Some(IpAddr::V4(a)) => v4(a.to_bits()),
            Some(IpAddr::V6(a)) => match a.to_ipv4_mapped() {
                Some(mapped) => v4(mapped.to_bits()),
                None => Key::V6(upper_half(a) & if crowded { 0xffff_ffff_0000_0000 } else { u64::MAX }),
            },
        }
    }
}

impl Key {
    /// Names the bucket among all that are shared.
    fn name(self, calls: &str) -> String {
        match self {
            Self::User(user) => format!("{calls}:{user}"),
            Self::V4(bits) => format!("{calls}:{}", std::net::Ipv4Addr::from_bits(bits)),
            Self::V6(bits) => format!("{calls}:{}", Ipv6Addr::from_bits(u128::from(bits) << 64)),
            Self::Unknown => format!("{calls}:-"),
        }
    }
}

fn upper_half(a: Ipv6Addr) -> u64 {
    u64::try_from(a.to_bits() >> 64).unwrap_or_default()
}

/// The runtime's clock, which does not jump when someone sets the machine's.
#[derive(Debug, Clone, Copy)]
struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    type Instant = Duration;
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

struct Budget {
    limiter: RateLimiter<Key, DashMapStateStore<Key>, RuntimeClock, StateInformationMiddleware>,
    /// When there are other gateways; then the limiter rests.
    shared: Option<Arc<Shared>>,
    config: BudgetConfig,
    name: &'static str,
    crowded: AtomicBool,
    refused: OnceLock<Counter>,
}

impl Budget {
    fn new(
        name: &'static str,
        config: BudgetConfig,
        budgets: Option<Arc<dyn Budgets>>,
        clock: RuntimeClock,
    ) -> Result<Self, Error> {
        let wrong = || Error::Config {
            field: "limits",
            wanted: format!("a rate above 0.0001 per second and a burst of at least 1 for {name}"),
        };
        let burst = NonZeroU32::new(config.burst).ok_or_else(wrong)?;
        let rate = Some(config.per_second).filter(|r| (0.0001..=1e9).contains(r)).ok_or_else(wrong)?;
        let quota =
            Quota::with_period(Duration::from_secs_f64(1.0 / rate)).ok_or_else(wrong)?.allow_burst(burst);
        let limiter = RateLimiter::new(quota, DashMapStateStore::default(), clock);
        let bucket = budget::Bucket { per_second: config.per_second, burst: config.burst };
        let shared = budgets.map(|budgets| Arc::new(Shared::new(budgets, name, bucket, clock)));
        Ok(Self { limiter, shared, config, name, crowded: AtomicBool::new(false), refused: OnceLock::new() })
    }

    async fn draw(&self, key: Key, cost: NonZeroU32) -> Result<Level, (Level, Refused)> {
        let drawn = match &self.shared {
            Some(shared) => shared.draw(key, cost.get()).await.map(|left| left as u32),
            None => self.draw_alone(key, cost),
        };
        let limit = self.config.burst;
        let wait = match drawn {
            Ok(remaining) => {
                let until_full = f64::from(limit.saturating_sub(remaining)) / self.config.per_second;
                return Ok(Level { limit, remaining, reset: until_full.ceil() as u32 });
            }
            Err(wait) => wait,
        };
        let make = || metrics::counter!("segue_gateway_rate_limited_total", "bucket" => self.name);
        self.refused.get_or_init(make).increment(1);
        let whom = if matches!(key, Key::User(_)) { "this account" } else { "this address" };
        let BudgetConfig { per_second, burst } = self.config;
        let reset = u32::try_from(wait.as_nanos().div_ceil(1_000_000_000)).unwrap_or(u32::MAX);
        Err((
            Level { limit, remaining: 0, reset },
            Refused::Limited { calls: self.name, whom, per_second, burst, wait },
        ))
    }

    /// What is left, or how long until there is enough.
    fn draw_alone(&self, key: Key, cost: NonZeroU32) -> Result<u32, Duration> {
        match self.limiter.check_key_n(&key, cost) {
            Ok(Ok(snapshot)) => Ok(snapshot.remaining_burst_capacity()),
            Ok(Err(not_until)) => Err(not_until.wait_time_from(self.limiter.clock().now())),
            // Cannot happen: the costs of all policies were compared with the bursts at the start.
            Err(_) => Err(Duration::from_secs(60)),
        }
    }

    fn sweep(&self) {
        self.limiter.retain_recent();
        let alone = self.limiter.len();
        if alone > CROWD / 10 {
            self.limiter.shrink_to_fit();
        }
        let keys = alone + self.shared.as_ref().map_or(0, Shared::sweep);
        if self.crowded.swap(keys > CROWD, Ordering::Relaxed) != (keys > CROWD) {
            tracing::warn!(
                bucket = self.name,
                keys,
                "rate limits: many addresses; strangers share budgets by network while it lasts"
            );
        }
    }
}

/// What is left of a budget, for clients that pace themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    limit: u32,
    remaining: u32,
    /// Seconds: after a refusal until the same call is taken, else until the budget is full.
    reset: u32,
}

impl Level {
    /// The names of the IETF's "RateLimit Fields for HTTP" in its form of one field each.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        headers.insert("ratelimit-limit", HeaderValue::from(self.limit));
        headers.insert("ratelimit-remaining", HeaderValue::from(self.remaining));
        headers.insert("ratelimit-reset", HeaderValue::from(self.reset));
    }
}

/// The budgets of all callers.
pub(crate) struct Rates {
    read: Budget,
    write: Budget,
    credential: Budget,
    clock: RuntimeClock,
    /// When the next sweep is due, milliseconds of the clock.
    sweep_at: AtomicU64,
}

impl Rates {
    pub(crate) fn new(config: &LimitsConfig, budgets: Option<Arc<dyn Budgets>>) -> Result<Self, Error> {
        let clock = RuntimeClock(Instant::now());
        Ok(Self {
            read: Budget::new("reads", config.read, budgets.clone(), clock)?,
            write: Budget::new("writes", config.write, budgets.clone(), clock)?,
            credential: Budget::new("sign-ins and sign-ups", config.credential, budgets, clock)?,
            clock,
            sweep_at: AtomicU64::new(0),
        })
    }

    /// Fails when a call of this policy could never be afforded.
    pub(crate) fn affords(&self, policy: &MethodPolicy) -> Result<(), Error> {
        let budget = self.budget(policy.bucket);
        if policy.cost > budget.config.burst {
            let wanted =
                format!("a burst of at least {} for {}, the cost of one call", policy.cost, budget.name);
            return Err(Error::Config { field: "limits", wanted });
        }
        Ok(())
    }

    /// Pays for one call: from the user's budget when there is one, else from the address's. What checks a
    /// password is always on the address, for it is the address that guesses.
    pub(crate) async fn draw(
        &self,
        policy: &MethodPolicy,
        user: Option<UserId>,
        address: Option<IpAddr>,
    ) -> Result<Level, (Level, Refused)> {
        self.sweep_when_due();
        let budget = self.budget(policy.bucket);
        let key = match user {
            Some(user) if policy.bucket != Bucket::Credential => Key::User(user),
            _ => Key::address(address, budget.crowded.load(Ordering::Relaxed)),
        };
        budget.draw(key, NonZeroU32::new(policy.cost).unwrap_or(NonZeroU32::MIN)).await
    }

    fn budget(&self, bucket: Bucket) -> &Budget {
        match bucket {
            Bucket::Unspecified | Bucket::Read => &self.read,
            Bucket::Write => &self.write,
            Bucket::Credential => &self.credential,
        }
    }

    /// By whoever comes first, so that no task is needed and an idle gateway sleeps.
    fn sweep_when_due(&self) {
        let now = u64::try_from(self.clock.now().as_millis()).unwrap_or(u64::MAX);
        let due = self.sweep_at.load(Ordering::Relaxed);
        let next = now.saturating_add(SWEEP.as_millis() as u64);
        if now >= due
            && self.sweep_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            for budget in [&self.read, &self.write, &self.credential] {
                budget.sweep();
            }
        }
    }
}

#[cfg(test)]
mod tests;
