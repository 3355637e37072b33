//! How often accounts heard songs: the sums of their plays, kept in the same transactions.

use super::{Libraries, count, id};
use crate::library::entity::user_song_plays::{ActiveModel, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{CaseStatement, Expr, OnConflict},
};
use segue_domain::{SongId, Timestamp, UserId};
use segue_store::StoreError;
use std::collections::BTreeMap;

/// What some plays add up to; below zero when they were deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub plays: i64,
    pub skips: i64,
    pub last: Timestamp,
}

/// By what songs are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Most plays first.
    Most,
    /// Heard last first.
    Recent,
}

/// A song that an account has heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlayedSong {
    pub song: SongId,
    pub plays: u64,
    pub skips: u64,
    pub last: Timestamp,
}

/// Where a song is in either order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub plays: i64,
    pub last: Timestamp,
    pub song: SongId,
}

/// Adds to the sums of an account.
pub(super) async fn add(
    db: &DatabaseTransaction,
    user: UserId,
    sums: &BTreeMap<SongId, Sum>,
) -> Result<(), StoreError> {
    let rows = sums.iter().map(|(song, sum)| ActiveModel {
        user_id: Set(user.uuid()),
        song_id: Set(song.uuid()),
        plays: Set(sum.plays),
        skips: Set(sum.skips),
        last_at: Set(sum.last.millis()),
    });
    let old = |column| Expr::col((Entity, column));
    let new = |name: &'static str| Expr::col(("excluded", name));
    let last = CaseStatement::new()
        .case(new("last_at").gt(old(Column::LastAt)), new("last_at"))
        .finally(old(Column::LastAt));
    let known = OnConflict::columns([Column::UserId, Column::SongId])
        .value(Column::Plays, old(Column::Plays).add(new("plays")))
        .value(Column::Skips, old(Column::Skips).add(new("skips")))
        .value(Column::LastAt, last)
        .to_owned();
    Entity::insert_many(rows).on_conflict(known).exec_without_returning(db).await?;
    Ok(())
}

/// Removes the sums of songs of which no play is left.
pub(super) async fn remove_empty(
    db: &DatabaseTransaction,
    user: UserId,
    songs: impl Iterator<Item = SongId>,
) -> Result<(), StoreError> {
    Entity::delete_many()
        .filter(Column::UserId.eq(user.uuid()))
        .filter(Column::SongId.is_in(songs.map(SongId::uuid)))
        .filter(Column::Plays.lte(0))
        .filter(Column::Skips.lte(0))
        .exec(db)
        .await?;
    Ok(())
}

impl Libraries {
    /// One page of what an account heard, each song once.
    pub(crate) async fn played(
        &self,
        user: UserId,
        order: Order,
        after: Option<Position>,
        size: u32,
    ) -> Result<Vec<PlayedSong>, StoreError> {
        let columns: &[Column] = match order {
            Order::Most => &[Column::Plays, Column::LastAt, Column::SongId],
            Order::Recent => &[Column::LastAt, Column::SongId],
        };
        let mut query = Entity::find().filter(Column::UserId.eq(user.uuid())).limit(u64::from(size));
        for column in columns {
            query = query.order_by_desc(*column);
        }
        if let Some(at) = after {
            let values = columns.iter().map(|column| match column {
                Column::Plays => Expr::value(at.plays),
                Column::LastAt => Expr::value(at.last.millis()),
                _ => Expr::value(at.song.uuid()),
            });
            let place = Expr::tuple(columns.iter().map(|column| Expr::col(*column)));
            query = query.filter(place.lt(Expr::tuple(values)));
        }
        let ask = || async { Ok(query.clone().all(&self.for_page(user, after.is_none())).await?) };
        let rows: Vec<Model> = self.store.read(ask).await?;
        rows.into_iter().map(read).collect()
    }
}

fn read(row: Model) -> Result<PlayedSong, StoreError> {
    Ok(PlayedSong {
        song: id(row.song_id, SongId::from_uuid)?,
        plays: count(row.plays)?,
        skips: count(row.skips)?,
        last: Timestamp(row.last_at),
    })
}

impl PlayedSong {
    /// Where it is.
    pub(crate) fn position(&self) -> Position {
        let plays = i64::try_from(self.plays).unwrap_or(i64::MAX);
        Position { plays, last: self.last, song: self.song }
    }
}
