//! The relay's table.

use sea_orm::{ConnectionTrait, DbErr, DynIden, sea_query::IntoIden};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateCursor)]
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
