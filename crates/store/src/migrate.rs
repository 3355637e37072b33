//! The migration runner, and the store's own migration.

use crate::{Outbox, Store, StoreError};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, DynIden, Statement, TransactionTrait,
    sea_query::IntoIden,
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use std::collections::HashSet;

/// Two processes that start together take turns.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7310593858020254331)";
/// A change of a table waits for a lock on it for at most this long, because every statement on the table waits behind it.
/// In between the old program goes on. No statement of a migration is cut short for running long, once it has its locks.
const SHORT_LOCKS: &str = "SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = 0";

impl Store {
    /// Brings every shard up to a role's newest schema, while the program of before goes on serving. Safe to run from
    /// several processes at once, and again. When a table is busy it is tried again for as long as `retry_ms` says.
    pub async fn migrate<M: MigratorTrait>(&self) -> Result<(), StoreError> {
        // Not `retry`, which would cut a long migration off.
        let mut tries = self.tries();
        loop {
            match self.up::<M>().await {
                Err(error) if tries.again(&error).await => {}
                done => return done,
            }
        }
    }

    async fn up<M: MigratorTrait>(&self) -> Result<(), StoreError> {
        for primary in self.primaries() {
            up::<M>(&primary).await?;
        }
        Ok(())
    }

    /// Checks that every shard has a role's newest schema, and changes nothing. A newer one is fine: a rollout migrates
    /// before it replaces programs.
    ///
    /// # Errors
    /// [`StoreError::Unmigrated`] when it has not, with what to do.
    pub async fn migrated<M: MigratorTrait>(&self) -> Result<(), StoreError> {
        let table = M::migration_table_name().to_string();
        let role = table.trim_end_matches("_migrations").to_owned();
        let wanted: HashSet<String> = M::migrations().iter().map(|m| m.name().to_owned()).collect();
        self.read(|| async {
            for primary in self.primaries() {
                if !applied(&primary, &table).await?.is_superset(&wanted) {
                    return Err(StoreError::Unmigrated(role.clone()));
                }
            }
            Ok(())
        })
        .await
    }

    /// Makes the outbox tables.
    pub async fn migrate_outbox(&self) -> Result<(), StoreError> {
        self.migrate::<Migrator>().await
    }

    /// Checks that the outbox tables are there, as [`Store::migrated`].
    pub async fn outbox_migrated(&self) -> Result<(), StoreError> {
        self.migrated::<Migrator>().await
    }
}

async fn up<M: MigratorTrait>(primary: &DatabaseConnection) -> Result<(), StoreError> {
    let tx = primary.begin().await?;
    if tx.get_database_backend() == DbBackend::Postgres {
        // Waiting for the other process is no reason to give up.
        tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
        tx.execute_unprepared(LOCK).await?;
        tx.execute_unprepared(SHORT_LOCKS).await?;
    }
    M::up(&tx, None).await?;
    tx.commit().await?;
    #[cfg(feature = "testing")]
    crate::testing::log_schema(primary).await?;
    Ok(())
}

/// Names of the migrations that a database has; none when it does not even have the table for them.
async fn applied(db: &DatabaseConnection, table: &str) -> Result<HashSet<String>, StoreError> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => "SELECT 1 WHERE to_regclass($1) IS NOT NULL",
        _ => "SELECT 1 FROM sqlite_master WHERE name = $1",
    };
    let there = db.query_one_raw(Statement::from_sql_and_values(backend, sql, [table.into()])).await?;
    if there.is_none() {
        return Ok(HashSet::new());
    }
    let rows =
        db.query_all_raw(Statement::from_string(backend, format!("SELECT version FROM {table}"))).await?;
    Ok(rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, DbErr>>()?)
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateOutbox)]
    }
    fn migration_table_name() -> DynIden {
        "store_migrations".into_iden()
    }
}

struct CreateOutbox;

impl MigrationName for CreateOutbox {
    fn name(&self) -> &str {
        "m0001_create_outbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateOutbox {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let bytes = match manager.get_database_backend() {
            DbBackend::Postgres => "BYTEA",
            _ => "BLOB",
        };
        for outbox in Outbox::ALL {
            let sql = format!(
                "CREATE TABLE IF NOT EXISTS {} (shard_key TEXT NOT NULL, subject TEXT NOT NULL, \
                 sequence BIGINT NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL, payload {bytes} NOT NULL, \
                 traceparent TEXT, created_at BIGINT NOT NULL, PRIMARY KEY (shard_key, subject, sequence))",
                outbox.table()
            );
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}
