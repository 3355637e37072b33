//! One primary and one streaming replica, killed, stopped and promoted under a store that is never restarted.
#![allow(clippy::disallowed_methods, reason = "tests are told by the environment which server to use")]

mod patroni;
mod server;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use segue_domain::SongId;
use segue_store::{DatabaseUrl, ShardKey, Store, StoreConfig, StoreError};
use server::Server;
use std::time::{Duration, Instant};
use tempfile::TempDir;

struct World {
    store: Store,
    shard: ShardKey,
    primary: Server,
    replica: Server,
    _folder: TempDir,
}

async fn world(max_replica_lag_ms: u64) -> Option<World> {
    if !server::can_run() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let primary = Server::primary(folder.path()).await;
    let replica = primary.replica(folder.path()).await;
    let config = StoreConfig {
        urls: vec![DatabaseUrl::new(replica.url())],
        max_replica_lag_ms,
        ..StoreConfig::new(DatabaseUrl::new(primary.url()))
    };
    let store = Store::connect(&config).await.unwrap();
    let shard = ShardKey::from(SongId::new());
    let world = World { store, shard, primary, replica, _folder: folder };
    let db = world.store.primary(&world.shard);
    db.execute_unprepared("CREATE TABLE things (id BIGINT PRIMARY KEY, version BIGINT NOT NULL)")
        .await
        .unwrap();
    db.execute_unprepared("INSERT INTO things VALUES (1, 1)").await.unwrap();
    world.until(|w| async { w.near().await.unwrap_or(0) == 1 }).await;
    Some(world)
}

async fn number(db: &DatabaseConnection, sql: &str) -> Result<i64, StoreError> {
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await?;
    Ok(row.map(|row| row.try_get("", "n")).transpose()?.unwrap_or(0))
}

const VERSION: &str = "SELECT version AS n FROM things WHERE id = 1";

impl World {
    /// The version as a replica has it.
    async fn near(&self) -> Result<i64, StoreError> {
        self.store.read(|| async { number(&self.store.reader(&self.shard), VERSION).await }).await
    }

    /// The version for a caller who has seen `seen`.
    async fn seen(&self, seen: i64) -> Result<i64, StoreError> {
        let read = |db: DatabaseConnection| async move { number(&db, VERSION).await };
        self.store.read_through(&self.shard, read, |version| *version >= seen).await
    }

    /// Saying the version makes it safe to repeat.
    async fn write(&self, version: i64) -> Result<(), StoreError> {
        let sql = format!("UPDATE things SET version = {version} WHERE id = 1");
        self.store
            .retry(|| async { Ok(self.store.primary(&self.shard).execute_unprepared(&sql).await.map(drop)?) })
            .await
    }

    /// Which port answers.
    async fn port(&self, db: &DatabaseConnection) -> Result<i64, StoreError> {
        number(db, "SELECT inet_server_port()::bigint AS n").await
    }

    async fn reads_from(&self, port: u16) -> bool {
        let port = i64::from(port);
        self.port(&self.store.reader(&self.shard)).await.is_ok_and(|now| now == port)
    }

    async fn until<'a, F: Future<Output = bool> + 'a>(&'a self, done: impl Fn(&'a Self) -> F) {
        let start = Instant::now();
        while !done(self).await {
            assert!(start.elapsed() < Duration::from_secs(15), "it did not happen in 15 s");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_go_to_a_replica_and_to_the_primary_when_it_is_behind() {
    let Some(world) = world(2_500).await else { return };
    assert!(world.reads_from(world.replica.port).await);

    world.replica.ask("SELECT 1 AS n FROM pg_wal_replay_pause()").await.unwrap();
    world.write(2).await.unwrap();
    assert_eq!(world.near().await.unwrap(), 1, "who says nothing may read what was");
    assert_eq!(world.seen(1).await.unwrap(), 1);
    assert_eq!(world.seen(2).await.unwrap(), 2, "who has seen version 2 reads at least that");

    // The bound: nobody reads from it for longer, with a consistency token or without.
    let start = Instant::now();
    world.until(|w| async { w.near().await.unwrap() == 2 }).await;
    assert!(world.reads_from(world.primary.port).await);
    eprintln!("a paused replica was left after {:?} (bound: 2.5 s and two looks)", start.elapsed());
    assert!(start.elapsed() < Duration::from_millis(2_500 + 2 * 2_000));

    world.replica.ask("SELECT 1 AS n FROM pg_wal_replay_resume()").await.unwrap();
    world.until(|w| w.reads_from(w.replica.port)).await;
    assert_eq!(world.near().await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_go_on_while_the_replica_is_stopped_killed_and_back() {
    let Some(mut world) = world(10_000).await else { return };
    let longest = async |world: &World, time: Duration| {
        let (start, mut longest) = (Instant::now(), Duration::ZERO);
        while start.elapsed() < time {
            let one = Instant::now();
            assert_eq!(world.near().await.unwrap(), 1);
            longest = longest.max(one.elapsed());
        }
        longest
    };
    world.replica.pause();
    let stopped = longest(&world, Duration::from_secs(8)).await;
    assert!(world.reads_from(world.primary.port).await);
    world.replica.go_on();
    world.until(|w| w.reads_from(w.replica.port)).await;

    world.replica.kill();
    let killed = longest(&world, Duration::from_secs(3)).await;
    assert!(world.reads_from(world.primary.port).await);
    world.replica.start().await;
    world.until(|w| w.reads_from(w.replica.port)).await;
    eprintln!("longest read: {stopped:?} while the replica was stopped, {killed:?} when it was killed");
    assert!(stopped < Duration::from_secs(7) && killed < Duration::from_secs(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_go_on_after_a_failover_and_never_to_the_replaced_primary() {
    let Some(mut world) = world(10_000).await else { return };
    world.primary.kill();
    assert_eq!(world.near().await.unwrap(), 1, "a replica serves reads without a primary");
    assert_eq!(world.seen(1).await.unwrap(), 1);

    let start = Instant::now();
    let (written, promoted) =
        tokio::join!(world.write(2), world.replica.ask("SELECT 1 AS n FROM pg_promote()"));
    promoted.unwrap();
    written.unwrap();
    eprintln!("written {:?} after the promotion began", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(6));
    assert_eq!(world.port(&world.store.primary(&world.shard)).await.unwrap(), i64::from(world.replica.port));

    // It does not know that it was replaced, and says that it is a primary.
    world.primary.start().await;
    for version in 3..40 {
        world.write(version).await.unwrap();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let at = |row: sea_orm::QueryResult| row.try_get::<i64>("", "n").unwrap();
    assert_eq!(at(world.primary.ask(VERSION).await.unwrap()), 1);
    assert_eq!(at(world.replica.ask(VERSION).await.unwrap()), 39);
    assert_eq!(world.seen(39).await.unwrap(), 39);

    // And when the new one is silent, nothing goes to the old one either.
    world.replica.kill();
    let refused = world.write(40).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(at(world.primary.ask(VERSION).await.unwrap()), 1);
}
