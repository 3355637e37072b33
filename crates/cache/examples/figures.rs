//! What the cache promises in figures: `figures redis://127.0.0.1:6379 [keys]`.
//!
//! - A near read against a read from Redis, port call against port call; the line `near ratio <median of redis/near>`.
//! - Many keys that were loaded within one second and are read each second: how many come back to the origin in the
//!   worst second of the lifetime's jitter; `storm ratio <worst second × window / keys>`.
//! - 1,000 concurrent reads of one cold key through two caches: loads without Redis (one each), and with it (one).

use async_trait::async_trait;
use bytes::Bytes;
use segue_cache::{CacheConfig, Redis, RedisConfig, RedisUrl, Tiered};
use segue_domain::{Clock, ManualClock, SongId, SystemClock, Timestamp};
use segue_ports::cache::{Cache, LoadError, Loaded, Origin, Region, Source, Value};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const LIFE: u64 = 30;
const READERS: usize = 500;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// As large as a song's row; counts what it is asked.
#[derive(Debug, Default)]
struct Rows {
    loads: AtomicU64,
    slow: Duration,
}

#[async_trait]
impl Origin for Rows {
    fn kind(&self) -> &'static str {
        "figures.1"
    }
    async fn load(&self, ids: &[String], _: Source) -> Result<HashMap<String, Loaded>, LoadError> {
        self.loads.fetch_add(ids.len() as u64, Ordering::Relaxed);
        if !self.slow.is_zero() {
            tokio::time::sleep(self.slow).await;
        }
        let row = |id: &String| {
            let bytes = Bytes::from(vec![b'x'; 600]);
            (id.clone(), Loaded { version: 1, value: Arc::new(bytes.clone()), bytes })
        };
        Ok(ids.iter().map(row).collect())
    }
    fn decode(&self, bytes: &[u8]) -> Option<Value> {
        Some(Arc::new(Bytes::copy_from_slice(bytes)))
    }
}

fn open(
    config: &CacheConfig,
    redis: Option<Redis>,
    clock: impl Clock,
    rows: &Arc<Rows>,
) -> Result<Arc<dyn Region>, Failure> {
    let region = Tiered::new(config, redis, Arc::new(clock))?.region(rows.clone());
    region.trust();
    Ok(region)
}

async fn connect(url: &str) -> Result<Redis, Failure> {
    let config = RedisConfig { url: RedisUrl::new(url), timeout_ms: 1000, ..RedisConfig::default() };
    let redis = Redis::connect(&config, Arc::new(SystemClock))?;
    redis.check().await?;
    Ok(redis)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Rounds alternate, so that what else happens on the machine happens to both.
async fn near_against_redis(url: &str) -> Result<(), Failure> {
    let (config, rows, id) = (CacheConfig::default(), Arc::<Rows>::default(), SongId::new().to_string());
    let redis = connect(url).await?;
    let region = open(&config, Some(redis.clone()), SystemClock, &rows)?;
    region.get(&id, 0).await?;
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        let begun = Instant::now();
        for _ in 0..1000 {
            region.get(&id, 0).await?;
        }
        near.push(begun.elapsed() / 1000);
        // Another process, which has nothing near.
        let cold = open(&config, Some(redis.clone()), SystemClock, &rows)?;
        let begun = Instant::now();
        cold.get(&id, 0).await?;
        far.push(begun.elapsed());
    }
    if rows.loads.load(Ordering::Relaxed) != 1 {
        return Err("reads that should have found Redis went to the origin".into());
    }
    let (near, far) = (median(near), median(far));
    println!("a near read {near:?}, one from Redis {far:?}");
    println!("near ratio {:.1}", far.as_secs_f64() / near.as_secs_f64());
    Ok(())
}

async fn storm(keys: u64) -> Result<(), Failure> {
    let clock = ManualClock::new(Timestamp(1_800_000_000_000));
    let config = CacheConfig { life_seconds: LIFE, near_bytes: 4 << 30, ..CacheConfig::default() };
    let rows = Arc::<Rows>::default();
    let region = open(&config, None, clock.clone(), &rows)?;
    let ids: Vec<String> = (0..keys).map(|n| format!("key {n}")).collect();
    let mut seconds = Vec::new();
    let mut before = 0;
    for _ in 0..=LIFE + LIFE / 5 {
        for id in &ids {
            region.get(id, 0).await?;
        }
        let loads = rows.loads.load(Ordering::Relaxed);
        seconds.push(loads - before);
        before = loads;
        clock.advance(Duration::from_secs(1));
    }
    let again: u64 = seconds[1..].iter().sum();
    let worst = seconds[1..].iter().max().copied().unwrap_or(0);
    let window = LIFE * 2 / 5;
    println!(
        "{keys} keys with a life of {LIFE} s, {window} s of it jitter: loads in each second {seconds:?}"
    );
    println!("reloads {again} of {keys}, worst second {worst}");
    println!("storm ratio {:.2}", (worst * window) as f64 / keys as f64);
    Ok(())
}

async fn cold_reads(url: &str) -> Result<(), Failure> {
    for (name, word, redis) in [("without Redis", "alone", false), ("with Redis", "fleet", true)] {
        let rows = Arc::new(Rows { slow: Duration::from_millis(30), ..Rows::default() });
        let id = SongId::new().to_string();
        let mut readers = tokio::task::JoinSet::new();
        for _process in 0..2 {
            let redis = if redis { Some(connect(url).await?) } else { None };
            let region = open(&CacheConfig::default(), redis, SystemClock, &rows)?;
            for _ in 0..READERS {
                let (region, id) = (region.clone(), id.clone());
                readers.spawn(async move { region.get(&id, 0).await.map(|found| found.is_some()) });
            }
        }
        while let Some(read) = readers.join_next().await {
            if !read?? {
                return Err("a reader got nothing".into());
            }
        }
        let loads = rows.loads.load(Ordering::Relaxed);
        println!(
            "{} concurrent cold reads of one key through two processes, {name}: {loads} loads",
            2 * READERS
        );
        println!("{word} loads {loads}");
    }
    Ok(())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let url = words.next().ok_or("which Redis? figures redis://127.0.0.1:6379 [keys]")?;
    let keys = words.next().map_or(Ok(100_000), |n| n.parse())?;
    near_against_redis(&url).await?;
    storm(keys).await?;
    cold_reads(&url).await
}
