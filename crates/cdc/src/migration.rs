//! The relay's tables.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, DynIden, sea_query::IntoIden};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateCursor), Box::new(CreatePublished)]
    }
    fn migration_table_name() -> DynIden {
        "cdc_migrations".into_iden()
    }
}

struct CreateCursor;

impl MigrationName for CreateCursor {
    fn name(&self) -> &str {
        "m0001_create_cursor"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateCursor {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "CREATE TABLE relay_cursor (name TEXT NOT NULL PRIMARY KEY, position BIGINT NOT NULL)";
        manager.get_connection().execute_unprepared(sql).await.map(drop)
    }
}

/// What replication published, in terms that outlive a slot. The meaning of each column: `postgres/published.rs`.
struct CreatePublished;

impl MigrationName for CreatePublished {
    fn name(&self) -> &str {
        "m0002_create_published"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreatePublished {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let sql = "CREATE TABLE relay_published (slot TEXT NOT NULL PRIMARY KEY, system_id TEXT NOT NULL, \
                   timeline BIGINT NOT NULL, horizon BIGINT NOT NULL, gap BOOLEAN NOT NULL)";
        manager.get_connection().execute_unprepared(sql).await.map(drop)
    }
}
