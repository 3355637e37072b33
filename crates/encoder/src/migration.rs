//! The encoder's table.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, DynIden, sea_query::IntoIden};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateEncodings)]
    }
    fn migration_table_name() -> DynIden {
        "encoder_migrations".into_iden()
    }
}

struct CreateEncodings;

impl MigrationName for CreateEncodings {
    fn name(&self) -> &str {
        "m0001_create_encodings"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateEncodings {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Ids sort by their bytes on both engines, so that newest first means the same everywhere.
        let id = match manager.get_database_backend() {
            DbBackend::Postgres => "TEXT COLLATE \"C\"",
            _ => "TEXT",
        };
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS encodings (song_id {id} NOT NULL, encoding_id {id} NOT NULL, \
             owner_id {id} NOT NULL, state TEXT NOT NULL, attempts BIGINT NOT NULL, output_id TEXT, \
             failure_reason TEXT, failure_message TEXT, version BIGINT NOT NULL, created_at BIGINT NOT NULL, \
             updated_at BIGINT NOT NULL, PRIMARY KEY (song_id, encoding_id))"
        );
        manager.get_connection().execute_unprepared(&sql).await?;
        Ok(())
    }
}
