//! The statements that write shelves. Albums and artists have tables of the same form.

use super::Standing;
use crate::shelf::{Entry, Kind, ShelfRecord, energy};
use sea_orm::{Value, prelude::Uuid};
use segue_store::StoreError;

impl Kind {
    /// The table of headers.
    pub(crate) fn headers(self) -> &'static str {
        match self {
            Self::Album => "albums",
            Self::Artist => "artists",
        }
    }

    /// The table of songs.
    pub(crate) fn songs(self) -> &'static str {
        match self {
            Self::Album => "album_songs",
            Self::Artist => "artist_songs",
        }
    }

    /// The table of each owner's.
    pub(crate) fn lists(self) -> &'static str {
        match self {
            Self::Album => "owner_albums",
            Self::Artist => "owner_artists",
        }
    }

    /// The column that names the shelf, but in its own header.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Album => "album_id",
            Self::Artist => "artist_id",
        }
    }

    /// The order of the songs on one.
    pub(crate) fn order(self) -> &'static str {
        match self {
            Self::Album => "disc_number, track_number, title_key, song_id",
            Self::Artist => "year, album_key, disc_number, track_number, title_key, song_id",
        }
    }
}

const ENTRY: [&str; 18] = [
    "sequence",
    "deleted",
    "visibility",
    "title",
    "artist",
    "genre",
    "year",
    "disc_number",
    "track_number",
    "title_key",
    "album_key",
    "album_artist_key",
    "on_album",
    "duration_ms",
    "energy",
    "measured_ms",
    "true_peak_db",
    "output_id",
];

/// Writes the song's row on the shelf if it is newer. One that is taken off leaves a tombstone, so that what is late cannot
/// bring it back.
pub(super) fn enter(standing: &Standing<'_>) -> Result<(String, Vec<Value>), StoreError> {
    let kind = standing.shelf.kind();
    let (table, key) = (kind.songs(), kind.key());
    let columns = ENTRY.iter().chain(&["covers"]).copied().collect::<Vec<_>>();
    let values: Vec<String> = (1..=columns.len() + 2).map(|n| format!("${n}")).collect();
    let news: Vec<String> = columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    let sql = format!(
        "INSERT INTO {table} ({key}, song_id, {}) VALUES ({}) ON CONFLICT ({key}, song_id) DO UPDATE SET {} \
         WHERE {table}.sequence < excluded.sequence",
        columns.join(", "),
        values.join(", "),
        news.join(", ")
    );
    let mut bound: Vec<Value> = vec![
        standing.shelf.uuid().into(),
        standing.song.uuid().into(),
        number(standing.sequence)?.into(),
        standing.entry.is_none().into(),
    ];
    bound.extend(entry(standing.entry)?);
    Ok((sql, bound))
}

fn entry(entry: Option<&Entry>) -> Result<Vec<Value>, StoreError> {
    let text = |of: fn(&Entry) -> &String| Value::from(entry.map(of).cloned().unwrap_or_default());
    let small = |of: fn(&Entry) -> u32| {
        i32::try_from(entry.map_or(0, of)).map(Value::from).map_err(StoreError::corrupt)
    };
    let visibility = entry.map(|e| e.visibility.to_string()).unwrap_or_default();
    let duration_ms = entry.map_or(0, |e| e.duration_ms);
    let loudness = entry.and_then(|e| e.loudness_lufs);
    let covers = serde_json::to_string(entry.map_or(&[][..], |e| &e.covers)).map_err(StoreError::corrupt)?;
    Ok(vec![
        visibility.into(),
        text(|e| &e.title),
        text(|e| &e.artist),
        text(|e| &e.genre),
        small(|e| e.year)?,
        small(|e| e.disc_number)?,
        small(|e| e.track_number)?,
        text(|e| &e.title_key),
        text(|e| &e.album_key),
        text(|e| &e.album_artist_key),
        entry.and_then(|e| e.on_album).map(|id| id.uuid()).into(),
        number(duration_ms)?.into(),
        energy(loudness, duration_ms).into(),
        number(if loudness.is_some() { duration_ms } else { 0 })?.into(),
        entry.and_then(|e| e.true_peak_db).into(),
        entry.map(|e| e.output.uuid()).into(),
        covers.into(),
    ])
}

/// A header that is not there yet; does nothing when it is.
pub(super) fn insert(header: &ShelfRecord) -> Result<(String, Vec<Value>), StoreError> {
    let sql = format!(
        "INSERT INTO {} (id, created_at, owner_id, revision, version, visibility, deleted, for_owner, for_others) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
        header.shelf.kind().headers()
    );
    let mut values: Vec<Value> = vec![header.shelf.uuid().into(), header.created.millis().into()];
    values.extend(changing(header)?);
    Ok((sql, values))
}

/// A header in place of the one with revision `before`; does nothing when another has taken that place.
pub(super) fn update(header: &ShelfRecord, before: u64) -> Result<(String, Vec<Value>), StoreError> {
    let sql = format!(
        "UPDATE {} SET owner_id = $3, revision = $4, version = $5, visibility = $6, deleted = $7, for_owner = $8, for_others = $9 \
         WHERE id = $1 AND revision = $2",
        header.shelf.kind().headers()
    );
    let mut values: Vec<Value> = vec![header.shelf.uuid().into(), number(before)?.into()];
    values.extend(changing(header)?);
    Ok((sql, values))
}

fn changing(header: &ShelfRecord) -> Result<[Value; 7], StoreError> {
    let json = |view| serde_json::to_string(view).map_err(StoreError::corrupt);
    Ok([
        header.owner.uuid().into(),
        number(header.revision)?.into(),
        number(header.version)?.into(),
        header.visibility.to_string().into(),
        header.gone().into(),
        json(&header.for_owner)?.into(),
        json(&header.for_others)?.into(),
    ])
}

/// What is known of a shelf among its owner's, unless something newer is.
pub(crate) fn list(
    header: &ShelfRecord,
    title_key: String,
    artist_key: String,
) -> Result<(String, Vec<Value>), StoreError> {
    let kind = header.shelf.kind();
    let (table, key) = (kind.lists(), kind.key());
    let sql = format!(
        "INSERT INTO {table} (owner_id, {key}, sequence, deleted, public, title_key, artist_key) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (owner_id, {key}) DO UPDATE SET \
         sequence = excluded.sequence, deleted = excluded.deleted, public = excluded.public, \
         title_key = excluded.title_key, artist_key = excluded.artist_key WHERE {table}.sequence < excluded.sequence"
    );
    let id: Uuid = header.shelf.uuid();
    let public = header.for_others.songs > 0;
    let (owner, sequence) = (header.owner.uuid(), number(header.version)?);
    Ok((
        sql,
        vec![
            owner.into(),
            id.into(),
            sequence.into(),
            header.gone().into(),
            public.into(),
            title_key.into(),
            artist_key.into(),
        ],
    ))
}

fn number(n: u64) -> Result<i64, StoreError> {
    i64::try_from(n).map_err(StoreError::corrupt)
}
