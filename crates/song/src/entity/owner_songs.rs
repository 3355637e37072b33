//! The table `owner_songs`: each owner's songs, fed by events, so that a list needs one shard.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "owner_songs")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub song_id: Uuid,
    /// Sequence of the newest fact that was applied.
    pub sequence: i64,
    pub state: String,
    pub sha256: String,
    pub created_at: i64,
    /// A tombstone, so that a late fact cannot bring the song back.
    pub deleted: bool,
    /// What songs are matched by. Empty in a row of a program of before, until it is filled in.
    pub title_key: String,
    pub artists_key: String,
    pub isrc: String,
    pub musicbrainz_id: String,
    pub duration_ms: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
