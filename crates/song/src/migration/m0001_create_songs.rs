//! `songs`, `owner_songs` and `garbage`. Ids and times are bound by the program; every unique constraint contains the shard key.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_create_songs"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let (uuid, double) = match manager.get_database_backend() {
            DbBackend::Postgres => ("UUID", "DOUBLE PRECISION"),
            _ => ("BLOB", "REAL"),
        };
        let statements = [
            format!(
                "CREATE TABLE IF NOT EXISTS songs (
                    id {uuid} PRIMARY KEY, owner_id {uuid} NOT NULL, state TEXT NOT NULL, visibility TEXT NOT NULL,
                    version BIGINT NOT NULL, title TEXT NOT NULL, artists TEXT NOT NULL, album TEXT NOT NULL,
                    album_artist TEXT NOT NULL, genre TEXT NOT NULL, year INTEGER NOT NULL,
                    track_number INTEGER NOT NULL, disc_number INTEGER NOT NULL, edited TEXT NOT NULL,
                    filename TEXT NOT NULL, size BIGINT NOT NULL, sha256 TEXT NOT NULL,
                    request_digest TEXT NOT NULL, block_size BIGINT NOT NULL, upload_id {uuid} NOT NULL,
                    upload_started_at BIGINT NOT NULL, blob_etag TEXT, encoding_id {uuid}, released BOOLEAN NOT NULL,
                    output_id {uuid}, output_encoding_id {uuid}, duration_ms BIGINT NOT NULL, loudness_lufs {double},
                    true_peak_db {double}, rungs TEXT NOT NULL, covers TEXT NOT NULL, failure_reason TEXT,
                    failure_message TEXT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, deleted_at BIGINT)"
            ),
            // Fairness counts an owner's songs by state; quotas sum over all that are not deleted.
            "CREATE INDEX IF NOT EXISTS songs_by_owner ON songs (owner_id, state) WHERE deleted_at IS NULL".into(),
            "CREATE INDEX IF NOT EXISTS songs_uploading ON songs (upload_started_at) \
             WHERE state = 'CREATED' AND deleted_at IS NULL"
                .into(),
            "CREATE INDEX IF NOT EXISTS songs_waiting ON songs (owner_id, encoding_id) \
             WHERE state = 'UPLOADED' AND NOT released AND deleted_at IS NULL"
                .into(),
            format!(
                "CREATE TABLE IF NOT EXISTS owner_songs (
                    owner_id {uuid} NOT NULL, song_id {uuid} NOT NULL, sequence BIGINT NOT NULL, state TEXT NOT NULL,
                    sha256 TEXT NOT NULL, created_at BIGINT NOT NULL, deleted BOOLEAN NOT NULL,
                    PRIMARY KEY (owner_id, song_id))"
            ),
            "CREATE INDEX IF NOT EXISTS owner_songs_by_time ON owner_songs (owner_id, created_at, song_id)".into(),
            "CREATE INDEX IF NOT EXISTS owner_songs_by_sha256 ON owner_songs (owner_id, sha256)".into(),
            format!(
                "CREATE TABLE IF NOT EXISTS garbage (
                    song_id {uuid} NOT NULL, prefix TEXT NOT NULL, not_before BIGINT NOT NULL,
                    second_pass BOOLEAN NOT NULL, PRIMARY KEY (song_id, prefix))"
            ),
            "CREATE INDEX IF NOT EXISTS garbage_due ON garbage (not_before)".into(),
        ];
        for sql in statements {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}
