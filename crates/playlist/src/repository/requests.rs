//! What AddItems has answered, so that a repeat adds nothing; and all that goes with a playlist.

use super::{Draft, PlaylistTable};
use crate::entity::{
    invitations,
    requests::{ActiveModel, Column, Entity},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set, prelude::Uuid};
use segue_domain::{ItemId, PlaylistId, Timestamp};
use segue_store::StoreError;

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answered {
    pub request: Uuid,
    /// Of what was asked for, and by whom.
    pub digest: String,
    pub items: Vec<ItemId>,
}

impl Draft<'_> {
    pub(crate) async fn answered(&self, request: Uuid) -> Result<Option<Answered>, StoreError> {
        let query = Entity::find()
            .filter(Column::PlaylistId.eq(self.before.id.uuid()))
            .filter(Column::RequestId.eq(request));
        let Some(row) = query.one(self.db).await? else { return Ok(None) };
        let items = serde_json::from_str(&row.item_ids).map_err(StoreError::corrupt)?;
        Ok(Some(Answered { request, digest: row.digest, items }))
    }

    pub(crate) async fn remember(&self, answered: &Answered) -> Result<(), StoreError> {
        let row = ActiveModel {
            playlist_id: Set(self.before.id.uuid()),
            request_id: Set(answered.request),
            digest: Set(answered.digest.clone()),
            item_ids: Set(serde_json::to_string(&answered.items).map_err(StoreError::corrupt)?),
            created_at: Set(self.now.millis()),
        };
        Entity::insert(row).exec_without_returning(self.db).await?;
        Ok(())
    }

    /// Removes everything that belongs to the playlist and its people know nothing of.
    pub(crate) async fn clear(&self) -> Result<(), StoreError> {
        let id = self.before.id.uuid();
        self.items().clear().await?;
        Entity::delete_many().filter(Column::PlaylistId.eq(id)).exec(self.db).await?;
        let invitations = invitations::Entity::delete_many();
        invitations.filter(invitations::Column::PlaylistId.eq(id)).exec(self.db).await?;
        Ok(())
    }
}

impl PlaylistTable {
    /// Forgets the requests of a playlist that were answered before `moment`.
    pub(crate) async fn forget(&self, playlist: PlaylistId, moment: Timestamp) -> Result<(), StoreError> {
        let forget = || async {
            Entity::delete_many()
                .filter(Column::PlaylistId.eq(playlist.uuid()))
                .filter(Column::CreatedAt.lt(moment.millis()))
                .exec(&self.store.primary(&playlist.into()))
                .await?;
            Ok(())
        };
        self.store.retry(forget).await
    }
}
