//! The port's suite.

use crate::rig::{self, Process};
use segue_cache::{Redis, RedisUrl};
use segue_domain::ManualClock;
use segue_ports::{
    cache::Cache,
    contract::cache::{self, Engine},
};
use std::sync::Arc;

struct Tested {
    redis: Option<RedisUrl>,
    clock: ManualClock,
}

impl Engine for Tested {
    fn process(&self) -> Arc<dyn Cache> {
        let redis = self.redis.as_ref().map(|url| rig::redis(url, 1000, self.clock.clone()));
        let config = rig::config(cache::LIFE, cache::ABSENT, cache::STALE);
        Arc::new(Process::new(&config, redis, self.clock.clone()))
    }
    fn shares(&self) -> bool {
        self.redis.is_some()
    }
}

async fn run(redis: Option<RedisUrl>) {
    let make = |clock: ManualClock| -> futures::future::BoxFuture<'static, Box<dyn Engine>> {
        let redis = redis.clone();
        Box::pin(async move {
            if let Some(url) = &redis {
                rig::redis(url, 1000, clock.clone()).check().await.expect("Redis is there");
            }
            Box::new(Tested { redis, clock }) as Box<dyn Engine>
        })
    };
    cache::run(make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded() {
    run(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_redis() {
    if let Some(url) = rig::server("SEGUE_TEST_REDIS") {
        run(Some(url)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster() {
    if let Some(url) = rig::server("SEGUE_TEST_REDIS_CLUSTER") {
        run(Some(url)).await;
    }
}

#[tokio::test]
async fn a_configuration_that_cannot_work_names_its_key() {
    let clock: Arc<dyn segue_domain::Clock> = Arc::new(segue_domain::SystemClock);
    let wrong = |url: &str, timeout_ms| {
        let url = RedisUrl::new(url);
        let config = segue_cache::RedisConfig { url, timeout_ms, ..Default::default() };
        Redis::connect(&config, clock.clone()).expect_err("it cannot work").to_string()
    };
    for url in ["", "localhost", "http://localhost", "redis-sentinel://localhost:1"] {
        assert!(wrong(url, 4).starts_with("cache.redis.url must be "), "{url:?}: {}", wrong(url, 4));
    }
    assert!(wrong("redis://localhost", 0).starts_with("cache.redis.timeout_ms must be "));
}
