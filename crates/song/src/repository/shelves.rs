//! Albums and artists with the songs on them: one transaction per shelf, whoever writes.

mod read;
pub(super) mod tables;

use crate::{
    Error,
    repository::cached_shelves::{ShelfRows, follow},
    shelf::{Entry, Kind, Shelf, ShelfRecord, Total, View},
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Statement, Value};
use segue_domain::{Clock, SongId, UserId, Visibility};
use segue_ports::cache::{Cache, Follow, Records};
use segue_store::{Outbox, Store, StoreError};
use std::{collections::HashMap, sync::Arc, time::Duration};

pub(super) use read::{headers, one};

/// Times that a change is tried against others before it is put off.
const ATTEMPTS: u32 = 20;

/// The tables `albums`, `album_songs`, `artists` and `artist_songs`, behind a cache.
#[derive(Debug, Clone)]
pub(crate) struct Shelves {
    store: Store,
    cached: Records<ShelfRecord>,
    clock: Arc<dyn Clock>,
}

/// That a song stands on a shelf, or does not any more, since version `sequence` of the song.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing<'a> {
    pub shelf: Shelf,
    /// Of the shelf.
    pub owner: UserId,
    pub song: SongId,
    pub sequence: u64,
    pub entry: Option<&'a Entry>,
}

impl Shelves {
    pub(crate) fn new(store: Store, cache: &dyn Cache, clock: Arc<dyn Clock>) -> Self {
        let cached = Records::new(cache, ShelfRows(store.clone()));
        Self { store, cached, clock }
    }

    /// What keeps the cache true to changes by other processes, while it runs.
    pub(crate) fn follow(&self) -> Follow {
        follow(&self.cached)
    }

    /// The header, which may be a moment old.
    pub(crate) async fn find(&self, shelf: Shelf) -> Result<Option<ShelfRecord>, Error> {
        let found = self.cached.get(&shelf.to_string(), 0).await.map_err(Error::Rows)?;
        Ok(found.map(Arc::unwrap_or_clone))
    }

    /// Those of the headers that are there, which may be a moment old.
    pub(crate) async fn find_many(&self, shelves: &[Shelf]) -> Result<HashMap<Shelf, ShelfRecord>, Error> {
        let names: Vec<String> = shelves.iter().map(Shelf::to_string).collect();
        let found = self.cached.get_many(&names).await.map_err(Error::Rows)?;
        Ok(found.into_values().map(|header| (header.shelf, Arc::unwrap_or_clone(header))).collect())
    }

    /// Puts a song on a shelf or takes it off, unless this or something newer was done before; sums the shelf up again, and
    /// tells of it when anybody can see a difference. Answers with the header as it is then.
    pub(crate) async fn stand(&self, standing: Standing<'_>) -> Result<ShelfRecord, Error> {
        let mut tries = self.store.tries();
        let mut attempt = 0;
        while attempt < ATTEMPTS {
            match self.stand_once(standing).await {
                Ok(Some(header)) => {
                    self.cached.invalidate(&header.shelf.to_string(), header.version).await;
                    return Ok(header);
                }
                Ok(None) => attempt += 1,
                Err(error) if tries.again(&error).await => {}
                Err(error) => return Err(error.into()),
            }
            let pause = Duration::from_millis(u64::from(rand::random_range(0..=attempt * 2)));
            tokio::time::sleep(pause).await;
        }
        Err(Error::Contended)
    }

    /// `None` when somebody else wrote the header in between.
    async fn stand_once(&self, standing: Standing<'_>) -> Result<Option<ShelfRecord>, StoreError> {
        let shelf = standing.shelf;
        let before = self.store.read(|| one(self.store.primary(&shelf.into()), shelf)).await?;
        let mut tx = self.store.begin(shelf.into()).await?;
        let entered = tables::enter(&standing)?;
        let newer = self.run(tx.connection(), entered).await? > 0;
        if let (false, Some(before)) = (newer, &before) {
            tx.rollback().await?;
            return Ok(Some(before.clone()));
        }
        let (for_owner, for_others) = self.views(tx.connection(), shelf).await?;
        let now = self.clock.now();
        let old = before.clone().unwrap_or_else(|| ShelfRecord {
            shelf,
            owner: standing.owner,
            revision: 0,
            version: 0,
            visibility: Visibility::Private,
            for_owner: View::default(),
            for_others: View::default(),
            created: now,
        });
        let (visibility, for_owner) = for_owner;
        // Who takes a song off may be its next owner.
        let owner = if standing.entry.is_some() { standing.owner } else { old.owner };
        let mut next = ShelfRecord {
            owner,
            visibility,
            for_owner,
            for_others,
            revision: old.revision + 1,
            ..old.clone()
        };
        let seen =
            |header: &ShelfRecord| (header.visibility, header.for_owner.clone(), header.for_others.clone());
        let changed = seen(&old) != seen(&next);
        next.version += u64::from(changed);
        let written = match before {
            None => tables::insert(&next)?,
            Some(_) => tables::update(&next, old.revision)?,
        };
        if self.run(tx.connection(), written).await? == 0 {
            tx.rollback().await?;
            return Ok(None);
        }
        if changed {
            tx.emit(Outbox::Main, next.event(now)).await?;
        }
        tx.commit().await?;
        Ok(Some(next))
    }

    /// What the owner sees, with the widest visibility, and what others see.
    async fn views(
        &self,
        tx: &DatabaseTransaction,
        shelf: Shelf,
    ) -> Result<((Visibility, View), View), StoreError> {
        let totals = read::totals(tx, self.store.backend(), shelf).await?;
        let public = |total: &&Total| total.visibility == Visibility::Public;
        let cover = read::first_cover(tx, self.store.backend(), shelf, false).await?;
        let for_owner = View::of(shelf.kind(), totals.iter(), cover);
        let cover = match totals.iter().any(|total| public(&total)) {
            true => read::first_cover(tx, self.store.backend(), shelf, true).await?,
            false => None,
        };
        let for_others = View::of(shelf.kind(), totals.iter().filter(public), cover);
        let widest = totals.iter().map(|total| total.visibility).max_by_key(|v| wideness(*v));
        Ok(((widest.unwrap_or(Visibility::Private), for_owner), for_others))
    }

    async fn run(&self, tx: &DatabaseTransaction, sql: (String, Vec<Value>)) -> Result<u64, DbErr> {
        let statement = Statement::from_sql_and_values(self.store.backend(), sql.0, sql.1);
        Ok(tx.execute_raw(statement).await?.rows_affected())
    }

    /// Headers of one kind after `after` by id, at most `size`, of every owner; those that are gone left out.
    pub(crate) async fn all_after(
        &self,
        kind: Kind,
        after: Option<Shelf>,
        size: u32,
    ) -> Result<Vec<ShelfRecord>, StoreError> {
        self.store.read(|| read::all_after(&self.store, kind, after, size)).await
    }
}

fn wideness(visibility: Visibility) -> u8 {
    match visibility {
        Visibility::Private => 0,
        Visibility::Unlisted => 1,
        Visibility::Public => 2,
    }
}
