//! The log does not pile up, and old published rows go.

use crate::{
    bus::Recorder,
    database::{commit, on_postgres, run},
};
use segue_cdc::Source;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

#[tokio::test]
async fn log_without_facts_is_confirmed_too() {
    on_postgres(async |database| {
        let bus = Arc::<Recorder>::default();
        database.provision(Source::Replication).await;
        let relay = database.start(&bus, Source::Replication);
        database.until_slot_is_read().await;
        let mut sql = database.sql().await;
        run(&mut sql, "CREATE TABLE other (n BIGINT)").await;
        run(&mut sql, "INSERT INTO other SELECT generate_series(1, 50000)").await;
        let head = database.number("SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint").await;
        let confirmed = format!(
            "SELECT confirmed_flush_lsn - '0/0'::pg_lsn >= {head} FROM pg_replication_slots \
             WHERE slot_name = current_database()"
        );
        database.until("the log is confirmed", &confirmed).await;
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn removes_old_published_facts_and_no_others() {
    on_postgres(async |database| {
        let bus = Arc::<Recorder>::default();
        database.provision(Source::Replication).await;
        let mut sql = database.sql().await;
        commit(&mut sql, "young", 1..11).await;
        let old = "INSERT INTO outbox SELECT 's' || n % 7, 's' || n % 7, n, 'e' || n, 'song.updated.v1', '\\x01', \
                   NULL, (extract(epoch FROM now()) * 1000)::bigint - 86401000 FROM generate_series(1, 2000) n";
        run(&mut sql, old).await;
        // While the bus is away, nothing is published, however old.
        bus.failures.store(1_000, Ordering::SeqCst);
        let relay = database.start(&bus, Source::Replication);
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(database.number("SELECT count(*) FROM outbox").await, 2010);
        bus.failures.store(0, Ordering::SeqCst);
        database.until("old facts are removed", "SELECT count(*) = 10 FROM outbox").await;
        assert_eq!(bus.first_heard().values().map(Vec::len).sum::<usize>(), 2010);
        assert_eq!(database.number("SELECT count(*) FROM outbox WHERE subject = 'young'").await, 10);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn polling_leaves_no_published_row() {
    on_postgres(async |database| {
        let bus = Arc::<Recorder>::default();
        let relay = database.start(&bus, Source::Polling);
        let mut sql = database.sql().await;
        let ids = commit(&mut sql, "a", 1..600).await;
        bus.hears_all(&ids).await;
        database.until("the table is empty", "SELECT count(*) = 0 FROM outbox").await;
        relay.stop().await;
    })
    .await;
}
