//! One relay is active; another takes over.

use crate::{
    bus::Recorder,
    cut::Wire,
    database::{SOURCES, commit, on_postgres},
    running::Running,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

#[tokio::test]
async fn a_standby_takes_over_from_a_killed_relay() {
    for source in SOURCES {
        on_postgres(async |database| {
            let (first, second) = (Arc::<Recorder>::default(), Arc::<Recorder>::default());
            let mut sql = database.sql().await;
            database.provision(source).await;
            let active = database.start(&first, source);
            let ids = commit(&mut sql, "a", 1..4).await;
            first.hears_all(&ids).await;
            let standby = database.start(&second, source);
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            let ids = commit(&mut sql, "a", 4..8).await;
            first.hears_all(&ids).await;
            assert_eq!(second.count(), 0, "{source:?}: a standby is silent");

            active.kill().await;
            let begun = Instant::now();
            let ids = commit(&mut sql, "a", 8..12).await;
            second.hears_all(&ids).await;
            println!("{source:?}: took over from a killed relay in {:?}", begun.elapsed());
            assert!(begun.elapsed() < Duration::from_secs(5), "{source:?}");
            standby.stop().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_standby_takes_over_from_a_relay_that_was_cut_off_without_a_word() {
    for source in SOURCES {
        on_postgres(async |database| {
            let (first, second) = (Arc::<Recorder>::default(), Arc::<Recorder>::default());
            let mut sql = database.sql().await;
            database.provision(source).await;
            let wire = Wire::to(database.address()).await;
            let url = database.url().replace(&database.address(), &format!("127.0.0.1:{}", wire.port()));
            let active = Running::new(database.relay_through(&first, database.config(source), &[url]));
            let ids = commit(&mut sql, "a", 1..4).await;
            first.hears_all(&ids).await;
            let standby = database.start(&second, source);
            tokio::time::sleep(Duration::from_millis(1_000)).await;

            wire.cut();
            let begun = Instant::now();
            let ids = commit(&mut sql, "a", 4..8).await;
            second.hears_all(&ids).await;
            println!("{source:?}: took over from a relay that was cut off in {:?}", begun.elapsed());
            assert!(begun.elapsed() < Duration::from_secs(15), "{source:?}");
            assert_eq!(second.first_heard()["a"][second.first_heard()["a"].len() - 4..], ids);
            active.kill().await;
            standby.stop().await;
        })
        .await;
    }
}
