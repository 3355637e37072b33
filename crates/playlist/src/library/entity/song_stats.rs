//! The table `song_stats`: how often a song was heard and is liked, by everybody.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "song_stats")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub song_id: Uuid,
    pub plays: i64,
    pub skips: i64,
    pub likes: i64,
    /// Grows with each change.
    pub version: i64,
    /// Changed since its counts were last told to search.
    pub dirty: bool,
    /// The song was deleted; nothing is counted any more.
    pub gone: bool,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
