//! A slot that is gone is made again, and the facts between are found in the tables.

use crate::{
    bus::Recorder,
    database::{TestDatabase, commit, on_postgres, run},
    running::Running,
};
use sea_orm::sqlx;
use segue_cdc::{CdcConfig, Source};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

const SOURCE: Source = Source::Replication;

/// Publishes `1..=count` of subject "old", until that is remembered.
async fn published(database: &TestDatabase, bus: &Arc<Recorder>, count: i64) -> Vec<String> {
    database.provision(SOURCE).await;
    let relay = database.start(bus, SOURCE);
    database.until_slot_is_read().await;
    let mut sql = database.sql().await;
    let ids = commit(&mut sql, "old", 1..count + 1).await;
    bus.hears_all(&ids).await;
    let newest = "SELECT horizon > (SELECT max(xmin::text::bigint) FROM outbox) FROM relay_published";
    database.until("the horizon is remembered", newest).await;
    relay.stop().await;
    ids
}

#[tokio::test]
async fn a_dropped_slot_is_made_again_and_what_it_missed_is_published() {
    on_postgres(async |database| {
        let bus = Arc::<Recorder>::default();
        published(database, &bus, 50).await;
        let mut sql = database.sql().await;
        let mut missed = commit(&mut sql, "old", 51..54).await;
        database.drop_slot().await;
        missed.extend(commit(&mut sql, "new", 1..700).await);

        let heard = bus.count();
        let relay = database.start(&bus, SOURCE);
        bus.hears_all(&missed).await;
        missed.extend(commit(&mut sql, "new", 700..705).await);
        bus.hears_all(&missed).await;
        relay.stop().await;
        assert_eq!(bus.first_heard()["new"], missed[3..]);
        assert_eq!(bus.count() - heard, missed.len(), "what was remembered is not published again");
    })
    .await;
}

#[tokio::test]
async fn a_relay_that_dies_while_it_closes_a_gap_begins_again() {
    on_postgres(async |database| {
        let bus = Arc::<Recorder>::default();
        published(database, &bus, 5).await;
        database.drop_slot().await;
        let mut sql = database.sql().await;
        let missed = commit(&mut sql, "new", 1..1500).await;
        for _ in 0..4 {
            let enough = bus.count() + 300;
            bus.full.store(enough, Ordering::SeqCst);
            let relay = database.start(&bus, SOURCE);
            bus.hears(enough).await;
            relay.kill().await;
        }
        bus.full.store(0, Ordering::SeqCst);
        // The slot is there and whole; only what was written down tells that something is missing.
        database.drop_slot().await;
        database.provision(SOURCE).await;
        let relay = database.start(&bus, SOURCE);
        bus.hears_all(&missed).await;
        assert_eq!(bus.first_heard()["new"], missed);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_slot_that_is_dropped_while_it_is_read_is_made_again() {
    on_postgres(async |database| {
        let bus = Arc::<Recorder>::default();
        database.provision(SOURCE).await;
        let relay = database.start(&bus, SOURCE);
        let mut sql = database.sql().await;
        let mut ids = Vec::new();
        for round in 0..3 {
            database.until_slot_is_read().await;
            ids.extend(commit(&mut sql, "a", round * 20 + 1..round * 20 + 11).await);
            database.cut_stream().await;
            database.drop_slot().await;
            ids.extend(commit(&mut sql, "a", round * 20 + 11..round * 20 + 21).await);
        }
        bus.hears_all(&ids).await;
        assert_eq!(bus.first_heard()["a"], ids);
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_slot_that_someone_else_makes_is_waited_for_and_its_gap_closed() {
    on_postgres(async |database| {
        let bus = Arc::<Recorder>::default();
        published(database, &bus, 5).await;
        database.drop_slot().await;
        let config = CdcConfig { manage_slot: false, ..database.config(SOURCE) };
        let relay = Running::new(database.relay(&bus, config));
        let mut sql = database.sql().await;
        let missed = commit(&mut sql, "new", 1..6).await;
        let noted = "SELECT gap FROM relay_published";
        database.until("the missing slot is written down", noted).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(
            database
                .number("SELECT count(*) FROM pg_replication_slots WHERE slot_name = current_database()")
                .await,
            0
        );
        // As Patroni does.
        let query = "SELECT pg_create_logical_replication_slot($1, 'pgoutput')";
        sqlx::query(query).bind(&database.name).execute(&mut sql).await.unwrap();
        bus.hears_all(&missed).await;
        relay.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_publication_that_is_gone_is_made_again_and_its_gap_closed() {
    on_postgres(async |database| {
        let bus = Arc::<Recorder>::default();
        published(database, &bus, 5).await;
        let mut sql = database.sql().await;
        let mut missed = commit(&mut sql, "new", 1..6).await;
        run(&mut sql, "DROP PUBLICATION segue_outbox").await;
        missed.extend(commit(&mut sql, "new", 6..10).await);
        let relay = database.start(&bus, SOURCE);
        bus.hears_all(&missed).await;
        missed.extend(commit(&mut sql, "new", 10..12).await);
        bus.hears_all(&missed).await;
        assert_eq!(bus.first_heard()["new"], missed);
        relay.stop().await;
    })
    .await;
}
