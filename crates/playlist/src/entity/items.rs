//! The table `playlist_items`, in the order of `position`.

use super::playlists::convert;
use crate::record::ItemRecord;
use sea_orm::{Set, entity::prelude::*};
use segue_domain::{IdError, ItemId, PlaylistId, SongId, Timestamp, UserId};
use segue_store::StoreError;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "playlist_items")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub playlist_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub item_id: Uuid,
    pub position: Vec<u8>,
    pub song_id: Uuid,
    pub added_by: Uuid,
    pub added_at: i64,
    pub duration_ms: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for ItemRecord {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        let corrupt = |e: IdError| StoreError::corrupt(e);
        Ok(Self {
            id: ItemId::from_uuid(row.item_id).map_err(corrupt)?,
            position: row.position,
            song: SongId::from_uuid(row.song_id).map_err(corrupt)?,
            added_by: UserId::from_uuid(row.added_by).map_err(corrupt)?,
            added: Timestamp(row.added_at),
            duration_ms: convert(row.duration_ms)?,
        })
    }
}

impl ItemRecord {
    /// Its row in a playlist.
    pub(crate) fn row(&self, playlist: PlaylistId) -> Result<ActiveModel, StoreError> {
        Ok(ActiveModel {
            playlist_id: Set(playlist.uuid()),
            item_id: Set(self.id.uuid()),
            position: Set(self.position.clone()),
            song_id: Set(self.song.uuid()),
            added_by: Set(self.added_by.uuid()),
            added_at: Set(self.added.millis()),
            duration_ms: Set(convert(self.duration_ms)?),
        })
    }
}
