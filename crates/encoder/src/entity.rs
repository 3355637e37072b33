//! A row of `encodings`. Ids are canonical UUID text, times Unix milliseconds.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "encodings")]
pub(crate) struct Model {
    /// The shard key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub song_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub encoding_id: String,
    pub owner_id: String,
    pub state: String,
    pub attempts: i64,
    pub output_id: Option<String>,
    pub failure_reason: Option<String>,
    pub failure_message: Option<String>,
    /// Sequence of the newest event about it; 0 before the first.
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
