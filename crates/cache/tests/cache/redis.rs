//! What only Redis can do wrong: be slow, be gone, lie.

use crate::rig::{self, Server, Versions, read};
use bytes::Bytes;
use fred::{
    clients::Client,
    interfaces::{ClientLike, KeysInterface},
    types::{Builder, CustomCommand, config::Config},
};
use segue_cache::{CacheConfig, Redis, RedisConfig, RedisUrl, Tiered};
use segue_domain::{SongId, SystemClock};
use segue_ports::cache::{Cache, Region};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

struct World {
    redis: Redis,
    region: Arc<dyn Region>,
    origin: Arc<Versions>,
}

/// A process; its timeout is generous unless a test is about time.
async fn process(url: &RedisUrl, timeout_ms: u64) -> World {
    on(rig::redis(url, timeout_ms, SystemClock))
}

fn on(redis: Redis) -> World {
    let cache = Tiered::new(&CacheConfig::default(), Some(redis.clone()), Arc::new(SystemClock)).unwrap();
    let origin = Arc::<Versions>::default();
    let region = cache.region(origin.clone());
    region.trust();
    World { redis, region, origin }
}

async fn connected(url: &RedisUrl, timeout_ms: u64) -> World {
    let world = process(url, timeout_ms).await;
    world.redis.check().await.expect("Redis is there");
    world
}

async fn raw(server: &Server) -> Client {
    let client = Builder::from_config(Config::from_url(&server.plain_url()).unwrap()).build().unwrap();
    client.init().await.unwrap();
    client
}

fn fresh() -> String {
    SongId::new().to_string()
}

fn key(id: &str) -> String {
    format!("segue:e:{{test.1:{id}}}")
}

/// Waits for something that the processes do in the background.
async fn soon(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !done().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_another_version_or_with_flipped_bits_is_a_miss_and_heals() {
    let Some(server) = Server::start().await else { return };
    let client = raw(&server).await;
    let first = connected(&server.url(), 1000).await;
    let id = fresh();
    first.origin.set(&id, 3);
    assert_eq!(read(&first.region, &id).await, 3);
    soon("the value is shared", async || client.exists::<u64, _>(key(&id)).await.unwrap() == 1).await;
    let good: Bytes = client.get(key(&id)).await.unwrap();

    let mut bad: Vec<Vec<u8>> = vec![b"another program's".to_vec(), Vec::new(), vec![0; 4000]];
    let mut newer = good.to_vec();
    newer[1] += 1;
    bad.push(newer);
    bad.extend([2, 3, 9, 12, 25, 33, good.len() - 1].map(|at| {
        let mut flipped = good.to_vec();
        flipped[at] ^= 0x80;
        flipped
    }));
    bad.push(good[..good.len() - 1].to_vec());
    for value in bad {
        let () = client.set(key(&id), Bytes::from(value.clone()), None, None, false).await.unwrap();
        let other = connected(&server.url(), 1000).await;
        other.origin.set(&id, 3);
        assert_eq!(read(&other.region, &id).await, 3, "{value:?}");
        assert_eq!(other.origin.loads(), 1, "{value:?}");
        let healed = async || {
            let now: Bytes = client.get::<Option<Bytes>, _>(key(&id)).await.unwrap().unwrap_or_default();
            now.len() == good.len() && now[..11] == good[..11] && now[31..35] == good[31..35]
        };
        soon("the value is replaced", healed).await;
        other.redis.close().await;
    }
    // A good head around something that the role cannot read.
    let wrong = connected(&server.url(), 1000).await;
    assert_eq!(read(&wrong.region, &id).await, 3);
    assert_eq!(wrong.origin.loads(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starts_without_redis_and_finds_it_later() {
    let Some(mut server) = Server::start().await else { return };
    server.kill();
    let world = process(&server.url(), 4).await;
    assert!(matches!(world.redis.check().await, Err(segue_cache::Error::Unavailable(_))));
    assert_eq!(read(&world.region, &fresh()).await, 1);
    server.restart().await;
    let client = raw(&server).await;
    let shared = async || {
        let id = fresh();
        read(&world.region, &id).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        client.exists::<u64, _>(key(&id)).await.unwrap() == 1
    };
    soon("Redis is used", shared).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_redis_costs_at_most_five_milliseconds_a_read() {
    let Some(server) = Server::start().await else { return };
    let world = connected(&server.url(), 4).await;
    for _ in 0..20 {
        read(&world.region, &fresh()).await;
    }
    server.signal("-STOP");
    let mut times = Vec::new();
    for _ in 0..100 {
        let begun = Instant::now();
        assert_eq!(read(&world.region, &fresh()).await, 1);
        times.push(begun.elapsed());
    }
    times.sort();
    println!(
        "reads while Redis is stopped: p50 {:?}, p90 {:?}, longest {:?}",
        times[50], times[90], times[99]
    );
    assert!(times[50] < Duration::from_millis(2), "the breaker refuses: {times:?}");
    // A busy machine may add to any single one.
    assert!(times[95] < Duration::from_millis(9), "{times:?}");

    // A change while it is stopped reaches it when it is back, before it is read again.
    let id = fresh();
    server.signal("-CONT");
    soon("Redis is used again", async || shares(&world, &server).await).await;
    read(&world.region, &id).await;
    server.signal("-STOP");
    for _ in 0..30 {
        read(&world.region, &fresh()).await;
    }
    world.region.invalidate(&id, 2).await;
    server.signal("-CONT");
    let client = raw(&server).await;
    let floor = async || {
        let value: Option<Bytes> = client.get(key(&id)).await.unwrap();
        value.is_some_and(|value| value[2] == 3)
    };
    soon("the floor is raised", floor).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_granted_too_late_is_given_back() {
    let Some(server) = Server::start().await else { return };
    let client = raw(&server).await;
    let config = RedisConfig { url: server.url(), timeout_ms: 100, lease_ms: 3_600_000 };
    let world = on(Redis::connect(&config, Arc::new(SystemClock)).unwrap());
    world.redis.check().await.expect("Redis is there");
    soon("Redis is used", async || shares(&world, &server).await).await;

    let id = fresh();
    // Scripts wait, and reads do not.
    let pause = ["PAUSE", "400", "WRITE"].map(str::to_owned).to_vec();
    let command = CustomCommand::new_static("CLIENT", None::<u16>, false);
    let () = client.custom(command, pause).await.unwrap();
    assert_eq!(read(&world.region, &id).await, 1);
    // Waits for the end of the pause, behind what the process wants.
    let () = client.set("last", 1, None, None, false).await.unwrap();
    let lease = format!("segue:l:{{test.1:{id}}}");
    soon("the lease is free", async || client.exists::<u64, _>(&lease).await.unwrap() == 0).await;
}

async fn shares(world: &World, server: &Server) -> bool {
    let client = raw(server).await;
    let id = fresh();
    read(&world.region, &id).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let shared = client.exists::<u64, _>(key(&id)).await.unwrap() == 1;
    client.quit().await.unwrap();
    shared
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_redis_makes_reads_slower_and_never_wrong() {
    let Some(mut server) = Server::start().await else { return };
    let (one, two) = (connected(&server.url(), 50).await, connected(&server.url(), 50).await);
    let id = fresh();
    assert_eq!((read(&one.region, &id).await, read(&two.region, &id).await), (1, 1));
    server.kill();
    for n in 0..200_u64 {
        one.origin.set(&id, 2 + n);
        one.region.invalidate(&id, 2 + n).await;
        assert_eq!(read(&one.region, &id).await, 2 + n);
        assert_eq!(read(&one.region, &fresh()).await, 1);
    }
    server.restart().await;
    soon("Redis is used again", async || shares(&one, &server).await).await;
    assert_eq!(read(&one.region, &id).await, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_stored_before_redis_was_lost_is_asked_for_again() {
    let Some(mut server) = Server::start().await else { return };
    let (one, two) = (connected(&server.url(), 1000).await, connected(&server.url(), 1000).await);
    let id = fresh();
    read(&one.region, &id).await;
    let client = raw(&server).await;
    soon("the value is shared", async || client.exists::<u64, _>(key(&id)).await.unwrap() == 1).await;
    let old: Bytes = client.get(key(&id)).await.unwrap();
    client.quit().await.unwrap();
    server.kill();
    // Both must notice.
    for world in [&one, &two] {
        soon("it is noticed", async || {
            read(&world.region, &fresh()).await;
            world.redis.check().await.is_err()
        })
        .await;
    }
    server.restart().await;
    // As a replica would have it that missed the last writes.
    let client = raw(&server).await;
    let () = client.set(key(&id), old, None, None, false).await.unwrap();
    two.origin.set(&id, 2);
    soon("Redis is used again", async || shares(&two, &server).await).await;
    assert_eq!(read(&two.region, &id).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_told_from_no_answer() {
    let Some(server) = Server::start().await else { return };
    let client = raw(&server).await;
    let _: () = client
        .custom(CustomCommand::new_static("CONFIG", None::<u16>, false), vec!["SET", "requirepass", "right"])
        .await
        .unwrap();
    let with = async |password: &str| {
        let url = server.plain_url().replace("://", &format!("://:{password}@"));
        let config = RedisConfig { url: RedisUrl::new(url), ..RedisConfig::default() };
        let redis = Redis::connect(&config, Arc::new(SystemClock)).unwrap();
        let checked = redis.check().await;
        redis.close().await;
        checked
    };
    with("right").await.expect("it is let in");
    let refused = with("wrong").await.expect_err("it is not");
    assert!(matches!(refused, segue_cache::Error::Refused(_)), "{refused:?}");
    assert!(!refused.to_string().contains("wrong\"") && refused.to_string().contains("cache.redis.url"));
}
