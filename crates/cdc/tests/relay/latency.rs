//! How long a committed fact takes to be published.

use crate::{
    bus::Recorder,
    database::{SOURCES, commit, on_postgres},
};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// Prints; on a shared machine a figure is no reason to fail, an order of magnitude is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_are_published_soon_after_their_commit() {
    for source in SOURCES {
        on_postgres(async |database| {
            let (bus, mut sql) = (Arc::<Recorder>::default(), database.sql().await);
            database.provision(source).await;
            let relay = database.start(&bus, source);
            let warm = commit(&mut sql, "warm", 1..20).await;
            bus.hears_all(&warm).await;
            let mut committed = HashMap::new();
            for n in 1..400 {
                let ids = commit(&mut sql, "a", n..n + 1).await;
                committed.extend(ids.into_iter().map(|id| (id, Instant::now())));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            bus.hears_all(committed.keys()).await;
            let heard = bus.heard.lock().unwrap().clone();
            let mut took: Vec<Duration> = heard
                .iter()
                .filter_map(|(at, message)| Some(at.saturating_duration_since(*committed.get(&message.id)?)))
                .collect();
            took.sort();
            let at = |percent: usize| took[took.len() * percent / 100];
            println!("{source:?}: commit to published p50 {:?}, p99 {:?}", at(50), at(99));
            assert!(at(50) < Duration::from_secs(1));
            relay.stop().await;
        })
        .await;
    }
}
