//! Batches of counts for those who rank songs by them.

use super::{Stats, count, get, id};
use crate::library::{
    entity::song_stats::{Column, Entity, Model},
    fact,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
    Value, prelude::Uuid, sea_query::Expr,
};
use segue_domain::{Clock, SeriesId, SongId, Timestamp};
use segue_proto::event::v1::SongCount;
use segue_store::{Outbox, Store, StoreError};
use std::sync::Arc;

/// All batches are of one series, so that they stay in order wherever they go.
const SERIES: Uuid = Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0001);
/// Takes the next number. Who else makes a batch waits, and then sees what this one saw or newer.
const NEXT: &str = "INSERT INTO popularity (series_id, sequence, published_at) VALUES ($1, 1, $2) \
     ON CONFLICT (series_id) DO UPDATE SET sequence = popularity.sequence + 1, \
     published_at = excluded.published_at RETURNING sequence";
const LAST: &str = "SELECT published_at FROM popularity WHERE series_id = $1";
const CHANGED: &str = "SELECT song_id FROM song_stats WHERE dirty LIMIT 1";

/// The table `popularity`: how far the series of batches is.
#[derive(Debug, Clone)]
pub(crate) struct Popularity {
    store: Store,
    clock: Arc<dyn Clock>,
    series: SeriesId,
}

/// A batch that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Songs in it.
    pub songs: usize,
    /// The last of them by id.
    pub last: SongId,
}

impl Popularity {
    /// # Errors
    /// Never, but for a fault of ours.
    pub(crate) fn new(stats: &Stats, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let series = id(SERIES, SeriesId::from_uuid)?;
        Ok(Self { store: stats.store.clone(), clock, series })
    }

    /// When the last batch was published, by any process.
    pub(crate) async fn last(&self) -> Result<Option<Timestamp>, StoreError> {
        let ask = || async {
            let db = self.store.primary(&self.series.into());
            let values: [Value; 1] = [self.series.uuid().into()];
            let row =
                db.query_one_raw(Statement::from_sql_and_values(self.store.backend(), LAST, values)).await?;
            row.map(|row| Ok(Timestamp(get(&row, "published_at")?))).transpose()
        };
        self.store.read(ask).await
    }

    /// Whether a count has changed since it was last in a batch.
    pub(crate) async fn any(&self) -> Result<bool, StoreError> {
        let ask = || async {
            for primary in self.store.primaries() {
                let statement = Statement::from_string(self.store.backend(), CHANGED);
                if primary.query_one_raw(statement).await?.is_some() {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        self.store.read(ask).await
    }

    /// Publishes the counts of at most `most` songs that have changed, by id after `after`; `None` when there is none.
    ///
    /// Killed before they are marked as published, they are in the next batch again, which does no harm.
    pub(crate) async fn publish(
        &self,
        after: Option<SongId>,
        most: u32,
    ) -> Result<Option<Batch>, StoreError> {
        let rows = self.store.retry(|| self.publish_once(after, most)).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let batch = Batch { songs: rows.len(), last: id(last.song_id, SongId::from_uuid)? };
        self.store.retry(|| self.mark(&rows)).await?;
        Ok(Some(batch))
    }

    async fn publish_once(&self, after: Option<SongId>, most: u32) -> Result<Vec<Model>, StoreError> {
        let now = self.clock.now();
        let mut tx = self.store.begin(self.series.into()).await?;
        let values = [self.series.uuid().into(), now.millis().into()];
        let next = Statement::from_sql_and_values(self.store.backend(), NEXT, values);
        let row = tx.connection().query_one_raw(next).await?;
        let sequence =
            get(&row.ok_or_else(|| StoreError::corrupt("an upsert returned nothing"))?, "sequence")?;
        let mut query = Entity::find()
            .filter(Expr::col(Column::Dirty))
            .order_by_asc(Column::SongId)
            .limit(u64::from(most));
        if let Some(after) = after {
            query = query.filter(Column::SongId.gt(after.uuid()));
        }
        // Under the lock, so that no later batch says something older.
        let rows = query.all(tx.connection()).await?;
        if rows.is_empty() {
            tx.rollback().await?;
            return Ok(rows);
        }
        let counts = rows.iter().map(song_count).collect::<Result<_, _>>()?;
        tx.emit(Outbox::Main, fact::played(self.series, sequence, counts, now)?).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// They are published, but for those that have changed again.
    async fn mark(&self, rows: &[Model]) -> Result<(), StoreError> {
        let songs: Vec<SongId> =
            rows.iter().map(|row| id(row.song_id, SongId::from_uuid)).collect::<Result<_, _>>()?;
        let versions = rows.iter().map(|row| (row.song_id, row.version));
        let versions: std::collections::HashMap<Uuid, i64> = versions.collect();
        for part in self.store.together(&songs) {
            let Some(first) = part.first() else { continue };
            let pairs = part.iter().filter_map(|song| {
                let version = versions.get(&song.uuid())?;
                Some(Expr::tuple([Expr::value(song.uuid()), Expr::value(*version)]))
            });
            let place = Expr::tuple([Expr::col(Column::SongId), Expr::col(Column::Version)]);
            Entity::update_many()
                .col_expr(Column::Dirty, Expr::value(false))
                .filter(Column::SongId.is_in(part.iter().map(|song| song.uuid())))
                .filter(place.is_in(pairs))
                .exec(&self.store.primary(&(*first).into()))
                .await?;
        }
        Ok(())
    }
}

fn song_count(row: &Model) -> Result<SongCount, StoreError> {
    Ok(SongCount {
        song_id: id(row.song_id, SongId::from_uuid)?.to_string(),
        plays: count(row.plays)?,
        skips: count(row.skips)?,
        likes: count(row.likes)?,
    })
}
