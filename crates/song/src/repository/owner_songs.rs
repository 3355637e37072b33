//! The projection behind "my songs".

use crate::entity::owner_songs::{ActiveModel, Column, Entity};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{Expr, OnConflict},
};
use segue_domain::{SongId, SongState, Timestamp, UserId};
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
        };
        let newer = OnConflict::columns([Column::OwnerId, Column::SongId])
            .update_columns([Column::Sequence, Column::State, Column::Sha256, Column::Deleted])
            .action_and_where(Expr::col((Entity, Column::Sequence)).lt(Expr::col(("excluded", "sequence"))))
            .to_owned();
        let write = || async {
            let insert = Entity::insert(row.clone()).on_conflict(newer.clone());
            insert.exec_without_returning(&self.store.primary(&entry.owner.into())).await?;
            Ok(())
        };
        self.store.retry(write).await
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
