//! ScanSongs: every song in the order of ids, for roles that keep a copy of what they need.

use crate::{
    Error,
    entity::songs::{Column, Entity},
    field::{Checks, scan_size},
    list::states,
    role::Role,
};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid,
};
use segue_domain::{PageToken, SongId, SongState, Timestamp};
use segue_mesh::to_proto;
use segue_proto::song::v1::{self as pb, ScanSongsRequest, ScanSongsResponse, ScannedSong};
use segue_store::{Store, StoreError};

/// Reads the table `songs` from end to end.
#[derive(Debug, Clone)]
pub(crate) struct Scan {
    store: Store,
}

/// As much of a row as facts carry.
#[derive(Debug, FromQueryResult)]
struct Row {
    id: Uuid,
    version: i64,
    owner_id: Uuid,
    state: String,
    visibility: String,
    title: String,
    artists: String,
    album: String,
    album_artist: String,
    genre: String,
    year: i32,
    duration_ms: i64,
    created_at: i64,
}

const COLUMNS: [Column; 13] = [
    Column::Id,
    Column::Version,
    Column::OwnerId,
    Column::State,
    Column::Visibility,
    Column::Title,
    Column::Artists,
    Column::Album,
    Column::AlbumArtist,
    Column::Genre,
    Column::Year,
    Column::DurationMs,
    Column::CreatedAt,
];

impl Scan {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Songs after `after` by id, at most `size`, without tombstones. From the primaries: whoever compares a copy
    /// with this must not see less than the facts that the copy has already heard.
    async fn page(
        &self,
        states: &[SongState],
        after: Option<SongId>,
        size: u32,
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        for primary in self.store.primaries() {
            let mut query = Entity::find().select_only().columns(COLUMNS).filter(Column::DeletedAt.is_null());
            if !states.is_empty() {
                query = query.filter(Column::State.is_in(states.iter().map(|s| s.as_str())));
            }
            if let Some(after) = after {
                query = query.filter(Column::Id.gt(after.uuid()));
            }
            let query = query.order_by_asc(Column::Id).limit(u64::from(size));
            rows.extend(query.into_model::<Row>().all(&primary).await?);
        }
        // Each shard gave its first ones; the first of all are among them. Both engines order ids by their bytes.
        rows.sort_unstable_by_key(|row| row.id);
        rows.truncate(size as usize);
        Ok(rows)
    }
}

impl Role {
    pub(crate) async fn scan(&self, request: ScanSongsRequest) -> Result<ScanSongsResponse, Error> {
        let mut checks = Checks::default();
        let states = states(&mut checks, &request.states);
        let size = scan_size(&mut checks, request.page_size);
        checks.done()?;
        let states_text = format!("{states:?}");
        let query = ["ScanSongs", states_text.as_str()];
        let bad_token = |text: String| Error::field("page_token", text);
        let after = PageToken::decode(&query, &request.page_token).map_err(|e| bad_token(e.to_string()))?;
        let after =
            after.map(|cursor| cursor.parse::<SongId>()).transpose().map_err(|e| bad_token(e.to_string()))?;

        // One more than asked for tells whether there is a next page.
        let mut rows = self.scan.page(&states, after, size + 1).await?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let songs = rows.into_iter().map(ScannedSong::try_from).collect::<Result<Vec<_>, _>>()?;
        let next_page_token = match songs.last() {
            Some(last) if more => PageToken::encode(&query, &last.song_id),
            _ => String::new(),
        };
        Ok(ScanSongsResponse { songs, next_page_token })
    }
}

impl TryFrom<Row> for ScannedSong {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let state = pb::SongState::from_str_name(&format!("SONG_STATE_{}", row.state));
        let visibility = pb::Visibility::from_str_name(&format!("VISIBILITY_{}", row.visibility));
        Ok(Self {
            song_id: row.id.to_string(),
            version: row.version.try_into().map_err(StoreError::corrupt)?,
            owner_id: row.owner_id.to_string(),
            state: state.ok_or_else(|| StoreError::corrupt(&row.state))?.into(),
            visibility: visibility.ok_or_else(|| StoreError::corrupt(&row.visibility))?.into(),
            title: row.title,
            artists: serde_json::from_str(&row.artists).map_err(StoreError::corrupt)?,
            album: row.album,
            album_artist: row.album_artist,
            genre: row.genre,
            year: row.year.try_into().map_err(StoreError::corrupt)?,
            duration_ms: row.duration_ms.try_into().map_err(StoreError::corrupt)?,
            create_time: Some(to_proto(Timestamp(row.created_at))),
        })
    }
}
