//! The table `tallies`: what changes of a library add to the counts of songs, until it is added there.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "tallies")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// Version of the library after the change.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub song_id: Uuid,
    pub library_id: Uuid,
    pub plays: i64,
    pub skips: i64,
    /// 1 for a like, -1 for the end of one.
    pub likes: i64,
    pub made_at: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
