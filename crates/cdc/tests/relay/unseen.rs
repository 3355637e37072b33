//! Commits that are in the log, and wait for a synchronous standby before others see them.

use crate::{
    bus::Recorder,
    database::{SOURCES, commit, emit, on_postgres, run},
};
use sea_orm::sqlx;
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn a_fact_is_published_when_everybody_sees_what_it_tells_of() {
    for source in SOURCES {
        on_postgres(async |database| {
            let (bus, mut sql) = (Arc::<Recorder>::default(), database.sql().await);
            database.provision(source).await;
            let relay = database.start(&bus, source);
            let before = commit(&mut sql, "a", 1..2).await;
            bus.hears_all(&before).await;

            let mut slow = database.sql().await;
            run(&mut slow, "SET synchronous_commit = 'on'").await;
            let process = "SELECT pg_backend_pid()";
            let process: i32 = sqlx::query_scalar(process).fetch_one(&mut slow).await.unwrap();
            run(&mut slow, "BEGIN").await;
            let unseen = emit(&mut slow, "outbox", "a", 2).await;
            let ending = tokio::spawn(async move { run(&mut slow, "COMMIT").await });
            let waits = format!("SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = {process}");
            database.until("the commit waits for a standby", &waits).await;
            let table = format!("SELECT count(*) FROM outbox WHERE event_id = '{unseen}'");
            assert_eq!(database.number(&table).await, 0, "nobody sees it");
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert!(!bus.ids().contains(&unseen), "{source:?}: published before anybody sees it");

            database.number(&format!("SELECT count(pg_cancel_backend({process}))")).await;
            ending.await.unwrap();
            bus.hears_all([&unseen]).await;
            let after = commit(&mut sql, "a", 3..4).await;
            bus.hears_all(&after).await;
            assert_eq!(bus.first_heard()["a"], [before, vec![unseen], after].concat(), "{source:?}");
            relay.stop().await;
        })
        .await;
    }
}
