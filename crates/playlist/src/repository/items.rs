//! Items of one playlist, within a transaction that holds its header: nobody else moves anything meanwhile.

use crate::{
    Error,
    entity::items::{ActiveModel, Column, Entity, Model},
    order::{COMFORT_BYTES, MOST_BYTES, between},
    record::{ItemRecord, LEAD_ITEMS, PlaylistRecord, lead},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait, prelude::Uuid, sea_query::Expr,
};
use segue_domain::{ItemId, PlaylistId, SongId};
use segue_store::StoreError;

/// Rows of one statement: SQLite takes 32,766 values, PostgreSQL 65,535.
const CHUNK: usize = 500;
/// Items around a spot that are spread anew together: first few of them, so that it takes a millisecond or two, and at
/// last all.
const AROUND: [u64; 3] = [128, 1024, u64::MAX];

/// Where items go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spot {
    First,
    Last,
    Before(ItemId),
    After(ItemId),
}

/// The items of a playlist.
pub(crate) struct Items<'a> {
    db: &'a DatabaseTransaction,
    playlist: PlaylistId,
}

/// Keys next to a spot.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gap {
    low: Option<Vec<u8>>,
    high: Option<Vec<u8>>,
}

impl<'a> Items<'a> {
    pub(crate) fn of(db: &'a DatabaseTransaction, playlist: PlaylistId) -> Self {
        Self { db, playlist }
    }

    /// Puts items at a spot, in order; sets their keys.
    pub(crate) async fn insert(
        &self,
        header: &mut PlaylistRecord,
        items: &mut [ItemRecord],
        spot: Spot,
    ) -> Result<(), Error> {
        let gap = self.gap(spot, None).await?;
        let keys = self.keys(header, spot, gap, None, items.len()).await?;
        for (item, key) in items.iter_mut().zip(keys) {
            item.position = key;
        }
        self.write(items).await?;
        Ok(())
    }

    /// Moves an item; false when it is there already. No other item is written, unless keys have become too long.
    pub(crate) async fn place(
        &self,
        header: &mut PlaylistRecord,
        id: ItemId,
        spot: Spot,
    ) -> Result<bool, Error> {
        let item = self.one(id).await?.ok_or(Error::ItemNotFound(id))?;
        if matches!(spot, Spot::Before(other) | Spot::After(other) if other == id) {
            return Ok(false);
        }
        let gap = self.gap(spot, Some(id)).await?;
        let above = gap.low.as_ref().is_none_or(|low| *low < item.position);
        if above && gap.high.as_ref().is_none_or(|high| *high > item.position) {
            return Ok(false);
        }
        let key = self.keys(header, spot, gap, Some(id), 1).await?.remove(0);
        Entity::update_many()
            .col_expr(Column::Position, Expr::value(key))
            .filter(Column::PlaylistId.eq(self.playlist.uuid()))
            .filter(Column::ItemId.eq(id.uuid()))
            .exec(self.db)
            .await
            .map_err(StoreError::from)?;
        Ok(true)
    }

    /// Removes items; answers with those that were there.
    pub(crate) async fn remove(&self, ids: &[ItemId]) -> Result<Vec<ItemRecord>, StoreError> {
        let named = Column::ItemId.is_in(ids.iter().map(|id| id.uuid()));
        let rows = self.select().filter(named.clone()).all(self.db).await?;
        if !rows.is_empty() {
            self.delete(named).await?;
        }
        records(rows)
    }

    /// Removes all.
    pub(crate) async fn clear(&self) -> Result<(), StoreError> {
        Entity::delete_many().filter(Column::PlaylistId.eq(self.playlist.uuid())).exec(self.db).await?;
        Ok(())
    }

    /// The first of `songs` that is in the playlist.
    pub(crate) async fn any_of(&self, songs: &[SongId]) -> Result<Option<SongId>, StoreError> {
        let wanted = Column::SongId.is_in(songs.iter().map(|song| song.uuid()));
        let found = self.select().filter(wanted).limit(1).one(self.db).await?;
        found.map(|row| SongId::from_uuid(row.song_id).map_err(StoreError::corrupt)).transpose()
    }

    /// Those of the items that are there.
    pub(crate) async fn some(&self, ids: &[ItemId]) -> Result<Vec<ItemRecord>, StoreError> {
        let named = Column::ItemId.is_in(ids.iter().map(|id| id.uuid()));
        records(self.select().filter(named).all(self.db).await?)
    }

    /// Writes what is now known of the duration of an item.
    pub(crate) async fn measure(&self, id: ItemId, duration_ms: u64) -> Result<(), StoreError> {
        let duration = i64::try_from(duration_ms).map_err(StoreError::corrupt)?;
        Entity::update_many()
            .col_expr(Column::DurationMs, Expr::value(duration))
            .filter(Column::PlaylistId.eq(self.playlist.uuid()))
            .filter(Column::ItemId.eq(id.uuid()))
            .exec(self.db)
            .await?;
        Ok(())
    }

    /// Songs that may have the cover.
    pub(crate) async fn lead(&self) -> Result<Vec<SongId>, StoreError> {
        let query = self.select().select_only().column(Column::SongId);
        let query = query.order_by_asc(Column::Position).limit(LEAD_ITEMS);
        let first: Vec<Uuid> = query.into_tuple().all(self.db).await?;
        let songs = first.into_iter().map(|id| SongId::from_uuid(id).map_err(StoreError::corrupt));
        Ok(lead(songs.collect::<Result<Vec<_>, _>>()?.into_iter()))
    }

    /// `n` keys at a spot. Spreads the items around it anew when they would be too long.
    async fn keys(
        &self,
        header: &mut PlaylistRecord,
        spot: Spot,
        mut gap: Gap,
        moving: Option<ItemId>,
        n: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        for around in AROUND {
            let keys = between(gap.low.as_deref(), gap.high.as_deref(), n);
            if longest(&keys) <= MOST_BYTES {
                return Ok(keys);
            }
            if self.spread(&gap, around).await? {
                header.respread += 1;
                gap = self.gap(spot, moving).await?;
            }
        }
        Ok(between(gap.low.as_deref(), gap.high.as_deref(), n))
    }

    /// Gives about `around` items next to a gap new keys at even distances. False when that would not make them short
    /// enough: then more of them have to be spread.
    async fn spread(&self, gap: &Gap, around: u64) -> Result<bool, StoreError> {
        let half = around / 2;
        // One more on each side, which stays where it is.
        let mut below = match &gap.low {
            None => Vec::new(),
            Some(low) => {
                let query = self.select().filter(Column::Position.lte(low.clone()));
                query.order_by_desc(Column::Position).limit(most(half)).all(self.db).await?
            }
        };
        let mut above = match &gap.high {
            None => Vec::new(),
            Some(high) => {
                let query = self.select().filter(Column::Position.gte(high.clone()));
                query.order_by_asc(Column::Position).limit(most(half)).all(self.db).await?
            }
        };
        let low = if below.len() as u64 > half { below.pop().map(|row| row.position) } else { None };
        let high = if above.len() as u64 > half { above.pop().map(|row| row.position) } else { None };
        below.reverse();
        let mut items = records(below.into_iter().chain(above).collect())?;
        let keys = between(low.as_deref(), high.as_deref(), items.len());
        if around != u64::MAX && longest(&keys) > COMFORT_BYTES {
            return Ok(false);
        }
        // Old and new keys may be equal, and a key is there once: all are taken out before any is put back.
        for part in items.chunks(CHUNK) {
            self.delete(Column::ItemId.is_in(part.iter().map(|item| item.id.uuid()))).await?;
        }
        for (item, key) in items.iter_mut().zip(keys) {
            item.position = key;
        }
        self.write(&items).await?;
        metrics::counter!("segue_playlist_respreads_total").increment(1);
        Ok(true)
    }

    /// What is beside a spot, as if the item that is `moving` were not there.
    async fn gap(&self, spot: Spot, moving: Option<ItemId>) -> Result<Gap, Error> {
        let (low, high) = match spot {
            Spot::First => (None, self.after(None, moving).await?),
            Spot::Last => (self.before(None, moving).await?, None),
            Spot::Before(other) => {
                let key = self.one(other).await?.ok_or(Error::ItemNotFound(other))?.position;
                (self.before(Some(&key), moving).await?, Some(key))
            }
            Spot::After(other) => {
                let key = self.one(other).await?.ok_or(Error::ItemNotFound(other))?.position;
                let high = self.after(Some(&key), moving).await?;
                (Some(key), high)
            }
        };
        Ok(Gap { low, high })
    }

    /// The key next above `key`; the first of all without one.
    async fn after(&self, key: Option<&[u8]>, but: Option<ItemId>) -> Result<Option<Vec<u8>>, StoreError> {
        let beyond = key.map(|key| Column::Position.gt(key));
        self.neighbour(beyond, but, sea_orm::Order::Asc).await
    }

    /// The key next below `key`; the last of all without one.
    async fn before(&self, key: Option<&[u8]>, but: Option<ItemId>) -> Result<Option<Vec<u8>>, StoreError> {
        let beyond = key.map(|key| Column::Position.lt(key));
        self.neighbour(beyond, but, sea_orm::Order::Desc).await
    }

    async fn neighbour(
        &self,
        beyond: Option<Expr>,
        but: Option<ItemId>,
        order: sea_orm::Order,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let query = self
            .select()
            .select_only()
            .column(Column::Position)
            .apply_if(beyond, QueryFilter::filter)
            .apply_if(but, |query, but| query.filter(Column::ItemId.ne(but.uuid())))
            .order_by(Column::Position, order)
            .limit(1);
        Ok(query.into_tuple::<Vec<u8>>().one(self.db).await?)
    }

    async fn one(&self, id: ItemId) -> Result<Option<ItemRecord>, StoreError> {
        let row = self.select().filter(Column::ItemId.eq(id.uuid())).one(self.db).await?;
        row.map(ItemRecord::try_from).transpose()
    }

    fn select(&self) -> sea_orm::Select<Entity> {
        select(self.playlist)
    }

    async fn delete(&self, which: Expr) -> Result<(), StoreError> {
        let of = Column::PlaylistId.eq(self.playlist.uuid());
        Entity::delete_many().filter(of).filter(which).exec(self.db).await?;
        Ok(())
    }

    pub(super) async fn write(&self, items: &[ItemRecord]) -> Result<(), StoreError> {
        for part in items.chunks(CHUNK) {
            let rows = part.iter().map(|item| item.row(self.playlist));
            let rows = rows.collect::<Result<Vec<ActiveModel>, _>>()?;
            Entity::insert_many(rows).exec_without_returning(self.db).await?;
        }
        Ok(())
    }
}

/// The items of a playlist, in no order.
pub(super) fn select(playlist: PlaylistId) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::PlaylistId.eq(playlist.uuid()))
}

/// Items after a key, in order; from the first without one.
pub(super) async fn page(
    db: &impl ConnectionTrait,
    playlist: PlaylistId,
    after: Option<&[u8]>,
    size: u64,
) -> Result<Vec<ItemRecord>, StoreError> {
    let query = select(playlist).apply_if(after, |query, key| query.filter(Column::Position.gt(key)));
    records(query.order_by_asc(Column::Position).limit(size).all(db).await?)
}

/// Keys of those of the items that are there.
pub(super) async fn positions(
    db: &impl ConnectionTrait,
    playlist: PlaylistId,
    ids: &[ItemId],
) -> Result<Vec<(ItemId, Vec<u8>)>, StoreError> {
    let query = select(playlist)
        .select_only()
        .columns([Column::ItemId, Column::Position])
        .filter(Column::ItemId.is_in(ids.iter().map(|id| id.uuid())));
    let rows: Vec<(Uuid, Vec<u8>)> = query.into_tuple().all(db).await?;
    rows.into_iter().map(|(id, key)| Ok((ItemId::from_uuid(id).map_err(StoreError::corrupt)?, key))).collect()
}

fn records(rows: Vec<Model>) -> Result<Vec<ItemRecord>, StoreError> {
    rows.into_iter().map(ItemRecord::try_from).collect()
}

fn longest(keys: &[Vec<u8>]) -> usize {
    keys.iter().map(Vec::len).max().unwrap_or(0)
}

/// One more than `half`, within what SQL takes as a limit.
fn most(half: u64) -> u64 {
    Ord::min(half.saturating_add(1), 1 << 40)
}
