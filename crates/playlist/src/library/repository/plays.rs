//! What accounts have heard.

use super::{
    Libraries,
    change::Change,
    count, id,
    played::{self, Sum},
};
use crate::library::entity::plays::{ActiveModel, Column, Entity, Model};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Set, prelude::Uuid,
    sea_query::Expr,
};
use segue_domain::{PlayId, SongId, Timestamp, UserId};
use segue_store::StoreError;
use std::collections::{BTreeMap, HashSet};

/// One hearing of a song.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub id: PlayId,
    pub song: SongId,
    pub started: Timestamp,
    pub played_ms: u64,
    pub skipped: bool,
    /// A playlist, album or artist.
    pub context: Option<Uuid>,
}

/// The table `plays`, and `user_song_plays` beside it.
#[derive(Debug, Clone)]
pub(crate) struct Plays {
    libraries: Libraries,
}

impl Plays {
    pub(crate) fn new(libraries: Libraries) -> Self {
        Self { libraries }
    }

    /// Stores those that are not stored yet and whose history was not deleted, and says how many they were; `None` when the
    /// account is gone. Each id is among `plays` once.
    pub(crate) async fn record(&self, user: UserId, plays: &[Heard]) -> Result<Option<usize>, StoreError> {
        self.libraries.store.retry(|| self.record_once(user, plays)).await
    }

    async fn record_once(&self, user: UserId, plays: &[Heard]) -> Result<Option<usize>, StoreError> {
        let Some(mut change) = self.libraries.open(user).await? else { return Ok(None) };
        let known = known(&change, plays).await?;
        let wanted =
            |play: &&Heard| play.started >= change.forgotten_before && !known.contains(&play.id.uuid());
        let new: Vec<&Heard> = plays.iter().filter(wanted).collect();
        if new.is_empty() {
            change.rollback().await?;
            return Ok(Some(0));
        }
        let rows: Vec<_> = new.iter().map(|play| row(user, play)).collect::<Result<_, _>>()?;
        Entity::insert_many(rows).exec_without_returning(change.connection()).await?;
        let mut sums: BTreeMap<SongId, Sum> = BTreeMap::new();
        for play in &new {
            let sum = sums.entry(play.song).or_default();
            let (plays, skips) = if play.skipped { (0, 1) } else { (1, 0) };
            (sum.plays, sum.skips) = (sum.plays + plays, sum.skips + skips);
            sum.last = sum.last.max(play.started);
        }
        played::add(change.connection(), user, &sums).await?;
        for (song, sum) in sums {
            let tally = change.tally(song);
            (tally.plays, tally.skips) = (sum.plays, sum.skips);
        }
        let recorded = new.len();
        change.commit().await?;
        Ok(Some(recorded))
    }

    /// One page, newest first.
    pub(crate) async fn page(
        &self,
        user: UserId,
        after: Option<(Timestamp, PlayId)>,
        size: u32,
    ) -> Result<Vec<Heard>, StoreError> {
        let mut query = Entity::find()
            .filter(Column::UserId.eq(user.uuid()))
            .order_by_desc(Column::StartedAt)
            .order_by_desc(Column::EventId)
            .limit(u64::from(size));
        if let Some((at, play)) = after {
            let place = Expr::tuple([Expr::col(Column::StartedAt), Expr::col(Column::EventId)]);
            query = query.filter(place.lt(Expr::tuple([Expr::value(at.millis()), Expr::value(play.uuid())])));
        }
        let ask = || async { Ok(query.clone().all(&self.libraries.for_page(user, after.is_none())).await?) };
        let rows: Vec<Model> = self.libraries.store.read(ask).await?;
        rows.into_iter().map(read).collect()
    }

    /// Deletes at most `most` that began before `moment`, oldest first, and takes them from the account's sums; says how many
    /// they were. What everybody heard stays counted.
    pub(crate) async fn delete(
        &self,
        user: UserId,
        moment: Timestamp,
        most: u32,
    ) -> Result<usize, StoreError> {
        let delete = || async {
            let (change, _) = self.libraries.open_any(user).await?;
            let query = Entity::find()
                .filter(Column::UserId.eq(user.uuid()))
                .filter(Column::StartedAt.lt(moment.millis()))
                .order_by_asc(Column::StartedAt)
                .order_by_asc(Column::EventId)
                .limit(u64::from(most));
            let rows = query.all(change.connection()).await?;
            if rows.is_empty() {
                change.rollback().await?;
                return Ok(0);
            }
            Entity::delete_many()
                .filter(Column::UserId.eq(user.uuid()))
                .filter(Column::EventId.is_in(rows.iter().map(|row| row.event_id)))
                .exec(change.connection())
                .await?;
            let mut sums: BTreeMap<SongId, Sum> = BTreeMap::new();
            for row in &rows {
                // Whatever is left of a song was heard later, so the last time stays true.
                let sum = sums.entry(id(row.song_id, SongId::from_uuid)?).or_default();
                let (plays, skips) = if row.skipped { (0, 1) } else { (1, 0) };
                (sum.plays, sum.skips) = (sum.plays - plays, sum.skips - skips);
            }
            played::add(change.connection(), user, &sums).await?;
            played::remove_empty(change.connection(), user, sums.into_keys()).await?;
            change.commit().await?;
            Ok(rows.len())
        };
        self.libraries.store.retry(delete).await
    }
}

/// Those of the plays that are stored.
async fn known(change: &Change, plays: &[Heard]) -> Result<HashSet<Uuid>, StoreError> {
    let known = Entity::find()
        .select_only()
        .column(Column::EventId)
        .filter(Column::UserId.eq(change.user.uuid()))
        .filter(Column::EventId.is_in(plays.iter().map(|play| play.id.uuid())))
        .into_tuple::<Uuid>()
        .all(change.connection())
        .await?;
    Ok(known.into_iter().collect())
}

fn row(user: UserId, play: &Heard) -> Result<ActiveModel, StoreError> {
    Ok(ActiveModel {
        user_id: Set(user.uuid()),
        event_id: Set(play.id.uuid()),
        song_id: Set(play.song.uuid()),
        started_at: Set(play.started.millis()),
        played_ms: Set(i64::try_from(play.played_ms).map_err(StoreError::corrupt)?),
        skipped: Set(play.skipped),
        context_id: Set(play.context),
    })
}

fn read(row: Model) -> Result<Heard, StoreError> {
    Ok(Heard {
        id: id(row.event_id, PlayId::from_uuid)?,
        song: id(row.song_id, SongId::from_uuid)?,
        started: Timestamp(row.started_at),
        played_ms: count(row.played_ms)?,
        skipped: row.skipped,
        context: row.context_id,
    })
}
