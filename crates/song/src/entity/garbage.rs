//! The table `garbage`: what the reaper has to remove.

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "garbage")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub song_id: Uuid,
    /// Everything whose name begins with this.
    #[sea_orm(primary_key, auto_increment = false)]
    pub prefix: String,
    /// Unix milliseconds.
    pub not_before: i64,
    /// It was emptied once; what a late writer has put since is removed the second time.
    pub second_pass: bool,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
