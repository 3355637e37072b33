//! The embedded store.

use crate::{bus::Recorder, running::Running};
use sea_orm::{ConnectionTrait, Statement};
use segue_cdc::{Deps, Relay, RelayError};
use segue_domain::{Clock, EventId, ManualClock, SongId, SystemClock, Timestamp};
use segue_proto::event::v1::Event;
use segue_store::{
    Outbox, Store,
    testing::{TestStore, stores},
};
use std::{
    cell::Cell,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

async fn sqlite() -> TestStore {
    stores().await.remove(0)
}

/// Commits facts of a song; returns their ids.
async fn commit(store: &Store, outbox: Outbox, song: SongId, versions: std::ops::Range<u64>) -> Vec<String> {
    let mut ids = Vec::new();
    for sequence in versions {
        let event = Event {
            id: EventId::new().to_string(),
            r#type: "song.updated.v1".into(),
            subject: song.to_string(),
            sequence,
            time: Some(prost_types::Timestamp { seconds: 1_000, nanos: 0 }),
            ..Default::default()
        };
        ids.push(event.id.clone());
        let mut transaction = store.begin(song.into()).await.unwrap();
        transaction.emit(outbox, event).await.unwrap();
        transaction.commit().await.unwrap();
    }
    ids
}

fn start(store: &Store, bus: &Arc<Recorder>, crash: fn(&'static str)) -> Running {
    start_at(store, bus, Arc::new(SystemClock), crash)
}

fn start_at(store: &Store, bus: &Arc<Recorder>, clock: Arc<dyn Clock>, crash: fn(&'static str)) -> Running {
    Running::new(Relay::new(Deps { store: store.clone(), bus: bus.clone(), clock, crash }))
}

async fn count(store: &Store, outbox: Outbox) -> i64 {
    let sql = format!("SELECT count(*) AS n FROM {}", outbox.table());
    let row = store.primaries()[0].query_one_raw(Statement::from_string(store.backend(), sql)).await;
    row.unwrap().unwrap().try_get("", "n").unwrap()
}

#[tokio::test]
async fn publishes_both_outboxes_in_the_order_of_commits() {
    let (test, bus, song) = (sqlite().await, Arc::<Recorder>::default(), SongId::new());
    let before = commit(&test.store, Outbox::Main, song, 1..301).await;
    let relay = start(&test.store, &bus, |_| ());
    bus.hears(300).await;
    let after = commit(&test.store, Outbox::Main, song, 301..303).await;
    bus.hears(302).await;
    assert_eq!(bus.ids(), [before, after].concat());
    let last = bus.last();
    assert_eq!((last.topic.as_str(), last.key), ("song.updated.v1", song.to_string()));
    let identity = commit(&test.store, Outbox::Identity, song, 1..2).await;
    bus.hears(303).await;
    assert_eq!(bus.ids().last(), identity.last());
    relay.stop().await;

    let relay = start(&test.store, &bus, |_| ());
    let more = commit(&test.store, Outbox::Main, song, 303..304).await;
    bus.hears(304).await;
    assert_eq!(bus.ids()[303..], more, "what was published is not published again");
    relay.stop().await;
}

thread_local! {
    /// Deaths that are still to come.
    static DEATHS: Cell<u32> = const { Cell::new(0) };
}

fn die_when_published(point: &'static str) {
    if point == "relay-published" && DEATHS.get() > 0 {
        DEATHS.set(DEATHS.get() - 1);
        panic!("killed");
    }
}

#[tokio::test]
async fn repeats_but_loses_nothing_when_killed_before_it_remembers() {
    let (test, bus, songs) = (sqlite().await, Arc::<Recorder>::default(), [SongId::new(), SongId::new()]);
    let mut ids = Vec::new();
    DEATHS.set(2);
    for round in 0..3 {
        for song in songs {
            ids.extend(commit(&test.store, Outbox::Main, song, round * 3 + 1..round * 3 + 4).await);
        }
        let relay = start(&test.store, &bus, die_when_published);
        if round < 2 {
            assert!(relay.ended().await.unwrap_err().is_panic(), "it was killed");
        } else {
            bus.hears(6 + 12 + 18).await;
            relay.stop().await;
        }
    }
    let heard = bus.ids();
    assert_eq!(heard.len(), 36, "rounds one and two were not remembered");
    assert_eq!(heard[18..], ids, "all of it, in order, after the last death");
}

#[tokio::test]
async fn waits_for_a_bus_that_is_away_and_skips_nothing() {
    let (test, bus, song) = (sqlite().await, Arc::<Recorder>::default(), SongId::new());
    bus.failures.store(5, Ordering::SeqCst);
    let mut ids = commit(&test.store, Outbox::Main, song, 1..4).await;
    let relay = start(&test.store, &bus, |_| ());
    tokio::time::sleep(Duration::from_millis(250)).await;
    ids.extend(commit(&test.store, Outbox::Main, song, 4..6).await);
    bus.hears(5).await;
    assert_eq!(bus.ids(), ids);
    assert_eq!(bus.failures.load(Ordering::SeqCst), 0);
    relay.stop().await;
}

#[tokio::test]
async fn removes_old_published_facts_but_never_the_newest() {
    let (test, bus, song) = (sqlite().await, Arc::<Recorder>::default(), SongId::new());
    let clock = ManualClock::new(Timestamp::from_seconds(1_000));
    let run = |clock: &ManualClock| start_at(&test.store, &bus, Arc::new(clock.clone()), |_| ());
    commit(&test.store, Outbox::Main, song, 1..1201).await;
    let relay = run(&clock);
    bus.hears(1200).await;
    relay.stop().await;
    assert_eq!(count(&test.store, Outbox::Main).await, 1200, "young facts stay");

    clock.advance(Duration::from_secs(24 * 3600 + 1));
    // The bus is away at first: what is not published is not removed, however old.
    bus.failures.store(1, Ordering::SeqCst);
    let late = commit(&test.store, Outbox::Main, song, 1201..1203).await;
    let relay = run(&clock);
    bus.hears(1202).await;
    let pruned = async {
        while count(&test.store, Outbox::Main).await > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), pruned).await.expect("old facts are removed");
    let more = commit(&test.store, Outbox::Main, song, 1203..1204).await;
    bus.hears(1203).await;
    assert_eq!(bus.ids()[1200..], [late, more].concat(), "positions are not used twice");
    relay.stop().await;
    assert_eq!(count(&test.store, Outbox::Main).await, 2);
}

#[tokio::test]
async fn publishes_again_rather_than_nothing_when_rows_were_numbered_anew() {
    let (test, bus, song) = (sqlite().await, Arc::<Recorder>::default(), SongId::new());
    commit(&test.store, Outbox::Main, song, 1..6).await;
    let relay = start(&test.store, &bus, |_| ());
    bus.hears(5).await;
    relay.stop().await;
    let db = &test.store.primaries()[0];
    db.execute_unprepared("DELETE FROM outbox WHERE sequence < 5").await.unwrap();
    db.execute_unprepared("UPDATE outbox SET rowid = 1").await.unwrap();
    let more = commit(&test.store, Outbox::Main, song, 6..7).await;
    let relay = start(&test.store, &bus, |_| ());
    bus.hears(7).await;
    assert_eq!(bus.ids().last(), more.last());
    relay.stop().await;
}

#[tokio::test]
async fn a_store_on_postgres_needs_to_name_its_servers() {
    for test in stores().await.into_iter().filter(|test| test.engine != "sqlite") {
        let ended = start(&test.store, &Arc::default(), |_| ()).ended().await.unwrap();
        assert!(matches!(ended, Err(RelayError::NoServers)));
    }
}
