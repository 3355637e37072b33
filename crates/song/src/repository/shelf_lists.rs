//! What is listed of albums and artists: each owner's by title, an artist's albums, and the songs on one.

use super::shelves::tables;
use crate::shelf::{Kind, Shelf, ShelfRecord};
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value, prelude::Uuid};
use segue_domain::{AlbumId, ArtistId, SongId, UserId, sort_key};
use segue_store::{ShardKey, Store, StoreError};

/// The tables `owner_albums` and `owner_artists`, and pages of `album_songs` and `artist_songs`.
#[derive(Debug, Clone)]
pub(crate) struct ShelfLists {
    store: Store,
}

/// Where a shelf is in a list by title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByTitle {
    pub title_key: String,
    pub artist_key: String,
    pub id: Uuid,
}

/// Where a song is on a shelf: what it is sorted by, and its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InOrder {
    /// Numbers and texts in the order of [`Kind::order`], as texts.
    pub keys: Vec<String>,
    pub song: SongId,
}

impl ShelfLists {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Applies what is known of a shelf to its owner's list, unless it or something newer was applied before.
    pub(crate) async fn apply(&self, header: &ShelfRecord) -> Result<(), StoreError> {
        // What nobody has seen is on no list.
        if header.version == 0 {
            return Ok(());
        }
        let view = &header.for_owner;
        let (sql, values) = tables::list(header, sort_key(&view.title), sort_key(&view.artist))?;
        let statement = Statement::from_sql_and_values(self.store.backend(), sql, values);
        let write = || async {
            self.store.primary(&header.owner.into()).execute_raw(statement.clone()).await?;
            Ok(())
        };
        self.store.retry(write).await
    }

    /// One page of an owner's albums or artists, by title. `public`: only those that everyone sees.
    pub(crate) async fn of_owner(
        &self,
        kind: Kind,
        owner: UserId,
        public: bool,
        after: Option<&ByTitle>,
        size: u32,
    ) -> Result<Vec<ByTitle>, StoreError> {
        let (table, key) = (kind.lists(), kind.key());
        let only = if public { "AND public" } else { "" };
        let order = format!("title_key, artist_key, {key}");
        let mut values: Vec<Value> = vec![owner.uuid().into()];
        let beyond = beyond(&order, after, &mut values);
        let sql = format!(
            "SELECT title_key, artist_key, {key} AS id FROM {table} \
             WHERE owner_id = $1 AND NOT deleted {only} {beyond} ORDER BY {order} LIMIT {size}"
        );
        self.page(owner.into(), sql, values, by_title).await
    }

    /// One page of the albums that an artist's songs are on, by title. `public`: only by public songs.
    pub(crate) async fn of_artist(
        &self,
        artist: ArtistId,
        public: bool,
        after: Option<&ByTitle>,
        size: u32,
    ) -> Result<Vec<ByTitle>, StoreError> {
        let only = if public { "AND visibility = 'PUBLIC'" } else { "" };
        let order = "album_key, album_artist_key, on_album";
        let mut values: Vec<Value> = vec![artist.uuid().into()];
        let beyond = beyond(order, after, &mut values);
        let sql = format!(
            "SELECT DISTINCT album_key AS title_key, album_artist_key AS artist_key, on_album AS id FROM artist_songs \
             WHERE artist_id = $1 AND NOT deleted AND on_album IS NOT NULL {only} {beyond} \
             ORDER BY album_key, album_artist_key, on_album LIMIT {size}"
        );
        self.page(artist.into(), sql, values, by_title).await
    }

    /// One page of the songs on a shelf, in its order. `public`: only public ones.
    pub(crate) async fn songs(
        &self,
        shelf: Shelf,
        public: bool,
        after: Option<&InOrder>,
        size: u32,
    ) -> Result<Vec<InOrder>, StoreError> {
        let kind = shelf.kind();
        let (table, key, order) = (kind.songs(), kind.key(), kind.order());
        let only = if public { "AND visibility = 'PUBLIC'" } else { "" };
        let mut values: Vec<Value> = vec![shelf.uuid().into()];
        let beyond = match after {
            None => String::new(),
            Some(after) => {
                for (column, text) in order.split(", ").zip(&after.keys) {
                    values.push(bound(column, text)?);
                }
                values.push(after.song.uuid().into());
                let places: Vec<String> = (2..=values.len()).map(|n| format!("${n}")).collect();
                format!("AND ({order}) > ({})", places.join(", "))
            }
        };
        let sql = format!(
            "SELECT {order} FROM {table} WHERE {key} = $1 AND NOT deleted {only} {beyond} ORDER BY {order} LIMIT {size}"
        );
        let read = |row: &QueryResult| {
            let columns = order.split(", ").filter(|column| *column != "song_id");
            let keys = columns.map(|column| shown(row, column)).collect::<Result<_, _>>()?;
            let song = SongId::from_uuid(row.try_get("", "song_id")?).map_err(StoreError::corrupt)?;
            Ok(InOrder { keys, song })
        };
        self.page(shelf.into(), sql, values, read).await
    }

    async fn page<T>(
        &self,
        shard: ShardKey,
        sql: String,
        values: Vec<Value>,
        read: impl Fn(&QueryResult) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let statement = Statement::from_sql_and_values(self.store.backend(), sql, values);
        let ask = || async { Ok(self.store.reader(&shard).query_all_raw(statement.clone()).await?) };
        self.store.read(ask).await?.iter().map(read).collect()
    }
}

impl ByTitle {
    /// The album at this place.
    pub(crate) fn shelf(&self, kind: Kind) -> Result<Shelf, StoreError> {
        kind.shelf(self.id).map_err(StoreError::corrupt)
    }

    /// As it is in a page token.
    pub(crate) fn cursor(&self) -> String {
        format!("{}\n{}\n{}", self.title_key, self.artist_key, self.id)
    }

    /// The opposite; `None` for anything else.
    pub(crate) fn parse(kind: Kind, cursor: &str) -> Option<Self> {
        let mut parts = cursor.split('\n');
        let (title_key, artist_key) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let id = match kind {
            Kind::Album => parts.next()?.parse::<AlbumId>().ok()?.uuid(),
            Kind::Artist => parts.next()?.parse::<ArtistId>().ok()?.uuid(),
        };
        parts.next().is_none().then_some(Self { title_key, artist_key, id })
    }
}

impl InOrder {
    /// As it is in a page token.
    pub(crate) fn cursor(&self) -> String {
        self.keys.iter().fold(String::new(), |all, key| all + key + "\n") + &self.song.to_string()
    }

    /// The opposite; `None` for anything else.
    pub(crate) fn parse(kind: Kind, cursor: &str) -> Option<Self> {
        let mut keys: Vec<String> = cursor.split('\n').map(str::to_owned).collect();
        let song = keys.pop()?.parse().ok()?;
        let columns: Vec<&str> = kind.order().split(", ").collect();
        let fits = keys.len() + 1 == columns.len()
            && columns.iter().zip(&keys).all(|(c, key)| bound(c, key).is_ok());
        fits.then_some(Self { keys, song })
    }
}

fn beyond(order: &str, after: Option<&ByTitle>, values: &mut Vec<Value>) -> String {
    let Some(after) = after else { return String::new() };
    values.extend([after.title_key.clone().into(), after.artist_key.clone().into(), after.id.into()]);
    format!("AND ({order}) > ($2, $3, $4)")
}

fn by_title(row: &QueryResult) -> Result<ByTitle, StoreError> {
    Ok(ByTitle {
        title_key: row.try_get("", "title_key")?,
        artist_key: row.try_get("", "artist_key")?,
        id: row.try_get("", "id")?,
    })
}

/// A column of an order as text.
fn shown(row: &QueryResult, column: &str) -> Result<String, StoreError> {
    Ok(match column.ends_with("_key") {
        true => row.try_get("", column)?,
        false => row.try_get::<i32>("", column)?.to_string(),
    })
}

/// The text of a column of an order as the database takes it.
fn bound(column: &str, text: &str) -> Result<Value, StoreError> {
    match column.ends_with("_key") {
        true => Ok(text.into()),
        false => text.parse::<i32>().map(Value::from).map_err(StoreError::corrupt),
    }
}
