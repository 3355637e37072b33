//! What holds for every source of PostgreSQL.

use crate::{
    bus::Recorder,
    database::{SOURCES, commit, emit, on_postgres, run},
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

#[tokio::test]
async fn publishes_both_outboxes_and_nothing_twice_after_a_stop_in_good_order() {
    for source in SOURCES {
        on_postgres(async |database| {
            let (bus, mut sql) = (Arc::<Recorder>::default(), database.sql().await);
            let before = commit(&mut sql, "a", 1..301).await;
            let relay = database.start(&bus, source);
            bus.hears(300).await;
            let after = commit(&mut sql, "a", 301..303).await;
            bus.hears_all(&after).await;
            assert_eq!(bus.first_heard()["a"], [before, after].concat(), "{source:?}");
            let last = bus.last();
            assert_eq!((last.topic.as_str(), &last.payload[..]), ("song.updated.v1", &[0, 255, 16][..]));
            let identity = emit(&mut sql, "identity_outbox", "u", 1).await;
            bus.hears_all([&identity]).await;
            relay.stop().await;

            let heard = bus.count();
            let more = commit(&mut sql, "a", 303..305).await;
            let relay = database.start(&bus, source);
            bus.hears_all(&more).await;
            assert_eq!(bus.ids()[heard..], more, "{source:?}: what was published is not published again");
            relay.stop().await;
        })
        .await;
    }
}

#[tokio::test]
async fn waits_for_a_bus_that_is_away_and_skips_nothing() {
    for source in SOURCES {
        on_postgres(async |database| {
            let (bus, mut sql) = (Arc::<Recorder>::default(), database.sql().await);
            database.provision(source).await;
            let relay = database.start(&bus, source);
            bus.failures.store(5, Ordering::SeqCst);
            let mut ids = commit(&mut sql, "a", 1..4).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            ids.extend(commit(&mut sql, "a", 4..6).await);
            bus.hears_all(&ids).await;
            assert_eq!(bus.first_heard()["a"], ids);
            assert_eq!(bus.failures.load(Ordering::SeqCst), 0);
            relay.stop().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_fact_that_is_committed_late_is_not_jumped_over() {
    for source in SOURCES {
        on_postgres(async |database| {
            let (bus, mut late, mut sql) =
                (Arc::<Recorder>::default(), database.sql().await, database.sql().await);
            database.provision(source).await;
            let relay = database.start(&bus, source);
            run(&mut late, "BEGIN").await;
            let first = emit(&mut late, "outbox", "a", 1).await;
            run(&mut late, "SAVEPOINT inner_one").await;
            let second = emit(&mut late, "outbox", "a", 2).await;
            let others = commit(&mut sql, "b", 1..400).await;
            bus.hears_all(&others).await;
            assert!(!bus.ids().contains(&first), "{source:?}: it is not committed");
            run(&mut late, "COMMIT").await;
            bus.hears_all([&first, &second]).await;
            run(&mut late, "BEGIN").await;
            let undone = emit(&mut late, "outbox", "a", 3).await;
            run(&mut late, "ROLLBACK").await;
            let last = commit(&mut sql, "a", 3..4).await;
            bus.hears_all(&last).await;
            assert!(!bus.ids().contains(&undone), "{source:?}: it never happened");
            relay.stop().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_large_transaction_is_published_in_parts() {
    for source in SOURCES {
        on_postgres(async |database| {
            let (bus, mut sql) = (Arc::<Recorder>::default(), database.sql().await);
            database.provision(source).await;
            let relay = database.start(&bus, source);
            let insert = "INSERT INTO outbox SELECT 's' || n % 7, 's' || n % 7, n, 'e' || n, 'song.updated.v1', \
                          '\\x01', NULL, 1 FROM generate_series(1, 5000) n ORDER BY n";
            run(&mut sql, insert).await;
            let ids: Vec<String> = (1..=5000).map(|n| format!("e{n}")).collect();
            bus.hears_all(&ids).await;
            assert!(bus.largest.load(Ordering::SeqCst) <= 256, "{source:?}");
            for (subject, heard) in bus.first_heard() {
                let numbers: Vec<u32> = heard.iter().map(|id| id[1..].parse().unwrap()).collect();
                assert!(numbers.is_sorted(), "{source:?}: {subject} is in order");
            }
            relay.stop().await;
        })
        .await;
    }
}
