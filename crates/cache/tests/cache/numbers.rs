//! Figures that are promised.

use crate::rig::{self, Versions, read};
use segue_cache::{CacheConfig, Tiered};
use segue_domain::{ManualClock, SystemClock, Timestamp};
use segue_ports::cache::Cache;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Keys that are loaded within one second do not come back to the origin within one second. `cargo xtask bench` does it
/// with 100,000 of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_loaded_together_does_not_expire_together() {
    const KEYS: u64 = 20_000;
    const LIFE: u64 = 15;
    let clock = ManualClock::new(Timestamp(1_800_000_000_000));
    let mut config = rig::config(Duration::from_secs(LIFE), Duration::from_secs(5), Duration::ZERO);
    config.near_bytes = 1 << 30;
    let cache = Tiered::new(&config, None, Arc::new(clock.clone())).unwrap();
    let origin = Arc::<Versions>::default();
    let region = cache.region(origin.clone());
    region.trust();
    let ids: Vec<String> = (0..KEYS).map(|n| format!("key {n}")).collect();
    let mut seconds = Vec::new();
    let mut before = 0;
    for _ in 0..=LIFE + LIFE / 5 {
        for id in &ids {
            read(&region, id).await;
        }
        seconds.push(origin.loads() - before);
        before = origin.loads();
        clock.advance(Duration::from_secs(1));
    }
    println!("loads in each second: {seconds:?}");
    assert_eq!(seconds[0], KEYS);
    let reloads: u64 = seconds[1..].iter().sum();
    assert!(reloads >= KEYS, "every key was loaded again: {reloads}");
    let window = LIFE * 2 / 5;
    let most = seconds[1..].iter().max().copied().unwrap_or_default();
    assert!(most * window * 2 <= 3 * KEYS, "{most} in a second, of {KEYS} within {window} s");
}

/// Port call against port call. `cargo xtask bench` compares optimised builds; here it must hold as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_near_read_is_far_cheaper_than_one_from_redis() {
    let Some(url) = rig::server("SEGUE_TEST_REDIS") else { return };
    let redis = rig::redis(&url, 1000, SystemClock);
    redis.check().await.expect("Redis is there");
    let cache = Tiered::new(&CacheConfig::default(), Some(redis.clone()), Arc::new(SystemClock)).unwrap();
    let region = cache.region(Arc::<Versions>::default());
    region.trust();
    let id = segue_domain::SongId::new().to_string();
    read(&region, &id).await;
    let mut near: Vec<Duration> = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        for _ in 0..1000 {
            region.get(&id, 0).await.unwrap();
        }
        near.push(begun.elapsed() / 1000);
    }
    let mut far: Vec<Duration> = Vec::new();
    for _ in 0..200 {
        // Another process, which has nothing near.
        let cold = Tiered::new(&CacheConfig::default(), Some(redis.clone()), Arc::new(SystemClock)).unwrap();
        let cold = cold.region(Arc::<Versions>::default());
        cold.trust();
        let begun = Instant::now();
        cold.get(&id, 0).await.unwrap();
        far.push(begun.elapsed());
    }
    near.sort();
    far.sort();
    let (near, far) = (near[10], far[100]);
    println!("near {near:?}, redis {far:?}: {:.0} times", far.as_secs_f64() / near.as_secs_f64());
    assert!(far > near * 20, "near {near:?}, redis {far:?}");
}
