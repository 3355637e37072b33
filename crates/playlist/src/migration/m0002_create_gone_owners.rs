//! `playlist_gone_owners`: accounts that are gone and their heirs, keyed by account.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_create_gone_owners"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let uuid = match manager.get_database_backend() {
            DbBackend::Postgres => "UUID",
            _ => "BLOB",
        };
        let statement = format!(
            "CREATE TABLE IF NOT EXISTS playlist_gone_owners (owner_id {uuid} PRIMARY KEY, heir_id {uuid})"
        );
        manager.get_connection().execute_unprepared(&statement).await.map(drop)
    }
}
