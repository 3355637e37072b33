//! The table `playlist_collaborators`: editors and viewers.

use crate::record::Person;
use sea_orm::entity::prelude::*;
use segue_domain::{Timestamp, UserId};
use segue_store::StoreError;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "playlist_collaborators")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub playlist_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub editor: bool,
    pub joined_at: i64,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl TryFrom<Model> for Person {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            user: UserId::from_uuid(row.user_id).map_err(StoreError::corrupt)?,
            editor: row.editor,
            since: Timestamp(row.joined_at),
        })
    }
}
