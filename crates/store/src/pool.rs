//! Pools of connections to one server.

use crate::{DatabaseUrl, StoreConfig, StoreError};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseConnectionType,
    sqlx::{
        ConnectOptions as _, Connection as _, PgPool,
        postgres::{PgConnectOptions, PgPoolOptions},
        sqlite,
    },
};
use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

/// A connection that has rested for longer is asked whether it still works before it is used.
const RESTED: Duration = Duration::from_secs(1);
/// Connections are replaced after this time, so that a balancer in between can move them.
const LIFE: Duration = Duration::from_secs(30 * 60);
/// Connections that nobody needs are closed after this time.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// The embedded engine.
pub(crate) async fn sqlite(
    config: &StoreConfig,
    most: u32,
    read_only: bool,
) -> Result<DatabaseConnection, StoreError> {
    let mut options = ConnectOptions::new(config.url.expose());
    options
        .max_connections(most)
        .min_connections(1)
        .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .connect_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .sqlx_logging(false)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .map_sqlx_sqlite_opts(move |o| {
            o.create_if_missing(!read_only)
                .read_only(read_only)
                .journal_mode(sqlite::SqliteJournalMode::Wal)
                // An acknowledged write survives a power cut, not only a killed process.
                .synchronous(sqlite::SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(5))
                .foreign_keys(true)
                // Pages after which a commit also writes back into the database: rarely, as that one takes many times longer.
                .pragma("wal_autocheckpoint", "4000")
                .pragma("cache_size", "-2000")
                .pragma("journal_size_limit", "16777216")
        });
    Ok(watched(Database::connect(options).await?, None))
}

/// How a server is reached. `key` names the URL in errors.
pub(crate) fn postgres_options(
    key: &str,
    url: &DatabaseUrl,
    password: Option<&str>,
    config: &StoreConfig,
) -> Result<PgConnectOptions, StoreError> {
    let parsed = url.expose().parse::<PgConnectOptions>();
    let mut options =
        parsed.map_err(|e| StoreError::config(key, format!("is not an address of PostgreSQL: {e}")))?;
    if let Some(password) = password {
        options = options.password(password);
    }
    if options.get_application_name().is_none() {
        options = options.application_name("segue");
    }
    let statement_timeout = config.statement_timeout_ms.to_string();
    Ok(options.disable_statement_logging().options([
        ("statement_timeout", statement_timeout.as_str()),
        // What a client that vanished in the middle of a transaction had locked is free again soon.
        ("idle_in_transaction_session_timeout", "60000"),
        ("tcp_keepalives_idle", "10"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ]))
}

/// A pool that connects when it is used.
pub(crate) fn postgres_pool(options: PgConnectOptions, config: &StoreConfig) -> PgPool {
    PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
        .max_lifetime(LIFE)
        .idle_timeout(IDLE)
        // A round trip before each statement is too dear; a broken connection is an error that is retried.
        .test_before_acquire(false)
        .before_acquire(|connection, seen| {
            Box::pin(async move {
                if seen.idle_for > RESTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(options)
}

/// A handle on a pool. Statements that fail wake who waits for `failed`.
pub(crate) fn handle(pool: PgPool, failed: Arc<Notify>) -> DatabaseConnection {
    watched(DatabaseConnectionType::SqlxPostgresPoolConnection(pool.into()).into(), Some(failed))
}

fn watched(mut db: DatabaseConnection, failed: Option<Arc<Notify>>) -> DatabaseConnection {
    #[cfg(feature = "testing")]
    let log = crate::testing::statement_log();
    #[cfg(feature = "testing")]
    if failed.is_none() && log.is_none() {
        return db;
    }
    db.set_metric_callback(move |info| {
        if let Some(failed) = failed.as_ref().filter(|_| info.failed) {
            failed.notify_one();
        }
        #[cfg(feature = "testing")]
        if let Some(log) = log {
            log.write(info.statement);
        }
    });
    db
}
