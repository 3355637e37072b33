//! The tables of the library. Ids and times are bound by the program; every unique constraint contains the shard key.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_create_library"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let uuid = match manager.get_database_backend() {
            DbBackend::Postgres => "UUID",
            _ => "BLOB",
        };
        for sql in [of_users(uuid), of_songs(uuid)].concat() {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}

/// Keyed by account.
fn of_users(uuid: &str) -> Vec<String> {
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS libraries (
                user_id {uuid} PRIMARY KEY, library_id {uuid} NOT NULL, version BIGINT NOT NULL,
                forgotten_before BIGINT NOT NULL, gone BOOLEAN NOT NULL)"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS likes (
                user_id {uuid} NOT NULL, song_id {uuid} NOT NULL, liked_at BIGINT NOT NULL,
                PRIMARY KEY (user_id, song_id))"
        ),
        "CREATE INDEX IF NOT EXISTS likes_by_time ON likes (user_id, liked_at, song_id)".into(),
        format!(
            "CREATE TABLE IF NOT EXISTS plays (
                user_id {uuid} NOT NULL, event_id {uuid} NOT NULL, song_id {uuid} NOT NULL,
                started_at BIGINT NOT NULL, played_ms BIGINT NOT NULL, skipped BOOLEAN NOT NULL, context_id {uuid},
                PRIMARY KEY (user_id, event_id))"
        ),
        "CREATE INDEX IF NOT EXISTS plays_by_time ON plays (user_id, started_at, event_id)".into(),
        format!(
            "CREATE TABLE IF NOT EXISTS user_song_plays (
                user_id {uuid} NOT NULL, song_id {uuid} NOT NULL, plays BIGINT NOT NULL, skips BIGINT NOT NULL,
                last_at BIGINT NOT NULL, PRIMARY KEY (user_id, song_id))"
        ),
        "CREATE INDEX IF NOT EXISTS user_song_plays_by_number \
         ON user_song_plays (user_id, plays, last_at, song_id)"
            .into(),
        "CREATE INDEX IF NOT EXISTS user_song_plays_by_time ON user_song_plays (user_id, last_at, song_id)".into(),
        format!(
            "CREATE TABLE IF NOT EXISTS tallies (
                user_id {uuid} NOT NULL, sequence BIGINT NOT NULL, song_id {uuid} NOT NULL, library_id {uuid} NOT NULL,
                plays BIGINT NOT NULL, skips BIGINT NOT NULL, likes BIGINT NOT NULL, made_at BIGINT NOT NULL,
                PRIMARY KEY (user_id, sequence, song_id))"
        ),
        // For the sweep. Rows live for milliseconds, so it is small.
        "CREATE INDEX IF NOT EXISTS tallies_by_time ON tallies (made_at)".into(),
    ]
}

/// Keyed by song, and the series of batches.
fn of_songs(uuid: &str) -> Vec<String> {
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS song_stats (
                song_id {uuid} PRIMARY KEY, plays BIGINT NOT NULL, skips BIGINT NOT NULL, likes BIGINT NOT NULL,
                version BIGINT NOT NULL, dirty BOOLEAN NOT NULL, gone BOOLEAN NOT NULL)"
        ),
        "CREATE INDEX IF NOT EXISTS song_stats_dirty ON song_stats (song_id) WHERE dirty".into(),
        format!(
            "CREATE TABLE IF NOT EXISTS song_likes (
                song_id {uuid} NOT NULL, user_id {uuid} NOT NULL, PRIMARY KEY (song_id, user_id))"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS song_tallies (
                song_id {uuid} NOT NULL, library_id {uuid} NOT NULL, sequence BIGINT NOT NULL,
                applied_at BIGINT NOT NULL, PRIMARY KEY (song_id, library_id))"
        ),
        "CREATE INDEX IF NOT EXISTS song_tallies_by_time ON song_tallies (applied_at)".into(),
        format!(
            "CREATE TABLE IF NOT EXISTS popularity (
                series_id {uuid} PRIMARY KEY, sequence BIGINT NOT NULL, published_at BIGINT NOT NULL)"
        ),
    ]
}
