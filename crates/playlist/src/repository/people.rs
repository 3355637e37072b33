//! Editors, viewers and invitations of playlists.

use crate::{
    entity::{
        collaborators::{ActiveModel, Column, Entity, Model},
        invitations,
    },
    record::{Person, PlaylistRecord},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, Set,
    prelude::Uuid, sea_query::Expr,
};
use segue_domain::{PlaylistId, Timestamp, UserId};
use segue_store::StoreError;
use std::collections::HashMap;

/// A link secret that lets one account in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invitation {
    pub playlist: PlaylistId,
    /// SHA-256 of the secret.
    pub hash: Vec<u8>,
    pub editor: bool,
    pub created: Timestamp,
    pub expires: Timestamp,
    pub used_by: Option<UserId>,
}

/// People by playlist.
pub(super) async fn of(
    db: &impl ConnectionTrait,
    playlists: &[PlaylistId],
) -> Result<HashMap<Uuid, Vec<Model>>, StoreError> {
    let mut people: HashMap<Uuid, Vec<Model>> = HashMap::new();
    if playlists.is_empty() {
        return Ok(people);
    }
    let these = Column::PlaylistId.is_in(playlists.iter().map(|id| id.uuid()));
    for row in Entity::find().filter(these).all(db).await? {
        people.entry(row.playlist_id).or_default().push(row);
    }
    Ok(people)
}

/// Writes what is new among the people of a playlist, and takes away who is not there any more.
pub(super) async fn replace(
    db: &DatabaseTransaction,
    before: &PlaylistRecord,
    next: &PlaylistRecord,
) -> Result<(), StoreError> {
    let of_playlist = || Column::PlaylistId.eq(next.id.uuid());
    let changed = |person: &&Person| next.person(person.user) != Some(*person);
    let gone: Vec<Uuid> = before.people.iter().filter(changed).map(|person| person.user.uuid()).collect();
    if !gone.is_empty() {
        Entity::delete_many().filter(of_playlist()).filter(Column::UserId.is_in(gone)).exec(db).await?;
    }
    let new = next.people.iter().filter(|person| before.person(person.user) != Some(*person));
    let new = new.map(|person| ActiveModel {
        playlist_id: Set(next.id.uuid()),
        user_id: Set(person.user.uuid()),
        editor: Set(person.editor),
        joined_at: Set(person.since.millis()),
    });
    let new: Vec<_> = new.collect();
    if !new.is_empty() {
        Entity::insert_many(new).exec_without_returning(db).await?;
    }
    Ok(())
}

impl Invitation {
    pub(crate) async fn insert(&self, db: &DatabaseTransaction) -> Result<(), StoreError> {
        let row = invitations::ActiveModel {
            playlist_id: Set(self.playlist.uuid()),
            token_hash: Set(self.hash.clone()),
            editor: Set(self.editor),
            created_at: Set(self.created.millis()),
            expires_at: Set(self.expires.millis()),
            used_by: Set(self.used_by.map(UserId::uuid)),
        };
        invitations::Entity::insert(row).exec_without_returning(db).await?;
        Ok(())
    }

    pub(crate) async fn find(
        db: &DatabaseTransaction,
        playlist: PlaylistId,
        hash: &[u8],
    ) -> Result<Option<Self>, StoreError> {
        let query = invitations::Entity::find()
            .filter(invitations::Column::PlaylistId.eq(playlist.uuid()))
            .filter(invitations::Column::TokenHash.eq(hash));
        let Some(row) = query.one(db).await? else { return Ok(None) };
        let used_by = row.used_by.map(UserId::from_uuid).transpose().map_err(StoreError::corrupt)?;
        Ok(Some(Self {
            playlist,
            hash: row.token_hash,
            editor: row.editor,
            created: Timestamp(row.created_at),
            expires: Timestamp(row.expires_at),
            used_by,
        }))
    }

    /// It has let `user` in and nobody else from now on.
    pub(crate) async fn used(&self, db: &DatabaseTransaction, user: UserId) -> Result<(), StoreError> {
        invitations::Entity::update_many()
            .col_expr(invitations::Column::UsedBy, Expr::value(user.uuid()))
            .filter(invitations::Column::PlaylistId.eq(self.playlist.uuid()))
            .filter(invitations::Column::TokenHash.eq(self.hash.as_slice()))
            .exec(db)
            .await?;
        Ok(())
    }

    /// Forgets those of a playlist that expired before `moment`, and says how many are left.
    pub(crate) async fn prune(
        db: &DatabaseTransaction,
        playlist: PlaylistId,
        moment: Timestamp,
    ) -> Result<u64, StoreError> {
        let of = || invitations::Column::PlaylistId.eq(playlist.uuid());
        let old = invitations::Column::ExpiresAt.lt(moment.millis());
        invitations::Entity::delete_many().filter(of()).filter(old).exec(db).await?;
        Ok(invitations::Entity::find().filter(of()).count(db).await?)
    }
}
