//! A group that Patroni leads: the store is told of one replica and finds the rest.

use super::number;
use sea_orm::ConnectionTrait;
use segue_domain::SongId;
use segue_store::{DatabaseUrl, ShardKey, Store, StoreConfig, testing::patroni::Group};
use serde_json::Value;
use std::time::{Duration, Instant};

fn find<'a>(members: &'a [Value], role: &str) -> &'a Value {
    members.iter().find(|m| m["role"] == role).expect("the group has a leader and replicas")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patroni_names_the_members_and_the_leader_and_a_switchover_loses_no_write() {
    let Ok(agents) = std::env::var("SEGUE_TEST_PATRONI") else {
        eprintln!("SEGUE_TEST_PATRONI is not set: a group that Patroni leads is not tested here");
        return;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let group = Group::new(&agents);
    let before = group.members().await;
    let replica = find(&before, "replica");
    let url = format!(
        "postgres://postgres@{}:{}/postgres?sslmode=disable",
        replica["host"].as_str().unwrap(),
        replica["port"]
    );
    let config = StoreConfig {
        patroni: group.agents.clone(),
        retry_ms: 30_000,
        ..StoreConfig::new(DatabaseUrl::new(url))
    };
    let store = Store::connect(&config).await.unwrap();
    let shard = ShardKey::from(SongId::new());

    // Only the replica is configured; the primary and the other replica are found.
    let write = async |sql: String| {
        store.retry(|| async { Ok(store.primary(&shard).execute_unprepared(&sql).await.map(drop)?) }).await
    };
    let table = format!("failover_{}", std::process::id());
    write(format!("CREATE TABLE IF NOT EXISTS {table} (n BIGINT PRIMARY KEY)")).await.unwrap();
    let mut ports = Vec::new();
    for _ in 0..4 {
        let asked = store
            .read(|| async { number(&store.reader(&shard), "SELECT inet_server_port()::bigint AS n").await });
        ports.push(asked.await.unwrap());
    }
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 2, "reads go to both replicas in turn: {ports:?}");

    let leader = find(&before, "leader")["name"].clone();
    let asked = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        group.switch_over(&leader).await;
    };
    let written = async {
        let (start, mut longest, mut n) = (Instant::now(), Duration::ZERO, 0_u32);
        while start.elapsed() < Duration::from_secs(15) {
            let one = Instant::now();
            write(format!("INSERT INTO {table} VALUES ({n}) ON CONFLICT DO NOTHING")).await.unwrap();
            longest = longest.max(one.elapsed());
            n += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        (n, longest)
    };
    let ((n, longest), ()) = tokio::join!(written, asked);
    eprintln!("{n} writes over a switchover, the longest took {longest:?}");
    let after = group.members().await;
    assert_ne!(find(&after, "leader")["name"], leader);
    let count = number(&store.primary(&shard), &format!("SELECT COUNT(*) AS n FROM {table}")).await.unwrap();
    assert_eq!(count, i64::from(n), "every acknowledged write is there");
    write(format!("DROP TABLE {table}")).await.unwrap();
}
