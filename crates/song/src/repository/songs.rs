//! Songs by id, and the one function through which every change of a song goes.

use super::{
    cached::{SongRows, follow},
    garbage,
};
use crate::{
    Error,
    entity::songs::{ActiveModel, Column, Entity, Model},
    fact::Fact,
    record::SongRecord,
    transition::Step,
};
use sea_orm::{
    ActiveValue::NotSet, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter,
    QueryResult, Statement, Value, prelude::Uuid,
};
use segue_domain::{Clock, SongId, Timestamp, UserId};
use segue_ports::cache::{Cache, Follow, Records, Source};
use segue_store::{Outbox, Store, StoreError};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Times that a change is tried against others before the caller is told to come back.
const ATTEMPTS: u32 = 20;

/// The table `songs`, behind a cache.
#[derive(Debug, Clone)]
pub(crate) struct Songs {
    store: Store,
    cached: Records<SongRecord>,
    clock: Arc<dyn Clock>,
}

impl Songs {
    pub(crate) fn new(store: Store, cache: &dyn Cache, clock: Arc<dyn Clock>) -> Self {
        let cached = Records::new(cache, SongRows(store.clone()));
        Self { store, cached, clock }
    }

    /// What keeps the cache true to changes by other processes, while it runs.
    pub(crate) fn follow(&self) -> Follow {
        follow(&self.cached)
    }

    /// The song now has this version.
    pub(crate) async fn heard(&self, id: SongId, version: u64) {
        self.cached.invalidate(&id.to_string(), version).await;
    }

    /// The row, which may be a moment old; tombstones too. One older than `at_least` is looked for on the primary.
    pub(crate) async fn find(&self, id: SongId, at_least: u64) -> Result<Option<SongRecord>, Error> {
        let found = self.cached.get(&id.to_string(), at_least).await.map_err(Error::Rows)?;
        Ok(found.map(Arc::unwrap_or_clone))
    }

    /// The row as it was last committed; tombstones too.
    pub(crate) async fn latest(&self, id: SongId) -> Result<Option<SongRecord>, StoreError> {
        self.store.read(|| one(self.store.primary(&id.into()), id)).await
    }

    /// Those of the songs that are there, which may be a moment old; tombstones too.
    pub(crate) async fn find_many(&self, ids: &[SongId]) -> Result<HashMap<SongId, SongRecord>, Error> {
        let names: Vec<String> = ids.iter().map(SongId::to_string).collect();
        let found = self.cached.get_many(&names).await.map_err(Error::Rows)?;
        Ok(found.into_values().map(|song| (song.id, Arc::unwrap_or_clone(song))).collect())
    }

    /// A new song with its SongCreated. [`StoreError::Duplicate`] when the id is taken.
    pub(crate) async fn insert(&self, song: &SongRecord) -> Result<(), StoreError> {
        self.store.retry(|| self.insert_once(song)).await?;
        self.heard(song.id, song.version).await;
        count(Fact::Created);
        Ok(())
    }

    async fn insert_once(&self, song: &SongRecord) -> Result<(), StoreError> {
        let mut tx = self.store.begin(song.id.into()).await?;
        Entity::insert(ActiveModel::try_from(song)?).exec_without_returning(tx.connection()).await?;
        tx.emit(Outbox::Main, Fact::Created.event(song)).await?;
        tx.commit().await
    }

    /// Changes a song: reads it, lets `decide` say what becomes of it, and writes that with its fact and its
    /// garbage in one transaction, if nobody else has changed the row since; else begins again. Answers with the song as it is
    /// then. `decide` sees tombstones.
    pub(crate) async fn change(
        &self,
        id: SongId,
        mut decide: impl FnMut(&SongRecord) -> Result<Step, Error>,
    ) -> Result<SongRecord, Error> {
        let mut tries = self.store.tries();
        let mut attempt = 0;
        while attempt < ATTEMPTS {
            match self.change_once(id, &mut decide).await {
                Ok(Some(song)) => {
                    self.heard(id, song.version).await;
                    return Ok(song);
                }
                Ok(None) => attempt += 1,
                // Nothing was changed: a commit whose answer was lost is no such error.
                Err(Error::Store(error)) if tries.again(&error).await => {}
                Err(error) => return Err(error),
            }
            let pause = Duration::from_millis(u64::from(rand::random_range(0..=attempt * 2)));
            tokio::time::sleep(pause).await;
        }
        Err(Error::Contended)
    }

    /// `None` when somebody else changed the row in between.
    async fn change_once(
        &self,
        id: SongId,
        decide: &mut impl FnMut(&SongRecord) -> Result<Step, Error>,
    ) -> Result<Option<SongRecord>, Error> {
        let before = self.latest(id).await?.ok_or(Error::NotFound(id))?;
        let Step { change, garbage } = decide(&before)?;
        let now = self.clock.now();
        let Some((song, fact)) = change else {
            if !garbage.is_empty() {
                let tx = self.store.begin(id.into()).await?;
                garbage::insert(tx.connection(), &garbage, now).await?;
                tx.commit().await?;
            }
            return Ok(Some(before));
        };
        let mut song = *song;
        song.version = before.version + 1;
        song.updated = now;
        let mut tx = self.store.begin(id.into()).await?;
        // The shard key of a row is never written again.
        let row = ActiveModel { id: NotSet, ..ActiveModel::try_from(&song)? };
        let written = Entity::update_many()
            .set(row)
            .filter(Column::Id.eq(id.uuid()))
            .filter(Column::Version.eq(i64::try_from(before.version).map_err(StoreError::corrupt)?))
            .exec(tx.connection())
            .await
            .map_err(StoreError::from)?;
        if written.rows_affected == 0 {
            tx.rollback().await?;
            return Ok(None);
        }
        garbage::insert(tx.connection(), &garbage, now).await?;
        tx.emit(Outbox::Main, fact.event(&song)).await?;
        tx.commit().await?;
        count(fact);
        Ok(Some(song))
    }

    /// How many of the owner's encodings are on the bus and have not ended.
    pub(crate) async fn running(&self, owner: UserId) -> Result<u64, StoreError> {
        let sql = "SELECT COUNT(*) AS n FROM songs WHERE owner_id = $1 AND state IN ('UPLOADED', 'PROCESSING') \
                   AND released AND deleted_at IS NULL";
        let numbers = self.everywhere(sql, [owner.uuid().into()], |row| row.try_get::<i64>("", "n")).await?;
        Ok(numbers.into_iter().sum::<i64>().unsigned_abs())
    }

    /// Songs and bytes of an owner.
    pub(crate) async fn usage(&self, owner: UserId) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT COUNT(*) AS n, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes FROM songs \
                   WHERE owner_id = $1 AND deleted_at IS NULL";
        let read = |row: &QueryResult| Ok((row.try_get::<i64>("", "n")?, row.try_get::<i64>("", "bytes")?));
        let sums = self.everywhere(sql, [owner.uuid().into()], read).await?;
        Ok(sums
            .iter()
            .fold((0, 0), |(n, b), (songs, bytes)| (n + songs.unsigned_abs(), b + bytes.unsigned_abs())))
    }

    /// The owner's song that has waited longest for its turn.
    pub(crate) async fn waiting(&self, owner: UserId) -> Result<Option<SongId>, StoreError> {
        // The id of the job is a UUIDv7 minted when the song was queued; an edit does not change it.
        let sql = "SELECT id, encoding_id FROM songs WHERE owner_id = $1 AND state = 'UPLOADED' AND NOT released \
                   AND deleted_at IS NULL ORDER BY encoding_id LIMIT 1";
        let read = |row: &QueryResult| Ok((row.try_get::<Uuid>("", "encoding_id")?, row.try_get("", "id")?));
        let waiting = self.everywhere(sql, [owner.uuid().into()], read).await?;
        waiting
            .into_iter()
            .min()
            .map(|(_, id)| SongId::from_uuid(id).map_err(StoreError::corrupt))
            .transpose()
    }

    /// Owners with songs that wait for their turn; at most `most` per shard.
    pub(crate) async fn waiting_owners(&self, most: u32) -> Result<Vec<UserId>, StoreError> {
        let sql = "SELECT DISTINCT owner_id FROM songs WHERE state = 'UPLOADED' AND NOT released \
                   AND deleted_at IS NULL LIMIT $1";
        let owners =
            self.everywhere(sql, [i64::from(most).into()], |row| row.try_get("", "owner_id")).await?;
        owners.into_iter().map(|id| UserId::from_uuid(id).map_err(StoreError::corrupt)).collect()
    }

    /// Songs whose upload began before `start` and is not complete; at most `most` per shard.
    pub(crate) async fn uploading_since(
        &self,
        start: Timestamp,
        most: u32,
    ) -> Result<Vec<SongId>, StoreError> {
        let sql = "SELECT id FROM songs WHERE state = 'CREATED' AND deleted_at IS NULL AND upload_started_at < $1 \
                   ORDER BY upload_started_at LIMIT $2";
        self.ids(sql, [start.millis().into(), i64::from(most).into()]).await
    }

    /// Some songs of an owner; at most `most` per shard.
    pub(crate) async fn of_owner(&self, owner: UserId, most: u32) -> Result<Vec<SongId>, StoreError> {
        let sql = "SELECT id FROM songs WHERE owner_id = $1 AND deleted_at IS NULL LIMIT $2";
        self.ids(sql, [owner.uuid().into(), i64::from(most).into()]).await
    }

    /// Songs after `after` by id, at most `most`; without tombstones.
    pub(crate) async fn after(&self, after: Uuid, most: u32) -> Result<Vec<SongId>, StoreError> {
        let sql = "SELECT id FROM songs WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2";
        let mut ids = self.ids(sql, [after.into(), i64::from(most).into()]).await?;
        // Each shard gave its first ones; the first of all are among them.
        ids.sort_unstable();
        ids.truncate(most as usize);
        Ok(ids)
    }

    async fn ids<const N: usize>(&self, sql: &str, values: [Value; N]) -> Result<Vec<SongId>, StoreError> {
        let ids = self.everywhere(sql, values, |row| row.try_get("", "id")).await?;
        ids.into_iter().map(|id| SongId::from_uuid(id).map_err(StoreError::corrupt)).collect()
    }

    /// Asks every shard. Only for what spans songs: shares, quotas and sweeps.
    async fn everywhere<T, const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
        read: impl Fn(&QueryResult) -> Result<T, DbErr>,
    ) -> Result<Vec<T>, StoreError> {
        let ask = || async {
            let mut all = Vec::new();
            for primary in self.store.primaries() {
                let statement = Statement::from_sql_and_values(self.store.backend(), sql, values.clone());
                for row in primary.query_all_raw(statement).await? {
                    all.push(read(&row)?);
                }
            }
            Ok(all)
        };
        self.store.read(ask).await
    }
}

/// Rows of songs, with one query per database, whatever the topology.
pub(super) async fn load(store: &Store, ids: &[SongId], from: Source) -> Result<Vec<SongRecord>, StoreError> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in store.together(ids) {
        let shard = ids[0].into();
        let query = Entity::find().filter(Column::Id.is_in(ids.iter().map(|id| id.uuid())));
        let read = || async {
            let db = match from {
                Source::Replica => store.reader(&shard),
                Source::Primary => store.primary(&shard),
            };
            Ok(query.clone().all(&db).await?)
        };
        for row in store.read(read).await? {
            found.push(SongRecord::try_from(row)?);
        }
    }
    Ok(found)
}

pub(super) async fn one(db: DatabaseConnection, id: SongId) -> Result<Option<SongRecord>, StoreError> {
    let row: Option<Model> = Entity::find_by_id(id.uuid()).one(&db).await?;
    row.map(SongRecord::try_from).transpose()
}

fn count(fact: Fact) {
    metrics::counter!("segue_song_changes_total", "type" => fact.topic()).increment(1);
}
