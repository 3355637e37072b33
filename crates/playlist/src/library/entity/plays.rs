//! The table `plays`: what an account has heard, each hearing once.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "plays")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// Made by the client.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    pub song_id: Uuid,
    pub started_at: i64,
    pub played_ms: i64,
    pub skipped: bool,
    /// A playlist, album or artist.
    pub context_id: Option<Uuid>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
