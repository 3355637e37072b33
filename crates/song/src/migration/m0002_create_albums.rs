//! Albums and artists, what songs are matched by, and the columns of tags that came with them. A program of before writes the
//! tables of before as it always did: new columns have defaults.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_create_albums"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let mut statements = columns();
        statements.extend(places(backend));
        for (kind, order) in [
            ("album", "disc_number, track_number, title_key, song_id"),
            ("artist", "year, album_key, disc_number, track_number, title_key, song_id"),
        ] {
            statements.extend(shelves(backend, kind, order));
        }
        // The albums of an artist.
        statements.push(
            "CREATE INDEX IF NOT EXISTS artist_songs_by_album \
             ON artist_songs (artist_id, album_key, album_artist_key, on_album) WHERE NOT deleted"
                .into(),
        );
        for sql in statements {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
        Ok(())
    }
}

fn columns() -> Vec<String> {
    let song = ["isrc", "musicbrainz_id", "lyrics"];
    let mut statements: Vec<String> = song
        .iter()
        .map(|column| format!("ALTER TABLE songs ADD COLUMN {column} TEXT NOT NULL DEFAULT ''"))
        .collect();
    for column in ["title_key", "artists_key", "isrc", "musicbrainz_id"] {
        statements.push(format!("ALTER TABLE owner_songs ADD COLUMN {column} TEXT NOT NULL DEFAULT ''"));
    }
    statements.push("ALTER TABLE owner_songs ADD COLUMN duration_ms BIGINT NOT NULL DEFAULT 0".into());
    for column in ["title_key", "isrc", "musicbrainz_id"] {
        statements.push(format!(
            "CREATE INDEX IF NOT EXISTS owner_songs_by_{column} ON owner_songs (owner_id, {column})"
        ));
    }
    statements
}

/// Where each song stands, how far the filling of all this from songs of before has come, and accounts that are gone.
fn places(backend: DbBackend) -> [String; 3] {
    let uuid = uuid(backend);
    [
        format!(
            "CREATE TABLE IF NOT EXISTS song_places (
                song_id {uuid} PRIMARY KEY, sequence BIGINT NOT NULL, revision BIGINT NOT NULL, shelves TEXT NOT NULL)"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS song_fillings (
                id {uuid} PRIMARY KEY, reached {uuid} NOT NULL, done BOOLEAN NOT NULL)"
        ),
        format!("CREATE TABLE IF NOT EXISTS gone_owners (owner_id {uuid} PRIMARY KEY, heir_id {uuid})"),
    ]
}

/// The tables of albums, or of artists. `order` is that of the songs on one.
fn shelves(backend: DbBackend, kind: &str, order: &str) -> Vec<String> {
    let uuid = uuid(backend);
    let (double, text) = match backend {
        // Both engines sort by bytes.
        DbBackend::Postgres => ("DOUBLE PRECISION", "TEXT COLLATE \"C\""),
        _ => ("REAL", "TEXT"),
    };
    vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {kind}s (
                id {uuid} PRIMARY KEY, owner_id {uuid} NOT NULL, revision BIGINT NOT NULL, version BIGINT NOT NULL,
                visibility TEXT NOT NULL, deleted BOOLEAN NOT NULL, for_owner TEXT NOT NULL, for_others TEXT NOT NULL,
                created_at BIGINT NOT NULL)"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {kind}_songs (
                {kind}_id {uuid} NOT NULL, song_id {uuid} NOT NULL, sequence BIGINT NOT NULL, deleted BOOLEAN NOT NULL,
                visibility TEXT NOT NULL, title TEXT NOT NULL, artist TEXT NOT NULL, genre TEXT NOT NULL,
                year INTEGER NOT NULL, disc_number INTEGER NOT NULL, track_number INTEGER NOT NULL,
                title_key {text} NOT NULL, album_key {text} NOT NULL, album_artist_key {text} NOT NULL, on_album {uuid},
                duration_ms BIGINT NOT NULL, energy {double} NOT NULL, measured_ms BIGINT NOT NULL,
                true_peak_db {double}, output_id {uuid}, covers TEXT NOT NULL, PRIMARY KEY ({kind}_id, song_id))"
        ),
        format!(
            "CREATE INDEX IF NOT EXISTS {kind}_songs_in_order ON {kind}_songs ({kind}_id, {order}) WHERE NOT deleted"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS owner_{kind}s (
                owner_id {uuid} NOT NULL, {kind}_id {uuid} NOT NULL, sequence BIGINT NOT NULL, deleted BOOLEAN NOT NULL,
                public BOOLEAN NOT NULL, title_key {text} NOT NULL, artist_key {text} NOT NULL,
                PRIMARY KEY (owner_id, {kind}_id))"
        ),
        format!(
            "CREATE INDEX IF NOT EXISTS owner_{kind}s_by_title ON owner_{kind}s \
             (owner_id, title_key, artist_key, {kind}_id) WHERE NOT deleted"
        ),
    ]
}

fn uuid(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => "UUID",
        _ => "BLOB",
    }
}
