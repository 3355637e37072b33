//! The table `playlists`, and how a row becomes a record.

use super::collaborators;
use crate::record::{Person, PlaylistRecord};
use sea_orm::{Set, entity::prelude::*};
use segue_domain::{IdError, PlaylistId, Timestamp, UserId};
use segue_store::StoreError;

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "playlists")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub owner_id: Uuid,
    pub version: i64,
    pub title: String,
    pub description: String,
    pub visibility: String,
    pub refuse_duplicates: bool,
    pub item_count: i64,
    pub duration_ms: i64,
    pub lead: String,
    pub respread: i64,
    pub request_digest: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub deleted_at: Option<i64>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The record of a row and of those of its people, who come in the order in which they joined.
    pub(crate) fn with(self, people: Vec<collaborators::Model>) -> Result<PlaylistRecord, StoreError> {
        let corrupt = |e: IdError| StoreError::corrupt(e);
        let mut people = people.into_iter().map(Person::try_from).collect::<Result<Vec<_>, _>>()?;
        people.sort_unstable_by_key(|person| (person.since, person.user));
        Ok(PlaylistRecord {
            id: PlaylistId::from_uuid(self.id).map_err(corrupt)?,
            owner: UserId::from_uuid(self.owner_id).map_err(corrupt)?,
            version: convert(self.version)?,
            title: self.title,
            description: self.description,
            visibility: self.visibility.parse().map_err(StoreError::corrupt)?,
            refuse_duplicates: self.refuse_duplicates,
            item_count: convert(self.item_count)?,
            duration_ms: convert(self.duration_ms)?,
            lead: serde_json::from_str(&self.lead).map_err(StoreError::corrupt)?,
            respread: convert(self.respread)?,
            request_digest: self.request_digest,
            created: Timestamp(self.created_at),
            updated: Timestamp(self.updated_at),
            deleted: self.deleted_at.map(Timestamp),
            people,
        })
    }
}

impl TryFrom<&PlaylistRecord> for ActiveModel {
    type Error = StoreError;

    fn try_from(playlist: &PlaylistRecord) -> Result<Self, StoreError> {
        Ok(Self {
            id: Set(playlist.id.uuid()),
            owner_id: Set(playlist.owner.uuid()),
            version: Set(convert(playlist.version)?),
            title: Set(playlist.title.clone()),
            description: Set(playlist.description.clone()),
            visibility: Set(playlist.visibility.to_string()),
            refuse_duplicates: Set(playlist.refuse_duplicates),
            item_count: Set(playlist.item_count.into()),
            duration_ms: Set(convert(playlist.duration_ms)?),
            lead: Set(serde_json::to_string(&playlist.lead).map_err(StoreError::corrupt)?),
            respread: Set(convert(playlist.respread)?),
            request_digest: Set(playlist.request_digest.clone()),
            created_at: Set(playlist.created.millis()),
            updated_at: Set(playlist.updated.millis()),
            deleted_at: Set(playlist.deleted.map(Timestamp::millis)),
        })
    }
}

pub(crate) fn convert<A, B: TryFrom<A>>(number: A) -> Result<B, StoreError>
where
    B::Error: std::fmt::Display,
{
    B::try_from(number).map_err(StoreError::corrupt)
}
