//! A PostgreSQL database of its own with outbox tables, a slot of its own, and those who write to it.

use crate::{bus::Recorder, running::Running};
use futures::FutureExt;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection, PgConnection};
use segue_cdc::{CdcConfig, Database, Deps, Relay, Source};
use segue_domain::{EventId, SystemClock};
use segue_store::{DatabaseUrl, Store, StoreConfig};
use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The sources that every scenario is told about.
pub(crate) const SOURCES: [Source; 2] = [Source::Replication, Source::Polling];

pub(crate) struct TestDatabase {
    server: String,
    pub(crate) name: String,
    pub(crate) store: Store,
}

/// Runs a scenario on a fresh database, which is gone afterwards, with its slot. Says so when there is no server.
pub(crate) async fn on_postgres(scenario: impl AsyncFnOnce(&TestDatabase)) {
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment which server to use")]
    let Ok(server) = std::env::var("SEGUE_TEST_POSTGRES") else {
        eprintln!("SEGUE_TEST_POSTGRES is not set: PostgreSQL is not tested here");
        return;
    };
    // What the relay says is shown with a test that fails.
    let _ = tracing_subscriber::fmt().with_test_writer().try_init();
    let name = format!("cdc{}", EventId::new().to_string().replace('-', ""));
    let mut admin = connect(&server, "postgres").await;
    run(&mut admin, format!("CREATE DATABASE {name}")).await;
    let mut config = StoreConfig::new(DatabaseUrl::new(format!("{server}/{name}")));
    config.max_connections = 4;
    let store = Store::connect(&config).await.expect("the test database opens");
    store.migrate_outbox().await.expect("the outbox can be made");
    let database = TestDatabase { server, name, store };
    let ended = AssertUnwindSafe(scenario(&database)).catch_unwind().await;
    database.drop_slot().await;
    database.store.close().await;
    run(&mut admin, format!("DROP DATABASE {} WITH (FORCE)", database.name)).await;
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

impl TestDatabase {
    pub(crate) fn url(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    /// Host and port of the server.
    pub(crate) fn address(&self) -> String {
        let after = self.server.rsplit(['@', '/']).next().unwrap();
        after.to_owned()
    }

    pub(crate) fn config(&self, source: Source) -> CdcConfig {
        CdcConfig { source, slot: self.name.clone(), ..CdcConfig::default() }
    }

    pub(crate) fn relay(&self, bus: &Arc<Recorder>, config: CdcConfig) -> Relay {
        self.relay_through(bus, config, &[self.url()])
    }

    pub(crate) fn relay_through(&self, bus: &Arc<Recorder>, config: CdcConfig, urls: &[String]) -> Relay {
        let deps =
            Deps { store: self.store.clone(), bus: bus.clone(), clock: Arc::new(SystemClock), crash: |_| () };
        let urls = urls.iter().map(DatabaseUrl::new).collect();
        Relay::of_databases(deps, config, vec![Database::new("main", urls, Vec::new(), None).unwrap()])
            .unwrap()
    }

    pub(crate) fn start(&self, bus: &Arc<Recorder>, source: Source) -> Running {
        Running::new(self.relay(bus, self.config(source)))
    }

    /// Makes slot and publication, and waits until the relay that is started reads them.
    pub(crate) async fn provision(&self, source: Source) {
        self.relay(&Arc::default(), self.config(source)).provision().await.unwrap();
    }

    pub(crate) async fn sql(&self) -> PgConnection {
        connect(&self.server, &self.name).await
    }

    pub(crate) async fn number(&self, query: &str) -> i64 {
        let query = sqlx::query_scalar(AssertSqlSafe(query.to_owned()));
        query.fetch_one(&mut self.sql().await).await.unwrap()
    }

    /// Waits until a query that gives a boolean gives true.
    pub(crate) async fn until(&self, what: &str, query: &str) {
        let mut sql = self.sql().await;
        let told = async {
            loop {
                let query = sqlx::query_scalar(AssertSqlSafe(query.to_owned()));
                if query.fetch_optional(&mut sql).await.unwrap() == Some(true) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(90), told)
            .await
            .unwrap_or_else(|_| panic!("{what}: in vain"));
    }

    pub(crate) async fn until_slot_is_read(&self) {
        let slot = &self.name;
        let query = format!("SELECT active FROM pg_replication_slots WHERE slot_name = '{slot}'");
        self.until("the slot is read", &query).await;
    }

    /// Ends who reads the slot, as a broken connection would.
    pub(crate) async fn cut_stream(&self) {
        let query = format!(
            "SELECT count(pg_terminate_backend(active_pid)) FROM pg_replication_slots WHERE slot_name = '{}'",
            self.name
        );
        self.number(&query).await;
    }

    /// Drops the slot, and ends who reads it, who would be back before it can be dropped when the machine is busy.
    pub(crate) async fn drop_slot(&self) {
        let mut sql = connect(&self.server, "postgres").await;
        for _ in 0..400 {
            let query =
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1";
            if sqlx::query(query).bind(&self.name).execute(&mut sql).await.is_ok() {
                return;
            }
            self.cut_stream().await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the slot is still read");
    }
}

async fn connect(server: &str, database: &str) -> PgConnection {
    PgConnection::connect(&format!("{server}/{database}")).await.expect("PostgreSQL is reachable")
}

pub(crate) async fn run(sql: &mut PgConnection, statement: impl Into<String>) {
    sqlx::raw_sql(AssertSqlSafe(statement.into())).execute(sql).await.unwrap();
}

/// Writes one fact in the open transaction of a connection; returns its id.
pub(crate) async fn emit(sql: &mut PgConnection, table: &str, subject: &str, sequence: i64) -> String {
    let id = EventId::new().to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let statement =
        format!("INSERT INTO {table} VALUES ($1, $1, $2, $3, 'song.updated.v1', '\\x00ff10', NULL, $4)");
    let insert = sqlx::query(AssertSqlSafe(statement)).bind(subject).bind(sequence).bind(&id).bind(now);
    insert.execute(sql).await.unwrap();
    id
}

/// Commits facts of a subject, each in a transaction of its own; returns their ids.
pub(crate) async fn commit(
    sql: &mut PgConnection,
    subject: &str,
    sequences: std::ops::Range<i64>,
) -> Vec<String> {
    let mut ids = Vec::new();
    for sequence in sequences {
        ids.push(emit(sql, "outbox", subject, sequence).await);
    }
    ids
}
