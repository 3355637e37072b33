//! The table `user_playlists`: each account's playlists, so that a list needs one shard. What they own and share is fed by events;
//! what they follow they write themselves.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "user_playlists")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub playlist_id: Uuid,
    /// `OWNED`, `SHARED`, or `NONE`: a tombstone, so that a late fact cannot bring it back.
    pub relation: String,
    pub followed: bool,
    /// Sequence of the newest fact that was applied; 0 before the first.
    pub sequence: i64,
    /// When the playlist last changed, as far as this row knows.
    pub updated_at: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
