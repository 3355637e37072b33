//! What accounts like.

use super::{Libraries, id};
use crate::library::entity::likes::{ActiveModel, Column, Entity};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set, sea_query::Expr,
};
use segue_domain::{SongId, Timestamp, UserId};
use segue_store::StoreError;

/// The table `likes`.
#[derive(Debug, Clone)]
pub(crate) struct Likes {
    libraries: Libraries,
}

impl Likes {
    pub(crate) fn new(libraries: Libraries) -> Self {
        Self { libraries }
    }

    /// Likes a song, and says since when it is liked; `None` when the account is gone. Repeating it changes nothing.
    pub(crate) async fn add(&self, user: UserId, song: SongId) -> Result<Option<Timestamp>, StoreError> {
        self.libraries.store.retry(|| self.add_once(user, song)).await
    }

    async fn add_once(&self, user: UserId, song: SongId) -> Result<Option<Timestamp>, StoreError> {
        let Some(mut change) = self.libraries.open(user).await? else { return Ok(None) };
        let key = (user.uuid(), song.uuid());
        if let Some(like) = Entity::find_by_id(key).one(change.connection()).await? {
            change.rollback().await?;
            return Ok(Some(Timestamp(like.liked_at)));
        }
        let now = change.now;
        let row =
            ActiveModel { user_id: Set(user.uuid()), song_id: Set(song.uuid()), liked_at: Set(now.millis()) };
        Entity::insert(row).exec_without_returning(change.connection()).await?;
        change.tally(song).likes = 1;
        change.commit().await?;
        Ok(Some(now))
    }

    /// Likes a song no longer. Repeating it changes nothing.
    pub(crate) async fn remove(&self, user: UserId, song: SongId) -> Result<(), StoreError> {
        let remove = || async {
            let Some(mut change) = self.libraries.open(user).await? else { return Ok(()) };
            let key = (user.uuid(), song.uuid());
            let deleted = Entity::delete_by_id(key).exec(change.connection()).await?;
            if deleted.rows_affected == 0 {
                return change.rollback().await;
            }
            change.tally(song).likes = -1;
            change.commit().await
        };
        self.libraries.store.retry(remove).await
    }

    /// One page, liked last first.
    pub(crate) async fn page(
        &self,
        user: UserId,
        after: Option<(Timestamp, SongId)>,
        size: u32,
    ) -> Result<Vec<(Timestamp, SongId)>, StoreError> {
        let mut query = Entity::find()
            .filter(Column::UserId.eq(user.uuid()))
            .order_by_desc(Column::LikedAt)
            .order_by_desc(Column::SongId)
            .limit(u64::from(size));
        if let Some((at, song)) = after {
            let place = Expr::tuple([Expr::col(Column::LikedAt), Expr::col(Column::SongId)]);
            query = query.filter(place.lt(Expr::tuple([Expr::value(at.millis()), Expr::value(song.uuid())])));
        }
        let ask = || async { Ok(query.clone().all(&self.libraries.for_page(user, after.is_none())).await?) };
        let rows: Vec<_> = self.libraries.store.read(ask).await?;
        let read = |uuid| id(uuid, SongId::from_uuid);
        rows.into_iter().map(|row| Ok((Timestamp(row.liked_at), read(row.song_id)?))).collect()
    }

    /// Ends some likes of an account that is gone, so that they are counted no longer; says how many.
    pub(crate) async fn end(&self, user: UserId, most: u32) -> Result<usize, StoreError> {
        let end = || async {
            let (mut change, _) = self.libraries.open_any(user).await?;
            let query = Entity::find().filter(Column::UserId.eq(user.uuid())).limit(u64::from(most));
            let rows = query.all(change.connection()).await?;
            let songs: Vec<_> = rows.iter().map(|row| row.song_id).collect();
            if songs.is_empty() {
                change.rollback().await?;
                return Ok(0);
            }
            Entity::delete_many()
                .filter(Column::UserId.eq(user.uuid()))
                .filter(Column::SongId.is_in(songs.iter().copied()))
                .exec(change.connection())
                .await?;
            for song in &songs {
                change.tally(id(*song, SongId::from_uuid)?).likes = -1;
            }
            change.commit().await?;
            Ok(songs.len())
        };
        self.libraries.store.retry(end).await
    }

    /// Takes a song that is gone from the likes of these accounts. Nothing is counted: so are its counts.
    pub(crate) async fn forget(&self, song: SongId, users: &[UserId]) -> Result<(), StoreError> {
        for part in self.libraries.store.together(users) {
            let forget = || async {
                let Some(first) = part.first() else { return Ok(()) };
                Entity::delete_many()
                    .filter(Column::UserId.is_in(part.iter().map(|user| user.uuid())))
                    .filter(Column::SongId.eq(song.uuid()))
                    .exec(&self.libraries.store.primary(&(*first).into()))
                    .await?;
                Ok(())
            };
            self.libraries.store.retry(forget).await?;
        }
        Ok(())
    }
}
