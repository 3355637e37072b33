//! Each account's playlists. Eventual: fed by facts, except what they follow.

use crate::entity::user_playlists::{ActiveModel, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Set,
    sea_query::{CaseStatement, Expr, ExprTrait, OnConflict},
};
use segue_domain::{PlaylistId, Timestamp, UserId};
use segue_store::{Store, StoreError};

/// Rows that one statement brings up to date.
const TOUCHED: usize = 200;

/// The table `user_playlists`.
#[derive(Debug, Clone)]
pub(crate) struct UserLists {
    store: Store,
}

/// How a playlist came into a list by facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Owned,
    Shared,
    /// Not, or not any more.
    None,
}

impl Relation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Owned => "OWNED",
            Self::Shared => "SHARED",
            Self::None => "NONE",
        }
    }
}

/// What a fact says about a playlist in one account's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub user: UserId,
    pub playlist: PlaylistId,
    pub relation: Relation,
    pub sequence: u64,
    pub updated: Timestamp,
}

/// A playlist in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed {
    pub playlist: PlaylistId,
    /// When it last changed, as far as the list knows.
    pub updated: Timestamp,
}

/// Which playlists of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    All,
    Owned,
    Shared,
    Followed,
}

impl UserLists {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Applies a fact, unless it or a newer one was applied before.
    pub(crate) async fn apply(&self, entry: &Entry) -> Result<(), StoreError> {
        let row = ActiveModel {
            user_id: Set(entry.user.uuid()),
            playlist_id: Set(entry.playlist.uuid()),
            relation: Set(entry.relation.as_str().to_owned()),
            followed: Set(false),
            sequence: Set(i64::try_from(entry.sequence).map_err(StoreError::corrupt)?),
            updated_at: Set(entry.updated.millis()),
        };
        let newer = OnConflict::columns([Column::UserId, Column::PlaylistId])
            .update_columns([Column::Relation, Column::Sequence, Column::UpdatedAt])
            .action_and_where(Expr::col((Entity, Column::Sequence)).lt(Expr::col(("excluded", "sequence"))))
            .to_owned();
        self.write(entry.user, row, newer).await
    }

    /// Puts a playlist among those that a user follows.
    pub(crate) async fn follow(
        &self,
        user: UserId,
        playlist: PlaylistId,
        updated: Timestamp,
    ) -> Result<(), StoreError> {
        let row = ActiveModel {
            user_id: Set(user.uuid()),
            playlist_id: Set(playlist.uuid()),
            relation: Set(Relation::None.as_str().to_owned()),
            followed: Set(true),
            sequence: Set(0),
            updated_at: Set(updated.millis()),
        };
        let there = OnConflict::columns([Column::UserId, Column::PlaylistId])
            .update_column(Column::Followed)
            .to_owned();
        self.write(user, row, there).await
    }

    async fn write(&self, user: UserId, row: ActiveModel, there: OnConflict) -> Result<(), StoreError> {
        let write = || async {
            let insert = Entity::insert(row.clone()).on_conflict(there.clone());
            insert.exec_without_returning(&self.store.primary(&user.into())).await?;
            Ok(())
        };
        self.store.retry(write).await
    }

    /// Takes playlists out of those that a user follows.
    pub(crate) async fn unfollow(&self, user: UserId, playlists: &[PlaylistId]) -> Result<(), StoreError> {
        let ids = || playlists.iter().map(|id| id.uuid());
        let write = || async {
            Entity::update_many()
                .col_expr(Column::Followed, Expr::value(false))
                .filter(Column::UserId.eq(user.uuid()))
                .filter(Column::PlaylistId.is_in(ids()))
                .exec(&self.store.primary(&user.into()))
                .await?;
            Ok(())
        };
        self.store.retry(write).await
    }

    /// Followed playlists have changed at these times. One statement for many: a user may follow a thousand.
    pub(crate) async fn touch(
        &self,
        user: UserId,
        changed: &[(PlaylistId, Timestamp)],
    ) -> Result<(), StoreError> {
        for batch in changed.chunks(TOUCHED) {
            let later = |case: CaseStatement, (playlist, updated): &(PlaylistId, Timestamp)| {
                let earlier = Column::UpdatedAt.lt(updated.millis());
                let this = Condition::all().add(Column::PlaylistId.eq(playlist.uuid())).add(earlier);
                case.case(this, Expr::value(updated.millis()))
            };
            let times = batch.iter().fold(CaseStatement::new(), later).finally(Expr::col(Column::UpdatedAt));
            let write = || async {
                Entity::update_many()
                    .col_expr(Column::UpdatedAt, times.clone().into())
                    .filter(Column::UserId.eq(user.uuid()))
                    .filter(Column::PlaylistId.is_in(batch.iter().map(|(playlist, _)| playlist.uuid())))
                    .exec(&self.store.primary(&user.into()))
                    .await?;
                Ok(())
            };
            self.store.retry(write).await?;
        }
        Ok(())
    }

    /// Whether a user follows a playlist. As last written: they may have done so a moment ago.
    pub(crate) async fn follows(&self, user: UserId, playlist: PlaylistId) -> Result<bool, StoreError> {
        let ask = || async {
            let query = filtered(user, Filter::All).filter(Column::PlaylistId.eq(playlist.uuid()));
            let query = query.filter(Column::Followed.eq(true));
            Ok(query.count(&self.store.primary(&user.into())).await? > 0)
        };
        self.store.read(ask).await
    }

    /// What a user follows and has no other part in, at most `most`. As last written.
    pub(crate) async fn followed(&self, user: UserId, most: u32) -> Result<Vec<Listed>, StoreError> {
        let ask = || async {
            let query = filtered(user, Filter::Followed).limit(u64::from(most));
            Ok(query.all(&self.store.primary(&user.into())).await?)
        };
        self.store.read(ask).await?.into_iter().map(Listed::try_from).collect()
    }

    /// Up to `size` playlists of a user, those that changed last first; after the last of the page before. As last
    /// written, so that what somebody just followed is there.
    pub(crate) async fn page(
        &self,
        user: UserId,
        filter: Filter,
        after: Option<(Timestamp, PlaylistId)>,
        size: u32,
    ) -> Result<Vec<Listed>, StoreError> {
        let query = filtered(user, filter)
            .apply_if(after, |query, (updated, playlist)| {
                let same = Condition::all()
                    .add(Column::UpdatedAt.eq(updated.millis()))
                    .add(Column::PlaylistId.lt(playlist.uuid()));
                query.filter(Condition::any().add(Column::UpdatedAt.lt(updated.millis())).add(same))
            })
            .order_by_desc(Column::UpdatedAt)
            .order_by_desc(Column::PlaylistId)
            .limit(u64::from(size));
        let ask = || async { Ok(query.clone().all(&self.store.primary(&user.into())).await?) };
        self.store.read(ask).await?.into_iter().map(Listed::try_from).collect()
    }

    /// Forgets the list of an account that is gone.
    pub(crate) async fn forget(&self, user: UserId) -> Result<(), StoreError> {
        let write = || async {
            let rows = Entity::delete_many().filter(Column::UserId.eq(user.uuid()));
            rows.exec(&self.store.primary(&user.into())).await?;
            Ok(())
        };
        self.store.retry(write).await
    }
}

fn filtered(user: UserId, filter: Filter) -> sea_orm::Select<Entity> {
    let relation = |relation: Relation| Column::Relation.eq(relation.as_str());
    let which = match filter {
        Filter::All => {
            Condition::any().add(Column::Relation.ne(Relation::None.as_str())).add(Column::Followed.eq(true))
        }
        Filter::Owned => Condition::all().add(relation(Relation::Owned)),
        Filter::Shared => Condition::all().add(relation(Relation::Shared)),
        Filter::Followed => Condition::all().add(relation(Relation::None)).add(Column::Followed.eq(true)),
    };
    Entity::find().filter(Column::UserId.eq(user.uuid())).filter(which)
}

impl TryFrom<Model> for Listed {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            playlist: PlaylistId::from_uuid(row.playlist_id).map_err(StoreError::corrupt)?,
            updated: Timestamp(row.updated_at),
        })
    }
}
