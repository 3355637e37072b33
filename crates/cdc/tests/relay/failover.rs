//! The primary changes under the relay: a group that Patroni leads, when `SEGUE_TEST_PATRONI` names its agents, with
//! the permanent slot `segue_cdc` of database `segue`.

use crate::{bus::Recorder, database::emit, running::Running};
use sea_orm::sqlx::{self, Connection, PgConnection};
use segue_cdc::{CdcConfig, Database, Deps, Relay, Source};
use segue_domain::{EventId, SystemClock};
use segue_store::{DatabaseUrl, Store, StoreConfig, testing::patroni::Group};
use serde_json::Value;
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

fn url(member: &Value) -> String {
    format!("postgres://postgres@{}:{}/segue", member["host"].as_str().unwrap(), member["port"])
}

/// A connection to the primary of the moment.
async fn primary(urls: &[String]) -> PgConnection {
    loop {
        for url in urls {
            let tried = async {
                let mut sql = PgConnection::connect(url).await?;
                let standby: bool =
                    sqlx::query_scalar("SELECT pg_is_in_recovery()").fetch_one(&mut sql).await?;
                Ok::<_, sqlx::Error>((sql, standby))
            };
            if let Ok((sql, false)) = tried.await {
                return sql;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Commits facts over the change; returns the ids of those whose commit was acknowledged.
async fn write(urls: &[String], subject: &str) -> Vec<String> {
    let (mut sql, mut ids) = (primary(urls).await, Vec::new());
    let (begun, mut sequence) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(12) {
        sequence += 1;
        let id = EventId::new().to_string();
        let insert =
            sqlx::query("INSERT INTO outbox VALUES ($1, $1, $2, $3, 'song.updated.v1', '\\x01', NULL, 1)");
        match insert.bind(subject).bind(sequence).bind(&id).execute(&mut sql).await {
            Ok(_) => ids.push(id),
            // Whether it was committed is not known; its sequence is not used again.
            Err(_) => sql = primary(urls).await,
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_the_primary_changes() {
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment which group to use")]
    let Ok(agents) = std::env::var("SEGUE_TEST_PATRONI") else {
        eprintln!("SEGUE_TEST_PATRONI is not set: a change of the primary is not tested here");
        return;
    };
    let _ = tracing_subscriber::fmt().with_test_writer().try_init();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let group = Group::new(&agents);
    let before = group.members().await;
    let leader = before.iter().find(|member| member["role"] == "leader").expect("the group has a leader");
    let replica = before.iter().find(|member| member["role"] != "leader").expect("and a replica");
    let urls: Vec<String> = before.iter().map(url).collect();

    // Only a replica is named; Patroni tells of the others.
    let config =
        StoreConfig { patroni: group.agents.clone(), ..StoreConfig::new(DatabaseUrl::new(url(replica))) };
    let store = Store::connect(&config).await.unwrap();
    store.migrate_outbox().await.unwrap();
    let mut sql = primary(&urls).await;
    sqlx::raw_sql("TRUNCATE outbox, identity_outbox").execute(&mut sql).await.unwrap();
    let bus = Arc::<Recorder>::default();
    let deps = Deps { store, bus: bus.clone(), clock: Arc::new(SystemClock), crash: |_| () };
    let cdc = CdcConfig { source: Source::Replication, manage_slot: false, ..CdcConfig::default() };
    let relay = Relay::of_databases(deps, cdc, vec![Database::of_store(&config).unwrap()]).unwrap();
    relay.provision().await.unwrap();
    let relay = Running::new(relay);
    let first = emit(&mut sql, "outbox", &EventId::new().to_string(), 1).await;
    bus.hears_all([&first]).await;

    let switched = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        group.switch_over(&leader["name"]).await;
    };
    let subjects = [(); 3].map(|()| EventId::new().to_string());
    let writers = futures::future::join_all(subjects.iter().map(|subject| write(&urls, subject)));
    let (written, ()) = tokio::join!(writers, switched);
    bus.hears_all(written.iter().flatten()).await;
    let heard = bus.first_heard();
    for (subject, ids) in subjects.iter().zip(&written) {
        let acknowledged: HashSet<&String> = ids.iter().collect();
        let heard: Vec<&String> = heard[subject].iter().filter(|id| acknowledged.contains(id)).collect();
        assert_eq!(heard, ids.iter().collect::<Vec<_>>(), "in order");
    }
    let count: usize = written.iter().map(Vec::len).sum();
    println!("{count} facts over a switchover, {} repeats", bus.count() - count - 1);
    let after = group.members().await;
    let now = after.iter().find(|member| member["role"] == "leader").expect("the group has a leader");
    assert_ne!(now["name"], leader["name"]);
    relay.stop().await;
}
