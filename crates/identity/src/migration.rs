//! Identity's tables.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, DynIden, sea_query::IntoIden};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(CreateTables), Box::new(DisableUsers)]
    }
    fn migration_table_name() -> DynIden {
        "identity_migrations".into_iden()
    }
}

struct CreateTables;

impl MigrationName for CreateTables {
    fn name(&self) -> &str {
        "m0001_create_identity"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateTables {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Ids sort by their bytes on both engines: a list's order must not hang on the server's locale.
        let (id, bytes) = match manager.get_database_backend() {
            DbBackend::Postgres => ("TEXT COLLATE \"C\"", "BYTEA"),
            _ => ("TEXT", "BLOB"),
        };
        let statements = [
            format!(
                "CREATE TABLE identity_users (user_id {id} PRIMARY KEY, email TEXT UNIQUE, \
                 display_name TEXT NOT NULL, password_hash TEXT NOT NULL, admin BOOLEAN NOT NULL, \
                 version BIGINT NOT NULL, created_at BIGINT NOT NULL, deleted_at BIGINT)"
            ),
            // For what is revoked on start and after a gap.
            "CREATE INDEX identity_users_deleted ON identity_users (deleted_at) WHERE deleted_at IS NOT NULL"
                .to_owned(),
            format!(
                "CREATE TABLE identity_sessions (session_id {id} PRIMARY KEY, user_id {id} NOT NULL, \
                 family_hash {bytes} NOT NULL, refresh_hash {bytes} NOT NULL, generation BIGINT NOT NULL, \
                 device TEXT NOT NULL, created_at BIGINT NOT NULL, last_used_at BIGINT NOT NULL, \
                 expires_at BIGINT NOT NULL, revoked_at BIGINT)"
            ),
            "CREATE INDEX identity_sessions_user ON identity_sessions (user_id, created_at, session_id)".to_owned(),
            "CREATE INDEX identity_sessions_expires ON identity_sessions (expires_at)".to_owned(),
            "CREATE INDEX identity_sessions_revoked ON identity_sessions (revoked_at) WHERE revoked_at IS NOT NULL"
                .to_owned(),
            format!(
                "CREATE TABLE identity_signing_keys (number BIGINT PRIMARY KEY, seed {bytes} NOT NULL, \
                 created_at BIGINT NOT NULL, signs_from BIGINT NOT NULL)"
            ),
        ];
        for sql in statements {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}

/// Accounts can be disabled. A nullable column changes no row that is there.
struct DisableUsers;

impl MigrationName for DisableUsers {
    fn name(&self) -> &str {
        "m0002_disable_users"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for DisableUsers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = "ALTER TABLE identity_users ADD COLUMN disabled_at BIGINT";
        manager.get_connection().execute_unprepared(sql).await.map(drop)
    }
}
