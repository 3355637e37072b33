//! The statements that read shelves.

use crate::shelf::{Cover, Kind, Shelf, ShelfRecord, Total};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, QueryResult, Statement, Value,
    prelude::Uuid,
};
use segue_domain::{OutputId, SongId, Timestamp, UserId};
use segue_ports::cache::Source;
use segue_store::{Store, StoreError};

const HEADER: &str = "id, owner_id, revision, version, visibility, for_owner, for_others, created_at";

/// The header of a shelf; also of one that is gone, or that nobody has seen yet.
pub(crate) async fn one(db: DatabaseConnection, shelf: Shelf) -> Result<Option<ShelfRecord>, StoreError> {
    let sql = format!("SELECT {HEADER} FROM {} WHERE id = $1", shelf.kind().headers());
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [shelf.uuid().into()]);
    let row = db.query_one_raw(statement).await?;
    row.map(|row| header(shelf.kind(), &row)).transpose()
}

/// Headers of one kind, with one query per database, whatever the topology.
pub(crate) async fn headers(
    store: &Store,
    shelves: &[Shelf],
    from: Source,
) -> Result<Vec<ShelfRecord>, StoreError> {
    let mut found = Vec::with_capacity(shelves.len());
    for shelves in store.together(shelves) {
        let (shard, kind) = (shelves[0].into(), shelves[0].kind());
        let places: Vec<String> = (1..=shelves.len()).map(|n| format!("${n}")).collect();
        let sql = format!("SELECT {HEADER} FROM {} WHERE id IN ({})", kind.headers(), places.join(", "));
        let values: Vec<Value> = shelves.iter().map(|shelf| shelf.uuid().into()).collect();
        let statement = Statement::from_sql_and_values(store.backend(), sql, values);
        let read = || async {
            let db = match from {
                Source::Replica => store.reader(&shard),
                Source::Primary => store.primary(&shard),
            };
            Ok(db.query_all_raw(statement.clone()).await?)
        };
        for row in store.read(read).await? {
            found.push(header(kind, &row)?);
        }
    }
    Ok(found)
}

/// Headers of every owner in the order of ids, without those that are gone. From the primaries, as facts about them come.
pub(super) async fn all_after(
    store: &Store,
    kind: Kind,
    after: Option<Shelf>,
    size: u32,
) -> Result<Vec<ShelfRecord>, StoreError> {
    let sql =
        format!("SELECT {HEADER} FROM {} WHERE NOT deleted AND id > $1 ORDER BY id LIMIT $2", kind.headers());
    let values: [Value; 2] = [after.map_or(Uuid::nil(), Shelf::uuid).into(), i64::from(size).into()];
    let mut found = Vec::new();
    for primary in store.primaries() {
        let statement = Statement::from_sql_and_values(store.backend(), &sql, values.clone());
        for row in primary.query_all_raw(statement).await? {
            found.push(header(kind, &row)?);
        }
    }
    // Each shard gave its first ones; the first of all are among them. Both engines order ids by their bytes.
    found.sort_unstable_by_key(|header| header.shelf);
    found.truncate(size as usize);
    Ok(found)
}

fn header(kind: Kind, row: &QueryResult) -> Result<ShelfRecord, StoreError> {
    let number = |column: &str| -> Result<u64, StoreError> {
        row.try_get::<i64>("", column)?.try_into().map_err(StoreError::corrupt)
    };
    let text = |column: &str| row.try_get::<String>("", column);
    Ok(ShelfRecord {
        shelf: kind.shelf(row.try_get("", "id")?).map_err(StoreError::corrupt)?,
        owner: UserId::from_uuid(row.try_get("", "owner_id")?).map_err(StoreError::corrupt)?,
        revision: number("revision")?,
        version: number("version")?,
        visibility: text("visibility")?.parse().map_err(StoreError::corrupt)?,
        for_owner: serde_json::from_str(&text("for_owner")?).map_err(StoreError::corrupt)?,
        for_others: serde_json::from_str(&text("for_others")?).map_err(StoreError::corrupt)?,
        created: Timestamp(row.try_get("", "created_at")?),
    })
}

/// The songs on a shelf, summed up where they agree, so that few rows come however many songs there are.
pub(super) async fn totals(
    tx: &DatabaseTransaction,
    backend: DbBackend,
    shelf: Shelf,
) -> Result<Vec<Total>, StoreError> {
    let (table, key) = (shelf.kind().songs(), shelf.kind().key());
    let alike = "visibility, title, artist, genre, year, disc_number, on_album";
    let sql = format!(
        "SELECT {alike}, COUNT(*) AS songs, CAST(SUM(duration_ms) AS BIGINT) AS duration_ms, SUM(energy) AS energy, \
         CAST(SUM(measured_ms) AS BIGINT) AS measured_ms, MAX(true_peak_db) AS true_peak_db \
         FROM {table} WHERE {key} = $1 AND NOT deleted GROUP BY {alike}"
    );
    let statement = Statement::from_sql_and_values(backend, sql, [shelf.uuid().into()]);
    tx.query_all_raw(statement).await?.iter().map(total).collect()
}

fn total(row: &QueryResult) -> Result<Total, StoreError> {
    let large = |column: &str| -> Result<u64, StoreError> {
        row.try_get::<i64>("", column)?.try_into().map_err(StoreError::corrupt)
    };
    let small = |column: &str| -> Result<u32, StoreError> {
        row.try_get::<i32>("", column)?.try_into().map_err(StoreError::corrupt)
    };
    let visibility: String = row.try_get("", "visibility")?;
    Ok(Total {
        visibility: visibility.parse().map_err(StoreError::corrupt)?,
        title: row.try_get("", "title")?,
        artist: row.try_get("", "artist")?,
        genre: row.try_get("", "genre")?,
        year: small("year")?,
        disc_number: small("disc_number")?,
        on_album: row.try_get("", "on_album")?,
        songs: large("songs")?,
        duration_ms: large("duration_ms")?,
        energy: row.try_get("", "energy")?,
        measured_ms: large("measured_ms")?,
        true_peak_db: row.try_get("", "true_peak_db")?,
    })
}

/// The pictures of the first song on a shelf that has any.
pub(super) async fn first_cover(
    tx: &DatabaseTransaction,
    backend: DbBackend,
    shelf: Shelf,
    public: bool,
) -> Result<Option<Cover>, StoreError> {
    let (table, key, order) = (shelf.kind().songs(), shelf.kind().key(), shelf.kind().order());
    let seen = if public { "AND visibility = 'PUBLIC'" } else { "" };
    let sql = format!(
        "SELECT song_id, output_id, covers FROM {table} \
         WHERE {key} = $1 AND NOT deleted AND covers <> '[]' {seen} ORDER BY {order} LIMIT 1"
    );
    let statement = Statement::from_sql_and_values(backend, sql, [shelf.uuid().into()]);
    let Some(row) = tx.query_one_raw(statement).await? else { return Ok(None) };
    let covers: String = row.try_get("", "covers")?;
    Ok(Some(Cover {
        song: SongId::from_uuid(row.try_get("", "song_id")?).map_err(StoreError::corrupt)?,
        output: OutputId::from_uuid(row.try_get("", "output_id")?).map_err(StoreError::corrupt)?,
        sizes: serde_json::from_str(&covers).map_err(StoreError::corrupt)?,
    }))
}
