use super::*;
use async_trait::async_trait;
use futures::FutureExt;
use segue_cache::{Redis, RedisConfig, RedisUrl};
use segue_domain::{Coded, SystemClock};
use segue_ports::budget::{Bucket as Tokens, BudgetError};
use segue_proto::policy::v1::Access;
use std::{collections::HashMap, sync::Mutex};

fn policy(bucket: Bucket, cost: u32) -> MethodPolicy {
    MethodPolicy { access: Access::User, bucket, cost, repeatable: true, streaming: false }
}

fn limits(per_second: f64, burst: u32) -> LimitsConfig {
    let budget = BudgetConfig { per_second, burst };
    LimitsConfig { read: budget, write: budget, credential: budget }
}

fn rates(per_second: f64, burst: u32) -> Rates {
    Rates::new(&limits(per_second, burst), None).unwrap()
}

/// Limits of one gateway alone answer at once.
fn draw(
    rates: &Rates,
    policy: &MethodPolicy,
    user: Option<UserId>,
    address: Option<IpAddr>,
) -> Result<Level, (Level, Refused)> {
    rates.draw(policy, user, address).now_or_never().expect("nothing to wait for")
}

#[tokio::test(start_paused = true)]
async fn the_wait_it_names_is_exactly_long_enough() {
    let rates = rates(2.0, 6);
    let user = Some(UserId::new());
    let read = policy(Bucket::Read, 2);
    for remaining in [4, 2, 0] {
        assert_eq!(draw(&rates, &read, user, None).unwrap().remaining, remaining);
    }
    let (level, refused) = draw(&rates, &read, user, None).unwrap_err();
    let wait = refused.retry_after().unwrap();
    assert_eq!((level.limit, level.remaining, level.reset), (6, 0, 1));
    assert_eq!(wait, Duration::from_secs(1));
    tokio::time::advance(wait - Duration::from_millis(1)).await;
    assert!(draw(&rates, &read, user, None).is_err());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(draw(&rates, &read, user, None).is_ok());
    assert!(draw(&rates, &policy(Bucket::Write, 1), user, None).is_ok(), "buckets are apart");
    assert!(draw(&rates, &read, Some(UserId::new()), None).is_ok(), "users are apart");
}

#[tokio::test(start_paused = true)]
async fn strangers_pay_by_address_and_so_do_passwords() {
    let rates = rates(1.0, 1);
    let at = |text: &str| Some(text.parse::<IpAddr>().unwrap());
    let read = policy(Bucket::Read, 1);
    assert!(draw(&rates, &read, None, at("2001:db8::1")).is_ok());
    assert!(draw(&rates, &read, None, at("2001:db8::ffff:2")).is_err(), "the same /64");
    assert!(draw(&rates, &read, None, at("2001:db8:0:1::1")).is_ok());
    assert!(draw(&rates, &read, None, at("192.0.2.1")).is_ok());
    assert!(draw(&rates, &read, None, at("::ffff:192.0.2.1")).is_err(), "the same IPv4 address");
    let password = policy(Bucket::Credential, 1);
    assert!(draw(&rates, &password, Some(UserId::new()), at("192.0.2.1")).is_ok());
    assert!(draw(&rates, &password, Some(UserId::new()), at("192.0.2.1")).is_err());
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_whatever_number_of_addresses_calls() {
    let rates = rates(1.0, 1);
    let read = policy(Bucket::Read, 1);
    let call = |i: u32| {
        let address = IpAddr::V6(Ipv6Addr::from_bits(u128::from(i) << 64));
        draw(&rates, &read, None, Some(address)).is_ok()
    };
    assert!((0..=CROWD as u32 + 10).all(call));
    rates.read.sweep();
    assert!(rates.read.crowded.load(Ordering::Relaxed));
    (0..1000_u32).for_each(|i| {
        call(0x4000_0000 + i);
    });
    assert!(rates.read.limiter.len() <= CROWD + 12, "the new ones share one budget");
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(call(7));
    assert!(rates.read.limiter.len() <= 2, "full budgets are forgotten");
    assert!(!rates.read.crowded.load(Ordering::Relaxed));
}

#[tokio::test]
async fn impossible_budgets_are_refused_at_the_start() {
    let budget = |per_second, burst| {
        let read = BudgetConfig { per_second, burst };
        Rates::new(&LimitsConfig { read, ..LimitsConfig::default() }, None).map(|_| ())
    };
    assert!(budget(1.0, 1).is_ok());
    for (rate, burst) in [(0.0, 1), (-1.0, 1), (f64::NAN, 1), (f64::INFINITY, 1), (1.0, 0)] {
        assert!(budget(rate, burst).is_err(), "{rate} {burst}");
    }
    assert!(rates(1.0, 4).affords(&policy(Bucket::Read, 5)).is_err());
}

/// Shared buckets in this process, by the runtime's clock; counts its calls.
#[derive(Debug, Default)]
struct Counted {
    redis: Option<Redis>,
    away: AtomicBool,
    calls: AtomicU64,
    /// Tokens, when, and spilled.
    buckets: Mutex<HashMap<String, (f64, Instant, f64)>>,
}

#[async_trait]
impl Budgets for Counted {
    async fn charge(&self, key: &str, used: u32, age: Duration, bucket: Tokens) -> Result<f64, BudgetError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(BudgetError::new("away"));
        }
        if let Some(redis) = &self.redis {
            return redis.charge(key, used, age, bucket).await;
        }
        let (burst, most, now) = (f64::from(bucket.burst), f64::from(bucket.spill()), Instant::now());
        let mut buckets = self.buckets.lock().unwrap();
        let held = buckets.entry(key.to_owned()).or_insert((burst, now, most));
        let filled = held.0 + (now - held.1).as_secs_f64() * bucket.per_second;
        let spilled = (held.2 + (filled - burst).max(0.0)).min(most);
        let paid = f64::from(used).min(spilled).min(bucket.per_second * age.as_secs_f64());
        *held = ((filled.min(burst) - f64::from(used) + paid).max(-burst), now, spilled - paid);
        Ok(held.0)
    }
}

impl Counted {
    fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
    fn gateway(self: &Arc<Self>, per_second: f64, burst: u32) -> Rates {
        Rates::new(&limits(per_second, burst), Some(self.clone())).unwrap()
    }
}

/// Buckets in this process, and in the Redis that `SEGUE_TEST_REDIS` names.
async fn engines() -> Vec<Arc<Counted>> {
    let mut engines = vec![Arc::<Counted>::default()];
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment which server to use")]
    match std::env::var("SEGUE_TEST_REDIS") {
        Ok(url) => {
            let config = RedisConfig { url: RedisUrl::new(url), timeout_ms: 200, ..RedisConfig::default() };
            let redis = Redis::connect(&config, Arc::new(SystemClock)).unwrap();
            redis.check().await.expect("Redis is there");
            engines.push(Arc::new(Counted { redis: Some(redis), ..Counted::default() }));
        }
        Err(_) => eprintln!("SEGUE_TEST_REDIS is not set: limits in Redis are not tested here"),
    }
    engines
}

/// Offers calls at an even rate to two gateways in turn, over some users; says how many were admitted and offered.
async fn offer(
    gateways: &[Rates; 2],
    users: &[UserId],
    per_second: u32,
    time: Duration,
) -> (u32, u32, Duration) {
    let read = policy(Bucket::Read, 1);
    let begun = Instant::now();
    let (mut admitted, mut offered) = (0, 0);
    while begun.elapsed() < time {
        let due = (begun.elapsed().as_secs_f64() * f64::from(per_second)) as u32;
        while offered < due {
            let user = users[offered as usize / 2 % users.len()];
            let gateway = &gateways[offered as usize % 2];
            admitted += u32::from(gateway.draw(&read, Some(user), None).await.is_ok());
            offered += 1;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (admitted, offered, begun.elapsed())
}

#[tokio::test]
async fn two_gateways_seldom_ask_and_refuse_nobody_who_is_under_the_limit() {
    for engine in engines().await {
        let gateways = [engine.gateway(1000.0, 1000), engine.gateway(1000.0, 1000)];
        let users: Vec<UserId> = (0..10).map(|_| UserId::new()).collect();
        let (admitted, offered, _) = offer(&gateways, &users, 2000, Duration::from_secs(4)).await;
        let share = engine.calls() as f64 / f64::from(offered);
        println!("{offered} calls of 10 users: {} asked, {share:.4} each", engine.calls());
        assert_eq!(admitted, offered);
        assert!(share <= 0.02, "{share}");
    }
}

#[tokio::test]
async fn two_gateways_together_admit_what_the_limit_says() {
    for engine in engines().await {
        let gateways = [engine.gateway(1000.0, 1000), engine.gateway(1000.0, 1000)];
        let (admitted, offered, took) =
            offer(&gateways, &[UserId::new()], 4000, Duration::from_secs(4)).await;
        let limit = 1000.0 + 1000.0 * took.as_secs_f64();
        println!("{offered} offered, {admitted} admitted of {limit:.0}, {} asked", engine.calls());
        assert!(f64::from(admitted) <= limit * 1.01 + 200.0, "a tenth each");
        assert!(f64::from(admitted) >= limit * 0.98, "and no less");
        assert!(engine.calls() as f64 <= 0.02 * f64::from(offered));
    }
}

/// Whatever is called where: a call that the bucket of both gateways could pay for is admitted, and no more are than
/// that, a lease of each gateway and what was spilled.
#[tokio::test(start_paused = true)]
async fn whoever_is_under_the_limit_is_admitted_in_any_order_of_calls() {
    for (burst, per_second) in [(1000, 200.0), (100, 10.0), (30, 0.5), (7, 3.0)] {
        let engine = Arc::<Counted>::default();
        let gateways = [0; 2].map(|_| engine.gateway(per_second, burst));
        let (user, mut numbers) = (UserId::new(), 7_u64);
        let mut below = |end: u64| {
            numbers = numbers.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (numbers >> 33) % end
        };
        let (mut truth, mut at) = (f64::from(burst), Instant::now());
        let lease = f64::from(ledger::lease(Tokens { per_second, burst }));
        let mut least = 0.0_f64;
        for _ in 0..20_000 {
            if below(4) == 0 {
                let pause = below(2000) as f64 / per_second / 500.0;
                tokio::time::advance(Duration::from_secs_f64(pause)).await;
            }
            let now = Instant::now();
            truth = (truth + (now - at).as_secs_f64() * per_second).min(f64::from(burst));
            at = now;
            let gateway = &gateways[below(2) as usize];
            let admitted = gateway.draw(&policy(Bucket::Read, 1), Some(user), None).await.is_ok();
            // A hair for arithmetic.
            assert!(admitted || truth < 1.0 + 1e-3, "refused with {truth} of {burst} tokens left");
            truth -= f64::from(u8::from(admitted));
            least = least.min(truth);
        }
        println!("burst {burst}: at most {:.0} too many with leases of {lease}", -least);
        let most = 2.0 * lease + f64::from(Tokens { per_second, burst }.spill());
        assert!(-least <= most + 1.0, "{least}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_engine_each_gateway_limits_alone_and_seldom_tries() {
    let engine = Arc::<Counted>::default();
    engine.away.store(true, Ordering::SeqCst);
    let gateway = engine.gateway(10.0, 200);
    let (user, read) = (Some(UserId::new()), policy(Bucket::Read, 1));
    let mut admitted = 0;
    for _ in 0..1000 {
        admitted += u32::from(gateway.draw(&read, user, None).await.is_ok());
    }
    assert_eq!((admitted, engine.calls()), (200, 1));
    tokio::time::advance(Duration::from_secs(1)).await;
    let (level, refused) = loop {
        match gateway.draw(&read, user, None).await {
            Ok(_) => admitted += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!(admitted, 210);
    assert_eq!((level.limit, level.remaining), (200, 0));
    let wait = refused.retry_after().unwrap();
    assert!(wait <= Duration::from_millis(101), "{wait:?}");
    engine.away.store(false, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(gateway.draw(&read, user, None).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn shared_buckets_that_are_full_again_are_forgotten() {
    let engine = Arc::<Counted>::default();
    let gateway = engine.gateway(1000.0, 1000);
    let read = policy(Bucket::Read, 1);
    for n in 0..10_000_u32 {
        let address = IpAddr::V6(Ipv6Addr::from_bits(u128::from(n) << 64));
        gateway.draw(&read, None, Some(address)).await.unwrap();
    }
    let heavy = Some(UserId::new());
    for _ in 0..40 {
        gateway.draw(&read, heavy, None).await.unwrap();
    }
    let shared = gateway.read.shared.as_ref().unwrap();
    tokio::time::advance(Duration::from_millis(1100)).await;
    assert_eq!(shared.sweep(), 1, "one percent of what has flowed in since may go unsaid");
    tokio::task::yield_now().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(engine.calls(), 1, "what was used is said before it is forgotten");
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(shared.sweep(), 0);
}
