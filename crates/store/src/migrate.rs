//! The migration runner, and the store's own migration.

use crate::{Outbox, Store, StoreError};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, DynIden, TransactionTrait, sea_query::IntoIden};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

impl Store {
    /// Brings every shard up to a role's newest schema. Safe to run from several processes at once, and again.
    pub async fn migrate<M: MigratorTrait>(&self) -> Result<(), StoreError> {
        for primary in self.primaries() {
            let tx = primary.begin().await?;
            if self.backend() == DbBackend::Postgres {
                // Two processes that start together take turns.
                tx.execute_unprepared("SELECT pg_advisory_xact_lock(7310593858020254331)").await?;
            }
            M::up(&tx, None).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Makes the outbox tables.
    pub async fn migrate_outbox(&self) -> Result<(), StoreError> {
        self.migrate::<Migrator>().await
    }
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
