//! The projection behind "my songs".

use crate::{
    entity::owner_songs::{ActiveModel, Column, Entity, Model},
    record::SongRecord,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{Expr, OnConflict},
};
use segue_domain::{SongId, SongState, Timestamp, UserId, fold, sort_key};
use segue_store::{Store, StoreError};

/// The table `owner_songs`.
#[derive(Debug, Clone)]
pub(crate) struct OwnerSongs {
    store: Store,
}

/// What a fact says about a song in its owner's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub owner: UserId,
    pub song: SongId,
    pub sequence: u64,
    pub state: SongState,
    pub sha256: String,
    pub created: Timestamp,
    pub deleted: bool,
    /// What it is matched by.
    pub names: Names,
}

/// What songs are matched by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Names {
    /// As [`sort_key`] makes it.
    pub title_key: String,
    /// Folded, one a line.
    pub artists_key: String,
    pub isrc: String,
    pub musicbrainz_id: String,
    pub duration_ms: u64,
}

/// What songs are looked for by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Isrc,
    MusicbrainzId,
    TitleKey,
}

impl Names {
    pub(crate) fn of(title: &str, artists: &[String]) -> Self {
        let artists: Vec<String> = artists.iter().map(|artist| fold(artist)).collect();
        Self { title_key: sort_key(title), artists_key: artists.join("\n"), ..Self::default() }
    }
}

impl Entry {
    /// What a song says of itself.
    pub(crate) fn of(song: &SongRecord) -> Self {
        let metadata = &song.metadata;
        Self {
            owner: song.owner,
            song: song.id,
            sequence: song.version,
            state: song.state,
            sha256: song.original.sha256.clone(),
            created: song.created,
            deleted: song.deleted.is_some(),
            names: Names {
                isrc: metadata.isrc.clone(),
                musicbrainz_id: metadata.musicbrainz_id.clone(),
                duration_ms: song.output.as_ref().map_or(0, |o| o.duration_ms),
                ..Names::of(&metadata.title, &metadata.artists)
            },
        }
    }
}

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub owner: UserId,
    /// All when empty.
    pub states: Vec<SongState>,
    pub sha256: Option<String>,
    /// The last song of the page before.
    pub after: Option<(Timestamp, SongId)>,
    pub size: u32,
}

impl OwnerSongs {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Applies a fact, unless it or a newer one was applied before.
    pub(crate) async fn apply(&self, entry: &Entry) -> Result<(), StoreError> {
        let row = ActiveModel {
            owner_id: Set(entry.owner.uuid()),
            song_id: Set(entry.song.uuid()),
            sequence: Set(i64::try_from(entry.sequence).map_err(StoreError::corrupt)?),
            state: Set(entry.state.to_string()),
            sha256: Set(entry.sha256.clone()),
            created_at: Set(entry.created.millis()),
            deleted: Set(entry.deleted),
            title_key: Set(entry.names.title_key.clone()),
            artists_key: Set(entry.names.artists_key.clone()),
            isrc: Set(entry.names.isrc.clone()),
            musicbrainz_id: Set(entry.names.musicbrainz_id.clone()),
            duration_ms: Set(i64::try_from(entry.names.duration_ms).map_err(StoreError::corrupt)?),
        };
        let old = |column: Column| Expr::col((Entity, column));
        let new = |column: &'static str| Expr::col(("excluded", column));
        // A row that a program of before wrote for the same fact lacks the names.
        let unnamed = old(Column::Sequence).eq(new("sequence")).and(old(Column::TitleKey).eq(""));
        let newer = OnConflict::columns([Column::OwnerId, Column::SongId])
            .update_columns([
                Column::Sequence,
                Column::State,
                Column::Sha256,
                Column::Deleted,
                Column::TitleKey,
                Column::ArtistsKey,
                Column::Isrc,
                Column::MusicbrainzId,
                Column::DurationMs,
            ])
            .action_and_where(old(Column::Sequence).lt(new("sequence")).or(unnamed))
            .to_owned();
        let write = || async {
            let insert = Entity::insert(row.clone()).on_conflict(newer.clone());
            insert.exec_without_returning(&self.store.primary(&entry.owner.into())).await?;
            Ok(())
        };
        self.store.retry(write).await
    }

    /// Songs of an owner that play and have one of these values, with what they are matched by, oldest first; at most `most`.
    pub(crate) async fn matching(
        &self,
        owner: UserId,
        by: By,
        values: &[String],
        most: u64,
    ) -> Result<Vec<(SongId, Names)>, StoreError> {
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let column = match by {
            By::Isrc => Column::Isrc,
            By::MusicbrainzId => Column::MusicbrainzId,
            By::TitleKey => Column::TitleKey,
        };
        let query = Entity::find()
            .filter(Column::OwnerId.eq(owner.uuid()))
            .filter(column.is_in(values.iter().map(String::as_str)))
            .filter(Column::Deleted.eq(false))
            .filter(Column::State.eq(SongState::Ready.as_str()))
            .order_by_asc(Column::SongId)
            .limit(most);
        let ask = || async { Ok(query.clone().all(&self.store.reader(&owner.into())).await?) };
        self.store.read(ask).await?.into_iter().map(named).collect()
    }

    /// One page, newest first: creation time and id.
    pub(crate) async fn page(&self, page: &Page) -> Result<Vec<(Timestamp, SongId)>, StoreError> {
        let mut query = Entity::find()
            .filter(Column::OwnerId.eq(page.owner.uuid()))
            .filter(Column::Deleted.eq(false))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::SongId)
            .limit(u64::from(page.size));
        if !page.states.is_empty() {
            query = query.filter(Column::State.is_in(page.states.iter().map(|s| s.as_str())));
        }
        if let Some(sha256) = &page.sha256 {
            query = query.filter(Column::Sha256.eq(sha256.as_str()));
        }
        if let Some((created, song)) = page.after {
            let same = Condition::all()
                .add(Column::CreatedAt.eq(created.millis()))
                .add(Column::SongId.lt(song.uuid()));
            query = query.filter(Condition::any().add(Column::CreatedAt.lt(created.millis())).add(same));
        }
        let ask = || async { Ok(query.clone().all(&self.store.reader(&page.owner.into())).await?) };
        let rows: Vec<_> = self.store.read(ask).await?;
        let read = |id| SongId::from_uuid(id).map_err(StoreError::corrupt);
        rows.into_iter().map(|row| Ok((Timestamp(row.created_at), read(row.song_id)?))).collect()
    }
}

fn named(row: Model) -> Result<(SongId, Names), StoreError> {
    let names = Names {
        title_key: row.title_key,
        artists_key: row.artists_key,
        isrc: row.isrc,
        musicbrainz_id: row.musicbrainz_id,
        duration_ms: row.duration_ms.try_into().map_err(StoreError::corrupt)?,
    };
    Ok((SongId::from_uuid(row.song_id).map_err(StoreError::corrupt)?, names))
}
