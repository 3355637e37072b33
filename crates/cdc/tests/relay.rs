//! Nothing that was committed is lost, whatever dies.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, Statement};
use segue_cdc::{Deps, Relay, RelayError};
use segue_domain::{EventId, ManualClock, SongId, SystemClock, Timestamp};
use segue_ports::bus::{Bus, BusError, DeadLetter, Listener, Message, WorkConsumer, WorkQueue};
use segue_proto::event::v1::Event;
use segue_store::{
    Outbox, Store,
    testing::{TestStore, stores},
};
use std::{
    cell::Cell,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Remembers what was published, and fails as often as it is told.
#[derive(Debug, Default)]
struct Recorder {
    heard: Mutex<Vec<Message>>,
    failures: Mutex<u32>,
}

impl Recorder {
    fn ids(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|message| message.id.clone()).collect()
    }

    async fn hears(&self, count: usize) {
        let enough = async {
            while self.heard.lock().unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), enough).await.expect("facts arrive in time");
    }
}

#[async_trait]
impl Bus for Recorder {
    async fn declare(&self, _: &WorkQueue) -> Result<(), BusError> {
        Ok(())
    }
    async fn publish(&self, messages: Vec<Message>) -> Result<(), BusError> {
        {
            let mut failures = self.failures.lock().unwrap();
            if *failures > 0 {
                *failures -= 1;
                return Err(BusError::unavailable("the bus is away"));
            }
        }
        self.heard.lock().unwrap().extend(messages);
        Ok(())
    }
    async fn consume(&self, _: &WorkQueue) -> Result<Box<dyn WorkConsumer>, BusError> {
        Err(BusError::Closed)
    }
    fn announce(&self, _: Message) {}
    async fn listen(&self, _: &[&str]) -> Result<Box<dyn Listener>, BusError> {
        Err(BusError::Closed)
    }
    async fn dead_letters(&self, _: &str) -> Result<Vec<DeadLetter>, BusError> {
        Ok(Vec::new())
    }
}

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

struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), RelayError>>,
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

fn start(store: &Store, bus: &Arc<Recorder>, crash: fn(&'static str)) -> Running {
    let shutdown = CancellationToken::new();
    let deps = Deps { store: store.clone(), bus: bus.clone(), clock: Arc::new(SystemClock), crash };
    let task = tokio::spawn(Relay::new(deps).run(shutdown.clone()));
    Running { shutdown, task }
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
    let last = bus.heard.lock().unwrap().last().unwrap().clone();
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
            assert!(relay.task.await.unwrap_err().is_panic(), "it was killed");
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
    *bus.failures.lock().unwrap() = 5;
    let mut ids = commit(&test.store, Outbox::Main, song, 1..4).await;
    let relay = start(&test.store, &bus, |_| ());
    tokio::time::sleep(Duration::from_millis(250)).await;
    ids.extend(commit(&test.store, Outbox::Main, song, 4..6).await);
    bus.hears(5).await;
    assert_eq!(bus.ids(), ids);
    assert_eq!(*bus.failures.lock().unwrap(), 0);
    relay.stop().await;
}

#[tokio::test]
async fn removes_old_published_facts_but_never_the_newest() {
    let (test, bus, song) = (sqlite().await, Arc::<Recorder>::default(), SongId::new());
    let clock = ManualClock::new(Timestamp::from_seconds(1_000));
    let run = |clock: &ManualClock| {
        let shutdown = CancellationToken::new();
        let clock = Arc::new(clock.clone());
        let deps = Deps { store: test.store.clone(), bus: bus.clone(), clock, crash: |_| () };
        Running { shutdown: shutdown.clone(), task: tokio::spawn(Relay::new(deps).run(shutdown)) }
    };
    commit(&test.store, Outbox::Main, song, 1..1201).await;
    let relay = run(&clock);
    bus.hears(1200).await;
    relay.stop().await;
    assert_eq!(count(&test.store, Outbox::Main).await, 1200, "young facts stay");

    clock.advance(Duration::from_secs(24 * 3600 + 1));
    // The bus is away at first: what is not published is not removed, however old.
    *bus.failures.lock().unwrap() = 1;
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
    let db = test.store.primaries()[0];
    db.execute_unprepared("DELETE FROM outbox WHERE sequence < 5").await.unwrap();
    db.execute_unprepared("UPDATE outbox SET rowid = 1").await.unwrap();
    let more = commit(&test.store, Outbox::Main, song, 6..7).await;
    let relay = start(&test.store, &bus, |_| ());
    bus.hears(7).await;
    assert_eq!(bus.ids().last(), more.last());
    relay.stop().await;
}

#[tokio::test]
async fn refuses_a_store_that_is_not_embedded() {
    for test in stores().await.into_iter().filter(|test| test.engine != "sqlite") {
        let started = start(&test.store, &Arc::default(), |_| ()).task.await.unwrap();
        assert!(matches!(started, Err(RelayError::NotEmbedded)));
    }
}
