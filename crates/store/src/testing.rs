//! Fresh databases for repository tests: SQLite always, and PostgreSQL when `SEGUE_TEST_POSTGRES` names a
//! server (`postgres://user@host:port`) on which databases can be made. `cargo xtask test` sets it.

pub mod patroni;
mod statements;

use crate::{DatabaseUrl, Store, StoreConfig, StoreError};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use statements::StatementLog;
use std::sync::OnceLock;

/// A store of its own, gone when dropped (the PostgreSQL database goes with its throwaway server).
pub struct TestStore {
    /// The store, with outbox tables.
    pub store: Store,
    /// For messages: "sqlite" or "postgres".
    pub engine: &'static str,
    _folder: Option<tempfile::TempDir>,
}

/// One empty store per engine.
///
/// # Panics
/// When an engine that was named cannot be reached.
pub async fn stores() -> Vec<TestStore> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite://{}/test.db", folder.path().display());
    let mut stores = vec![TestStore { store: open(url).await, engine: "sqlite", _folder: Some(folder) }];
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment which server to use")]
    match std::env::var("SEGUE_TEST_POSTGRES") {
        Ok(server) => {
            let name = format!("t{}", uuid_name());
            let admin =
                Database::connect(format!("{server}/postgres")).await.expect("PostgreSQL is reachable");
            admin
                .execute_unprepared(&format!("CREATE DATABASE {name}"))
                .await
                .expect("a database can be made");
            admin.close().await.expect("connection closes");
            let store = open(format!("{server}/{name}")).await;
            stores.push(TestStore { store, engine: "postgres", _folder: None });
        }
        Err(_) => eprintln!("SEGUE_TEST_POSTGRES is not set: PostgreSQL is not tested here"),
    }
    stores
}

async fn open(url: String) -> Store {
    let mut config = StoreConfig::new(DatabaseUrl::new(url));
    config.max_connections = 4;
    let store = Store::connect(&config).await.expect("the test database opens");
    store.migrate_outbox().await.expect("the outbox can be made");
    store
}

fn uuid_name() -> String {
    segue_domain::EventId::new().to_string().replace('-', "")
}

/// Where statements are written for `cargo xtask sql-rules`; none unless `SEGUE_TEST_SQL_LOG` names a file.
pub(crate) fn statement_log() -> Option<&'static StatementLog> {
    static LOG: OnceLock<Option<StatementLog>> = OnceLock::new();
    #[allow(clippy::disallowed_methods, reason = "tests are told by the environment where to write")]
    let open = || Some(StatementLog::open(std::env::var_os("SEGUE_TEST_SQL_LOG")?.as_ref()));
    LOG.get_or_init(open).as_ref()
}

/// Writes down what migrations made.
pub(crate) async fn log_schema(db: &DatabaseConnection) -> Result<(), StoreError> {
    match statement_log() {
        Some(log) => log.write_schema(db).await,
        None => Ok(()),
    }
}
