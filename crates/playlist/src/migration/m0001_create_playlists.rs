//! Playlists, what is in them and who is with them, keyed by playlist, and `user_playlists`, keyed by user. Ids and times are
//! bound by the program; every unique constraint contains the shard key.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_create_playlists"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (uuid, bytes) = match manager.get_database_backend() {
            DbBackend::Postgres => ("UUID", "BYTEA"),
            _ => ("BLOB", "BLOB"),
        };
        let statements = [
            format!(
                "CREATE TABLE IF NOT EXISTS playlists (
                    id {uuid} PRIMARY KEY, owner_id {uuid} NOT NULL, version BIGINT NOT NULL, title TEXT NOT NULL,
                    description TEXT NOT NULL, visibility TEXT NOT NULL, refuse_duplicates BOOLEAN NOT NULL,
                    item_count BIGINT NOT NULL, duration_ms BIGINT NOT NULL, lead TEXT NOT NULL,
                    respread BIGINT NOT NULL, request_digest TEXT NOT NULL, created_at BIGINT NOT NULL,
                    updated_at BIGINT NOT NULL, deleted_at BIGINT)"
            ),
            // When an account goes, what it owned is looked up.
            "CREATE INDEX IF NOT EXISTS playlists_by_owner ON playlists (owner_id) WHERE deleted_at IS NULL"
                .into(),
            // Order keys are bytes, which both engines compare as bytes, whatever the collation.
            format!(
                "CREATE TABLE IF NOT EXISTS playlist_items (
                    playlist_id {uuid} NOT NULL, item_id {uuid} NOT NULL, position {bytes} NOT NULL,
                    song_id {uuid} NOT NULL, added_by {uuid} NOT NULL, added_at BIGINT NOT NULL,
                    duration_ms BIGINT NOT NULL, PRIMARY KEY (playlist_id, item_id))"
            ),
            "CREATE UNIQUE INDEX IF NOT EXISTS playlist_items_in_order ON playlist_items (playlist_id, position)"
                .into(),
            "CREATE INDEX IF NOT EXISTS playlist_items_by_song ON playlist_items (playlist_id, song_id)".into(),
            format!(
                "CREATE TABLE IF NOT EXISTS playlist_requests (
                    playlist_id {uuid} NOT NULL, request_id {uuid} NOT NULL, digest TEXT NOT NULL,
                    item_ids TEXT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (playlist_id, request_id))"
            ),
            "CREATE INDEX IF NOT EXISTS playlist_requests_by_time ON playlist_requests (created_at)".into(),
            format!(
                "CREATE TABLE IF NOT EXISTS playlist_collaborators (
                    playlist_id {uuid} NOT NULL, user_id {uuid} NOT NULL, editor BOOLEAN NOT NULL,
                    joined_at BIGINT NOT NULL, PRIMARY KEY (playlist_id, user_id))"
            ),
            // When an account goes, what it took part in is looked up.
            "CREATE INDEX IF NOT EXISTS playlist_collaborators_by_user ON playlist_collaborators (user_id)".into(),
            format!(
                "CREATE TABLE IF NOT EXISTS playlist_invitations (
                    playlist_id {uuid} NOT NULL, token_hash {bytes} NOT NULL, editor BOOLEAN NOT NULL,
                    created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_by {uuid},
                    PRIMARY KEY (playlist_id, token_hash))"
            ),
            format!(
                "CREATE TABLE IF NOT EXISTS user_playlists (
                    user_id {uuid} NOT NULL, playlist_id {uuid} NOT NULL, relation TEXT NOT NULL,
                    followed BOOLEAN NOT NULL, sequence BIGINT NOT NULL, updated_at BIGINT NOT NULL,
                    PRIMARY KEY (user_id, playlist_id))"
            ),
            "CREATE INDEX IF NOT EXISTS user_playlists_by_time ON user_playlists (user_id, updated_at, playlist_id)"
                .into(),
        ];
        for sql in statements {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}
