//! A create whose commit is cut off is neither lost nor made twice.
#![allow(clippy::disallowed_methods, reason = "tests are told by the environment which server to use")]

mod proxy;

use proxy::{Fault, Proxy};
use sea_orm::{ConnectionTrait, Database, Statement};
use segue_domain::{EventId, SongId};
use segue_proto::event::v1::Event;
use segue_store::{DatabaseUrl, Outbox, Store, StoreConfig, StoreError};
use std::{
    cell::Cell,
    time::{Duration, Instant},
};

struct World {
    proxy: Proxy,
    store: Store,
    attempts: Cell<u32>,
}

/// A store behind a proxy; none, and a line that says so, when no server is there to be tested on.
async fn world() -> Option<World> {
    let Ok(server) = std::env::var("SEGUE_TEST_POSTGRES") else {
        eprintln!("SEGUE_TEST_POSTGRES is not set: lost answers to commits are not tested here");
        return None;
    };
    let name = format!("t{}", EventId::new().to_string().replace('-', ""));
    let admin = Database::connect(format!("{server}/postgres")).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    admin.close().await.unwrap();
    let (user, address) = server.trim_start_matches("postgres://").rsplit_once('@').unwrap();
    let proxy = Proxy::start(address.to_owned()).await.unwrap();
    let url = format!("postgres://{user}@{}/{name}?sslmode=disable", proxy.address);
    let store = Store::connect(&StoreConfig::new(DatabaseUrl::new(url))).await.unwrap();
    store.migrate_outbox().await.unwrap();
    let table = "CREATE TABLE test_things (id TEXT PRIMARY KEY)";
    store.primaries()[0].execute_unprepared(table).await.unwrap();
    Some(World { proxy, store, attempts: Cell::new(0) })
}

impl World {
    /// As repositories make rows: the row and its fact in one transaction, tried again while that is safe.
    async fn create(&self, id: SongId) -> Result<(), StoreError> {
        self.store.retry(|| self.create_once(id)).await
    }

    async fn create_once(&self, id: SongId) -> Result<(), StoreError> {
        self.attempts.set(self.attempts.get() + 1);
        let mut tx = self.store.begin(id.into()).await?;
        let insert = "INSERT INTO test_things (id) VALUES ($1)";
        let insert = Statement::from_sql_and_values(self.store.backend(), insert, [id.to_string().into()]);
        tx.connection().execute_raw(insert).await?;
        let event = Event {
            id: EventId::new().to_string(),
            r#type: "thing.created.v1".into(),
            subject: id.to_string(),
            sequence: 1,
            ..Default::default()
        };
        tx.emit(Outbox::Main, event).await?;
        tx.commit().await
    }

    async fn count(&self, table: &str) -> i64 {
        let sql = Statement::from_string(self.store.backend(), format!("SELECT COUNT(*) AS n FROM {table}"));
        let row = self.store.primaries()[0].query_one_raw(sql).await.unwrap();
        row.unwrap().try_get("", "n").unwrap()
    }

    async fn is_there_once(&self) {
        assert!(self.proxy.is_spent(), "the fault did not happen");
        assert_eq!((self.count("test_things").await, self.count("outbox").await), (1, 1));
    }
}

#[tokio::test]
async fn a_commit_that_was_made_is_found_and_not_made_again() {
    let Some(world) = world().await else { return };
    world.proxy.arm(Fault::CutAfter);
    world.create(SongId::new()).await.unwrap();
    assert_eq!(world.attempts.get(), 1);
    world.is_there_once().await;
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_made_again() {
    let Some(world) = world().await else { return };
    world.proxy.arm(Fault::CutBefore);
    world.create(SongId::new()).await.unwrap();
    assert_eq!(world.attempts.get(), 2);
    world.is_there_once().await;
}

#[tokio::test]
async fn a_commit_that_is_still_on_its_way_is_waited_for() {
    let Some(world) = world().await else { return };
    world.proxy.arm(Fault::Late);
    let start = Instant::now();
    world.create(SongId::new()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(400), "{:?}", start.elapsed());
    assert_eq!(world.attempts.get(), 1);
    world.is_there_once().await;
}

#[tokio::test]
async fn of_many_creates_with_lost_answers_each_is_there_once() {
    let Some(world) = world().await else { return };
    let ids: Vec<_> = (0..30).map(|_| SongId::new()).collect();
    for (n, id) in ids.iter().enumerate() {
        world.proxy.arm([Fault::CutBefore, Fault::CutAfter, Fault::None][n % 3]);
        world.create(*id).await.unwrap();
    }
    assert_eq!((world.count("test_things").await, world.count("outbox").await), (30, 30));
}

#[tokio::test]
async fn without_a_fact_nobody_knows() {
    let Some(world) = world().await else { return };
    world.proxy.arm(Fault::CutAfter);
    let tx = world.store.begin(SongId::new().into()).await.unwrap();
    tx.connection().execute_unprepared("INSERT INTO test_things (id) VALUES ('a')").await.unwrap();
    let lost = tx.commit().await;
    assert!(matches!(lost, Err(StoreError::Unknown(_))), "{lost:?}");
    assert_eq!(world.count("test_things").await, 1);
}

#[tokio::test]
async fn a_wrong_password_or_address_is_named_with_what_to_do() {
    let Some(world) = world().await else { return };
    world.store.close().await;
    let server = std::env::var("SEGUE_TEST_POSTGRES").unwrap();
    let connect = |url: String| async move {
        Store::connect(&StoreConfig::new(DatabaseUrl::new(url))).await.unwrap_err().to_string()
    };
    let error = connect("postgres://u:secret@127.0.0.1:1/d".into()).await;
    assert!(error.starts_with("store.url cannot be reached: 127.0.0.1:1"), "{error}");
    assert!(!error.contains("secret"), "{error}");
    let error = connect(format!("{server}/nothing_here")).await;
    assert!(error.starts_with("store.url names the database 'nothing_here'"), "{error}");
    let address = server.rsplit_once('@').unwrap().1;
    let error = connect(format!("postgres://nobody_here@{address}/postgres")).await;
    assert!(error.starts_with("store.url is not accepted"), "{error}");
    let start = Instant::now();
    let url = DatabaseUrl::new("postgres://u@127.0.0.1:1/d");
    Store::connect(&StoreConfig { wait_s: 1, ..StoreConfig::new(url) }).await.unwrap_err();
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn serving_is_refused_until_the_tables_are_made() {
    let Some(world) = world().await else { return };
    world.store.outbox_migrated().await.unwrap();
    world.store.primaries()[0].execute_unprepared("DROP TABLE store_migrations").await.unwrap();
    let error = world.store.outbox_migrated().await.unwrap_err().to_string();
    assert!(error.contains("tables of store") && error.contains("segue provision"), "{error}");
}

#[tokio::test]
async fn a_migration_lets_traffic_pass_while_it_waits_for_a_busy_table() {
    let Some(world) = world().await else { return };
    let store = &world.store;
    store.primaries()[0].execute_unprepared("DROP TABLE store_migrations, identity_outbox").await.unwrap();
    // An open transaction that has just made the same table.
    let busy = store.begin(SongId::new().into()).await.unwrap();
    busy.connection().execute_unprepared("CREATE TABLE identity_outbox (a INT)").await.unwrap();
    let (migrated, ()) = tokio::join!(store.migrate_outbox(), async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        world.create(SongId::new()).await.unwrap();
        busy.rollback().await.unwrap();
    });
    migrated.unwrap();
}
